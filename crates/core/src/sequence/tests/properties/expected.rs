//! What a single step may do, told from its input and the rows before it.

use std::collections::BTreeSet;

use super::case::Seen;
use crate::approval::ApprovalState;
use crate::event::{Event, EventKind, Outcome, Phase, Status, TaskResult, text};
use crate::names::{ContextId, EventId, TaskName};
use crate::principal::Principal;
use crate::sequence::tests::rows::Rows;
use crate::sequence::{
    Answer, Change, Disposition, Effects, Env, Execution, ExecutionState, FollowOn, Input,
    LogEntry, Queue, Reply, TaskState, Timer,
};
use crate::shipyard::{Shipyard, Trigger};

/// What the answers to one task come to, counted once more.
#[derive(Debug)]
pub(super) struct Tally {
    context: ContextId,
    name: TaskName,
    started: usize,
    finished: Vec<(String, String)>,
    keys: BTreeSet<(bool, String, Option<uuid::Uuid>)>,
    /// A job of ours has started and not reported its end.
    pub(super) ours: bool,
}

pub(super) fn check(rows: &Rows, seen: &mut Seen, input: &Input, env: &Env, effects: &Effects) {
    own_event_is_logged_once(seen, input, effects);
    what_is_over_stays(rows, effects);
    emissions_are_explained(rows, input, env, effects);
    followers_are_those_of_the_shipyard(rows, effects);
    what_fails_ends(rows, effects);
    admission_is_in_order(rows, input, effects);
    match input {
        Input::Started(answer) => answered(rows, seen, answer, Phase::Started, env, effects),
        Input::Finished(answer) => answered(rows, seen, answer, Phase::Finished, env, effects),
        Input::TimerDue { timer: Timer::Unstarted(task), .. } => {
            let waits = rows.tasks.get(task).is_some_and(|t| t.state == TaskState::Open)
                && seen.tallies[task].keys.is_empty();
            let gave_up = changed(rows, effects)
                .any(|(_, after)| matches!(after.state, ExecutionState::TimedOut { .. }));
            assert_eq!(
                gave_up, waits,
                "a task is given up where nobody has reacted, and only there"
            );
        }
        Input::TimerDue { timer: Timer::Delay(id), .. } => {
            let due = rows.executions.get(id).is_some_and(|execution| match execution.state {
                ExecutionState::Throttled { due } | ExecutionState::Delayed { due } => {
                    due <= env.now
                }
                _ => false,
            });
            let goes_on = changed(rows, effects).next().is_some();
            assert_eq!(goes_on, due, "what is delayed goes on in its time, and not before");
        }
        _ => {}
    }
    for change in &effects.changes {
        if let Change::Task(_, task) = change {
            seen.tallies.entry(task.id).or_insert_with(|| Tally {
                context: task.context,
                name: task.name.clone(),
                started: 0,
                finished: Vec::new(),
                keys: BTreeSet::new(),
                ours: false,
            });
        }
    }
}

/// Executions before and after the step; none before where it is new.
pub(super) fn changed<'a>(
    rows: &'a Rows,
    effects: &'a Effects,
) -> impl Iterator<Item = (Option<&'a Execution>, &'a Execution)> {
    effects.changes.iter().filter_map(|change| match change {
        Change::Execution(after) => Some((rows.executions.get(&after.id), &**after)),
        _ => None,
    })
}

/// Executions that this step has ended.
pub(super) fn ended<'a>(
    rows: &'a Rows,
    effects: &'a Effects,
) -> impl Iterator<Item = &'a Execution> {
    changed(rows, effects)
        .filter(|(before, _)| before.is_none_or(|before| !before.state.is_final()))
        .map(|(_, after)| after)
        .filter(|after| after.state.is_final())
}

fn own_event_is_logged_once(seen: &mut Seen, input: &Input, effects: &Effects) {
    let Some(event) = input.event() else { return };
    let logged = effects.log.iter().filter(|entry| entry.event.id == event.id).count();
    let stopped = seen.stopped.contains(&event.id);
    assert_eq!(
        logged,
        usize::from(!stopped),
        "an event is in the log once, unless it was taken back"
    );
    seen.following.remove(&event.id);
}

fn what_is_over_stays(rows: &Rows, effects: &Effects) {
    for (before, after) in changed(rows, effects) {
        let Some(before) = before.filter(|before| before.state.is_final()) else { continue };
        assert_eq!(before, after, "an execution that has ended never changes");
    }
    for change in &effects.changes {
        match change {
            Change::Task(_, after) => {
                let was_over = |before: &&crate::sequence::Task| before.state == TaskState::Over;
                let before = rows.tasks.get(&after.id).filter(was_over);
                assert!(before.is_none(), "a task that is over never changes");
            }
            Change::Approval(after) => {
                let before = rows.approvals.get(&after.id);
                let open = before.is_none_or(|before| before.state == ApprovalState::Open);
                assert!(open, "an approval that is decided or closed never changes");
            }
            _ => {}
        }
    }
}

/// Nothing is invented: every event that comes from a step is one that the step's rows ask for, and
/// every change that asks for an event has one.
fn emissions_are_explained(rows: &Rows, input: &Input, env: &Env, effects: &Effects) {
    let own = input.event().map(|event| event.id);
    let emitted = || effects.log.iter().filter(|entry| Some(entry.event.id) != own);
    let mut ends: Vec<EventId> = ended(rows, effects).map(|execution| execution.trigger).collect();
    let mut asked: Vec<EventId> = Vec::new();
    for entry in emitted() {
        let LogEntry { event, disposition, .. } = entry;
        assert_eq!(*disposition, Disposition::Accepted);
        assert_eq!(event.time, env.now);
        match event.kind.kind() {
            EventKind::Sequence { phase: Phase::Finished, .. } => {
                let index = ends.iter().position(|trigger| Some(*trigger) == event.triggered_id);
                ends.remove(index.expect("a sequence.finished belongs to an execution that ended"));
            }
            EventKind::Task { phase: Phase::Triggered, .. } => {
                nothing_is_triggered_in_a_pause(rows, event);
                asked.push(event.id);
            }
            EventKind::Task { phase: Phase::Started | Phase::Finished, task } => {
                assert_eq!(task.as_str(), "approval", "only approvals are answered here");
                let id = event.triggered_id.unwrap();
                assert!(changes_approval(effects, id), "an answer belongs to its approval");
            }
            kind => panic!("{kind:?} comes from nowhere"),
        }
    }
    assert!(ends.is_empty(), "every execution that ends says so");
    for change in &effects.changes {
        let (id, is_new) = match change {
            Change::Task(_, task) => (task.id, !rows.tasks.contains_key(&task.id)),
            Change::Approval(row) => (row.id, !rows.approvals.contains_key(&row.id)),
            _ => continue,
        };
        let index = asked.iter().position(|event| *event == id);
        assert_eq!(index.is_some(), is_new, "a new task is triggered, once");
        index.map(|index| asked.remove(index));
    }
    assert!(asked.is_empty(), "what is triggered is a task");
}

fn nothing_is_triggered_in_a_pause(rows: &Rows, event: &Event) {
    let context = &rows.contexts[&event.context];
    let stage = text(&event.data, "stage");
    let paused = context.paused.all || context.paused.stages.iter().any(|s| s.as_str() == stage);
    assert!(!paused, "a paused sequence triggers nothing");
}

fn changes_approval(effects: &Effects, id: EventId) -> bool {
    effects.changes.iter().any(|change| matches!(change, Change::Approval(row) if row.id == id))
}

/// `triggeredOn`, read once more.
fn followers_are_those_of_the_shipyard(rows: &Rows, effects: &Effects) {
    let mut expected = Vec::new();
    for execution in ended(rows, effects) {
        let ExecutionState::Finished { outcome, .. } = execution.state else { continue };
        let Some(last) = execution.previous.last().filter(|last| last.outcome == outcome) else {
            continue;
        };
        let Some((_, shipyard)) = &rows.known else { continue };
        expected.extend(followers(shipyard, execution, last.name.as_str(), outcome.result));
    }
    let mut found = Vec::new();
    for follow_on in &effects.follow_on {
        let FollowOn::Triggered { event, scope, .. } = follow_on else { continue };
        assert_eq!(text(&event.data, "stage"), scope.stage.as_str());
        assert_eq!(text(&event.data, "message"), "");
        found.push(event.kind.to_string());
    }
    assert_eq!(found, expected, "what follows is what triggeredOn says");
}

fn followers(
    shipyard: &Shipyard,
    ended: &Execution,
    last: &str,
    result: TaskResult,
) -> Vec<String> {
    let end = format!("{}.{}.finished", ended.scope.stage, ended.sequence);
    let fires = |trigger: &Trigger| {
        let is = |key: &str, selector: &std::collections::BTreeMap<String, String>| {
            selector.get(key).map(String::as_str) == Some(result.as_str())
        };
        trigger.event == end
            && match &trigger.selector {
                None => result == TaskResult::Pass || result == TaskResult::Warning,
                Some(all) => is("result", all) || is(&format!("{last}.result"), all),
            }
    };
    let mut found = Vec::new();
    for stage in &shipyard.stages {
        for sequence in &stage.sequences {
            let times = sequence.triggered_on.iter().filter(|trigger| fires(trigger)).count();
            let kind = format!("sh.keptn.event.{}.{}.triggered", stage.name, sequence.name);
            found.extend(std::iter::repeat_n(kind, times));
        }
    }
    found
}

/// A task that fails is the last one, and one that does not is the last only where no other follows.
fn what_fails_ends(rows: &Rows, effects: &Effects) {
    for (before, after) in changed(rows, effects) {
        let done = before.map_or(0, |before| before.previous.len());
        let Some(last) = after.previous[done..].last() else { continue };
        let goes_on = last.outcome.result != TaskResult::Fail
            && last.outcome.status != Status::Errored
            && after.previous.len() < after.tasks.len();
        assert_eq!(goes_on, !after.state.is_final(), "what has failed ends its sequence");
    }
}

/// Who leaves a queue to go on is the first there, and nobody overtakes those that are ready.
fn admission_is_in_order(rows: &Rows, input: &Input, effects: &Effects) {
    for change in &effects.changes {
        let Change::Leave(lane, queue, position) = change else { continue };
        if matches!(input, Input::Control(_)) {
            continue;
        }
        assert!(matches!(input, Input::Admit { .. }), "only an admission lets somebody go on");
        let first = rows.queues.keys().find(|(of, ..)| of == lane).unwrap();
        assert_eq!((&first.1, &first.2), (queue, position), "ready before waiting, in log order");
        assert!(!rows.holders.contains_key(lane));
        debug_assert!(Queue::Ready < Queue::Waiting);
    }
}

fn answered(
    rows: &Rows,
    seen: &mut Seen,
    answer: &Answer,
    phase: Phase,
    env: &Env,
    effects: &Effects,
) {
    let event = &answer.event;
    let entry = effects.log.iter().find(|entry| entry.event.id == event.id).unwrap();
    if answer.project != "tour" {
        assert!(entry.project.is_unmapped() && effects.changes.is_empty());
        return;
    }
    if let Some(approval) = event.triggered_id.and_then(|id| rows.approvals.get(&id)) {
        let fits = approval.context == event.context && named(event, "approval");
        let decides = fits
            && approval.state == ApprovalState::Open
            && !matches!(env.principal, Principal::Wire | Principal::Builtin(_));
        let (wanted, unwanted) = match phase {
            Phase::Finished => (decides, Disposition::Refused),
            _ => (fits, Disposition::Late),
        };
        let expected = if wanted { Disposition::Accepted } else { unwanted };
        assert_eq!(entry.disposition, expected);
        return;
    }
    let builtin = matches!(env.principal, Principal::Builtin(_));
    let id = event.triggered_id.filter(|id| seen.tallies.contains_key(id));
    let Some(id) = id else { return assert_eq!(entry.disposition, Disposition::Late) };
    let (task, tally) = (&rows.tasks[&id], seen.tallies.get_mut(&id).unwrap());
    let fits = tally.context == event.context && named(event, tally.name.as_str());
    let key = (phase == Phase::Started, event.source.clone(), answer.client_id);
    let expected = match task.state {
        _ if !fits => Disposition::Late,
        _ if tally.keys.contains(&key) => Disposition::Repeated,
        TaskState::Open => Disposition::Accepted,
        TaskState::Draining | TaskState::Over => Disposition::Late,
    };
    assert_eq!(entry.disposition, expected);
    if fits && builtin && phase == Phase::Finished && expected != Disposition::Repeated {
        tally.ours = false;
    }
    if expected != Disposition::Accepted {
        let repeated = expected == Disposition::Repeated;
        assert_eq!(effects.answer == Reply::Repeated, repeated);
        return;
    }
    tally.keys.insert(key);
    if phase == Phase::Started {
        tally.started += 1;
        tally.ours |= builtin;
    } else {
        let word = |key| text(&event.data, key).to_owned();
        tally.finished.push((word("result"), word("status")));
    }
    let complete = tally.started > 0 && tally.finished.len() >= tally.started;
    let done = changed(rows, effects).find_map(|(before, after)| {
        let before = before.map_or(0, |before| before.previous.len());
        after.previous[before..].iter().find(|done| done.triggered_id == id)
    });
    assert_eq!(done.is_some(), complete, "a task is over when all have finished who have started");
    if let Some(done) = done {
        assert_eq!(done.outcome, outcome(&tally.finished[..tally.started]));
    }
}

fn named(event: &Event, name: &str) -> bool {
    matches!(event.kind.kind(), EventKind::Task { task, .. } if task == *name)
}

/// What several answers come to: the worst word counts, and one that nobody knows is the worst.
fn outcome(answers: &[(String, String)]) -> Outcome {
    let knows = |status: &str| ["succeeded", "errored", "aborted"].contains(&status);
    let any = |wanted: &str| answers.iter().any(|(_, status)| status == wanted);
    let bad = |(result, status): &(String, String)| {
        (result != "pass" && result != "warning") || !knows(status)
    };
    let result = if answers.iter().any(bad) {
        TaskResult::Fail
    } else if answers.iter().any(|(result, _)| result == "warning") {
        TaskResult::Warning
    } else {
        TaskResult::Pass
    };
    let status = if any("errored") {
        Status::Errored
    } else if any("aborted") {
        Status::Aborted
    } else if answers.iter().all(|(_, status)| status == "succeeded") {
        Status::Succeeded
    } else {
        Status::Unknown
    };
    Outcome { result, status }
}
