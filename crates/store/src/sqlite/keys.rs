//! Keys: a project's number and a number in its log, packed into the one integer that SQLite orders
//! rows by without an index.

use crate::contract::StoreError;

use super::codec::damaged;

/// A project has room for 2⁴⁰ entries, the store for 2²³ projects.
const N_BITS: u32 = 40;

/// The number of a project within this store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct ProjectId(pub(super) i64);

/// The number of a chain of the audit log: its entries have keys of the same form.
pub(super) use self::ProjectId as ChainId;

/// Where events without a known project are kept.
pub(super) const UNMAPPED: ProjectId = ProjectId(0);

impl ProjectId {
    /// The key of entry `n` of this project.
    pub(super) fn key(self, n: u64) -> Result<i64, StoreError> {
        match i64::try_from(n) {
            Ok(n) if n < 1 << N_BITS && (0..1 << (63 - N_BITS)).contains(&self.0) => {
                Ok(self.first() | n)
            }
            _ => Err(damaged("key", &format!("entry {n} of project {} is out of range", self.0))),
        }
    }

    /// The least key of this project.
    pub(super) fn first(self) -> i64 {
        self.0 << N_BITS
    }

    /// The greatest key of this project.
    pub(super) fn last(self) -> i64 {
        self.first() | ((1 << N_BITS) - 1)
    }

    /// The project of a key.
    pub(super) fn of(key: i64) -> Self {
        Self(key >> N_BITS)
    }
}

/// The number in its project's log.
pub(super) fn n_of(key: i64) -> u64 {
    // The sign bit is never set, and the mask clears all but the lower 40 bits.
    (key & ((1 << N_BITS) - 1)).unsigned_abs()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_holds_project_and_number_and_orders_by_them() {
        let key = ProjectId(7).key(42).unwrap();
        assert_eq!((ProjectId::of(key), n_of(key)), (ProjectId(7), 42));
        assert!(ProjectId(7).last() < ProjectId(8).first());
        assert!(ProjectId(7).key((1 << N_BITS) - 1).unwrap() == ProjectId(7).last());
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        assert!(ProjectId(1).key(1 << N_BITS).is_err());
        assert!(ProjectId(1 << 23).key(1).is_err());
        assert!(ProjectId((1 << 23) - 1).key(1).unwrap() > 0);
    }
}
