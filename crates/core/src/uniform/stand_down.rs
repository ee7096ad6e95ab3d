//! Who of Tidegate leaves an event to an integration.

use std::borrow::Cow;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::record::Record;
use super::rules::Rules;
use crate::built_in::BuiltIn;
use crate::event::{Event, EventKind, text};
use crate::names::{EventId, ProjectName};

/// A part of Tidegate has left an event to an integration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoodDown {
    /// The project.
    pub project: ProjectName,
    /// The event.
    pub event: EventId,
    /// Its number in the project's log.
    pub n: u64,
    /// Who would have worked on it.
    pub part: BuiltIn,
    /// The name of the integration that does.
    pub integration: String,
}

/// The integration that a part of Tidegate leaves an event to that asks for work: one of Keptn's name for that
/// part, alive, subscribed to the event, and let in to answer it. None where there is no such. What an
/// installation has set is not asked here.
#[must_use]
pub fn left_to<'a>(
    known: &'a [Record],
    part: BuiltIn,
    event: &Event,
    rules: &Rules,
    now: Timestamp,
) -> Option<&'a Record> {
    let name = name_of(part, event)?;
    known.iter().find(|record| {
        record.name == *name
            && record.is_alive(rules, now)
            && record.wants(event)
            && record.may_answer(event)
    })
}

/// Keptn's name for whoever does what a part of Tidegate does with the event. Keptn 1.4: the integration that
/// measures as provider `prometheus` is called `prometheus-service`, and so are the others.
fn name_of(part: BuiltIn, event: &Event) -> Option<Cow<'static, str>> {
    match part {
        BuiltIn::Jobs | BuiltIn::Gate | BuiltIn::Remediation => Some(part.source().into()),
        BuiltIn::Sli => {
            let provider = provider(event);
            (!provider.is_empty()).then(|| format!("{provider}-service").into())
        }
    }
}

/// The SLI provider that an event asks: to measure, or to be set up.
fn provider(event: &Event) -> &str {
    match event.kind.kind() {
        EventKind::Task { .. } => {
            match event.data.get("get-sli").and_then(|asked| asked.as_object()) {
                Some(asked) => text(asked, "sliProvider"),
                None => "",
            }
        }
        EventKind::Sequence { .. } | EventKind::Other => text(&event.data, "type"),
    }
}
