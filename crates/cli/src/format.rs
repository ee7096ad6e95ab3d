//! `--output`.

use clap::{Args, ValueEnum};
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

/// The option that every command has which prints data.
#[derive(Debug, Clone, Copy, Default, Args)]
pub(crate) struct Output {
    /// How to write what is asked for
    #[arg(
        short = 'o',
        long = "output",
        value_name = "FORMAT",
        value_enum,
        default_value = "table"
    )]
    pub(crate) format: Format,
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

    /// The same for one of a stream: JSON on one line, YAML as a document of its own.
    pub(crate) fn render_record(self, value: &impl Serialize) -> Result<String, Failure> {
        match self {
            Self::Table | Self::Json => {
                serde_json::to_string(value).map_err(|error| Failure::Format(error.to_string()))
            }
            Self::Yaml => Ok(format!("---\n{}", self.render(value)?)),
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

    #[test]
    fn one_of_a_stream_is_one_line_of_json_or_one_document_of_yaml() {
        let value = json!({"a": 1, "b": ["x"]});
        assert_eq!(Format::Json.render_record(&value).unwrap(), "{\"a\":1,\"b\":[\"x\"]}");
        assert!(Format::Yaml.render_record(&value).unwrap().starts_with("---\na: 1\n"));
    }
}
