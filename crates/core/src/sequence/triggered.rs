//! A sequence is triggered, and its shipyard is read.

use std::sync::Arc;

use serde_json::Value;

use super::complete::{End, end};
use super::effects::{Change, Disposition, OpenEvent, Refusal, Reply, Resolve};
use super::input::{Input, Resolution};
use super::rows::{Commits, Context, ContextState, Execution, ExecutionState, Queue, StageState};
use super::work::Work;
use crate::event::{Event, EventKind, Outcome, Scope, labels};
use crate::names::{ExecutionId, SequenceName};
use crate::principal::Principal;

/// Most executions of one context: a sequence that triggers itself for ever ends here.
pub(super) const EXECUTIONS_MAX: u32 = 1000;

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
    let n = work.append(event.clone(), Disposition::Accepted, None);
    let id = work.next_execution();
    let mut context = match work.context(event.context)? {
        Some(context) => context,
        None => new_context(work, event, scope, &sequence, by),
    };
    enter_stage(&mut context, scope);
    context.executions += 1;
    context.open += 1;
    if matches!(
        context.state,
        ContextState::Finished | ContextState::Aborted | ContextState::TimedOut
    ) {
        context.state = ContextState::Triggered;
    }
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
    let (commit, shipyard, text, stage_commit) = match resolution {
        Resolution::Read { commit, shipyard, text, stage_commit } => {
            (commit, shipyard, text, stage_commit)
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
    execution.commits = Some(Commits { shipyard: commit.clone(), stage: stage_commit.clone() });
    execution.tasks = match shipyard.tasks(&execution.scope.stage, &execution.sequence) {
        Ok(tasks) => tasks,
        Err(reason) => return cannot_start(work, execution, &reason),
    };
    execution.state = ExecutionState::Waiting;
    let lane = execution.scope.clone();
    let head = work.lane(&lane)?;
    if head.holder.is_some() || head.ready.is_some() || head.waiting.is_some() {
        work.change_context(execution.context, |context| context.state = ContextState::Waiting)?;
    }
    work.change(Change::Join(lane.clone(), Queue::Waiting, execution.position, id));
    work.follow_on.push(Input::Admit { lane });
    work.put_execution(execution);
    Ok(())
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
        });
    }
}

/// The image that event data asks to deploy.
pub(super) fn image(data: &serde_json::Map<String, Value>) -> Option<String> {
    let image = data.get("configurationChange")?.get("values")?.get("image")?;
    image.as_str().filter(|image| !image.is_empty()).map(str::to_owned)
}
