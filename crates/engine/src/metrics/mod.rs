//! What the loop counts, for whoever watches. Counted is what was committed: a batch that is undone
//! leaves no trace here.

mod facts;
mod labels;

#[cfg(test)]
mod tests;

use std::time::Duration;

use jiff::SignedDuration;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

pub(crate) use facts::Fact;
pub use labels::{LabelBound, LabelText, OTHER, Places};

use crate::failure::Failure;
use crate::work::Notice;

/// Most tasks that are told apart by name; Keptn's own are eight.
const TASKS_MAX: usize = 100;

/// What takes a part of a second, from half a millisecond on.
pub const SHORT_SECONDS: [f64; 12] =
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0];
/// What takes seconds or hours: programs, and whole sequences.
pub const LONG_SECONDS: [f64; 12] =
    [0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3_600.0, 14_400.0, 86_400.0, 604_800.0];
/// What a person takes.
const DECISION_SECONDS: [f64; 10] =
    [10.0, 60.0, 300.0, 900.0, 3_600.0, 14_400.0, 28_800.0, 86_400.0, 259_200.0, 604_800.0];
/// How a store fails that the server goes on with.
const STORE_ERRORS: [&str; 3] = ["full", "unavailable", "read"];
/// Pieces of work in one commit.
const BATCH: [f64; 7] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0];

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Named {
    kind: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct InputLabel {
    input: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ResultLabel {
    result: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Place {
    project: LabelText,
    stage: LabelText,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct PlaceResult {
    project: LabelText,
    stage: LabelText,
    result: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct TaskResult {
    task: LabelText,
    result: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct UpstreamLabels {
    operation: &'static str,
    outcome: &'static str,
}

type Seconds<L> = Family<L, Histogram, fn() -> Histogram>;

/// A Git operation that a project's files took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum GitOperation {
    /// From a repository elsewhere, and to it what it does not have.
    Synchronise,
    /// A commit of ours, and its way to the repository elsewhere.
    Write,
    /// A push that somebody made to us.
    Receive,
}

impl GitOperation {
    fn as_str(self) -> &'static str {
        match self {
            Self::Synchronise => "synchronise",
            Self::Write => "write",
            Self::Receive => "receive",
        }
    }
}

/// The counters of the loop. They are there whether anybody reads them or not.
#[derive(Debug)]
pub struct Metrics {
    places: Places,
    tasks: LabelBound,
    inputs: Family<InputLabel, Counter>,
    refusals: Family<Named, Counter>,
    store_errors: Family<Named, Counter>,
    put_aside: Counter,
    inbox: Gauge,
    batch: Histogram,
    commit_seconds: Histogram,
    sequences_triggered: Family<Place, Counter>,
    sequences_ended: Family<PlaceResult, Counter>,
    sequence_seconds: Seconds<ResultLabel>,
    task_seconds: Seconds<TaskResult>,
    approvals_asked: Family<Place, Counter>,
    approvals_ended: Family<PlaceResult, Counter>,
    decision_seconds: Seconds<ResultLabel>,
    git: Family<UpstreamLabels, Counter>,
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new(labels::PLACES_MAX)
    }
}

impl Metrics {
    /// Counters that tell at most so many pairs of project and stage apart; what comes later is counted
    /// together as [`OTHER`].
    #[must_use]
    pub fn new(places_max: usize) -> Self {
        let long: fn() -> Histogram = || Histogram::new(LONG_SECONDS);
        let store_errors = Family::<Named, Counter>::default();
        // There from the start: whoever watches sees the first one as an increase.
        for kind in STORE_ERRORS {
            drop(store_errors.get_or_create(&Named { kind }));
        }
        Self {
            places: Places::new(places_max),
            tasks: LabelBound::new(TASKS_MAX),
            inputs: Family::default(),
            refusals: Family::default(),
            store_errors,
            put_aside: Counter::default(),
            inbox: Gauge::default(),
            batch: Histogram::new(BATCH),
            commit_seconds: Histogram::new(SHORT_SECONDS),
            sequences_triggered: Family::default(),
            sequences_ended: Family::default(),
            sequence_seconds: Family::new_with_constructor(long),
            task_seconds: Family::new_with_constructor(long),
            approvals_asked: Family::default(),
            approvals_ended: Family::default(),
            decision_seconds: Family::new_with_constructor(|| Histogram::new(DECISION_SECONDS)),
            git: Family::default(),
        }
    }

    /// Hands all of them to a registry.
    pub fn register(&self, registry: &mut Registry) {
        registry.register(
            "inputs",
            "Inputs that were committed, by what they are",
            self.inputs.clone(),
        );
        registry.register(
            "refusals",
            "Work that the loop has refused, by why",
            self.refusals.clone(),
        );
        registry.register(
            "store_errors",
            "Times that the store has failed: full, unavailable, or a read",
            self.store_errors.clone(),
        );
        registry.register(
            "inputs_put_aside",
            "Inputs that could not be stepped and were put aside",
            self.put_aside.clone(),
        );
        registry.register("inbox", "Pieces of work that wait for the loop", self.inbox.clone());
        registry.register("batch_inputs", "Pieces of work in one commit", self.batch.clone());
        registry.register_with_unit(
            "commit",
            "How long a commit takes until it is on stable storage",
            Unit::Seconds,
            self.commit_seconds.clone(),
        );
        self.register_deliveries(registry);
        registry.register(
            "git_operations",
            "Changes to the files of projects, by how they ended",
            self.git.clone(),
        );
    }

    fn register_deliveries(&self, registry: &mut Registry) {
        registry.register(
            "sequences_triggered",
            "Sequences that were triggered",
            self.sequences_triggered.clone(),
        );
        registry.register(
            "sequences_ended",
            "Sequences that have ended, by how",
            self.sequences_ended.clone(),
        );
        registry.register_with_unit(
            "sequence",
            "How long sequences took from their trigger to their end, by how they ended",
            Unit::Seconds,
            self.sequence_seconds.clone(),
        );
        registry.register_with_unit(
            "task",
            "How long tasks took from their trigger to their end, by how they ended",
            Unit::Seconds,
            self.task_seconds.clone(),
        );
        registry.register(
            "approvals_asked",
            "Approvals that were asked of somebody",
            self.approvals_asked.clone(),
        );
        registry.register(
            "approvals_ended",
            "Approvals that wait no longer, by what became of them",
            self.approvals_ended.clone(),
        );
        registry.register_with_unit(
            "approval_decision",
            "How long approvals waited until they were decided or closed",
            Unit::Seconds,
            self.decision_seconds.clone(),
        );
    }

    /// Which pairs of project and stage are told apart.
    #[must_use]
    pub fn places(&self) -> &Places {
        &self.places
    }

    pub(crate) fn queued(&self) {
        self.inbox.inc();
    }

    pub(crate) fn taken(&self) {
        self.inbox.dec();
    }

    /// A commit of so many pieces of work is on stable storage.
    pub(crate) fn committed(&self, work: usize, took: Duration, notice: &Notice) {
        self.commit_seconds.observe(took.as_secs_f64());
        if work > 0 {
            self.batch.observe(work as f64);
        }
        for input in &notice.inputs {
            self.inputs.get_or_create(&InputLabel { input }).inc();
        }
        for fact in &notice.facts {
            self.count(fact);
        }
    }

    fn count(&self, fact: &Fact) {
        match fact {
            Fact::SequenceTriggered(scope) => {
                let (project, stage) = self.places.labels(&scope.project, &scope.stage);
                self.sequences_triggered.get_or_create(&Place { project, stage }).inc();
            }
            Fact::SequenceEnded { scope, result, took } => {
                let (project, stage) = self.places.labels(&scope.project, &scope.stage);
                self.sequences_ended.get_or_create(&PlaceResult { project, stage, result }).inc();
                let label = ResultLabel { result };
                self.sequence_seconds.get_or_create(&label).observe(seconds(*took));
            }
            Fact::TaskEnded { task, result, took } => {
                let labels = TaskResult { task: self.tasks.label(task.as_str()), result };
                self.task_seconds.get_or_create(&labels).observe(seconds(*took));
            }
            Fact::ApprovalAsked(scope) => {
                let (project, stage) = self.places.labels(&scope.project, &scope.stage);
                self.approvals_asked.get_or_create(&Place { project, stage }).inc();
            }
            Fact::ApprovalEnded { scope, result, took } => {
                let (project, stage) = self.places.labels(&scope.project, &scope.stage);
                self.approvals_ended.get_or_create(&PlaceResult { project, stage, result }).inc();
                let label = ResultLabel { result };
                self.decision_seconds.get_or_create(&label).observe(seconds(*took));
            }
        }
    }

    pub(crate) fn put_aside(&self) {
        self.put_aside.inc();
    }

    pub(crate) fn refused(&self, failure: &Failure) {
        self.refusals.get_or_create(&Named { kind: failure.kind() }).inc();
    }

    pub(crate) fn store_failed(&self, kind: &'static str) {
        self.store_errors.get_or_create(&Named { kind }).inc();
    }

    pub(crate) fn git(&self, operation: GitOperation, outcome: &'static str) {
        let operation = operation.as_str();
        self.git.get_or_create(&UpstreamLabels { operation, outcome }).inc();
    }
}

/// A clock that was set back has made nothing end before it began.
fn seconds(took: SignedDuration) -> f64 {
    took.as_secs_f64().max(0.0)
}
