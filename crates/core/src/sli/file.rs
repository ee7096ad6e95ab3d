//! SLI files, such as `prometheus/sli.yaml`: the query for each indicator. A provider looks for its file at
//! the project, the stage and the service, and the closest one wins, indicator by indicator.

use std::collections::BTreeMap;
use std::fmt;

use crate::yaml::{self, Node, Place, YamlError};

/// One SLI file: `{spec_version, indicators: {name: query}}`. Other keys, and the version, mean nothing to
/// Keptn 1.4 either.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SliFile {
    /// The indicators, in file order. Names are unique.
    pub indicators: Vec<Indicator>,
}

/// An indicator of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Indicator {
    /// Its name, which the objectives of `slo.yaml` use.
    pub name: String,
    /// What the provider asks for it, in the provider's language; empty where nothing is written.
    pub query: String,
    /// Where the query begins.
    pub place: Place,
}

impl SliFile {
    /// Reads a file. One without `indicators` has none.
    ///
    /// # Errors
    /// It is no YAML, too large, or not of that shape: with the place.
    pub fn parse(text: &str) -> Result<Self, YamlError> {
        let file = yaml::parse_file(text)?;
        let Some(listed) = yaml::field(file.entries("an SLI file")?, "indicators") else {
            return Ok(Self::default());
        };
        let entries = listed.entries("indicators")?;
        let indicators = entries.iter().map(|(key, node)| indicator(&key.text, node));
        Ok(Self { indicators: indicators.collect::<Result<_, _>>()? })
    }
}

fn indicator(name: &str, node: &Node) -> Result<Indicator, YamlError> {
    let query = node.scalar(&format!("the query of indicator {name:?}"))?;
    Ok(Indicator { name: name.to_owned(), query, place: node.place })
}

/// Where a file lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// At the top of the project's main branch.
    Project,
    /// At the top of the stage's branch.
    Stage,
    /// In the directory of the service, on the stage's branch.
    Service,
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Project => "project",
            Self::Stage => "stage",
            Self::Service => "service",
        })
    }
}

/// Why the files of a provider cannot be used. Keptn 1.4 ends the whole question as errored.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SliFileError {
    /// A file cannot be read.
    #[error("{path} of the {level}: {error}")]
    Unreadable {
        /// Its path.
        path: String,
        /// Where it lies.
        level: Level,
        /// What is wrong, and where in it.
        error: YamlError,
    },
    /// There is a file, and up to it not a single indicator.
    #[error("missing required field: indicators ({path} of the {level})")]
    Empty {
        /// Its path.
        path: String,
        /// Where it lies.
        level: Level,
    },
}

/// The queries of a service: its project's, its stage's and its own files as one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Queries(BTreeMap<String, String>);

impl Queries {
    /// Merges the files that there are at `path`: service over stage over project, whatever order they come
    /// in. An indicator can be written anew, not taken away.
    ///
    /// # Errors
    /// The first file that cannot be read, or that leaves it at no indicator at all.
    pub fn merge(path: &str, files: &[(Level, &str)]) -> Result<Self, SliFileError> {
        let mut files = files.to_vec();
        files.sort_by_key(|(level, _)| *level);
        let mut queries = BTreeMap::new();
        for (level, text) in files {
            let path = || path.to_owned();
            let file = SliFile::parse(text).map_err(|error| SliFileError::Unreadable {
                path: path(),
                level,
                error,
            })?;
            queries.extend(file.indicators.into_iter().map(|i| (i.name, i.query)));
            if queries.is_empty() {
                return Err(SliFileError::Empty { path: path(), level });
            }
        }
        Ok(Self(queries))
    }

    /// The query of an indicator; none where no file has one, or the closest has an empty one.
    #[must_use]
    pub fn get(&self, indicator: &str) -> Option<&str> {
        self.0.get(indicator).map(String::as_str).filter(|query| !query.is_empty())
    }

    /// The names of all indicators, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATH: &str = "prometheus/sli.yaml";

    #[test]
    fn a_file_is_its_indicators_with_their_places() {
        let text = "---\nspec_version: '1.0'\nowner: me\nindicators:\n  rps: sum(rate(x{a=\"b\"}[1m]))\n  \
                    \"error rate\": |\n    a\n    / b\n  one: 1\n  none:\n";
        let file = SliFile::parse(text).unwrap();
        let found: Vec<_> =
            file.indicators.iter().map(|i| (i.name.as_str(), i.query.as_str())).collect();
        let expected = [
            ("rps", "sum(rate(x{a=\"b\"}[1m]))"),
            ("error rate", "a\n/ b\n"),
            ("one", "1"),
            ("none", ""),
        ];
        assert_eq!(found, expected);
        assert_eq!(file.indicators[0].place, Place { line: 5, column: 8 });
    }

    #[test]
    fn a_file_without_indicators_has_none() {
        for text in ["", "---\n", "# nothing\n", "spec_version: '1.0'\n", "indicators:\n"] {
            assert_eq!(SliFile::parse(text).unwrap(), SliFile::default(), "{text:?}");
        }
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        for (text, says) in [
            ("indicators: [a]\n", "1:13: indicators must be a mapping"),
            ("- a\n", "1:1: an SLI file must be a mapping"),
            ("indicators:\n  a: {b: c}\n", "2:6: the query of indicator \"a\" must be a text"),
            ("indicators:\n  a: b\n  a: c\n", "3:3: "),
            ("indicators:\n\ta: b\n", "2:"),
        ] {
            let error = SliFile::parse(text).unwrap_err().to_string();
            assert!(error.starts_with(says), "{text:?}: {error}");
        }
        assert!(SliFile::parse(&"#".repeat(yaml::FILE_BYTES_MAX + 1)).is_err());
    }

    #[test]
    fn the_service_wins_over_the_stage_over_the_project() {
        let files = [
            (Level::Service, "indicators: {b: service}"),
            (Level::Project, "indicators: {a: project, b: project, c: project}"),
            (Level::Stage, "indicators: {b: stage, c: stage}"),
        ];
        let queries = Queries::merge(PATH, &files).unwrap();
        assert_eq!(queries.names().collect::<Vec<_>>(), ["a", "b", "c"]);
        assert_eq!(queries.get("a"), Some("project"));
        assert_eq!(queries.get("b"), Some("service"));
        assert_eq!(queries.get("c"), Some("stage"));
        assert_eq!(queries.get("d"), None);
    }

    #[test]
    fn an_empty_query_is_none() {
        let files = [(Level::Project, "indicators: {a: x}"), (Level::Service, "indicators: {a: }")];
        assert_eq!(Queries::merge(PATH, &files).unwrap().get("a"), None);
    }

    #[test]
    fn no_file_is_no_query_and_no_error() {
        assert_eq!(Queries::merge(PATH, &[]).unwrap(), Queries::default());
    }

    #[test]
    fn a_file_that_leaves_it_at_no_indicator_is_an_error() {
        let empty = |files: &[(Level, &str)]| Queries::merge(PATH, files).unwrap_err().to_string();
        // Keptn 1.4: also where a closer file would have had some.
        let files = [(Level::Stage, "indicators: {}"), (Level::Service, "indicators: {a: b}")];
        let says = "missing required field: indicators (prometheus/sli.yaml of the stage)";
        assert_eq!(empty(&files), says);
        let files = [(Level::Project, "indicators: {a: b}"), (Level::Service, "{}")];
        assert!(Queries::merge(PATH, &files).is_ok());
    }

    #[test]
    fn an_unreadable_file_is_named_with_its_level() {
        let error = Queries::merge(PATH, &[(Level::Service, "indicators: 1\n")]).unwrap_err();
        let says = "prometheus/sli.yaml of the service: 1:13: indicators must be a mapping";
        assert_eq!(error.to_string(), says);
    }
}
