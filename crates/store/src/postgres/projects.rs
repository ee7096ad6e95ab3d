//! Projects, their services, and the newest shipyard of each.

use std::sync::Arc;

use jiff::Timestamp;
use postgres::Row;
use tidegate_core::names::{CommitId, ProjectName, ServiceName};

use crate::codec::{damaged, micros, time};
use crate::contract::StoreError;
use crate::query::{Page, ServiceRow};
use crate::rows::ProjectRow;

use super::list::{self, Conditions, List};
use super::nul;
use super::session::{Session, get};

/// Whether there is such a project.
pub(super) fn exists(session: &Session, name: &ProjectName) -> Result<bool, StoreError> {
    let row = session.first("SELECT FROM project WHERE name = $1", &[&name.as_str()])?;
    Ok(row.is_some())
}

/// Reads the name of a project from a column.
pub(super) fn name(row: &Row, column: usize) -> Result<ProjectName, StoreError> {
    let text: &str = get(row, column)?;
    ProjectName::new(text).map_err(|error| damaged(format!("project {text}"), &error))
}

/// Makes a project.
pub(super) fn insert(session: &Session, row: &ProjectRow) -> Result<(), StoreError> {
    session.execute(
        "INSERT INTO project (name, created, commit_id, shipyard) VALUES ($1, $2, $3, $4)",
        &[
            &row.name.as_str(),
            &micros(row.created),
            &row.commit.as_str(),
            &nul::kept(&row.shipyard),
        ],
    )?;
    Ok(())
}

/// Replaces the shipyard; false where there is no such project.
pub(super) fn set_shipyard(
    session: &Session,
    project: &ProjectName,
    commit: &CommitId,
    text: &str,
) -> Result<bool, StoreError> {
    if project.is_unmapped() {
        return Ok(false);
    }
    let changed = session.execute(
        "UPDATE project SET commit_id = $2, shipyard = $3 WHERE name = $1",
        &[&project.as_str(), &commit.as_str(), &nul::kept(text)],
    )?;
    Ok(changed == 1)
}

/// Names the SLI provider; false where there is no such project.
pub(super) fn set_sli_provider(
    session: &Session,
    project: &ProjectName,
    provider: &str,
) -> Result<bool, StoreError> {
    if project.is_unmapped() {
        return Ok(false);
    }
    let sql = "UPDATE project SET sli_provider = $2 WHERE name = $1";
    Ok(session.execute(sql, &[&project.as_str(), &provider])? == 1)
}

/// The newest entry of the log and, but for the reserved project, the newest shipyard.
pub(super) type Head = (u64, Option<(CommitId, String)>);

/// What a step needs to know about a project.
pub(super) fn head(session: &Session, name: &ProjectName) -> Result<Option<Head>, StoreError> {
    let sql =
        "SELECT coalesce((SELECT max(n) FROM event WHERE project = $1), 0), commit_id, shipyard
               FROM project WHERE name = $1";
    let Some(row) = session.first(sql, &[&name.as_str()])? else { return Ok(None) };
    let last = crate::codec::unsigned(get(&row, 0)?);
    let commit: Option<&str> = get(&row, 1)?;
    let what = || format!("table project, name {name}");
    let shipyard = commit.map(|commit| {
        let commit = CommitId::new(commit).map_err(|error| damaged(what(), &error))?;
        let text: Option<String> = get(&row, 2)?;
        Ok::<_, StoreError>((commit, nul::original(text.unwrap_or_default(), what)?))
    });
    Ok(Some((last, shipyard.transpose()?)))
}

const COLUMNS: &str = "name, created, commit_id, shipyard, sli_provider";

fn read(row: &Row) -> Result<ProjectRow, StoreError> {
    let name = name(row, 0)?;
    let what = || format!("table project, name {name}");
    let (commit, text): (Option<&str>, Option<String>) = (get(row, 2)?, get(row, 3)?);
    let shipyard = nul::original(text.unwrap_or_default(), what)?;
    Ok(ProjectRow {
        created: time(get(row, 1)?, &what())?,
        shipyard: Arc::from(shipyard),
        commit: CommitId::new(commit.unwrap_or_default())
            .map_err(|error| damaged(what(), &error))?,
        sli_provider: get(row, 4)?,
        name,
    })
}

/// One project; the reserved one is never shown.
pub(super) fn one(session: &Session, name: &ProjectName) -> Result<Option<ProjectRow>, StoreError> {
    if name.is_unmapped() {
        return Ok(None);
    }
    let sql = format!("SELECT {COLUMNS} FROM project WHERE name = $1");
    list::one(session, &sql, &[&name.as_str()], read)
}

/// Projects by name.
pub(super) fn all(session: &Session, page: (u64, u64)) -> Result<Page<ProjectRow>, StoreError> {
    let mut conditions = Conditions::default();
    conditions.bind("name <> ?", ProjectName::unmapped().as_str().to_owned());
    let list = List { columns: COLUMNS, source: "project", join: "", conditions, order: "name" };
    list.page(session, page, read)
}

/// Makes a service; false where it is there already.
pub(super) fn insert_service(
    session: &Session,
    project: &ProjectName,
    service: &ServiceName,
    created: Timestamp,
) -> Result<bool, StoreError> {
    let changed = session.execute(
        "INSERT INTO service (project, name, created) VALUES ($1, $2, $3)
         ON CONFLICT (project, name) DO NOTHING",
        &[&project.as_str(), &service.as_str(), &micros(created)],
    )?;
    Ok(changed == 1)
}

/// Removes a service.
pub(super) fn remove_service(
    session: &Session,
    project: &ProjectName,
    service: &ServiceName,
) -> Result<(), StoreError> {
    let sql = "DELETE FROM service WHERE project = $1 AND name = $2";
    session.execute(sql, &[&project.as_str(), &service.as_str()]).map(drop)
}

/// Whether a service is there.
pub(super) fn has_service(
    session: &Session,
    project: &ProjectName,
    service: &ServiceName,
) -> Result<bool, StoreError> {
    let sql = "SELECT FROM service WHERE project = $1 AND name = $2";
    Ok(session.first(sql, &[&project.as_str(), &service.as_str()])?.is_some())
}

/// The services of a project, by name.
pub(super) fn services(
    session: &Session,
    project: &ProjectName,
) -> Result<Vec<ServiceRow>, StoreError> {
    let sql = "SELECT name, created FROM service WHERE project = $1 ORDER BY name";
    list::all(session, sql, &[&project.as_str()], |row| {
        let name: &str = get(row, 0)?;
        let what = format!("table service, name {name}");
        Ok(ServiceRow {
            name: ServiceName::new(name).map_err(|error| damaged(&what, &error))?,
            created: time(get(row, 1)?, &what)?,
        })
    })
}
