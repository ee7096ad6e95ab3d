//! A wall clock that is set, or a machine that slept: nothing is given up while the time is in doubt.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

/// How far the two clocks may drift apart between two looks.
const TOLERANCE: SignedDuration = SignedDuration::from_mins(2);
/// How long both clocks must agree again before the new time is believed.
const SETTLING: Duration = Duration::from_secs(120);

/// Compares the wall clock with one that only runs forward. Pure: it is told both.
#[derive(Debug, Default)]
pub(crate) struct ClockGuard {
    last: Option<(Timestamp, Duration)>,
    /// When, by the clock that runs forward, the new time is believed.
    settles: Option<Duration>,
    /// What the wall clock said when it was set last.
    set_to: Option<Timestamp>,
}

/// Whether the time can be relied on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trust {
    /// It can.
    Steady,
    /// The clock was set a moment ago; it is believed after this long.
    Settling(Duration),
}

impl ClockGuard {
    /// Looks at both clocks.
    pub(crate) fn look(&mut self, wall: Timestamp, forward: Duration) -> Trust {
        if let Some((wall_before, forward_before)) = self.last {
            let passed = forward.saturating_sub(forward_before);
            let passed = SignedDuration::try_from(passed).unwrap_or(SignedDuration::MAX);
            let drift = wall.duration_since(wall_before).saturating_sub(passed);
            if drift.unsigned_abs() > TOLERANCE.unsigned_abs() {
                tracing::warn!(
                    seconds = drift.as_secs(),
                    "the clock was set, or the machine slept: nothing is given up for a while"
                );
                self.settles = Some(forward.saturating_add(SETTLING));
                self.set_to = Some(wall);
            }
        }
        self.last = Some((wall, forward));
        match self.settles {
            Some(settles) if settles > forward => Trust::Settling(settles.saturating_sub(forward)),
            _ => {
                self.settles = None;
                Trust::Steady
            }
        }
    }

    /// Whether something that was due then became due because the clock was set.
    pub(crate) fn was_set_past(&self, due: Timestamp) -> bool {
        self.set_to.is_some_and(|set_to| due <= set_to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + seconds).unwrap()
    }

    fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn clocks_that_agree_are_trusted_however_long_nobody_looks() {
        let mut guard = ClockGuard::default();
        for seconds in [0, 1, 500, 900_000] {
            assert_eq!(guard.look(at(seconds), s(seconds.unsigned_abs())), Trust::Steady);
        }
        assert!(!guard.was_set_past(at(0)));
    }

    #[test]
    fn after_a_jump_the_time_is_believed_when_both_have_agreed_for_a_while() {
        for jump in [86_400, -86_400] {
            let mut guard = ClockGuard::default();
            guard.look(at(0), s(0));
            assert_eq!(guard.look(at(jump + 10), s(10)), Trust::Settling(s(120)));
            assert_eq!(guard.look(at(jump + 100), s(100)), Trust::Settling(s(30)));
            assert_eq!(guard.look(at(jump + 130), s(130)), Trust::Steady);
            assert!(guard.was_set_past(at(jump + 10)) && !guard.was_set_past(at(jump + 11)));
        }
    }

    #[test]
    fn a_clock_that_is_set_again_settles_again() {
        let mut guard = ClockGuard::default();
        guard.look(at(0), s(0));
        guard.look(at(86_400), s(1));
        assert_eq!(guard.look(at(60), s(60)), Trust::Settling(s(120)));
        assert_eq!(guard.look(at(121), s(121)), Trust::Settling(s(59)));
    }

    #[test]
    fn small_corrections_are_no_jump() {
        let mut guard = ClockGuard::default();
        guard.look(at(0), s(0));
        assert_eq!(guard.look(at(110), s(10)), Trust::Steady);
        assert_eq!(guard.look(at(20), s(20)), Trust::Steady);
    }
}
