//! Who did something, as the server tells it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A person, a program, or the installation's own token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
pub struct Principal {
    /// `person`, `machine`, `shared`, `wire` or `builtin`.
    pub kind: String,
    /// Its name, where the kind has names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// The words that people read: `ada`, `deploy-bot (machine)`, `the shared API token`.
impl fmt::Display for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.kind.as_str(), self.name.as_deref()) {
            ("machine", Some(name)) => write!(f, "{name} (machine)"),
            (_, Some(name)) => f.write_str(name),
            ("shared", None) => f.write_str("the shared API token"),
            ("wire", None) => f.write_str("the in-cluster listener"),
            (kind, None) => f.write_str(kind),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_principal_is_told_in_words() {
        for (value, words) in [
            (json!({"kind": "person", "name": "ada"}), "ada"),
            (json!({"kind": "machine", "name": "bot"}), "bot (machine)"),
            (json!({"kind": "shared"}), "the shared API token"),
            (json!({"kind": "committee"}), "committee"),
        ] {
            let principal: Principal = serde_json::from_value(value).unwrap();
            assert_eq!(principal.to_string(), words);
        }
    }
}
