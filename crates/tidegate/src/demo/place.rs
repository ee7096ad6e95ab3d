//! The directory that holds a demo.

use std::path::{Path, PathBuf};

use anyhow::Context as _;

/// A data directory, given or temporary.
#[derive(Debug)]
pub(super) struct Place {
    path: PathBuf,
    temporary: bool,
}

impl Place {
    /// The given directory, or a new temporary one. A temporary one is removed after a clean end
    /// only: whoever kills the demo can go on with it.
    pub(super) fn choose(given: Option<&Path>) -> anyhow::Result<Self> {
        if let Some(path) = given {
            let path = std::path::absolute(path)
                .with_context(|| format!("cannot use {}", path.display()))?;
            return Ok(Self { path, temporary: false });
        }
        let directory = tempfile::Builder::new()
            .prefix("tidegate-demo-")
            .tempdir()
            .context("cannot create a temporary directory; give one with --data-dir")?;
        Ok(Self { path: directory.keep(), temporary: true })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether it is removed at the end.
    pub(super) fn is_temporary(&self) -> bool {
        self.temporary
    }

    /// Removes what nobody needs any more. Everything has stopped. True where nothing is left.
    pub(super) fn leave(&self, clean: bool) -> bool {
        clean && self.temporary && std::fs::remove_dir_all(&self.path).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_temporary_directory_goes_after_a_clean_end_only() {
        let place = Place::choose(None).unwrap();
        assert!(!place.leave(false));
        assert!(place.path().is_dir());
        assert!(place.leave(true));
        assert!(!place.path().exists());
    }

    #[test]
    fn a_given_directory_stays() {
        let given = tempfile::tempdir().unwrap();
        let place = Place::choose(Some(given.path())).unwrap();
        assert!(!place.leave(true));
        assert!(given.path().is_dir() && !place.is_temporary());
    }
}
