//! One entry of the log, as a line with its details.

use jiff::Timestamp;
use serde_json::Value;
use tidegate_core::event::text;
use tidegate_core::sequence::Disposition;
use tidegate_store::LogRow;

use super::Material;
use crate::view::payload::{Node, tree};
use crate::view::{Chip, Status, Text, When, took};
use crate::visitor::Visitor;

/// Longest payload that the page shows without being asked, in bytes.
const PAYLOAD_BYTES_MAX: usize = 6 * 1024;
/// Longest payload that the page shows at all; a longer one is there as plain text.
const ASKED_BYTES_MAX: usize = 256 * 1024;

/// An entry.
pub(crate) struct Entry {
    pub(crate) id: String,
    /// Its type without the prefix that all have.
    pub(crate) kind: Text,
    pub(crate) source: Text,
    pub(crate) at: When,
    /// How long after the one before it: `+1 min 2 s`; empty for the first.
    pub(crate) delta: String,
    /// What it says came out.
    pub(crate) chip: Option<Chip>,
    pub(crate) message: Text,
    /// Why it had no effect.
    pub(crate) note: Text,
    pub(crate) payload: Payload,
    /// Whether the page was asked for this entry.
    pub(crate) is_asked: bool,
    /// The event, whole, as plain text.
    pub(crate) href: String,
    /// The page with this entry open.
    pub(crate) permalink: String,
}

/// The event itself.
pub(crate) enum Payload {
    /// Here it is.
    Tree(Vec<Node>),
    /// It is shown on demand.
    Asked,
    /// It is too long for a page.
    Plain,
}

impl Entry {
    /// The entries of a task.
    pub(crate) fn all(rows: &[LogRow], material: &mut Material, visitor: &Visitor) -> Vec<Self> {
        let mut before = None;
        let entry = |row: &LogRow| {
            let entry = Self::new(row, before, material, visitor);
            before = Some(row.event.time);
            entry
        };
        rows.iter().map(entry).collect()
    }

    fn new(
        row: &LogRow,
        before: Option<Timestamp>,
        material: &mut Material,
        visitor: &Visitor,
    ) -> Self {
        let event = &row.event;
        let kind = event.kind.as_str();
        let is_asked = material.open == Some(event.id);
        Self {
            id: event.id.to_string(),
            kind: Text::line(kind.strip_prefix("sh.keptn.event.").unwrap_or(kind)),
            source: Text::line(&event.source),
            at: When::new(event.time, visitor.now),
            delta: before.map_or_else(String::new, |before| match event.time < before {
                false => format!("+{}", took(before, event.time)),
                true => format!("−{}", took(event.time, before)),
            }),
            chip: match event.data.get("result") {
                Some(Value::String(result)) if kind.ends_with(".finished") => {
                    Some(Chip::plain(status(result, text(&event.data, "status"))))
                }
                _ => None,
            },
            message: Text::block(text(&event.data, "message").trim_end()),
            note: note(row),
            payload: payload(&event.to_value(), is_asked, &mut material.payload_bytes),
            is_asked,
            href: format!("/bridge/event/{}", event.id),
            permalink: format!("{}/event/{}", material.path, event.id),
        }
    }
}

/// A page has room for so much; what it was asked for comes first.
fn payload(event: &Value, is_asked: bool, room: &mut usize) -> Payload {
    let bytes = event.to_string().len();
    if is_asked && bytes <= ASKED_BYTES_MAX {
        return Payload::Tree(tree(event));
    }
    if bytes > PAYLOAD_BYTES_MAX || bytes > *room {
        return if bytes > ASKED_BYTES_MAX { Payload::Plain } else { Payload::Asked };
    }
    *room -= bytes;
    Payload::Tree(tree(event))
}

fn status(result: &str, status: &str) -> Status {
    match status {
        "aborted" => Status::Aborted,
        "errored" => Status::Failed,
        _ => Status::of_result(result),
    }
}

fn note(row: &LogRow) -> Text {
    let word = match row.disposition {
        Disposition::Accepted => return Text::line(row.reason.as_deref().unwrap_or_default()),
        Disposition::Late => "Late, without effect",
        Disposition::Repeated => "Sent before, counted once",
        Disposition::Refused => "Refused, without effect",
    };
    Text::line(match &row.reason {
        Some(reason) => format!("{word}: {reason}"),
        None => word.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_page_has_room_for_so_much_and_what_it_was_asked_for_comes_first() {
        let (small, large) = (json!({"a": "x".repeat(500)}), json!({"a": "x".repeat(10_000)}));
        let huge = json!({"a": "x".repeat(300_000)});
        let mut room = 700;
        assert!(matches!(payload(&small, false, &mut room), Payload::Tree(_)));
        assert!(matches!(payload(&small, false, &mut room), Payload::Asked));
        assert!(matches!(payload(&large, false, &mut room), Payload::Asked));
        assert!(matches!(payload(&large, true, &mut room), Payload::Tree(_)));
        assert!(matches!(payload(&huge, true, &mut room), Payload::Plain));
    }
}
