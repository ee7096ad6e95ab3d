//! What was said last of the answers to tasks.

use rusqlite::{Connection, OptionalExtension as _};
use tidegate_core::names::{EventId, TaskName};
use tidegate_core::quality::said_of;

use crate::contract::StoreError;
use crate::query::LogRow;
use crate::sqlite::keys::ProjectId;

use super::{COLUMNS, read};

/// The newest of a type that names a task. SQLite takes the index only where its condition is repeated as it
/// stands there.
pub(in crate::sqlite) fn newest_sql() -> String {
    format!(
        "SELECT {COLUMNS} FROM event INDEXED BY event_said
         WHERE json_extract(body, '$.triggeredid') = ?1
           AND kind = (SELECT id FROM word WHERE text = ?2) AND key BETWEEN ?3 AND ?4
           AND (instr(body, '.invalidated\"') > 0 OR instr(body, '.restored\"') > 0)
           AND disposition < 2
         ORDER BY key DESC LIMIT 1"
    )
}

/// Of each task, what [`said_of`] names.
pub(in crate::sqlite) fn said(
    connection: &Connection,
    project: ProjectId,
    task: &TaskName,
    triggers: &[EventId],
) -> Result<Vec<LogRow>, StoreError> {
    let mut statement = connection.prepare_cached(&newest_sql())?;
    let mut found = Vec::new();
    for kind in said_of(task) {
        for trigger in triggers {
            let values = (trigger.to_string(), kind.as_str(), project.first(), project.last());
            let row = statement.query_row(values, |row| Ok(read(row))).optional()?;
            found.extend(row.transpose()?);
        }
    }
    Ok(found)
}
