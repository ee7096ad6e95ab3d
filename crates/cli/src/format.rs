//! `--output`.

use clap::ValueEnum;
use serde::Serialize;

use crate::failure::Failure;

/// How data are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    #[default]
    Table,
    /// For programs.
    Json,
    /// For programs and people.
    Yaml,
}

impl Format {
    /// A value as text; where no table was made for it, as JSON.
    pub(crate) fn render(self, value: &impl Serialize) -> Result<String, Failure> {
        match self {
            Self::Table | Self::Json => serde_json::to_string_pretty(value)
                .map_err(|error| Failure::Format(error.to_string())),
            Self::Yaml => {
                serde_saphyr::to_string(value).map_err(|error| Failure::Format(error.to_string()))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn texts_that_look_like_something_else_stay_texts_in_yaml() {
        let value = json!({"version": "1.10", "answer": "no", "nothing": "null", "two": "a\nb: c"});
        let yaml = Format::Yaml.render(&value).unwrap();
        let back: serde_json::Value = serde_saphyr::from_str(&yaml).unwrap();
        assert_eq!(back, value, "{yaml}");
    }
}
