//! What waits, read when somebody asks: from one state of the store, so it is right after a restart.

use std::path::PathBuf;

use jiff::Timestamp;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};
use tidegate_core::sequence::ContextState;
use tidegate_engine::{Engine, LabelText};
use tidegate_store::{Census, WAITING_AGES, Waiting};

/// What the ages are called that lie between [`WAITING_AGES`].
const AGES: [&str; WAITING_AGES.len() + 1] =
    ["under_15m", "15m_to_1h", "1h_to_4h", "4h_to_1d", "1d_to_7d", "over_7d"];

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct AgeLabels {
    project: LabelText,
    stage: LabelText,
    age: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct PlaceLabels {
    project: LabelText,
    stage: LabelText,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StateLabels {
    state: &'static str,
}

/// Reads all of it and hands it over.
pub(super) async fn register(
    registry: &mut Registry,
    engine: &Engine,
    deliveries_in_work: u64,
    data: PathBuf,
) {
    let now = engine.now();
    match engine.read(move |reader| reader.census(now)).await {
        Ok(census) => {
            approvals(registry, engine, &census.waiting, now);
            sequences(registry, &census);
            waiting(registry, &census, deliveries_in_work, now);
        }
        // The others are shown all the same, and the failure is counted where it happened.
        Err(error) => tracing::error!(%error, "what waits could not be counted"),
    }
    upstreams(registry, engine);
    let found = tokio::task::spawn_blocking(move || rustix::fs::statvfs(&data)).await;
    if let Ok(Ok(found)) = found {
        let bytes = |blocks: u64| blocks.saturating_mul(found.f_frsize).cast_signed();
        let gauges = [
            ("data_free", "Space that is left on the disk of the data directory", found.f_bavail),
            ("data_size", "Size of the disk of the data directory", found.f_blocks),
        ];
        for (name, help, blocks) in gauges {
            gauge_of(registry, name, help, Some(Unit::Bytes), bytes(blocks));
        }
    }
}

fn approvals(registry: &mut Registry, engine: &Engine, waiting: &[Waiting], now: Timestamp) {
    let count: Family<AgeLabels, Gauge> = Family::default();
    let oldest: Family<PlaceLabels, Gauge> = Family::default();
    for of in waiting {
        let (project, stage) = engine.metrics().places().labels(&of.project, &of.stage);
        for (age, n) in AGES.into_iter().zip(between(of)) {
            let labels = AgeLabels { project: project.clone(), stage: stage.clone(), age };
            // Those beyond the bound of labels share them.
            count.get_or_create(&labels).inc_by(n.cast_signed());
        }
        let age = now.duration_since(of.oldest).as_secs().max(0);
        let oldest = oldest.get_or_create_owned(&PlaceLabels { project, stage });
        oldest.set(oldest.get().max(age));
    }
    registry.register("approvals_waiting", "Approvals that wait, by how long", count);
    registry.register_with_unit(
        "approval_oldest",
        "How long the oldest approval has waited, to the minute",
        Unit::Seconds,
        oldest,
    );
}

/// How many wait in each of [`AGES`].
fn between(waiting: &Waiting) -> [u64; AGES.len()] {
    let mut between = [0; AGES.len()];
    let mut at_least = waiting.count;
    for (count, longer) in between.iter_mut().zip(waiting.longer.into_iter().chain([0])) {
        *count = at_least.saturating_sub(longer);
        at_least = longer;
    }
    between
}

fn sequences(registry: &mut Registry, census: &Census) {
    let sequences: Family<StateLabels, Gauge> = Family::default();
    for state in [
        ContextState::Triggered,
        ContextState::Waiting,
        ContextState::Started,
        ContextState::Paused,
    ] {
        let count = sequences.get_or_create_owned(&StateLabels { state: state.as_str() });
        for (_, _, n) in census.under_way.iter().filter(|(_, found, _)| *found == state) {
            count.inc_by(n.cast_signed());
        }
    }
    registry.register("sequences", "Sequences under way, by state", sequences);
}

fn waiting(registry: &mut Registry, census: &Census, in_work: u64, now: Timestamp) {
    let oldest = census.oldest_delivery.map_or(0, |oldest| now.duration_since(oldest).as_secs());
    gauge_of(
        registry,
        "outbox_oldest",
        "How long the oldest task waits for the built-in executors, or is worked on",
        Some(Unit::Seconds),
        oldest.max(0),
    );
    let queued = census.deliveries.saturating_sub(in_work);
    for (name, help, n) in [
        ("outbox", "Tasks for the built-in executors that are not done", census.deliveries),
        ("jobs_queued", "Tasks for the built-in executors that nobody works on yet", queued),
        ("lanes_waiting", "Services in stages for which a sequence waits", census.lanes_waiting),
        ("timers_due", "Timers whose time has come", census.timers_due),
        ("follow_ons", "Steps that had no room in their commit and come next", census.deferred),
        ("sagas", "Changes to projects that touch Git and are not finished", census.sagas),
        ("quarantine", "Inputs that were put aside and are kept", census.quarantined),
    ] {
        gauge_of(registry, name, help, None, n.cast_signed());
    }
}

fn upstreams(registry: &mut Registry, engine: &Engine) {
    let count = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
    let unreachable = engine.upstreams().unreachable();
    for (name, help, n) in [
        (
            "upstreams_unreachable",
            "Projects whose repository elsewhere cannot be reached",
            unreachable,
        ),
        (
            "upstreams_unsynced",
            "Projects whose repository elsewhere does not have every commit",
            engine.unsynced(),
        ),
        ("git_processes", "Calls of git that run", tidegate_resources::git_processes()),
    ] {
        gauge_of(registry, name, help, None, count(n));
    }
}

fn gauge_of(registry: &mut Registry, name: &str, help: &str, unit: Option<Unit>, value: i64) {
    let gauge: Gauge = Gauge::default();
    gauge.set(value);
    match unit {
        Some(unit) => registry.register_with_unit(name, help, unit, gauge),
        None => registry.register(name, help, gauge),
    }
}

#[cfg(test)]
mod tests {
    use tidegate_core::names::{ProjectName, StageName};

    use super::*;

    #[test]
    fn every_approval_that_waits_is_in_one_age() {
        let waiting = Waiting {
            project: ProjectName::new("p").unwrap(),
            stage: StageName::new("qa").unwrap(),
            oldest: Timestamp::UNIX_EPOCH,
            count: 10,
            longer: [7, 4, 4, 1, 0],
        };
        assert_eq!(between(&waiting), [3, 3, 0, 3, 1, 0]);
        assert_eq!(between(&Waiting { longer: [10; 5], ..waiting }), [0, 0, 0, 0, 0, 10]);
    }
}
