//! What a scalar of an `slo.yaml` means: Keptn reads it with Go's `yaml.v3`, whose rules are neither those
//! of YAML 1.1 nor of 1.2.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use crate::go::{Integer, parse_float, parse_integer};
use crate::yaml::YamlError;
use crate::yaml::source::{Content, Scalar, Tag, Written};

/// What a scalar is, before anybody asks for a certain kind.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Resolved {
    Null,
    Bool(bool),
    Integer(Integer),
    Float(f64),
    Text,
}

/// What a scalar is.
///
/// # Errors
/// Its tag names a kind that it is not of.
pub(crate) fn resolve(scalar: &Scalar) -> Result<Resolved, String> {
    let text = scalar.text.as_str();
    match scalar.tag {
        Tag::Text | Tag::Timestamp | Tag::Binary | Tag::Other => return Ok(Resolved::Text),
        Tag::None if !scalar.plain => return Ok(Resolved::Text),
        Tag::None | Tag::Bool | Tag::Int | Tag::Float | Tag::Null => {}
    }
    let found = untagged(text);
    match (scalar.tag, found) {
        (Tag::Bool, Resolved::Bool(_))
        | (Tag::Int, Resolved::Integer(_))
        | (Tag::Float, Resolved::Float(_))
        | (Tag::Null, Resolved::Null)
        | (Tag::None, _) => Ok(found),
        #[allow(clippy::cast_precision_loss, reason = "as Go does")]
        (Tag::Float, Resolved::Integer(Integer::Signed(number))) => {
            Ok(Resolved::Float(number as f64))
        }
        _ => Err(format!("{text:?} is not of the kind that its tag names")),
    }
}

fn untagged(text: &str) -> Resolved {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Resolved::Null,
        "true" | "True" | "TRUE" => return Resolved::Bool(true),
        "false" | "False" | "FALSE" => return Resolved::Bool(false),
        ".nan" | ".NaN" | ".NAN" => return Resolved::Float(f64::NAN),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => {
            return Resolved::Float(f64::INFINITY);
        }
        "-.inf" | "-.Inf" | "-.INF" => return Resolved::Float(f64::NEG_INFINITY),
        _ => {}
    }
    match text.as_bytes()[0] {
        b'.' => parse_float(text).map_or(Resolved::Text, Resolved::Float),
        b'0'..=b'9' | b'+' | b'-' => number(&text.replace('_', "")),
        _ => Resolved::Text,
    }
}

/// A number whose underscores are taken away, wherever they stood.
fn number(text: &str) -> Resolved {
    if let Some(integer) = parse_integer(text) {
        return Resolved::Integer(integer);
    }
    // Neither `0x1p4` nor `+inf`, which Go's own parser would take.
    if !text.contains(['x', 'X', 'n', 'N'])
        && let Ok(float) = parse_float(text)
    {
        return Resolved::Float(float);
    }
    // A sign may stand behind the prefix.
    let prefixed = |prefix, base| text.strip_prefix(prefix).map(|digits| (digits, base));
    if let Some((digits, base)) = prefixed("0b", 2).or_else(|| prefixed("0o", 8))
        && let Ok(number) = i64::from_str_radix(digits, base)
    {
        return Resolved::Integer(Integer::Signed(number));
    }
    Resolved::Text
}

/// Whether nothing is written there, or `null`.
pub(crate) fn is_null(node: &Written) -> bool {
    matches!(&node.content, Content::Scalar(scalar) if resolve(scalar) == Ok(Resolved::Null))
}

/// A text; none where it is null. Whatever is not null is taken as it is spelt.
pub(crate) fn text(node: &Written, what: &str) -> Result<Option<String>, YamlError> {
    let Content::Scalar(scalar) = &node.content else {
        return Err(node.error(format!("{what} must be a text")));
    };
    if resolve(scalar).map_err(|reason| node.error(reason))? == Resolved::Null {
        return Ok(None);
    }
    if scalar.tag != Tag::Binary {
        return Ok(Some(scalar.text.clone()));
    }
    let bytes = BASE64_STANDARD.decode(scalar.text.replace(['\n', '\r'], ""));
    let text = bytes.ok().and_then(|bytes| String::from_utf8(bytes).ok());
    text.map(Some).ok_or_else(|| node.error("this is not text in base64"))
}

/// A whole number; 0 where it is null. Fractions are cut off.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "as Go does on the usual processors"
)]
pub(crate) fn integer(node: &Written, what: &str) -> Result<i64, YamlError> {
    /// The first double that is too large.
    const END: f64 = i64::MAX as f64;
    let Content::Scalar(scalar) = &node.content else {
        return Err(node.error(format!("{what} must be a whole number")));
    };
    match resolve(scalar).map_err(|reason| node.error(reason))? {
        Resolved::Null => Ok(0),
        Resolved::Integer(Integer::Signed(number)) => Ok(number),
        Resolved::Float(float) if float < END => Ok(float as i64),
        // The last that Go lets pass, and then turns into the smallest number.
        Resolved::Float(END) => Ok(i64::MIN),
        _ => {
            let text = &scalar.text;
            let reason =
                format!("{what} must be a whole number without quotes, such as 2, not {text:?}");
            Err(node.error(reason))
        }
    }
}

/// Yes or no; no where it is null. The words of YAML 1.1 count, even in quotes.
pub(crate) fn flag(node: &Written, what: &str) -> Result<bool, YamlError> {
    let Content::Scalar(scalar) = &node.content else {
        return Err(node.error(format!("{what} must be true or false")));
    };
    match (resolve(scalar).map_err(|reason| node.error(reason))?, scalar.text.as_str()) {
        (Resolved::Null, _) => Ok(false),
        (Resolved::Bool(flag), _) => Ok(flag),
        (Resolved::Text, "y" | "Y" | "yes" | "Yes" | "YES" | "on" | "On" | "ON") => Ok(true),
        (Resolved::Text, "n" | "N" | "no" | "No" | "NO" | "off" | "Off" | "OFF") => Ok(false),
        (_, text) => {
            let reason = format!("{what} must be true or false without quotes, not {text:?}");
            Err(node.error(reason))
        }
    }
}

/// The items of a list; none where it is null.
pub(crate) fn items<'a>(node: &'a Written, what: &str) -> Result<&'a [Written], YamlError> {
    match &node.content {
        Content::List(items) => Ok(items),
        _ if is_null(node) => Ok(&[]),
        _ => Err(node.error(format!("{what} must be a list: begin each item with a dash"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::source::first_document;

    fn read<T>(text: &str, reader: fn(&Written, &str) -> Result<T, YamlError>) -> Option<T> {
        reader(&first_document(text).unwrap().unwrap(), "it").ok()
    }

    #[test]
    fn whole_numbers_are_read_as_go_reads_them() {
        for (text, number) in [
            ("2", 2),
            ("+2", 2),
            ("-2", -2),
            ("2.7", 2),
            ("-2.7", -2),
            ("0.5", 0),
            (".5e1", 5),
            ("1e3", 1000),
            ("0x10", 16),
            ("0b101", 5),
            ("0o17", 15),
            ("0b-1", -1),
            ("0o+7", 7),
            ("010", 8),
            ("08", 8),
            ("09.5", 9),
            ("1_0", 10),
            ("1__0_", 10),
            ("~", 0),
            ("null", 0),
            ("--- # nothing", 0),
            ("!!int \"3\"", 3),
            ("!!float 2", 2),
            ("-.inf", i64::MIN),
            ("9223372036854775807", i64::MAX),
            ("9223372036854775807.0", i64::MIN),
        ] {
            assert_eq!(read(text, integer), Some(number), "{text}");
        }
        for text in [
            "\"2\"",
            "'2'",
            "two",
            "true",
            "yes",
            "1,5",
            "5%",
            "[2]",
            "{a: 2}",
            ".inf",
            ".nan",
            "0x1p4",
            "+inf",
            "1e400",
            "9223372036854775808",
            "1e19",
            "!!str 2",
            "!!int two",
            "!own 2",
            "2020-01-01",
            "_1",
            "-",
        ] {
            assert_eq!(read(text, integer), None, "{text}");
        }
    }

    #[test]
    fn yes_and_no_have_many_names() {
        for text in ["true", "True", "TRUE", "yes", "Y", "on", "\"yes\"", "!!bool true"] {
            assert_eq!(read(text, flag), Some(true), "{text}");
        }
        for text in ["false", "FALSE", "no", "n", "Off", "'off'", "~"] {
            assert_eq!(read(text, flag), Some(false), "{text}");
        }
        for text in ["\"true\"", "1", "0", "yEs", "tRUE", "oN", "maybe", "!!bool yes", "[true]"] {
            assert_eq!(read(text, flag), None, "{text}");
        }
    }

    #[test]
    fn a_text_is_what_is_spelt() {
        for (spelt, expected) in [
            ("90", "90"),
            ("1.10", "1.10"),
            ("0x4B", "0x4B"),
            ("yes", "yes"),
            ("true", "true"),
            ("\"~\"", "~"),
            ("\"\"", ""),
            ("!!str ~", "~"),
            ("!!str", ""),
            ("!!binary aGk=", "hi"),
            ("!own x", "x"),
        ] {
            assert_eq!(read(spelt, text), Some(Some(expected.to_owned())), "{spelt}");
        }
        for spelt in ["~", "null", "NULL", "---\n"] {
            assert_eq!(read(spelt, text), Some(None), "{spelt:?}");
        }
        for spelt in ["[a]", "{a: b}", "!!int x", "!!binary \"?\""] {
            assert_eq!(read(spelt, text), None, "{spelt}");
        }
    }
}
