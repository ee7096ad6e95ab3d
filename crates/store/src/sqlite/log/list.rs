//! The log as Keptn's datastore lists it.

use rusqlite::Connection;
use rusqlite::types::Value;

use crate::contract::StoreError;
use crate::query::{EventFilter, LogRow, Page};
use crate::sqlite::codec::micros;
use crate::sqlite::keys::ProjectId;
use crate::sqlite::list::{Conditions, List};
use crate::sqlite::projects;
use crate::sqlite::tally::{self, Tally};

use super::{COLUMNS, last, read};

/// Listed entries, newest first.
pub(in crate::sqlite) fn page(
    connection: &Connection,
    filter: &EventFilter,
    page: (u64, u64),
) -> Result<Page<LogRow>, StoreError> {
    let project = match &filter.project {
        Some(name) => match projects::id(connection, name)? {
            Some(id) => Some(id),
            None => return Ok(Page::empty()),
        },
        None => None,
    };
    let total = match project {
        Some(project) if is_whole_project(filter) => {
            let unlisted = tally::total(connection, Some(project), Tally::Unlisted)?;
            let forgotten = tally::total(connection, Some(project), Tally::Forgotten)?;
            Some(last(connection, project)?.saturating_sub(unlisted + forgotten))
        }
        _ => None,
    };
    list(filter, project).page(connection, total, page, read)
}

fn is_whole_project(filter: &EventFilter) -> bool {
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
    let narrowed = context.is_some()
        || kind.is_some()
        || stage.is_some()
        || service.is_some()
        || source.is_some()
        || id.is_some()
        || triggered_id.is_some()
        || from.is_some()
        || before.is_some()
        || behind.is_some();
    !narrowed && !root
}

/// The narrowest index that the filter allows drives the search; it is named, so that no statistics
/// and no new version of SQLite choose another.
fn source(filter: &EventFilter) -> &'static str {
    if filter.id.is_some() {
        "event INDEXED BY event_id"
    } else if filter.context.is_some() {
        "event INDEXED BY event_context"
    } else if filter.root {
        "event INDEXED BY event_first"
    } else if filter.kind.is_some() {
        "event INDEXED BY event_kind"
    } else {
        "event NOT INDEXED"
    }
}

pub(in crate::sqlite) fn list(filter: &EventFilter, project: Option<ProjectId>) -> List<'static> {
    let mut conditions = Conditions::default();
    if let Some(id) = filter.id {
        conditions.bind("id = ?", id.as_bytes().to_vec());
    }
    if let Some(context) = filter.context {
        conditions.bind("context = ?", context.as_bytes().to_vec());
    }
    if let Some(kind) = &filter.kind {
        conditions.word("kind", kind.as_str());
    }
    if let Some(project) = project {
        conditions.keys_of("key", project);
        if let Some(n) = filter.behind {
            // Behind every number that there can be is behind the last.
            let key = project.key(n).unwrap_or_else(|_| project.last());
            conditions.bind("key > ?", Value::from(key));
        }
    }
    for (column, text) in
        [("stage", &filter.stage), ("service", &filter.service), ("source", &filter.source)]
    {
        if let Some(text) = text {
            conditions.word(column, text);
        }
    }
    if let Some(id) = filter.triggered_id {
        // Asked for with a context or an id, so few rows are opened.
        conditions.bind("json_extract(body, '$.triggeredid') = ?", id.to_string());
    }
    if let Some(from) = filter.from {
        conditions.bind("time > ?", Value::from(micros(from)));
    }
    if let Some(before) = filter.before {
        conditions.bind("time < ?", Value::from(micros(before)));
    }
    conditions.fixed(if filter.root { "first = 1" } else { "disposition < 2" });
    List { columns: COLUMNS, source: source(filter), join: "", conditions, order: "key DESC" }
}
