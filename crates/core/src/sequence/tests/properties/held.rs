//! What holds after every step, whatever the step was.

use std::collections::{BTreeMap, BTreeSet};

use super::case::{Case, Seen};
use super::expected::changed;
use crate::approval::ApprovalState;
use crate::event::Scope;
use crate::names::{ContextId, EventId, ExecutionId};
use crate::sequence::tests::rows::Rows;
use crate::sequence::{
    Change, Context, ContextState, Control, Effects, Env, Evidence, Execution, ExecutionState,
    FollowOn, Input, Queue, Reply, Settings, TaskState, Timer,
};

/// Takes down what the rows will not tell.
pub(super) fn note(rows: &Rows, seen: &mut Seen, input: &Input, env: &Env, effects: &Effects) {
    for follow_on in &effects.follow_on {
        if let FollowOn::Triggered { event, scope, .. } = follow_on {
            seen.following.insert(event.id, (event.context, scope.stage.clone()));
        }
    }
    for (_, after) in changed(rows, effects) {
        *seen.visits.entry(name_of(&after.state)).or_default() += 1;
        if !matches!(after.state, ExecutionState::Running { .. } | ExecutionState::Delayed { .. }) {
            seen.let_go.remove(&after.id);
        }
    }
    for change in &effects.changes {
        if let Change::Holder(lane, holder) = change {
            let pause = matches!(input, Input::Control(c) if c.control == Control::Pause);
            match (rows.holders.get(lane), holder) {
                (Some(before), None) if pause => drop(seen.let_go.insert(*before)),
                (_, Some(holder)) => drop(seen.let_go.remove(holder)),
                (_, None) => {}
            }
        }
    }
    if let Input::Control(command) = input
        && effects.answer == Reply::Accepted
        && command.after == 0
    {
        seen.controls += 1;
        if command.stage.is_some() {
            seen.stage_controls.insert(command.context);
        }
        if command.control == Control::Abort {
            let covers = |(context, stage): &(ContextId, _)| {
                *context == command.context && command.stage.as_ref().is_none_or(|s| s == stage)
            };
            let stopped = seen.following.iter().filter(|(_, at)| covers(at)).map(|(id, _)| *id);
            seen.stopped.extend(stopped);
            if command.stage.is_none() {
                let n = (rows.log.len() + effects.log.len()) as u64;
                seen.aborted.insert(command.context, n);
            }
        }
    }
    if let Input::Resolved { execution, .. } = input {
        starts(rows, seen, *execution, env, effects);
    }
}

fn name_of(state: &ExecutionState) -> &'static str {
    match state {
        ExecutionState::Resolving => "resolving",
        ExecutionState::Throttled { .. } => "throttled",
        ExecutionState::Waiting => "waiting",
        ExecutionState::Running { .. } => "running",
        ExecutionState::Delayed { .. } => "delayed",
        ExecutionState::WaitingForApproval { .. } => "waiting for approval",
        ExecutionState::Ready { .. } => "ready",
        ExecutionState::Paused { .. } => "paused",
        ExecutionState::Finished { .. } => "finished",
        ExecutionState::Aborted { .. } => "aborted",
        ExecutionState::TimedOut { .. } => "timed out",
    }
}

fn starts(rows: &Rows, seen: &mut Seen, id: ExecutionId, env: &Env, effects: &Effects) {
    let Some((_, after)) = changed(rows, effects).find(|(_, after)| after.id == id) else { return };
    let second = match &after.state {
        ExecutionState::Throttled { due } => due.as_second(),
        ExecutionState::Finished { .. } => return,
        _ => env.now.as_second(),
    };
    let ahead = second - env.now.as_second();
    assert!(ahead <= 100, "a start is put off by {ahead} s, and there are 1,000 at 10 a second");
    let started = seen.starts.entry((after.context, second)).or_default();
    *started += 1;
    assert!(*started <= 10, "at most 10 sequences of a context start in a second");
}

pub(super) fn check(case: &Case) {
    let Case { rows, .. } = case;
    let mut open: BTreeMap<ContextId, Vec<&Execution>> = BTreeMap::new();
    for execution in case.executions().filter(|execution| !execution.state.is_final()) {
        open.entry(execution.context).or_default().push(execution);
    }
    counters(rows);
    lanes(case);
    queues(case);
    open_events(rows);
    timers(rows);
    for context in rows.contexts.values() {
        let open = open.get(&context.id).map_or(&[][..], Vec::as_slice);
        pauses(case, context, open);
        state(case, context, open);
        aborts(case, context.id, open);
    }
    evidence(rows);
    let decided = rows.approvals.values().filter(|approval| approval.decided().is_some());
    let records = rows.audit.iter().filter(|record| is_decision(record));
    assert_eq!(records.count(), decided.count(), "every decision is recorded, once");
}

/// What is asked is what is known now of the stages that it is based on.
fn evidence(rows: &Rows) {
    for approval in rows.approvals.values().filter(|one| one.state == ApprovalState::Open) {
        let stages: BTreeSet<_> = approval.evidence.iter().map(|one| &one.stage).collect();
        let known = rows.contexts[&approval.context].evidence.iter();
        let counts =
            |one: &&Evidence| stages.contains(&one.stage) || one.stage == approval.scope.stage;
        let known: Vec<_> = known.filter(counts).cloned().collect();
        assert_eq!(approval.evidence, known, "evidence is what is known now");
    }
}

fn is_decision(record: &crate::audit::AuditRecord) -> bool {
    matches!(record.action, crate::audit::Action::Decided { .. })
}

fn counters(rows: &Rows) {
    let mut counts: BTreeMap<ContextId, (u32, u32)> = BTreeMap::new();
    for execution in rows.executions.values() {
        let (all, open) = counts.entry(execution.context).or_default();
        *all += 1;
        *open += u32::from(!execution.state.is_final());
    }
    for context in rows.contexts.values() {
        let counted = counts.get(&context.id).copied().unwrap_or_default();
        assert_eq!((context.executions, context.open), counted, "executions are counted");
    }
}

/// Who holds a lane runs; who runs holds its lane, unless it was paused meanwhile.
fn lanes(case: &Case) {
    for (lane, holder) in &case.rows.holders {
        let holder = &case.rows.executions[holder];
        assert_eq!(holder.scope, *lane);
        let fits = match &holder.state {
            ExecutionState::Running { .. } | ExecutionState::Delayed { .. } => true,
            ExecutionState::Aborted { .. } => drains(case, holder.id),
            _ => false,
        };
        assert!(fits, "{:?} holds its lane", holder.state);
    }
    for execution in case.executions() {
        let holds = case.rows.holders.get(&execution.scope) == Some(&execution.id);
        if matches!(
            execution.state,
            ExecutionState::Running { .. } | ExecutionState::Delayed { .. }
        ) {
            assert!(holds || case.seen.let_go.contains(&execution.id), "runs without its lane");
        }
    }
    for task in case.rows.tasks.values() {
        let ours = case.seen.tallies[&task.id].ours;
        assert!(task.state != TaskState::Draining || ours, "waits for a job that has ended");
    }
}

fn drains(case: &Case, id: ExecutionId) -> bool {
    let of = |task: &&crate::sequence::Task| task.execution == id;
    case.rows.tasks.values().filter(of).any(|task| task.state == TaskState::Draining)
}

/// Who is ready or waits stands in exactly that place, and a free lane with somebody in it is being
/// looked at.
fn queues(case: &Case) {
    let mut places = BTreeSet::new();
    for ((lane, queue, position), id) in &case.rows.queues {
        let execution = &case.rows.executions[id];
        assert_eq!(execution.scope, *lane);
        let fits = match (&execution.state, queue) {
            (ExecutionState::Waiting, Queue::Waiting) => execution.position == *position,
            (ExecutionState::Ready { position: own, .. }, Queue::Ready) => own == position,
            _ => false,
        };
        assert!(fits, "{:?} in the queue {queue:?}", execution.state);
        assert!(places.insert(*id), "one place for each");
        let looked_at = case.rows.holders.contains_key(lane) || admission_is_pending(case, lane);
        assert!(looked_at, "somebody waits in a free lane, and nobody looks");
    }
    let in_queue = case.executions().filter(|execution| {
        matches!(execution.state, ExecutionState::Waiting | ExecutionState::Ready { .. })
    });
    assert_eq!(in_queue.count(), places.len(), "who waits has a place");
}

fn admission_is_pending(case: &Case, lane: &Scope) -> bool {
    let admits = |next: &FollowOn| matches!(next, FollowOn::Admit { lane: of } if of == lane);
    case.pending.iter().any(|(next, _)| admits(next))
}

/// Open are the triggers of what is under way, its running tasks, and the approvals it waits for.
fn open_events(rows: &Rows) {
    let mut expected: BTreeSet<EventId> = BTreeSet::new();
    let (mut tasks, mut approvals) = (BTreeSet::new(), BTreeSet::new());
    for execution in rows.executions.values().filter(|e| !e.state.is_final()) {
        expected.insert(execution.trigger);
        match &execution.state {
            ExecutionState::Running { task } => drop(tasks.insert(*task)),
            ExecutionState::WaitingForApproval { approval } => drop(approvals.insert(*approval)),
            _ => {}
        }
    }
    let open_tasks = rows.tasks.values().filter(|task| task.state == TaskState::Open);
    assert_eq!(tasks, open_tasks.map(|task| task.id).collect(), "open tasks are those that run");
    let open = rows.approvals.values().filter(|approval| approval.state == ApprovalState::Open);
    assert_eq!(approvals, open.map(|approval| approval.id).collect());
    expected.extend(tasks);
    expected.extend(approvals);
    assert_eq!(expected, rows.open.keys().copied().collect(), "open events are what is open");
    for open in rows.open.values() {
        let entry = &rows.log[usize::try_from(open.n).unwrap() - 1];
        assert_eq!((entry.event.id, &entry.event.kind), (open.id, &open.kind));
    }
}

/// A timer is set for what waits for time, and for nothing else.
fn timers(rows: &Rows) {
    let mut expected = BTreeMap::new();
    for execution in rows.executions.values() {
        if let ExecutionState::Throttled { due } | ExecutionState::Delayed { due } = execution.state
        {
            expected.insert(Timer::Delay(execution.id), due);
        }
    }
    for task in rows.tasks.values() {
        if task.state == TaskState::Open && task.keys.is_empty() {
            let n = usize::try_from(rows.open[&task.id].n).unwrap();
            let due = rows.log[n - 1].event.time + Settings::default().start_within;
            expected.insert(Timer::Unstarted(task.id), due);
        }
    }
    assert_eq!(rows.timers, expected, "timers are set for what waits for them");
}

/// In a paused stage nobody stands in a queue or lane, and nobody stands still elsewhere; a control
/// that has more pages to go may be behind.
fn pauses(case: &Case, context: &Context, open: &[&Execution]) {
    for execution in open {
        let paused = context.paused.cover(&execution.scope.stage);
        let behind = |control| pages_are_pending(case, context.id, control);
        match execution.state {
            ExecutionState::Paused { .. } => {
                assert!(paused || behind(Control::Resume), "stands still, and nobody paused it");
            }
            ExecutionState::Waiting | ExecutionState::Ready { .. } => {
                assert!(!paused || behind(Control::Pause), "waits in a pause");
            }
            _ => {}
        }
    }
}

fn pages_are_pending(case: &Case, context: ContextId, control: Control) -> bool {
    case.pending.iter().any(|(next, _)| {
        matches!(next, FollowOn::Control(c) if c.context == context && c.control == control)
    })
}

/// What was under way when its context was aborted ends with it.
fn aborts(case: &Case, context: ContextId, open: &[&Execution]) {
    let Some(n) = case.seen.aborted.get(&context) else { return };
    let survivor = open.iter().find(|execution| execution.position <= *n);
    let behind = survivor.is_some() && pages_are_pending(case, context, Control::Abort);
    assert!(survivor.is_none() || behind, "{survivor:?} has survived an abort");
}

fn state(case: &Case, context: &Context, open: &[&Execution]) {
    let following = case.seen.following.iter();
    let mut follows =
        following.filter(|(id, (of, _))| *of == context.id && !case.seen.stopped.contains(id));
    let under_way = context.open > 0 || follows.next().is_some();
    let is_last = context.state.is_final();
    assert_eq!(under_way, !is_last, "{:?} with {} open", context.state, context.open);
    let paused = context.paused.all;
    assert_eq!(context.state == ContextState::Paused, paused, "says that it is paused");
    let mut open = open.iter();
    match context.state {
        ContextState::Triggered => assert!(!open.any(|e| was_admitted(e)), "triggered only"),
        ContextState::Waiting => {
            assert!(open.any(|e| !was_admitted(e)), "somebody has not started");
        }
        _ => {}
    }
    assert!(!is_last || context.paused == Default::default(), "what has ended is not paused");
}

fn was_admitted(execution: &Execution) -> bool {
    match &execution.state {
        ExecutionState::Resolving
        | ExecutionState::Throttled { .. }
        | ExecutionState::Waiting
        | ExecutionState::Paused { .. } => false,
        ExecutionState::Running { .. }
        | ExecutionState::Delayed { .. }
        | ExecutionState::WaitingForApproval { .. }
        | ExecutionState::Ready { .. }
        | ExecutionState::Finished { .. }
        | ExecutionState::Aborted { .. }
        | ExecutionState::TimedOut { .. } => true,
    }
}
