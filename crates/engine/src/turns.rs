//! Who writes files of a project takes turns with others who do, and with nobody else.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tidegate_core::names::ProjectName;
use tokio::sync::{Mutex as Turn, OwnedMutexGuard};

/// The turns of all projects that are written to right now.
#[derive(Debug, Default)]
pub(crate) struct Turns(Mutex<HashMap<ProjectName, Arc<Turn<()>>>>);

impl Turns {
    /// Waits for those who came first. The turn ends when what this returns is dropped.
    pub(crate) async fn take(&self, project: &ProjectName) -> OwnedMutexGuard<()> {
        let turn = {
            let mut turns = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            // Whom nobody holds and nobody waits for is known to this map only.
            turns.retain(|_, turn| Arc::strong_count(turn) > 1);
            Arc::clone(turns.entry(project.clone()).or_default())
        };
        turn.lock_owned().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn project(name: &str) -> ProjectName {
        ProjectName::new(name).unwrap()
    }

    #[tokio::test]
    async fn one_project_waits_another_does_not_and_nothing_is_left_behind() {
        let turns = Turns::default();
        let [a, b, c] = ["a", "b", "c"].map(project);
        let first = turns.take(&a).await;
        let mut second = Box::pin(turns.take(&a));
        tokio::select! {
            biased;
            _ = &mut second => panic!("somebody else has this turn"),
            _ = turns.take(&b) => {}
        }
        drop(first);
        drop(second.await);
        drop(turns.take(&c).await);
        assert_eq!(turns.0.lock().unwrap().len(), 1, "only the last one is still known");
    }
}
