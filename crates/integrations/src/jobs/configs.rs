//! Configurations that were read: at a commit they never change.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use tidegate_core::event::Scope;
use tidegate_core::names::CommitId;

use super::port::JobDelivery;

/// Most configurations that are kept.
const KEPT_MAX: usize = 256;
/// The longest text that is kept, in bytes.
const KEPT_BYTES_MAX: usize = 16 * 1024;

/// What was found for a service at the commits of its stage and of its project. None stands for no
/// configuration, which is what most tasks find.
#[derive(Debug, Default)]
pub(super) struct Configs(Mutex<HashMap<Key, Option<String>>>);

#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Key {
    scope: Scope,
    stage: CommitId,
    project: CommitId,
}

impl Key {
    /// None where the newest commit counts, whichever that is.
    pub(super) fn of(delivery: &JobDelivery) -> Option<Self> {
        let (stage, project) = (delivery.commit.clone()?, delivery.project_commit.clone()?);
        Some(Self { scope: delivery.scope.clone(), stage, project })
    }
}

impl Configs {
    /// None where it must be read.
    pub(super) fn get(&self, key: &Key) -> Option<Option<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(key).cloned()
    }

    pub(super) fn keep(&self, key: Key, found: Option<&String>) {
        if found.is_some_and(|text| text.len() > KEPT_BYTES_MAX) {
            return;
        }
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= KEPT_MAX {
            // What is in use is soon here again.
            kept.clear();
        }
        kept.insert(key, found.cloned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(service: usize) -> Key {
        let commit = |digit: &str| CommitId::new(&digit.repeat(40)).unwrap();
        let data = serde_json::json!(
            {"project": "shop", "stage": "qa", "service": format!("s{service}")}
        );
        let scope = Scope::of(data.as_object().unwrap()).unwrap();
        Key { scope, stage: commit("1"), project: commit("2") }
    }

    #[test]
    fn what_was_found_is_known_also_that_there_is_nothing() {
        let configs = Configs::default();
        assert_eq!(configs.get(&key(1)), None);
        configs.keep(key(1), None);
        configs.keep(key(2), Some(&"actions: []".to_owned()));
        assert_eq!(configs.get(&key(1)), Some(None));
        assert_eq!(configs.get(&key(2)), Some(Some("actions: []".to_owned())));
        let other = Key { stage: CommitId::new(&"3".repeat(40)).unwrap(), ..key(1) };
        assert_eq!(configs.get(&other), None);
    }

    #[test]
    fn a_long_text_is_not_kept_and_not_too_many_are() {
        let configs = Configs::default();
        configs.keep(key(0), Some(&"x".repeat(KEPT_BYTES_MAX + 1)));
        assert_eq!(configs.get(&key(0)), None);
        for service in 0..3 * KEPT_MAX {
            configs.keep(key(service), None);
            assert!(configs.0.lock().unwrap().len() <= KEPT_MAX);
        }
        assert_eq!(configs.get(&key(3 * KEPT_MAX - 1)), Some(None));
    }
}
