//! Votes on approvals: one outcome, whoever races.

use serde_json::{Map, Value, json};

use super::complete::complete;
use super::context::{Override, StageState};
use super::effects::{Disposition, Refusal, Reply};
use super::rows::{DEPLOYED_KEPT, Deployed, PreviousTask};
use super::summary;
use super::work::{Emit, Work};
use crate::approval::{
    APPROVAL, Approval, ApprovalState, Blind, Comment, Decided, Decision, Subject, between,
};
use crate::audit::Action;
use crate::event::{Event, EventKind, EventType, Outcome, Phase, text};
use crate::names::{EventId, TaskName};

/// What a voter says.
pub(super) struct Ballot {
    pub(super) decision: Decision,
    pub(super) subject: Option<Subject>,
    pub(super) comment: Option<Comment>,
    pub(super) source: String,
}

/// A vote on one of Tidegate's own routes. The `approval.finished` is ours.
pub(super) fn on_route(work: &mut Work<'_>, id: EventId, ballot: Ballot) -> Result<(), Refusal> {
    let project = work.project.clone();
    let missing = || Refusal::NoApproval { project, approval: id };
    let approval = work.approval(id)?.ok_or_else(missing)?;
    match &approval.state {
        ApprovalState::Decided(decided) if decided.decision == ballot.decision => {
            work.answer = Reply::Decided(Box::new(decided.clone()));
            return Ok(());
        }
        ApprovalState::Decided(decided) => {
            return Err(Refusal::AlreadyDecided(Box::new(decided.clone())));
        }
        ApprovalState::Closed { reason, .. } => return Err(Refusal::Closed(reason.clone())),
        ApprovalState::Open => {}
    }
    may_vote(work)?;
    fresh(work, &approval, ballot.subject)?;
    by_policy(&approval, ballot.decision, ballot.subject, ballot.comment.as_ref())?;
    let outcome = match ballot.decision {
        Decision::Approve => Outcome::PASS,
        Decision::Decline => Outcome::FAIL,
    };
    let mut data = Map::new();
    approval.scope.write(&mut data);
    data.insert("labels".to_owned(), json!(approval.labels));
    outcome.write(&mut data);
    let message = ballot.comment.as_ref().map(Comment::as_str).unwrap_or_default();
    data.insert("message".to_owned(), Value::from(message));
    let name = TaskName::new(APPROVAL).expect("a plain word");
    let event = work.event(Emit {
        kind: EventType::task(&name, Phase::Finished),
        source: &ballot.source,
        context: approval.context,
        triggered_id: Some(approval.id),
        commit: None,
        data,
    });
    decide(work, approval, ballot.subject, ballot.comment, outcome, event)
}

/// A vote by an `approval.finished` event, as Keptn's clients send it: always a blind one. Nothing is
/// refused to the sender; an event without effect is kept with the reason.
pub(super) fn by_event(
    work: &mut Work<'_>,
    approval: Approval,
    event: &Event,
) -> Result<(), Refusal> {
    let is_approval = matches!(event.kind.kind(), EventKind::Task { task, .. } if task == APPROVAL);
    if approval.context != event.context || !is_approval {
        work.keep(event, Disposition::Refused, "it names another task or context".to_owned());
        return Ok(());
    }
    let outcome = Outcome::of(&event.data);
    let comment = Comment::parse(text(&event.data, "message")).ok().flatten();
    let judged = || {
        may_vote(work)?;
        by_policy(&approval, decision_of(outcome), None, comment.as_ref())
    };
    let reason = match &approval.state {
        ApprovalState::Open => judged().err().map(|refusal| refusal.to_string()),
        ApprovalState::Decided(decided) => Some(decided.to_string()),
        ApprovalState::Closed { reason, .. } => Some(reason.clone()),
    };
    if let Some(reason) = reason {
        let (approval, event_id) = (approval.id, event.id);
        work.record(Action::VoteRefused { approval, event: event_id, reason: reason.clone() });
        work.keep(event, Disposition::Refused, reason);
        return Ok(());
    }
    decide(work, approval, None, comment, outcome, event.clone())
}

fn decision_of(outcome: Outcome) -> Decision {
    if outcome.continues() { Decision::Approve } else { Decision::Decline }
}

/// What the approval's policy asks of a vote.
fn by_policy(
    approval: &Approval,
    decision: Decision,
    seen: Option<Subject>,
    comment: Option<&Comment>,
) -> Result<(), Refusal> {
    let Some(policy) = approval.policy else { return Ok(()) };
    if policy.blind == Blind::Refuse && seen.is_none() {
        return Err(Refusal::Blind);
    }
    if decision == Decision::Approve && approval.overrides() && comment.is_none() {
        return Err(Refusal::NoReason);
    }
    Ok(())
}

/// Without a policy everybody decides who could call Keptn's API.
fn may_vote(work: &Work<'_>) -> Result<(), Refusal> {
    let principal = &work.env.principal;
    if principal.votes_without_policy() {
        Ok(())
    } else {
        Err(Refusal::NoVoter(format!("{principal} does not decide approvals; a person must")))
    }
}

/// What the voter saw must be what is there.
fn fresh(work: &Work<'_>, approval: &Approval, seen: Option<Subject>) -> Result<(), Refusal> {
    let deployed = work.lane(&approval.scope)?.deployed;
    let now = Subject::of(approval, deployed.last());
    match seen {
        Some(seen) if seen != now => {
            Err(Refusal::Stale { changed: changed(approval, &deployed, seen), now })
        }
        _ => Ok(()),
    }
}

/// What changed since the voter looked, in words.
fn changed(approval: &Approval, deployed: &[Deployed], seen: Subject) -> String {
    let stage = &approval.scope.stage;
    let runs = |deployed: Option<&Deployed>| match deployed {
        Some(deployed) => deployed.image.clone(),
        None => "nothing".to_owned(),
    };
    let newest_first = || deployed.iter().map(Some).rev().chain([None]).take(DEPLOYED_KEPT + 1);
    let versions = std::iter::once(&approval.evidence).chain(approval.former.iter().rev());
    let mut known = versions.flat_map(|was| newest_first().map(move |runs| (was, runs)));
    let Some((was, old)) = known.find(|(was, old)| Subject::former(approval, was, *old) == seen)
    else {
        return format!("the subject you named, {}, is not this approval's", seen.short());
    };
    let mut changed = between(was, &approval.evidence);
    if old != deployed.last() {
        changed.push(format!("{stage} ran {}, now {}", runs(old), runs(deployed.last())));
    }
    changed.join("; ")
}

fn decide(
    work: &mut Work<'_>,
    approval: Approval,
    seen: Option<Subject>,
    comment: Option<Comment>,
    outcome: Outcome,
    mut event: Event,
) -> Result<(), Refusal> {
    let execution = work.execution(approval.execution)?;
    let decision = decision_of(outcome);
    let decided = Decided {
        decision,
        by: work.env.principal.clone(),
        at: work.env.now,
        comment,
        seen,
        event: event.id,
    };
    let approval = Approval { state: ApprovalState::Decided(decided.clone()), ..approval };
    let overridden = approval.is_overridden();
    event.data.insert(APPROVAL.to_owned(), record(&decided, overridden));
    work.append(event.clone(), Disposition::Accepted, None);
    summary::task_event(work, &execution, &event)?;
    let id = approval.id;
    work.record(Action::Decided { approval: id, decided: decided.clone() });
    if overridden {
        mark(work, &approval)?;
    }
    work.put_approval(approval);
    work.answer = Reply::Decided(Box::new(decided));
    let name = TaskName::new(APPROVAL).expect("a plain word");
    let done = PreviousTask { name, triggered_id: id, outcome, overridden };
    complete(work, execution, done, &event.data, event.id)
}

/// Keeps with what lists and overviews read that a failed gate was overridden: with the stage that goes on,
/// the one whose gate it was, and what the same delivery has brought there already.
fn mark(work: &mut Work<'_>, approval: &Approval) -> Result<(), Refusal> {
    let (id, stage) = (approval.id, &approval.scope.stage);
    let gate = approval.failed_gate().map(|evidence| &evidence.stage);
    work.change_context(approval.context, |context| {
        let is_meant = |state: &&mut StageState| state.name == *stage || Some(&state.name) == gate;
        for state in context.stages.iter_mut().filter(is_meant) {
            let failed = state.latest_failed_event.as_ref().map(|event| event.id);
            state.overridden = Some(Override { approval: id, failed });
        }
    })?;
    let mut deployed = work.lane(&approval.scope)?.deployed;
    let is_ours =
        |known: &&mut Deployed| known.context == approval.context && known.overridden.is_none();
    let mut ours: Vec<_> = deployed.iter_mut().filter(is_ours).collect();
    if ours.is_empty() {
        return Ok(());
    }
    for known in &mut ours {
        known.overridden = Some(id);
    }
    work.set_deployed(&approval.scope, deployed);
    Ok(())
}

/// What the `approval.finished` event says beyond Keptn's fields.
fn record(decided: &Decided, overridden: bool) -> Value {
    let mut record = json!({
        "decision": decided.decision,
        "by": decided.by,
        "at": decided.at,
        "comment": decided.comment,
        "subject": decided.seen,
        "blind": decided.seen.is_none(),
    });
    if overridden {
        record["overridden"] = Value::from(true);
    }
    record
}
