//! YAML as it is written: the first document of a file, every scalar as its text, with what tells how it
//! is meant (quoted or not, its tag). For files whose readers have rules of their own for what a scalar
//! means.

use std::collections::HashMap;

use serde_saphyr::granit_parser::{self, Event, Parser, ScalarStyle, ScanError, Span};

use super::quotes::unquoted;
use super::{ALIASES_MAX, DEPTH_MAX, NODES_MAX, Place, YamlError};

/// One value and its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// Where it begins.
    pub place: Place,
    /// What is written there.
    pub content: Content,
}

/// What is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// A single value.
    Scalar(Scalar),
    /// A list.
    List(Vec<Written>),
    /// A mapping, in file order. A key may be anything, and may be there more than once.
    Map(Vec<(Written, Written)>),
}

/// A single value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scalar {
    /// Its text, after escapes. Empty where nothing is written.
    pub text: String,
    /// Neither in quotes nor as a block.
    pub plain: bool,
    /// The kind that its tag names.
    pub tag: Tag,
}

/// The kind that a tag names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tag {
    /// There is none.
    None,
    /// `!!str`
    Text,
    /// `!!bool`
    Bool,
    /// `!!int`
    Int,
    /// `!!float`
    Float,
    /// `!!null`
    Null,
    /// `!!timestamp`
    Timestamp,
    /// `!!binary`
    Binary,
    /// Any other.
    Other,
}

/// Reads the first document; none where there is not even an empty one. What follows it is not looked at.
///
/// # Errors
/// The first thing that is not YAML or over a limit.
pub fn first_document(text: &str) -> Result<Option<Written>, YamlError> {
    // YAML 1.1, which such readers hold to, breaks lines at these as well.
    let text = text.replace(['\u{85}', '\u{2028}', '\u{2029}'], "\n");
    document(&text).map_err(|error| unquoted(error, &text))
}

fn document(text: &str) -> Result<Option<Written>, YamlError> {
    let options = granit_parser::options! {
        flow_nesting_limit: DEPTH_MAX,
        block_nesting_limit: DEPTH_MAX,
        bom_inside_document_as_content: true,
        block_scalar_eof_without_line_feed: true,
        emit_comments: false,
    };
    let parser = Parser::new_from_str_with_options(text, options);
    let mut reader =
        Reader { events: parser, anchors: HashMap::new(), nodes: 0, aliases: 0, depth: 0 };
    loop {
        match reader.next()? {
            (Event::DocumentStart(..), _) => {
                let (event, span) = reader.next()?;
                return reader.value(event, span).map(Some);
            }
            (Event::StreamEnd, _) => return Ok(None),
            _ => {}
        }
    }
}

/// Where a second document begins, which [`first_document`] does not read.
#[must_use]
pub fn further_document(text: &str) -> Option<Place> {
    let begin = |(event, span): (Event<'_>, Span)| {
        matches!(event, Event::DocumentStart(..)).then(|| at(&span))
    };
    events(text).filter_map(begin).nth(1)
}

/// The text up to the end of its first document; all of it where nothing ends that before.
pub(super) fn first_alone(text: &str) -> &str {
    let end = |(event, span): (Event<'_>, Span)| {
        matches!(event, Event::DocumentEnd).then(|| span.start.byte_offset()).flatten()
    };
    let cut = events(text).find_map(end).and_then(|end| text.split_at_checked(end));
    match cut {
        Some((first, rest)) if rest.starts_with("---") || rest.starts_with("...") => first,
        _ => text,
    }
}

/// What stands in a text, up to the first thing that is not YAML.
fn events(text: &str) -> impl Iterator<Item = (Event<'_>, Span)> {
    let parser = Parser::new_from_str_with_options(
        text,
        granit_parser::options! {
            emit_comments: false,
        },
    );
    parser.map_while(Result::ok)
}

struct Reader<'a> {
    events: Parser<'a, granit_parser::StrInput<'a>>,
    /// What has a name, by the parser's number for it.
    anchors: HashMap<usize, Written>,
    nodes: usize,
    aliases: usize,
    depth: usize,
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Result<(Event<'a>, Span), YamlError> {
        match self.events.next_event() {
            Some(Ok(next)) => Ok(next),
            Some(Err(error)) => Err(unreadable(&error)),
            None => Ok((Event::StreamEnd, Span::default())),
        }
    }

    fn value(&mut self, event: Event<'a>, span: Span) -> Result<Written, YamlError> {
        let place = at(&span);
        self.count(place, 1)?;
        let (content, anchor) = match event {
            Event::Scalar(text, style, anchor, tag) => {
                let tag = tag.map_or(Tag::None, |tag| kind(&tag));
                // The parser writes `~` where nothing is written.
                let absent = style == ScalarStyle::Plain && span.start == span.end;
                let text = if absent { String::new() } else { text.into_owned() };
                let plain = style == ScalarStyle::Plain;
                (Content::Scalar(Scalar { text, plain, tag }), anchor)
            }
            Event::SequenceStart(_, anchor, _) => (Content::List(self.list(place)?), anchor),
            Event::MappingStart(_, anchor, _) => (Content::Map(self.map(place)?), anchor),
            Event::Alias(anchor) => return self.alias(anchor, place),
            _ => return Err(error(place, "here a value is missing")),
        };
        let written = Written { place, content };
        if anchor != 0 {
            self.anchors.insert(anchor, written.clone());
        }
        Ok(written)
    }

    fn list(&mut self, place: Place) -> Result<Vec<Written>, YamlError> {
        self.enter(place)?;
        let mut items = Vec::new();
        loop {
            match self.next()? {
                (Event::SequenceEnd, _) => break,
                (event, span) => items.push(self.value(event, span)?),
            }
        }
        self.depth -= 1;
        Ok(items)
    }

    fn map(&mut self, place: Place) -> Result<Vec<(Written, Written)>, YamlError> {
        self.enter(place)?;
        let mut entries = Vec::new();
        loop {
            match self.next()? {
                (Event::MappingEnd, _) => break,
                (event, span) => {
                    let key = self.value(event, span)?;
                    if span.start == span.end {
                        return Err(key.error("here the name before the colon is missing"));
                    }
                    let (event, span) = self.next()?;
                    entries.push((key, self.value(event, span)?));
                }
            }
        }
        self.depth -= 1;
        Ok(entries)
    }

    fn alias(&mut self, anchor: usize, place: Place) -> Result<Written, YamlError> {
        self.aliases += 1;
        if self.aliases > ALIASES_MAX {
            return Err(error(place, format!("more than {ALIASES_MAX} aliases")));
        }
        // It gets its name when it has ended, so what holds itself has none yet.
        let Some(named) = self.anchors.get(&anchor) else {
            return Err(error(place, "an alias stands inside of what it names"));
        };
        let (content, nodes) = (named.content.clone(), named.nodes());
        self.count(place, nodes)?;
        Ok(Written { place, content })
    }

    fn enter(&mut self, place: Place) -> Result<(), YamlError> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(error(place, format!("nested deeper than {DEPTH_MAX} levels")));
        }
        Ok(())
    }

    fn count(&mut self, place: Place, nodes: usize) -> Result<(), YamlError> {
        self.nodes += nodes;
        if self.nodes > NODES_MAX {
            return Err(error(place, format!("more than {NODES_MAX} values")));
        }
        Ok(())
    }
}

impl Written {
    /// How many values there are in it, itself and aliases' among them.
    fn nodes(&self) -> usize {
        1 + match &self.content {
            Content::Scalar(_) => 0,
            Content::List(items) => items.iter().map(Self::nodes).sum(),
            Content::Map(entries) => {
                entries.iter().map(|(key, value)| key.nodes() + value.nodes()).sum()
            }
        }
    }

    /// An error at this place.
    #[must_use]
    pub fn error(&self, reason: impl Into<String>) -> YamlError {
        error(self.place, reason)
    }
}

fn error(place: Place, reason: impl Into<String>) -> YamlError {
    YamlError::new(place, reason)
}

fn at(span: &Span) -> Place {
    place(span.start.line(), span.start.col())
}

/// The parser counts columns from 0.
fn place(line: usize, column: usize) -> Place {
    let number = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
    Place { line: number(line), column: number(column).saturating_add(1) }
}

fn unreadable(scan: &ScanError) -> YamlError {
    let marker = scan.marker();
    error(place(marker.line(), marker.col()), scan.info())
}

fn kind(tag: &granit_parser::Tag) -> Tag {
    match tag.suffix_in_namespace("tag:yaml.org,2002:").as_deref() {
        Some("str") => Tag::Text,
        Some("bool") => Tag::Bool,
        Some("int") => Tag::Int,
        Some("float") => Tag::Float,
        Some("null") => Tag::Null,
        Some("timestamp") => Tag::Timestamp,
        Some("binary") => Tag::Binary,
        Some(_) => Tag::Other,
        // A lone `!` says nothing.
        None if matches!(tag.original().as_str(), "" | "!") => Tag::None,
        None => Tag::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Written {
        first_document(text).unwrap().unwrap()
    }

    fn scalar(text: &str, plain: bool, tag: Tag) -> Content {
        Content::Scalar(Scalar { text: text.to_owned(), plain, tag })
    }

    fn items(written: &Written) -> &[Written] {
        let Content::List(items) = &written.content else { panic!("{written:?}") };
        items
    }

    #[test]
    fn a_scalar_is_what_is_written_with_how_it_is_written() {
        let list = read(
            "- 010\n- \"2\"\n- 'x''y'\n- yes\n- !!int \"3\"\n- ! 5\n- !own 6\n- |\n  a\n-\n- ~",
        );
        let expected = [
            scalar("010", true, Tag::None),
            scalar("2", false, Tag::None),
            scalar("x'y", false, Tag::None),
            scalar("yes", true, Tag::None),
            scalar("3", false, Tag::Int),
            scalar("5", true, Tag::None),
            scalar("6", true, Tag::Other),
            scalar("a\n", false, Tag::None),
            scalar("", true, Tag::None),
            scalar("~", true, Tag::None),
        ];
        let found: Vec<_> = items(&list).iter().map(|item| item.content.clone()).collect();
        assert_eq!(found, expected);
        assert_eq!(items(&list)[4].place.line, 5);
        assert_eq!(items(&list)[1].place, Place { line: 2, column: 3 });
    }

    #[test]
    fn an_alias_is_what_it_names_and_stands_where_it_is_used() {
        let list = read("- &a [1, {x: 2}]\n- *a\n");
        let (first, second) = (&items(&list)[0], &items(&list)[1]);
        assert_eq!(first.content, second.content);
        assert_eq!(second.place, Place { line: 2, column: 3 });
        for (text, says) in [("- *a\n", "1:3"), ("&a [*a]\n", "1:5: an alias stands inside")] {
            let error = first_document(text).unwrap_err().to_string();
            assert!(error.starts_with(says), "{error}");
        }
    }

    #[test]
    fn only_the_first_document_counts() {
        assert_eq!(first_document("").unwrap(), None);
        assert_eq!(first_document("# nothing\n\n").unwrap(), None);
        assert_eq!(read("---\n# nothing\n").content, scalar("", true, Tag::None));
        assert_eq!(read("a\n---\n{{{\n").content, scalar("a", true, Tag::None));
        assert_eq!(read("a\n...\n---\n\t- {\n").content, scalar("a", true, Tag::None));
    }

    #[test]
    fn lines_break_where_yaml_1_1_breaks_them() {
        let list = read("- a\u{85}- b\u{2028}- c # d\u{2029}- e\n");
        let places: Vec<_> = items(&list).iter().map(|item| item.place.to_string()).collect();
        assert_eq!(places, ["1:3", "2:3", "3:3", "4:3"]);
    }

    #[test]
    fn errors_have_a_place_and_one_line() {
        for (text, place) in
            [("a: [1\n", ""), ("a:\n\t- b\n", "2:"), ("a: 1\n b: 2\n", "2:"), ("a: 1\n: 2", "2:1")]
        {
            let error = first_document(text).unwrap_err();
            assert!(error.to_string().starts_with(place), "{text:?}: {error}");
            assert!(!error.reason.contains('\n'), "{error}");
        }
    }

    #[test]
    fn bombs_are_refused() {
        let deep = format!("a: {}{}", "[".repeat(1000), "]".repeat(1000));
        let nested: String = (0..1000).map(|depth| format!("{}a:\n", " ".repeat(depth))).collect();
        let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x]\n");
        for level in 1..9 {
            let items = vec![format!("*a{}", level - 1); 9].join(", ");
            bomb.push_str(&format!("a{level}: &a{level} [{items}]\n"));
        }
        let wide = "- 1\n".repeat(NODES_MAX);
        let aliases = format!("- &a x\n{}", "- *a\n".repeat(ALIASES_MAX + 1));
        for text in [deep, nested, bomb, wide, aliases] {
            assert!(first_document(&text).is_err(), "{}", &text[..60]);
        }
    }
}
