//! Deleting a project with all that belongs to it. The audit log stays.

use rusqlite::Connection;
use tidegate_core::names::ProjectName;

use crate::contract::StoreError;

use super::keys::{ProjectId, UNMAPPED};

/// What must have ended first: sequences, and jobs that are to be stopped.
const UNDER_WAY: [&str; 2] = [
    "SELECT 1 FROM execution WHERE key BETWEEN ?1 AND ?2 AND final = 0 LIMIT 1",
    "SELECT 1 FROM execution JOIN task ON task.execution = execution.id AND task.draining = 1
     WHERE execution.key BETWEEN ?1 AND ?2 LIMIT 1",
];

/// Whether something of a project is under way.
pub(super) fn is_under_way(
    connection: &Connection,
    project: ProjectId,
    name: &ProjectName,
) -> Result<bool, StoreError> {
    let mut found = false;
    for sql in UNDER_WAY {
        found |= connection.prepare_cached(sql)?.exists((project.first(), project.last()))?;
    }
    // There are few, and each is done with one of the next commits.
    let named = format!("\"{name}\"");
    let deferred = "SELECT 1 FROM deferred WHERE instr(follow_on, ?1) > 0 LIMIT 1";
    Ok(found || connection.prepare_cached(deferred)?.exists([named])?)
}

/// Removes every row of a project.
pub(super) fn delete(connection: &Connection, project: ProjectId) -> Result<(), StoreError> {
    for table in ["lane_queue", "deployed"] {
        connection.execute(
            &format!("DELETE FROM {table} WHERE lane IN (SELECT id FROM lane WHERE project = ?1)"),
            [project.0],
        )?;
    }
    // What nobody has taken up is not to be done any more.
    for table in ["delivery", "stood_down"] {
        connection.execute(
            &format!("DELETE FROM {table} WHERE event BETWEEN ?1 AND ?2"),
            (project.first(), project.last()),
        )?;
    }
    for table in ["event", "execution"] {
        connection.execute(
            &format!("DELETE FROM {table} WHERE key BETWEEN ?1 AND ?2"),
            (project.first(), project.last()),
        )?;
    }
    for table in [
        "lane",
        "open_event",
        "timer",
        "latest_event",
        "task",
        "approval",
        "waiting",
        "context",
        "tally",
        "service",
    ] {
        connection.execute(&format!("DELETE FROM {table} WHERE project = ?1"), [project.0])?;
    }
    // Deliveries are numbered by inputs, so the newest must stay; and its number may be given again.
    connection
        .execute("UPDATE input SET project = ?2 WHERE project = ?1", [project.0, UNMAPPED.0])?;
    connection.execute("DELETE FROM project WHERE id = ?1", [project.0])?;
    Ok(())
}
