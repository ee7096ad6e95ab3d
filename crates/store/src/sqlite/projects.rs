//! Projects, their services, and the newest shipyard of each.

use std::sync::Arc;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Row};
use tidegate_core::names::{CommitId, ProjectName, ServiceName};

use crate::contract::StoreError;
use crate::query::{Page, ServiceRow};
use crate::rows::ProjectRow;

use super::codec::{damaged, micros, time};
use super::keys::{ProjectId, UNMAPPED};
use super::list::{Conditions, List};

/// The number of a project.
pub(super) fn id(
    connection: &Connection,
    name: &ProjectName,
) -> Result<Option<ProjectId>, StoreError> {
    let mut statement = connection.prepare_cached("SELECT id FROM project WHERE name = ?1")?;
    Ok(statement.query_row([name.as_str()], |row| row.get(0).map(ProjectId)).optional()?)
}

/// The name of a project.
pub(super) fn name(connection: &Connection, id: ProjectId) -> Result<ProjectName, StoreError> {
    let text: Option<String> = connection
        .prepare_cached("SELECT name FROM project WHERE id = ?1")?
        .query_row([id.0], |row| row.get(0))
        .optional()?;
    let what = || format!("table project, id {}", id.0);
    let text = text.ok_or_else(|| damaged(what(), "rows of it are there, and it is not"))?;
    ProjectName::new(text).map_err(|error| damaged(what(), &error))
}

/// Makes a project.
pub(super) fn insert(connection: &Connection, row: &ProjectRow) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "INSERT INTO project (name, created, commit_id, shipyard) VALUES (?1, ?2, ?3, ?4)",
        )?
        .execute((row.name.as_str(), micros(row.created), row.commit.as_str(), &*row.shipyard))?;
    Ok(())
}

/// Replaces the shipyard; false where there is no such project.
pub(super) fn set_shipyard(
    connection: &Connection,
    project: &ProjectName,
    commit: &CommitId,
    text: &str,
) -> Result<bool, StoreError> {
    let changed = connection
        .prepare_cached(
            "UPDATE project SET commit_id = ?2, shipyard = ?3 WHERE name = ?1 AND id <> 0",
        )?
        .execute((project.as_str(), commit.as_str(), text))?;
    Ok(changed == 1)
}

/// Names the SLI provider; false where there is no such project.
pub(super) fn set_sli_provider(
    connection: &Connection,
    project: &ProjectName,
    provider: &str,
) -> Result<bool, StoreError> {
    let changed = connection
        .prepare_cached("UPDATE project SET sli_provider = ?2 WHERE name = ?1 AND id <> 0")?
        .execute((project.as_str(), provider))?;
    Ok(changed == 1)
}

/// The commit of the newest shipyard; none for the reserved project.
pub(super) fn commit(
    connection: &Connection,
    project: ProjectId,
) -> Result<Option<CommitId>, StoreError> {
    let text: Option<String> = connection
        .prepare_cached("SELECT commit_id FROM project WHERE id = ?1")?
        .query_row([project.0], |row| row.get(0))?;
    let what = || format!("table project, id {}", project.0);
    text.map(|text| CommitId::new(&text).map_err(|error| damaged(what(), &error))).transpose()
}

/// The text of the newest shipyard.
pub(super) fn shipyard(connection: &Connection, project: ProjectId) -> Result<String, StoreError> {
    let mut statement =
        connection.prepare_cached("SELECT coalesce(shipyard, '') FROM project WHERE id = ?1")?;
    Ok(statement.query_row([project.0], |row| row.get(0))?)
}

const COLUMNS: &str =
    "name, created, coalesce(commit_id, ''), coalesce(shipyard, ''), sli_provider";

fn read(row: &Row<'_>) -> Result<ProjectRow, StoreError> {
    let name: String = row.get(0)?;
    let what = format!("table project, name {name}");
    let shipyard: String = row.get(3)?;
    Ok(ProjectRow {
        name: ProjectName::new(&name).map_err(|error| damaged(&what, &error))?,
        created: time(row.get(1)?, &what)?,
        shipyard: Arc::from(shipyard),
        commit: CommitId::new(&row.get::<_, String>(2)?).map_err(|error| damaged(&what, &error))?,
        sli_provider: row.get(4)?,
    })
}

/// One project; the reserved one is never shown.
pub(super) fn one(
    connection: &Connection,
    name: &ProjectName,
) -> Result<Option<ProjectRow>, StoreError> {
    if name.is_unmapped() {
        return Ok(None);
    }
    let mut statement =
        connection.prepare_cached(&format!("SELECT {COLUMNS} FROM project WHERE name = ?1"))?;
    let mut rows = statement.query([name.as_str()])?;
    rows.next()?.map(read).transpose()
}

/// Projects by name.
pub(super) fn all(
    connection: &Connection,
    page: (u64, u64),
) -> Result<Page<ProjectRow>, StoreError> {
    let mut conditions = Conditions::default();
    conditions.bind("id <> ?", UNMAPPED.0);
    let list = List { columns: COLUMNS, source: "project", join: "", conditions, order: "name" };
    list.page(connection, None, page, read)
}

/// Makes a service; false where it is there already.
pub(super) fn insert_service(
    connection: &Connection,
    project: ProjectId,
    service: &ServiceName,
    created: Timestamp,
) -> Result<bool, StoreError> {
    let changed = connection
        .prepare_cached(
            "INSERT INTO service (project, name, created) VALUES (?1, ?2, ?3)
             ON CONFLICT (project, name) DO NOTHING",
        )?
        .execute((project.0, service.as_str(), micros(created)))?;
    Ok(changed == 1)
}

/// Removes a service.
pub(super) fn remove_service(
    connection: &Connection,
    project: ProjectId,
    service: &ServiceName,
) -> Result<(), StoreError> {
    connection
        .prepare_cached("DELETE FROM service WHERE project = ?1 AND name = ?2")?
        .execute((project.0, service.as_str()))?;
    Ok(())
}

/// Whether a service is there.
pub(super) fn has_service(
    connection: &Connection,
    project: ProjectId,
    service: &ServiceName,
) -> Result<bool, StoreError> {
    let mut statement =
        connection.prepare_cached("SELECT 1 FROM service WHERE project = ?1 AND name = ?2")?;
    Ok(statement.exists((project.0, service.as_str()))?)
}

/// The services of a project, by name.
pub(super) fn services(
    connection: &Connection,
    project: ProjectId,
) -> Result<Vec<ServiceRow>, StoreError> {
    let mut statement = connection
        .prepare_cached("SELECT name, created FROM service WHERE project = ?1 ORDER BY name")?;
    let mut rows = statement.query([project.0])?;
    let mut services = Vec::new();
    while let Some(row) = rows.next()? {
        let name: String = row.get(0)?;
        let what = format!("table service, name {name}");
        services.push(ServiceRow {
            name: ServiceName::new(&name).map_err(|error| damaged(&what, &error))?,
            created: time(row.get(1)?, &what)?,
        });
    }
    Ok(services)
}
