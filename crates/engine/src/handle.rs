//! The engine as everybody else sees it: ask, and be answered when it is durable.

use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tidegate_core::approval::{Comment, Decided, Decision, Subject};
use tidegate_core::built_in::BuiltIn;
use tidegate_core::event::Draft;
use tidegate_core::names::{ContextId, EventId, ProjectName, StageName};
use tidegate_core::principal::Principal;
use tidegate_core::sequence::{Command, Control, Input, Refusal, Reply, new_id};
use tidegate_resources::Repositories;
use tidegate_resources::upstream::Upstreams;
use tidegate_store::{Home, IdempotencyRow, Reader, StoreError, Write, Written};
use tokio::runtime::Handle;
use tokio::sync::{Notify, OwnedMutexGuard, broadcast, oneshot, watch};

use crate::accept::input_of;
use crate::commits::{Commits, Committed, Follower, Position};
use crate::driver::Driver;
use crate::failure::Failure;
use crate::later::Later;
use crate::metrics::Metrics;
use crate::port::{Ports, Resolver};
use crate::resolve::Shipyards;
use crate::shell::{Message, Shell};
use crate::turns::Turns;
use crate::upstream::Waits;
use crate::work::{Done, Notice, Submission, Work};

/// Most pieces of work that wait; beyond it callers are told to come back.
const INBOX_MAX: usize = 10_000;
/// How long to wait before the store is asked again that was busy or had no space.
const AGAIN: Duration = Duration::from_millis(500);
/// Tasks that a slow listener may fall behind before it must read everything anew.
const TASKS_KEPT: usize = 1024;

/// What an accepted event has become.
#[derive(Debug, Clone, PartialEq)]
pub struct Accepted {
    /// Its context.
    pub context: ContextId,
    /// Its id.
    pub event: EventId,
    /// What it did; none where an idempotency key had been used before.
    pub reply: Option<Reply>,
}

/// A vote.
#[derive(Debug, Clone)]
pub struct Ballot {
    /// The project of the approval.
    pub project: ProjectName,
    /// The approval.
    pub approval: EventId,
    /// Approve or decline.
    pub decision: Decision,
    /// What the voter saw; none is a blind vote.
    pub subject: Option<Subject>,
    /// Why.
    pub comment: Option<Comment>,
    /// `source` of the event.
    pub source: String,
}

/// The engine. Clones share it.
#[derive(Clone)]
pub struct Engine {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    inbox: SyncSender<Message>,
    reader: Arc<dyn Reader>,
    pub(crate) upstreams: Upstreams,
    /// Who waits for an upstream.
    pub(crate) waits: Waits,
    /// The shipyards that come from upstreams.
    pub(crate) shipyards: Arc<Mutex<Shipyards>>,
    /// For what follows from a commit, which the writer thread hears of.
    pub(crate) runtime: Handle,
    pub(crate) ports: Ports,
    commits: Arc<Commits>,
    cancelled: broadcast::Sender<EventId>,
    forgotten: broadcast::Sender<EventId>,
    /// How many records the audit log may have got since the start.
    audited: watch::Sender<u64>,
    deliveries: [Notify; BuiltIn::ALL.len()],
    /// Whoever writes files of a project takes turns.
    files: Turns,
    writer: Mutex<Option<JoinHandle<()>>>,
}

impl Engine {
    /// Starts the writer thread. `fatal` is called from it when the store can no longer be trusted;
    /// the process must end then. Unfinished sagas are finished or undone before this returns.
    ///
    /// # Errors
    /// The thread could not be started, or a former run's work could not be finished.
    pub async fn start<H, R>(
        home: H,
        reader: Arc<dyn Reader>,
        upstreams: Upstreams,
        resolver: R,
        ports: Ports,
        fatal: impl Fn(String) + Send + 'static,
    ) -> Result<Self, Failure>
    where
        H: Home + 'static,
        R: Resolver,
    {
        let (inbox, outlet) = sync_channel(INBOX_MAX);
        let driver = Driver::new(home, Arc::clone(&reader), resolver, ports.clone())?;
        let commits = Arc::new(Commits::new(ports.clock.now()));
        let (cancelled, _) = broadcast::channel(TASKS_KEPT);
        let (forgotten, _) = broadcast::channel(TASKS_KEPT);
        let shipyards = Shipyards::new(upstreams.repositories().clone());
        let inner = Arc::new(Inner {
            inbox,
            reader,
            upstreams,
            shipyards: Arc::new(Mutex::new(shipyards)),
            waits: Waits::default(),
            runtime: Handle::current(),
            ports,
            commits,
            cancelled,
            forgotten,
            audited: watch::Sender::new(0),
            deliveries: Default::default(),
            files: Turns::default(),
            writer: Mutex::new(None),
        });
        let listener = Arc::downgrade(&inner);
        let notify = Box::new(move |notice: Notice| {
            if let Some(inner) = listener.upgrade() {
                Self { inner }.publish(notice);
            }
        });
        let (later, fatal) = (Later::default(), Box::new(fatal));
        let metrics = Arc::clone(&inner.ports.metrics);
        let shell = Shell { driver, inbox: outlet, later, metrics, notify, fatal };
        let writer = std::thread::Builder::new()
            .name("writer".to_owned())
            .stack_size(tidegate_core::yaml::STACK_BYTES)
            .spawn(move || shell.run())
            .map_err(|error| Failure::Internal(format!("no writer thread: {error}")))?;
        *inner.writer.lock().expect("nobody panics while holding it") = Some(writer);
        let engine = Self { inner };
        engine.finish_sagas().await?;
        engine.catch_up().await?;
        engine.push_what_is_left().await?;
        Ok(engine)
    }

    /// What the loop counts.
    #[must_use]
    pub fn metrics(&self) -> &Metrics {
        &self.inner.ports.metrics
    }

    /// How many projects have commits that the repository elsewhere does not have yet.
    #[must_use]
    pub fn unsynced(&self) -> usize {
        self.inner.waits.unsynced()
    }

    /// The time by the engine's clock.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.inner.ports.clock.now()
    }

    /// How long an evaluation waits for the values of its SLI provider.
    #[must_use]
    pub fn values_within(&self) -> SignedDuration {
        self.inner.ports.settings.values_within
    }

    /// 16 unpredictable bytes.
    #[must_use]
    pub fn seed(&self) -> [u8; 16] {
        self.inner.ports.entropy.seed()
    }

    /// A new id, made of the time by the engine's clock and random bits.
    #[must_use]
    pub fn uuid(&self) -> uuid::Uuid {
        new_id(self.now(), self.seed())
    }

    /// The project files.
    #[must_use]
    pub fn repositories(&self) -> &Repositories {
        self.inner.upstreams.repositories()
    }

    /// Asks the store something, off the async threads.
    ///
    /// # Errors
    /// The store's own, or that the server is stopping.
    pub async fn read<T, F>(&self, ask: F) -> Result<T, Failure>
    where
        T: Send + 'static,
        F: FnOnce(&dyn Reader) -> Result<T, StoreError> + Send + 'static,
    {
        let reader = Arc::clone(&self.inner.reader);
        match tokio::task::spawn_blocking(move || ask(&*reader)).await {
            Ok(answer) => answer.map_err(|error| {
                self.metrics().store_failed("read");
                Failure::Store(error)
            }),
            Err(error) => Err(Failure::Internal(error.to_string())),
        }
    }

    /// Asks the project files something, off the async threads. Whoever changes them uses
    /// [`Self::write_files`] and [`Self::delete_file`].
    ///
    /// # Errors
    /// Git's own, or that the server is stopping.
    pub async fn git<T, F>(&self, work: F) -> Result<T, Failure>
    where
        T: Send + 'static,
        F: FnOnce(&Repositories) -> Result<T, Failure> + Send + 'static,
    {
        let repositories = self.repositories().clone();
        match tokio::task::spawn_blocking(move || work(&repositories)).await {
            Ok(answer) => answer,
            Err(error) => Err(Failure::Internal(error.to_string())),
        }
    }

    /// Accepts an event as Keptn's public route does: id and time are ours.
    ///
    /// # Errors
    /// Nothing was accepted; why.
    pub async fn accept(
        &self,
        draft: Draft,
        by: &Principal,
        key: Option<IdempotencyRow>,
    ) -> Result<Accepted, Failure> {
        let (id, client_id) = (EventId::from(self.uuid()), draft.client_id);
        let event = draft.into_event(id, self.now(), ContextId::from(self.uuid()));
        let context = event.context;
        let project = event.data.get("project").and_then(|name| name.as_str()).unwrap_or_default();
        tell_span(&[
            ("project", &project),
            ("sequence.context", &context),
            ("event.type", &event.kind),
            ("event.id", &id),
        ]);
        let key = key.map(|key| IdempotencyRow { answer: format!("{context} {id}"), ..key });
        let input = input_of(event, by, client_id);
        match self.step(input, by, key).await? {
            Done::Before(kept) => {
                let (context, id) = kept.split_once(' ').unwrap_or_default();
                let damaged = || Failure::Internal("a kept answer is damaged".to_owned());
                Ok(Accepted {
                    context: context.parse().map_err(|_| damaged())?,
                    event: id.parse().map_err(|_| damaged())?,
                    reply: None,
                })
            }
            Done::Stepped(reply) => {
                if let Reply::Decided(decided) = &reply {
                    log_decision(id, decided);
                }
                Ok(Accepted { context, event: id, reply: Some(reply) })
            }
            Done::Written(_) => Err(Failure::Internal("a step answers as a write".to_owned())),
        }
    }

    /// Casts a vote on one of Tidegate's own routes. A repeat of the winning decision is answered
    /// like the winning one.
    ///
    /// # Errors
    /// The refusal that says who decided, what changed, or who may vote.
    pub async fn vote(&self, ballot: Ballot, by: &Principal) -> Result<Decided, Failure> {
        let Ballot { project, approval, decision, subject, comment, source } = ballot;
        tell_span(&[("project", &project), ("event.id", &approval)]);
        let input = Input::Vote { project, approval, decision, subject, comment, source };
        match self.step(input, by, None).await? {
            Done::Stepped(Reply::Decided(decided)) => {
                log_decision(approval, &decided);
                Ok(*decided)
            }
            Done::Stepped(Reply::Kept(reason)) => Err(Failure::Refused(Refusal::Closed(reason))),
            other => Err(Failure::Internal(format!("a vote answers {other:?}"))),
        }
    }

    /// Stops, pauses or resumes a context, or one stage of it.
    ///
    /// # Errors
    /// Nothing was accepted; why.
    pub async fn control(
        &self,
        control: Control,
        project: ProjectName,
        context: ContextId,
        stage: Option<StageName>,
        by: &Principal,
    ) -> Result<(), Failure> {
        tell_span(&[("project", &project), ("sequence.context", &context)]);
        let command = Command { control, project, context, stage, after: 0 };
        self.step(Input::Control(command), by, None).await.map(drop)
    }

    /// Waits until nobody else writes files of the project.
    pub(crate) async fn turn(&self, project: &ProjectName) -> OwnedMutexGuard<()> {
        self.inner.files.take(project).await
    }

    /// Writes what must be written because Git's part of it is done: tries again while the store is
    /// busy or has no space.
    pub(crate) async fn write_surely(
        &self,
        write: Write,
        by: &Principal,
    ) -> Result<Written, Failure> {
        written(self.send_surely(Work::Write(write, by.clone())).await?)
    }

    /// Steps an input that somebody has to see done: tries again while the store is busy or has no space.
    pub(crate) async fn step_surely(&self, input: Input, by: &Principal) -> Result<Done, Failure> {
        let principal = by.clone();
        self.send_surely(Work::Step(Box::new(Submission { input, principal, key: None }))).await
    }

    async fn send_surely(&self, work: Work) -> Result<Done, Failure> {
        loop {
            match self.send(work.clone()).await {
                Err(Failure::Busy | Failure::Full) => tokio::time::sleep(AGAIN).await,
                other => return other,
            }
        }
    }

    /// Changes rows that no step changes. The audit log keeps who did it, where somebody did.
    ///
    /// # Errors
    /// Nothing was changed; why.
    pub async fn write(&self, write: Write, by: &Principal) -> Result<Written, Failure> {
        written(self.send(Work::Write(write, by.clone())).await?)
    }

    /// Changes rows together with the next commit, or within a tenth of a second by itself; nobody is
    /// told when. A crash may come first, so whatever asks for this must be able to find it undone.
    ///
    /// # Errors
    /// The engine is too busy to take it, or stops.
    pub fn write_later(&self, write: Write, by: &Principal) -> Result<(), Failure> {
        self.push(Message::DoLater(Work::Write(write, by.clone())))
    }

    /// What is committed from now on. A receiver that lags must read everything anew.
    #[must_use]
    pub fn commits(&self) -> broadcast::Receiver<Committed> {
        self.inner.commits.subscribe()
    }

    /// Follows what is committed after `since`.
    #[must_use]
    pub fn follow(&self, since: Position) -> Follower {
        self.inner.commits.follow(since)
    }

    /// The newest commit. Whoever reads afterwards sees at least as much.
    #[must_use]
    pub fn position(&self) -> Position {
        self.inner.commits.position()
    }

    /// Tasks whose jobs shall stop, from now on.
    #[must_use]
    pub fn cancellations(&self) -> broadcast::Receiver<EventId> {
        self.inner.cancelled.subscribe()
    }

    /// Tasks that were forgotten, from now on: nobody needs what their jobs have left.
    #[must_use]
    pub fn forgotten(&self) -> broadcast::Receiver<EventId> {
        self.inner.forgotten.subscribe()
    }

    /// How many records the audit log may have got since the start: changes with each of them.
    #[must_use]
    pub fn audited(&self) -> watch::Receiver<u64> {
        self.inner.audited.subscribe()
    }

    /// Returns when there may be new deliveries to a part of Tidegate; a call that comes late is answered at
    /// once. Each part has one caller.
    pub async fn deliveries(&self, to: BuiltIn) {
        self.inner.deliveries[to as usize].notified().await;
    }

    /// Finishes what was accepted and ends the writer thread.
    pub async fn stop(&self) {
        let inner = Arc::clone(&self.inner);
        let ended = tokio::task::spawn_blocking(move || {
            drop(inner.inbox.send(Message::Stop));
            let writer = inner.writer.lock().expect("nobody panics while holding it").take();
            writer.map(JoinHandle::join)
        });
        if let Ok(Some(Err(_))) = ended.await {
            tracing::error!("the writer thread panicked");
        }
    }

    async fn step(
        &self,
        input: Input,
        principal: &Principal,
        key: Option<IdempotencyRow>,
    ) -> Result<Done, Failure> {
        let principal = principal.clone();
        self.send(Work::Step(Box::new(Submission { input, principal, key }))).await
    }

    async fn send(&self, work: Work) -> Result<Done, Failure> {
        let (reply, answer) = oneshot::channel();
        self.push(Message::Do(work, reply))?;
        // The writer thread ended after it took the work: nobody knows how far it came.
        let answer = answer.await.unwrap_or(Err(Failure::OutcomeUnknown));
        answer.inspect_err(|failure| self.metrics().refused(failure))
    }

    fn push(&self, message: Message) -> Result<(), Failure> {
        // Counted first: the writer thread may take it before this thread goes on.
        self.metrics().queued();
        self.inner.inbox.try_send(message).map_err(|error| {
            self.metrics().taken();
            let failure = match error {
                TrySendError::Full(_) => Failure::Busy,
                TrySendError::Disconnected(_) => Failure::Stopping,
            };
            self.metrics().refused(&failure);
            failure
        })
    }
}

fn written(done: Done) -> Result<Written, Failure> {
    match done {
        Done::Written(written) => Ok(written),
        other => Err(Failure::Internal(format!("a write answers {other:?}"))),
    }
}

/// Tells the span of whoever asks what it is about, so that every line of the log within it says so. A span
/// without these fields is not changed.
fn tell_span(fields: &[(&'static str, &dyn std::fmt::Display)]) {
    let span = tracing::Span::current();
    for (name, value) in fields {
        span.record(*name, tracing::field::display(value));
    }
}

fn log_decision(event: EventId, decided: &Decided) {
    let Decided { decision, by, seen, .. } = decided;
    let subject = seen.map_or_else(|| "blind".to_owned(), |seen| seen.to_string());
    tracing::info!(event.id = %event, %by, subject, "an approval was {}", decision.done());
}

impl Engine {
    fn publish(&self, notice: Notice) {
        for resolve in notice.resolves {
            self.resolve_later(resolve);
        }
        for (project, context) in notice.contexts {
            self.inner.commits.announce(project, context);
        }
        for event in notice.cancelled {
            drop(self.inner.cancelled.send(event));
        }
        for event in notice.forgotten {
            drop(self.inner.forgotten.send(event));
        }
        if notice.audited > 0 {
            self.inner.audited.send_modify(|count| *count += notice.audited);
        }
        for to in notice.deliveries {
            self.inner.deliveries[to as usize].notify_one();
        }
    }
}
