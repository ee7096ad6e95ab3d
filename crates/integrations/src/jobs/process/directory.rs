//! A job's directory, and all directories together.

use std::fs::{self, DirBuilder, File};
use std::io::{self, Write as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;
use tidegate_core::names::EventId;

use super::record::{Ended, JobId, Started};
use super::results;

const SPEC: &str = "spec.json";
const STARTED: &str = "started.json";
const RESULT: &str = "result.json";
/// How the name of a mark ends that says that jobs of an event shall not start.
pub(super) const CANCEL: &str = "cancel";

/// Most actions of a file whose output is shown.
const ACTIONS_SHOWN: usize = 1000;

/// `jobs/`.
#[derive(Debug, Clone)]
pub(super) struct Directories {
    root: PathBuf,
}

impl Directories {
    /// Makes the directory where it is missing. Were its name not synced, a loss of power would take
    /// every claim along, and programs would run again.
    pub(super) fn open(root: &Path) -> io::Result<Self> {
        private_dir(root)?;
        let root = root.canonicalize()?;
        root.parent().map_or(Ok(()), sync_dir)?;
        Ok(Self { root })
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    pub(super) fn of(&self, id: JobId) -> JobDir {
        JobDir { path: self.root.join(id.to_string()) }
    }

    /// The directories of an event that exist, in the order in which its jobs run.
    pub(super) fn of_event(&self, event: EventId) -> io::Result<Vec<JobDir>> {
        let prefix = format!("{event}-");
        let mut found = Vec::new();
        for entry in fs::read_dir(&self.root)? {
            let entry = entry?;
            if entry.file_name().to_string_lossy().starts_with(&prefix) {
                found.push(JobDir { path: entry.path() });
            }
        }
        found.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(found)
    }

    /// The same for whoever only shows them, found by their names: listing every directory takes as long
    /// as there are jobs, some 50 ms with 100,000 of them. Tasks of an action run in order, so where the
    /// first has no directory none has. Actions beyond [`ACTIONS_SHOWN`] are not found.
    pub(super) fn shown_of(&self, event: EventId) -> Vec<JobDir> {
        let actions = 0..ACTIONS_SHOWN;
        let tasks = |action| (1..).map(move |task| self.of(JobId { event, action, task }));
        actions.flat_map(|action| tasks(action).take_while(JobDir::exists)).collect()
    }

    /// The file whose existence means that jobs of this event shall not start.
    pub(super) fn cancel_mark(&self, event: EventId) -> PathBuf {
        self.root.join(format!("{event}.{CANCEL}"))
    }

    /// Writes down, for good, that jobs of this event shall not start.
    pub(super) fn mark_cancelled(&self, event: EventId) -> io::Result<()> {
        File::create(self.cancel_mark(event))?.sync_all()?;
        sync_dir(&self.root)
    }
}

/// One job's directory; it may not exist yet.
#[derive(Debug, Clone)]
pub(super) struct JobDir {
    path: PathBuf,
}

impl JobDir {
    pub(super) fn at(path: &Path) -> Self {
        Self { path: path.to_owned() }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn exists(&self) -> bool {
        self.path.is_dir()
    }

    pub(super) fn spec(&self) -> PathBuf {
        self.path.join(SPEC)
    }

    pub(super) fn start(&self) -> PathBuf {
        self.path.join(STARTED)
    }

    pub(super) fn result(&self) -> PathBuf {
        self.path.join(RESULT)
    }

    pub(super) fn lock(&self) -> PathBuf {
        self.path.join("lock")
    }

    pub(super) fn log(&self) -> PathBuf {
        self.path.join("out.log")
    }

    /// What the supervisor itself has to say.
    pub(super) fn supervisor_log(&self) -> PathBuf {
        self.path.join("supervisor.log")
    }

    /// What `/keptn` means to the program.
    pub(super) fn keptn(&self) -> PathBuf {
        self.path.join("keptn")
    }

    /// Where the files are kept that the program has left as results.
    pub(super) fn results(&self) -> PathBuf {
        self.path.join(results::RESULTS)
    }

    pub(super) fn home(&self) -> PathBuf {
        self.path.join("home")
    }

    pub(super) fn temp(&self) -> PathBuf {
        self.path.join("tmp")
    }

    /// Makes the directory: the claim.
    pub(super) fn claim(&self) -> io::Result<()> {
        private_dir(&self.path)?;
        self.path.parent().map_or(Ok(()), sync_dir)
    }

    pub(super) fn started(&self) -> io::Result<Option<Started>> {
        self.read(STARTED)
    }

    pub(super) fn ended(&self) -> io::Result<Option<Ended>> {
        self.read(RESULT)
    }

    /// The name of the task, once it has been prepared.
    pub(super) fn task(&self) -> Option<String> {
        #[derive(serde::Deserialize)]
        struct Named {
            task: String,
        }
        self.read::<Named>(SPEC).ok()?.map(|spec| spec.task)
    }

    pub(super) fn write_spec(&self, spec: &impl Serialize) -> io::Result<()> {
        self.write(SPEC, spec)
    }

    pub(super) fn write_started(&self, started: &Started) -> io::Result<()> {
        self.write(STARTED, started)
    }

    pub(super) fn write_ended(&self, ended: &Ended) -> io::Result<()> {
        self.write(RESULT, ended)
    }

    /// Forgets a start whose end was lost, so that the job can start again.
    pub(super) fn forget_start(&self) -> io::Result<()> {
        fs::remove_file(self.path.join(STARTED))?;
        sync_dir(&self.path)
    }

    /// Empty private directories for files, home and temporary files.
    pub(super) fn make_workspace(&self) -> io::Result<()> {
        self.remove_workspace();
        for path in [self.keptn(), self.home(), self.temp()] {
            private_dir(&path)?;
        }
        Ok(())
    }

    /// Removes what the program worked with. What it has locked away stays until the job's directory
    /// is removed.
    pub(super) fn remove_workspace(&self) {
        for path in [self.keptn(), self.home(), self.temp()] {
            let _ = fs::remove_dir_all(path);
        }
    }

    fn read<T: DeserializeOwned>(&self, name: &str) -> io::Result<Option<T>> {
        match fs::read(self.path.join(name)) {
            Ok(bytes) => Ok(Some(serde_json::from_slice(&bytes)?)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Writes a file that is whole or absent, also after a power loss.
    fn write(&self, name: &str, content: &impl Serialize) -> io::Result<()> {
        let temporary = self.path.join(format!("{name}.new"));
        let mut file = File::create(&temporary)?;
        file.write_all(&serde_json::to_vec(content)?)?;
        file.sync_all()?;
        fs::rename(temporary, self.path.join(name))?;
        sync_dir(&self.path)
    }
}

/// Makes a directory that only its owner can enter, and its parents.
pub(super) fn private_dir(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Makes the names in a directory durable.
pub(super) fn sync_dir(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jobs_are_found_by_name_as_they_are_by_listing() {
        let root = tempfile::tempdir().unwrap();
        let directories = Directories::open(root.path()).unwrap();
        let (ours, other) = (EventId::from_bytes([1; 16]), EventId::from_bytes([2; 16]));
        for (event, action, task) in
            [(ours, 7, 1), (ours, 0, 2), (ours, 0, 1), (ours, 999, 1), (other, 0, 1)]
        {
            directories.of(JobId { event, action, task }).claim().unwrap();
        }
        directories.mark_cancelled(ours).unwrap();
        let paths = |found: Vec<JobDir>| found.iter().map(|dir| dir.path().to_owned()).collect();
        let (listed, named): (Vec<_>, Vec<_>) =
            (paths(directories.of_event(ours).unwrap()), paths(directories.shown_of(ours)));
        assert_eq!(named.len(), 4);
        assert_eq!(named, listed);
        assert!(directories.shown_of(EventId::from_bytes([3; 16])).is_empty());
    }
}
