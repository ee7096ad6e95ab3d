//! What a version is like: a good one answers at once, others do not.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Most replicas of a stage.
const REPLICAS_MAX: i64 = 100;
/// Longest answer: whoever deploys waits for one.
const DELAY_MS_MAX: i64 = 3_000;

/// How many run in a stage, and how long their answers take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::Args, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Nature {
    /// How many run; one process stands for all of them
    #[arg(long, value_name = "N", default_value_t = 1,
        value_parser = clap::value_parser!(u32).range(1..=REPLICAS_MAX))]
    pub(crate) replicas: u32,
    /// How long an answer takes, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 0,
        value_parser = clap::value_parser!(u32).range(0..=DELAY_MS_MAX))]
    pub(crate) delay_ms: u32,
    /// How long an answer takes where one has to bear everything alone, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 0,
        value_parser = clap::value_parser!(u32).range(0..=DELAY_MS_MAX))]
    pub(crate) delay_alone_ms: u32,
}

impl Default for Nature {
    fn default() -> Self {
        Self { replicas: 1, delay_ms: 0, delay_alone_ms: 0 }
    }
}

/// How the tag of a version ends that is slow.
const SLOW: &str = "-slow";
/// How long its answers take, in milliseconds.
const SLOW_MS: u32 = 120;

impl Nature {
    /// What a version is like beyond what was asked for: one whose tag ends with `-slow` takes its time.
    pub(super) fn of_version(self, version: &str) -> Self {
        let least = if version.ends_with(SLOW) { SLOW_MS } else { 0 };
        Self { delay_ms: self.delay_ms.max(least), ..self }
    }

    /// How long an answer takes.
    pub(super) fn delay(&self) -> Duration {
        let alone = if self.replicas < 2 { self.delay_alone_ms } else { 0 };
        Duration::from_millis(self.delay_ms.max(alone).into())
    }

    /// The words of the command line that say so.
    pub(super) fn words(&self) -> [String; 6] {
        [
            "--replicas".to_owned(),
            self.replicas.to_string(),
            "--delay-ms".to_owned(),
            self.delay_ms.to_string(),
            "--delay-alone-ms".to_owned(),
            self.delay_alone_ms.to_string(),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_slow_alone_is_quick_with_another() {
        let nature = Nature { delay_alone_ms: 400, ..Nature::default() };
        assert_eq!(nature.delay(), Duration::from_millis(400));
        assert_eq!(Nature { replicas: 2, ..nature }.delay(), Duration::ZERO);
        let slow = Nature { replicas: 2, delay_ms: 300, delay_alone_ms: 400 };
        assert_eq!(slow.delay(), Duration::from_millis(300));
    }
}
