//! The writer thread: takes what is in the channel, lets the driver do it in one commit, answers.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use tidegate_store::{Home, StoreError};
use tokio::sync::oneshot;

use crate::driver::{BATCH_MAX, Driver, Wake};
use crate::failure::Failure;
use crate::later::Later;
use crate::machine::panic_text;
use crate::metrics::Metrics;
use crate::port::Resolver;
use crate::work::{Done, Notice, Work};

/// Most bytes of events in one commit, but for a single larger one: what is large shall not make
/// others wait.
const BATCH_BYTES_MAX: usize = 4 * 1024 * 1024;
/// The longest sleep, so that a wall clock that was set is noticed.
const SLEEP_MAX: Duration = Duration::from_secs(60);

pub(crate) type Reply = oneshot::Sender<Result<Done, Failure>>;

/// What the writer thread receives.
pub(crate) enum Message {
    /// Work, and where its answer goes.
    Do(Work, Reply),
    /// Work that nobody waits for.
    DoLater(Work),
    /// Finish what was received and end.
    Stop,
}

pub(crate) struct Shell<H, R> {
    pub(crate) driver: Driver<H, R>,
    pub(crate) inbox: Receiver<Message>,
    pub(crate) later: Later,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) notify: Box<dyn Fn(Notice) + Send>,
    pub(crate) fatal: Box<dyn Fn(String) + Send>,
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
        let mut stopping = false;
        loop {
            let (work, replies, stop) = self.receive();
            stopping |= stop;
            let notice = self.turn(work, replies)?;
            let in_vain = notice.full || notice.unavailable;
            (self.notify)(notice);
            if stopping && (in_vain || !self.driver.has_backlog()) {
                return Ok(());
            }
        }
    }

    /// One turn; everybody is answered, whatever its outcome.
    fn turn(&mut self, mut work: Vec<Work>, replies: Vec<Reply>) -> Result<Notice, StoreError> {
        let later = self.later.take();
        work.extend(later.iter().cloned());
        match self.driver.turn(work) {
            Ok((answers, notice)) => {
                let mut answers = answers.into_iter();
                for (reply, answer) in replies.into_iter().zip(answers.by_ref()) {
                    // The caller may have gone; what was done stays done.
                    drop(reply.send(answer));
                }
                self.later.answered(later, answers, Instant::now());
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

    /// Waits for the first message, or until something is due, then takes what else is there.
    fn receive(&mut self) -> (Vec<Work>, Vec<Reply>, bool) {
        let (mut work, mut replies, mut bytes) = (Vec::new(), Vec::new(), 0);
        let mut next = self.first();
        while let Some(message) = next {
            if !matches!(message, Message::Stop) {
                self.metrics.taken();
            }
            match message {
                Message::Stop => return (work, replies, true),
                Message::DoLater(piece) => self.later.push(piece, Instant::now()),
                Message::Do(piece, reply) => {
                    bytes += piece.bytes();
                    work.push(piece);
                    replies.push(reply);
                }
            }
            let has_room = work.len() < BATCH_MAX && bytes < BATCH_BYTES_MAX;
            next = match has_room {
                // What has come so far can wait.
                true if work.is_empty() => self.first(),
                true => self.inbox.try_recv().ok(),
                false => None,
            };
        }
        (work, replies, false)
    }

    fn first(&self) -> Option<Message> {
        let sleep = match self.driver.wake() {
            Wake::Now => return self.inbox.try_recv().ok(),
            Wake::At(time) => {
                Duration::try_from(time.duration_since(self.driver.now())).unwrap_or(Duration::ZERO)
            }
        };
        let sleep = sleep.min(self.later.wait(Instant::now()).unwrap_or(SLEEP_MAX));
        match self.inbox.recv_timeout(sleep.min(SLEEP_MAX)) {
            Ok(message) => Some(message),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => Some(Message::Stop),
        }
    }
}
