//! What approvals are based on, kept true while they wait: a result that comes later, or an evaluation that is
//! declared invalid, changes what is asked.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::effects::Refusal;
use super::record::EVALUATION;
use super::rows::{Execution, ExecutionState, PreviousTask};
use super::triggered::EXECUTIONS_MAX;
use super::work::Work;
use crate::approval::{ApprovalState, digest_of};
use crate::event::Event;
use crate::names::{ContextId, EventId, StageName, TaskName};
use crate::quality::{INVALIDATED, RESTORED};

/// The other task whose results are evidence.
const TEST: &str = "test";

/// A test result or an evaluation that an approval is based on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// Where it was gathered.
    pub stage: StageName,
    /// The task: `test` or `evaluation`.
    pub task: TaskName,
    /// What it said.
    pub result: String,
    /// The `.finished` event.
    pub event: EventId,
    /// SHA-256 of that event's canonical data, in hexadecimal.
    pub digest: String,
    /// The `.triggered` event that it answers; none in rows that were kept before this was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked: Option<EventId>,
    /// The score of an evaluation, 0 to 100; none where it names none, and in rows that were kept before this was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<f64>,
    /// The event that declared the evaluation invalid; none where it counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invalid: Option<EventId>,
}

impl Evidence {
    /// Whether it takes the place of that one.
    pub(crate) fn follows(&self, old: &Self) -> bool {
        (&self.stage, &self.task) == (&old.stage, &old.task)
    }
}

/// Takes up the result of a test or an evaluation: the newest of each stage is what counts.
pub(super) fn gather(
    work: &mut Work<'_>,
    execution: &Execution,
    done: &PreviousTask,
    data: &Map<String, Value>,
    event: EventId,
) -> Result<(), Refusal> {
    if done.name != TEST && done.name != EVALUATION {
        return Ok(());
    }
    let found = Evidence {
        stage: execution.scope.stage.clone(),
        task: done.name.clone(),
        result: done.outcome.result.as_str().to_owned(),
        event,
        digest: digest_of(&Value::Object(data.clone())),
        asked: Some(done.triggered_id),
        score: data.get("evaluation").and_then(|evaluation| evaluation.get("score")?.as_f64()),
        invalid: None,
    };
    let take = |all: &mut Vec<Evidence>| {
        all.retain(|old| !found.follows(old));
        all.push(found.clone());
    };
    let mut others = 0;
    work.change_context(execution.context, |context| {
        take(&mut context.evidence);
        others = context.open.saturating_sub(1);
    })?;
    if others > 0 {
        revise(work, execution.context, &found.stage, take)?;
    }
    // Measured again by somebody else: what runs there is still what an earlier delivery brought.
    let newest = work.lane(&execution.scope)?.deployed.pop().map(|deployed| deployed.context);
    let Some(other) = newest.filter(|newest| *newest != execution.context) else { return Ok(()) };
    if work.context(other)?.is_some_and(|context| context.is_under_way()) {
        work.change_context(other, |context| take(&mut context.evidence))?;
        revise(work, other, &found.stage, take)?;
    }
    Ok(())
}

/// Takes up that an evaluation was declared invalid, or counts again.
pub(super) fn declared(work: &mut Work<'_>, event: &Event) -> Result<(), Refusal> {
    let is_invalid = match event.kind.as_str() {
        INVALIDATED => true,
        RESTORED => false,
        _ => return Ok(()),
    };
    let Some(asked) = event.triggered_id else { return Ok(()) };
    let Some(task) = work.task(asked)?.filter(|task| task.name == EVALUATION) else {
        return Ok(());
    };
    let Some(execution) = work.find_execution(task.execution)? else { return Ok(()) };
    let said = |all: &mut Vec<Evidence>| {
        for one in all.iter_mut().filter(|one| one.asked == Some(asked)) {
            // Said twice, it changes nothing.
            one.invalid = is_invalid.then(|| one.invalid.unwrap_or(event.id));
        }
    };
    let lane = work.lane(&execution.scope)?.deployed;
    let mut based: Vec<ContextId> = lane.into_iter().map(|deployed| deployed.context).collect();
    based.push(task.context);
    based.sort_unstable();
    based.dedup();
    for id in based {
        let Some(context) = work.context(id)? else { continue };
        if context.evidence.iter().any(|one| one.asked == Some(asked)) {
            work.change_context(id, |context| said(&mut context.evidence))?;
            revise(work, id, &execution.scope.stage, said)?;
        }
    }
    Ok(())
}

/// Changes the evidence of the approvals of a context that wait: those that are based on this stage, and those
/// that wait in it.
fn revise(
    work: &mut Work<'_>,
    context: ContextId,
    stage: &StageName,
    change: impl Fn(&mut Vec<Evidence>),
) -> Result<(), Refusal> {
    for execution in work.open_executions(context, 0, EXECUTIONS_MAX as usize)? {
        let ExecutionState::WaitingForApproval { approval } = execution.state else { continue };
        let Some(mut approval) = work.approval(approval)? else { continue };
        let is_based = approval.scope.stage == *stage
            || approval.evidence.iter().any(|one| one.stage == *stage);
        if !is_based || approval.state != ApprovalState::Open {
            continue;
        }
        let mut now = approval.evidence.clone();
        change(&mut now);
        if approval.revise(now) {
            work.put_approval(approval);
        }
    }
    Ok(())
}
