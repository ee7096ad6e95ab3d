//! What a step reads: the rows of the open transaction.

use std::sync::Arc;

use tidegate_core::approval::Approval;
use tidegate_core::event::Scope;
use tidegate_core::names::{ContextId, EventId, ExecutionId, ProjectName};
use tidegate_core::sequence::{Context, Execution, LaneHead, ProjectHead, Task, View, ViewError};
use tidegate_core::uniform::Record;

use crate::contract::StoreError;

use super::home::PostgresHome;
use super::{approvals, contexts, executions, integrations, lanes, projects, tasks};

impl PostgresHome {
    fn head(&self, name: &ProjectName) -> Result<Option<ProjectHead>, StoreError> {
        let Some((last, shipyard)) = projects::head(&self.session, name)? else { return Ok(None) };
        let shipyard = shipyard.map(|(commit, text)| {
            let shipyard = self.shipyards.parse(name, &commit, text)?;
            Ok::<_, StoreError>((commit, shipyard))
        });
        Ok(Some(ProjectHead { last, shipyard: shipyard.transpose()? }))
    }

    /// A step cannot tell a row that is damaged from a database that is away; so the latter is told
    /// to whoever begins the next transaction, before they take the step for the culprit.
    fn read<T>(
        &self,
        what: impl FnOnce() -> String,
        found: Result<T, StoreError>,
    ) -> Result<T, ViewError> {
        found.map_err(|error| match error {
            StoreError::Damaged { what, why } => ViewError { what, why },
            other => {
                let why = other.to_string();
                self.unread.borrow_mut().get_or_insert(other);
                ViewError { what: what(), why }
            }
        })
    }
}

impl View for PostgresHome {
    fn project(&self, name: &ProjectName) -> Result<Option<ProjectHead>, ViewError> {
        self.read(|| format!("project {name}"), self.head(name))
    }

    fn context(&self, project: &ProjectName, id: ContextId) -> Result<Option<Context>, ViewError> {
        let what = || format!("context {id}");
        self.read(what, contexts::by_id(&self.session, project, id))
    }

    fn lane(&self, lane: &Scope) -> Result<LaneHead, ViewError> {
        let what = || format!("lane {}/{}/{}", lane.project, lane.stage, lane.service);
        self.read(what, lanes::head(&self.session, lane))
    }

    fn execution(
        &self,
        project: &ProjectName,
        id: ExecutionId,
    ) -> Result<Option<Execution>, ViewError> {
        let what = || format!("execution {id}");
        self.read(what, executions::by_id(&self.session, project, id))
    }

    fn open_executions(
        &self,
        project: &ProjectName,
        context: ContextId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<Execution>, ViewError> {
        let what = || format!("open executions of context {context}");
        let page = (after, limit as u64);
        self.read(what, executions::open(&self.session, project, context, page))
    }

    fn task(&self, project: &ProjectName, id: EventId) -> Result<Option<Task>, ViewError> {
        let what = || format!("task {id}");
        self.read(what, tasks::by_id(&self.session, project, id))
    }

    fn approval(&self, project: &ProjectName, id: EventId) -> Result<Option<Approval>, ViewError> {
        let what = || format!("approval {id}");
        self.read(what, approvals::of_project(&self.session, project, id))
    }

    fn integrations(&self) -> Result<Arc<[Record]>, ViewError> {
        let found = integrations::all(&self.session).map(Arc::from);
        self.read(|| "integrations".to_owned(), found)
    }
}
