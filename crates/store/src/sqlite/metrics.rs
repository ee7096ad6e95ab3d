//! What the embedded home counts, and how large it is.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric as _};
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use super::{open, tail};

/// A checkpoint syncs the database file: from a millisecond on.
const CHECKPOINT_SECONDS: [f64; 10] =
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0];

/// Counters of one home. Clones share them.
#[derive(Debug, Clone)]
pub(super) struct Metrics {
    file: PathBuf,
    checkpoint_seconds: Histogram,
}

impl Metrics {
    pub(super) fn new(file: &Path) -> Self {
        let checkpoint_seconds = Histogram::new(CHECKPOINT_SECONDS);
        Self { file: file.to_owned(), checkpoint_seconds }
    }

    /// A checkpoint has taken so long.
    pub(super) fn checkpointed(&self, took: Duration) {
        self.checkpoint_seconds.observe(took.as_secs_f64());
    }

    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register_with_unit(
            "checkpoint",
            "How long moving commits from the write-ahead log into the database file takes",
            Unit::Seconds,
            self.checkpoint_seconds.clone(),
        );
        let (database, log) = (self.file.clone(), tail::log_of(&self.file));
        registry.register_collector(Box::new(Sizes { database, log }));
    }
}

/// The sizes of the files, asked when somebody wants to know.
#[derive(Debug)]
struct Sizes {
    database: PathBuf,
    log: PathBuf,
}

impl Collector for Sizes {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        for (name, help, file) in [
            ("store", "Size of the database file", &self.database),
            (
                "wal",
                "Size of the write-ahead log, which is used again and shrinks at a stop",
                &self.log,
            ),
        ] {
            let gauge =
                ConstGauge::new(fs::metadata(file).map_or(0, |found| found.len().cast_signed()));
            let described = encoder.encode_descriptor(
                name,
                help,
                Some(&Unit::Bytes),
                prometheus_client::metrics::MetricType::Gauge,
            )?;
            gauge.encode(described)?;
        }
        Ok(())
    }
}

/// The files of a home, for whoever looks at one from outside: database and write-ahead log.
#[must_use]
pub fn files(dir: &Path) -> [PathBuf; 2] {
    let file = dir.join(open::FILE);
    let log = tail::log_of(&file);
    [file, log]
}
