//! Deleting a project with all that belongs to it. The audit log stays.

use tidegate_core::names::ProjectName;

use crate::contract::StoreError;

use super::session::{Session, get};

/// Whether something of a project is under way: a sequence, a job that is to be stopped, or what waits
/// for a later commit.
pub(super) fn is_under_way(session: &Session, project: &ProjectName) -> Result<bool, StoreError> {
    let sql = "
      SELECT EXISTS (SELECT FROM execution WHERE project = $1 AND NOT final)
          OR EXISTS (SELECT FROM execution JOIN task ON task.execution = execution.id
                     WHERE execution.project = $1 AND draining)
          OR EXISTS (SELECT FROM deferred WHERE strpos(follow_on, $2) > 0)";
    let named = format!("\"{project}\"");
    let row = session.first(sql, &[&project.as_str(), &named])?;
    Ok(row.map(|row| get(&row, 0)).transpose()?.unwrap_or(true))
}

/// Removes every row of a project.
pub(super) fn delete(session: &Session, project: &ProjectName) -> Result<(), StoreError> {
    let name = project.as_str();
    let queues = "DELETE FROM lane_queue WHERE lane IN (SELECT id FROM lane WHERE project = $1)";
    session.execute(queues, &[&name])?;
    for table in [
        "lane",
        "open_event",
        // What nobody has taken up is not to be done any more.
        "delivery",
        "timer",
        "latest_event",
        "task",
        "execution",
        "approval",
        "context",
        "event",
        "service",
    ] {
        session.execute(&format!("DELETE FROM {table} WHERE project = $1"), &[&name])?;
    }
    let inputs = "UPDATE input SET project = $2 WHERE project = $1";
    session.execute(inputs, &[&name, &ProjectName::unmapped().as_str()])?;
    session.execute("DELETE FROM project WHERE name = $1", &[&name])?;
    Ok(())
}
