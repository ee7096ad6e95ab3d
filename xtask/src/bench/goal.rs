//! What a figure should be, and whether it is.

use std::time::Duration;

use super::latency::Latencies;

/// The floor under every durable answer: one fdatasync, p50 and p99.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Floor {
    pub(crate) p50: Duration,
    pub(crate) p99: Duration,
}

impl Floor {
    pub(crate) fn of(disk: &Latencies) -> Self {
        Self { p50: disk.quantile(0.5), p99: disk.quantile(0.99) }
    }
}

/// What a latency should not exceed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Latency {
    /// One commit for each input: so much more than an fdatasync, p50 and p99.
    OverFloor(Duration, Duration),
    /// p99: so much more than an fdatasync's.
    TailOverFloor(Duration),
    /// p99, whatever the disk does.
    Tail(Duration),
    /// It is there to be compared with.
    None,
}

impl Latency {
    /// What p50 and p99 should not exceed.
    pub(crate) fn limits(self, floor: Floor) -> (Option<Duration>, Option<Duration>) {
        match self {
            Self::OverFloor(p50, p99) => (Some(floor.p50 + p50), Some(floor.p99 + p99)),
            Self::TailOverFloor(p99) => (None, Some(floor.p99 + p99)),
            Self::Tail(p99) => (None, Some(p99)),
            Self::None => (None, None),
        }
    }

    /// Whether it is so; none where there is no goal.
    pub(crate) fn is_met(self, found: &Latencies, floor: Floor) -> Option<bool> {
        let (p50, p99) = self.limits(floor);
        let within = |part, limit: Option<Duration>| limit.map(|most| found.quantile(part) <= most);
        [within(0.5, p50), within(0.99, p99)].into_iter().flatten().reduce(|a, b| a && b)
    }
}

/// What an amount should be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Amount {
    AtLeast(f64),
    AtMost(f64),
    /// It is there to be compared with.
    None,
}

impl Amount {
    /// Whether it is so; none where there is no goal.
    pub(crate) fn is_met(self, found: f64) -> Option<bool> {
        match self {
            Self::AtLeast(least) => Some(found >= least),
            Self::AtMost(most) => Some(found <= most),
            Self::None => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(n: u64) -> Duration {
        Duration::from_millis(n)
    }

    const FLOOR: Floor = Floor { p50: ms(1), p99: ms(10) };

    fn samples(median: u64, tail: u64) -> Latencies {
        let samples = (0..100).map(|n| ms(if n < 98 { median } else { tail }));
        Latencies::new(samples.collect()).unwrap()
    }

    #[test]
    fn a_goal_over_the_floor_holds_for_both_quantiles() {
        let goal = Latency::OverFloor(ms(2), ms(3));
        assert_eq!(goal.limits(FLOOR), (Some(ms(3)), Some(ms(13))));
        assert_eq!(goal.is_met(&samples(3, 13), FLOOR), Some(true));
        assert_eq!(goal.is_met(&samples(4, 13), FLOOR), Some(false));
        assert_eq!(goal.is_met(&samples(3, 14), FLOOR), Some(false));
    }

    #[test]
    fn a_goal_for_the_tail_leaves_the_median_alone() {
        assert_eq!(Latency::TailOverFloor(ms(5)).is_met(&samples(12, 15), FLOOR), Some(true));
        assert_eq!(Latency::TailOverFloor(ms(5)).is_met(&samples(1, 16), FLOOR), Some(false));
        assert_eq!(Latency::Tail(ms(5)).is_met(&samples(1, 6), FLOOR), Some(false));
    }

    #[test]
    fn where_there_is_no_goal_none_is_met_or_missed() {
        assert_eq!(Latency::None.is_met(&samples(1, 1), FLOOR), None);
        assert_eq!(Amount::None.is_met(1.0), None);
    }

    #[test]
    fn amounts_have_a_least_or_a_most() {
        assert_eq!(Amount::AtLeast(2.0).is_met(2.0), Some(true));
        assert_eq!(Amount::AtLeast(2.0).is_met(1.9), Some(false));
        assert_eq!(Amount::AtMost(2.0).is_met(2.1), Some(false));
    }
}
