//! Rows cannot be read now and then, as planned.

use std::sync::atomic::{AtomicU32, Ordering};

use tidegate_core::sequence::ViewError;
use tidegate_store::watched::Watch;

/// A panic that prints nothing: it is planned.
pub(crate) fn panic_quietly(who: &str) -> ! {
    std::panic::resume_unwind(Box::new(format!("{who} panics, as planned")))
}

/// When reading fails.
#[derive(Debug, Default)]
pub(crate) struct Strikes {
    /// Reads until one panics; 0 is never.
    panic_in: AtomicU32,
    /// Reads until one is refused; 0 is never.
    fail_in: AtomicU32,
}

impl Strikes {
    pub(crate) fn panic_in(&self, reads: u32) {
        self.panic_in.store(reads, Ordering::SeqCst);
    }

    pub(crate) fn fail_in(&self, reads: u32) {
        self.fail_in.store(reads, Ordering::SeqCst);
    }

    pub(crate) fn heal(&self) {
        self.panic_in(0);
        self.fail_in(0);
    }
}

impl Watch for Strikes {
    fn reads(&self, _: &'static str) -> Result<(), ViewError> {
        if is_over(&self.panic_in) {
            panic_quietly("a step");
        }
        match is_over(&self.fail_in) {
            true => Err(ViewError { what: "a row".to_owned(), why: "as planned".to_owned() }),
            false => Ok(()),
        }
    }
}

/// Counts down, and says when it gets to zero.
fn is_over(left: &AtomicU32) -> bool {
    let before = left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
    before == Ok(1)
}
