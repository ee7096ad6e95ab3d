//! What filters let through.

/// Whether a filter that may be absent lets a value through.
pub(super) fn admits<T: PartialEq>(filter: Option<&T>, value: &T) -> bool {
    filter.is_none_or(|wanted| wanted == value)
}
