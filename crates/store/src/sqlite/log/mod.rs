//! The log: what was accepted, in order, each entry with a checksum.

mod list;
mod said;

use rusqlite::{Connection, OptionalExtension as _, Row};
use tidegate_core::event::{Event, text};
use tidegate_core::names::{ContextId, EventId, ProjectName};
use tidegate_core::sequence::{Disposition, LogEntry};

use crate::codes;
use crate::contract::StoreError;
use crate::query::LogRow;

use super::codec::{damaged, micros, signed};
use super::keys::{ProjectId, n_of};
use super::projects;
use super::tally::{self, Tally};
use super::words::Numbers;

#[cfg(test)]
pub(super) use list::list;
pub(super) use list::page;
#[cfg(test)]
pub(super) use said::newest_sql as newest_said;
pub(super) use said::said;

/// The number of a project's newest entry; 0 before the first.
pub(super) fn last(connection: &Connection, project: ProjectId) -> Result<u64, StoreError> {
    let key: Option<i64> = connection
        .prepare_cached(LAST)?
        .query_row([project.first(), project.last()], |row| row.get(0))
        .optional()?;
    Ok(key.map_or(0, n_of))
}

pub(super) const LAST: &str =
    "SELECT key FROM event WHERE key BETWEEN ?1 AND ?2 ORDER BY key DESC LIMIT 1";

/// Appends events of a change that no step makes. All of them count.
pub(super) fn append_events(
    connection: &Connection,
    numbers: &Numbers,
    project: &ProjectName,
    events: &[Event],
) -> Result<(), StoreError> {
    let id = numbers.own_project(connection, project)?;
    for event in events {
        let entry = LogEntry {
            n: numbers.newest(connection, id)? + 1,
            project: project.clone(),
            event: event.clone(),
            disposition: Disposition::Accepted,
            reason: None,
        };
        append(connection, numbers, &entry)?;
    }
    Ok(())
}

/// Appends one entry. Its number must follow the newest one's.
pub(super) fn append(
    connection: &Connection,
    numbers: &Numbers,
    entry: &LogEntry,
) -> Result<(), StoreError> {
    let LogEntry { n, project, event, disposition, reason } = entry;
    let id = numbers.own_project(connection, project)?;
    let newest = numbers.newest(connection, id)?;
    if *n != newest + 1 {
        let why = format!("entry {n} cannot follow entry {newest}");
        return Err(damaged(format!("log of project {project}"), &why));
    }
    let key = id.key(*n)?;
    let body = event.to_json();
    let word = |text: &str| numbers.word(connection, text);
    let scope = |field: &str| match text(&event.data, field) {
        "" => Ok(None),
        text => word(text).map(Some),
    };
    let reason = reason.as_deref();
    let code = i64::from(codes::disposition(*disposition));
    let first = codes::is_listed(*disposition) && !numbers.list(connection, id, event.context)?;
    connection
        .prepare_cached(
            "INSERT INTO event (key, id, context, kind, stage, service, source, time, disposition,
                                first, checksum, reason, body)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
        )?
        .execute((
            key,
            event.id.as_bytes(),
            event.context.as_bytes(),
            word(event.kind.as_str())?,
            scope("stage")?,
            scope("service")?,
            word(&event.source)?,
            micros(event.time),
            code,
            first,
            checksum(key, code, reason, &body),
            reason,
            &body,
        ))?;
    numbers.appended(id, *n);
    if !codes::is_listed(*disposition) {
        tally::add(connection, id, Tally::Unlisted, 1)?;
    }
    Ok(())
}

pub(super) fn has_listed(
    connection: &Connection,
    project: ProjectId,
    context: ContextId,
) -> Result<bool, StoreError> {
    let mut statement = connection.prepare_cached(HAS_LISTED)?;
    Ok(statement.exists((context.as_bytes(), project.first(), project.last()))?)
}

pub(super) const HAS_LISTED: &str =
    "SELECT 1 FROM event WHERE context = ?1 AND key BETWEEN ?2 AND ?3 AND disposition < 2 LIMIT 1";

/// Over everything that a reader is told; the other columns are copies that only serve searching.
fn checksum(key: i64, disposition: i64, reason: Option<&str>, body: &str) -> i64 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&key.to_le_bytes());
    hasher.update(&disposition.to_le_bytes());
    // The length tells an absent reason from an empty one, and where the body begins.
    hasher.update(&reason.map_or(-1, |reason| signed(reason.len() as u64)).to_le_bytes());
    hasher.update(reason.unwrap_or_default().as_bytes());
    hasher.update(body.as_bytes());
    i64::from(hasher.finalize())
}

/// The columns that [`read`] expects, from a table or alias `event`.
pub(super) const COLUMNS: &str =
    "event.key, event.disposition, event.checksum, event.reason, event.body";

/// Reads an entry back and compares its checksum.
pub(super) fn read(row: &Row<'_>) -> Result<LogRow, StoreError> {
    let key: i64 = row.get(0)?;
    let (project, n) = (ProjectId::of(key), n_of(key));
    let what = || format!("table event, key {key} (project number {}, entry {n})", project.0);
    let code: i64 = row.get(1)?;
    let reason: Option<String> = row.get(3)?;
    let text = row.get_ref(4)?;
    let body = text.as_str().map_err(|error| damaged(what(), &error))?;
    let sum = checksum(key, code, reason.as_deref(), body);
    let kept: i64 = row.get(2)?;
    if sum != kept {
        return Err(damaged(what(), &format!("its checksum is {sum:08x}, not {kept:08x}")));
    }
    let disposition = codes::read_disposition(code)
        .ok_or_else(|| damaged(what(), &format!("{code} is no disposition")))?;
    let event = Event::from_json(body).map_err(|error| damaged(what(), &error))?;
    Ok(LogRow { n, event, disposition, reason })
}

/// All entries of a context, oldest first.
pub(super) fn trace(
    connection: &Connection,
    project: ProjectId,
    context: ContextId,
    limit: u64,
) -> Result<Vec<LogRow>, StoreError> {
    let mut statement = connection.prepare_cached(&trace_sql())?;
    let values = (context.as_bytes(), project.first(), project.last(), signed(limit));
    let mut rows = statement.query(values)?;
    let mut entries = Vec::new();
    while let Some(row) = rows.next()? {
        entries.push(read(row)?);
    }
    Ok(entries)
}

pub(super) fn trace_sql() -> String {
    format!(
        "SELECT {COLUMNS} FROM event INDEXED BY event_context
         WHERE context = ?1 AND key BETWEEN ?2 AND ?3 ORDER BY key LIMIT ?4"
    )
}

/// Entries behind a number, in order.
pub(super) fn behind(
    connection: &Connection,
    project: ProjectId,
    after: u64,
    limit: u64,
) -> Result<Vec<LogRow>, StoreError> {
    let mut statement = connection.prepare_cached(&behind_sql())?;
    let values = (project.key(after)?, project.last(), signed(limit));
    let mut rows = statement.query(values)?;
    let mut entries = Vec::new();
    while let Some(row) = rows.next()? {
        entries.push(read(row)?);
    }
    Ok(entries)
}

pub(super) fn behind_sql() -> String {
    format!("SELECT {COLUMNS} FROM event WHERE key > ?1 AND key <= ?2 ORDER BY key LIMIT ?3")
}

/// The newest number of each project that has an entry.
pub(super) fn heads(connection: &Connection) -> Result<Vec<(ProjectName, u64)>, StoreError> {
    let mut statement =
        connection.prepare_cached("SELECT id FROM project WHERE id > 0 ORDER BY name")?;
    let mut rows = statement.query([])?;
    let mut heads = Vec::new();
    while let Some(row) = rows.next()? {
        let project = ProjectId(row.get(0)?);
        let newest = last(connection, project)?;
        if newest > 0 {
            heads.push((projects::name(connection, project)?, newest));
        }
    }
    Ok(heads)
}

/// One event, with its project.
pub(super) fn by_id(
    connection: &Connection,
    id: EventId,
) -> Result<Option<(ProjectName, LogRow)>, StoreError> {
    let mut statement =
        connection.prepare_cached(&format!("SELECT {COLUMNS} FROM event WHERE id = ?1"))?;
    let mut rows = statement.query([id.as_bytes()])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    let project = projects::name(connection, ProjectId::of(row.get(0)?))?;
    Ok(Some((project, read(row)?)))
}
