//! The writer thread: takes what is in the channel, lets the machine do it in one commit, answers.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use jiff::Timestamp;
use tidegate_core::principal::{Principal, PrincipalName};
use tidegate_core::sequence::Input;
use tidegate_store::{Home, Reader, StoreError, Write};
use tokio::sync::oneshot;

use crate::failure::Failure;
use crate::machine::{Done, Machine, Notice, Submission, Work, panic_text};
use crate::port::Resolver;

/// Most pieces of work in one commit: beyond it only latency grows.
pub(crate) const BATCH_MAX: usize = 64;
/// How often expired sessions, links and keys are forgotten.
const EXPIRE_EVERY: Duration = Duration::from_secs(3600);
/// How often own work is tried again while the disk is full.
const SPACE_EVERY: jiff::SignedDuration = jiff::SignedDuration::from_secs(1);
/// The longest sleep, so that a wall clock that was set is noticed.
const SLEEP_MAX: Duration = Duration::from_secs(60);

pub(crate) type Reply = oneshot::Sender<Result<Done, Failure>>;

/// What the writer thread receives.
pub(crate) enum Message {
    /// Work, and where its answer goes.
    Do(Work, Reply),
    /// Finish what was received and end.
    Stop,
}

pub(crate) struct Shell<H, R> {
    pub(crate) machine: Machine<H, R>,
    pub(crate) reader: std::sync::Arc<dyn Reader>,
    pub(crate) inbox: Receiver<Message>,
    pub(crate) notify: Box<dyn Fn(Notice) + Send>,
    pub(crate) fatal: Box<dyn Fn(String) + Send>,
    /// The disk was full when own work was tried last.
    pub(crate) waits_for_space: bool,
}

impl<H: Home, R: Resolver> Shell<H, R> {
    /// Runs until told to stop, or until the store fails.
    pub(crate) fn run(mut self) {
        // A thread that died quietly would leave a process that refuses everything and looks alive.
        match catch_unwind(AssertUnwindSafe(|| self.work())) {
            Ok(Ok(())) => {}
            Ok(Err(error)) => (self.fatal)(error.to_string()),
            Err(panic) => (self.fatal)(panic_text(&*panic)),
        }
    }

    fn work(&mut self) -> Result<(), StoreError> {
        self.recover()?;
        let mut expired_at = Timestamp::UNIX_EPOCH;
        let mut due = self.next_due()?;
        let mut stopping = false;
        loop {
            let (mut work, replies, stop) = self.receive(due);
            stopping |= stop;
            let now = self.machine.now();
            if now.duration_since(expired_at).unsigned_abs() >= EXPIRE_EVERY {
                work.push(Work::Write(Write::Expire(now)));
                expired_at = now;
            }
            let woken = due.is_some_and(|due| due <= now);
            self.waits_for_space &= !woken;
            if woken {
                work.extend(self.delays_over(now)?);
            }
            if !work.is_empty() || self.machine.has_backlog() {
                let notice = self.commit(&work, replies)?;
                if woken || notice.delays {
                    due = self.next_due()?;
                }
                if notice.full {
                    if stopping {
                        return Ok(());
                    }
                    due = self.wait_for_space(now);
                }
                (self.notify)(notice);
            }
            if stopping && !self.machine.has_backlog() {
                return Ok(());
            }
        }
    }

    /// One commit; everybody is answered, whatever its outcome.
    fn commit(&mut self, work: &[Work], replies: Vec<Reply>) -> Result<Notice, StoreError> {
        match self.machine.batch(work) {
            Ok((answers, notice)) => {
                for (reply, answer) in replies.into_iter().zip(answers) {
                    // The caller may have gone; what was done stays done.
                    drop(reply.send(answer));
                }
                Ok(notice)
            }
            Err(error) => {
                for reply in replies {
                    drop(reply.send(Err(Failure::OutcomeUnknown)));
                }
                Err(error)
            }
        }
    }

    /// Waits for the first message, then takes what else is there. The caller's work comes first.
    fn receive(&mut self, due: Option<Timestamp>) -> (Vec<Work>, Vec<Reply>, bool) {
        let (mut work, mut replies) = (Vec::new(), Vec::new());
        let mut next = if self.machine.has_backlog() && !self.waits_for_space {
            self.inbox.try_recv().ok()
        } else {
            let now = self.machine.now();
            let until = due.map_or(SLEEP_MAX, |due| {
                Duration::try_from(due.duration_since(now)).unwrap_or(Duration::ZERO)
            });
            match self.inbox.recv_timeout(until.min(SLEEP_MAX)) {
                Ok(message) => Some(message),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => Some(Message::Stop),
            }
        };
        while let Some(message) = next {
            match message {
                Message::Stop => return (work, replies, true),
                Message::Do(piece, reply) => {
                    work.push(piece);
                    replies.push(reply);
                }
            }
            next = if work.len() < BATCH_MAX { self.inbox.try_recv().ok() } else { None };
        }
        (work, replies, false)
    }

    /// Own work is tried again in a while; callers are answered meanwhile.
    fn wait_for_space(&mut self, now: Timestamp) -> Option<Timestamp> {
        if !self.waits_for_space {
            tracing::error!(
                "the disk is full: triggers and answers are refused until there is space"
            );
        }
        self.waits_for_space = true;
        Some(now.saturating_add(SPACE_EVERY).unwrap_or(Timestamp::MAX))
    }

    fn next_due(&self) -> Result<Option<Timestamp>, StoreError> {
        Ok(self.reader.delays(1)?.first().map(|(due, ..)| *due))
    }

    fn delays_over(&self, now: Timestamp) -> Result<Vec<Work>, StoreError> {
        let over =
            self.reader.delays(BATCH_MAX as u64)?.into_iter().filter(|(due, ..)| *due <= now);
        let wake = over.map(|(_, project, execution)| {
            let input = Input::DelayOver { project, execution };
            Work::Step(Box::new(Submission { input, principal: timer(), key: None }))
        });
        Ok(wake.collect())
    }

    /// What a crash left between two commits is taken up again.
    fn recover(&mut self) -> Result<(), StoreError> {
        for lane in self.reader.stalled_lanes(u64::from(u32::MAX))? {
            self.machine.resume(Input::Admit { lane }, timer());
        }
        for resolve in self.reader.unresolved(u64::from(u32::MAX))? {
            self.machine.resume_resolve(&resolve);
        }
        Ok(())
    }
}

fn timer() -> Principal {
    Principal::Builtin(PrincipalName::new("tidegate").expect("a short plain text"))
}
