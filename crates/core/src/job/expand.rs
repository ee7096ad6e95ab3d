//! `$(NAME)` in commands, arguments and values, as Kubernetes fills it in.

use std::collections::BTreeMap;

/// Replaces each `$(NAME)` by the variable of that name. An unknown name stays as it is written,
/// `$$` is a `$` that starts nothing, and what was filled in is not looked at again.
#[must_use]
pub fn expand(text: &str, variables: &BTreeMap<String, String>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        let after = &rest[at + 1..];
        rest = if let Some(escaped) = after.strip_prefix('$') {
            out.push('$');
            escaped
        } else if let Some((name, tail)) = reference(after) {
            match variables.get(name) {
                Some(value) => out.push_str(value),
                None => out.push_str(&rest[at..rest.len() - tail.len()]),
            }
            tail
        } else {
            out.push('$');
            after
        };
    }
    out.push_str(rest);
    out
}

/// `(NAME)tail`.
fn reference(after: &str) -> Option<(&str, &str)> {
    after.strip_prefix('(')?.split_once(')')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_filled_in_as_kubernetes_does() {
        let pairs = [("A", "1"), ("B", "$(A)"), ("EMPTY", "")];
        let variables = pairs.map(|(k, v)| (k.to_owned(), v.to_owned())).into();
        for (text, expected) in [
            ("", ""),
            ("plain", "plain"),
            ("$(A)", "1"),
            ("x$(A)y$(A)z", "x1y1z"),
            ("$(B)", "$(A)"),
            ("[$(EMPTY)]", "[]"),
            ("$(NOPE)-$(A)", "$(NOPE)-1"),
            ("$$(A)", "$(A)"),
            ("$$$(A)", "$1"),
            ("$$$$(A)", "$$(A)"),
            ("${A} $A $", "${A} $A $"),
            ("$(A", "$(A"),
            ("$(kubectl get $(A)", "$(kubectl get $(A)"),
            ("ü$(A)ü", "ü1ü"),
        ] {
            assert_eq!(expand(text, &variables), expected, "{text}");
        }
    }
}
