//! What pages are made of: plain data that a template only has to lay out. Whatever others wrote is
//! a [`Text`] here.

mod card;
mod delivery;
pub(crate) mod evaluation;
mod excerpt;
mod filter;
mod gate;
mod graph;
mod image;
mod label;
mod lag;
mod number;
mod output;
mod overridden;
mod payload;
mod policy;
mod row;
mod run;
mod sentence;
mod standing;
mod status;
mod svg;
mod text;
mod upstream;
mod when;

pub(crate) use card::{Asked, Card, Standing, Verdict, complaint, needs_reason, points};
pub(crate) use delivery::Delivery;
pub(crate) use excerpt::{Excerpt, excerpt};
pub(crate) use filter::{Filter, Value};
#[cfg(any(test, debug_assertions))]
pub(crate) use gate::Paddle;
pub(crate) use gate::{Before, Gate, Way};
pub(crate) use graph::{Graph, Map};
pub(crate) use image::{Image, image_of, image_or, short, version};
pub(crate) use label::{Label, labels};
pub(crate) use lag::Lag;
pub(crate) use output::WINDOW_BYTES;
pub(crate) use overridden::{Overridden, Overrides};
pub(crate) use payload::Node;
pub(crate) use policy::{Asks, Policy};
pub(crate) use row::{Row, Usual};
pub(crate) use run::{
    Entry, Line, Material, Payload, Run, Scale, Stage, by_stage, end_of, first_failure, status_in,
};
pub(crate) use sentence::Sentence;
pub(crate) use standing::{Dot, ServiceStanding};
pub(crate) use status::Status;
pub(crate) use svg::Svg;
pub(crate) use text::Text;
pub(crate) use upstream::Upstream;
pub(crate) use when::{When, seconds_between, span, took};

/// A chip: a state, and what it says beside its word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Chip {
    /// The state.
    pub(crate) status: Status,
    /// Such as `96/100`; may be empty.
    pub(crate) more: Text,
}

impl Chip {
    /// A chip that says no more than its word.
    pub(crate) fn plain(status: Status) -> Self {
        Self { status, more: Text::default() }
    }
}

/// How the name of a machine ends.
const MACHINE: &str = " (machine)";

/// Who did something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Who {
    /// The name.
    pub(crate) name: Text,
    /// The name of its symbol in the sprite.
    pub(crate) icon: &'static str,
    /// Whether it is the reader.
    pub(crate) is_reader: bool,
}

impl Who {
    /// A principal, as `reader` sees it.
    pub(crate) fn new(
        principal: &tidegate_core::principal::Principal,
        reader: &tidegate_core::principal::Principal,
    ) -> Self {
        use tidegate_core::principal::Principal;
        let icon = match principal {
            Principal::Person(_) => "person",
            Principal::Machine(_) | Principal::Builtin(_) => "robot",
            Principal::Shared | Principal::Wire => "key",
        };
        Self { name: Text::line(principal.to_string()), icon, is_reader: principal == reader }
    }

    /// "You", or the name, as the first word of a sentence.
    pub(crate) fn subject(&self) -> Text {
        if self.is_reader { Text::line("You") } else { capital(self.name.as_str()) }
    }

    /// The name for a narrow column, and what its symbol says already.
    pub(crate) fn split(&self) -> (Text, &'static str) {
        let object = self.object();
        match object.as_str().strip_suffix(MACHINE) {
            Some(name) => (Text::line(name), MACHINE),
            None => (object, ""),
        }
    }

    /// "you", or the name, within a sentence.
    pub(crate) fn object(&self) -> Text {
        if self.is_reader { Text::line("you") } else { self.name.clone() }
    }
}

/// "the shared API token" begins a sentence in upper case; the name of a person stays as it is.
fn capital(name: &str) -> Text {
    match name.strip_prefix("the ") {
        Some(rest) => Text::line(format!("The {rest}")),
        None => Text::line(name),
    }
}
