//! Which evaluations do not count any more.
//!
//! Keptn 1.4: whoever says so names the project and the task, by `triggeredid`; stage and service are not looked
//! at. Everybody who asks, asks here: the gate, the datastore, the API and the pages.

use tidegate_core::event::Event;
use tidegate_core::names::{EventId, ProjectName, TaskName};
use tidegate_core::quality::Void;

use crate::contract::StoreError;
use crate::query::{LogRow, Reader};

/// What was said of these evaluations of a project, however long ago.
///
/// # Errors
/// The reader's own.
pub fn void_evaluations<'a>(
    reader: &dyn Reader,
    project: &ProjectName,
    evaluations: impl IntoIterator<Item = &'a Event>,
) -> Result<Void, StoreError> {
    let task = TaskName::new("evaluation").expect("a plain word");
    void_answers(reader, project, &task, evaluations)
}

/// What was said of these answers to tasks of a name.
///
/// # Errors
/// The reader's own.
pub fn void_answers<'a>(
    reader: &dyn Reader,
    project: &ProjectName,
    task: &TaskName,
    answers: impl IntoIterator<Item = &'a Event>,
) -> Result<Void, StoreError> {
    let mut asked: Vec<EventId> =
        answers.into_iter().filter_map(|answer| answer.triggered_id).collect();
    asked.sort_unstable();
    asked.dedup();
    if asked.is_empty() {
        return Ok(Void::default());
    }
    let said: Vec<LogRow> = reader.said_of(project, task, &asked)?;
    Ok(Void::of(said.iter().map(|row| (row.n, &row.event))))
}
