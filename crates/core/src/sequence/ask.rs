//! An approval is asked for: who decides, and what exactly is asked.

use serde_json::{Map, Value};

use super::complete::{End, complete, end};
use super::effects::Refusal;
use super::rows::{Execution, ExecutionState, PreviousTask};
use super::summary;
use super::task::emit_triggered;
use super::triggered::image;
use super::work::{Emit, Work};
use crate::approval::{
    APPROVAL, APPROVAL_SERVICE, Approval, ApprovalState, Decided, Decision, Judgement, Policy,
    Strategy, digest_of, judge,
};
use crate::audit::Action;
use crate::event::{EventType, Outcome, Phase, labels, text};
use crate::names::{EventId, TaskName};
use crate::principal::{Principal, PrincipalName};
use crate::shipyard::TaskDefinition;

/// Opens an approval: `.triggered` and `.started` at once, and the decision too where the strategy
/// makes it.
pub(super) fn ask(
    work: &mut Work<'_>,
    execution: Execution,
    task: &TaskDefinition,
    data: Map<String, Value>,
) -> Result<(), Refusal> {
    let strategy = match Strategy::of(&task.properties) {
        Ok(strategy) => strategy,
        Err(error) => {
            let message = error.to_string();
            return end(work, execution, End { outcome: Outcome::ERROR, message, follow: false });
        }
    };
    let result = incoming_result(&execution, &strategy, &data).to_owned();
    let (id, n, _) = emit_triggered(work, &execution, task, data)?;
    let mut started = Map::new();
    execution.scope.write(&mut started);
    started.insert("status".to_owned(), Value::from("succeeded"));
    let word = strategy.word(&result);
    let message = format!("Approval strategy for result '{result}': {word}");
    started.insert("message".to_owned(), Value::from(message));
    answer_event(work, &execution, id, Phase::Started, started)?;
    let approval = approval_row(work, &execution, (id, n), result.clone(), strategy.policy())?;
    match judge(&strategy, &result) {
        Judgement::Manual => {
            work.put_approval(approval);
            let lane = execution.scope.clone();
            let holder = execution.id;
            work.put_execution(Execution {
                state: ExecutionState::WaitingForApproval { approval: id },
                ..execution
            });
            work.release(&lane, holder)
        }
        Judgement::Automatic(outcome) => {
            let mut finished = Map::new();
            execution.scope.write(&mut finished);
            outcome.write(&mut finished);
            let event = answer_event(work, &execution, id, Phase::Finished, finished.clone())?;
            let decision = if outcome.continues() { Decision::Approve } else { Decision::Decline };
            let by = PrincipalName::new(APPROVAL_SERVICE).expect("a short plain text");
            let decided = Decided {
                decision,
                by: Principal::Builtin(by),
                at: work.env.now,
                comment: None,
                seen: None,
                event,
            };
            work.record(Action::Decided { approval: id, decided: decided.clone() });
            let state = ApprovalState::Decided(decided);
            work.put_approval(Approval { state, ..approval });
            let name = task.name.clone();
            let done = PreviousTask { name, triggered_id: id, outcome, overridden: false };
            complete(work, execution, done, &finished, event)
        }
    }
}

/// Keptn 1.4: the result of the data, or that of its evaluation where there is none. Anybody who triggers a
/// sequence can write data, so under a policy a result counts only where a task of this context brought it.
fn incoming_result<'a>(
    execution: &Execution,
    strategy: &Strategy,
    data: &'a Map<String, Value>,
) -> &'a str {
    let is_ours = execution.follows || !execution.previous.is_empty();
    if strategy.policy().is_some() && !is_ours {
        return "";
    }
    match text(data, "result") {
        "" => data
            .get("evaluation")
            .and_then(|evaluation| evaluation.get("result"))
            .and_then(Value::as_str)
            .unwrap_or_default(),
        result => result,
    }
}

fn answer_event(
    work: &mut Work<'_>,
    execution: &Execution,
    triggered: EventId,
    phase: Phase,
    data: Map<String, Value>,
) -> Result<EventId, Refusal> {
    let name = TaskName::new(APPROVAL).expect("a plain word");
    let (id, _, event) = work.emit(Emit {
        kind: EventType::task(&name, phase),
        source: APPROVAL_SERVICE,
        context: execution.context,
        triggered_id: Some(triggered),
        commit: None,
        data,
    });
    summary::task_event(work, execution, &event)?;
    Ok(id)
}

fn approval_row(
    work: &Work<'_>,
    execution: &Execution,
    (id, n): (EventId, u64),
    result: String,
    policy: Option<Policy>,
) -> Result<Approval, Refusal> {
    let missing = |what: &str| Refusal::Inconsistent(format!("execution {}: {what}", execution.id));
    let context = work.context(execution.context)?.ok_or_else(|| missing("no context"))?;
    let change = execution.carry.get("configurationChange").unwrap_or(&Value::Null);
    let then = execution.tasks.iter().skip(execution.previous.len() + 1);
    Ok(Approval {
        id,
        n,
        scope: execution.scope.clone(),
        sequence: execution.sequence.clone(),
        execution: execution.id,
        context: execution.context,
        asked_at: work.env.now,
        triggered_by: execution.triggered_by.clone(),
        image: image(&execution.carry),
        change: digest_of(change),
        commits: execution.commits.clone().ok_or_else(|| missing("nothing resolved"))?,
        evidence: context.evidence,
        former: Vec::new(),
        labels: labels(&execution.carry),
        result,
        policy,
        then: then.map(|task| task.name.to_string()).collect(),
        state: ApprovalState::Open,
    })
}
