//! A home that somebody watches, and that fails where they say. Tests and the simulator drive the engine
//! on it; no server ever does.

use std::sync::Arc;

use jiff::Timestamp;
use tidegate_core::approval::Approval;
use tidegate_core::event::Scope;
use tidegate_core::names::{ContextId, EventId, ExecutionId, ProjectName};
use tidegate_core::principal::Principal;
use tidegate_core::sequence::{
    Context, Effects, Env, Execution, FollowOn, LaneHead, ProjectHead, Task, View, ViewError,
};
use tidegate_core::uniform::Record;

use crate::contract::{Home, InputRecord, StoreError, Write, Written};
use crate::rows::{Deferred, IdempotencyRow};

/// Is asked before a [`Watched`] home does something. An error is given to the caller in its place; by
/// default there is none.
pub trait Watch: Send + Sync {
    /// Before a row of this kind is read for a step.
    ///
    /// # Errors
    /// Why it cannot be read.
    fn reads(&self, _row: &'static str) -> Result<(), ViewError> {
        Ok(())
    }

    /// Before a transaction is opened.
    ///
    /// # Errors
    /// Why it cannot be.
    fn begins(&self) -> Result<(), StoreError> {
        Ok(())
    }

    /// Before the effects of an input are written.
    ///
    /// # Errors
    /// Why they cannot be.
    fn applies(&self) -> Result<(), StoreError> {
        Ok(())
    }

    /// Before a commit.
    ///
    /// # Errors
    /// Why it fails: the transaction is rolled back.
    fn commits(&self) -> Result<(), StoreError> {
        Ok(())
    }

    /// Before what is set aside is given up.
    fn releases(&self) {}

    /// Whether there is space to set something aside.
    fn has_room(&self) -> bool {
        true
    }
}

/// Another home, with somebody who watches.
pub struct Watched<H, W> {
    /// The home that does the work.
    pub home: H,
    /// Who watches.
    pub watch: Arc<W>,
}

impl<H: Home, W: Watch> View for Watched<H, W> {
    fn project(&self, name: &ProjectName) -> Result<Option<ProjectHead>, ViewError> {
        self.watch.reads("project")?;
        self.home.project(name)
    }

    fn context(&self, project: &ProjectName, id: ContextId) -> Result<Option<Context>, ViewError> {
        self.watch.reads("context")?;
        self.home.context(project, id)
    }

    fn lane(&self, lane: &Scope) -> Result<LaneHead, ViewError> {
        self.watch.reads("lane")?;
        self.home.lane(lane)
    }

    fn execution(
        &self,
        project: &ProjectName,
        id: ExecutionId,
    ) -> Result<Option<Execution>, ViewError> {
        self.watch.reads("execution")?;
        self.home.execution(project, id)
    }

    fn open_executions(
        &self,
        project: &ProjectName,
        context: ContextId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<Execution>, ViewError> {
        self.watch.reads("open executions")?;
        self.home.open_executions(project, context, after, limit)
    }

    fn task(&self, project: &ProjectName, id: EventId) -> Result<Option<Task>, ViewError> {
        self.watch.reads("task")?;
        self.home.task(project, id)
    }

    fn approval(&self, project: &ProjectName, id: EventId) -> Result<Option<Approval>, ViewError> {
        self.watch.reads("approval")?;
        self.home.approval(project, id)
    }

    fn integrations(&self) -> Result<Arc<[Record]>, ViewError> {
        self.watch.reads("integrations")?;
        self.home.integrations()
    }
}

impl<H: Home, W: Watch> Home for Watched<H, W> {
    fn begin(&mut self) -> Result<(), StoreError> {
        self.watch.begins()?;
        self.home.begin()
    }

    fn apply(&mut self, input: &InputRecord<'_>, effects: &Effects) -> Result<(), StoreError> {
        self.watch.applies()?;
        self.home.apply(input, effects)
    }

    fn write(&mut self, write: &Write, env: &Env) -> Result<Written, StoreError> {
        self.home.write(write, env)
    }

    fn defer(&mut self, follow_on: &FollowOn, by: &Principal) -> Result<(), StoreError> {
        self.home.defer(follow_on, by)
    }

    fn take_deferred(&mut self) -> Result<Option<Deferred>, StoreError> {
        self.home.take_deferred()
    }

    fn kept_answer(
        &self,
        key: &[u8; 32],
        now: Timestamp,
    ) -> Result<Option<IdempotencyRow>, StoreError> {
        self.home.kept_answer(key, now)
    }

    fn commit(&mut self) -> Result<(), StoreError> {
        self.watch.commits().inspect_err(|_| self.home.rollback())?;
        self.home.commit()
    }

    fn rollback(&mut self) {
        self.home.rollback();
    }

    fn release_reserve(&mut self) -> Result<bool, StoreError> {
        self.watch.releases();
        self.home.release_reserve()
    }

    fn fill_reserve(&mut self) -> Result<bool, StoreError> {
        if !self.watch.has_room() {
            return Ok(false);
        }
        self.home.fill_reserve()
    }
}
