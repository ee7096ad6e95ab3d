//! The root directory, and what can be asked about the projects below it.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Once};

use tidegate_core::names::{CommitId, ProjectName};

use crate::debris;
use crate::disk;
use crate::error::ResourceError;
use crate::lock::ProjectLocks;
use crate::place::{Branch, StageLayout};
use crate::repository::{Project, WRITER_CONFIG, commit_id};

const WRITER_CONFIG_FILE: &str = "writer.config";

/// The repositories of all projects. Cheap to clone; every call blocks on the disk, so it belongs
/// on a thread that may wait. Writers of one project take turns, readers never wait.
#[derive(Debug, Clone)]
pub struct Repositories {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    root: PathBuf,
    writer_config: PathBuf,
    locks: ProjectLocks,
    unfinished: AtomicU64,
    /// Of projects that are created.
    stages: StageLayout,
}

impl Repositories {
    /// Opens the root directory, creating it for this user alone, and sweeps away what a process
    /// that died has left: half-made projects, locks, half-written objects.
    ///
    /// The caller sees to it that no other process works below the same directory.
    ///
    /// # Errors
    /// [`ResourceError::Io`] where the directory cannot be created, read or written;
    /// [`ResourceError::HostConfiguration`] where no repository could be opened later on.
    pub fn open(root: &Path) -> Result<Self, ResourceError> {
        Self::open_for(root, StageLayout::default())
    }

    /// The same; projects that are created from now on tell their stages apart so. Those that are there
    /// stay as they are.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_for(root: &Path, stages: StageLayout) -> Result<Self, ResourceError> {
        set_library_options();
        disk::create_private_dir(root)?;
        let writer_config = root.join(WRITER_CONFIG_FILE);
        disk::write_synced(&writer_config, WRITER_CONFIG.as_bytes())?;
        debris::sweep_root(root)?;
        disk::sync_dir(root)?;
        disk::sync_dir(&root.join(".."))?;
        let inner = Inner {
            root: root.to_owned(),
            writer_config,
            locks: ProjectLocks::default(),
            unfinished: AtomicU64::new(0),
            stages,
        };
        let this = Self { inner: Arc::new(inner) };
        this.try_out()?;
        for project in this.projects()? {
            debris::sweep_repository(&this.dir(&project))?;
        }
        Ok(this)
    }

    /// The projects, in order of their names.
    ///
    /// # Errors
    /// [`ResourceError::Io`] where the root directory cannot be read.
    pub fn projects(&self) -> Result<Vec<ProjectName>, ResourceError> {
        let root = self.root();
        let mut projects = Vec::new();
        for entry in disk::at(root, fs::read_dir(root))? {
            let name = disk::at(root, entry)?.file_name();
            let name = name.to_str().and_then(|name| name.strip_suffix(".git"));
            projects.extend(name.and_then(|name| ProjectName::new(name).ok()));
        }
        projects.sort();
        Ok(projects)
    }

    /// The newest commit of a branch.
    ///
    /// # Errors
    /// [`ResourceError::ProjectNotFound`], [`ResourceError::StageNotFound`],
    /// [`ResourceError::DefaultBranchNotFound`].
    pub fn tip(
        &self,
        project: &ProjectName,
        branch: Branch<'_>,
    ) -> Result<CommitId, ResourceError> {
        Ok(commit_id(self.project(project)?.tip(branch)?.id()))
    }

    /// Whether the project's repository holds a commit, on whatever branch.
    ///
    /// # Errors
    /// [`ResourceError::ProjectNotFound`].
    pub fn contains(
        &self,
        project: &ProjectName,
        commit: &CommitId,
    ) -> Result<bool, ResourceError> {
        Ok(self.project(project)?.commit(commit)?.is_some())
    }

    /// Opens a repository that is thrown away: what would fail each operation fails the start.
    fn try_out(&self) -> Result<(), ResourceError> {
        let dir = self.unfinished_dir();
        let opened = Project::init(&dir, self.writer_config(), &ProjectName::unmapped()).map(drop);
        disk::at(&dir, fs::remove_dir_all(&dir))?;
        opened.map_err(|error| match error {
            ResourceError::Git(error) if error.class() == git2::ErrorClass::Config => {
                ResourceError::HostConfiguration(error)
            }
            other => other,
        })
    }

    /// Opens a project for one operation.
    pub(crate) fn project<'a>(&self, name: &'a ProjectName) -> Result<Project<'a>, ResourceError> {
        Project::open(&self.dir(name), self.writer_config(), name)
    }

    /// Opens a project and does the work while nobody else in this process writes to it.
    pub(crate) fn writing<T>(
        &self,
        name: &ProjectName,
        work: impl FnOnce(&Project<'_>) -> Result<T, ResourceError>,
    ) -> Result<T, ResourceError> {
        self.alone(name, || work(&self.project(name)?))
    }

    /// Does the work while nobody else in this process writes to the project.
    pub(crate) fn alone<T>(&self, name: &ProjectName, work: impl FnOnce() -> T) -> T {
        self.inner.locks.hold(name, work)
    }

    /// The directory that they are in.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.inner.root
    }

    /// Where the hooks are that `git` calls.
    pub(crate) fn hooks(&self) -> PathBuf {
        self.root().join("hooks")
    }

    /// How projects that are created tell their stages apart.
    pub(crate) fn stages(&self) -> StageLayout {
        self.inner.stages
    }

    pub(crate) fn writer_config(&self) -> &Path {
        &self.inner.writer_config
    }

    /// The directory of a project. A [`ProjectName`] is one safe segment of a path.
    pub(crate) fn dir(&self, project: &ProjectName) -> PathBuf {
        self.root().join(format!("{project}.git"))
    }

    /// A directory of its own for a project that is being made or deleted.
    pub(crate) fn unfinished_dir(&self) -> PathBuf {
        let number = self.inner.unfinished.fetch_add(1, Ordering::Relaxed);
        self.root().join(format!("{}{number}", debris::UNFINISHED))
    }
}

/// Options of libgit2 that hold for the whole process: no object that refers to a missing one is
/// written, and what is read must have the hash it is known by.
fn set_library_options() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        git2::opts::strict_object_creation(true);
        git2::opts::strict_hash_verification(true);
    });
}

#[cfg(test)]
mod tests;
