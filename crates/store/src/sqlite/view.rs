//! What a step reads: the rows of the open transaction.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use tidegate_core::approval::Approval;
use tidegate_core::event::Scope;
use tidegate_core::names::{CommitId, ContextId, EventId, ExecutionId, ProjectName};
use tidegate_core::sequence::{Context, Execution, LaneHead, ProjectHead, Task, View, ViewError};
use tidegate_core::shipyard::{Shipyard, TaskDefinition};
use tidegate_core::uniform::Record;

use crate::contract::StoreError;

use super::codec::damaged;
use super::home::SqliteHome;
use super::keys::ProjectId;
use super::plans::PlanId;
use super::{approvals, contexts, executions, projects, tasks};

/// Most shipyards that are kept parsed; beyond that all are forgotten and parsed again.
const SHIPYARDS_MAX: usize = 64;

/// The newest shipyard of each project, parsed, and its commit.
#[derive(Debug, Default)]
pub(super) struct Shipyards(RefCell<HashMap<ProjectId, (CommitId, Arc<Shipyard>)>>);

impl Shipyards {
    /// Forgets all: projects that were made in a transaction are gone with it.
    pub(super) fn forget(&self) {
        self.0.borrow_mut().clear();
    }
}

impl SqliteHome {
    /// Replaces the newest shipyard of a project; false where there is no such project.
    pub(super) fn set_shipyard(
        &self,
        project: &ProjectName,
        commit: &CommitId,
        text: &str,
    ) -> Result<bool, StoreError> {
        if let Some(id) = self.numbers.project(&self.connection, project)? {
            self.shipyards.0.borrow_mut().remove(&id);
        }
        projects::set_shipyard(&self.connection, project, commit, text)
    }

    fn head(&self, name: &ProjectName) -> Result<Option<ProjectHead>, StoreError> {
        let Some(project) = self.numbers.project(&self.connection, name)? else { return Ok(None) };
        let last = self.numbers.newest(&self.connection, project)?;
        Ok(Some(ProjectHead { last, shipyard: self.shipyard(name, project)? }))
    }

    fn shipyard(
        &self,
        name: &ProjectName,
        project: ProjectId,
    ) -> Result<Option<(CommitId, Arc<Shipyard>)>, StoreError> {
        if let Some(newest) = self.shipyards.0.borrow().get(&project) {
            return Ok(Some(newest.clone()));
        }
        let Some(commit) = projects::commit(&self.connection, project)? else { return Ok(None) };
        let text = projects::shipyard(&self.connection, project)?;
        let shipyard = Shipyard::parse(&text)
            .map_err(|error| damaged(format!("shipyard of project {name} at {commit}"), &error))?;
        let newest = (commit, Arc::new(shipyard));
        let mut kept = self.shipyards.0.borrow_mut();
        if kept.len() >= SHIPYARDS_MAX {
            kept.clear();
        }
        kept.insert(project, newest.clone());
        Ok(Some(newest))
    }

    /// Finds plans in the writer's memory first.
    fn plan(&self) -> impl Fn(PlanId) -> Result<Arc<[TaskDefinition]>, StoreError> + '_ {
        |id| self.plans.get(&self.connection, id)
    }

    /// Looks something up in a project; where there is no such project, there is nothing.
    fn within<T: Default>(
        &self,
        project: &ProjectName,
        what: impl FnOnce() -> String,
        find: impl FnOnce(ProjectId) -> Result<T, StoreError>,
    ) -> Result<T, ViewError> {
        let found = self.numbers.project(&self.connection, project);
        found.and_then(|id| id.map_or_else(|| Ok(T::default()), find)).map_err(unreadable(what))
    }
}

fn unreadable(what: impl FnOnce() -> String) -> impl FnOnce(StoreError) -> ViewError {
    move |error| match error {
        StoreError::Damaged { what, why } => ViewError { what, why },
        other => ViewError { what: what(), why: other.to_string() },
    }
}

impl View for SqliteHome {
    fn project(&self, name: &ProjectName) -> Result<Option<ProjectHead>, ViewError> {
        self.head(name).map_err(unreadable(|| format!("project {name}")))
    }

    fn context(&self, project: &ProjectName, id: ContextId) -> Result<Option<Context>, ViewError> {
        let what = || format!("context {id}");
        self.within(project, what, |project| {
            let read = || contexts::by_id(&self.connection, project, id);
            self.kept.contexts.find(&(project, id), read)
        })
    }

    fn lane(&self, lane: &Scope) -> Result<LaneHead, ViewError> {
        let what = || format!("lane {}/{}/{}", lane.project, lane.stage, lane.service);
        self.find_lane(lane).map_err(unreadable(what))
    }

    fn execution(
        &self,
        project: &ProjectName,
        id: ExecutionId,
    ) -> Result<Option<Execution>, ViewError> {
        let what = || format!("execution {id}");
        self.within(project, what, |project| {
            let read = || executions::by_id(&self.connection, project, id, &self.plan());
            self.kept.executions.find(&(project, id), read)
        })
    }

    fn open_executions(
        &self,
        project: &ProjectName,
        context: ContextId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<Execution>, ViewError> {
        let what = || format!("open executions of context {context}");
        self.within(project, what, |project| {
            let page = (after, limit as u64);
            executions::open(&self.connection, project, context, page, &self.plan())
        })
    }

    fn task(&self, project: &ProjectName, id: EventId) -> Result<Option<Task>, ViewError> {
        let what = || format!("task {id}");
        self.within(project, what, |project| {
            let read = || tasks::by_id(&self.connection, project, id);
            self.kept.tasks.find(&(project, id), read)
        })
    }

    fn approval(&self, project: &ProjectName, id: EventId) -> Result<Option<Approval>, ViewError> {
        let what = || format!("approval {id}");
        self.within(project, what, |project| match self.kept.tasks.has(&(project, id)) {
            // What is answered is a task or an approval, never both.
            true => Ok(None),
            false => approvals::of_project(&self.connection, project, id),
        })
    }

    fn integrations(&self) -> Result<Arc<[Record]>, ViewError> {
        self.integrations.all(&self.connection).map_err(unreadable(|| "integrations".to_owned()))
    }
}
