//! How far the log of each project was told.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;

/// The number of the newest entry of each project that was told, in a file.
#[derive(Debug)]
pub(super) struct Cursor {
    file: PathBuf,
    told: BTreeMap<String, u64>,
}

impl Cursor {
    /// Reads it; none where there is none that can be read.
    pub(super) fn read(file: PathBuf) -> Result<Self, PathBuf> {
        let text = fs::read(&file);
        match text.ok().and_then(|text| serde_json::from_slice(&text).ok()) {
            Some(told) => Ok(Self { file, told }),
            None => Err(file),
        }
    }

    /// One that begins here.
    pub(super) fn begin(file: PathBuf, told: BTreeMap<String, u64>) -> Self {
        Self { file, told }
    }

    /// How far a project was told. One whose log is shorter is another project of the same name.
    pub(super) fn of(&self, project: &str, newest: u64) -> u64 {
        self.told.get(project).copied().filter(|told| *told <= newest).unwrap_or(0)
    }

    pub(super) fn move_to(&mut self, project: &str, told: u64) {
        self.told.insert(project.to_owned(), told);
    }

    /// Projects that are gone are forgotten.
    pub(super) fn retain(&mut self, is_there: impl Fn(&str) -> bool) {
        self.told.retain(|project, _| is_there(project));
    }

    /// Writes it so that a crash leaves the old one or the new one.
    pub(super) fn keep(&self) -> io::Result<()> {
        let new = self.file.with_extension("new");
        let mut made: File =
            OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
        made.write_all(&serde_json::to_vec(&self.told)?)?;
        made.sync_data()?;
        fs::rename(&new, &self.file)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_read_as_it_was_kept_and_a_younger_project_begins_anew() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("telemetry");
        let mut cursor = Cursor::begin(Cursor::read(file.clone()).unwrap_err(), BTreeMap::new());
        cursor.move_to("tour", 7);
        cursor.move_to("gone", 9);
        cursor.retain(|project| project != "gone");
        cursor.keep().unwrap();
        let again = Cursor::read(file.clone()).unwrap();
        assert_eq!((again.of("tour", 8), again.of("tour", 3), again.of("gone", 9)), (7, 0, 0));
        fs::write(&file, "half a li").unwrap();
        assert_eq!(Cursor::read(file.clone()).unwrap_err(), file);
    }
}
