//! The key that signs checkpoints.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use tidegate_core::audit::SigningKey;

use crate::key_file::KeyFile;

const FILE: KeyFile =
    KeyFile { name: "audit-key", does: "signs the audit log", setting: "[audit] key" };

/// Reads the key, or makes one where there is none. The caller holds the data directory's lock.
pub(crate) fn load_or_make(configured: Option<&Path>, data: &Path) -> anyhow::Result<SigningKey> {
    let new = || {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).context("the operating system has no random numbers")?;
        Ok(SigningKey::from_bytes(&bytes).expose().to_string())
    };
    let (text, path, made) = FILE.load_or_make(configured, data, new)?;
    let key = parse(&text, &path)?;
    if made {
        tracing::info!(key = %key.public(), path = %path.display(), "a key for the audit log was made");
    }
    Ok(key)
}

/// The key and its file, where there is one.
pub(super) fn find(
    configured: Option<&Path>,
    data: &Path,
) -> anyhow::Result<Option<(SigningKey, PathBuf)>> {
    let Some((text, path)) = FILE.find(configured, data)? else { return Ok(None) };
    Ok(Some((parse(&text, &path)?, path)))
}

/// The file of a key that can be used; none where there is none yet.
pub(crate) fn file(configured: Option<&Path>, data: &Path) -> anyhow::Result<Option<PathBuf>> {
    Ok(find(configured, data)?.map(|(_, path)| path))
}

fn parse(text: &str, path: &Path) -> anyhow::Result<SigningKey> {
    SigningKey::parse(text).with_context(|| {
        let shown = path.display();
        format!("{shown} holds no key for the audit log; put back the one that was there")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_stays_the_same_and_what_is_none_is_refused() {
        let parent = tempfile::tempdir().unwrap();
        let data = parent.path().join("data");
        std::fs::create_dir(&data).unwrap();
        let key = load_or_make(None, &data).unwrap().public();
        assert_eq!(load_or_make(None, &data).unwrap().public(), key);
        let (found, path) = find(None, &data).unwrap().unwrap();
        assert_eq!(
            (found.public(), path.as_path()),
            (key, parent.path().join("data.audit-key").as_path())
        );
        std::fs::write(&path, "hunter2").unwrap();
        let error = format!("{:#}", load_or_make(None, &data).unwrap_err());
        assert!(error.contains("put back") && !error.contains("hunter2"), "{error}");
    }
}
