//! The installation's own token, in a file of the data directory.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use crate::secret::Secret;
use crate::tokens::{TokenProblem, check};

/// The name of the file.
pub const TOKEN_FILE: &str = "api-token";
/// Longest file that is read.
const FILE_BYTES_MAX: u64 = 4096;

/// Where a token came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// The file was there.
    Loaded,
    /// It was made just now.
    Generated,
}

/// The token could not be had.
#[derive(Debug, thiserror::Error)]
pub enum TokenFileError {
    /// Others than its owner have access.
    #[error(
        "{} can be read by others (mode {mode:03o}); run: chmod 600 {} — and if others may have read \
         it, remove the file to get a new token", path.display(), path.display()
    )]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// The file holds something else.
    #[error("the token in {} {problem}; or remove the file to get a new one", path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: TokenProblem,
    },
    /// The file system says no.
    #[error("cannot {what} {}: {source}", path.display())]
    Io {
        /// What was tried.
        what: &'static str,
        /// On which file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
}

/// Reads the token of the data directory, or makes one where there is none. The caller holds the
/// directory's lock.
///
/// # Errors
/// The file cannot be read or written, others can read it, or it holds no token.
pub fn load_or_generate(directory: &Path) -> Result<(Secret, Origin), TokenFileError> {
    let path = directory.join(TOKEN_FILE);
    match File::open(&path) {
        Ok(file) => Ok((load(file, &path)?, Origin::Loaded)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let token = Secret::generate();
            create(directory, &path, &token)?;
            Ok((token, Origin::Generated))
        }
        Err(error) => Err(failed("read", &path)(error)),
    }
}

fn load(file: File, path: &Path) -> Result<Secret, TokenFileError> {
    let metadata = file.metadata().map_err(failed("read", path))?;
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(TokenFileError::Exposed { path: path.to_owned(), mode });
    }
    let mut text = String::new();
    file.take(FILE_BYTES_MAX).read_to_string(&mut text).map_err(failed("read", path))?;
    let token = Secret::new(text.trim());
    match check(&token) {
        Ok(()) => Ok(token),
        Err(problem) => Err(TokenFileError::Unusable { path: path.to_owned(), problem }),
    }
}

/// The file appears whole, readable by its owner only, and survives the loss of power.
fn create(directory: &Path, path: &Path, token: &Secret) -> Result<(), TokenFileError> {
    let new = path.with_extension("new");
    match std::fs::remove_file(&new) {
        // What a crash left behind.
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(failed("replace", &new)(error));
        }
        _ => {}
    }
    let written = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new).and_then(
        |mut file| {
            file.write_all(format!("{}\n", token.expose()).as_bytes())?;
            file.sync_all()
        },
    );
    written.map_err(failed("write", &new))?;
    std::fs::rename(&new, path)
        .and_then(|()| File::open(directory)?.sync_all())
        .map_err(failed("write", path))
}

fn failed(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> TokenFileError {
    let path = path.to_owned();
    move |source| TokenFileError::Io { what, path, source }
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;

    use super::*;

    fn mode(path: &Path) -> u32 {
        path.metadata().unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn the_token_is_made_once_and_only_its_owner_reads_it() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("api-token.new"), "half a tok").unwrap();
        let (made, origin) = load_or_generate(directory.path()).unwrap();
        assert_eq!(origin, Origin::Generated);
        assert_eq!(mode(&directory.path().join(TOKEN_FILE)), 0o600);
        assert!(!directory.path().join("api-token.new").exists());
        let (loaded, origin) = load_or_generate(directory.path()).unwrap();
        assert_eq!((loaded.expose(), origin), (made.expose(), Origin::Loaded));
    }

    #[test]
    fn a_file_that_others_read_is_refused_with_the_way_to_mend_it() {
        let directory = tempfile::tempdir().unwrap();
        let (token, _) = load_or_generate(directory.path()).unwrap();
        let path = directory.path().join(TOKEN_FILE);
        for wide in [0o640, 0o604, 0o620] {
            std::fs::set_permissions(&path, Permissions::from_mode(wide)).unwrap();
            let error = load_or_generate(directory.path()).unwrap_err().to_string();
            assert!(error.contains(&format!("chmod 600 {}", path.display())), "{error}");
            assert!(!error.contains(token.expose()), "{error}");
        }
        std::fs::set_permissions(&path, Permissions::from_mode(0o400)).unwrap();
        assert!(load_or_generate(directory.path()).is_ok());
    }

    #[test]
    fn a_file_without_a_usable_token_is_refused_and_not_repeated() {
        let directory = tempfile::tempdir().unwrap();
        load_or_generate(directory.path()).unwrap();
        let path = directory.path().join(TOKEN_FILE);
        for bad in ["", "\n", "hunter2\n", "correct horse battery"] {
            std::fs::write(&path, bad).unwrap();
            let error = load_or_generate(directory.path()).unwrap_err();
            assert!(matches!(error, TokenFileError::Unusable { .. }), "{error}");
            assert!(bad.trim().is_empty() || !error.to_string().contains(bad.trim()));
        }
    }

    #[test]
    fn a_directory_that_is_not_there_is_named() {
        let directory = tempfile::tempdir().unwrap();
        let missing = directory.path().join("missing");
        let error = load_or_generate(&missing).unwrap_err().to_string();
        assert!(error.contains("missing"), "{error}");
    }
}
