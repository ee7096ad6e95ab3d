//! Contexts: the index of their executions, and Keptn's sequence state.

use jiff::Timestamp;
use postgres::Row;
use tidegate_core::names::{ContextId, ProjectName};
use tidegate_core::sequence::Context;
use uuid::Uuid;

use crate::codec::{from_json, micros, to_json};
use crate::codes;
use crate::contract::StoreError;
use crate::query::{Page, SequenceFilter};

use super::list::{self, Conditions, List};
use super::session::{Session, get};

/// Writes a context. Its name and time are those of its first trigger and never change.
pub(super) fn put(session: &Session, context: &Context, now: Timestamp) -> Result<(), StoreError> {
    let ended = context.state.is_final().then(|| micros(now));
    session.execute(
        "INSERT INTO context (id, project, name, state, time, ended, body)
         VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT (project, id) DO UPDATE SET state = excluded.state, body = excluded.body,
             ended = CASE WHEN context.state = excluded.state THEN context.ended
                          ELSE excluded.ended END",
        &[
            &context.id.uuid(),
            &context.project.as_str(),
            &context.name.as_str(),
            &codes::context_state(context.state),
            &micros(context.time),
            &ended,
            &to_json(context, "context")?,
        ],
    )?;
    Ok(())
}

fn read(row: &Row) -> Result<Context, StoreError> {
    let seq: i64 = get(row, 0)?;
    from_json(get(row, 1)?, || format!("table context, seq {seq}"))
}

/// One context of a project.
pub(super) fn by_id(
    session: &Session,
    project: &ProjectName,
    id: ContextId,
) -> Result<Option<Context>, StoreError> {
    let sql = "SELECT seq, body FROM context WHERE id = $1 AND project = $2";
    list::one(session, sql, &[&id.uuid(), &project.as_str()], read)
}

/// The contexts of a project, newest first.
pub(super) fn page(
    session: &Session,
    project: &ProjectName,
    filter: &SequenceFilter,
    page: (u64, u64),
) -> Result<Page<Context>, StoreError> {
    let SequenceFilter { name, state, from, before, contexts } = filter;
    let mut conditions = Conditions::default();
    conditions.bind("project = ?", project.as_str().to_owned());
    if !contexts.is_empty() {
        let ids: Vec<Uuid> = contexts.iter().map(|id| id.uuid()).collect();
        conditions.bind("id = ANY(?)", ids);
    }
    if let Some(state) = state {
        conditions.bind("state = ?", codes::context_state(*state));
    }
    if let Some(name) = name {
        conditions.bind("name = ?", name.as_str().to_owned());
    }
    if let Some(from) = from {
        conditions.bind("time > ?", micros(*from));
    }
    if let Some(before) = before {
        conditions.bind("time < ?", micros(*before));
    }
    let order = "time DESC, seq DESC";
    List { columns: "seq, body", source: "context", join: "", conditions, order }
        .page(session, page, read)
}
