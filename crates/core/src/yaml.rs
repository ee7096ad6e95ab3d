//! YAML as a tree in which every value knows its place, read within limits.

mod finding;
mod quotes;
pub mod source;

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use serde_saphyr::{Spanned, budget, options};

use crate::excerpt::sentence;
pub use finding::Finding;
pub(crate) use finding::{meant, unknown_key};

/// The stack that a thread needs to read YAML up to every limit, in bytes, with room to spare: a
/// debug build uses up to 3 MiB.
pub const STACK_BYTES: usize = 8 * 1024 * 1024;

/// Largest file of a project that is read as YAML, in bytes.
pub const FILE_BYTES_MAX: usize = 1024 * 1024;
/// Deepest nesting.
const DEPTH_MAX: usize = 64;
/// Most nodes.
const NODES_MAX: usize = 100_000;
/// Most uses of anchors.
const ALIASES_MAX: usize = 1_000;

/// A place in a file, counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The line.
    pub line: u64,
    /// The column.
    pub column: u64,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// Why a text is no YAML that we read: place and reason.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {reason}")]
pub struct YamlError {
    /// Where.
    pub place: Place,
    /// What is wrong there.
    pub reason: String,
}

impl YamlError {
    /// An error at a place. A reason that quotes much of the file is shortened.
    pub(crate) fn new(place: Place, reason: impl Into<String>) -> Self {
        Self { place, reason: sentence(reason.into()) }
    }
}

/// One value and its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// Where it begins.
    pub place: Place,
    /// What it is.
    pub tree: Tree,
}

/// What a value is.
#[derive(Debug, Clone, PartialEq)]
pub enum Tree {
    /// Nothing, `null` or `~`.
    Null,
    /// `true` or `false`, and no other spelling.
    Bool(bool),
    /// A number.
    Number(Number),
    /// Any other scalar.
    Text(String),
    /// A list.
    List(Vec<Node>),
    /// A mapping, in file order. Keys are unique.
    Map(Vec<(Key, Node)>),
}

/// A key and its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// Where it begins.
    pub place: Place,
    /// The key.
    pub text: String,
}

/// Reads the first document. Keptn 1.4's readers look no further, either; whoever pushes such a file is told, see
/// [`several_documents`].
///
/// # Errors
/// The first thing that is not YAML, is there twice, or is over a limit.
pub fn parse(text: &str) -> Result<Node, YamlError> {
    let text = source::first_alone(text);
    let options = options! {
        strict_booleans: true,
        legacy_octal_numbers: true,
        budget: budget! {
            max_depth: DEPTH_MAX,
            flow_nesting_limit: DEPTH_MAX,
            max_nodes: NODES_MAX,
            max_aliases: ALIASES_MAX,
        },
        alias_limits: serde_saphyr::alias_limits! { max_total_replayed_events: NODES_MAX },
        with_snippet: false,
    };
    serde_saphyr::from_str_with_options(text, options).map_err(|error| {
        let place = error.location().map_or(Place { line: 1, column: 1 }, at);
        let whole = error.without_snippet().to_string();
        let reason = whole.lines().next().unwrap_or_default();
        // The library repeats the place at the end of its sentence.
        let reason =
            reason.split(" at line ").next().unwrap_or(reason).trim_end_matches([',', ':']);
        quotes::unquoted(YamlError::new(place, reason), text)
    })
}

/// That a file has more than one document, where it has.
#[must_use]
pub fn several_documents(text: &str) -> Option<Finding> {
    let place = source::further_document(text)?;
    Some(Finding::new(place, "only the first document counts; take the others away"))
}

/// Reads the first document of one of a project's files, which are no larger than [`FILE_BYTES_MAX`].
///
/// # Errors
/// As [`parse`]; and the file is larger.
pub fn parse_file(text: &str) -> Result<Node, YamlError> {
    if text.len() > FILE_BYTES_MAX {
        let reason = format!("the file is larger than {FILE_BYTES_MAX} bytes");
        return Err(YamlError::new(Place { line: 1, column: 1 }, reason));
    }
    parse(text)
}

/// The value of a key; none where the mapping has no such key.
#[must_use]
pub fn field<'a>(entries: &'a [(Key, Node)], name: &str) -> Option<&'a Node> {
    entries.iter().find(|(key, _)| key.text == name).map(|(_, node)| node)
}

fn at(location: serde_saphyr::Location) -> Place {
    Place { line: location.line(), column: location.column() }
}

impl Node {
    /// An error at this place.
    #[must_use]
    pub fn error(&self, reason: impl Into<String>) -> YamlError {
        YamlError::new(self.place, reason)
    }

    /// The entries of a mapping; none where it is null.
    ///
    /// # Errors
    /// It is something else; `what` says what it should have been.
    pub fn entries(&self, what: &str) -> Result<&[(Key, Self)], YamlError> {
        match &self.tree {
            Tree::Map(entries) => Ok(entries),
            Tree::Null => Ok(&[]),
            _ => Err(self.error(format!("{what} must be a mapping"))),
        }
    }

    /// The items of a list; none where it is null.
    ///
    /// # Errors
    /// It is something else; `what` says what it should have been.
    pub fn items(&self, what: &str) -> Result<&[Self], YamlError> {
        match &self.tree {
            Tree::List(items) => Ok(items),
            Tree::Null => Ok(&[]),
            _ => Err(self.error(format!("{what} must be a list"))),
        }
    }

    /// A scalar as text; empty where it is null.
    ///
    /// # Errors
    /// It is a list or a mapping.
    pub fn scalar(&self, what: &str) -> Result<String, YamlError> {
        match &self.tree {
            Tree::Null => Ok(String::new()),
            Tree::Bool(flag) => Ok(flag.to_string()),
            Tree::Number(number) => Ok(number.to_string()),
            Tree::Text(text) => Ok(text.clone()),
            Tree::List(_) | Tree::Map(_) => Err(self.error(format!("{what} must be a text"))),
        }
    }

    /// The value without its places.
    #[must_use]
    pub fn to_json(&self) -> Value {
        match &self.tree {
            Tree::Null => Value::Null,
            Tree::Bool(flag) => Value::Bool(*flag),
            Tree::Number(number) => Value::Number(number.clone()),
            Tree::Text(text) => Value::String(text.clone()),
            Tree::List(items) => items.iter().map(Self::to_json).collect(),
            Tree::Map(entries) => {
                let fields = entries.iter().map(|(key, node)| (key.text.clone(), node.to_json()));
                Value::Object(fields.collect::<Map<_, _>>())
            }
        }
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = Spanned::<Tree>::deserialize(deserializer)?;
        Ok(Self { place: at(spanned.referenced), tree: spanned.value })
    }
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TreeVisitor)
    }
}

struct TreeVisitor;

impl<'de> Visitor<'de> for TreeVisitor {
    type Value = Tree;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a YAML value")
    }

    fn visit_unit<E>(self) -> Result<Tree, E> {
        Ok(Tree::Null)
    }

    fn visit_none<E>(self) -> Result<Tree, E> {
        Ok(Tree::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, inner: D) -> Result<Tree, D::Error> {
        inner.deserialize_any(self)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Tree, E> {
        Ok(Tree::Bool(flag))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Tree, E> {
        Ok(Tree::Number(number.into()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Tree, E> {
        Ok(Tree::Number(number.into()))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Tree, E> {
        // `.inf` and `.nan` have no place in JSON; they stay what they look like.
        Ok(Number::from_f64(number).map_or_else(|| Tree::Text(number.to_string()), Tree::Number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Tree, E> {
        Ok(Tree::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Tree, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = access.next_element()? {
            items.push(item);
        }
        Ok(Tree::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Tree, A::Error> {
        let mut entries = Vec::new();
        while let Some(key) = access.next_key::<Spanned<String>>()? {
            let key = Key { place: at(key.referenced), text: key.value };
            entries.push((key, access.next_value()?));
        }
        Ok(Tree::Map(entries))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_keys_and_items_know_their_place() {
        let node = parse("a:\n  - x: 1\n  - \"2\"\nb: yes\n").unwrap();
        let entries = node.entries("file").unwrap();
        assert_eq!(entries[1].0.place, Place { line: 4, column: 1 });
        assert_eq!(entries[1].1.tree, Tree::Text("yes".into()));
        let items = entries[0].1.items("a").unwrap();
        assert_eq!(items[1].place, Place { line: 3, column: 5 });
        assert_eq!(items[1].tree, Tree::Text("2".into()));
        assert_eq!(items[0].entries("x").unwrap()[0].1.place, Place { line: 2, column: 8 });
        assert_eq!(node.to_json(), serde_json::json!({"a": [{"x": 1}, "2"], "b": "yes"}));
    }

    #[test]
    fn errors_have_a_place_and_one_line() {
        for (text, place) in [("a: 1\na: 2\n", "2:1"), ("a: [1\n", ""), ("a:\n\t- b\n", "2:")] {
            let error = parse(text).unwrap_err();
            assert!(error.to_string().starts_with(place), "{text:?}: {error}");
            assert!(!error.reason.contains('\n'), "{error}");
        }
    }

    #[test]
    fn only_the_first_document_counts_and_the_second_is_told() {
        let first = serde_json::json!({"a": "ü"});
        for (text, place) in [
            ("a: ü\n---\nb: 2\n", Some("2:1")),
            ("\u{feff}a: ü\n", None),
            ("# x\n--- # y\na: ü\n", None),
            ("a: ü\n...\n", None),
            ("a: ü\r\n--- {b: 2}\n---\n{{{", Some("2:1")),
            ("a: ü\n...\n%YAML 1.2\n---\nb: 2\n", Some("4:1")),
        ] {
            assert_eq!(parse(text).map(|node| node.to_json()), Ok(first.clone()), "{text:?}");
            let said = several_documents(text).map(|said| said.to_string());
            let expected = place.map(|place| {
                format!("{place}: only the first document counts; take the others away")
            });
            assert_eq!(said, expected, "{text:?}");
        }
    }

    #[test]
    fn what_begins_with_an_angle_and_no_quote_is_told_to_be_quoted() {
        for (text, says) in [
            (
                "a:\n  - >10\nb: 1\n",
                "2:5: what begins with > must be in quotes, since it is taken for a \
                                     block of text; write '>10'",
            ),
            ("- >=10 # ms\n", "write '>=10'"),
            ("- >0\n", "write '>0'"),
            ("c: [>10%, '<5']\n", "write '>10%'"),
            ("c: {d: >.5}\n", "write '>.5'"),
            ("- |x\n", "1:3: what begins with | must be in quotes"),
        ] {
            let by_place = source::first_document(text).unwrap_err().to_string();
            assert_eq!(parse(text).unwrap_err().to_string(), by_place, "{text:?}");
            assert!(by_place.contains(says), "{by_place}");
        }
        // This is a block of text, and an empty one.
        assert!(parse("- >-5\n").is_ok());
    }

    #[test]
    fn a_file_that_is_too_large_is_not_even_looked_at() {
        let error = parse_file(&"#".repeat(FILE_BYTES_MAX + 1)).unwrap_err().to_string();
        assert_eq!(error, "1:1: the file is larger than 1048576 bytes");
        assert!(parse_file(&"#".repeat(FILE_BYTES_MAX)).is_ok());
    }

    #[test]
    fn bombs_are_refused() {
        let thread = std::thread::Builder::new().stack_size(STACK_BYTES);
        thread.spawn(refuse_bombs).unwrap().join().unwrap();
    }

    fn refuse_bombs() {
        let deep = format!("a: {}{}", "[".repeat(1000), "]".repeat(1000));
        assert!(parse(&deep).is_err());
        let mut nested = String::new();
        for depth in 0..1000 {
            nested.push_str(&" ".repeat(depth));
            nested.push_str("a:\n");
        }
        assert!(parse(&nested).is_err());
        let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x]\n");
        for level in 1..9 {
            let last = format!("*a{}", level - 1);
            let items = vec![last; 9].join(", ");
            bomb.push_str(&format!("a{level}: &a{level} [{items}]\n"));
        }
        assert!(parse(&bomb).is_err());
        let wide: String = (0..NODES_MAX).map(|_| "- 1\n").collect();
        assert!(parse(&wide).is_err());
    }
}
