//! The project files. What is written there is synced at once, and no crash takes it back.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use tidegate_core::names::{CommitId, ProjectName};
use tidegate_core::sequence::{Resolution, Resolve};
use tidegate_core::shipyard::Shipyard;
use tidegate_engine::{Resolved, Resolver};

use crate::faulty::panic_quietly;

/// A file of a project.
#[derive(Debug, Clone)]
struct File {
    commit: CommitId,
    text: Arc<str>,
    shipyard: Arc<Shipyard>,
}

/// The shipyards of all projects.
#[derive(Debug, Clone, Default)]
pub(crate) struct Repositories {
    files: Arc<Mutex<BTreeMap<ProjectName, File>>>,
    commits: Arc<Mutex<u64>>,
    /// No shipyard can be read.
    unreadable: Arc<AtomicBool>,
    /// The next one who reads panics.
    panics: Arc<AtomicBool>,
    /// They are elsewhere: whoever reads has to ask there first.
    elsewhere: Arc<AtomicBool>,
}

const UNPOISONED: &str = "nobody panics while holding it";

impl Repositories {
    /// Writes a shipyard, which is valid, and answers its commit.
    pub(crate) fn write(&self, project: &ProjectName, text: &str) -> CommitId {
        let mut commits = self.commits.lock().expect(UNPOISONED);
        *commits += 1;
        let commit = CommitId::new(&format!("{:040x}", *commits)).expect("40 digits");
        let shipyard = Arc::new(Shipyard::parse(text).expect("only valid ones are written"));
        let file = File { commit: commit.clone(), text: Arc::from(text), shipyard };
        self.files.lock().expect(UNPOISONED).insert(project.clone(), file);
        commit
    }

    /// The newest shipyard, and its commit.
    pub(crate) fn newest(&self, project: &ProjectName) -> Option<(CommitId, Arc<str>)> {
        let files = self.files.lock().expect(UNPOISONED);
        files.get(project).map(|file| (file.commit.clone(), Arc::clone(&file.text)))
    }

    pub(crate) fn set_unreadable(&self, unreadable: bool) {
        self.unreadable.store(unreadable, Ordering::SeqCst);
    }

    pub(crate) fn set_elsewhere(&self, elsewhere: bool) {
        self.elsewhere.store(elsewhere, Ordering::SeqCst);
    }

    pub(crate) fn panic_once(&self) {
        self.panics.store(true, Ordering::SeqCst);
    }

    pub(crate) fn heal(&self) {
        self.set_unreadable(false);
        self.panics.store(false, Ordering::SeqCst);
    }
}

impl Repositories {
    /// What stands there now.
    pub(crate) fn read(&self, resolve: &Resolve, stale: Option<String>) -> Resolution {
        if self.unreadable.load(Ordering::SeqCst) {
            return Resolution::Failed("shipyard.yaml cannot be read, as planned".to_owned());
        }
        let files = self.files.lock().expect(UNPOISONED);
        let Some(File { commit, text, shipyard }) = files.get(&resolve.scope.project).cloned()
        else {
            return Resolution::Failed("there is no such repository".to_owned());
        };
        let stage_commit = Some(resolve.requested_commit.as_ref().unwrap_or(&commit).clone());
        Resolution::Read { commit, shipyard, text, stage_commit, stale }
    }
}

impl Resolver for Repositories {
    fn resolve(&mut self, resolve: &Resolve) -> Resolved {
        if self.elsewhere.load(Ordering::SeqCst) {
            return Resolved::Later;
        }
        if self.panics.swap(false, Ordering::SeqCst) {
            panic_quietly("the reader of shipyards");
        }
        Resolved::Now(self.read(resolve, None))
    }
}
