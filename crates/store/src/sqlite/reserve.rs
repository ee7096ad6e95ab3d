//! Space that is set aside: when the disk is full it is given up, so that what must be possible then
//! (to decline, to abort, to pause) still commits.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use crate::contract::StoreError;

/// Enough for the log of thousands of decisions.
pub(super) const BYTES: usize = 8 * 1024 * 1024;
/// What is written at a time.
const BLOCK: usize = 64 * 1024;

/// The file `reserve` in the data directory.
#[derive(Debug)]
pub(super) struct Reserve {
    path: PathBuf,
}

impl Reserve {
    pub(super) fn new(dir: &Path) -> Self {
        Self { path: dir.join("reserve") }
    }

    /// Gives the space up; false where there was none.
    pub(super) fn release(&self) -> Result<bool, StoreError> {
        match fs::remove_file(&self.path) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(source) => Err(self.wrong("remove", source)),
        }
    }

    /// Sets the space aside where it is not yet; false while the disk is too full for it.
    pub(super) fn fill(&self) -> Result<bool, StoreError> {
        if fs::metadata(&self.path).is_ok_and(|found| found.len() >= BYTES as u64) {
            return Ok(true);
        }
        match self.write() {
            Ok(()) => Ok(true),
            Err(error) if is_full(&error) => self.release().map(|_| false),
            Err(source) => Err(self.wrong("write", source)),
        }
    }

    fn write(&self) -> io::Result<()> {
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&self.path)?;
        for block in 0..BYTES / BLOCK {
            file.write_all(&noise(block as u64))?;
        }
        file.sync_all()
    }

    fn wrong(&self, doing: &str, source: io::Error) -> StoreError {
        StoreError::Io { what: format!("{doing} {}", self.path.display()), source }
    }
}

fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

/// Bytes that a file system cannot compress away.
fn noise(seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let words = std::iter::repeat_with(|| {
        // Xorshift.
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    });
    words.take(BLOCK / 8).flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_set_aside_is_there_until_it_is_given_up() {
        let dir = tempfile::tempdir().unwrap();
        let reserve = Reserve::new(dir.path());
        assert!(!reserve.release().unwrap());
        assert!(reserve.fill().unwrap());
        assert_eq!(fs::metadata(dir.path().join("reserve")).unwrap().len(), BYTES as u64);
        assert!(reserve.fill().unwrap() && reserve.release().unwrap());
        assert!(!reserve.release().unwrap());
    }
}
