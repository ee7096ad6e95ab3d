//! Totals that are kept, because counting a million rows takes longer than a page may.

use rusqlite::Connection;
use tidegate_core::sequence::ContextState;

use crate::contract::StoreError;

use super::codec::unsigned;
use super::keys::ProjectId;

/// What is counted, per project.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tally {
    /// Its contexts.
    Contexts = 0,
    /// Entries of its log that are not listed.
    Unlisted = 1,
    /// Its approvals that are open.
    Open = 2,
    /// Its approvals that were decided.
    Decided = 3,
    /// Its approvals that were closed.
    Closed = 4,
    /// Entries of its log that were forgotten.
    Forgotten = 5,
    /// Its contexts in the state *triggered*.
    Triggered = 6,
    /// Its contexts in the state *waiting*.
    Waiting = 7,
    /// Its contexts in the state *started*.
    Started = 8,
    /// Its contexts in the state *paused*.
    Paused = 9,
}

impl Tally {
    /// What counts the contexts in this state; none where nothing of them is under way.
    pub(super) fn under_way(state: ContextState) -> Option<Self> {
        match state {
            ContextState::Triggered => Some(Self::Triggered),
            ContextState::Waiting => Some(Self::Waiting),
            ContextState::Started => Some(Self::Started),
            ContextState::Paused => Some(Self::Paused),
            ContextState::Finished | ContextState::Aborted | ContextState::TimedOut => None,
        }
    }
}

/// One more, or one less.
pub(super) fn add(
    connection: &Connection,
    project: ProjectId,
    what: Tally,
    change: i64,
) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "INSERT INTO tally (project, what, n) VALUES (?1, ?2, ?3)
             ON CONFLICT (project, what) DO UPDATE SET n = n + excluded.n",
        )?
        .execute([project.0, what as i64, change])?;
    Ok(())
}

/// How many there are, in one project or in all.
pub(super) fn total(
    connection: &Connection,
    project: Option<ProjectId>,
    what: Tally,
) -> Result<u64, StoreError> {
    let n: i64 = match project {
        Some(project) => connection
            .prepare_cached(
                "SELECT coalesce(sum(n), 0) FROM tally WHERE project = ?1 AND what = ?2",
            )?
            .query_row([project.0, what as i64], |row| row.get(0))?,
        None => connection
            .prepare_cached("SELECT coalesce(sum(n), 0) FROM tally WHERE what = ?1")?
            .query_row([what as i64], |row| row.get(0))?,
    };
    Ok(unsigned(n))
}
