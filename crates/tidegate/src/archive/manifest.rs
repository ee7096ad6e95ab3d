//! When a backup was made, and of what.

use std::path::Path;

use anyhow::{Context as _, bail};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Its name.
pub(crate) const FILE: &str = "manifest.json";
/// The form of backups that this version writes and reads.
const FORMAT: u32 = 1;
/// More than any manifest has.
const BYTES_MAX: u64 = 64 * 1024;

/// `manifest.json`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Manifest {
    /// The form of the backup.
    pub(crate) format: u32,
    /// The version of Tidegate that made it.
    pub(crate) tidegate: String,
    /// When it was begun: what was acknowledged before is in it.
    pub(crate) made_at: Timestamp,
    /// The version of the store's schema.
    pub(crate) schema: usize,
    /// How much is in it.
    pub(crate) counts: Counts,
}

/// How much is in a backup.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Counts {
    pub(crate) projects: u64,
    pub(crate) events: u64,
    pub(crate) executions: u64,
    pub(crate) approvals: u64,
    pub(crate) jobs: u64,
}

impl Manifest {
    pub(crate) fn new(made_at: Timestamp, schema: usize, counts: Counts) -> Self {
        let tidegate = env!("CARGO_PKG_VERSION").to_owned();
        Self { format: FORMAT, tidegate, made_at, schema, counts }
    }

    /// The file's content.
    pub(crate) fn to_json(&self) -> anyhow::Result<String> {
        Ok(serde_json::to_string_pretty(self)? + "\n")
    }

    /// Reads the manifest of a backup.
    pub(crate) fn read(backup: &Path) -> anyhow::Result<Self> {
        let path = backup.join(FILE);
        let shown = path.display();
        let found = std::fs::metadata(&path)
            .with_context(|| format!("cannot read {shown}; is this a backup of Tidegate?"))?;
        if found.len() > BYTES_MAX {
            bail!("{shown} is larger than a manifest ever is");
        }
        let text = std::fs::read(&path).with_context(|| format!("cannot read {shown}"))?;
        let manifest: Self = serde_json::from_slice(&text)
            .with_context(|| format!("{shown} is no manifest of a backup"))?;
        if manifest.format != FORMAT {
            bail!(
                "{shown} has format {}, and this Tidegate reads format {FORMAT}; use Tidegate {}",
                manifest.format,
                manifest.tidegate
            );
        }
        Ok(manifest)
    }
}
