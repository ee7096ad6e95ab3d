//! The floor under every durable answer: one append, one fdatasync.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::Latencies;

/// About what one committed input writes.
const APPEND_BYTES: usize = 1024;

/// Appends and syncs, one after the other, for as long as given but at least once, in a file of its
/// own below `data` that is removed afterwards.
pub(crate) fn measure(data: &Path, duration: Duration) -> Result<Latencies> {
    let path = data.join("fdatasync");
    let samples =
        append(&path, duration).with_context(|| format!("cannot write {}", path.display()));
    let removed = fs::remove_file(&path);
    let latencies = Latencies::new(samples?).context("nothing was measured")?;
    removed.with_context(|| format!("cannot remove {}", path.display()))?;
    Ok(latencies)
}

fn append(path: &Path, duration: Duration) -> std::io::Result<Vec<Duration>> {
    let mut file = File::create(path)?;
    let bytes = [0x5a; APPEND_BYTES];
    let mut samples = Vec::new();
    let start = Instant::now();
    loop {
        let before = Instant::now();
        file.write_all(&bytes)?;
        file.sync_data()?;
        samples.push(before.elapsed());
        if start.elapsed() >= duration {
            return Ok(samples);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shortest_measurement_has_one_sample_and_leaves_no_file() {
        let data = tempfile::tempdir().unwrap();
        assert_eq!(measure(data.path(), Duration::ZERO).unwrap().count(), 1);
        assert_eq!(fs::read_dir(data.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_directory_that_cannot_be_written_is_named() {
        let message =
            measure(Path::new("/no/such/directory"), Duration::ZERO).unwrap_err().to_string();
        assert!(message.contains("/no/such/directory/fdatasync"), "{message}");
    }
}
