//! The token of the installation, made at the first start.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use crate::code::Code;
use crate::secret::Secret;

/// Name of the file in the data directory.
const FILE: &str = "api-token";

/// Where a token comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// It was there.
    Found,
    /// It was made now: show it, once.
    Generated,
}

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
pub enum TokenFileError {
    /// Others can read it.
    #[error("{0} can be read by others than its owner; run: chmod 600 {0}")]
    Exposed(PathBuf),
    /// It is empty.
    #[error("{0} holds no token; delete it to have one made, or put one in")]
    Empty(PathBuf),
    /// The file system says no.
    #[error("{path}: {source}")]
    Io {
        /// Which file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
}

/// The token in `directory`, made and synced where there is none yet. The file is readable by its
/// owner only.
///
/// # Errors
/// Others can read the file, it is empty, or the file system says no.
pub fn load_or_generate(directory: &Path) -> Result<(Secret, Origin), TokenFileError> {
    let path = directory.join(FILE);
    let failed = |source| TokenFileError::Io { path: path.clone(), source };
    match File::open(&path) {
        Ok(file) => Ok((load(file, &path)?, Origin::Found)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let token = format!("tg_{}", Code::generate().expose());
            create(directory, &path, &token).map_err(failed)?;
            Ok((Secret::new(token), Origin::Generated))
        }
        Err(error) => Err(failed(error)),
    }
}

fn load(mut file: File, path: &Path) -> Result<Secret, TokenFileError> {
    let failed = |source| TokenFileError::Io { path: path.to_owned(), source };
    let mode = file.metadata().map_err(failed)?.permissions().mode();
    if mode & 0o077 != 0 {
        return Err(TokenFileError::Exposed(path.to_owned()));
    }
    let mut text = String::new();
    file.read_to_string(&mut text).map_err(failed)?;
    match text.trim() {
        "" => Err(TokenFileError::Empty(path.to_owned())),
        token => Ok(Secret::new(token.to_owned())),
    }
}

/// Under another name first: a crash leaves no half-written token.
fn create(directory: &Path, path: &Path, token: &str) -> io::Result<()> {
    let aside = directory.join(".api-token.new");
    match std::fs::remove_file(&aside) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&aside)?;
    writeln!(file, "{token}")?;
    file.sync_all()?;
    std::fs::rename(&aside, path)?;
    File::open(directory)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_made_once_and_found_again() {
        let directory = tempfile::tempdir().unwrap();
        let (made, origin) = load_or_generate(directory.path()).unwrap();
        assert_eq!(origin, Origin::Generated);
        assert!(made.expose().len() >= 25);
        let mode = std::fs::metadata(directory.path().join(FILE)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let (found, origin) = load_or_generate(directory.path()).unwrap();
        assert_eq!((found, origin), (made, Origin::Found));
    }

    #[test]
    fn a_token_that_others_can_read_is_refused_with_the_remedy() {
        let directory = tempfile::tempdir().unwrap();
        load_or_generate(directory.path()).unwrap();
        let path = directory.path().join(FILE);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        let error = load_or_generate(directory.path()).unwrap_err().to_string();
        assert!(error.contains("chmod 600"), "{error}");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        std::fs::write(&path, "\n").unwrap();
        assert!(matches!(load_or_generate(directory.path()), Err(TokenFileError::Empty(_))));
    }
}
