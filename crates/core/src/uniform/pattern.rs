//! Patterns of event types, as NATS has them.

/// Whether a type of event is meant by a pattern. Parts are divided by dots; `*` stands for exactly one part,
/// `>` for all that come from there on, of which there is at least one. Both stand for themselves within a
/// part, as in NATS.
#[must_use]
pub fn matches(pattern: &str, kind: &str) -> bool {
    if pattern.is_empty() || kind.is_empty() {
        return false;
    }
    let mut parts = kind.split('.');
    let mut wanted = pattern.split('.').peekable();
    while let Some(want) = wanted.next() {
        let Some(part) = parts.next() else { return false };
        if want == ">" && wanted.peek().is_none() {
            return true;
        }
        if want != "*" && want != part {
            return false;
        }
    }
    parts.next().is_none()
}
