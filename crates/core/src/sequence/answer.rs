//! Executors answer: `.started` and `.finished`.

use serde_json::Map;

use super::complete::complete;
use super::effects::{Disposition, Refusal, Reply};
use super::input::{Answer, Timer};
use super::merge::merge;
use super::record::{self, is_of_services};
use super::rows::{AnswerKey, Answered, PreviousTask, Task, TaskState};
use super::work::Work;
use super::{summary, vote};
use crate::approval::{APPROVAL, Approval};
use crate::built_in::BuiltIn;
use crate::event::{Event, EventKind, Outcome, Phase};
use crate::principal::Principal;

/// Most `.started` of one task, and as many `.finished`: whoever has started can also finish.
const EXECUTORS_MAX: usize = 100;

pub(super) fn started(work: &mut Work<'_>, answer: &Answer) -> Result<(), Refusal> {
    let event = &answer.event;
    if let Some(approval) = approval_of(work, event)? {
        // Ours was sent with the approval; another service may say that it looks at it, too.
        if approval.context == event.context && named(event, APPROVAL) {
            work.append(event.clone(), Disposition::Accepted, None);
        } else {
            work.keep(event, Disposition::Late, "it names another task or context".to_owned());
        }
        return Ok(());
    }
    let Some(mut task) = counted(work, answer, Phase::Started)? else { return Ok(()) };
    work.append(event.clone(), Disposition::Accepted, None);
    task.started += 1;
    task.ours |= runs_programs(&work.env.principal);
    progress(work, task, event)
}

pub(super) fn finished(work: &mut Work<'_>, answer: &Answer) -> Result<(), Refusal> {
    let event = &answer.event;
    if let Some(approval) = approval_of(work, event)? {
        return vote::by_event(work, approval, event);
    }
    let Some(mut task) = counted(work, answer, Phase::Finished)? else { return Ok(()) };
    work.append(event.clone(), Disposition::Accepted, None);
    // One that has reported its end is not waited for when the sequence is aborted.
    task.ours &= !runs_programs(&work.env.principal);
    task.finished.push(Answered {
        source: event.source.clone(),
        outcome: Outcome::of(&event.data),
        data: event.data.clone(),
    });
    progress(work, task, event)
}

/// Whether something of its own runs for a task that it has started, which has to end before the next
/// delivery may go on.
fn runs_programs(principal: &Principal) -> bool {
    matches!(principal, Principal::Builtin(name) if name.as_str() == BuiltIn::Jobs.source())
}

fn approval_of(work: &Work<'_>, event: &Event) -> Result<Option<Approval>, Refusal> {
    match event.triggered_id {
        Some(id) => work.approval(id),
        None => Ok(None),
    }
}

fn named(event: &Event, task: &str) -> bool {
    matches!(event.kind.kind(), EventKind::Task { task: name, .. } if name == task)
}

/// The open task that an answer counts for. None where it counts for nothing: then it is kept with
/// the reason.
fn counted(work: &mut Work<'_>, answer: &Answer, phase: Phase) -> Result<Option<Task>, Refusal> {
    let event = &answer.event;
    let found = match event.triggered_id {
        Some(id) => work.task(id)?,
        None => None,
    };
    let late = |work: &mut Work<'_>, reason: &str| {
        work.keep(event, Disposition::Late, reason.to_owned());
        Ok(None)
    };
    let Some(mut task) = found else {
        return match event.kind.kind() {
            EventKind::Task { task, .. } if is_of_services(&task) => {
                record::keep(work, event, None)?;
                Ok(None)
            }
            _ => late(work, "there is no task with this triggeredid"),
        };
    };
    if task.context != event.context {
        return late(work, "the task belongs to another context");
    }
    if !named(event, task.name.as_str()) {
        return late(work, "the task has another name than the event's type");
    }
    let source = event.source.clone();
    let key = AnswerKey { phase, source, client_id: answer.client_id };
    if task.keys.contains(&key) {
        let reason = "the same answer was counted before".to_owned();
        work.append(event.clone(), Disposition::Repeated, Some(reason));
        work.answer = Reply::Repeated;
        return Ok(None);
    }
    match task.state {
        TaskState::Open => {}
        TaskState::Draining => {
            drained(work, &task, phase)?;
            return late(work, "the sequence was aborted");
        }
        TaskState::Over => return late(work, "the task is over"),
    }
    let answers = match phase {
        Phase::Started | Phase::Triggered => task.started as usize,
        Phase::Finished => task.finished.len(),
    };
    if answers >= EXECUTORS_MAX {
        return late(work, "this task has too many answers already");
    }
    if task.keys.is_empty() {
        work.clear_timer(Timer::Unstarted(task.id));
    }
    task.keys.push(key);
    Ok(Some(task))
}

/// A job of an aborted execution reports that it has ended: the lane is free.
fn drained(work: &mut Work<'_>, task: &Task, phase: Phase) -> Result<(), Refusal> {
    if phase == Phase::Finished && runs_programs(&work.env.principal) {
        let execution = work.execution(task.execution)?;
        work.end_task(task.clone());
        work.release(&execution.scope, execution.id)?;
    }
    Ok(())
}

/// Keptn 1.4: a task is complete when as many `.finished` as `.started` have come, at least one of
/// each. They are paired in the order they came, so a surplus `.finished` changes nothing.
fn progress(work: &mut Work<'_>, task: Task, event: &Event) -> Result<(), Refusal> {
    let execution = work.execution(task.execution)?;
    summary::task_event(work, &execution, event)?;
    let started = task.started as usize;
    if started == 0 || task.finished.len() < started {
        work.put_task(task);
        return Ok(());
    }
    let (mut data, mut outcome) = (Map::new(), Outcome::PASS);
    for answered in &task.finished[..started] {
        merge(&mut data, &answered.data);
        outcome = outcome.and(answered.outcome);
    }
    let done =
        PreviousTask { name: task.name.clone(), triggered_id: task.id, outcome, overridden: false };
    work.end_task(task);
    complete(work, execution, done, &data, event.id)
}
