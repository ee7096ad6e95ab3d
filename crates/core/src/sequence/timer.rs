//! A timer's time has come.

use serde_json::{Map, Value};

use super::complete::{End, give_up};
use super::effects::{Change, Refusal, Reply};
use super::input::Timer;
use super::lane::{go_on, wait_turn};
use super::record::{self, GET_SLI};
use super::rows::{ExecutionState, TaskState};
use super::work::{CONTROLLER, Emit, Work};
use crate::event::{EventType, Outcome, Phase};
use crate::names::{EventId, ExecutionId, TaskName};

/// A timer that fires for something that has moved on changes nothing.
pub(super) fn due(work: &mut Work<'_>, timer: Timer, clock_was_set: bool) -> Result<(), Refusal> {
    work.clear_timer(timer);
    match timer {
        Timer::Delay(execution) => delay_over(work, execution),
        Timer::Unstarted(task) => unstarted(work, task, clock_was_set),
        Timer::Unmeasured(task) => unmeasured(work, task),
    }
}

fn delay_over(work: &mut Work<'_>, id: ExecutionId) -> Result<(), Refusal> {
    let Some(execution) = work.find_execution(id)? else { return Ok(()) };
    match execution.state {
        ExecutionState::Delayed { due } | ExecutionState::Throttled { due }
            if due > work.env.now =>
        {
            // The clock was put back, or this is an earlier delay's once more.
            work.set_timer(Timer::Delay(id), due);
            work.answer = Reply::Kept("its time has not come yet".to_owned());
            Ok(())
        }
        ExecutionState::Delayed { .. } => go_on(work, execution, true),
        ExecutionState::Throttled { .. } => wait_turn(work, execution),
        _ => {
            work.answer = Reply::Kept("the sequence has moved on".to_owned());
            Ok(())
        }
    }
}

/// Keptn 1.4: a task that nobody reacts to in time ends its sequence, and `triggeredOn` is not asked
/// what comes next. Once somebody has started, there is no limit.
fn unstarted(work: &mut Work<'_>, id: EventId, clock_was_set: bool) -> Result<(), Refusal> {
    let waits = |task: &super::rows::Task| task.state == TaskState::Open && task.keys.is_empty();
    let Some(task) = work.task(id)?.filter(waits) else {
        work.answer = Reply::Kept("somebody has reacted to the task".to_owned());
        return Ok(());
    };
    let execution = work.execution(task.execution)?;
    let kind = EventType::task(&task.name, Phase::Triggered);
    let mut message = format!(
        "sequence timed out while waiting for task {kind} to receive a correlating .started or \
         .finished event"
    );
    if clock_was_set {
        message.push_str(" (the clock of the server was set meanwhile)");
    }
    work.end_task(task);
    work.change(Change::Closed(work.project.clone(), id));
    // A job that has not started yet must not start for a sequence that is over.
    work.change(Change::CancelJobs(work.project.clone(), id));
    give_up(work, execution, End { outcome: Outcome::ERROR, message, follow: false })
}

/// No SLI provider has brought the values of an evaluation in time. Keptn 1.4 waits forever; here the gate
/// is told that the provider failed, and judges that as it judges any failure of a provider.
fn unmeasured(work: &mut Work<'_>, id: EventId) -> Result<(), Refusal> {
    let Some(task) = work.task(id)?.filter(|task| task.state == TaskState::Open) else {
        work.answer = Reply::Kept("the evaluation is over".to_owned());
        return Ok(());
    };
    let execution = work.execution(task.execution)?;
    let mut data = Map::new();
    execution.scope.write(&mut data);
    Outcome::ERROR.write(&mut data);
    let within = work.env.settings.values_within;
    let message = format!(
        "no SLI provider answered get-sli within {within:#}; check that the provider of this project \
         runs and receives get-sli events"
    );
    data.insert("message".to_owned(), Value::from(message));
    let name = TaskName::new(GET_SLI).expect("a plain word");
    let (_, n, event) = work.emit(Emit {
        kind: EventType::task(&name, Phase::Finished),
        source: CONTROLLER,
        context: task.context,
        triggered_id: Some(id),
        commit: None,
        data,
    });
    record::deliver(work, &event, n)
}
