//! Projects, their services, and the newest shipyard of each.

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tidegate_core::names::{CommitId, ProjectName, ServiceName};

use crate::contract::StoreError;
use crate::query::ServiceRow;
use crate::rows::ProjectRow;

use super::table::{Key, Rows, Table};
use super::transaction::Transaction;

#[derive(Serialize, Deserialize)]
struct Project {
    name: ProjectName,
    created: Timestamp,
    shipyard: Arc<str>,
    commit: CommitId,
    sli_provider: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct Service {
    name: ServiceName,
    created: Timestamp,
}

fn key(name: &ProjectName) -> Key {
    Key::new().text(name.as_str())
}

/// One project; the reserved one has no row.
pub(super) fn one(rows: &Rows, name: &ProjectName) -> Result<Option<ProjectRow>, StoreError> {
    Ok(rows.get::<Project>(Table::Project, &key(name))?.map(ProjectRow::from))
}

impl From<Project> for ProjectRow {
    fn from(Project { name, created, shipyard, commit, sli_provider }: Project) -> Self {
        Self { name, created, shipyard, commit, sli_provider }
    }
}

/// Whether rows may belong to this project.
pub(super) fn is_there(rows: &Rows, name: &ProjectName) -> bool {
    name.is_unmapped() || rows.text(Table::Project, &key(name)).is_some()
}

/// By name.
pub(super) fn all(rows: &Rows) -> Result<Vec<ProjectRow>, StoreError> {
    let found: Vec<Project> = rows.all(Table::Project, &Key::new())?;
    Ok(found.into_iter().map(ProjectRow::from).collect())
}

/// Makes a project.
pub(super) fn insert(rows: &mut Transaction, row: ProjectRow) -> Result<(), StoreError> {
    let ProjectRow { name, created, shipyard, commit, sli_provider } = row;
    let row = Project { name: name.clone(), created, shipyard, commit, sli_provider };
    rows.put(Table::Project, &key(&name), &row)
}

/// Names the SLI provider; false where there is no such project.
pub(super) fn set_sli_provider(
    rows: &mut Transaction,
    name: &ProjectName,
    provider: &str,
) -> Result<bool, StoreError> {
    let Some(row) = one(rows, name)? else { return Ok(false) };
    insert(rows, ProjectRow { sli_provider: Some(provider.to_owned()), ..row })?;
    Ok(true)
}

/// Replaces the shipyard; false where there is no such project.
pub(super) fn set_shipyard(
    rows: &mut Transaction,
    name: &ProjectName,
    commit: &CommitId,
    text: &str,
) -> Result<bool, StoreError> {
    let Some(row) = one(rows, name)? else { return Ok(false) };
    let (commit, shipyard) = (commit.clone(), Arc::from(text));
    insert(rows, ProjectRow { commit, shipyard, ..row })?;
    Ok(true)
}

fn service_key(project: &ProjectName, service: &ServiceName) -> Key {
    key(project).text(service.as_str())
}

/// Makes a service; false where it is there already.
pub(super) fn insert_service(
    rows: &mut Transaction,
    project: &ProjectName,
    service: &ServiceName,
    created: Timestamp,
) -> Result<bool, StoreError> {
    if has_service(rows, project, service) {
        return Ok(false);
    }
    let row = Service { name: service.clone(), created };
    rows.put(Table::Service, &service_key(project, service), &row)?;
    Ok(true)
}

/// Removes a service.
pub(super) fn remove_service(rows: &mut Transaction, project: &ProjectName, service: &ServiceName) {
    rows.remove(Table::Service, &service_key(project, service));
}

/// Whether a service is there.
pub(super) fn has_service(rows: &Rows, project: &ProjectName, service: &ServiceName) -> bool {
    rows.text(Table::Service, &service_key(project, service)).is_some()
}

/// The services of a project, by name.
pub(super) fn services(rows: &Rows, project: &ProjectName) -> Result<Vec<ServiceRow>, StoreError> {
    let found: Vec<Service> = rows.all(Table::Service, &key(project))?;
    Ok(found.into_iter().map(|Service { name, created }| ServiceRow { name, created }).collect())
}
