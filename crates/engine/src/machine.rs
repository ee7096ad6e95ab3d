//! The machine: batches of work against a store, one commit each. No thread, no clock of its own.

use std::borrow::Cow;
use std::collections::{HashMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use jiff::Timestamp;
use tidegate_core::audit::{Action, Chain};
use tidegate_core::principal::Principal;
use tidegate_core::sequence::{Env, FollowOn, Input, Refusal, Reply, Resolution, Resolve, step};
use tidegate_store::{Home, InputRecord, QuarantineRow, StoreError, Write};
use uuid::Uuid;

use crate::failure::Failure;
use crate::port::{Ports, Resolved, Resolver};
use crate::work::{Done, Notice, Submission, Work, payload, whole};

/// Most steps of one commit for one input, and for all that wait since earlier ones; the rest go on in
/// the next, so that nobody waits long behind them.
const FOLLOW_ON_MAX: usize = 500;

/// Digits of the reference that ties an internal error to its lines in the log.
const REFERENCE_DIGITS: usize = 12;

/// The sequence machine on top of a store.
pub struct Machine<H, R> {
    home: H,
    resolver: R,
    ports: Ports,
    /// Whether the store keeps follow-ons that had no room in their commit.
    deferred: bool,
    /// Shipyards that are still to be read. After a crash the store knows whose.
    resolves: VecDeque<Resolve>,
    /// The disk was full: only what is essential is done until there is space again.
    pinched: bool,
}

/// A batch could not be finished as it stands.
enum Stop {
    /// This one cannot be stepped; the others can go on without it.
    Poisoned(Place, Box<QuarantineRow>),
    /// The store failed; nobody can go on.
    Store(StoreError),
}

/// Where an input stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Place {
    /// A follow-on that was kept, by its number.
    Deferred(i64),
    /// A shipyard that is to be read, by its place in line.
    Resolve(usize),
    /// Among the work of this batch.
    Work(usize),
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// Something to be stepped within the commit of what caused it.
enum Next<'a> {
    Input(Cow<'a, Input>),
    FollowOn(FollowOn),
    Resolve(Resolve),
}

type Answers = Vec<Option<Result<Done, Failure>>>;
type Poisoned = HashMap<Place, QuarantineRow>;

impl<H: Home, R: Resolver> Machine<H, R> {
    /// A machine on a home that nobody else writes to.
    pub fn new(home: H, resolver: R, ports: Ports) -> Self {
        // The first commit looks whether a former run has kept something.
        Self { home, resolver, ports, deferred: true, resolves: VecDeque::new(), pinched: false }
    }

    /// Whether something waits for the next commit.
    #[must_use]
    pub fn has_backlog(&self) -> bool {
        !self.pinched && (self.deferred || !self.resolves.is_empty())
    }

    /// Reads the shipyard, with the next commit, for an execution that a crash left without one.
    pub fn resume_resolve(&mut self, resolve: Resolve) {
        self.resolves.push_back(resolve);
    }

    /// Whether only what is essential is done, for want of space.
    #[must_use]
    pub fn is_pinched(&self) -> bool {
        self.pinched
    }

    /// The time that integrations are alive without being heard of begins anew for all that are.
    pub(crate) fn hear_anew(&mut self, now: Timestamp) {
        Arc::make_mut(&mut self.ports.settings.integrations).since = now;
    }

    /// Sets space aside for when the disk is full. Where it was full, and there is space again,
    /// everything is done again.
    ///
    /// # Errors
    /// The file system says no.
    pub fn make_room(&mut self) -> Result<(), StoreError> {
        let filled = self.home.fill_reserve()?;
        if filled && self.pinched {
            tracing::info!("there is space on the disk again: everything is accepted");
        }
        self.pinched &= !filled;
        Ok(())
    }

    /// Does all work in one commit and answers each piece, in order. A database that cannot be reached
    /// is no error: nothing was done, and the answers say so. After `Err` nothing of the batch may be
    /// taken as done, and the caller must not go on with this home.
    ///
    /// # Errors
    /// The commit failed and its outcome is unknown.
    pub fn batch(
        &mut self,
        work: &[Work],
    ) -> Result<(Vec<Result<Done, Failure>>, Notice), StoreError> {
        match self.commit_what_fits(work) {
            Err(StoreError::Unavailable { what, why }) => {
                tracing::error!(what, why, "the store is not available; nothing is accepted");
                self.ports.metrics.store_failed("unavailable");
                let said = || StoreError::Unavailable { what: what.clone(), why: why.clone() };
                let answers = work.iter().map(|_| Err(Failure::Store(said()))).collect();
                Ok((answers, Notice { unavailable: true, ..Notice::default() }))
            }
            done => done,
        }
    }

    /// Where the disk is full, only what is essential.
    fn commit_what_fits(
        &mut self,
        work: &[Work],
    ) -> Result<(Vec<Result<Done, Failure>>, Notice), StoreError> {
        if !self.pinched {
            match self.commit(work) {
                Err(StoreError::Full(_)) => {
                    tracing::error!("the disk is full: only what stops or declines is accepted");
                    self.ports.metrics.store_failed("full");
                    self.pinched = true;
                    self.home.release_reserve()?;
                }
                done => return done,
            }
        }
        let done = match work.iter().any(Work::is_essential) {
            true => self.commit(work),
            false => Err(StoreError::Full(String::new())),
        };
        match done {
            Ok((answers, notice)) => Ok((answers, Notice { full: true, ..notice })),
            Err(StoreError::Full(_)) => {
                let answers = work.iter().map(|_| Err(Failure::Full)).collect();
                Ok((answers, Notice { full: true, ..Notice::default() }))
            }
            Err(error) => Err(error),
        }
    }

    /// One commit. [`StoreError::Full`] means that nothing was done.
    fn commit(
        &mut self,
        work: &[Work],
    ) -> Result<(Vec<Result<Done, Failure>>, Notice), StoreError> {
        let (deferred, resolves) = (self.deferred, self.resolves.clone());
        let mut poisoned = Poisoned::new();
        loop {
            let mut answers: Answers = work.iter().map(|piece| self.refused(piece)).collect();
            let stop = match self.attempt(work, &mut answers, &poisoned) {
                Ok(notice) => {
                    let begun = self.ports.clock.forward();
                    match self.home.commit() {
                        Ok(()) => {
                            let took = self.ports.clock.forward().saturating_sub(begun);
                            self.ports.metrics.committed(work.len(), took, &notice);
                            return Ok((complete(answers), notice));
                        }
                        Err(error) => Stop::Store(error),
                    }
                }
                Err(stop) => {
                    self.home.rollback();
                    stop
                }
            };
            // All of it is undone, and begins again without what cannot be stepped.
            self.deferred = deferred;
            self.resolves.clone_from(&resolves);
            match stop {
                Stop::Store(error) => return Err(error),
                Stop::Poisoned(place, row) => {
                    let (reference, cause) = (&row.reference, &row.cause);
                    tracing::error!(
                        reference,
                        cause,
                        "an input cannot be stepped and is put aside"
                    );
                    self.ports.metrics.put_aside();
                    poisoned.insert(place, *row);
                }
            }
        }
    }

    /// The answer of what is not done while there is no space.
    fn refused(&self, work: &Work) -> Option<Result<Done, Failure>> {
        (self.pinched && !work.is_essential()).then_some(Err(Failure::Full))
    }

    fn attempt(
        &mut self,
        work: &[Work],
        answers: &mut Answers,
        poisoned: &Poisoned,
    ) -> Result<Notice, Stop> {
        let mut notice = Notice::default();
        self.home.begin()?;
        if !self.pinched {
            self.backlog(poisoned, &mut notice)?;
        }
        for (index, work) in work.iter().enumerate() {
            if answers[index].is_some() {
                continue;
            }
            answers[index] = Some(match (poisoned.get(&Place::Work(index)), work) {
                (Some(row), _) => {
                    self.put_aside(row, work)?;
                    Err(Failure::Internal(row.reference.clone()))
                }
                (None, Work::Write(write, by)) => {
                    let written = self.home.write(write, &self.env(by))?;
                    notice.of_write(write, &written);
                    Ok(Done::Written(written))
                }
                (None, Work::Step(submission)) => self.submit(submission, index, &mut notice)?,
            });
        }
        Ok(notice)
    }

    /// What waits since earlier commits.
    fn backlog(&mut self, poisoned: &Poisoned, notice: &mut Notice) -> Result<(), Stop> {
        let mut left = FOLLOW_ON_MAX;
        for index in 0..self.resolves.len() {
            let Some(resolve) = self.resolves.pop_front().filter(|_| left > 0) else { break };
            let place = Place::Resolve(index);
            match poisoned.get(&place) {
                Some(row) => self.write_own(&Write::Quarantine(row.clone()))?,
                None => self.follow(
                    Next::Resolve(resolve),
                    &Principal::tidegate(),
                    place,
                    &mut left,
                    notice,
                )?,
            }
        }
        while self.deferred && left > 0 {
            let Some(kept) = self.home.take_deferred()? else {
                self.deferred = false;
                break;
            };
            let place = Place::Deferred(kept.id);
            match poisoned.get(&place) {
                Some(row) => self.write_own(&Write::Quarantine(row.clone()))?,
                None => {
                    let next = Next::FollowOn(kept.follow_on);
                    self.follow(next, &kept.by, place, &mut left, notice)?;
                }
            }
        }
        Ok(())
    }

    /// What follows from an accepted input is never refused by the rules; where it is, the project
    /// has gone meanwhile.
    fn follow(
        &mut self,
        next: Next<'_>,
        by: &Principal,
        place: Place,
        left: &mut usize,
        notice: &mut Notice,
    ) -> Result<(), Stop> {
        if let Err(refusal) = self.run(next, by, place, left, notice)? {
            tracing::error!(%refusal, "a follow-on was refused");
        }
        Ok(())
    }

    /// Keeps an input that cannot be stepped. A timer's would come again and again.
    fn put_aside(&mut self, row: &QuarantineRow, work: &Work) -> Result<(), StoreError> {
        self.write_own(&Write::Quarantine(row.clone()))?;
        if let Work::Step(submission) = work
            && let Input::TimerDue { timer, .. } = submission.input
        {
            self.write_own(&Write::DropTimer(timer))?;
        }
        Ok(())
    }

    /// A change that nobody has asked for.
    fn write_own(&mut self, write: &Write) -> Result<(), StoreError> {
        self.home.write(write, &self.env(&Principal::tidegate())).map(drop)
    }

    fn submit(
        &mut self,
        submission: &Submission,
        index: usize,
        notice: &mut Notice,
    ) -> Result<Result<Done, Failure>, Stop> {
        if let Some(key) = &submission.key
            && let Some(kept) = self.home.kept_answer(&key.key, self.now())?
        {
            if kept.request == key.request {
                return Ok(Ok(Done::Before(kept.answer)));
            }
            self.record_reuse(submission, kept.answer)?;
            notice.audited += 1;
            return Ok(Err(Failure::KeyReused));
        }
        let (next, principal) =
            (Next::Input(Cow::Borrowed(&submission.input)), &submission.principal);
        let mut left = FOLLOW_ON_MAX;
        let reply = self.run(next, principal, Place::Work(index), &mut left, notice)?;
        if let (Ok(_), Some(key)) = (&reply, &submission.key) {
            self.write_own(&Write::Idempotency(key.clone()))?;
        }
        Ok(reply.map(Done::Stepped).map_err(Failure::Refused))
    }

    /// Somebody used a key for two requests: a mistake at best.
    fn record_reuse(&mut self, submission: &Submission, first: String) -> Result<(), StoreError> {
        let project = submission.input.project();
        // An event may name any project; only those that exist have a chain. What goes wrong here must
        // not end the loop.
        let chain = match catch_unwind(AssertUnwindSafe(|| self.home.project(project))) {
            Ok(Ok(Some(_))) => Chain::of(project),
            Ok(Ok(None) | Err(_)) | Err(_) => Chain::Installation,
        };
        let action = Action::KeyReused { input: submission.input.name().to_owned(), first };
        let env = self.env(&submission.principal);
        self.home.write(&Write::Record(chain, Box::new(action)), &env).map(drop)
    }

    /// Steps an input and what follows from it, as far as `left` steps go; the rest is kept for later
    /// commits. A refusal of the input itself leaves no trace.
    fn run(
        &mut self,
        first: Next<'_>,
        principal: &Principal,
        place: Place,
        left: &mut usize,
        notice: &mut Notice,
    ) -> Result<Result<Reply, Refusal>, Stop> {
        let mut queue = VecDeque::from([first]);
        let mut reply = None;
        while let Some(next) = queue.pop_front() {
            if *left == 0 {
                queue.push_front(next);
                self.keep_for_later(queue, principal)?;
                break;
            }
            let input = match next {
                Next::Input(input) => input,
                Next::FollowOn(follow_on) => Cow::Owned(follow_on.into()),
                Next::Resolve(resolve) => match self.resolve(&resolve) {
                    Some(input) => Cow::Owned(input),
                    None => {
                        notice.resolves.push(resolve);
                        continue;
                    }
                },
            };
            *left -= 1;
            let env = self.env(principal);
            let home = &self.home;
            let stepped = catch_unwind(AssertUnwindSafe(|| step(home, &input, &env)));
            let poisoned = |cause: String| self.poisoned(place, &input, &env, cause);
            let effects = match stepped {
                Ok(Ok(effects)) => effects,
                Ok(Err(refusal)) if reply.is_none() => return Ok(Err(refusal)),
                Ok(Err(refusal)) => return Err(poisoned(refusal.to_string())),
                Err(panic) => return Err(poisoned(panic_text(&*panic))),
            };
            let record = InputRecord {
                name: input.name(),
                project: input.project(),
                env: &env,
                payload: payload(&input).to_string(),
            };
            match self.home.apply(&record, &effects) {
                Err(error @ StoreError::Damaged { .. }) => {
                    return Err(self.poisoned(place, &input, &env, error.to_string()));
                }
                applied => applied?,
            }
            notice.of_step(&input, &effects, env.now);
            queue.extend(effects.resolve.map(Next::Resolve));
            queue.extend(effects.follow_on.into_iter().map(Next::FollowOn));
            reply.get_or_insert(effects.answer);
        }
        Ok(Ok(reply.unwrap_or_default()))
    }

    fn keep_for_later(
        &mut self,
        queue: VecDeque<Next<'_>>,
        principal: &Principal,
    ) -> Result<(), StoreError> {
        for next in queue {
            match next {
                Next::FollowOn(follow_on) => {
                    self.home.defer(&follow_on, principal)?;
                    self.deferred = true;
                }
                // After a crash the store knows that its execution still waits for it.
                Next::Resolve(resolve) => self.resolves.push_back(resolve),
                Next::Input(_) => {}
            }
        }
        Ok(())
    }

    /// Reads a shipyard. A fault of the reader is a shipyard that cannot be read.
    fn resolve(&mut self, resolve: &Resolve) -> Option<Input> {
        let resolver = &mut self.resolver;
        let found = catch_unwind(AssertUnwindSafe(|| resolver.resolve(resolve)));
        let resolution = match found {
            Ok(Resolved::Now(resolution)) => resolution,
            Ok(Resolved::Later) => return None,
            Err(panic) => Resolution::Failed(panic_text(&*panic)),
        };
        let (project, execution) = (resolve.scope.project.clone(), resolve.execution);
        Some(Input::Resolved { project, execution, resolution })
    }

    fn env(&self, principal: &Principal) -> Env {
        Env {
            now: self.now(),
            principal: principal.clone(),
            seed: self.ports.entropy.seed(),
            settings: self.ports.settings.clone(),
        }
    }

    fn poisoned(&self, place: Place, input: &Input, env: &Env, cause: String) -> Stop {
        let reference = Uuid::from_bytes(self.ports.entropy.seed()).simple().to_string();
        Stop::Poisoned(
            place,
            Box::new(QuarantineRow {
                at: env.now,
                project: input.project().clone(),
                name: input.name().to_owned(),
                by: env.principal.clone(),
                reference: reference[..REFERENCE_DIGITS].to_owned(),
                cause,
                payload: whole(input).to_string(),
            }),
        )
    }

    /// The time by the machine's clock.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.ports.clock.now()
    }

    pub(crate) fn ports(&self) -> &Ports {
        &self.ports
    }
}

fn complete(answers: Answers) -> Vec<Result<Done, Failure>> {
    let missing = || Err(Failure::Internal("no answer".to_owned()));
    answers.into_iter().map(|answer| answer.unwrap_or_else(missing)).collect()
}

pub(crate) fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic without a message".to_owned())
}
