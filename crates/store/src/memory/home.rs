//! The one writer.

use std::sync::{Arc, PoisonError, RwLock};

use jiff::Timestamp;
use tidegate_core::audit::{Chain, Salts};
use tidegate_core::principal::Principal;
use tidegate_core::sequence::{Change, Effects, Env, FollowOn};

use crate::audit::{Closed, deed};
use crate::contract::{Home, InputRecord, StoreError, Write, Written};
use crate::rows::{Deferred, IdempotencyRow};

use super::disk::MemoryDisk;
use super::reader::MemoryReader;
use super::table::{Rows, damaged};
use super::transaction::Transaction;
use super::view::Shipyards;
use super::{
    approvals, audit, contexts, deferred, executions, integrations, journal, lanes, log, outbox,
    people, projects, prune, sagas, timers, tokens,
};

/// A home on a [`MemoryDisk`].
#[derive(Debug)]
pub struct MemoryHome {
    disk: MemoryDisk,
    /// Which opening of the disk this is.
    turn: u64,
    pub(super) rows: Transaction,
    pub(super) shipyards: Shipyards,
    committed: Arc<RwLock<Rows>>,
}

impl MemoryHome {
    /// Opens what is on the disk. Whoever had it open before can write no more.
    ///
    /// # Errors
    /// A record of the journal is damaged that is not the last one.
    pub fn open(disk: &MemoryDisk) -> Result<(Self, MemoryReader), StoreError> {
        let (rows, turn) = disk.open(journal::replay)?;
        let committed = Arc::new(RwLock::new(rows.clone()));
        let reader = MemoryReader::new(Arc::clone(&committed));
        let (rows, shipyards) = (Transaction::on(rows), Shipyards::default());
        Ok((Self { disk: disk.clone(), turn, rows, shipyards, committed }, reader))
    }

    /// `cause` is the number of the input, and how many deliveries it has had.
    fn change(
        rows: &mut Transaction,
        change: &Change,
        now: Timestamp,
        cause: (u64, usize),
    ) -> Result<(), StoreError> {
        match change {
            Change::SliProvider(project, provider) => {
                match projects::set_sli_provider(rows, project, provider)? {
                    true => Ok(()),
                    false => Err(damaged(format!("project {project}"), "it is not there")),
                }
            }
            Change::Snapshot { project, commit, text } => {
                match projects::set_shipyard(rows, project, commit, text)? {
                    true => Ok(()),
                    false => Err(damaged(format!("project {project}"), "it is not there")),
                }
            }
            Change::Execution(execution) => executions::put(rows, execution),
            Change::Task(project, task) => executions::put_task(rows, project, task),
            Change::Approval(approval) => approvals::put(rows, approval),
            Change::Context(context) => contexts::put(rows, context, now),
            Change::Holder(lane, holder) => lanes::hold(rows, lane, *holder),
            Change::Join(lane, queue, position, execution) => {
                lanes::join(rows, lane, *queue, *position, *execution)
            }
            Change::Leave(lane, queue, position) => {
                lanes::leave(rows, lane, *queue, *position);
                Ok(())
            }
            Change::Deployed(lane, deployed) => lanes::deploy(rows, lane, deployed),
            Change::Open(event) => outbox::open(rows, event),
            Change::Closed(project, id) => outbox::close(rows, project, *id),
            Change::Deliver(delivery) => outbox::deliver(rows, delivery, cause),
            Change::StoodDown(row) => integrations::stand_down(rows, row),
            Change::CancelJobs(_, event) => outbox::cancel(rows, *event),
            Change::Timer(project, timer, due) => timers::set(rows, project, *timer, *due),
            Change::TimerGone(_, timer) => {
                timers::clear(rows, *timer);
                Ok(())
            }
            Change::Latest(latest) => log::put_latest(rows, latest),
        }
    }

    fn write_one(rows: &mut Transaction, write: &Write, env: &Env) -> Result<Written, StoreError> {
        let (written, closed) = Self::change_rows(rows, write, env)?;
        if let Some((chain, record)) = deed(write, &written, closed.as_ref(), env) {
            audit::append(rows, &chain, &record, &mut Salts::new(env.seed))?;
        }
        Ok(written)
    }

    /// What it answers, and the saga that it has closed.
    fn change_rows(
        rows: &mut Transaction,
        write: &Write,
        env: &Env,
    ) -> Result<(Written, Option<Closed>), StoreError> {
        let mut closed = None;
        match write {
            // The record is all there is to it.
            Write::Record(..) => {}
            Write::Checkpoint(checkpoint) => audit::keep_checkpoint(rows, checkpoint)?,
            Write::Begin(intent, events) => {
                return Ok((sagas::begin(rows, intent, &env.principal, events)?, None));
            }
            Write::Complete { intent, commit, now, events } => {
                closed = sagas::complete(rows, *intent, (commit, *now), events)?;
                if closed.is_none() {
                    return Ok((Written::UnderWay, None));
                }
            }
            Write::Undo { intent, events } => closed = Some(sagas::undo(rows, *intent, events)?),
            Write::Snapshot { project, commit, text } => {
                if !projects::set_shipyard(rows, project, commit, text)? {
                    return Ok((Written::NoProject, None));
                }
            }
            Write::DeliveryDone(id) => outbox::delivered(rows, *id),
            Write::Idempotency(row) => people::keep_answer(rows, row)?,
            Write::PutSession(row) => people::put_session(rows, row)?,
            Write::DropSession(digest) => people::drop_session(rows, digest),
            Write::PutSignIn(row) => people::put_sign_in(rows, row)?,
            Write::UseSignIn { code, session, now } => {
                let session = people::use_sign_in(rows, code, session, *now)?;
                return Ok((Written::SignedIn(session), None));
            }
            Write::PutToken(row) => return Ok((tokens::put(rows, row)?, None)),
            Write::DropToken(name) => return Ok((tokens::drop(rows, name)?, None)),
            Write::Integration { command, tasks } => {
                let written = integrations::change(rows, command, tasks.as_deref(), env)?;
                return Ok((written, None));
            }
            Write::Expire(now) => people::expire(rows, *now)?,
            Write::Quarantine(row) => deferred::quarantine(rows, row)?,
            Write::DropTimer(timer) => timers::clear(rows, *timer),
            Write::Forget { project, limit } => {
                return match projects::is_there(rows, project) {
                    true => Ok((prune::forget_ended(rows, project, *limit)?, None)),
                    false => Ok((Written::NoProject, None)),
                };
            }
            Write::Prune { before, unmapped_before, limit } => {
                return Ok((prune::prune(rows, *before, *unmapped_before, *limit)?, None));
            }
        }
        Ok((Written::Done, closed))
    }
}

impl Home for MemoryHome {
    fn begin(&mut self) -> Result<(), StoreError> {
        self.rows.begin()
    }

    fn apply(&mut self, input: &InputRecord<'_>, effects: &Effects) -> Result<(), StoreError> {
        let rows = &mut self.rows;
        rows.check_open()?;
        let number = outbox::record(rows, input)?;
        for entry in &effects.log {
            log::append(rows, entry)?;
        }
        let mut deliveries = 0;
        for change in &effects.changes {
            Self::change(rows, change, input.env.now, (number, deliveries))?;
            deliveries += usize::from(matches!(change, Change::Deliver(_)));
        }
        let (chain, mut salts) = (Chain::of(input.project), Salts::new(input.env.seed));
        for record in &effects.audit {
            audit::append(rows, &chain, record, &mut salts)?;
        }
        Ok(())
    }

    fn write(&mut self, write: &Write, env: &Env) -> Result<Written, StoreError> {
        self.rows.check_open()?;
        Self::write_one(&mut self.rows, write, env)
    }

    fn defer(&mut self, follow_on: &FollowOn, by: &Principal) -> Result<(), StoreError> {
        self.rows.check_open()?;
        deferred::push(&mut self.rows, follow_on, by)
    }

    fn take_deferred(&mut self) -> Result<Option<Deferred>, StoreError> {
        self.rows.check_open()?;
        deferred::pop(&mut self.rows)
    }

    fn kept_answer(
        &self,
        key: &[u8; 32],
        now: Timestamp,
    ) -> Result<Option<IdempotencyRow>, StoreError> {
        people::kept_answer(&self.rows, key, now)
    }

    fn commit(&mut self) -> Result<(), StoreError> {
        self.rows.check_open()?;
        let written = match self.rows.record() {
            Some(record) => self.disk.commit(self.turn, &record),
            None => Ok(()),
        };
        match written {
            Ok(()) => {
                let mut committed = self.committed.write().unwrap_or_else(PoisonError::into_inner);
                self.rows.publish(&mut committed);
                Ok(())
            }
            Err(error) => {
                self.rows.undo();
                Err(error)
            }
        }
    }

    fn rollback(&mut self) {
        self.rows.undo();
    }

    fn release_reserve(&mut self) -> Result<bool, StoreError> {
        self.disk.release_reserve(self.turn)
    }

    fn fill_reserve(&mut self) -> Result<bool, StoreError> {
        self.disk.fill_reserve(self.turn)
    }
}
