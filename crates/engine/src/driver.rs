//! The loop without its thread: what is due, what waits, one commit at a time. The shell runs it on a
//! thread of its own, a simulator step by step.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tidegate_core::principal::Principal;
use tidegate_core::sequence::Input;
use tidegate_core::uniform::{Command, next_lapse};
use tidegate_store::{Home, Reader, StoreError, TimerRow, Write, Written};

use crate::clock::{ClockGuard, Trust};
use crate::failure::Failure;
use crate::machine::Machine;
use crate::port::{Ports, Resolver, Retention};
use crate::work::{Done, Notice, Submission, Work};

/// Most pieces of work in one commit: beyond it only latency grows.
pub const BATCH_MAX: usize = 64;
/// How often expired sessions, links and keys are forgotten, and what has ended long ago.
const HOUSEKEEPING_EVERY: SignedDuration = SignedDuration::from_hours(1);
/// Contexts that one commit forgets: nobody shall wait long behind them.
const PRUNED_MAX: u64 = 50;
/// How often own work is tried again while the disk is full, or the store cannot be reached.
const AGAIN_EVERY: Duration = Duration::from_secs(1);

/// The engine's loop, one turn at a time.
pub struct Driver<H, R> {
    machine: Machine<H, R>,
    reader: Arc<dyn Reader>,
    guard: ClockGuard,
    /// When the next timer is due, or earlier: the one that it was for may have been stopped.
    due: Option<Timestamp>,
    /// Expiries are held until this time, at which the clock is believed again.
    settled: Option<Timestamp>,
    /// When the next housekeeping is.
    housekeeping: Timestamp,
    /// When the next integration is not alive any more, or earlier: it may have been heard of since.
    lapse: Option<Timestamp>,
    /// When own work is tried again, where there was no space for it, or no store: by the clock that runs
    /// forward, so that it does not wait for ever where the other one is set back.
    again: Option<Duration>,
}

/// When the next turn is due, work or no work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wake {
    /// At once.
    Now,
    /// At this time of the wall clock, or when there is work.
    At(Timestamp),
}

/// The answers to the work of one turn, in order, and what it changed.
pub type Turn = (Vec<Result<Done, Failure>>, Notice);

impl<H: Home, R: Resolver> Driver<H, R> {
    /// A loop on a home that nobody else writes to, and takes up what a crash left between two commits.
    ///
    /// # Errors
    /// The store cannot be read, or has no space that could be set aside for when the disk is full.
    pub fn new(
        home: H,
        reader: Arc<dyn Reader>,
        resolver: R,
        ports: Ports,
    ) -> Result<Self, StoreError> {
        let mut machine = Machine::new(home, resolver, ports);
        machine.make_room()?;
        for resolve in reader.unresolved(u64::from(u32::MAX))? {
            machine.resume_resolve(resolve);
        }
        let mut driver = Self {
            machine,
            reader,
            guard: ClockGuard::default(),
            due: None,
            settled: None,
            housekeeping: Timestamp::MIN,
            lapse: None,
            again: None,
        };
        driver.look_for_timers()?;
        driver.look_for_lapses()?;
        Ok(driver)
    }

    /// The time by the loop's clock.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.machine.now()
    }

    fn forward(&self) -> Duration {
        self.machine.ports().clock.forward()
    }

    /// When the next turn is due.
    #[must_use]
    pub fn wake(&self) -> Wake {
        let times = match self.again {
            Some(again) => {
                let wait = SignedDuration::try_from(again.saturating_sub(self.forward()));
                let wait = wait.unwrap_or(SignedDuration::MAX);
                [Some(after(self.now(), wait)), None, None, None]
            }
            None if self.machine.has_backlog() => return Wake::Now,
            None => {
                // While the clock is in doubt nobody is given up.
                let lapse = self.lapse.filter(|_| self.settled.is_none());
                [self.due, self.settled, Some(self.housekeeping), lapse]
            }
        };
        match times.into_iter().flatten().min() {
            Some(time) if time > self.now() => Wake::At(time),
            _ => Wake::Now,
        }
    }

    /// Whether something is left to do that nobody has to wait for.
    #[must_use]
    pub fn has_backlog(&self) -> bool {
        self.machine.has_backlog()
    }

    /// Does the work, and what is due by itself, in one commit. After `Err` nothing of it may be taken
    /// as done, and the caller must not go on with this loop.
    ///
    /// # Errors
    /// The commit failed and its outcome is unknown.
    pub fn turn(&mut self, mut work: Vec<Work>) -> Result<Turn, StoreError> {
        let asked = work.len();
        let now = self.machine.now();
        let settled = match self.guard.look(now, self.forward()) {
            Trust::Steady => None,
            Trust::Settling(wait) => {
                Some(after(now, SignedDuration::try_from(wait).unwrap_or(SignedDuration::MAX)))
            }
        };
        let trust_has_changed = settled.is_some() != self.settled.is_some();
        self.settled = settled;
        if trust_has_changed && self.settled.is_some() {
            // Nobody could be heard of in the time that has gone by at once.
            self.machine.hear_anew(now);
        }
        self.try_again(now)?;
        let asked_timers = match self.again {
            Some(_) => Ok(trust_has_changed),
            None => self.add_own(&mut work, now, trust_has_changed),
        };
        let woken = self.unless_unavailable(asked_timers)?.unwrap_or(true);
        if work.is_empty() && (self.again.is_some() || !self.machine.has_backlog()) {
            if woken {
                // The timer that it was for has been stopped since.
                let looked = self.look_for_timers();
                self.unless_unavailable(looked)?;
            }
            return Ok((Vec::new(), Notice::default()));
        }
        let (mut answers, notice) = self.machine.batch(&work)?;
        if notice.integrations {
            let looked = self.look_for_lapses();
            self.unless_unavailable(looked)?;
        }
        // One that was stopped may leave the loop to wake once for nothing; it looks then.
        let expiry = notice.expiry.filter(|_| self.settled.is_none());
        self.due = [self.due, notice.delay, expiry].into_iter().flatten().min();
        if woken {
            let looked = self.look_for_timers();
            self.unless_unavailable(looked)?;
        }
        if (notice.full || notice.unavailable) && self.again.is_none() {
            self.again = Some(self.forward().saturating_add(AGAIN_EVERY));
        }
        let own = answers.split_off(asked.min(answers.len()));
        self.go_on_keeping_house(now, &own);
        Ok((answers, notice))
    }

    /// Adds what is due by itself; whether the next timer is another one then.
    fn add_own(
        &mut self,
        work: &mut Vec<Work>,
        now: Timestamp,
        trust_has_changed: bool,
    ) -> Result<bool, StoreError> {
        if trust_has_changed {
            self.look_for_timers()?;
        }
        if self.housekeeping <= now {
            self.housekeeping = after(now, HOUSEKEEPING_EVERY);
            work.push(own(Write::Expire(now)));
            work.push(own(prune(self.machine.ports().retention, now)));
            // Those that are forgotten have no time of their own.
            self.lapse = Some(now);
        }
        if self.settled.is_none() && self.lapse.is_some_and(|lapse| lapse <= now) {
            self.lapse = None;
            work.push(own(Write::Integration { command: Command::Sweep, tasks: None }));
        }
        if self.due.is_none_or(|due| due > now) {
            return Ok(false);
        }
        let timers = self.reader.timers(self.settled.is_none(), BATCH_MAX as u64)?;
        let over = timers.into_iter().filter(|row| row.due <= now).map(|row| self.timer_due(row));
        work.extend(over);
        Ok(true)
    }

    fn timer_due(&self, row: TimerRow) -> Work {
        let TimerRow { due, project, timer } = row;
        let clock_was_set = timer.is_expiry() && self.guard.was_set_past(due);
        let input = Input::TimerDue { project, timer, clock_was_set };
        Work::Step(Box::new(Submission { input, principal: Principal::tidegate(), key: None }))
    }

    fn look_for_timers(&mut self) -> Result<(), StoreError> {
        self.due = self.reader.timers(self.settled.is_none(), 1)?.first().map(|row| row.due);
        Ok(())
    }

    fn look_for_lapses(&mut self) -> Result<(), StoreError> {
        let rules = &self.machine.ports().settings.integrations;
        self.lapse = next_lapse(&self.reader.integrations()?, rules);
        Ok(())
    }

    /// Looks whether there is space again; a store that could not be reached is asked anew.
    fn try_again(&mut self, now: Timestamp) -> Result<(), StoreError> {
        if self.again.is_some_and(|again| again <= self.forward()) {
            self.machine.make_room()?;
            let pinched = self.machine.is_pinched();
            self.again = pinched.then(|| self.forward().saturating_add(AGAIN_EVERY));
            // What is due may not have been looked up meanwhile.
            self.due = self.due.or(Some(now));
        }
        Ok(())
    }

    /// What the store has said; none where it cannot be reached and is asked again in a while.
    fn unless_unavailable<T>(
        &mut self,
        said: Result<T, StoreError>,
    ) -> Result<Option<T>, StoreError> {
        match said {
            Ok(said) => Ok(Some(said)),
            Err(StoreError::Unavailable { what, why }) => {
                tracing::error!(what, why, "the store is not available; it is asked again");
                self.again = Some(self.forward().saturating_add(AGAIN_EVERY));
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Where there is more to forget, it goes on with the next turn.
    fn go_on_keeping_house(&mut self, now: Timestamp, own: &[Result<Done, Failure>]) {
        let more = own
            .iter()
            .any(|done| matches!(done, Ok(Done::Written(Written::Pruned { more: true, .. }))));
        if more {
            self.housekeeping = now;
        }
    }
}

/// A change that nobody has asked for.
fn own(write: Write) -> Work {
    Work::Write(write, Principal::tidegate())
}

fn prune(retention: Retention, now: Timestamp) -> Write {
    let ago = |long: SignedDuration| now.saturating_sub(long).unwrap_or(Timestamp::MIN);
    Write::Prune {
        before: retention.contexts.map_or(Timestamp::MIN, ago),
        unmapped_before: ago(retention.unmapped),
        limit: PRUNED_MAX,
    }
}

fn after(now: Timestamp, wait: SignedDuration) -> Timestamp {
    now.saturating_add(wait).unwrap_or(Timestamp::MAX)
}
