//! Files and directories that are on stable storage when a call returns.

use std::fs::{self, DirBuilder, File};
use std::io::{self, Write as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;

use crate::error::ResourceError;

/// Attaches the path to an error of the system.
pub(crate) fn at<T>(path: &Path, result: io::Result<T>) -> Result<T, ResourceError> {
    result.map_err(|source| ResourceError::Io { path: path.to_owned(), source })
}

/// Creates a directory, and those above it, for this user alone.
pub(crate) fn create_private_dir(path: &Path) -> Result<(), ResourceError> {
    at(path, DirBuilder::new().recursive(true).mode(0o700).create(path))
}

/// Writes a new file. Its directory is not synced.
pub(crate) fn write_synced(path: &Path, content: &[u8]) -> Result<(), ResourceError> {
    let write = || {
        let mut file = File::create(path)?;
        file.write_all(content)?;
        file.sync_all()
    };
    at(path, write())
}

/// Makes the names in a directory durable.
pub(crate) fn sync_dir(path: &Path) -> Result<(), ResourceError> {
    at(path, File::open(path).and_then(|dir| dir.sync_all()))
}

/// Makes everything below a directory durable, files before the directories that name them.
/// Meant for trees of our own making: a symbolic link is an error of the caller and is skipped.
pub(crate) fn sync_tree(path: &Path) -> Result<(), ResourceError> {
    for entry in at(path, fs::read_dir(path))? {
        let entry = at(path, entry)?;
        let (kind, child) = (at(path, entry.file_type())?, entry.path());
        if kind.is_dir() {
            sync_tree(&child)?;
        } else if kind.is_file() {
            at(&child, File::open(&child).and_then(|file| file.sync_all()))?;
        }
    }
    sync_dir(path)
}
