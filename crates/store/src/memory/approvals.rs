//! Approvals.

use serde::{Deserialize, Serialize};
use tidegate_core::approval::Approval;
use tidegate_core::event::Scope;
use tidegate_core::names::EventId;

use crate::contract::StoreError;
use crate::query::{ApprovalFilter, ApprovalState, PAGE_MAX};

use super::page::admits;
use super::table::{Key, Rows, Table};
use super::transaction::Transaction;

#[derive(Serialize, Deserialize)]
struct Row {
    /// The order in which they were asked, over all projects.
    n: u64,
    approval: Approval,
}

fn key(id: EventId) -> Key {
    Key::new().bytes(id.as_bytes())
}

/// Writes an approval.
pub(super) fn put(rows: &mut Transaction, approval: &Approval) -> Result<(), StoreError> {
    let before: Option<Row> = rows.get(Table::Approval, &key(approval.id))?;
    let n = match before {
        Some(row) => row.n,
        None => rows.next("approval")?,
    };
    rows.put(Table::Approval, &key(approval.id), &Row { n, approval: approval.clone() })
}

/// One approval.
pub(super) fn one(rows: &Rows, id: EventId) -> Result<Option<Approval>, StoreError> {
    Ok(rows.get::<Row>(Table::Approval, &key(id))?.map(|row| row.approval))
}

/// Those that match: what was decided or closed newest decision first, everything else in the order
/// asked.
pub(super) fn list(rows: &Rows, filter: &ApprovalFilter) -> Result<Vec<Approval>, StoreError> {
    let ApprovalFilter { state, project, stage, service, context } = filter;
    let mut found: Vec<Row> = rows.all(Table::Approval, &Key::new())?;
    found.retain(|Row { approval, .. }| {
        admits(state.as_ref(), &ApprovalState::of(approval).0)
            && admits(project.as_ref(), &approval.scope.project)
            && admits(stage.as_ref(), &approval.scope.stage)
            && admits(service.as_ref(), &approval.scope.service)
            && admits(context.as_ref(), &approval.context)
    });
    found.sort_by_key(|row| row.n);
    if matches!(state, Some(ApprovalState::Decided | ApprovalState::Closed)) {
        found.sort_by_key(|row| std::cmp::Reverse((ApprovalState::of(&row.approval).1, row.n)));
    }
    Ok(found.into_iter().map(|row| row.approval).collect())
}

/// The newest of a stage and service, among the newest of their project.
pub(super) fn newest(
    rows: &Rows,
    scope: &Scope,
    state: ApprovalState,
    limit: u64,
) -> Result<Vec<Approval>, StoreError> {
    let project = Some(scope.project.clone());
    let filter = ApprovalFilter { state: Some(state), project, ..ApprovalFilter::default() };
    let mut found = list(rows, &filter)?;
    if state == ApprovalState::Open {
        found.reverse();
    }
    let at_most = |limit: u64| usize::try_from(limit.min(PAGE_MAX)).unwrap_or(usize::MAX);
    found.truncate(at_most(PAGE_MAX));
    found.retain(|approval| approval.scope == *scope);
    found.truncate(at_most(limit));
    Ok(found)
}

/// Forgets an approval.
pub(super) fn forget(rows: &mut Transaction, id: EventId) {
    rows.remove(Table::Approval, &key(id));
}
