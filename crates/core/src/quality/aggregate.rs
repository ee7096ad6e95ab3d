//! What was measured before, as one number.

/// How earlier values become one number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Aggregate {
    /// Their mean.
    Avg,
    /// Half of them are below.
    P50,
    /// Nine of ten are below.
    P90,
    /// Nineteen of twenty are below.
    P95,
    /// A name that Keptn 1.4 does not know, and takes without a word: the number is 0.
    Unknown(String),
}

impl Aggregate {
    /// The one that has this name, in exactly this spelling.
    #[must_use]
    pub fn named(name: &str) -> Self {
        match name {
            "avg" => Self::Avg,
            "p50" => Self::P50,
            "p90" => Self::P90,
            "p95" => Self::P95,
            other => Self::Unknown(other.to_owned()),
        }
    }

    /// The number that these values make, newest first; none where there are none.
    #[must_use]
    pub fn of(&self, values: &[f64]) -> Option<f64> {
        if values.is_empty() {
            return None;
        }
        Some(match self {
            Self::Avg => mean(values),
            Self::P50 => percentile(values, 0.5),
            Self::P90 => percentile(values, 0.9),
            Self::P95 => percentile(values, 0.95),
            Self::Unknown(_) => 0.0,
        })
    }
}

/// Summed in order: it decides the last bit.
#[allow(clippy::cast_precision_loss, reason = "there are far less than 2^53 values")]
fn mean(values: &[f64]) -> f64 {
    values.iter().fold(0.0, |sum, value| sum + value) / values.len() as f64
}

/// Between the two neighbours of position `p (n + 1)`, and never beyond the smallest and the largest: the
/// 95th of up to 19 values is the largest.
#[allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a position is between 1 and the number of values"
)]
pub(super) fn percentile(values: &[f64], fraction: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let count = sorted.len();
    let position = fraction * (count + 1) as f64;
    if position < 1.0 {
        return sorted[0];
    }
    if position >= count as f64 {
        return sorted[count - 1];
    }
    let whole = position.floor();
    let (lower, upper) = (sorted[whole as usize - 1], sorted[whole as usize]);
    lower + (position - whole) * (upper - lower)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_lies_between_its_neighbours() {
        let values = [40.0, 10.0, 30.0, 20.0];
        assert_eq!(Aggregate::P50.of(&values), Some(25.0));
        assert_eq!(Aggregate::P90.of(&values), Some(40.0));
        let values: Vec<f64> = (1..=19).rev().map(f64::from).collect();
        assert_eq!(Aggregate::P90.of(&values), Some(18.0));
        assert_eq!(Aggregate::P95.of(&values), Some(19.0));
        let values: Vec<f64> = (1..=39).map(f64::from).collect();
        assert_eq!(Aggregate::P95.of(&values), Some(38.0));
    }

    #[test]
    fn of_one_value_every_aggregate_is_that_value() {
        for name in ["avg", "p50", "p90", "p95"] {
            assert_eq!(Aggregate::named(name).of(&[7.5]), Some(7.5), "{name}");
        }
    }

    #[test]
    fn a_mean_is_summed_newest_first() {
        let values = [1e16, 1.0, -1e16];
        assert_eq!(Aggregate::Avg.of(&values), Some(0.0));
        assert_eq!(Aggregate::Avg.of(&[-1e16, 1e16, 1.0]), Some(1.0 / 3.0));
    }

    #[test]
    fn an_unknown_name_is_0_but_nothing_is_nothing() {
        for name in ["p99", "max", "AVG", "Avg", "avg "] {
            assert_eq!(Aggregate::named(name).of(&[7.5]), Some(0.0), "{name}");
            assert_eq!(Aggregate::named(name).of(&[]), None, "{name}");
        }
    }
}
