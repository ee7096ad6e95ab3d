//! The census: how much of everything waits, as one state of the store has it. For those who watch a
//! server, so it costs little however much waits.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tidegate_core::names::{ProjectName, StageName};
use tidegate_core::sequence::ContextState;

/// How long approvals have waited at least, in the order of [`Waiting::longer`].
pub const WAITING_AGES: [Duration; 5] = [
    Duration::from_mins(15),
    Duration::from_hours(1),
    Duration::from_hours(4),
    Duration::from_hours(24),
    Duration::from_hours(7 * 24),
];

/// Deliveries, timers, follow-ons and inputs are counted up to this number: more is as bad.
pub const COUNTED_MAX: u64 = 10_000;

/// How much waits.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Census {
    /// Open approvals, by project and stage, in the order of their names.
    pub waiting: Vec<Waiting>,
    /// Contexts that are under way, by project and state, in the order of their names; a state that none is
    /// in is not named.
    pub under_way: Vec<(ProjectName, ContextState, u64)>,
    /// Lanes in which somebody waits.
    pub lanes_waiting: u64,
    /// Deliveries that are not done, at most [`COUNTED_MAX`].
    pub deliveries: u64,
    /// When the event of the oldest of them was accepted.
    pub oldest_delivery: Option<Timestamp>,
    /// Timers whose time has come, at most [`COUNTED_MAX`].
    pub timers_due: u64,
    /// Follow-ons that had no room in their commit, at most [`COUNTED_MAX`].
    pub deferred: u64,
    /// Sagas that are open.
    pub sagas: u64,
    /// Inputs that could not be stepped, at most [`COUNTED_MAX`].
    pub quarantined: u64,
}

/// The open approvals of one stage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// The project.
    pub project: ProjectName,
    /// The stage.
    pub stage: StageName,
    /// When the oldest was asked, to the minute.
    pub oldest: Timestamp,
    /// How many there are.
    pub count: u64,
    /// How many of them have waited at least as long as each of [`WAITING_AGES`], to the minute.
    pub longer: [u64; WAITING_AGES.len()],
}

const MINUTE_MICROS: i64 = 60_000_000;

/// The minute of some time, since 1970.
pub(crate) fn minute(time: Timestamp) -> i64 {
    time.as_microsecond().div_euclid(MINUTE_MICROS)
}

/// The beginning of a minute; none where there is no such time.
pub(crate) fn of_minute(minute: i64) -> Option<Timestamp> {
    Timestamp::from_microsecond(minute.checked_mul(MINUTE_MICROS)?).ok()
}

/// Whoever was asked in one of these minutes, or before, has waited as long as each of
/// [`WAITING_AGES`].
pub(crate) fn cutoffs(now: Timestamp) -> [i64; WAITING_AGES.len()] {
    WAITING_AGES.map(|age| {
        let age = SignedDuration::try_from(age).unwrap_or(SignedDuration::MAX);
        minute(now.saturating_sub(age).unwrap_or(Timestamp::MIN))
    })
}
