//! The log: what was accepted, in order, each entry with a checksum.

use postgres::Row;
use tidegate_core::event::{Event, EventType, text};
use tidegate_core::names::{ContextId, EventId, ProjectName, TaskName};
use tidegate_core::quality::said_of;
use tidegate_core::sequence::{Disposition, LogEntry};
use uuid::Uuid;

use crate::codec::{damaged, micros, signed, unsigned};
use crate::codes;
use crate::contract::StoreError;
use crate::query::{EventFilter, LogRow, Page};

use super::list::{self, Conditions, List};
use super::session::{Session, get};
use super::{nul, projects};

/// The number of a project's newest entry; 0 before the first.
fn last(session: &Session, project: &ProjectName) -> Result<u64, StoreError> {
    let sql = "SELECT n FROM event WHERE project = $1 ORDER BY n DESC LIMIT 1";
    let row = session.first(sql, &[&project.as_str()])?;
    Ok(row.map(|row| get(&row, 0)).transpose()?.map_or(0, unsigned))
}

/// Appends events of a change that no step makes. All of them count.
pub(super) fn append_events(
    session: &Session,
    project: &ProjectName,
    events: &[Event],
) -> Result<(), StoreError> {
    for event in events {
        let entry = LogEntry {
            n: last(session, project)? + 1,
            project: project.clone(),
            event: event.clone(),
            disposition: Disposition::Accepted,
            reason: None,
        };
        append(session, &entry)?;
    }
    Ok(())
}

/// Appends one entry. Its number must follow the newest one's.
pub(super) fn append(session: &Session, entry: &LogEntry) -> Result<(), StoreError> {
    let LogEntry { n, project, event, disposition, reason } = entry;
    let newest = last(session, project)?;
    if *n != newest + 1 {
        let why = format!("entry {n} cannot follow entry {newest}");
        return Err(damaged(format!("log of project {project}"), &why));
    }
    let body = event.to_json();
    let scope = |field: &str| match text(&event.data, field) {
        "" => None,
        text => Some(nul::kept(text)),
    };
    let code = codes::disposition(*disposition);
    session.execute(
        "INSERT INTO event (project, n, id, context, kind, stage, service, source, time,
                            triggered_id, disposition, first, checksum, reason, body)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11,
                 $11::smallint < 2 AND NOT EXISTS (SELECT FROM event WHERE context = $4 AND project = $1
                                                             AND disposition < 2),
                 $12, $13, $14)",
        &[
            &project.as_str(),
            &signed(*n),
            &event.id.uuid(),
            &event.context.uuid(),
            &nul::kept(event.kind.as_str()),
            &scope("stage"),
            &scope("service"),
            &nul::kept(&event.source),
            &micros(event.time),
            &event.triggered_id.map(EventId::uuid),
            &code,
            &checksum(project.as_str(), *n, code, reason.as_deref(), &body),
            &reason.as_deref().map(nul::kept),
            &body,
        ],
    )?;
    Ok(())
}

/// Over everything that a reader is told; the other columns are copies that only serve searching.
fn checksum(project: &str, n: u64, disposition: i16, reason: Option<&str>, body: &str) -> i64 {
    let mut hasher = crc32fast::Hasher::new();
    // The lengths tell where a text ends, and an absent reason from an empty one.
    hasher.update(&signed(project.len() as u64).to_le_bytes());
    hasher.update(project.as_bytes());
    hasher.update(&n.to_le_bytes());
    hasher.update(&disposition.to_le_bytes());
    hasher.update(&reason.map_or(-1, |reason| signed(reason.len() as u64)).to_le_bytes());
    hasher.update(reason.unwrap_or_default().as_bytes());
    hasher.update(body.as_bytes());
    i64::from(hasher.finalize())
}

/// The columns that [`read`] expects, from a table or alias `event`.
pub(super) const COLUMNS: &str =
    "event.project, event.n, event.disposition, event.checksum, event.reason, event.body";

/// Reads an entry back and compares its checksum.
pub(super) fn read(row: &Row) -> Result<LogRow, StoreError> {
    let (project, key): (&str, i64) = (get(row, 0)?, get(row, 1)?);
    let n = unsigned(key);
    let what = || format!("table event, project {project}, entry {key}");
    let code: i16 = get(row, 2)?;
    let reason: Option<String> = get(row, 4)?;
    let reason = reason.map(|reason| nul::original(reason, what)).transpose()?;
    let body: &str = get(row, 5)?;
    let sum = checksum(project, n, code, reason.as_deref(), body);
    let kept: i64 = get(row, 3)?;
    if sum != kept {
        return Err(damaged(what(), &format!("its checksum is {sum:08x}, not {kept:08x}")));
    }
    let disposition = codes::read_disposition(code.into())
        .ok_or_else(|| damaged(what(), &format!("{code} is no disposition")))?;
    let event = Event::from_json(body).map_err(|error| damaged(what(), &error))?;
    Ok(LogRow { n, event, disposition, reason })
}

/// All entries of a context, oldest first.
pub(super) fn trace(
    session: &Session,
    project: &ProjectName,
    context: ContextId,
    limit: u64,
) -> Result<Vec<LogRow>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM event WHERE context = $1 AND project = $2 ORDER BY n LIMIT $3"
    );
    list::all(session, &sql, &[&context.uuid(), &project.as_str(), &signed(limit)], read)
}

/// Entries behind a number, in order.
pub(super) fn behind(
    session: &Session,
    project: &ProjectName,
    after: u64,
    limit: u64,
) -> Result<Vec<LogRow>, StoreError> {
    let sql =
        format!("SELECT {COLUMNS} FROM event WHERE project = $1 AND n > $2 ORDER BY n LIMIT $3");
    list::all(session, &sql, &[&project.as_str(), &signed(after), &signed(limit)], read)
}

/// The newest number of each project that has an entry.
pub(super) fn heads(session: &Session) -> Result<Vec<(ProjectName, u64)>, StoreError> {
    let sql = "SELECT project, max(n) FROM event WHERE project <> '_unmapped'
               GROUP BY project ORDER BY project";
    list::all(session, sql, &[], |row| Ok((projects::name(row, 0)?, unsigned(get(row, 1)?))))
}

/// One event, with its project.
pub(super) fn by_id(
    session: &Session,
    id: EventId,
) -> Result<Option<(ProjectName, LogRow)>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM event WHERE id = $1");
    list::one(session, &sql, &[&id.uuid()], |row| Ok((projects::name(row, 0)?, read(row)?)))
}

/// What was said last of the answers to tasks: of each, what [`said_of`] names. Postgres takes the index only
/// where its condition is repeated as it stands there.
pub(super) fn said(
    session: &Session,
    project: &ProjectName,
    task: &TaskName,
    triggers: &[EventId],
) -> Result<Vec<LogRow>, StoreError> {
    let sql = format!(
        "SELECT DISTINCT ON (event.triggered_id, event.kind) {COLUMNS} FROM event
         WHERE triggered_id = ANY($1) AND project = $2 AND kind = ANY($3)
           AND (right(kind, 12) = '.invalidated' OR right(kind, 9) = '.restored')
           AND disposition < 2
         ORDER BY event.triggered_id, event.kind, event.n DESC"
    );
    let triggers: Vec<Uuid> = triggers.iter().copied().map(EventId::uuid).collect();
    let kinds = said_of(task);
    let kinds: Vec<_> = kinds.iter().map(|kind| nul::kept(kind.as_str())).collect();
    list::all(session, &sql, &[&triggers, &project.as_str(), &kinds], read)
}

/// The log as Keptn's datastore lists it, newest first.
pub(super) fn page(
    session: &Session,
    filter: &EventFilter,
    page: (u64, u64),
) -> Result<Page<LogRow>, StoreError> {
    let conditions = conditions(filter);
    let order = "event.project DESC, event.n DESC";
    List { columns: COLUMNS, source: "event", join: "", conditions, order }
        .page(session, page, read)
}

fn conditions(filter: &EventFilter) -> Conditions {
    let mut conditions = Conditions::default();
    let mut text = |condition: &str, value: Option<&str>| {
        if let Some(value) = value {
            conditions.bind(condition, nul::kept(value).into_owned());
        }
    };
    text("project = ?", filter.project.as_ref().map(ProjectName::as_str));
    text("kind = ?", filter.kind.as_ref().map(EventType::as_str));
    text("stage = ?", filter.stage.as_deref());
    text("service = ?", filter.service.as_deref());
    text("source = ?", filter.source.as_deref());
    let mut id = |condition: &str, value: Option<Uuid>| {
        if let Some(value) = value {
            conditions.bind(condition, value);
        }
    };
    id("id = ?", filter.id.map(EventId::uuid));
    id("context = ?", filter.context.map(ContextId::uuid));
    id("triggered_id = ?", filter.triggered_id.map(EventId::uuid));
    if let Some(from) = filter.from {
        conditions.bind("time > ?", micros(from));
    }
    if let Some(before) = filter.before {
        conditions.bind("time < ?", micros(before));
    }
    if let Some(n) = filter.behind {
        conditions.bind("n > ?", i64::try_from(n).unwrap_or(i64::MAX));
    }
    conditions.fixed(if filter.root { "first" } else { "disposition < 2" });
    conditions
}
