//! What is found.

use std::fmt::Display;

use crate::contract::StoreError;

/// Something that is not as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Table and key, or file and place.
    pub place: String,
    /// What is wrong.
    pub why: String,
    /// False where a crash explains it, and nothing that was acknowledged is missing.
    pub is_damage: bool,
}

/// How much was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Checked {
    /// Rows.
    pub rows: u64,
    /// Findings that are damage.
    pub damaged: u64,
}

/// Takes findings on their way out, and counts.
pub(super) struct Report<'a> {
    found: &'a mut dyn FnMut(&Finding),
    checked: Checked,
}

impl<'a> Report<'a> {
    pub(super) fn new(found: &'a mut dyn FnMut(&Finding)) -> Self {
        Self { found, checked: Checked::default() }
    }

    /// One more row was read.
    pub(super) fn row(&mut self) {
        self.checked.rows += 1;
    }

    pub(super) fn damage(&mut self, place: impl Into<String>, why: impl Display) {
        self.checked.damaged += 1;
        let (place, why) = (place.into(), why.to_string());
        (self.found)(&Finding { place, why, is_damage: true });
    }

    pub(super) fn note(&mut self, place: impl Into<String>, why: impl Display) {
        let (place, why) = (place.into(), why.to_string());
        (self.found)(&Finding { place, why, is_damage: false });
    }

    /// A row that did not read back.
    pub(super) fn unread(&mut self, place: impl Into<String>, error: StoreError) {
        match error {
            StoreError::Damaged { what, why } if what.starts_with("table ") => {
                self.damage(what, why);
            }
            other => self.damage(place, other),
        }
    }

    pub(super) fn end(self) -> Checked {
        self.checked
    }
}
