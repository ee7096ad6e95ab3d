//! What jobs count.

use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use tidegate_engine::LONG_SECONDS;

use super::process::{Ending, JobResult};

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ResultLabel {
    result: &'static str,
}

/// Counters of jobs. Clones share them.
#[derive(Debug, Clone)]
pub struct JobMetrics {
    working: Gauge,
    running: Gauge,
    ended: Family<ResultLabel, Counter>,
    seconds: Histogram,
    attempts: Counter,
    failures: Counter,
}

impl Default for JobMetrics {
    fn default() -> Self {
        Self {
            working: Gauge::default(),
            running: Gauge::default(),
            ended: Family::default(),
            seconds: Histogram::new(LONG_SECONDS),
            attempts: Counter::default(),
            failures: Counter::default(),
        }
    }
}

/// Counts something for as long as it is held.
#[must_use]
pub(super) struct Held(Gauge);

impl Held {
    fn of(gauge: &Gauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.0.dec();
    }
}

impl JobMetrics {
    /// Hands all of them to a registry.
    pub fn register(&self, registry: &mut Registry) {
        registry.register("jobs_running", "Jobs that run", self.running.clone());
        registry.register("jobs_ended", "Jobs that have ended, by how", self.ended.clone());
        registry.register_with_unit(
            "job",
            "How long jobs ran",
            Unit::Seconds,
            self.seconds.clone(),
        );
        registry.register(
            "delivery_attempts",
            "Times that a task was handed to the built-in executors",
            self.attempts.clone(),
        );
        registry.register(
            "delivery_failures",
            "Times that such a task could not be answered and has to be handed out again",
            self.failures.clone(),
        );
    }

    /// How many deliveries somebody works on.
    #[must_use]
    pub fn working(&self) -> u64 {
        self.working.get().unsigned_abs()
    }

    /// Somebody works on a delivery.
    pub(super) fn delivery(&self) -> Held {
        self.attempts.inc();
        Held::of(&self.working)
    }

    /// A delivery is not done.
    pub(super) fn delivery_failed(&self) {
        self.failures.inc();
    }

    /// A job runs, or is waited for.
    pub(super) fn job(&self) -> Held {
        Held::of(&self.running)
    }

    /// It has ended.
    pub(super) fn job_ended(&self, result: &JobResult) {
        self.ended.get_or_create(&ResultLabel { result: word(&result.ending) }).inc();
        if let Some(started) = result.started_at {
            let took = Duration::try_from(result.ended_at.duration_since(started));
            self.seconds.observe(took.unwrap_or_default().as_secs_f64());
        }
    }
}

fn word(ending: &Ending) -> &'static str {
    match ending {
        Ending::Exited { code: 0 } => "succeeded",
        Ending::Exited { .. } | Ending::Signalled { .. } => "failed",
        Ending::TimedOut { .. } => "timed_out",
        Ending::Aborted => "aborted",
        Ending::NotStarted { .. } => "not_started",
        Ending::Lost => "lost",
        Ending::Refused { .. } => "refused",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_held_is_counted_until_it_is_let_go() {
        let metrics = JobMetrics::default();
        let (one, two) = (metrics.delivery(), metrics.delivery());
        assert_eq!(metrics.working(), 2);
        drop(one);
        assert_eq!(metrics.working(), 1);
        drop(two);
        assert_eq!((metrics.working(), metrics.attempts.get()), (0, 2));
    }
}
