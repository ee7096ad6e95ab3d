//! A lane lets one execution at a time go on: who holds it, who is ready, who waits.

use super::context::ContextState;
use super::effects::{Change, Refusal};
use super::input::FollowOn;
use super::rows::{Before, Execution, ExecutionState, LaneHead, Queue};
use super::task::start_next;
use super::work::Work;
use crate::event::Scope;

/// Lets the next execution into a free lane: those that are ready before those that wait.
pub(super) fn admit(work: &mut Work<'_>, lane: &Scope) -> Result<(), Refusal> {
    let head = work.lane(lane)?;
    if head.holder.is_some() {
        return Ok(());
    }
    let (queue, next) = match (head.ready, head.waiting) {
        (Some(ready), _) => (Queue::Ready, ready),
        (None, Some(waiting)) => (Queue::Waiting, waiting),
        (None, None) => return Ok(()),
    };
    work.change(Change::Leave(lane.clone(), queue, next.position));
    let execution = work.execution(next.execution)?;
    if is_paused(work, &execution)? {
        // Its context was paused, and the page that takes it out of here has not come yet.
        park(work, execution);
        work.follow_on.push(FollowOn::Admit { lane: lane.clone() });
        return Ok(());
    }
    work.hold(lane, next.execution);
    work.change_context(execution.context, |context| {
        if !context.paused.all {
            context.state = ContextState::Started;
        }
    })?;
    let delay_over = matches!(execution.state, ExecutionState::Ready { delay_over: true, .. });
    start_next(work, execution, delay_over)
}

/// Whether nothing of this execution may be triggered.
pub(super) fn is_paused(work: &Work<'_>, execution: &Execution) -> Result<bool, Refusal> {
    let context = work.context(execution.context)?;
    Ok(context.is_some_and(|context| context.paused.cover(&execution.scope.stage)))
}

/// An execution that was under way goes on with its next task: at once where it holds its lane, in its
/// turn where it does not, and not before it is resumed where it is paused.
pub(super) fn go_on(
    work: &mut Work<'_>,
    execution: Execution,
    delay_over: bool,
) -> Result<(), Refusal> {
    // What its answer was is in the log; that its time has come is not, and no two may have one place.
    let position = if delay_over { execution.position } else { work.last() };
    if is_paused(work, &execution)? {
        let (lane, id) = (execution.scope.clone(), execution.id);
        let before = Before::Task { position, delay_over };
        work.put_execution(Execution { state: ExecutionState::Paused { before }, ..execution });
        return work.release(&lane, id);
    }
    if work.lane(&execution.scope)?.holder == Some(execution.id) {
        return start_next(work, execution, delay_over);
    }
    make_ready(work, execution, position, delay_over);
    Ok(())
}

/// The execution goes on when its lane lets it: those that were under way go before those that wait.
pub(super) fn make_ready(
    work: &mut Work<'_>,
    execution: Execution,
    position: u64,
    delay_over: bool,
) {
    join(work, execution, Queue::Ready, position, ExecutionState::Ready { position, delay_over });
}

/// The execution waits in its lane for its turn to start, or to be resumed first.
pub(super) fn wait_turn(work: &mut Work<'_>, execution: Execution) -> Result<(), Refusal> {
    if is_paused(work, &execution)? {
        let before = Before::Start;
        work.put_execution(Execution { state: ExecutionState::Paused { before }, ..execution });
        return Ok(());
    }
    if is_behind_others(work, &execution)? {
        work.change_context(execution.context, |context| {
            if !context.paused.all {
                context.state = ContextState::Waiting;
            }
        })?;
    }
    let position = execution.position;
    join(work, execution, Queue::Waiting, position, ExecutionState::Waiting);
    Ok(())
}

/// Keptn 1.4: only a sequence of another context makes one wait.
fn is_behind_others(work: &Work<'_>, execution: &Execution) -> Result<bool, Refusal> {
    let LaneHead { holder, ready, waiting, .. } = work.lane(&execution.scope)?;
    let queued = [ready, waiting].into_iter().flatten().map(|queued| queued.execution);
    for other in holder.into_iter().chain(queued) {
        if work.execution(other)?.context != execution.context {
            return Ok(true);
        }
    }
    Ok(false)
}

fn join(
    work: &mut Work<'_>,
    execution: Execution,
    queue: Queue,
    position: u64,
    state: ExecutionState,
) {
    let lane = execution.scope.clone();
    work.change(Change::Join(lane.clone(), queue, position, execution.id));
    work.admit(lane);
    work.put_execution(Execution { state, ..execution });
}

/// Takes an execution out of its queue.
pub(super) fn leave(work: &mut Work<'_>, execution: &Execution) {
    let lane = execution.scope.clone();
    match execution.state {
        ExecutionState::Waiting => {
            work.change(Change::Leave(lane, Queue::Waiting, execution.position));
        }
        ExecutionState::Ready { position, .. } => {
            work.change(Change::Leave(lane, Queue::Ready, position));
        }
        _ => {}
    }
}

/// An execution that has left its queue stands still until it is resumed.
pub(super) fn park(work: &mut Work<'_>, execution: Execution) {
    let before = match execution.state {
        ExecutionState::Ready { position, delay_over } => Before::Task { position, delay_over },
        _ => Before::Start,
    };
    work.put_execution(Execution { state: ExecutionState::Paused { before }, ..execution });
}
