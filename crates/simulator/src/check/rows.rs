//! The rows of the store agree with each other.

use std::collections::{BTreeMap, BTreeSet};

use tidegate_core::approval::{APPROVAL, Approval, ApprovalState, Decision};
use tidegate_core::names::{ContextId, EventId, ExecutionId, ProjectName};
use tidegate_core::sequence::{
    Command, Context, ContextState, Control, Execution, ExecutionState, Reply, Settings, Task,
    TaskState, Timer,
};
use tidegate_store::memory::{Contents, LaneContents, MemoryReader};
use tidegate_store::{Reader as _, SequenceFilter};

use super::log::Seen;
use crate::world::Checked;

/// What is known beside the rows.
pub(super) struct Known<'a> {
    pub(super) log: &'a Seen,
    pub(super) pausable: &'a BTreeSet<ContextId>,
    pub(super) delivered: &'a BTreeSet<EventId>,
    /// Nothing is left for a later commit.
    pub(super) settled: bool,
    /// Timers may have been dropped with inputs that were put aside.
    pub(super) struck: bool,
}

/// All rows, by what refers to them.
struct Index<'a> {
    executions: BTreeMap<ExecutionId, &'a Execution>,
    tasks: BTreeMap<EventId, &'a Task>,
    approvals: BTreeMap<EventId, &'a Approval>,
    /// What an execution has asked for: tasks and approvals.
    asked: BTreeMap<ExecutionId, usize>,
    timers: BTreeSet<Timer>,
}

pub(super) fn agree(contents: &Contents, known: &Known<'_>) -> Checked {
    let mut asked: BTreeMap<ExecutionId, usize> = BTreeMap::new();
    for execution in contents.tasks.iter().map(|task| task.execution) {
        *asked.entry(execution).or_default() += 1;
    }
    for execution in contents.approvals.iter().map(|approval| approval.execution) {
        *asked.entry(execution).or_default() += 1;
    }
    let index = Index {
        executions: contents.executions.iter().map(|row| (row.id, row)).collect(),
        tasks: contents.tasks.iter().map(|row| (row.id, row)).collect(),
        approvals: contents.approvals.iter().map(|row| (row.id, row)).collect(),
        asked,
        timers: contents.timers.iter().map(|row| row.timer).collect(),
    };
    for execution in &contents.executions {
        let found = one_execution(execution, &index, known);
        found
            .map_err(|why| format!("execution {} ({:?}): {why}", execution.id, execution.state))?;
    }
    for (scope, lane) in &contents.lanes {
        let name = format!("lane {}/{}/{}", scope.project, scope.stage, scope.service);
        one_lane(lane, &index, known).map_err(|why| format!("{name}: {why}"))?;
    }
    lanes_of_executions(contents, known)?;
    contexts(contents, known)?;
    open_events(contents)?;
    timers(contents, &index, known)?;
    deliveries(contents, known)
}

fn one_execution(execution: &Execution, index: &Index<'_>, known: &Known<'_>) -> Checked {
    let Execution { id, tasks, previous, state, .. } = execution;
    let names = previous.iter().zip(tasks.iter()).all(|(done, task)| done.name == task.name);
    if !names || previous.len() > tasks.len() {
        return Err(format!("its tasks are {tasks:?}, and it has done {previous:?}"));
    }
    let goes_on = match state {
        ExecutionState::Finished { .. } => previous.len().saturating_sub(1),
        _ => previous.len(),
    };
    if let Some(failed) = previous[..goes_on].iter().find(|done| !done.outcome.continues()) {
        return Err(format!("it goes on after {failed:?}"));
    }
    let asked = index.asked.get(id).copied().unwrap_or_default();
    let expected = match state {
        ExecutionState::Running { task } => {
            match index.tasks.get(task) {
                Some(task) if task.state == TaskState::Open && task.execution == *id => {}
                other => return Err(format!("its task is {other:?}")),
            }
            previous.len() + 1..=previous.len() + 1
        }
        ExecutionState::WaitingForApproval { approval } => {
            match index.approvals.get(approval) {
                Some(approval) if approval.state == ApprovalState::Open => {}
                other => return Err(format!("its approval is {other:?}")),
            }
            previous.len() + 1..=previous.len() + 1
        }
        ExecutionState::Aborted { .. } => previous.len()..=previous.len() + 1,
        ExecutionState::TimedOut { at } => {
            given_up(*id, *at, index, known)?;
            previous.len() + 1..=previous.len() + 1
        }
        _ => previous.len()..=previous.len(),
    };
    if !expected.contains(&asked) {
        return Err(format!("it has asked for {asked} tasks, and has done {}", previous.len()));
    }
    behind_approvals(execution, index, known)
}

/// Nobody had reacted to its task, and its time was over.
fn given_up(id: ExecutionId, at: jiff::Timestamp, index: &Index<'_>, known: &Known<'_>) -> Checked {
    let tasks = index.tasks.values().filter(|task| task.execution == id);
    let last = tasks.max_by_key(|task| known.log.number(task.id));
    let Some(last) = last else { return Err("it has no task".to_owned()) };
    let due = known.log.time(last.id).map(|time| time + Settings::default().start_within);
    match last.keys.is_empty() && due.is_some_and(|due| due <= at) {
        true => Ok(()),
        false => Err(format!("its task, which is due at {due:?}, is {last:?}")),
    }
}

/// No task that stands behind an approval is triggered before somebody has approved.
fn behind_approvals(execution: &Execution, index: &Index<'_>, known: &Known<'_>) -> Checked {
    let mut after = None;
    for done in &execution.previous {
        let n = known.log.number(done.triggered_id);
        if n.is_none() || n <= after {
            return Err(format!("{done:?} at {n:?} comes before what it follows, at {after:?}"));
        }
        after = n;
        if done.name == APPROVAL {
            let approval = index.approvals.get(&done.triggered_id);
            let decided = approval.and_then(|approval| approval.decided());
            let Some(decided) = decided else { return Err(format!("{done:?} is not decided")) };
            if (decided.decision == Decision::Approve) != done.outcome.continues() {
                return Err(format!("{done:?} was decided so: {decided}"));
            }
            after = known.log.number(decided.event);
        }
    }
    let current = match execution.state {
        ExecutionState::Running { task } => known.log.number(task),
        ExecutionState::WaitingForApproval { approval } => known.log.number(approval),
        _ => return Ok(()),
    };
    match current > after {
        true => Ok(()),
        false => Err(format!("its task at {current:?} comes before what it follows, at {after:?}")),
    }
}

/// Who stands in a lane stands there rightly, and nobody waits at a free lane.
fn one_lane(lane: &LaneContents, index: &Index<'_>, known: &Known<'_>) -> Checked {
    if let Some(holder) = lane.holder {
        let state = index.executions.get(&holder).map(|execution| &execution.state);
        let drains = || {
            let mut tasks = index.tasks.values();
            tasks.any(|task| task.execution == holder && task.state == TaskState::Draining)
        };
        let may = match state {
            Some(ExecutionState::Running { .. } | ExecutionState::Delayed { .. }) => true,
            Some(ExecutionState::Aborted { .. }) => drains(),
            _ => false,
        };
        if !may {
            return Err(format!("it is held by {holder}, which is {state:?}"));
        }
    } else if known.settled && !(lane.ready.is_empty() && lane.waiting.is_empty()) {
        return Err(format!("nobody holds it, and these wait: {lane:?}"));
    }
    for queued in &lane.ready {
        match index.executions.get(&queued.execution).map(|execution| &execution.state) {
            Some(ExecutionState::Ready { position, .. }) if *position == queued.position => {}
            other => return Err(format!("{queued:?} is ready, and is {other:?}")),
        }
    }
    for queued in &lane.waiting {
        match index.executions.get(&queued.execution) {
            Some(execution)
                if execution.state == ExecutionState::Waiting
                    && execution.position == queued.position => {}
            other => return Err(format!("{queued:?} waits, and is {other:?}")),
        }
    }
    Ok(())
}

/// Who runs holds its lane, unless it was paused meanwhile; who waits stands in a queue.
fn lanes_of_executions(contents: &Contents, known: &Known<'_>) -> Checked {
    let empty = LaneContents::default();
    for execution in &contents.executions {
        let lane = contents.lanes.get(&execution.scope).unwrap_or(&empty);
        let stands = match execution.state {
            ExecutionState::Running { .. } | ExecutionState::Delayed { .. } => {
                lane.holder == Some(execution.id) || known.pausable.contains(&execution.context)
            }
            ExecutionState::Waiting => {
                lane.waiting.iter().any(|queued| queued.execution == execution.id)
            }
            ExecutionState::Ready { .. } => {
                lane.ready.iter().any(|queued| queued.execution == execution.id)
            }
            _ => true,
        };
        if !stands {
            let (id, state) = (execution.id, &execution.state);
            return Err(format!("execution {id} is {state:?}, and its lane is {lane:?}"));
        }
    }
    Ok(())
}

fn contexts(contents: &Contents, known: &Known<'_>) -> Checked {
    let mut counted: BTreeMap<(&ProjectName, ContextId), (u32, u32)> = BTreeMap::new();
    for execution in &contents.executions {
        let key = (&execution.scope.project, execution.context);
        let (all, open) = counted.entry(key).or_default();
        *all += 1;
        *open += u32::from(!execution.state.is_final());
    }
    for context in &contents.contexts {
        let key = (&context.project, context.id);
        let (all, open) = counted.get(&key).copied().unwrap_or_default();
        if (context.executions, context.open) != (all, open) {
            return Err(format!("{context:?} has {all} executions, and {open} of them open"));
        }
        if known.settled && context.state.is_final() != (open == 0) {
            return Err(format!("{context:?} has {open} open executions"));
        }
    }
    Ok(())
}

/// What is open is what somebody still has to answer.
fn open_events(contents: &Contents) -> Checked {
    let triggers = contents.executions.iter().filter(|row| !row.state.is_final());
    let tasks = contents.tasks.iter().filter(|row| row.state == TaskState::Open);
    let approvals = contents.approvals.iter().filter(|row| row.state == ApprovalState::Open);
    let expected: BTreeSet<EventId> = triggers
        .map(|row| row.trigger)
        .chain(tasks.map(|row| row.id))
        .chain(approvals.map(|row| row.id))
        .collect();
    if contents.open == expected {
        return Ok(());
    }
    let surplus: Vec<_> = contents.open.difference(&expected).collect();
    let missing: Vec<_> = expected.difference(&contents.open).collect();
    Err(format!("these events are open and should not be: {surplus:?}; these are not: {missing:?}"))
}

fn timers(contents: &Contents, index: &Index<'_>, known: &Known<'_>) -> Checked {
    let delays = contents.executions.iter().filter_map(|row| match row.state {
        ExecutionState::Delayed { .. } | ExecutionState::Throttled { .. } => {
            Some(Timer::Delay(row.id))
        }
        _ => None,
    });
    let untaken = contents
        .tasks
        .iter()
        .filter(|task| task.state == TaskState::Open && task.keys.is_empty())
        .map(|task| Timer::Unstarted(task.id));
    let expected: BTreeSet<Timer> = delays.chain(untaken).collect();
    if let Some(surplus) = index.timers.difference(&expected).next() {
        return Err(format!("{surplus:?} is set, and nothing waits for it"));
    }
    match expected.difference(&index.timers).next() {
        Some(missing) if !known.struck => Err(format!("{missing:?} is not set")),
        _ => Ok(()),
    }
}

/// Every task was handed to the built-in executor, or still is.
fn deliveries(contents: &Contents, known: &Known<'_>) -> Checked {
    let waiting: BTreeSet<EventId> = contents.deliveries.values().copied().collect();
    let lost = |task: &&Task| !waiting.contains(&task.id) && !known.delivered.contains(&task.id);
    match contents.tasks.iter().find(lost) {
        Some(task) => Err(format!("task {} was never delivered", task.id)),
        None => Ok(()),
    }
}

/// What was told about a control is so.
pub(super) fn controlled(reader: &MemoryReader, command: &Command, reply: &Reply) -> Checked {
    let Command { control, project, context, stage, .. } = command;
    if *reply != Reply::Accepted {
        return Ok(());
    }
    let filter = SequenceFilter { contexts: vec![*context], ..SequenceFilter::default() };
    let page = reader.sequences(project, &filter, 0, None).map_err(|error| error.to_string())?;
    let Some(row) = page.items.into_iter().next() else {
        return Err(format!("{command:?} was accepted, and there is no such context"));
    };
    let is_paused = match stage {
        Some(stage) => row.paused.stages.contains(stage),
        None => row.paused.all,
    };
    let open: Vec<Execution> = reader
        .executions(project, *context)
        .map_err(|error| error.to_string())?
        .into_iter()
        .map(|summary| summary.execution)
        .filter(|one| stage.as_ref().is_none_or(|stage| one.scope.stage == *stage))
        .filter(|one| !one.state.is_final())
        .collect();
    let is_so = match control {
        // It may have come to its end in the same commit.
        Control::Pause => is_paused || row.open == 0,
        Control::Resume => !is_paused,
        Control::Abort => open.is_empty() || is_retriggered(&row),
    };
    match is_so {
        true => Ok(()),
        false => Err(format!("{command:?} was accepted, and the context is {row:?}")),
    }
}

/// Whether something was triggered in a context that had been aborted, within the same commit.
fn is_retriggered(context: &Context) -> bool {
    context.state == ContextState::Triggered
}

/// Everything has ended, and nothing is left of it.
pub(super) fn at_rest(contents: &Contents) -> Checked {
    if let Some(open) = contents.executions.iter().find(|row| !row.state.is_final()) {
        return Err(format!("execution {} does not end: {:?}", open.id, open.state));
    }
    let mut lanes = contents.lanes.iter();
    if let Some((scope, lane)) = lanes.find(|(_, lane)| **lane != LaneContents::default()) {
        return Err(format!("everything has ended, and {scope:?} is {lane:?}"));
    }
    match contents.open.is_empty() && contents.timers.is_empty() && contents.deliveries.is_empty() {
        true => Ok(()),
        false => Err(format!("everything has ended, and this is left: {contents:?}")),
    }
}
