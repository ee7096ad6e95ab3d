//! The one writer.

use std::path::Path;

use jiff::Timestamp;
use rusqlite::{Connection, ErrorCode};
use tidegate_core::audit::{Chain, Salts};
use tidegate_core::principal::Principal;
use tidegate_core::sequence::{Change, Effects, Env, FollowOn};

use crate::audit::{Closed, deed};
use crate::contract::{Home, InputRecord, StoreError, Write, Written};
use crate::rows::{Deferred, IdempotencyRow, Intent};

use super::checkpoint::{Checkpointer, Thresholds};
use super::codec::damaged;
use super::integrations::Integrations;
use super::kept::Kept;
use super::metrics::Metrics;
use super::migrate::MIGRATIONS;
use super::plans::Plans;
use super::pool::SqliteReaders;
use super::reserve::Reserve;
use super::view::Shipyards;
use super::words::Numbers;
use super::{
    approvals, audit, deferred, integrations, lanes, latest, log, open, outbox, people, projects,
    prune, sagas, timers, tokens,
};

/// The embedded home: owns the one connection that writes. When it is dropped, an open transaction
/// is undone and the checkpoint thread has ended.
pub struct SqliteHome {
    // Dropped first: its thread reads and writes the same file.
    checkpointer: Checkpointer,
    pub(super) connection: Connection,
    pub(super) numbers: Numbers,
    pub(super) shipyards: Shipyards,
    pub(super) plans: Plans,
    pub(super) kept: Kept,
    pub(super) integrations: Integrations,
    reserve: Reserve,
    /// The directory, for messages.
    place: String,
}

impl std::fmt::Debug for SqliteHome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SqliteHome").field("place", &self.place).finish_non_exhaustive()
    }
}

impl SqliteHome {
    /// Opens `tidegate.db` in this directory and brings it up to date; makes it where there is none.
    /// The caller sees to it that no other process has it open.
    ///
    /// # Errors
    /// The file cannot be opened or synced, or was written by a newer version.
    pub fn open(dir: &Path) -> Result<(Self, SqliteReaders), StoreError> {
        Self::open_with(dir, Thresholds::default(), MIGRATIONS)
    }

    pub(super) fn open_with(
        dir: &Path,
        thresholds: Thresholds,
        migrations: &[&str],
    ) -> Result<(Self, SqliteReaders), StoreError> {
        let file = dir.join(open::FILE);
        let place = dir.display().to_string();
        let opened = (|| {
            let mut connection = open::writer(&file, migrations)?;
            open::sync_directory(dir)?;
            let metrics = Metrics::new(&file);
            let checkpointer =
                Checkpointer::start(&file, &mut connection, thresholds, metrics.clone())?;
            let readers = SqliteReaders::open(&file, metrics)?;
            Ok((connection, checkpointer, readers))
        })();
        let (connection, checkpointer, readers) = opened.map_err(|error| match error {
            StoreError::Database(error) => full(open::named(error, &file), &place),
            other => other,
        })?;
        let home = Self {
            checkpointer,
            connection,
            numbers: Numbers::default(),
            shipyards: Shipyards::default(),
            plans: Plans::default(),
            kept: Kept::default(),
            integrations: Integrations::default(),
            reserve: Reserve::new(dir),
            place,
        };
        Ok((home, readers))
    }

    /// The connection, inside of a transaction. SQLite ends one by itself on some errors; what came
    /// after would otherwise be committed row by row.
    fn inside(&self) -> Result<&Connection, StoreError> {
        if self.connection.is_autocommit() {
            return Err(damaged("transaction", "there is none open; begin one first"));
        }
        Ok(&self.connection)
    }

    fn apply_all(&self, input: &InputRecord<'_>, effects: &Effects) -> Result<(), StoreError> {
        let (connection, now) = (self.inside()?, input.env.now);
        let id = outbox::record(connection, &self.numbers, input)?;
        for entry in &effects.log {
            log::append(connection, &self.numbers, entry)?;
        }
        let mut deliveries = 0;
        for change in &effects.changes {
            self.change(connection, change, now, (id, deliveries))?;
            deliveries += usize::from(matches!(change, Change::Deliver(_)));
        }
        if !effects.audit.is_empty() {
            let chain = Chain::of(input.project);
            let mut salts = Salts::new(input.env.seed);
            for record in &effects.audit {
                audit::append(connection, &chain, record, &mut salts)?;
            }
        }
        Ok(())
    }

    /// `cause` is the number of the input, and how many deliveries it has had.
    fn change(
        &self,
        connection: &Connection,
        change: &Change,
        now: Timestamp,
        cause: (i64, usize),
    ) -> Result<(), StoreError> {
        let numbers = &self.numbers;
        match change {
            Change::SliProvider(project, provider) => {
                match projects::set_sli_provider(connection, project, provider)? {
                    true => Ok(()),
                    false => Err(damaged(format!("project {project}"), "it is not there")),
                }
            }
            Change::Snapshot { project, commit, text } => {
                if self.set_shipyard(project, commit, text)? {
                    return Ok(());
                }
                Err(damaged(
                    format!("project {project}"),
                    "its shipyard changes, yet it is not there",
                ))
            }
            Change::Execution(execution) => self.put_execution(connection, execution),
            Change::Task(project, task) => self.put_task(connection, project, task),
            Change::Approval(approval) => approvals::put(connection, numbers, approval),
            Change::Context(context) => self.put_context(connection, context, now),
            Change::Holder(lane, holder) => {
                self.kept.lanes.remove(lane);
                lanes::hold(connection, numbers, lane, *holder)
            }
            Change::Join(lane, queue, position, execution) => {
                self.kept.lanes.remove(lane);
                lanes::join(connection, numbers, lane, *queue, *position, *execution)
            }
            Change::Leave(lane, queue, position) => {
                self.kept.lanes.remove(lane);
                lanes::leave(connection, numbers, lane, *queue, *position)
            }
            Change::Deployed(lane, deployed) => {
                self.kept.lanes.remove(lane);
                lanes::deploy(connection, numbers, lane, deployed)
            }
            Change::Open(event) => outbox::open(connection, numbers, event),
            Change::Closed(project, id) => outbox::close(connection, numbers, project, *id),
            Change::Deliver(delivery) => outbox::deliver(connection, numbers, delivery, cause),
            Change::StoodDown(row) => integrations::stand_down(connection, numbers, row),
            Change::CancelJobs(_, event) => outbox::cancel(connection, *event),
            Change::Timer(project, timer, due) => {
                timers::set(connection, numbers, project, *timer, *due)
            }
            Change::TimerGone(_, timer) => timers::clear(connection, *timer),
            Change::Latest(latest) => latest::put(connection, numbers, latest),
        }
    }

    fn write_one(&self, write: &Write, env: &Env) -> Result<Written, StoreError> {
        let connection = self.inside()?;
        let (written, closed) = self.change_rows(connection, write, env)?;
        if let Some((chain, record)) = deed(write, &written, closed.as_ref(), env) {
            audit::append(connection, &chain, &record, &mut Salts::new(env.seed))?;
        }
        Ok(written)
    }

    /// What it answers, and the saga that it has closed.
    fn change_rows(
        &self,
        connection: &Connection,
        write: &Write,
        env: &Env,
    ) -> Result<(Written, Option<Closed>), StoreError> {
        let numbers = &self.numbers;
        let mut closed = None;
        match write {
            // The record is all there is to it.
            Write::Record(..) => {}
            Write::Checkpoint(checkpoint) => audit::keep_checkpoint(connection, checkpoint)?,
            Write::Begin(intent, events) => {
                let begun = sagas::begin(connection, numbers, intent, &env.principal, events)?;
                return Ok((begun, None));
            }
            Write::Complete { intent, commit, now, events } => {
                let done = (commit, *now);
                closed = sagas::complete(connection, numbers, *intent, done, events)?;
                if closed.is_none() {
                    return Ok((Written::UnderWay, None));
                }
                if matches!(closed, Some((Intent::DeleteProject { .. }, _))) {
                    self.kept.forget();
                    self.shipyards.forget();
                }
            }
            Write::Undo { intent, events } => {
                closed = Some(sagas::undo(connection, numbers, *intent, events)?);
            }
            Write::Snapshot { project, commit, text } => {
                if !self.set_shipyard(project, commit, text)? {
                    return Ok((Written::NoProject, None));
                }
            }
            Write::DeliveryDone(id) => outbox::delivered(connection, *id)?,
            Write::Idempotency(row) => people::keep_answer(connection, row)?,
            Write::PutSession(row) => people::put_session(connection, row)?,
            Write::DropSession(digest) => people::drop_session(connection, digest)?,
            Write::PutSignIn(row) => people::put_sign_in(connection, row)?,
            Write::UseSignIn { code, session, now } => {
                let session = people::use_sign_in(connection, code, session, *now)?;
                return Ok((Written::SignedIn(session), None));
            }
            Write::PutToken(row) => return Ok((tokens::put(connection, row)?, None)),
            Write::DropToken(name) => return Ok((tokens::drop(connection, name.as_str())?, None)),
            Write::Integration { command, tasks } => {
                let tasks = tasks.as_deref();
                let written = self.integrations.change(connection, command, tasks, env)?;
                return Ok((written, None));
            }
            Write::Expire(now) => people::expire(connection, *now)?,
            Write::Quarantine(row) => deferred::quarantine(connection, row)?,
            Write::DropTimer(timer) => timers::clear(connection, *timer)?,
            Write::Forget { project, limit } => {
                let forgotten = match numbers.project(connection, project)? {
                    Some(project) => prune::forget_ended(connection, project, *limit)?,
                    None => return Ok((Written::NoProject, None)),
                };
                numbers.forget();
                self.kept.forget();
                return Ok((forgotten, None));
            }
            Write::Prune { before, unmapped_before, limit } => {
                let pruned = prune::prune(connection, *before, *unmapped_before, *limit)?;
                // Whose rows are gone is not told.
                numbers.forget();
                self.kept.forget();
                return Ok((pruned, None));
            }
        }
        Ok((Written::Done, closed))
    }

    fn end(&mut self) {
        if !self.connection.is_autocommit()
            && let Err(error) = self.connection.execute_batch("ROLLBACK")
        {
            // SQLite rolls back by itself when the next transaction begins or the file is opened.
            tracing::warn!(%error, place = self.place, "a transaction could not be undone");
        }
        self.numbers.forget();
        self.shipyards.forget();
        self.plans.forget();
        self.kept.forget();
        self.integrations.forget();
        self.checkpointer.leave();
    }
}

/// A full disk is told apart from a database that fails.
fn full(error: StoreError, place: &str) -> StoreError {
    match error {
        StoreError::Database(inner) if inner.sqlite_error_code() == Some(ErrorCode::DiskFull) => {
            StoreError::Full(place.to_owned())
        }
        other => other,
    }
}

impl Home for SqliteHome {
    fn begin(&mut self) -> Result<(), StoreError> {
        if !self.connection.is_autocommit() {
            return Err(damaged("transaction", "one is open already; commit or roll back first"));
        }
        self.checkpointer.enter()?;
        let begun =
            self.connection.prepare_cached("BEGIN IMMEDIATE").and_then(|mut s| s.execute([]));
        begun.map(drop).map_err(|error| {
            self.checkpointer.leave();
            full(error.into(), &self.place)
        })
    }

    fn apply(&mut self, input: &InputRecord<'_>, effects: &Effects) -> Result<(), StoreError> {
        self.apply_all(input, effects).map_err(|error| full(error, &self.place))
    }

    fn write(&mut self, write: &Write, env: &Env) -> Result<Written, StoreError> {
        self.write_one(write, env).map_err(|error| full(error, &self.place))
    }

    fn defer(&mut self, follow_on: &FollowOn, by: &Principal) -> Result<(), StoreError> {
        let pushed = self.inside().and_then(|connection| deferred::push(connection, follow_on, by));
        pushed.map_err(|error| full(error, &self.place))
    }

    fn take_deferred(&mut self) -> Result<Option<Deferred>, StoreError> {
        let taken = self.inside().and_then(deferred::pop);
        taken.map_err(|error| full(error, &self.place))
    }

    fn kept_answer(
        &self,
        key: &[u8; 32],
        now: Timestamp,
    ) -> Result<Option<IdempotencyRow>, StoreError> {
        people::kept_answer(&self.connection, key, now)
    }

    fn commit(&mut self) -> Result<(), StoreError> {
        let committed = self
            .inside()
            .and_then(|connection| Ok(connection.prepare_cached("COMMIT")?.execute([])?));
        match committed {
            Ok(_) => {
                self.checkpointer.leave();
                Ok(())
            }
            Err(error) => {
                self.end();
                Err(full(error, &self.place))
            }
        }
    }

    fn rollback(&mut self) {
        self.end();
    }

    fn release_reserve(&mut self) -> Result<bool, StoreError> {
        self.reserve.release()
    }

    fn fill_reserve(&mut self) -> Result<bool, StoreError> {
        self.reserve.fill()
    }
}
