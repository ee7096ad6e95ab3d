//! The log: what was accepted, in order; and the newest events of a service.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tidegate_core::event::{Event, EventType, Scope, text};
use tidegate_core::names::{ContextId, EventId, ProjectName};
use tidegate_core::sequence::{Disposition, LatestEvent, LogEntry};

use crate::codes;
use crate::contract::StoreError;
use crate::query::{EventFilter, LogRow};

use super::page::admits;
use super::projects;
use super::table::{Key, Rows, Table, damaged, number_of};
use super::transaction::Transaction;

#[derive(Serialize, Deserialize)]
struct Entry {
    event: Event,
    disposition: Disposition,
    reason: Option<String>,
    /// Whether it is the first listed entry of its context.
    first: bool,
}

#[derive(Serialize, Deserialize)]
pub(super) struct EventPlace {
    pub(super) project: ProjectName,
    pub(super) n: u64,
}

fn log_of(project: &ProjectName) -> Key {
    Key::new().text(project.as_str())
}

fn place_key(id: EventId) -> Key {
    Key::new().bytes(id.as_bytes())
}

fn of_context(context: ContextId, project: &ProjectName) -> Key {
    Key::new().bytes(context.as_bytes()).text(project.as_str())
}

/// The number of a project's newest entry; 0 before the first.
pub(super) fn last(rows: &Rows, project: &ProjectName) -> u64 {
    let newest = rows.scan(Table::Event, &log_of(project)).next_back();
    newest.map_or(0, |(key, _)| number_of(key))
}

/// Appends events of a change that no step makes. All of them count.
pub(super) fn append_events(
    rows: &mut Transaction,
    project: &ProjectName,
    events: &[Event],
) -> Result<(), StoreError> {
    for event in events {
        let entry = LogEntry {
            n: last(rows, project) + 1,
            project: project.clone(),
            event: event.clone(),
            disposition: Disposition::Accepted,
            reason: None,
        };
        append(rows, &entry)?;
    }
    Ok(())
}

/// Appends one entry. Its number must follow the newest one's, and its event must be new.
pub(super) fn append(rows: &mut Transaction, entry: &LogEntry) -> Result<(), StoreError> {
    let LogEntry { n, project, event, disposition, reason } = entry;
    let what = || format!("log of project {project}");
    if !projects::is_there(rows, project) {
        return Err(damaged(what(), "it is not there"));
    }
    let newest = last(rows, project);
    if *n != newest + 1 {
        return Err(damaged(what(), &format!("entry {n} cannot follow entry {newest}")));
    }
    let place = place_key(event.id);
    if rows.text(Table::EventPlace, &place).is_some() {
        return Err(damaged(what(), &format!("event {} is there already", event.id)));
    }
    let listed = codes::is_listed(*disposition);
    let context = of_context(event.context, project);
    let first =
        listed && rows.scan(Table::ContextEvent, &context).all(|(_, text)| &**text != "true");
    rows.put(Table::EventPlace, &place, &EventPlace { project: project.clone(), n: *n })?;
    rows.put(Table::ContextEvent, &context.number(*n), &listed)?;
    let (event, reason) = (event.clone(), reason.clone());
    let entry = Entry { event, disposition: *disposition, reason, first };
    rows.put(Table::Event, &log_of(project).number(*n), &entry)
}

/// Removes an entry. Its number is not given again.
pub(super) fn forget(
    rows: &mut Transaction,
    project: &ProjectName,
    n: u64,
) -> Result<(), StoreError> {
    if let Some((LogRow { event, .. }, _)) = entry(rows, project, n)? {
        rows.remove(Table::EventPlace, &place_key(event.id));
        rows.remove(Table::ContextEvent, &of_context(event.context, project).number(n));
        rows.remove(Table::Event, &log_of(project).number(n));
    }
    Ok(())
}

/// One entry, and whether it is the first listed one of its context.
fn entry(rows: &Rows, project: &ProjectName, n: u64) -> Result<Option<(LogRow, bool)>, StoreError> {
    let found: Option<Entry> = rows.get(Table::Event, &log_of(project).number(n))?;
    Ok(found.map(|Entry { event, disposition, reason, first }| {
        (LogRow { n, event, disposition, reason }, first)
    }))
}

/// Where an event stands.
pub(super) fn place(rows: &Rows, id: EventId) -> Result<Option<EventPlace>, StoreError> {
    rows.get(Table::EventPlace, &place_key(id))
}

/// One event, with its project.
pub(super) fn by_id(rows: &Rows, id: EventId) -> Result<Option<(ProjectName, LogRow)>, StoreError> {
    let Some(EventPlace { project, n }) = place(rows, id)? else { return Ok(None) };
    Ok(entry(rows, &project, n)?.map(|(row, _)| (project, row)))
}

/// The numbers of all entries of a context, oldest first.
pub(super) fn numbers(rows: &Rows, project: &ProjectName, context: ContextId) -> Vec<u64> {
    let found = rows.scan(Table::ContextEvent, &of_context(context, project));
    found.map(|(key, _)| number_of(key)).collect()
}

/// The numbers of a project's oldest entries.
pub(super) fn oldest(rows: &Rows, project: &ProjectName, limit: u64) -> Vec<u64> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let found = rows.scan(Table::Event, &log_of(project)).take(limit);
    found.map(|(key, _)| number_of(key)).collect()
}

/// The entries of a project behind a number, in order.
pub(super) fn behind(
    rows: &Rows,
    project: &ProjectName,
    after: u64,
) -> Result<Vec<LogRow>, StoreError> {
    let (log, from) = (log_of(project), log_of(project).number(after));
    let numbers = rows.scan_after(Table::Event, &log, &from).map(|(key, _)| number_of(key));
    let entries = numbers.filter_map(|n| entry(rows, project, n).transpose());
    entries.map(|entry| entry.map(|(row, _)| row)).collect()
}

/// Whether an entry's event is older than some time.
pub(super) fn is_older(
    rows: &Rows,
    project: &ProjectName,
    n: u64,
    than: Timestamp,
) -> Result<bool, StoreError> {
    Ok(entry(rows, project, n)?.is_some_and(|(row, _)| row.event.time < than))
}

/// All entries of a context, oldest first, at most `limit`.
pub(super) fn trace(
    rows: &Rows,
    project: &ProjectName,
    context: ContextId,
    limit: u64,
) -> Result<Vec<LogRow>, StoreError> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let numbers = numbers(rows, project, context).into_iter().take(limit);
    let entries = numbers.filter_map(|n| entry(rows, project, n).transpose());
    entries.map(|entry| entry.map(|(row, _)| row)).collect()
}

/// Entries that match, newest first, those of the reserved project last.
pub(super) fn list(rows: &Rows, filter: &EventFilter) -> Result<Vec<LogRow>, StoreError> {
    let projects = match &filter.project {
        Some(project) => vec![project.clone()],
        None => {
            let named = projects::all(rows)?.into_iter().rev().map(|row| row.name);
            named.chain([ProjectName::unmapped()]).collect()
        }
    };
    let mut found = Vec::new();
    for project in projects {
        let numbers = match filter.context {
            Some(context) => numbers(rows, &project, context),
            None => {
                rows.scan(Table::Event, &log_of(&project)).map(|(key, _)| number_of(key)).collect()
            }
        };
        for n in numbers.into_iter().rev() {
            let row = entry(rows, &project, n)?.filter(|(row, first)| matches(filter, row, *first));
            found.extend(row.map(|(row, _)| row));
        }
    }
    Ok(found)
}

fn matches(filter: &EventFilter, row: &LogRow, first: bool) -> bool {
    let EventFilter {
        project: _,
        context,
        kind,
        stage,
        service,
        source,
        id,
        triggered_id,
        from,
        before,
        behind,
        root,
    } = filter;
    let event = &row.event;
    let has = |field: &str, wanted: &Option<String>| {
        wanted.as_ref().is_none_or(|wanted| text(&event.data, field) == wanted)
    };
    codes::is_listed(row.disposition)
        && (!root || first)
        && admits(context.as_ref(), &event.context)
        && admits(kind.as_ref(), &event.kind)
        && has("stage", stage)
        && has("service", service)
        && admits(source.as_ref(), &event.source)
        && admits(id.as_ref(), &event.id)
        && triggered_id.is_none_or(|wanted| event.triggered_id == Some(wanted))
        && from.is_none_or(|from| event.time > from)
        && before.is_none_or(|before| event.time < before)
        && behind.is_none_or(|n| row.n > n)
}

#[derive(Serialize, Deserialize)]
struct Latest {
    kind: EventType,
    event: EventId,
    context: ContextId,
    time: Timestamp,
}

fn latest_of(scope: &Scope) -> Key {
    super::lanes::key(scope)
}

/// Takes the place of the newest event of its type.
pub(super) fn put_latest(rows: &mut Transaction, latest: &LatestEvent) -> Result<(), StoreError> {
    let LatestEvent { scope, kind, event, context, time } = latest;
    let row = Latest { kind: kind.clone(), event: *event, context: *context, time: *time };
    rows.put(Table::Latest, &latest_of(scope).last(kind.as_str()), &row)
}

/// The newest events of a service in a stage, by type.
pub(super) fn latest(rows: &Rows, scope: &Scope) -> Result<Vec<LatestEvent>, StoreError> {
    let found: Vec<Latest> = rows.all(Table::Latest, &latest_of(scope))?;
    let row = |Latest { kind, event, context, time }| {
        let scope = scope.clone();
        LatestEvent { scope, kind, event, context, time }
    };
    Ok(found.into_iter().map(row).collect())
}
