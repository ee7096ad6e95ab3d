//! A copy of the database, made while a server may be writing to it.

use std::fs::File;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use rusqlite::Connection;
use tidegate_core::names::ProjectName;

use crate::contract::StoreError;
use crate::rows::Intent;

use super::codec::{damaged, from_json};
use super::keys::UNMAPPED;
use super::migrate::{self, MIGRATIONS};
use super::{open, tail};

/// What a copy holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copied {
    /// The version of its schema.
    pub schema: usize,
    /// Its projects, whose repositories belong to it.
    pub projects: Vec<ProjectName>,
    /// Projects that were just being created; their repositories may be there or not.
    pub unfinished: Vec<ProjectName>,
    /// Entries of the log.
    pub events: u64,
    /// Executions.
    pub executions: u64,
    /// Approvals.
    pub approvals: u64,
}

/// Whether a copy is made of a store that has lost commits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loss {
    /// It is refused.
    Refused,
    /// What comes before the loss is copied.
    Accepted,
}

/// Copies the store in `dir` to a new database in `to`, an existing directory. The copy is one state
/// of the store, holds everything that was acknowledged before the call, and is synced.
///
/// # Errors
/// There is no store, it was written by a newer version, a page of it cannot be read, or it has lost
/// commits and `loss` does not accept that.
pub fn backup(dir: &Path, to: &Path, loss: Loss) -> Result<Copied, StoreError> {
    let (file, copy) = (dir.join(open::FILE), to.join(open::FILE));
    let tail = tail::of_live(&file).map_err(io("read the write-ahead log of", &file))?;
    if loss == Loss::Refused {
        open::refuse_loss(&file, tail)?;
    }
    let connection = open::existing(&file)?;
    migrate::refuse_newer(&connection, &file, MIGRATIONS.len())?;
    let target = copy.to_str().ok_or_else(|| StoreError::Io {
        what: format!("write {}", copy.display()),
        source: std::io::Error::other("its path is not UTF-8"),
    })?;
    // SQLite fills a file that is there and empty.
    let made = File::options().write(true).create_new(true).mode(open::MODE).open(&copy);
    let made = made.map_err(io("make", &copy))?;
    // Nothing is written to the store itself: the connection could not.
    connection.execute_batch("PRAGMA query_only = OFF")?;
    connection.execute("VACUUM INTO ?1", [target]).map_err(|error| open::named(error, &file))?;
    made.sync_all().map_err(io("sync", &copy))?;
    contents(&copy)
}

/// Checks that SQLite finds nothing wrong with a database that [`backup`] made, and that this version
/// can open it.
///
/// # Errors
/// It is damaged, or newer.
pub fn verify(dir: &Path) -> Result<(), StoreError> {
    let file = dir.join(open::FILE);
    let connection = open::existing(&file)?;
    migrate::refuse_newer(&connection, &file, MIGRATIONS.len())?;
    let said: String = connection
        .query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))
        .map_err(|error| open::named(error, &file))?;
    if said == "ok" {
        return Ok(());
    }
    Err(damaged(file.display().to_string(), &said.replace('\n', "; ")))
}

fn contents(file: &Path) -> Result<Copied, StoreError> {
    let connection = open::existing(file)?;
    let count = |table: &str| {
        let sql = format!("SELECT count(*) FROM {table}");
        connection.query_row(&sql, [], |row| row.get(0).map(i64::unsigned_abs))
    };
    Ok(Copied {
        schema: migrate::version(&connection)?,
        projects: projects(&connection)?,
        unfinished: unfinished(&connection)?,
        events: count("event")?,
        executions: count("execution")?,
        approvals: count("approval")?,
    })
}

fn projects(connection: &Connection) -> Result<Vec<ProjectName>, StoreError> {
    let mut statement =
        connection.prepare("SELECT id, name FROM project WHERE id <> ?1 ORDER BY name")?;
    let mut rows = statement.query([UNMAPPED.0])?;
    let mut projects = Vec::new();
    while let Some(row) = rows.next()? {
        let id: i64 = row.get(0)?;
        let name = ProjectName::new(row.get::<_, String>(1)?);
        projects.push(name.map_err(|error| damaged(format!("table project, id {id}"), &error))?);
    }
    Ok(projects)
}

fn unfinished(connection: &Connection) -> Result<Vec<ProjectName>, StoreError> {
    let mut statement = connection.prepare("SELECT id, body FROM intent")?;
    let mut rows = statement.query([])?;
    let mut projects = Vec::new();
    while let Some(row) = rows.next()? {
        let (id, body): (i64, String) = (row.get(0)?, row.get(1)?);
        if let Intent::CreateProject(new) = from_json(&body, || format!("table intent, id {id}"))? {
            projects.push(new.name);
        }
    }
    Ok(projects)
}

fn io(doing: &'static str, file: &Path) -> impl FnOnce(std::io::Error) -> StoreError {
    let what = format!("{doing} {}", file.display());
    move |source| StoreError::Io { what, source }
}
