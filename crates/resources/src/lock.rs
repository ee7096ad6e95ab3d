//! One writer per project, within this process.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tidegate_core::names::ProjectName;

/// The write locks of the projects that are being written to right now.
#[derive(Debug, Default)]
pub(crate) struct ProjectLocks {
    held: Mutex<HashMap<ProjectName, Arc<Mutex<()>>>>,
}

impl ProjectLocks {
    /// Does the work while nobody else in this process writes to the project.
    pub(crate) fn hold<T>(&self, project: &ProjectName, work: impl FnOnce() -> T) -> T {
        let lock = Arc::clone(guard(&self.held).entry(project.clone()).or_default());
        let done = {
            let _held = guard(&lock);
            work()
        };
        let mut held = guard(&self.held);
        // Only the map and this call know the lock: nobody waits, and nobody can start to while
        // the map is locked. So names that come and go leave nothing behind.
        if Arc::strong_count(&lock) == 2 {
            held.remove(project);
        }
        done
    }
}

/// A panic under a lock leaves nothing half-done in memory: the state is the repository, which
/// changes by atomic renames only.
fn guard<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn writers_of_a_project_exclude_each_other_and_leave_no_lock_behind() {
        let locks = ProjectLocks::default();
        let project = ProjectName::new("sockshop").unwrap();
        let (inside, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..200 {
                        locks.hold(&project, || {
                            assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0);
                            std::thread::yield_now();
                            inside.fetch_sub(1, Ordering::SeqCst);
                            done.fetch_add(1, Ordering::SeqCst);
                        });
                    }
                });
            }
        });
        assert_eq!(done.into_inner(), 1600);
        assert!(guard(&locks.held).is_empty());
    }

    #[test]
    fn another_project_is_not_kept_waiting() {
        let locks = ProjectLocks::default();
        let [one, two] = ["one", "two"].map(|name| ProjectName::new(name).unwrap());
        assert_eq!(locks.hold(&one, || locks.hold(&two, || 7)), 7);
    }
}
