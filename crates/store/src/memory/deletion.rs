//! Deleting a project with all that belongs to it. The audit log stays.

use tidegate_core::names::ProjectName;
use tidegate_core::sequence::Execution;

use crate::contract::StoreError;
use crate::query::ApprovalFilter;

use super::table::{Key, Table};
use super::transaction::Transaction;
use super::{approvals, contexts, executions, log, outbox, timers};

/// Whether something of a project is under way: a sequence, a job that is to be stopped, or what waits
/// for a later commit.
pub(super) fn is_under_way(rows: &Transaction, project: &ProjectName) -> Result<bool, StoreError> {
    for execution in of(rows, project)? {
        let is_final = execution.state.is_final();
        // A final one that drains still has an open task.
        if !is_final || executions::summary(rows, execution)?.open.is_some() {
            return Ok(true);
        }
    }
    let named = format!("\"{project}\"");
    let mut deferred = rows.scan(Table::Deferred, &Key::new());
    Ok(deferred.any(|(_, text)| text.contains(&named)))
}

fn of(rows: &Transaction, project: &ProjectName) -> Result<Vec<Execution>, StoreError> {
    let mut all = executions::all(rows)?;
    all.retain(|execution| execution.scope.project == *project);
    Ok(all)
}

/// Removes every row of a project.
pub(super) fn delete(rows: &mut Transaction, project: &ProjectName) -> Result<(), StoreError> {
    for execution in of(rows, project)? {
        executions::forget(rows, &execution)?;
    }
    let filter = ApprovalFilter { project: Some(project.clone()), ..ApprovalFilter::default() };
    for approval in approvals::list(rows, &filter)? {
        approvals::forget(rows, approval.id);
    }
    for context in contexts::all(rows)?.into_iter().filter(|context| context.project == *project) {
        contexts::forget(rows, &context);
    }
    for row in timers::next(rows, true, u64::MAX)?.into_iter().filter(|row| row.project == *project)
    {
        timers::clear(rows, row.timer);
    }
    // What nobody has taken up is not to be done any more.
    for (id, event) in outbox::all_deliveries(rows)? {
        if log::place(rows, event)?.is_some_and(|place| place.project == *project) {
            outbox::delivered(rows, id);
        }
    }
    for entry in log::behind(rows, project, 0)? {
        outbox::close(rows, project, entry.event.id)?;
        log::forget(rows, project, entry.n)?;
    }
    // Their keys begin with the project.
    let prefix = Key::new().text(project.as_str());
    for table in [
        Table::Service,
        Table::Holder,
        Table::Queue,
        Table::Deployed,
        Table::Latest,
        Table::StoodDown,
    ] {
        let keys: Vec<Key> =
            rows.scan(table, &prefix).map(|(key, _)| Key::from_bytes(key)).collect();
        for key in keys {
            rows.remove(table, &key);
        }
    }
    rows.remove(Table::Project, &prefix);
    Ok(())
}
