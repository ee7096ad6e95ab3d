//! A home whose rows cannot be read now and then, as planned.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use jiff::Timestamp;
use tidegate_core::approval::Approval;
use tidegate_core::event::Scope;
use tidegate_core::names::{ContextId, EventId, ExecutionId, ProjectName};
use tidegate_core::principal::Principal;
use tidegate_core::sequence::{
    Context, Effects, Env, Execution, FollowOn, LaneHead, ProjectHead, Task, View, ViewError,
};
use tidegate_store::memory::MemoryHome;
use tidegate_store::{Deferred, Home, IdempotencyRow, InputRecord, StoreError, Write, Written};

/// A panic that prints nothing: it is planned.
pub(crate) fn panic_quietly(who: &str) -> ! {
    std::panic::resume_unwind(Box::new(format!("{who} panics, as planned")))
}

/// When reading fails.
#[derive(Debug, Default)]
pub(crate) struct Strikes {
    /// Reads until one panics; 0 is never.
    panic_in: AtomicU32,
    /// Reads until one is refused; 0 is never.
    fail_in: AtomicU32,
}

impl Strikes {
    pub(crate) fn panic_in(&self, reads: u32) {
        self.panic_in.store(reads, Ordering::SeqCst);
    }

    pub(crate) fn fail_in(&self, reads: u32) {
        self.fail_in.store(reads, Ordering::SeqCst);
    }

    pub(crate) fn heal(&self) {
        self.panic_in(0);
        self.fail_in(0);
    }

    fn strike(&self) -> Result<(), ViewError> {
        if is_over(&self.panic_in) {
            panic_quietly("a step");
        }
        match is_over(&self.fail_in) {
            true => Err(ViewError { what: "a row".to_owned(), why: "as planned".to_owned() }),
            false => Ok(()),
        }
    }
}

/// Counts down, and says when it gets to zero.
fn is_over(left: &AtomicU32) -> bool {
    let before = left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
    before == Ok(1)
}

pub(crate) struct Faulty {
    pub(crate) home: MemoryHome,
    pub(crate) strikes: Arc<Strikes>,
}

impl View for Faulty {
    fn project(&self, name: &ProjectName) -> Result<Option<ProjectHead>, ViewError> {
        self.strikes.strike()?;
        self.home.project(name)
    }

    fn context(&self, project: &ProjectName, id: ContextId) -> Result<Option<Context>, ViewError> {
        self.strikes.strike()?;
        self.home.context(project, id)
    }

    fn lane(&self, lane: &Scope) -> Result<LaneHead, ViewError> {
        self.strikes.strike()?;
        self.home.lane(lane)
    }

    fn execution(
        &self,
        project: &ProjectName,
        id: ExecutionId,
    ) -> Result<Option<Execution>, ViewError> {
        self.strikes.strike()?;
        self.home.execution(project, id)
    }

    fn open_executions(
        &self,
        project: &ProjectName,
        context: ContextId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<Execution>, ViewError> {
        self.strikes.strike()?;
        self.home.open_executions(project, context, after, limit)
    }

    fn task(&self, project: &ProjectName, id: EventId) -> Result<Option<Task>, ViewError> {
        self.strikes.strike()?;
        self.home.task(project, id)
    }

    fn approval(&self, project: &ProjectName, id: EventId) -> Result<Option<Approval>, ViewError> {
        self.strikes.strike()?;
        self.home.approval(project, id)
    }
}

impl Home for Faulty {
    fn begin(&mut self) -> Result<(), StoreError> {
        self.home.begin()
    }

    fn apply(&mut self, input: &InputRecord<'_>, effects: &Effects) -> Result<(), StoreError> {
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
        self.home.commit()
    }

    fn rollback(&mut self) {
        self.home.rollback();
    }

    fn release_reserve(&mut self) -> Result<bool, StoreError> {
        self.home.release_reserve()
    }

    fn fill_reserve(&mut self) -> Result<bool, StoreError> {
        self.home.fill_reserve()
    }
}
