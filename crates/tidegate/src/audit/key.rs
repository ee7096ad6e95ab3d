//! The key that signs checkpoints. Whoever can change the data must not be able to sign as well, so it
//! lies beside the data directory, not in it.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use tidegate_core::audit::SigningKey;

/// Added to the name of the data directory.
const BESIDE: &str = ".audit-key";
/// Its name inside of the data directory, where there is no other place.
const INSIDE: &str = "audit-key";
/// Longest file that is read.
const FILE_BYTES_MAX: u64 = 4096;

/// Reads the key, or makes one where there is none. The caller holds the data directory's lock.
pub(crate) fn load_or_make(configured: Option<&Path>, data: &Path) -> anyhow::Result<SigningKey> {
    if let Some((key, path)) = find(configured, data)? {
        warn_inside(configured, &path, data);
        return Ok(key);
    }
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).context("the operating system has no random numbers")?;
    let key = SigningKey::from_bytes(&bytes);
    let path = match (configured, beside(data)) {
        (Some(path), _) => {
            make(path, &key).with_context(|| format!("cannot make {}", path.display()))?;
            path.to_owned()
        }
        (None, Some(path)) if made(&path, &key)? => path,
        (None, _) => {
            let path = data.join(INSIDE);
            make(&path, &key).with_context(|| format!("cannot make {}", path.display()))?;
            path
        }
    };
    tracing::info!(key = %key.public(), path = %path.display(), "a key for the audit log was made");
    warn_inside(configured, &path, data);
    Ok(key)
}

/// The key and its file, where there is one.
pub(super) fn find(
    configured: Option<&Path>,
    data: &Path,
) -> anyhow::Result<Option<(SigningKey, PathBuf)>> {
    let places = match configured {
        Some(path) => vec![path.to_owned()],
        None => beside(data).into_iter().chain([data.join(INSIDE)]).collect(),
    };
    for path in places {
        if let Some(key) = read(&path)? {
            return Ok(Some((key, path)));
        }
    }
    Ok(None)
}

/// `/var/lib/tidegate` has its key in `/var/lib/tidegate.audit-key`.
fn beside(data: &Path) -> Option<PathBuf> {
    let mut name = data.file_name()?.to_owned();
    name.push(BESIDE);
    Some(data.with_file_name(name))
}

fn read(path: &Path) -> anyhow::Result<Option<SigningKey>> {
    let shown = path.display();
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).with_context(|| format!("cannot read {shown}")),
    };
    let mode = file.metadata()?.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        bail!(
            "{shown} signs the audit log and others can read it (mode {mode:03o}); run: \
             chmod 600 {shown}"
        );
    }
    let mut text = String::new();
    let read = file.take(FILE_BYTES_MAX).read_to_string(&mut text);
    read.with_context(|| format!("cannot read {shown}"))?;
    let key = SigningKey::parse(&text).with_context(|| {
        format!("{shown} holds no key for the audit log; put back the one that was there")
    })?;
    Ok(Some(key))
}

/// False where this process may not write there.
fn made(path: &Path, key: &SigningKey) -> anyhow::Result<bool> {
    match make(path, key) {
        Ok(()) => Ok(true),
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem
            ) =>
        {
            Ok(false)
        }
        Err(error) => Err(error).with_context(|| format!("cannot make {}", path.display())),
    }
}

/// The file appears whole, readable by its owner only, and survives the loss of power: checkpoints
/// that nobody can compare any more would be worth nothing.
fn make(path: &Path, key: &SigningKey) -> io::Result<()> {
    let mut new = path.as_os_str().to_owned();
    new.push(".new");
    let new = PathBuf::from(new);
    match std::fs::remove_file(&new) {
        // What a crash left behind.
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
    writeln!(file, "{}", key.expose())?;
    file.sync_all()?;
    std::fs::rename(&new, path)?;
    super::export_file::sync_parent(path)
}

fn warn_inside(configured: Option<&Path>, path: &Path, data: &Path) {
    if configured.is_none() && path.starts_with(data) {
        tracing::warn!(
            path = %path.display(),
            "the key that signs the audit log lies among the data that it signs: whoever can change \
             the one has the other; move it elsewhere and name it in the configuration, [audit] key"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data() -> (tempfile::TempDir, PathBuf) {
        let parent = tempfile::tempdir().unwrap();
        let data = parent.path().join("data");
        std::fs::create_dir(&data).unwrap();
        (parent, data)
    }

    #[test]
    fn the_key_lies_beside_the_data_and_stays_the_same() {
        let (parent, data) = data();
        assert!(find(None, &data).unwrap().is_none());
        let key = load_or_make(None, &data).unwrap().public();
        let path = parent.path().join("data.audit-key");
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(std::fs::read_dir(&data).unwrap().count(), 0);
        assert_eq!(load_or_make(None, &data).unwrap().public(), key);
        assert_eq!(find(None, &data).unwrap().unwrap().1, path);
    }

    #[test]
    fn a_key_among_the_data_is_used_before_another_one_is_made() {
        let (parent, data) = data();
        let inside = data.join(INSIDE);
        make(&inside, &SigningKey::from_bytes(&[1; 32])).unwrap();
        let key = load_or_make(None, &data).unwrap().public();
        assert_eq!(key, SigningKey::from_bytes(&[1; 32]).public());
        assert!(!parent.path().join("data.audit-key").exists());
    }

    #[test]
    fn a_configured_place_is_the_only_one() {
        let (parent, data) = data();
        let place = parent.path().join("elsewhere.key");
        let key = load_or_make(Some(&place), &data).unwrap().public();
        assert!(place.exists() && !parent.path().join("data.audit-key").exists());
        assert_eq!(load_or_make(Some(&place), &data).unwrap().public(), key);
        let nowhere = parent.path().join("no/such/place");
        let error = load_or_make(Some(&nowhere), &data).unwrap_err();
        assert!(format!("{error:#}").contains("no/such/place"), "{error:#}");
    }

    #[test]
    fn a_key_that_others_can_read_or_that_is_none_is_refused() {
        let (parent, data) = data();
        load_or_make(None, &data).unwrap();
        let path = parent.path().join("data.audit-key");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert!(load_or_make(None, &data).unwrap_err().to_string().contains("chmod 600"));
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        std::fs::write(&path, "hunter2").unwrap();
        let error = format!("{:#}", load_or_make(None, &data).unwrap_err());
        assert!(error.contains("put back") && !error.contains("hunter2"), "{error}");
    }
}
