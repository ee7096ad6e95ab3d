//! What a step reads: the rows of the open transaction.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use tidegate_core::approval::Approval;
use tidegate_core::event::Scope;
use tidegate_core::names::{ContextId, EventId, ExecutionId, ProjectName};
use tidegate_core::sequence::{Context, Execution, LaneHead, ProjectHead, Task, View, ViewError};
use tidegate_core::shipyard::Shipyard;
use tidegate_core::uniform::Record;

use crate::contract::StoreError;

use super::home::MemoryHome;
use super::table::damaged;
use super::{approvals, contexts, executions, integrations, lanes, log, projects};

/// Most shipyards that are kept parsed; beyond that all are forgotten and parsed again.
const SHIPYARDS_MAX: usize = 64;

/// Shipyards that were parsed before, by their text.
#[derive(Debug, Default)]
pub(super) struct Shipyards(RefCell<HashMap<Arc<str>, Arc<Shipyard>>>);

impl Shipyards {
    fn parse(
        &self,
        text: &Arc<str>,
        what: impl Fn() -> String,
    ) -> Result<Arc<Shipyard>, StoreError> {
        if let Some(shipyard) = self.0.borrow().get(text) {
            return Ok(Arc::clone(shipyard));
        }
        let shipyard = Shipyard::parse(text).map_err(|error| damaged(what(), &error))?;
        let shipyard = Arc::new(shipyard);
        let mut kept = self.0.borrow_mut();
        if kept.len() >= SHIPYARDS_MAX {
            kept.clear();
        }
        kept.insert(Arc::clone(text), Arc::clone(&shipyard));
        Ok(shipyard)
    }
}

impl MemoryHome {
    fn head(&self, name: &ProjectName) -> Result<Option<ProjectHead>, StoreError> {
        let last = log::last(&self.rows, name);
        if name.is_unmapped() {
            return Ok(Some(ProjectHead { last, shipyard: None }));
        }
        let Some(row) = projects::one(&self.rows, name)? else { return Ok(None) };
        let what = || format!("shipyard of project {name} at {}", row.commit);
        let shipyard = self.shipyards.parse(&row.shipyard, what)?;
        Ok(Some(ProjectHead { last, shipyard: Some((row.commit, shipyard)) }))
    }
}

fn unreadable(error: StoreError) -> ViewError {
    match error {
        StoreError::Damaged { what, why } => ViewError { what, why },
        other => ViewError { what: "a row".to_owned(), why: other.to_string() },
    }
}

impl View for MemoryHome {
    fn project(&self, name: &ProjectName) -> Result<Option<ProjectHead>, ViewError> {
        self.head(name).map_err(unreadable)
    }

    fn context(&self, project: &ProjectName, id: ContextId) -> Result<Option<Context>, ViewError> {
        contexts::one(&self.rows, project, id).map_err(unreadable)
    }

    fn lane(&self, lane: &Scope) -> Result<LaneHead, ViewError> {
        lanes::head(&self.rows, lane).map_err(unreadable)
    }

    fn execution(
        &self,
        project: &ProjectName,
        id: ExecutionId,
    ) -> Result<Option<Execution>, ViewError> {
        executions::one(&self.rows, project, id).map_err(unreadable)
    }

    fn open_executions(
        &self,
        project: &ProjectName,
        context: ContextId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<Execution>, ViewError> {
        executions::open(&self.rows, project, context, after, limit).map_err(unreadable)
    }

    fn task(&self, project: &ProjectName, id: EventId) -> Result<Option<Task>, ViewError> {
        executions::task(&self.rows, project, id).map_err(unreadable)
    }

    fn approval(&self, project: &ProjectName, id: EventId) -> Result<Option<Approval>, ViewError> {
        let found = approvals::one(&self.rows, id).map_err(unreadable)?;
        Ok(found.filter(|approval| approval.scope.project == *project))
    }

    fn integrations(&self) -> Result<Arc<[Record]>, ViewError> {
        integrations::all(&self.rows).map(Arc::from).map_err(unreadable)
    }
}
