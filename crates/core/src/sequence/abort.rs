//! An execution is stopped.

use super::complete::report;
use super::effects::{Change, Refusal};
use super::input::Timer;
use super::lane::leave;
use super::rows::{Execution, ExecutionState, Task, TaskState};
use super::work::Work;
use crate::approval::{Approval, ApprovalState};
use crate::event::Outcome;
use crate::names::EventId;

/// Takes back what is open and reports the end. What `triggeredOn` says is not asked.
pub(super) fn stop(work: &mut Work<'_>, execution: Execution) -> Result<(), Refusal> {
    let lane = execution.scope.clone();
    let mut draining = false;
    match &execution.state {
        ExecutionState::Resolving
        | ExecutionState::Paused { .. }
        | ExecutionState::Finished { .. }
        | ExecutionState::Aborted { .. }
        | ExecutionState::TimedOut { .. } => {}
        ExecutionState::Waiting | ExecutionState::Ready { .. } => leave(work, &execution),
        ExecutionState::Throttled { .. } | ExecutionState::Delayed { .. } => {
            work.clear_timer(Timer::Delay(execution.id));
        }
        ExecutionState::Running { task } => draining = stop_task(work, *task)?,
        ExecutionState::WaitingForApproval { approval } => close_approval(work, *approval)?,
    }
    // Keptn 1.4 reports `aborted` with `pass`.
    let message = format!("aborted by {}", work.env.principal);
    report(work, &execution, Outcome::ABORTED, message)?;
    let id = execution.id;
    work.change_context(execution.context, |context| {
        context.open = context.open.saturating_sub(1);
        context.close_aborted();
    })?;
    let state = ExecutionState::Aborted { by: work.env.principal.clone(), at: work.env.now };
    work.put_execution(Execution { state, ..execution });
    if draining { Ok(()) } else { work.release(&lane, id) }
}

/// Takes the task back. True where a job of ours must report its end before the lane is free.
fn stop_task(work: &mut Work<'_>, id: EventId) -> Result<bool, Refusal> {
    work.change(Change::Closed(work.project.clone(), id));
    work.change(Change::CancelJobs(work.project.clone(), id));
    work.clear_timer(Timer::Unstarted(id));
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
