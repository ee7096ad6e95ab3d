//! How many approvals wait, by project, stage and the minute in which they were asked: kept, because
//! counting a million of them takes longer than whoever watches a server should cost it.

use jiff::Timestamp;
use rusqlite::Connection;
use tidegate_core::approval::Approval;
use tidegate_core::names::{ProjectName, StageName};

use crate::census::{WAITING_AGES, Waiting, cutoffs, minute, of_minute};
use crate::contract::StoreError;

use super::codec::{damaged, unsigned};
use super::keys::ProjectId;

/// An approval waits from now on.
pub(super) fn add(
    connection: &Connection,
    project: ProjectId,
    stage: i64,
    approval: &Approval,
) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "INSERT INTO waiting (project, stage, asked, n) VALUES (?1, ?2, ?3, 1)
             ON CONFLICT (project, stage, asked) DO UPDATE SET n = n + 1",
        )?
        .execute((project.0, stage, minute(approval.asked_at)))?;
    Ok(())
}

/// It does not wait any more.
pub(super) fn remove(
    connection: &Connection,
    project: ProjectId,
    stage: i64,
    approval: &Approval,
) -> Result<(), StoreError> {
    let slot = (project.0, stage, minute(approval.asked_at));
    let last = connection
        .prepare_cached(
            "DELETE FROM waiting WHERE project = ?1 AND stage = ?2 AND asked = ?3 AND n <= 1",
        )?
        .execute(slot)?;
    if last == 0 {
        connection
            .prepare_cached(
                "UPDATE waiting SET n = n - 1 WHERE project = ?1 AND stage = ?2 AND asked = ?3",
            )?
            .execute(slot)?;
    }
    Ok(())
}

/// All that wait.
pub(super) fn all(connection: &Connection, now: Timestamp) -> Result<Vec<Waiting>, StoreError> {
    let mut statement = connection.prepare_cached(ALL)?;
    let mut rows = statement.query(cutoffs(now))?;
    let mut waiting = Vec::new();
    while let Some(row) = rows.next()? {
        let (project, stage): (String, String) = (row.get(0)?, row.get(1)?);
        let what = || format!("table waiting, project {project}, stage {stage}");
        let asked: i64 = row.get(2)?;
        let mut longer = [0; WAITING_AGES.len()];
        for (index, count) in longer.iter_mut().enumerate() {
            *count = unsigned(row.get(4 + index)?);
        }
        waiting.push(Waiting {
            oldest: of_minute(asked).ok_or_else(|| damaged(what(), "its minute is no time"))?,
            count: unsigned(row.get(3)?),
            longer,
            project: ProjectName::new(&*project).map_err(|error| damaged(what(), &error))?,
            stage: StageName::new(&*stage).map_err(|error| damaged(what(), &error))?,
        });
    }
    Ok(waiting)
}

const ALL: &str = "SELECT project.name, word.text, min(asked), sum(n),
       sum(CASE WHEN asked <= ?1 THEN n ELSE 0 END), sum(CASE WHEN asked <= ?2 THEN n ELSE 0 END),
       sum(CASE WHEN asked <= ?3 THEN n ELSE 0 END), sum(CASE WHEN asked <= ?4 THEN n ELSE 0 END),
       sum(CASE WHEN asked <= ?5 THEN n ELSE 0 END)
     FROM waiting JOIN project ON project.id = waiting.project JOIN word ON word.id = waiting.stage
     GROUP BY waiting.project, waiting.stage ORDER BY project.name, word.text";
