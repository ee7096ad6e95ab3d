//! A home and a resolver that fail when told to.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use tidegate_core::sequence::{Resolve, ViewError};
use tidegate_store::StoreError;
use tidegate_store::watched::Watch;

use super::{count_down, set};
use crate::{Resolved, Resolver};

#[derive(Debug, Default)]
pub(crate) struct Faults {
    /// So many reads of a project panic.
    pub(crate) panics: AtomicU32,
    /// So many reads of a shipyard panic.
    pub(super) resolver: AtomicU32,
    /// The disk is full.
    pub(super) full: AtomicBool,
    /// The disk is full until what was set aside is given up.
    pub(super) full_until_released: AtomicBool,
    /// What was set aside is given up.
    pub(super) released: AtomicBool,
    /// The store cannot be reached.
    pub(super) away: AtomicBool,
    /// A commit fails.
    pub(super) commit: AtomicBool,
    /// The engine said that it must end.
    pub(super) ended: AtomicBool,
}

pub(super) struct FaultyResolver<R> {
    pub(super) resolver: R,
    pub(super) faults: Arc<Faults>,
}

impl<R: Resolver> Resolver for FaultyResolver<R> {
    fn resolve(&mut self, resolve: &Resolve) -> Resolved {
        assert!(!count_down(&self.faults.resolver), "told to panic");
        self.resolver.resolve(resolve)
    }
}

impl Watch for Faults {
    fn reads(&self, row: &'static str) -> Result<(), ViewError> {
        assert!(row != "project" || !count_down(&self.panics), "told to panic");
        Ok(())
    }

    fn begins(&self) -> Result<(), StoreError> {
        if set(&self.away) {
            let (what, why) = ("the test's store".to_owned(), "told to be away".to_owned());
            return Err(StoreError::Unavailable { what, why });
        }
        Ok(())
    }

    fn applies(&self) -> Result<(), StoreError> {
        let pinched = set(&self.full_until_released) && !set(&self.released);
        if set(&self.full) || pinched {
            return Err(StoreError::Full("the test".to_owned()));
        }
        Ok(())
    }

    fn commits(&self) -> Result<(), StoreError> {
        if set(&self.commit) {
            let source = std::io::Error::other("told to fail");
            return Err(StoreError::Io { what: "commit".to_owned(), source });
        }
        Ok(())
    }

    fn releases(&self) {
        self.released.store(true, Ordering::SeqCst);
    }

    fn has_room(&self) -> bool {
        !set(&self.full) && !set(&self.full_until_released)
    }
}
