//! Keys in files. Whoever can change the data must not have the keys as well, so each lies beside the
//! data directory, not in it.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

/// Longest file that is read.
const FILE_BYTES_MAX: u64 = 4096;

/// What a key is called, and what it is for.
pub(crate) struct KeyFile {
    /// Its name in the data directory, where there is no other place. Behind a dot, it is added to the
    /// name of the data directory: `/var/lib/tidegate` has its key in `/var/lib/tidegate.audit-key`.
    pub(crate) name: &'static str,
    /// `signs the audit log`
    pub(crate) does: &'static str,
    /// Where the configuration names another file: `[audit] key`
    pub(crate) setting: &'static str,
}

impl KeyFile {
    /// The text of the key and its file, where there is one.
    pub(crate) fn find(
        &self,
        configured: Option<&Path>,
        data: &Path,
    ) -> anyhow::Result<Option<(String, PathBuf)>> {
        let places = match configured {
            Some(path) => vec![path.to_owned()],
            None => self.beside(data).into_iter().chain([data.join(self.name)]).collect(),
        };
        for path in places {
            if let Some(text) = self.read(&path)? {
                return Ok(Some((text, path)));
            }
        }
        Ok(None)
    }

    /// Reads the key, or makes one of this text where there is none. Answers with the text and the file,
    /// and whether it was made. The caller holds the data directory's lock.
    pub(crate) fn load_or_make(
        &self,
        configured: Option<&Path>,
        data: &Path,
        new: impl FnOnce() -> anyhow::Result<String>,
    ) -> anyhow::Result<(String, PathBuf, bool)> {
        if let Some((text, path)) = self.find(configured, data)? {
            self.warn_inside(configured, &path, data);
            return Ok((text, path, false));
        }
        let text = new()?;
        let path = match (configured, self.beside(data)) {
            (Some(path), _) => {
                make(path, &text).with_context(|| format!("cannot make {}", path.display()))?;
                path.to_owned()
            }
            (None, Some(path)) if made(&path, &text)? => path,
            (None, _) => {
                let path = data.join(self.name);
                make(&path, &text).with_context(|| format!("cannot make {}", path.display()))?;
                path
            }
        };
        self.warn_inside(configured, &path, data);
        Ok((text, path, true))
    }

    fn beside(&self, data: &Path) -> Option<PathBuf> {
        let mut name = data.file_name()?.to_owned();
        name.push(".");
        name.push(self.name);
        Some(data.with_file_name(name))
    }

    fn read(&self, path: &Path) -> anyhow::Result<Option<String>> {
        let shown = path.display();
        let file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error).with_context(|| format!("cannot read {shown}")),
        };
        let mode = file.metadata()?.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            let does = self.does;
            bail!(
                "{shown} {does} and others can read it (mode {mode:03o}); run: chmod 600 {shown}"
            );
        }
        let mut text = String::new();
        let read = file.take(FILE_BYTES_MAX).read_to_string(&mut text);
        read.with_context(|| format!("cannot read {shown}"))?;
        Ok(Some(text))
    }

    fn warn_inside(&self, configured: Option<&Path>, path: &Path, data: &Path) {
        if configured.is_none() && path.starts_with(data) {
            tracing::warn!(
                path = %path.display(),
                "the key that {} lies among the data: whoever has the one has the other; move it \
                 elsewhere and name it in the configuration, {}",
                self.does,
                self.setting
            );
        }
    }
}

/// False where this process may not write there.
fn made(path: &Path, text: &str) -> anyhow::Result<bool> {
    match make(path, text) {
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

/// The file appears whole, readable by its owner only, and survives the loss of power: what it was used
/// for would be worth nothing without it.
fn make(path: &Path, text: &str) -> io::Result<()> {
    let mut new = path.as_os_str().to_owned();
    new.push(".new");
    let new = PathBuf::from(new);
    match std::fs::remove_file(&new) {
        // What a crash left behind.
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
    writeln!(file, "{text}")?;
    file.sync_all()?;
    std::fs::rename(&new, path)?;
    let parent = path.parent().filter(|parent| *parent != "").unwrap_or(Path::new("."));
    File::open(parent)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: KeyFile = KeyFile { name: "some-key", does: "does things", setting: "[some] key" };

    fn data() -> (tempfile::TempDir, PathBuf) {
        let parent = tempfile::tempdir().unwrap();
        let data = parent.path().join("data");
        std::fs::create_dir(&data).unwrap();
        (parent, data)
    }

    fn text(configured: Option<&Path>, data: &Path, new: &str) -> anyhow::Result<String> {
        let loaded = KEY.load_or_make(configured, data, || Ok(new.to_owned()));
        loaded.map(|(text, _, _)| text.trim().to_owned())
    }

    #[test]
    fn the_key_lies_beside_the_data_and_stays_the_same() {
        let (parent, data) = data();
        assert!(KEY.find(None, &data).unwrap().is_none());
        assert_eq!(text(None, &data, "one").unwrap(), "one");
        let path = parent.path().join("data.some-key");
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(std::fs::read_dir(&data).unwrap().count(), 0);
        assert_eq!(text(None, &data, "two").unwrap(), "one");
        assert_eq!(KEY.find(None, &data).unwrap().unwrap().1, path);
    }

    #[test]
    fn a_key_among_the_data_is_used_before_another_one_is_made() {
        let (parent, data) = data();
        make(&data.join("some-key"), "one").unwrap();
        assert_eq!(text(None, &data, "two").unwrap(), "one");
        assert!(!parent.path().join("data.some-key").exists());
    }

    #[test]
    fn a_configured_place_is_the_only_one() {
        let (parent, data) = data();
        let place = parent.path().join("elsewhere.key");
        assert_eq!(text(Some(&place), &data, "one").unwrap(), "one");
        assert!(place.exists() && !parent.path().join("data.some-key").exists());
        assert_eq!(text(Some(&place), &data, "two").unwrap(), "one");
        let nowhere = parent.path().join("no/such/place");
        let error = text(Some(&nowhere), &data, "two").unwrap_err();
        assert!(format!("{error:#}").contains("no/such/place"), "{error:#}");
    }

    #[test]
    fn a_key_that_others_can_read_is_refused() {
        let (parent, data) = data();
        text(None, &data, "one").unwrap();
        let path = parent.path().join("data.some-key");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        let error = text(None, &data, "two").unwrap_err().to_string();
        assert!(error.contains("chmod 600"), "{error}");
    }
}
