//! Lists in pages.

use crate::query::{PAGE_MAX, Page};

/// One page of everything that matches.
pub(super) fn page<T>(matching: Vec<T>, offset: u64, limit: u64) -> Page<T> {
    let total = matching.len() as u64;
    let skip = usize::try_from(offset).unwrap_or(usize::MAX);
    let take = usize::try_from(limit.min(PAGE_MAX)).unwrap_or(usize::MAX);
    Page::new(matching.into_iter().skip(skip).take(take).collect(), offset, total)
}

/// Whether a filter that may be absent lets a value through.
pub(super) fn admits<T: PartialEq>(filter: Option<&T>, value: &T) -> bool {
    filter.is_none_or(|wanted| wanted == value)
}
