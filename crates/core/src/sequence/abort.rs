//! Somebody stops a context, or one stage of it.

use super::complete::report;
use super::effects::{Change, Refusal, Reply};
use super::input::Input;
use super::rows::{ContextState, Execution, ExecutionState, Queue, Task, TaskState};
use super::triggered::EXECUTIONS_MAX;
use super::work::Work;
use crate::approval::{Approval, ApprovalState};
use crate::event::Outcome;
use crate::names::{ContextId, EventId, StageName};

/// Executions that one step stops; the rest is a follow-on.
const PAGE: usize = 500;

pub(super) fn abort(
    work: &mut Work<'_>,
    id: ContextId,
    stage: Option<&StageName>,
) -> Result<(), Refusal> {
    let mut chosen = work.open_executions(id, EXECUTIONS_MAX as usize)?;
    chosen.retain(|execution| stage.is_none_or(|stage| execution.scope.stage == *stage));
    let more = chosen.len() > PAGE;
    chosen.truncate(PAGE);
    if chosen.is_empty() {
        work.answer = Reply::Kept("nothing of this context is running".to_owned());
        return Ok(());
    }
    let stopped = u32::try_from(chosen.len()).unwrap_or(u32::MAX);
    for execution in chosen {
        stop(work, execution)?;
    }
    work.change_context(id, |context| {
        context.open = context.open.saturating_sub(stopped);
        if stage.is_none() || context.open == 0 {
            context.state = ContextState::Aborted;
        }
    })?;
    if more {
        let (project, stage) = (work.project.clone(), stage.cloned());
        work.follow_on.push(Input::Abort { project, context: id, stage });
    }
    Ok(())
}

fn stop(work: &mut Work<'_>, execution: Execution) -> Result<(), Refusal> {
    let lane = execution.scope.clone();
    let mut draining = false;
    match &execution.state {
        ExecutionState::Resolving
        | ExecutionState::Finished { .. }
        | ExecutionState::Aborted { .. } => {}
        ExecutionState::Waiting => {
            work.change(Change::Leave(lane.clone(), Queue::Waiting, execution.position));
        }
        ExecutionState::Ready { position } => {
            work.change(Change::Leave(lane.clone(), Queue::Ready, *position));
        }
        ExecutionState::Delayed { .. } => {
            work.change(Change::DelayGone(work.project.clone(), execution.id));
        }
        ExecutionState::Running { task } => draining = stop_task(work, *task)?,
        ExecutionState::WaitingForApproval { approval } => close_approval(work, *approval)?,
    }
    // Keptn 1.4 reports `aborted` with `pass`; what `triggeredOn` says is not asked.
    let message = format!("aborted by {}", work.env.principal);
    report(work, &execution, Outcome::ABORTED, message)?;
    let id = execution.id;
    let state = ExecutionState::Aborted { by: work.env.principal.clone(), at: work.env.now };
    work.put_execution(Execution { state, ..execution });
    if draining { Ok(()) } else { work.release(&lane, id) }
}

/// Takes the task back. True where a job of ours must report its end before the lane is free.
fn stop_task(work: &mut Work<'_>, id: EventId) -> Result<bool, Refusal> {
    work.change(Change::Closed(work.project.clone(), id));
    work.change(Change::CancelJobs(work.project.clone(), id));
    match work.task(id)? {
        Some(task) if task.ours => {
            work.put_task(Task { state: TaskState::Draining, ..task });
            Ok(true)
        }
        Some(task) => {
            work.end_task(task);
            Ok(false)
        }
        None => Ok(false),
    }
}

fn close_approval(work: &mut Work<'_>, id: EventId) -> Result<(), Refusal> {
    work.change(Change::Closed(work.project.clone(), id));
    if let Some(approval) = work.approval(id)? {
        let reason = format!("{} aborted the sequence", work.env.principal);
        let state = ApprovalState::Closed { reason, at: work.env.now };
        work.put_approval(Approval { state, ..approval });
    }
    Ok(())
}
