//! The read side of the contract. Readers see committed state only, and everything that was
//! acknowledged.

use jiff::Timestamp;
use tidegate_core::approval::{Approval, ApprovalState as Stands};
use tidegate_core::audit::{Chain, Entry, SignedCheckpoint};
use tidegate_core::built_in::BuiltIn;
use tidegate_core::event::{Event, EventType, Scope};
use tidegate_core::names::{
    ContextId, EventId, ExecutionId, ProjectName, SequenceName, ServiceName, StageName, TaskName,
};
use tidegate_core::sequence::{
    Context, ContextState, Deployed, Disposition, Execution, ExecutionState, LatestEvent, Queue,
    Resolve, Task,
};
use tidegate_core::uniform::{IntegrationId, Record, StoodDown};

use crate::audit::AuditHead;
use crate::census::Census;
use crate::contract::StoreError;
use crate::overview::{Environment, EnvironmentFilter, ProjectOverview, ProjectsFilter, Versions};
use crate::rows::{
    DeliveryRow, Intent, ProjectRow, QuarantineRow, SessionRow, SignInRow, TimerRow, TokenRow,
};
use crate::search::{Found, SequenceSearch, Start};

/// Most items of one page; a larger limit means this one.
pub const PAGE_MAX: u64 = 1000;

/// One page of a list.
#[derive(Debug, Clone, PartialEq)]
pub struct Page<T> {
    /// The items.
    pub items: Vec<T>,
    /// How many match in all.
    pub total: u64,
    /// The offset of the next page; none where this is the last, or has nothing on it.
    pub next: Option<u64>,
}

impl<T> Page<T> {
    /// The items from `offset` on, of `total`.
    pub(crate) fn new(items: Vec<T>, offset: u64, total: u64) -> Self {
        let end = offset.saturating_add(items.len() as u64);
        let next = (!items.is_empty() && end < total).then_some(end);
        Self { items, total, next }
    }

    /// One page of everything that matches.
    pub(crate) fn cut(matching: Vec<T>, offset: u64, limit: u64) -> Self {
        let total = matching.len() as u64;
        let skip = usize::try_from(offset).unwrap_or(usize::MAX);
        let take = usize::try_from(limit.min(PAGE_MAX)).unwrap_or(usize::MAX);
        Self::new(matching.into_iter().skip(skip).take(take).collect(), offset, total)
    }

    /// A page without anything.
    pub(crate) fn empty() -> Self {
        Self { items: Vec::new(), total: 0, next: None }
    }

    /// The same page of other items, each made of one of these.
    pub(crate) fn try_map<U>(
        self,
        make: impl FnMut(T) -> Result<U, StoreError>,
    ) -> Result<Page<U>, StoreError> {
        let Self { items, total, next } = self;
        let items = items.into_iter().map(make).collect::<Result<_, _>>()?;
        Ok(Page { items, total, next })
    }
}

/// One entry of the log.
#[derive(Debug, Clone, PartialEq)]
pub struct LogRow {
    /// Its number in the project's log.
    pub n: u64,
    /// The event.
    pub event: Event,
    /// What it meant.
    pub disposition: Disposition,
    /// Why it has no effect.
    pub reason: Option<String>,
}

/// Which entries of the log. Absent fields do not narrow. At least one of project and context is
/// given.
#[derive(Debug, Clone, Default)]
pub struct EventFilter {
    /// Of this project.
    pub project: Option<ProjectName>,
    /// Of this context.
    pub context: Option<ContextId>,
    /// Of this type.
    pub kind: Option<EventType>,
    /// With this `data.stage`.
    pub stage: Option<String>,
    /// With this `data.service`.
    pub service: Option<String>,
    /// From this source.
    pub source: Option<String>,
    /// This event.
    pub id: Option<EventId>,
    /// Answering this event.
    pub triggered_id: Option<EventId>,
    /// Later than this.
    pub from: Option<Timestamp>,
    /// Earlier than this.
    pub before: Option<Timestamp>,
    /// Behind the entry with this number in the log of the project, which is given, too.
    pub behind: Option<u64>,
    /// Only the first event of each context.
    pub root: bool,
}

impl EventFilter {
    /// Those of a type that belong to a service in a stage.
    #[must_use]
    pub fn of(scope: &Scope, kind: EventType) -> Self {
        Self {
            project: Some(scope.project.clone()),
            stage: Some(scope.stage.to_string()),
            service: Some(scope.service.to_string()),
            kind: Some(kind),
            ..Self::default()
        }
    }
}

/// Which open `.triggered` events.
#[derive(Debug, Clone, Default)]
pub struct OpenEventFilter {
    /// Of this type; always given by clients.
    pub kind: Option<EventType>,
    /// This event.
    pub id: Option<EventId>,
    /// Of this project.
    pub project: Option<ProjectName>,
    /// Of this stage.
    pub stage: Option<StageName>,
    /// Of this service.
    pub service: Option<ServiceName>,
}

/// Which contexts of a project.
#[derive(Debug, Clone, Default)]
pub struct SequenceFilter {
    /// With this name.
    pub name: Option<SequenceName>,
    /// In this state.
    pub state: Option<ContextState>,
    /// Later than this.
    pub from: Option<Timestamp>,
    /// Earlier than this.
    pub before: Option<Timestamp>,
    /// Any of these; empty means all.
    pub contexts: Vec<ContextId>,
}

/// Which executions of a project.
#[derive(Debug, Clone, Default)]
pub struct ExecutionFilter {
    /// In this stage.
    pub stage: Option<StageName>,
    /// Of this service.
    pub service: Option<ServiceName>,
    /// Of this sequence.
    pub name: Option<SequenceName>,
    /// In any of these states; empty means all.
    pub states: Vec<Standing>,
    /// Of this context.
    pub context: Option<ContextId>,
}

/// Where an execution stands, to filter by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Accepted, and not started.
    Triggered,
    /// Under way.
    Started,
    /// Waits for a person.
    WaitingForApproval,
    /// Was paused, and nothing of it runs.
    Paused,
    /// Ended, or was stopped.
    Finished,
    /// Was given up.
    TimedOut,
}

impl Standing {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Triggered,
        Self::Started,
        Self::WaitingForApproval,
        Self::Paused,
        Self::Finished,
        Self::TimedOut,
    ];

    /// Where an execution in this state stands.
    #[must_use]
    pub fn of(state: &ExecutionState) -> Self {
        match state {
            ExecutionState::Resolving
            | ExecutionState::Throttled { .. }
            | ExecutionState::Waiting => Self::Triggered,
            ExecutionState::Running { .. }
            | ExecutionState::Delayed { .. }
            | ExecutionState::Ready { .. } => Self::Started,
            ExecutionState::WaitingForApproval { .. } => Self::WaitingForApproval,
            ExecutionState::Paused { .. } => Self::Paused,
            // Keptn 1.4: one that was aborted is `finished` here.
            ExecutionState::Finished { .. } | ExecutionState::Aborted { .. } => Self::Finished,
            ExecutionState::TimedOut { .. } => Self::TimedOut,
        }
    }

    /// The word on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Triggered => "triggered",
            Self::Started => "started",
            Self::WaitingForApproval => "waitingForApproval",
            Self::Paused => "paused",
            Self::Finished => "finished",
            Self::TimedOut => "timedOut",
        }
    }
}

/// Which approvals.
#[derive(Debug, Clone, Default)]
pub struct ApprovalFilter {
    /// Open, decided or closed.
    pub state: Option<ApprovalState>,
    /// Of this project.
    pub project: Option<ProjectName>,
    /// Of this stage.
    pub stage: Option<StageName>,
    /// Of this service.
    pub service: Option<ServiceName>,
    /// Of this context.
    pub context: Option<ContextId>,
}

/// The state of an approval, to filter by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ApprovalState {
    /// A person must decide.
    Open,
    /// Somebody has decided.
    Decided,
    /// Nobody has to.
    Closed,
}

impl ApprovalState {
    /// The state of an approval, and since when; none where it is open.
    pub(crate) fn of(approval: &Approval) -> (Self, Option<Timestamp>) {
        match &approval.state {
            Stands::Open => (Self::Open, None),
            Stands::Decided(decided) => (Self::Decided, Some(decided.at)),
            Stands::Closed { at, .. } => (Self::Closed, Some(*at)),
        }
    }
}

/// A service of a stage, as it is listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceRow {
    /// Its name.
    pub name: ServiceName,
    /// When it was created.
    pub created: Timestamp,
}

/// Most executions that are counted before one that waits.
pub const LINE_MAX: u64 = 1000;

/// Who is before an execution that waits for its turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LineRow {
    /// Who holds the lane.
    pub holder: Option<ExecutionId>,
    /// How many wait that come first; [`LINE_MAX`] means at least as many.
    pub before: u64,
}

/// An execution and its open task.
#[derive(Debug, Clone, PartialEq)]
pub struct ExecutionSummary {
    /// The execution.
    pub execution: Execution,
    /// Its open task.
    pub open: Option<Task>,
}

/// What readers may ask. Every method is one short transaction.
///
/// # Errors
/// Every method fails where the database does, or a row is damaged.
#[allow(clippy::missing_errors_doc, reason = "said once for all of them, above")]
pub trait Reader: Send + Sync + 'static {
    /// Projects by name.
    fn projects(&self, offset: u64, limit: u64) -> Result<Page<ProjectRow>, StoreError>;
    /// One project.
    fn project(&self, name: &ProjectName) -> Result<Option<ProjectRow>, StoreError>;
    /// The services of a project, by name.
    fn services(&self, project: &ProjectName) -> Result<Vec<ServiceRow>, StoreError>;
    /// What runs in a stage for a service, newest last.
    fn deployed(
        &self,
        project: &ProjectName,
        stage: &StageName,
        service: &ServiceName,
    ) -> Result<Vec<Deployed>, StoreError>;
    /// Entries of the log that Keptn's datastore would list (accepted and late), newest first.
    fn events(
        &self,
        filter: &EventFilter,
        offset: u64,
        limit: u64,
    ) -> Result<Page<LogRow>, StoreError>;
    /// All entries of a context, refused and repeated ones included, oldest first, at most `limit`.
    fn trace(
        &self,
        project: &ProjectName,
        context: ContextId,
        limit: u64,
    ) -> Result<Vec<LogRow>, StoreError>;
    /// Entries of a project's log behind number `after`, refused and repeated ones included, in order, at
    /// most `limit`.
    fn log_behind(
        &self,
        project: &ProjectName,
        after: u64,
        limit: u64,
    ) -> Result<Vec<LogRow>, StoreError>;
    /// The number of the newest entry of each project's log that has one, the reserved one's left out.
    fn log_heads(&self) -> Result<Vec<(ProjectName, u64)>, StoreError>;
    /// One event, with the project that it is kept under.
    fn event(&self, id: EventId) -> Result<Option<(ProjectName, LogRow)>, StoreError>;
    /// What was said last of the answers to these tasks of a name: of each, the newest listed events of both
    /// types of [`said_of`](tidegate_core::quality::said_of), in no order. Costs as much as is asked for,
    /// however much was said of others.
    fn said_of(
        &self,
        project: &ProjectName,
        task: &TaskName,
        triggers: &[EventId],
    ) -> Result<Vec<LogRow>, StoreError>;
    /// Open `.triggered` events, newest first.
    fn open_events(
        &self,
        filter: &OpenEventFilter,
        offset: u64,
        limit: u64,
    ) -> Result<Page<Event>, StoreError>;
    /// Contexts, newest first. `limit` none means [`PAGE_MAX`].
    fn sequences(
        &self,
        project: &ProjectName,
        filter: &SequenceFilter,
        offset: u64,
        limit: Option<u64>,
    ) -> Result<Page<Context>, StoreError>;
    /// Contexts that are searched for and that `keep` lets pass, one page, newest first. Looks at no
    /// more than [`SEARCHED_MAX`](crate::SEARCHED_MAX) of them: the answer says where it gave up.
    fn search(
        &self,
        project: &ProjectName,
        search: &SequenceSearch,
        keep: &dyn Fn(&Context) -> bool,
        start: Start,
        limit: u64,
    ) -> Result<Found, StoreError>;
    /// How many contexts a project has, counted no further than `max`.
    fn sequence_count(&self, project: &ProjectName, max: u64) -> Result<u64, StoreError>;
    /// Who is before the one at this position of a queue.
    fn line(&self, lane: &Scope, queue: Queue, position: u64) -> Result<LineRow, StoreError>;
    /// The executions of a context, in the order they were triggered, with their open tasks.
    fn executions(
        &self,
        project: &ProjectName,
        context: ContextId,
    ) -> Result<Vec<ExecutionSummary>, StoreError>;
    /// One execution.
    fn execution(
        &self,
        project: &ProjectName,
        id: ExecutionId,
    ) -> Result<Option<Execution>, StoreError>;
    /// Approvals, oldest first where they are open, else newest decision first.
    fn approvals(
        &self,
        filter: &ApprovalFilter,
        offset: u64,
        limit: u64,
    ) -> Result<Page<Approval>, StoreError>;
    /// The newest approvals of a stage and service in that state, newest first, at most `limit`: those among
    /// the newest [`PAGE_MAX`] of their project, so that it costs the same however many there are.
    fn newest_approvals(
        &self,
        scope: &Scope,
        state: ApprovalState,
        limit: u64,
    ) -> Result<Vec<Approval>, StoreError>;
    /// One approval, whatever its project.
    fn approval(&self, id: EventId) -> Result<Option<Approval>, StoreError>;
    /// A session that has not expired at `now`.
    fn session(&self, digest: &[u8; 32], now: Timestamp) -> Result<Option<SessionRow>, StoreError>;
    /// A sign-in link that can still be used at `now`.
    fn sign_in(&self, digest: &[u8; 32], now: Timestamp) -> Result<Option<SignInRow>, StoreError>;
    /// The tokens that were made and not revoked, by name.
    fn tokens(&self) -> Result<Vec<TokenRow>, StoreError>;
    /// The integrations that are registered, by id.
    fn integrations(&self) -> Result<Vec<Record>, StoreError>;
    /// One of them.
    fn integration(&self, id: &IntegrationId) -> Result<Option<Record>, StoreError>;
    /// What the parts of Tidegate have left to integrations of a context, in the order of the log.
    fn stood_down(
        &self,
        project: &ProjectName,
        context: ContextId,
    ) -> Result<Vec<StoodDown>, StoreError>;
    /// Deliveries to one part of Tidegate with a larger id that are not done, in order.
    fn deliveries(
        &self,
        to: BuiltIn,
        after: i64,
        limit: u64,
    ) -> Result<Vec<DeliveryRow>, StoreError>;
    /// Sagas that are open.
    fn intents(&self) -> Result<Vec<(i64, Intent)>, StoreError>;
    /// Executions that wait for their shipyard.
    fn unresolved(&self, limit: u64) -> Result<Vec<Resolve>, StoreError>;
    /// The timers that are due next, earliest first, at most `limit`. Expiries only where asked for.
    fn timers(&self, expiries: bool, limit: u64) -> Result<Vec<TimerRow>, StoreError>;
    /// Whether follow-ons were kept for a later commit.
    fn has_deferred(&self) -> Result<bool, StoreError>;
    /// Inputs that could not be stepped, newest first.
    fn quarantined(&self, offset: u64, limit: u64) -> Result<Page<QuarantineRow>, StoreError>;
    /// The newest event of each type for a service in a stage.
    fn latest_events(
        &self,
        project: &ProjectName,
        stage: &StageName,
        service: &ServiceName,
    ) -> Result<Vec<LatestEvent>, StoreError>;
    /// Entries of a chain of the audit log from number `from` on, in order, at most `limit`. They come
    /// as they stand: whoever shows one asks [`Entry::readable`], which looks whether it is whole.
    fn audit(&self, chain: &Chain, from: u64, limit: u64) -> Result<Vec<Entry>, StoreError>;
    /// Where a chain of the audit log stands; none where nothing was recorded in it.
    fn audit_head(&self, chain: &Chain) -> Result<Option<AuditHead>, StoreError>;
    /// All chains of the audit log: the installation's first, then those of projects by name.
    fn audit_heads(&self, offset: u64, limit: u64) -> Result<Page<AuditHead>, StoreError>;
    /// Checkpoints of a chain that cover entry `from` or a later one, in order, at most `limit`.
    fn audit_checkpoints(
        &self,
        chain: &Chain,
        from: u64,
        limit: u64,
    ) -> Result<Vec<SignedCheckpoint>, StoreError>;
    /// Where the services of a project stand, one page of them; none where there is no such project.
    fn environment(
        &self,
        project: &ProjectName,
        filter: &EnvironmentFilter,
        offset: u64,
        limit: u64,
    ) -> Result<Option<Environment>, StoreError>;
    /// Where projects stand.
    fn overview(
        &self,
        filter: &ProjectsFilter,
        offset: u64,
        limit: u64,
    ) -> Result<Page<ProjectOverview>, StoreError>;
    /// What runs where: services of all projects whose name, or whose project's, has this part.
    fn versions(&self, part: &str, offset: u64, limit: u64) -> Result<Versions, StoreError>;
    /// How much of everything waits at `now`. It costs little, however much that is.
    fn census(&self, now: Timestamp) -> Result<Census, StoreError>;
    /// Executions of a project, newest first.
    fn all_executions(
        &self,
        project: &ProjectName,
        filter: &ExecutionFilter,
        offset: u64,
        limit: u64,
    ) -> Result<Page<ExecutionSummary>, StoreError>;
}
