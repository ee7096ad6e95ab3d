//! The clocks of the simulated machine, and its randomness.

use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tidegate_engine::{Clock, Entropy};

use crate::random::Random;

/// When every run begins, in seconds since 1970.
const BEGIN: i64 = 1_795_000_000;

/// A clock that only runs forward, and a wall clock that can be set.
#[derive(Debug, Default)]
pub(crate) struct Clocks {
    forward_ms: AtomicU64,
    set_by_ms: AtomicI64,
    /// The most that it was ever set on, over all.
    furthest_ms: AtomicI64,
}

impl Clocks {
    /// Time goes on until this long after the beginning.
    pub(crate) fn go_on(&self, until: Duration) {
        let until = u64::try_from(until.as_millis()).unwrap_or(u64::MAX);
        self.forward_ms.store(until, Ordering::SeqCst);
    }

    /// The wall clock is set on or back.
    pub(crate) fn set(&self, by: SignedDuration) {
        let by = i64::try_from(by.as_millis()).unwrap_or_default();
        let before = self.set_by_ms.fetch_add(by, Ordering::SeqCst);
        self.furthest_ms.fetch_max(before + by, Ordering::SeqCst);
    }

    /// The wall clock is set on as far as it ever was: nothing waits longer for it than it was told to.
    pub(crate) fn catch_up(&self) {
        self.set_by_ms.fetch_max(self.furthest_ms.load(Ordering::SeqCst), Ordering::SeqCst);
    }
}

impl Clock for Clocks {
    fn now(&self) -> Timestamp {
        let forward = self.forward_ms.load(Ordering::SeqCst).cast_signed();
        let millis = BEGIN * 1000 + forward + self.set_by_ms.load(Ordering::SeqCst);
        Timestamp::from_millisecond(millis).expect("a run takes days, not ages")
    }

    fn forward(&self) -> Duration {
        Duration::from_millis(self.forward_ms.load(Ordering::SeqCst))
    }
}

/// Ids that look random.
#[derive(Debug)]
pub(crate) struct Ids(Mutex<Random>);

impl Ids {
    pub(crate) fn new(random: Random) -> Self {
        Self(Mutex::new(random))
    }
}

impl Entropy for Ids {
    fn seed(&self) -> [u8; 16] {
        self.0.lock().expect("nobody panics while holding it").bytes()
    }
}
