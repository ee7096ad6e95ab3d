//! How long single operations took.

use std::time::Duration;

/// At least one measured duration, in ascending order.
#[derive(Debug)]
pub(crate) struct Latencies(Vec<Duration>);

impl Latencies {
    /// `None` if nothing was measured.
    pub(crate) fn new(mut samples: Vec<Duration>) -> Option<Self> {
        samples.sort_unstable();
        (!samples.is_empty()).then_some(Self(samples))
    }

    /// How many were measured.
    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }

    /// The smallest sample that at least `part` (0 to 1) of all samples do not exceed: the nearest
    /// rank, so always a value that was measured.
    pub(crate) fn quantile(&self, part: f64) -> Duration {
        let rank = (part * self.0.len() as f64).ceil() as usize;
        self.0[rank.clamp(1, self.0.len()) - 1]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(samples: impl IntoIterator<Item = u64>) -> Latencies {
        Latencies::new(samples.into_iter().map(Duration::from_millis).collect()).unwrap()
    }

    #[test]
    fn quantiles_are_nearest_ranks_of_the_sorted_samples() {
        let latencies = of((1..=100).rev());
        for (part, expected) in [(0.0, 1), (0.5, 50), (0.99, 99), (1.0, 100)] {
            assert_eq!(latencies.quantile(part), Duration::from_millis(expected), "{part}");
        }
    }

    #[test]
    fn one_sample_is_every_quantile() {
        assert_eq!(of([7]).quantile(0.5), of([7]).quantile(0.99));
    }

    #[test]
    fn no_samples_are_no_latencies() {
        assert!(Latencies::new(vec![]).is_none());
    }
}
