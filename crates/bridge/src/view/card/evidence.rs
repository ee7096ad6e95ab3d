//! The results that an approval is based on, and where its image runs already.

use super::asked::{Asked, Measured};
use super::points;
use crate::view::{Chip, Status, Text, span, took};
use crate::visitor::Visitor;

/// A test or an evaluation that the approval is based on.
pub(crate) struct Evidence {
    pub(crate) stage: Text,
    pub(crate) task: Text,
    pub(crate) chip: Chip,
    /// Whether somebody has declared it invalid.
    pub(crate) is_invalid: bool,
    /// How long it took; empty where that is not known.
    pub(crate) took: String,
    /// The event, whole.
    pub(crate) href: String,
    /// First digits of its digest, which is part of the subject.
    pub(crate) digest: Text,
}

/// The evidence, in the order in which it was gathered.
pub(super) fn evidence(asked: &Asked) -> Vec<Evidence> {
    let results = asked.results.iter().map(Option::as_ref).chain(std::iter::repeat(None));
    let all = asked.approval.evidence.iter().zip(results);
    all.map(|(evidence, measured)| Evidence {
        stage: Text::line(&evidence.stage),
        task: Text::line(&evidence.task),
        chip: Chip {
            status: Status::of_result(&evidence.result),
            more: evidence
                .score
                .or_else(|| score(measured?))
                .map(points)
                .map(Text::line)
                .unwrap_or_default(),
        },
        is_invalid: evidence.invalid.is_some(),
        took: measured.and_then(duration).unwrap_or_default(),
        href: format!("/bridge/event/{}", evidence.event),
        digest: Text::line(evidence.digest.get(..8).unwrap_or_default()),
    })
    .collect()
}

/// The score of an evaluation, as its own event says it: rows of former versions do not.
fn score(measured: &Measured) -> Option<f64> {
    measured.row.event.data.get("evaluation")?.get("score")?.as_f64()
}

fn duration(measured: &Measured) -> Option<String> {
    Some(took(measured.began?, measured.row.event.time))
}

/// "Has run in qa for 22 h", for each stage before.
pub(super) fn runs_in(asked: &Asked, visitor: &Visitor) -> Vec<Text> {
    let since = |at| span(crate::view::seconds_between(at, visitor.now));
    let lines = asked.runs_in.iter();
    lines.map(|(stage, at)| Text::line(format!("Has run in {stage} for {}.", since(*at)))).collect()
}
