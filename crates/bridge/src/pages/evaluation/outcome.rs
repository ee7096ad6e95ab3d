//! What a form about an evaluation has done, as the heading of the page that follows it.

use tidegate_core::names::EventId;
use tidegate_core::quality::Said;

use super::Found;
use crate::view::{Status, Text};

/// What has happened.
pub(super) struct Outcome {
    pub(super) heading: &'static str,
    pub(super) text: Text,
    pub(super) status: Status,
    /// Whether nothing was done.
    pub(super) is_refusal: bool,
}

impl Outcome {
    /// What the log says about the event that a form has made; nothing comes from the address itself.
    pub(super) fn of(found: &Found, event: &str) -> Option<Self> {
        let event: EventId = event.parse().ok()?;
        let said = found.said.as_ref().filter(|said| said.event == event)?;
        Some(Self::done(said))
    }

    fn done(said: &Said) -> Self {
        let (heading, text) = match said.void {
            true => (
                "Ignored for comparison",
                "Later evaluations are not compared with it. Those that were, stay as they are.",
            ),
            false => ("Restored", "Later evaluations are compared with it again."),
        };
        Self { heading, text: Text::line(text), status: Status::Passed, is_refusal: false }
    }

    /// Somebody was faster, or the page is an old one.
    pub(super) fn too_late(is_void: bool) -> Self {
        let text = match is_void {
            true => "It is ignored already.",
            false => "It is not ignored, so there is nothing to restore.",
        };
        Self {
            heading: "Nothing was changed",
            text: Text::line(text),
            status: Status::Warning,
            is_refusal: true,
        }
    }
}
