//! One server's way to write.

use std::cell::RefCell;

use jiff::Timestamp;
use tidegate_core::audit::{Chain, Salts};
use tidegate_core::principal::Principal;
use tidegate_core::sequence::{Change, Effects, Env, FollowOn};
use uuid::Uuid;

use crate::audit::{Closed, deed};
use crate::codec::damaged;
use crate::contract::{Home, InputRecord, StoreError, Write, Written};
use crate::rows::{Deferred, IdempotencyRow};

use super::connect::{Patience, Purpose, Target};
use super::pool::PostgresReaders;
use super::session::{Outcome, Session};
use super::shipyards::Shipyards;
use super::{
    approvals, audit, commit, contexts, deferred, executions, integrations, lanes, latest, log,
    migrate, outbox, people, projects, prune, sagas, tasks, timers, tokens,
};

/// The home of a cluster, as one server sees it: owns one connection that writes, and makes a new one
/// where that is lost. Any number of servers have one each.
pub struct PostgresHome {
    target: Target,
    /// Names this home in the store, from its opening to its end.
    id: Uuid,
    pub(super) session: Session,
    /// The number of the open transaction.
    open: Option<i64>,
    /// Why a step could not read, where that is not the row's fault and nobody was told yet.
    pub(super) unread: RefCell<Option<StoreError>>,
    pub(super) shipyards: Shipyards,
}

impl std::fmt::Debug for PostgresHome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PostgresHome").field("place", &self.target.place).finish_non_exhaustive()
    }
}

impl PostgresHome {
    /// Connects and brings the schema up to date; makes it where there is none. The string is one of
    /// libpq's: `host=/run/postgresql dbname=tidegate`, or a `postgresql://` URL; its `search_path`
    /// names the schema.
    ///
    /// # Errors
    /// The server cannot be reached, can lose what it has acknowledged, is too old, or holds a store
    /// that a newer version has written.
    pub fn open(connection: &str) -> Result<(Self, PostgresReaders), StoreError> {
        Self::open_with(connection, Patience::default())
    }

    /// The same, with another patience for servers that do not answer.
    ///
    /// # Errors
    /// As [`PostgresHome::open`].
    pub fn open_with(
        connection: &str,
        patience: Patience,
    ) -> Result<(Self, PostgresReaders), StoreError> {
        let mut target = Target::parse(connection, patience)?;
        let session = target.connect(Purpose::Write)?;
        let (schema, store) = migrate::migrate(&session, &target.place)?;
        target.pin(schema, store);
        let readers = PostgresReaders::new(target.clone());
        let (id, shipyards) = (Uuid::new_v4(), Shipyards::default());
        let unread = RefCell::default();
        Ok((Self { target, id, session, open: None, unread, shipyards }, readers))
    }

    /// The connection, inside of a transaction; what is written outside of one would be committed row
    /// by row.
    fn inside(&self) -> Result<&Session, StoreError> {
        match self.open {
            Some(_) => Ok(&self.session),
            None => Err(none_open()),
        }
    }

    fn change(&self, session: &Session, change: &Change, now: Timestamp) -> Result<(), StoreError> {
        match change {
            Change::SliProvider(project, provider) => {
                match projects::set_sli_provider(session, project, provider)? {
                    true => Ok(()),
                    false => Err(damaged(format!("project {project}"), "it is not there")),
                }
            }
            Change::Snapshot { project, commit, text } => {
                if projects::set_shipyard(session, project, commit, text)? {
                    return Ok(());
                }
                Err(damaged(
                    format!("project {project}"),
                    "its shipyard changes, yet it is not there",
                ))
            }
            Change::Execution(execution) => executions::put(session, execution),
            Change::Task(project, task) => tasks::put(session, project, task),
            Change::Approval(approval) => approvals::put(session, approval),
            Change::Context(context) => contexts::put(session, context, now),
            Change::Holder(lane, holder) => lanes::hold(session, lane, *holder),
            Change::Join(lane, queue, position, execution) => {
                lanes::join(session, lane, *queue, *position, *execution)
            }
            Change::Leave(lane, queue, position) => lanes::leave(session, lane, *queue, *position),
            Change::Deployed(lane, deployed) => lanes::deploy(session, lane, deployed),
            Change::Open(event) => outbox::open(session, event),
            Change::Closed(project, id) => outbox::close(session, project, *id),
            Change::Deliver(delivery) => outbox::deliver(session, delivery),
            Change::StoodDown(row) => integrations::stand_down(session, row),
            Change::CancelJobs(_, event) => outbox::cancel(session, *event),
            Change::Timer(project, timer, due) => timers::set(session, project, *timer, *due),
            Change::TimerGone(_, timer) => timers::clear(session, *timer),
            Change::Latest(latest) => latest::put(session, latest),
        }
    }

    /// The answer to `COMMIT` was lost: the store is asked, on a new connection.
    fn settle(&mut self, n: i64, why: &str) -> Result<(), StoreError> {
        let place = &self.target.place;
        tracing::warn!(%place, why, "the answer to a commit was lost; its outcome is looked up");
        match commit::settle(&self.target, self.id, n) {
            Ok((took_place, session)) => {
                self.session = session;
                tracing::info!(%place, took_place, "the outcome of the commit is known");
                if took_place {
                    return Ok(());
                }
                let what = format!("the database {place}");
                Err(StoreError::Unavailable { what, why: why.to_owned() })
            }
            Err(error) => Err(StoreError::OutcomeUnknown(format!("{why}; then {error}"))),
        }
    }
}

/// What a change answers, and the saga that it has closed.
fn change_rows(
    session: &Session,
    write: &Write,
    env: &Env,
) -> Result<(Written, Option<Closed>), StoreError> {
    let mut closed = None;
    let written = match write {
        // The record is all there is to it.
        Write::Record(..) => Written::Done,
        Write::Checkpoint(checkpoint) => done(audit::keep_checkpoint(session, checkpoint))?,
        Write::Begin(intent, events) => sagas::begin(session, intent, &env.principal, events)?,
        Write::Complete { intent, commit, now, events } => {
            closed = sagas::complete(session, *intent, (commit, *now), events)?;
            if closed.is_some() { Written::Done } else { Written::UnderWay }
        }
        Write::Undo { intent, events } => {
            closed = Some(sagas::undo(session, *intent, events)?);
            Written::Done
        }
        Write::Snapshot { project, commit, text } => {
            match projects::set_shipyard(session, project, commit, text)? {
                true => Written::Done,
                false => Written::NoProject,
            }
        }
        Write::DeliveryDone(id) => done(outbox::delivered(session, *id))?,
        Write::Idempotency(row) => done(people::keep_answer(session, row))?,
        Write::PutSession(row) => done(people::put_session(session, row))?,
        Write::DropSession(digest) => done(people::drop_session(session, digest))?,
        Write::PutSignIn(row) => done(people::put_sign_in(session, row))?,
        Write::UseSignIn { code, session: row, now } => {
            Written::SignedIn(people::use_sign_in(session, code, row, *now)?)
        }
        Write::PutToken(row) => tokens::put(session, row)?,
        Write::DropToken(name) => tokens::drop(session, name.as_str())?,
        Write::Integration { command, tasks } => {
            integrations::change(session, command, tasks.as_deref(), env)?
        }
        Write::Expire(now) => done(people::expire(session, *now))?,
        Write::Quarantine(row) => done(deferred::quarantine(session, row))?,
        Write::DropTimer(timer) => done(timers::clear(session, *timer))?,
        Write::Forget { project, limit } => match projects::exists(session, project)? {
            true => prune::forget_ended(session, project, *limit)?,
            false => Written::NoProject,
        },
        Write::Prune { before, unmapped_before, limit } => {
            prune::prune(session, *before, *unmapped_before, *limit)?
        }
    };
    Ok((written, closed))
}

fn done(done: Result<(), StoreError>) -> Result<Written, StoreError> {
    done.map(|()| Written::Done)
}

fn none_open() -> StoreError {
    damaged("transaction", "there is none open; begin one first")
}

impl Home for PostgresHome {
    fn begin(&mut self) -> Result<(), StoreError> {
        if self.open.is_some() {
            return Err(damaged("transaction", "one is open already; commit or roll back first"));
        }
        if let Some(error) = self.unread.take() {
            return Err(error);
        }
        let mut begun = commit::begin(&self.session);
        // A connection may have been lost while it was idle, and nothing was done yet.
        if self.session.is_lost() {
            self.session = self.target.reconnect(Purpose::Write, self.target.patience.begin)?;
            begun = commit::begin(&self.session);
        }
        self.open = Some(begun?);
        Ok(())
    }

    fn apply(&mut self, input: &InputRecord<'_>, effects: &Effects) -> Result<(), StoreError> {
        let session = self.inside()?;
        outbox::record(session, input)?;
        for entry in &effects.log {
            log::append(session, entry)?;
        }
        let now = input.env.now;
        effects.changes.iter().try_for_each(|change| self.change(session, change, now))?;
        let (chain, mut salts) = (Chain::of(input.project), Salts::new(input.env.seed));
        let mut records = effects.audit.iter();
        records.try_for_each(|record| audit::append(session, &chain, record, &mut salts))
    }

    fn write(&mut self, write: &Write, env: &Env) -> Result<Written, StoreError> {
        let session = self.inside()?;
        let (written, closed) = change_rows(session, write, env)?;
        if let Some((chain, record)) = deed(write, &written, closed.as_ref(), env) {
            audit::append(session, &chain, &record, &mut Salts::new(env.seed))?;
        }
        Ok(written)
    }

    fn defer(&mut self, follow_on: &FollowOn, by: &Principal) -> Result<(), StoreError> {
        deferred::push(self.inside()?, follow_on, by)
    }

    fn take_deferred(&mut self) -> Result<Option<Deferred>, StoreError> {
        deferred::pop(self.inside()?)
    }

    fn kept_answer(
        &self,
        key: &[u8; 32],
        now: Timestamp,
    ) -> Result<Option<IdempotencyRow>, StoreError> {
        people::kept_answer(&self.session, key, now)
    }

    fn commit(&mut self) -> Result<(), StoreError> {
        let n = self.open.take().ok_or_else(none_open)?;
        // Where a step could not read, this fails as well, and whoever commits is told.
        self.unread.take();
        match commit::commit(&self.session, self.id, n) {
            Outcome::Written => Ok(()),
            Outcome::Undone(error) => Err(error),
            Outcome::Unknown(why) => self.settle(n, &why),
        }
    }

    fn rollback(&mut self) {
        if self.open.take().is_some() {
            self.session.rollback();
        }
    }

    // The disk is the server's; whoever runs that sees to its space.
    fn release_reserve(&mut self) -> Result<bool, StoreError> {
        Ok(false)
    }

    fn fill_reserve(&mut self) -> Result<bool, StoreError> {
        Ok(true)
    }
}
