//! A task is complete: go on, or end the sequence and start what follows.

use serde_json::{Map, Value};

use super::context::Following;
use super::effects::{Change, Refusal};
use super::evidence;
use super::input::FollowOn;
use super::lane::go_on;
use super::merge::merge;
use super::record::EVALUATION;
use super::rows::{DEPLOYED_KEPT, Deployed, Execution, ExecutionState, PreviousTask};
use super::summary;
use super::triggered::image;
use super::work::{CONTROLLER, Emit, Work};
use crate::approval::{APPROVAL, Strategy};
use crate::event::{Event, EventType, Outcome, Phase, Scope, TaskResult, text};
use crate::names::EventId;
use crate::remediation::{ANSWER_KEYS, GET_ACTION};
use crate::shipyard::TaskDefinition;

/// Takes a complete task into its execution. `data` is what its executors answered, merged;
/// `finished` is the event that completed it.
pub(super) fn complete(
    work: &mut Work<'_>,
    mut execution: Execution,
    done: PreviousTask,
    data: &Map<String, Value>,
    finished: EventId,
) -> Result<(), Refusal> {
    let outcome = done.outcome;
    let mut answered = data.clone();
    if done.name == APPROVAL {
        // A vote says yes or no. It does not change what it is about, and who decided is no data of
        // the tasks that follow.
        answered
            .retain(|key, _| matches!(key.as_str(), "labels" | "message" | "result" | "status"));
    }
    if done.name == GET_ACTION {
        // Keptn 1.4 merges these, too: numbers of the first action stay, the index among them, and lists
        // grow. The newest action is the one to take, as its file says it.
        execution
            .carry
            .retain(|key, _| !(ANSWER_KEYS.contains(&key.as_str()) && answered.contains_key(key)));
    }
    merge(&mut execution.carry, &answered);
    execution.scope.write(&mut execution.carry);
    outcome.write(&mut execution.carry);
    work.change(Change::Closed(work.project.clone(), done.triggered_id));
    if outcome.continues() && done.name == "deployment" {
        deployed(work, &execution, finished)?;
    }
    evidence::gather(work, &execution, &done, data, finished)?;
    execution.previous.push(done);
    let was_approval = execution.previous.last().is_some_and(|done| done.name == APPROVAL);
    let ends = !outcome.continues() && !waits_for_a_person(&execution);
    if ends || execution.task().is_none() {
        let message = text(data, "message").to_owned();
        return end(work, execution, End { outcome, message, follow: true });
    }
    if was_approval {
        // Also one that was decided at once: an execution does not hold its lane over an approval.
        work.release(&execution.scope, execution.id)?;
    }
    go_on(work, execution, false)
}

/// Whether a gate has failed and the approval behind it lets a person decide what that means.
fn waits_for_a_person(execution: &Execution) -> bool {
    let failed = execution
        .previous
        .last()
        .is_some_and(|done| done.name == EVALUATION && done.outcome.result == TaskResult::Fail);
    let is_asked = |task: &TaskDefinition| {
        task.name == APPROVAL
            && Strategy::of(&task.properties).is_ok_and(|strategy| strategy.waits_on_fail())
    };
    failed && execution.task().is_some_and(is_asked)
}

fn deployed(work: &mut Work<'_>, execution: &Execution, event: EventId) -> Result<(), Refusal> {
    let Some(image) = image(&execution.carry) else { return Ok(()) };
    let lane = &execution.scope;
    let mut known = work.lane(lane)?.deployed;
    known.push(Deployed {
        image,
        context: execution.context,
        event,
        at: work.env.now,
        overridden: execution.overridden(),
    });
    let surplus = known.len().saturating_sub(DEPLOYED_KEPT);
    known.drain(..surplus);
    work.set_deployed(lane, known);
    Ok(())
}

/// How an execution ends.
pub(super) struct End {
    pub(super) outcome: Outcome,
    pub(super) message: String,
    /// Whether `triggeredOn` is asked what comes next: not after an abort or when nothing ran.
    pub(super) follow: bool,
}

/// Ends an execution: its `.finished` event, its lane, what follows, and its context.
pub(super) fn end(work: &mut Work<'_>, execution: Execution, how: End) -> Result<(), Refusal> {
    let End { outcome, message, follow } = how;
    report(work, &execution, outcome, message)?;
    let followers = if follow { follow_ups(work, &execution, outcome) } else { Vec::new() };
    work.change_context(execution.context, |context| {
        context.open = context.open.saturating_sub(1);
        context.following.extend(followers.iter().map(|(event, scope)| Following {
            trigger: event.id,
            stage: scope.stage.clone(),
            past_gate: execution.overridden(),
            stopped: false,
        }));
        context.close();
    })?;
    for (event, scope) in followers {
        let by = execution.triggered_by.clone();
        work.follow_on.push(FollowOn::Triggered { event, scope, by });
    }
    let (lane, id, at) = (execution.scope.clone(), execution.id, work.env.now);
    work.put_execution(Execution { state: ExecutionState::Finished { outcome, at }, ..execution });
    work.release(&lane, id)
}

/// Ends an execution that nobody has reacted to.
pub(super) fn give_up(work: &mut Work<'_>, execution: Execution, how: End) -> Result<(), Refusal> {
    report(work, &execution, how.outcome, how.message)?;
    work.change_context(execution.context, |context| {
        context.open = context.open.saturating_sub(1);
        context.timed_out = true;
        context.close();
    })?;
    let (lane, id, at) = (execution.scope.clone(), execution.id, work.env.now);
    work.put_execution(Execution { state: ExecutionState::TimedOut { at }, ..execution });
    work.release(&lane, id)
}

/// The `.finished` event of a sequence, after which its trigger is open no longer.
pub(super) fn report(
    work: &mut Work<'_>,
    execution: &Execution,
    outcome: Outcome,
    message: String,
) -> Result<(), Refusal> {
    let mut data = Map::new();
    execution.scope.write(&mut data);
    if let Some(labels) = execution.carry.get("labels") {
        data.insert("labels".to_owned(), labels.clone());
    }
    outcome.write(&mut data);
    data.insert("message".to_owned(), Value::from(message));
    let (_, _, event) = work.emit(Emit {
        kind: EventType::sequence(&execution.scope.stage, &execution.sequence, Phase::Finished),
        source: CONTROLLER,
        context: execution.context,
        triggered_id: Some(execution.trigger),
        commit: None,
        data,
    });
    work.change(Change::Closed(work.project.clone(), execution.trigger));
    summary::sequence_event(work, execution, &event)
}

/// The sequences that follow, by the newest shipyard that is known now.
fn follow_ups(work: &mut Work<'_>, execution: &Execution, outcome: Outcome) -> Vec<(Event, Scope)> {
    let Some((_, shipyard)) = work.shipyard.clone() else { return Vec::new() };
    let Some(last) = execution.previous.last() else { return Vec::new() };
    let Scope { stage, .. } = &execution.scope;
    let followers = shipyard.followers(stage, &execution.sequence, &last.name, outcome.result);
    let mut triggers = Vec::new();
    for follower in followers {
        let scope = Scope { stage: follower.stage, ..execution.scope.clone() };
        let mut data = execution.carry.clone();
        scope.write(&mut data);
        if data.contains_key("message") {
            data.insert("message".to_owned(), Value::from(""));
        }
        let event = work.event(Emit {
            kind: EventType::sequence(&scope.stage, &follower.sequence, Phase::Triggered),
            source: CONTROLLER,
            context: execution.context,
            triggered_id: None,
            commit: None,
            data,
        });
        triggers.push((event, scope));
    }
    triggers
}
