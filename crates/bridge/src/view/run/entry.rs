//! One entry of the log, as a line with its details.

use serde_json::Value;
use tidegate_core::event::text;
use tidegate_core::sequence::Disposition;
use tidegate_store::LogRow;

use crate::view::{Chip, Status, Text, When};
use crate::visitor::Visitor;

/// Longest payload on the page, in bytes; a longer one is one link away.
const PAYLOAD_BYTES_MAX: usize = 6 * 1024;

/// An entry.
pub(crate) struct Entry {
    pub(crate) id: String,
    /// Its type without the prefix that all have.
    pub(crate) kind: Text,
    pub(crate) source: Text,
    pub(crate) at: When,
    /// What it says came out.
    pub(crate) chip: Option<Chip>,
    pub(crate) message: Text,
    /// Why it had no effect.
    pub(crate) note: Text,
    /// The event as indented JSON; empty where it is too long for the page.
    pub(crate) payload: Text,
    /// The event, whole.
    pub(crate) href: String,
}

impl Entry {
    /// An entry of the log.
    pub(crate) fn new(row: &LogRow, visitor: &Visitor) -> Self {
        let event = &row.event;
        let kind = event.kind.as_str();
        let payload = format!("{:#}", event.to_value());
        Self {
            id: event.id.to_string(),
            kind: Text::line(kind.strip_prefix("sh.keptn.event.").unwrap_or(kind)),
            source: Text::line(&event.source),
            at: When::new(event.time, visitor.now),
            chip: match event.data.get("result") {
                Some(Value::String(result)) if kind.ends_with(".finished") => {
                    Some(Chip::plain(status(result, text(&event.data, "status"))))
                }
                _ => None,
            },
            message: Text::block(text(&event.data, "message").trim_end()),
            note: note(row),
            payload: if payload.len() > PAYLOAD_BYTES_MAX {
                Text::default()
            } else {
                Text::block(payload)
            },
            href: format!("/bridge/event/{}", event.id),
        }
    }
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
