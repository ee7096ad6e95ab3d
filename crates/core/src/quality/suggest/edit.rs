//! Adding a criterion to the text of an `slo.yaml`: only insertions, so that comments, order and spelling stay.
//! What comes out is read again, and counts only where it says what was there, and the criterion.

use crate::quality::Slo;
use crate::quality::slo::{Criterion, Group, Objective};
use crate::yaml::source::{Content, Written, first_document};

/// Where a criterion goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// To every group of the pass criteria of an objective, by its number.
    Groups(usize),
    /// To an objective that has no pass criteria, by its number.
    Pass(usize),
    /// To an objective of its own.
    New,
}

/// A piece of text, and the byte before which it goes.
type Insertion = (usize, String);

/// The text with the criterion; none where it cannot be written without changing what is there.
pub(super) fn add(text: &str, place: &Place, sli: &str, criterion: &str) -> Option<String> {
    let document = first_document(text).ok()?;
    let source = Source { text, newline: if text.contains("\r\n") { "\r\n" } else { "\n" } };
    let objectives = document.as_ref().and_then(|file| entry(file, "objectives"));
    let value = format!("'{criterion}'");
    let mut insertions = match *place {
        Place::Groups(index) => source.groups(nth(objectives?.1, index)?, &value)?,
        Place::Pass(index) => vec![source.pass(nth(objectives?.1, index)?, &value)?],
        Place::New => vec![source.objective(objectives.map(|(_, list)| list), sli, &value)?],
    };
    let mut lengthened = text.to_owned();
    // From the end on, so that no place moves; an alias leads to what stands elsewhere.
    insertions.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
    for (at, piece) in &insertions {
        lengthened.insert_str(*at, piece);
    }
    let is_first =
        matches!(place, Place::New) && insertions.iter().all(|(_, piece)| piece.starts_with('{'));
    let expected = expected(Slo::parse(text).ok()?, place, sli, criterion, is_first)?;
    (Slo::parse(&lengthened).ok()? == expected).then_some(lengthened)
}

/// What the text must say afterwards.
fn expected(
    mut slo: Slo,
    place: &Place,
    sli: &str,
    criterion: &str,
    is_first: bool,
) -> Option<Slo> {
    let criterion = Criterion::new(criterion.to_owned());
    match *place {
        Place::Groups(index) => {
            for group in &mut slo.objectives.get_mut(index)?.pass {
                group.criteria.insert(0, criterion.clone());
            }
        }
        Place::Pass(index) => {
            slo.objectives.get_mut(index)?.pass = vec![Group { criteria: vec![criterion] }];
        }
        Place::New => {
            let objective = Objective {
                sli: sli.to_owned(),
                display_name: String::new(),
                pass: vec![Group { criteria: vec![criterion] }],
                warning: Vec::new(),
                weight: 1,
                key_sli: false,
            };
            slo.objectives.insert(if is_first { 0 } else { slo.objectives.len() }, objective);
        }
    }
    Some(slo)
}

fn entry<'a>(node: &'a Written, name: &str) -> Option<(&'a Written, &'a Written)> {
    let Content::Map(entries) = &node.content else { return None };
    let is_it = |key: &Written| matches!(&key.content, Content::Scalar(key) if key.text == name);
    entries.iter().find(|(key, _)| is_it(key)).map(|(key, value)| (key, value))
}

fn items(node: &Written) -> Option<&[Written]> {
    match &node.content {
        Content::List(items) => Some(items),
        Content::Scalar(_) | Content::Map(_) => None,
    }
}

/// An objective by its number; those that are null have none.
fn nth(list: &Written, index: usize) -> Option<&Written> {
    items(list)?.iter().filter(|item| !crate::quality::slo::is_null(item)).nth(index)
}

struct Source<'a> {
    text: &'a str,
    /// How its lines end.
    newline: &'static str,
}

impl Source<'_> {
    /// Before the first criterion of each group.
    fn groups(&self, objective: &Written, value: &str) -> Option<Vec<Insertion>> {
        let groups = items(entry(objective, "pass")?.1)?;
        groups.iter().map(|group| self.before_first(entry(group, "criteria")?.1, value)).collect()
    }

    /// Behind the line that names the indicator, or at the beginning of what is in braces.
    fn pass(&self, objective: &Written, value: &str) -> Option<Insertion> {
        let (key, _) = entry(objective, "sli")?;
        if self.is_at(objective, '{') {
            let Content::Map(entries) = &objective.content else { return None };
            let at = self.offset(&entries.first()?.0)?;
            return Some((at, format!("pass: [{{criteria: [{value}]}}], ")));
        }
        let indent = " ".repeat(usize::try_from(key.place.column).ok()?.checked_sub(1)?);
        let lines = self.pass_lines(&indent, value);
        Some(self.behind_line(key.place.line, lines))
    }

    /// Behind the last objective, or before the first where they are in brackets.
    fn objective(&self, list: Option<&Written>, sli: &str, value: &str) -> Option<Insertion> {
        let name = name(sli)?;
        let newline = self.newline;
        let Some(list) = list.filter(|list| items(list).is_some_and(|items| !items.is_empty()))
        else {
            // A list that is empty or null already has a key, so what comes out is not read.
            let lines = self.pass_lines("    ", value);
            let lines = format!("objectives:{newline}  - sli: {name}{newline}{lines}");
            return Some(self.behind_line(u64::MAX, lines));
        };
        let first = items(list)?.first()?;
        if self.is_at(list, '[') {
            let at = self.offset(first)?;
            return Some((at, format!("{{sli: {name}, pass: [{{criteria: [{value}]}}]}}, ")));
        }
        let indent = self.before_item(self.offset(first)?)?.split('-').next()?;
        let lines = self.pass_lines(&format!("{indent}  "), value);
        let lines = format!("{indent}- sli: {name}{newline}{lines}");
        let last = items(list)?.last()?;
        Some(self.behind_line(self.end_of(last.place.line, indent.len()), lines))
    }

    fn pass_lines(&self, indent: &str, value: &str) -> String {
        let newline = self.newline;
        format!(
            "{indent}pass:{newline}{indent}  - criteria:{newline}{indent}      - {value}{newline}"
        )
    }

    /// Before the first item of a list; none where there is no item, or none that is told apart.
    fn before_first(&self, list: &Written, value: &str) -> Option<Insertion> {
        let first = items(list)?.first()?;
        let at = self.offset(first)?;
        if self.is_at(list, '[') {
            return Some((at, format!("{value}, ")));
        }
        let before = self.before_item(at)?;
        Some((at - before.len(), format!("{before}{value}{}", self.newline)))
    }

    /// What stands in the line of an item before it, such as `  - `; none where that is something else.
    fn before_item(&self, at: usize) -> Option<&str> {
        let begin = self.text[..at].rfind('\n').map_or(0, |at| at + 1);
        let before = &self.text[begin..at];
        let rest = before.trim_start().strip_prefix('-')?;
        rest.trim().is_empty().then_some(before)
    }

    /// The last line of what begins in a line and is indented deeper than this.
    fn end_of(&self, line: u64, indent: usize) -> u64 {
        let mut end = line;
        for (number, text) in (1..).zip(self.text.lines()).filter(|(number, _)| *number > line) {
            let content = text.trim_start();
            if content.is_empty() || content.starts_with('#') {
                continue;
            }
            if text.len() - content.len() <= indent {
                break;
            }
            end = number;
        }
        end
    }

    /// Whole lines behind a line, or at the end.
    fn behind_line(&self, line: u64, lines: String) -> Insertion {
        let mut at = 0;
        for (number, text) in (1..).zip(self.text.split_inclusive('\n')) {
            at += text.len();
            if number == line {
                break;
            }
        }
        match self.text[..at].ends_with('\n') || at == 0 {
            true => (at, lines),
            false => (at, format!("{}{lines}", self.newline)),
        }
    }

    fn is_at(&self, node: &Written, sign: char) -> bool {
        self.offset(node).is_some_and(|at| self.text[at..].starts_with(sign))
    }

    /// The byte where a value begins.
    fn offset(&self, node: &Written) -> Option<usize> {
        let line = usize::try_from(node.place.line).ok()?.checked_sub(1)?;
        let column = usize::try_from(node.place.column).ok()?.checked_sub(1)?;
        let mut lines = self.text.split_inclusive('\n');
        let begin: usize = lines.by_ref().take(line).map(str::len).sum();
        let text = lines.next()?;
        let inside = text.char_indices().map(|(at, _)| at).chain([text.len()]).nth(column)?;
        Some(begin + inside)
    }
}

/// The name of an indicator as YAML; none where there is no name.
fn name(sli: &str) -> Option<String> {
    let is_plain = sli.starts_with(|c: char| c.is_ascii_alphabetic())
        && sli.chars().all(|c| c.is_ascii_alphanumeric() || "_-.".contains(c))
        && !["true", "false", "null", "yes", "no", "on", "off", "y", "n"]
            .contains(&sli.to_lowercase().as_str());
    match (sli.is_empty(), is_plain) {
        (true, _) => None,
        (false, true) => Some(sli.to_owned()),
        // A text of JSON is one of YAML.
        (false, false) => serde_json::to_string(sli).ok(),
    }
}
