//! The headers that an endpoint wants, and keeping them out of what it says.

use std::collections::BTreeMap;
use std::env;
use std::fmt;
use std::fs::File;
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use reqwest::header::{ACCEPT, HeaderMap, HeaderName, HeaderValue};
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, MapAccess, Unexpected, Visitor};
use serde::{Deserialize, Deserializer};
use tidegate_identity::Secret;

use crate::mask::Mask;

/// Longest value of a header, in bytes.
const VALUE_BYTES_MAX: usize = 4 * 1024;
/// Shortest value that is hidden, in bytes: less is in every text.
const SECRET_BYTES_MIN: usize = 4;
/// Shortest part of a value that is hidden by itself, in bytes: `Bearer` is no secret.
const PART_BYTES_MIN: usize = 8;

/// Where the value of a header comes from.
#[derive(Debug, Clone)]
pub(super) enum Source {
    /// It is written here.
    Text(Secret),
    /// A file holds it; blanks and line breaks at its end are no part of it.
    File {
        path: PathBuf,
        /// What stands before it, such as `Bearer `.
        prefix: String,
    },
    /// A variable of the environment holds it.
    Variable {
        name: String,
        /// What stands before it, such as `Bearer `.
        prefix: String,
    },
}

impl Source {
    pub(super) fn is_secret(&self) -> bool {
        matches!(self, Self::Text(_))
    }

    fn value(&self) -> Result<Secret, String> {
        match self {
            Self::Text(text) => Ok(text.clone()),
            Self::File { path, prefix } => Ok(Secret::new(format!("{prefix}{}", read(path)?))),
            Self::Variable { name, prefix } => match env::var(name) {
                Ok(text) if !text.is_empty() => Ok(Secret::new(format!("{prefix}{text}"))),
                Ok(_) | Err(env::VarError::NotPresent) => {
                    Err(format!("the variable {name} is not set"))
                }
                Err(env::VarError::NotUnicode(_)) => {
                    Err(format!("the variable {name} is not UTF-8"))
                }
            },
        }
    }
}

/// A source that is not written out.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Elsewhere {
    file: Option<PathBuf>,
    env: Option<String>,
    #[serde(default)]
    prefix: String,
}

/// Not derived: that would take a list for a table, and what somebody wrote for a secret for a path to show.
impl<'de> Deserialize<'de> for Source {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OfSource)
    }
}

struct OfSource;

impl<'de> Visitor<'de> for OfSource {
    type Value = Source;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text, { file = \"…\" } or { env = \"…\" }")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Source, E> {
        Ok(Source::Text(Secret::new(text)))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Source, A::Error> {
        let Elsewhere { file, env, prefix } =
            Elsewhere::deserialize(MapAccessDeserializer::new(map))?;
        match (file, env) {
            (Some(path), None) => Ok(Source::File { path, prefix }),
            (None, Some(name)) => Ok(Source::Variable { name, prefix }),
            _ => Err(de::Error::invalid_value(Unexpected::Map, &self)),
        }
    }
}

fn read(path: &Path) -> Result<String, String> {
    let shown = path.display();
    let cannot = |error: std::io::Error| format!("cannot read {shown}: {error}");
    let file = File::open(path).map_err(cannot)?;
    let mode = file.metadata().map_err(cannot)?.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(format!(
            "{shown} holds a secret and others can read it (mode {mode:03o}); run: chmod 600 {shown}"
        ));
    }
    let mut text = String::new();
    // One byte more shows that it is too long.
    file.take(VALUE_BYTES_MAX as u64 + 1).read_to_string(&mut text).map_err(cannot)?;
    match text.trim_end() {
        "" => Err(format!("{shown} is empty")),
        text => Ok(text.to_owned()),
    }
}

/// What an endpoint is told with every question.
pub(super) struct Headers {
    all: HeaderMap,
    /// In every form in which an answer may repeat them.
    hidden: Vec<String>,
}

impl Headers {
    /// Reads them from where they are.
    ///
    /// # Errors
    /// Which cannot be read or sent, and why. It shows no value.
    pub(super) fn of(sources: BTreeMap<String, Source>) -> Result<Self, String> {
        let mut all =
            HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static("application/json"))]);
        let mut hidden = Vec::new();
        for (name, source) in sources {
            let about = |why: &str| format!("header {name:?} {why}");
            let secret = source.value().map_err(|why| about(&format!("has no value: {why}")))?;
            let text = secret.expose();
            if text.len() > VALUE_BYTES_MAX {
                return Err(about(&format!("has a value of more than {VALUE_BYTES_MAX} bytes")));
            }
            let header = HeaderName::from_bytes(name.as_bytes());
            let header = header.map_err(|_| about("has no name that HTTP knows"))?;
            let value = HeaderValue::from_str(text);
            let mut value = value.map_err(|_| about("has a value that HTTP cannot carry"))?;
            value.set_sensitive(true);
            all.insert(header, value);
            hidden.extend(forms(text));
        }
        Ok(Self { all, hidden })
    }

    pub(super) fn all(&self) -> HeaderMap {
        self.all.clone()
    }

    /// The text without them.
    pub(super) fn hide(&self, text: &str) -> String {
        Mask::text(&self.hidden, text)
    }
}

/// A value and its longer parts, such as the token behind `Bearer`, as they are and as JSON writes them.
fn forms(value: &str) -> Vec<String> {
    let parts = value.split([' ', '\t', ',', ';', ':', '=', '"', '\'']);
    let whole = Some(value.trim()).filter(|whole| whole.len() >= SECRET_BYTES_MIN);
    let all = parts.filter(|part| part.len() >= PART_BYTES_MIN).chain(whole);
    let written = all.flat_map(|text| {
        let json = text.replace('\\', "\\\\").replace('"', "\\\"");
        let slashes = json.replace('/', "\\/");
        [text.to_owned(), json, slashes]
    });
    let mut forms: Vec<String> = written.collect();
    forms.sort_unstable();
    forms.dedup();
    forms
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn headers(json: &str) -> Result<Headers, String> {
        Headers::of(serde_json::from_str(json).unwrap())
    }

    fn secret_file(text: &str, mode: u32) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), text).unwrap();
        fs::set_permissions(file.path(), fs::Permissions::from_mode(mode)).unwrap();
        file
    }

    fn of_file(file: &tempfile::NamedTempFile) -> Result<Headers, String> {
        let path = file.path().display();
        headers(&format!(r#"{{"authorization": {{"file": "{path}", "prefix": "Bearer "}}}}"#))
    }

    #[test]
    fn a_value_comes_from_the_configuration_a_file_or_a_variable() {
        let file = secret_file("hunter2hunter2\n", 0o400);
        assert_eq!(of_file(&file).unwrap().all()["authorization"], "Bearer hunter2hunter2");
        let all = headers(r#"{"X-Key": "abc", "accept": "text/json"}"#).unwrap().all();
        assert_eq!(
            (&all["x-key"], &all["accept"]),
            (&"abc".parse().unwrap(), &"text/json".parse().unwrap())
        );
        assert_eq!(headers("{}").unwrap().all()["accept"], "application/json");
        // Cargo sets it for every test.
        let all = headers(r#"{"x": {"env": "CARGO_PKG_NAME", "prefix": "a "}}"#).unwrap().all();
        assert_eq!(all["x"], "a tidegate-integrations");
        assert!(
            all.values()
                .filter(|value| *value != "application/json")
                .all(HeaderValue::is_sensitive)
        );
    }

    #[test]
    fn a_value_that_cannot_be_had_is_said_without_it() {
        for (file, says) in [
            (secret_file("hunter2hunter2", 0o644), "others can read it (mode 644); run: chmod 600"),
            (secret_file("hunter2hunter2", 0o640), "others can read it (mode 640)"),
            (secret_file(" \n", 0o600), "is empty"),
            (secret_file(&"hunter2".repeat(1_000), 0o600), "has a value of more than 4096 bytes"),
            (secret_file("hunter2\nhunter2", 0o600), "has a value that HTTP cannot carry"),
        ] {
            let error = of_file(&file).err().unwrap();
            assert!(error.contains(says) && !error.contains("hunter2"), "{error}");
        }
        let error = headers(r#"{"x": {"env": "TIDEGATE_NO_SUCH_VARIABLE"}}"#).err().unwrap();
        assert_eq!(
            error,
            "header \"x\" has no value: the variable TIDEGATE_NO_SUCH_VARIABLE is not set"
        );
        assert!(
            headers(r#"{"x": {"file": "/no/such/file"}}"#)
                .err()
                .unwrap()
                .contains("cannot read /no/such")
        );
    }

    #[test]
    fn a_source_is_one_of_three() {
        for json in [
            r#"{"x": 7}"#,
            r#"{"x": {}}"#,
            r#"{"x": ["hunter2"]}"#,
            r#"{"x": {"file": "hunter2", "env": "hunter2"}}"#,
        ] {
            let error = serde_json::from_str::<BTreeMap<String, Source>>(json).unwrap_err();
            let error = error.to_string();
            assert!(error.contains(", expected a text, { file = "), "{json}: {error}");
            assert!(!error.contains("hunter2"), "{error}");
        }
        let unknown = r#"{"x": {"file": "a", "mode": "b"}}"#;
        assert!(serde_json::from_str::<BTreeMap<String, Source>>(unknown).is_err());
    }

    #[test]
    fn an_answer_that_repeats_a_header_is_shown_without_it() {
        let shown = |value: &str, answer: &str| {
            let value = serde_json::to_string(value).unwrap();
            headers(&format!(r#"{{"authorization": {value}}}"#)).unwrap().hide(answer)
        };
        for (value, answer, expected) in [
            ("Bearer abc/def+123==", "no such token: abc/def+123==!", "no such token: ***==!"),
            ("Bearer abc/def+123==", "Bearer abc\\/def+123==", "***"),
            ("Bearer abc/def+123==", "a Bearer token is missing", "a Bearer token is missing"),
            (
                "Token token=\"abcdefgh\"",
                "{\"e\":\"Token token=\\\"abcdefgh\\\"\"}",
                "{\"e\":\"***\"}",
            ),
            ("Token token=\"abcdefgh\"", "abcdefgh is wrong", "*** is wrong"),
            ("hunter2", "key hunter2", "key ***"),
            ("7", "7 of 7", "7 of 7"),
        ] {
            assert_eq!(shown(value, answer), expected, "{value}");
        }
    }
}
