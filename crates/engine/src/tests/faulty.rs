//! A home that fails when told to.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use jiff::Timestamp;
use tidegate_core::approval::Approval;
use tidegate_core::event::Scope;
use tidegate_core::names::{CommitId, ContextId, EventId, ExecutionId, ProjectName};
use tidegate_core::principal::Principal;
use tidegate_core::sequence::{
    Context, Effects, Env, Execution, FollowOn, LaneHead, ProjectHead, Task, View, ViewError,
};
use tidegate_store::{Deferred, Home, IdempotencyRow, InputRecord, StoreError, Write, Written};

use super::{count_down, set};
use crate::{Resolved, Resolver};

#[derive(Debug, Default)]
pub(super) struct Faults {
    /// So many reads of a project panic.
    pub(super) panics: AtomicU32,
    /// So many reads of a shipyard panic.
    pub(super) resolver: AtomicU32,
    /// The disk is full.
    pub(super) full: AtomicBool,
    /// The disk is full until what was set aside is given up.
    pub(super) full_until_released: AtomicBool,
    /// What was set aside is given up.
    pub(super) released: AtomicBool,
    /// The store cannot be reached.
    pub(super) away: AtomicBool,
    /// A commit fails.
    pub(super) commit: AtomicBool,
    /// The engine said that it must end.
    pub(super) ended: AtomicBool,
}

pub(super) struct Faulty<H> {
    pub(super) home: H,
    pub(super) faults: Arc<Faults>,
}

pub(super) struct FaultyResolver<R> {
    pub(super) resolver: R,
    pub(super) faults: Arc<Faults>,
}

impl<R: Resolver> Resolver for FaultyResolver<R> {
    fn resolve(&mut self, scope: &Scope, requested: Option<&CommitId>) -> Resolved {
        assert!(!count_down(&self.faults.resolver), "told to panic");
        self.resolver.resolve(scope, requested)
    }
}

impl<H: Home> View for Faulty<H> {
    fn project(&self, name: &ProjectName) -> Result<Option<ProjectHead>, ViewError> {
        assert!(!count_down(&self.faults.panics), "told to panic");
        self.home.project(name)
    }

    fn context(&self, project: &ProjectName, id: ContextId) -> Result<Option<Context>, ViewError> {
        self.home.context(project, id)
    }

    fn lane(&self, lane: &Scope) -> Result<LaneHead, ViewError> {
        self.home.lane(lane)
    }

    fn execution(
        &self,
        project: &ProjectName,
        id: ExecutionId,
    ) -> Result<Option<Execution>, ViewError> {
        self.home.execution(project, id)
    }

    fn open_executions(
        &self,
        project: &ProjectName,
        context: ContextId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<Execution>, ViewError> {
        self.home.open_executions(project, context, after, limit)
    }

    fn task(&self, project: &ProjectName, id: EventId) -> Result<Option<Task>, ViewError> {
        self.home.task(project, id)
    }

    fn approval(&self, project: &ProjectName, id: EventId) -> Result<Option<Approval>, ViewError> {
        self.home.approval(project, id)
    }
}

impl<H: Home> Home for Faulty<H> {
    fn begin(&mut self) -> Result<(), StoreError> {
        if set(&self.faults.away) {
            let (what, why) = ("the test's store".to_owned(), "told to be away".to_owned());
            return Err(StoreError::Unavailable { what, why });
        }
        self.home.begin()
    }

    fn apply(&mut self, input: &InputRecord<'_>, effects: &Effects) -> Result<(), StoreError> {
        let pinched = set(&self.faults.full_until_released) && !set(&self.faults.released);
        if set(&self.faults.full) || pinched {
            return Err(StoreError::Full("the test".to_owned()));
        }
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
        if set(&self.faults.commit) {
            self.home.rollback();
            let source = std::io::Error::other("told to fail");
            return Err(StoreError::Io { what: "commit".to_owned(), source });
        }
        self.home.commit()
    }

    fn rollback(&mut self) {
        self.home.rollback();
    }

    fn release_reserve(&mut self) -> Result<bool, StoreError> {
        self.faults.released.store(true, Ordering::SeqCst);
        self.home.release_reserve()
    }

    fn fill_reserve(&mut self) -> Result<bool, StoreError> {
        if set(&self.faults.full) || set(&self.faults.full_until_released) {
            return Ok(false);
        }
        self.home.fill_reserve()
    }
}
