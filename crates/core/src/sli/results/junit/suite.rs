//! What went wrong in a suite: in its test cases, beside them, and by its own account.

use quick_xml::events::BytesStart;

use crate::excerpt::excerpt;

/// How often something went wrong.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Wrong {
    pub(super) failures: usize,
    pub(super) errors: usize,
}

/// A suite that is open.
pub(super) struct Suite {
    /// How many elements are open around what stands directly in it.
    depth: usize,
    /// What its attributes say.
    stated: Wrong,
    /// What stands in it.
    found: Wrong,
    /// Earlier runs of its test cases.
    earlier: Wrong,
}

impl Wrong {
    pub(super) fn add(&mut self, more: Self) {
        self.failures = self.failures.saturating_add(more.failures);
        self.errors = self.errors.saturating_add(more.errors);
    }
}

impl Suite {
    /// One that begins. An attribute that is not there, or empty, says nothing.
    pub(super) fn open(depth: usize, element: &BytesStart<'_>) -> Result<Self, String> {
        let stated = |name: &str| {
            let attribute = element.try_get_attribute(name);
            let attribute = attribute.map_err(|error| format!("in a suite: {error}"))?;
            let Some(attribute) = attribute else { return Ok(0) };
            match attribute.value.trim() {
                "" => Ok(0),
                text => text
                    .parse()
                    .map_err(|_| format!("{name}: {:?} is no number of {name}", excerpt(text, 64))),
            }
        };
        let stated = Wrong { failures: stated("failures")?, errors: stated("errors")? };
        Ok(Self { depth, stated, found: Wrong::default(), earlier: Wrong::default() })
    }

    pub(super) fn depth(&self) -> usize {
        self.depth
    }

    /// An element stands in it, beside its test cases, with so many open around it.
    pub(super) fn holds(&mut self, depth: usize, name: &str) {
        match name {
            "failure" if depth == self.depth => self.found.failures += 1,
            "error" if depth == self.depth => self.found.errors += 1,
            _ => {}
        }
    }

    /// An element stands in one of its test cases that may tell of an earlier run of it.
    pub(super) fn ran_before(&mut self, name: &str) {
        match name {
            "flakyFailure" | "rerunFailure" => self.earlier.failures += 1,
            "flakyError" | "rerunError" => self.earlier.errors += 1,
            // Output, properties.
            _ => {}
        }
    }

    /// Something went wrong in one of its test cases.
    pub(super) fn add(&mut self, wrong: Wrong) {
        self.found.add(wrong);
    }

    /// A suite within it has ended.
    pub(super) fn add_suite(&mut self, inner: &Self) {
        self.found.add(inner.wrong());
        self.earlier.add(inner.earlier);
    }

    /// What went wrong in it, all in all: what stands in it, or what it says where that is more. Maven's counts
    /// take in earlier runs of a test, which are no faults of their own.
    pub(super) fn wrong(&self) -> Wrong {
        let larger = |stated: usize, found: usize, earlier: usize| match stated {
            stated if stated > found.saturating_add(earlier) => stated,
            _ => found,
        };
        let Self { stated, found, earlier, .. } = self;
        Wrong {
            failures: larger(stated.failures, found.failures, earlier.failures),
            errors: larger(stated.errors, found.errors, earlier.errors),
        }
    }
}
