//! A sequence is triggered, and its shipyard is read.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use super::complete::{End, end};
use super::context::{Context, ContextState, Pauses, StageState, Starts};
use super::effects::{Change, Disposition, OpenEvent, Refusal, Reply, Resolve};
use super::input::{Resolution, Timer};
use super::lane::wait_turn;
use super::problem::is_needless;
use super::rows::{Commits, Execution, ExecutionState};
use super::work::Work;
use crate::event::{Event, EventKind, Outcome, Scope, labels};
use crate::names::{ExecutionId, SequenceName};
use crate::principal::Principal;

/// Most executions that one context starts in a second: a sequence that triggers itself leaves room
/// for the others.
const STARTS_MAX: u32 = 10;
/// Most executions of one context: a sequence that triggers itself for ever ends here.
pub(super) const EXECUTIONS_MAX: u32 = 1000;
/// Most seconds that the start of an execution is put off: all that a context has, at that rate.
const AHEAD_MAX: i64 = (EXECUTIONS_MAX / STARTS_MAX) as i64;

pub(super) fn accept(
    work: &mut Work<'_>,
    event: &Event,
    scope: &Scope,
    by: &Principal,
) -> Result<(), Refusal> {
    let EventKind::Sequence { sequence, .. } = event.kind.kind() else {
        let kind = &event.kind;
        work.keep(event, Disposition::Accepted, format!("{kind} triggers no sequence"));
        return Ok(());
    };
    let mut context = match work.context(event.context)? {
        Some(context) => context,
        None => new_context(work, event, scope, &sequence, by),
    };
    let announced = context.following.iter().position(|next| next.trigger == event.id);
    let announced = announced.map(|place| context.following.remove(place));
    if announced.as_ref().is_some_and(|next| next.stopped) {
        work.put_context(context);
        work.answer = Reply::Kept("it was aborted before it began".to_owned());
        return Ok(());
    }
    if announced.is_some() && is_needless(&context, &sequence) {
        context.close();
        work.put_context(context);
        work.answer = Reply::Kept("the problem was over before it began".to_owned());
        return Ok(());
    }
    let n = work.append(event.clone(), Disposition::Accepted, None);
    let id = work.next_execution();
    enter_stage(&mut context, scope);
    context.executions += 1;
    context.open += 1;
    context.reopen();
    let too_many = context.executions > EXECUTIONS_MAX;
    work.put_context(context);
    let mut carry = event.data.clone();
    scope.write(&mut carry);
    let execution = Execution {
        id,
        scope: scope.clone(),
        sequence,
        context: event.context,
        trigger: event.id,
        position: n,
        triggered_at: work.env.now,
        triggered_by: by.clone(),
        follows: announced.is_some(),
        past_gate: announced.and_then(|next| next.past_gate),
        requested_commit: event.commit.clone(),
        commits: None,
        tasks: Arc::from([]),
        previous: Vec::new(),
        carry,
        state: ExecutionState::Resolving,
    };
    work.change(Change::Open(OpenEvent {
        id: event.id,
        scope: scope.clone(),
        context: event.context,
        kind: event.kind.clone(),
        n,
    }));
    if too_many {
        let message = format!(
            "Unable to start sequence {}: this context has had {EXECUTIONS_MAX} sequences, so it \
             probably triggers itself for ever",
            execution.sequence
        );
        return end(work, execution, End { outcome: Outcome::ERROR, message, follow: false });
    }
    work.resolve = Some(Resolve {
        execution: id,
        scope: scope.clone(),
        requested_commit: event.commit.clone(),
    });
    work.put_execution(execution);
    Ok(())
}

pub(super) fn resolved(
    work: &mut Work<'_>,
    id: ExecutionId,
    resolution: &Resolution,
) -> Result<(), Refusal> {
    let mut execution = work.execution(id)?;
    if execution.state != ExecutionState::Resolving {
        work.answer = Reply::Kept("the sequence was resolved or stopped before".to_owned());
        return Ok(());
    }
    let (commit, shipyard, text, stage_commit, stale) = match resolution {
        Resolution::Read { commit, shipyard, text, stage_commit, stale } => {
            (commit, shipyard, text, stage_commit, stale)
        }
        Resolution::Failed(reason) => return cannot_start(work, execution, reason),
    };
    if work.shipyard.as_ref().map(|(known, _)| known) != Some(commit) {
        work.shipyard = Some((commit.clone(), Arc::clone(shipyard)));
        work.change(Change::Snapshot {
            project: work.project.clone(),
            commit: commit.clone(),
            text: Arc::clone(text),
        });
    }
    execution.commits = Some(Commits {
        shipyard: commit.clone(),
        stage: stage_commit.clone(),
        stale: stale.clone(),
    });
    execution.tasks = match shipyard.tasks(&execution.scope.stage, &execution.sequence) {
        Ok(tasks) => tasks,
        Err(reason) => return cannot_start(work, execution, &reason),
    };
    match start_of(work, &execution)? {
        Some(due) => {
            work.set_timer(Timer::Delay(id), due);
            work.put_execution(Execution { state: ExecutionState::Throttled { due }, ..execution });
            Ok(())
        }
        None => wait_turn(work, execution),
    }
}

/// When the execution may start, where that is later than now.
fn start_of(work: &mut Work<'_>, execution: &Execution) -> Result<Option<Timestamp>, Refusal> {
    let now = work.env.now.as_second();
    let mut second = now;
    work.change_context(execution.context, |context| {
        let Starts { second: last, count } = context.starts;
        // A second that lies further ahead was set by a clock that has been put right since.
        let last = if last > now + AHEAD_MAX { now } else { last };
        second = last.max(now);
        let count = if second == last { count } else { 0 };
        if count >= STARTS_MAX {
            second += 1;
        }
        let count = if count >= STARTS_MAX { 1 } else { count + 1 };
        context.starts = Starts { second, count };
    })?;
    let due = Timestamp::from_second(second).unwrap_or(Timestamp::MAX);
    Ok((second > now).then_some(due))
}

fn cannot_start(work: &mut Work<'_>, execution: Execution, reason: &str) -> Result<(), Refusal> {
    let message = format!("Unable to start sequence {}: {reason}", execution.sequence);
    end(work, execution, End { outcome: Outcome::ERROR, message, follow: false })
}

fn new_context(
    work: &Work<'_>,
    event: &Event,
    scope: &Scope,
    sequence: &SequenceName,
    by: &Principal,
) -> Context {
    Context {
        id: event.context,
        project: scope.project.clone(),
        name: sequence.clone(),
        service: scope.service.clone(),
        time: work.env.now,
        triggered_by: by.clone(),
        state: ContextState::Triggered,
        stages: Vec::new(),
        problem_title: problem_title(event),
        labels: labels(&event.data),
        executions: 0,
        open: 0,
        evidence: Vec::new(),
        paused: Pauses::default(),
        timed_out: false,
        starts: Starts::default(),
        problem_over: false,
        following: Vec::new(),
    }
}

/// Keptn's decoder does not mind the case of the first letter.
fn problem_title(event: &Event) -> Option<String> {
    let problem = event.data.get("problem")?;
    let title = problem.get("problemTitle").or_else(|| problem.get("ProblemTitle"))?;
    title.as_str().map(str::to_owned)
}

fn enter_stage(context: &mut Context, scope: &Scope) {
    if context.stages.iter().all(|stage| stage.name != scope.stage) {
        context.stages.push(StageState {
            name: scope.stage.clone(),
            image: None,
            latest_evaluation: None,
            latest_event: None,
            latest_failed_event: None,
            state: String::new(),
            overridden: None,
        });
    }
}

/// The image that event data asks to deploy.
pub(super) fn image(data: &serde_json::Map<String, Value>) -> Option<String> {
    let image = data.get("configurationChange")?.get("values")?.get("image")?;
    image.as_str().filter(|image| !image.is_empty()).map(str::to_owned)
}
