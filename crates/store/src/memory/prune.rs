//! Retention: what ended long ago is forgotten, with all that belongs to it.

use jiff::Timestamp;
use serde::Deserialize;
use tidegate_core::names::{EventId, ProjectName};
use tidegate_core::sequence::{Context, Execution, ExecutionState};

use crate::contract::{StoreError, Written};
use crate::query::ApprovalFilter;

use super::table::{Key, Table, parse};
use super::transaction::Transaction;
use super::{approvals, contexts, executions, integrations, log, outbox};

/// Most inputs that one call forgets for each context: they are small, and there are many.
const INPUTS_FOR_EACH: u64 = 50;

/// Forgets at most `limit` contexts that ended before `before`, and as many events without a project.
pub(super) fn prune(
    rows: &mut Transaction,
    before: Timestamp,
    unmapped_before: Timestamp,
    limit: u64,
) -> Result<Written, StoreError> {
    let (mut count, mut tasks) = (0, Vec::new());
    for context in contexts::ended(rows, before, limit)? {
        if let Some(found) = forget(rows, &context)? {
            tasks.extend(found);
            count += 1;
        }
    }
    let unmapped = unmapped(rows, unmapped_before, limit)?;
    inputs(rows, before.min(unmapped_before), limit.saturating_mul(INPUTS_FOR_EACH))?;
    let more = count == limit || unmapped == limit;
    Ok(Written::Pruned { count: count + unmapped, tasks, more })
}

/// Forgets at most `limit` contexts of a project that have ended.
pub(super) fn forget_ended(
    rows: &mut Transaction,
    project: &ProjectName,
    limit: u64,
) -> Result<Written, StoreError> {
    let (mut count, mut tasks) = (0, Vec::new());
    for context in contexts::ended(rows, Timestamp::MAX, u64::MAX)? {
        if count == limit {
            break;
        }
        if context.project == *project
            && let Some(found) = forget(rows, &context)?
        {
            tasks.extend(found);
            count += 1;
        }
    }
    Ok(Written::Pruned { count, tasks, more: count == limit })
}

/// Forgets a context and returns its tasks; none where it must stay for now: the project counts from its
/// newest entry, and a job that is still to be stopped is found by its event.
fn forget(rows: &mut Transaction, context: &Context) -> Result<Option<Vec<EventId>>, StoreError> {
    let project = &context.project;
    let entries = log::trace(rows, project, context.id, u64::MAX)?;
    let holds_newest = entries.last().is_some_and(|row| row.n == log::last(rows, project));
    let events: Vec<EventId> = entries.iter().map(|row| row.event.id).collect();
    let executions = executions::of(rows, project, context.id)?;
    let is_open = executions.iter().any(|execution| !execution.state.is_final());
    let drains = |execution| executions::summary(rows, Execution::clone(execution));
    let drains = executions.iter().map(drains).collect::<Result<Vec<_>, _>>()?;
    let drains = drains.iter().any(|summary| summary.open.is_some());
    if holds_newest || is_open || drains || outbox::is_delivered(rows, &events)? {
        return Ok(None);
    }
    let mut tasks = Vec::new();
    for execution in &executions {
        tasks.extend(execution.previous.iter().map(|task| task.triggered_id));
        let state = &execution.state;
        if matches!(state, ExecutionState::Aborted { .. } | ExecutionState::TimedOut { .. }) {
            tasks.extend(executions::tasks(rows, execution.id)?.pop());
        }
        executions::forget(rows, execution)?;
    }
    for row in entries {
        integrations::forget(rows, project, row.n);
        log::forget(rows, project, row.n)?;
    }
    let (project, of) = (Some(project.clone()), Some(context.id));
    let filter = ApprovalFilter { project, context: of, ..ApprovalFilter::default() };
    for approval in approvals::list(rows, &filter)? {
        approvals::forget(rows, approval.id);
    }
    contexts::forget(rows, context);
    Ok(Some(tasks))
}

/// Events without a known project, from the oldest on; never the newest, from which they are counted.
fn unmapped(rows: &mut Transaction, before: Timestamp, limit: u64) -> Result<u64, StoreError> {
    let project = ProjectName::unmapped();
    let newest = log::last(rows, &project);
    let numbers = log::oldest(rows, &project, limit);
    let mut count = 0;
    for n in numbers.into_iter().filter(|n| *n < newest) {
        if !log::is_older(rows, &project, n, before)? {
            break;
        }
        log::forget(rows, &project, n)?;
        count += 1;
    }
    Ok(count)
}

#[derive(Deserialize)]
struct Input {
    env: When,
}

#[derive(Deserialize)]
struct When {
    now: Timestamp,
}

/// Inputs, from the oldest on; never the newest.
fn inputs(rows: &mut Transaction, before: Timestamp, limit: u64) -> Result<(), StoreError> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let mut old = Vec::new();
    for (key, text) in rows.scan(Table::Input, &Key::new()).rev().skip(1) {
        if parse::<Input>(Table::Input, key, text)?.env.now < before {
            old.push(Key::from_bytes(key));
        }
    }
    for key in old.into_iter().rev().take(limit) {
        rows.remove(Table::Input, &key);
    }
    Ok(())
}
