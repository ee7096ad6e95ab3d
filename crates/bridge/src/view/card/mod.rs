//! The approval card: what is asked, on what grounds, and where it stands.

mod asked;
mod evidence;
mod flags;
mod gate;

use jiff::Timestamp;
use tidegate_core::approval::{Approval, ApprovalState, Decided, Decision, Subject};
use tidegate_core::names::{ContextId, EventId};
use tidegate_core::sequence::Deployed;

pub(crate) use asked::Asked;
pub(crate) use evidence::Evidence;
pub(crate) use gate::{Gate, complaint};

use super::{
    Chip, Image, Label, Status, Text, When, Who, image_or, labels, seconds_between, short, span,
};
use crate::visitor::Visitor;

/// An approval as a page shows it.
pub(crate) struct Card {
    /// Its id.
    pub(crate) id: EventId,
    /// Where it belongs.
    pub(crate) project: Text,
    pub(crate) stage: Text,
    pub(crate) service: Text,
    pub(crate) sequence: Text,
    /// The delivery.
    pub(crate) context: ContextId,
    pub(crate) sequence_href: String,
    pub(crate) permalink: String,
    /// What a vote must name, and the form of it that people can compare.
    pub(crate) subject: String,
    pub(crate) subject_short: String,
    /// What runs there, and what would.
    pub(crate) from: Option<Image>,
    pub(crate) to: Option<Image>,
    /// The short form of what would run, for headings.
    pub(crate) what: Text,
    /// What approving does.
    pub(crate) effect: Effect,
    pub(crate) by: Who,
    pub(crate) asked: When,
    /// What its sender says of it, but for the commits.
    pub(crate) labels: Vec<Label>,
    /// The result that led here; none where nothing ran before.
    pub(crate) result: Option<Chip>,
    /// The last evaluation; none where there was none.
    pub(crate) gate: Option<Gate>,
    pub(crate) evidence: Vec<Evidence>,
    /// Where the same image runs already, and for how long.
    pub(crate) runs_in: Vec<Text>,
    /// The commits that it is made of, as far as its labels say.
    pub(crate) changes: Vec<Label>,
    /// What a careful reader should know first.
    pub(crate) flags: Vec<Text>,
    pub(crate) standing: Standing,
    /// Whether its evidence is open at first.
    pub(crate) unfolded: bool,
}

/// The parts of the sentence that says what approving does.
pub(crate) struct Effect {
    /// The image that gets deployed; none where no deployment follows.
    pub(crate) deploys: Option<Text>,
    /// What it takes the place of, and for how long that has run.
    pub(crate) replaces: Option<(Text, String)>,
    /// The tasks that follow.
    pub(crate) next: Text,
}

/// Where an approval stands.
pub(crate) enum Standing {
    /// A person must decide.
    Open(Reason),
    /// Somebody did.
    Decided(Verdict),
    /// Nobody has to any more.
    Closed {
        /// Why.
        reason: Text,
        /// When.
        at: When,
    },
}

/// The reason field of the decision form.
#[derive(Debug, Clone, Default)]
pub(crate) struct Reason {
    /// What was typed.
    pub(crate) typed: String,
    /// What is wrong with it.
    pub(crate) error: Option<String>,
    /// Whether approving needs one, too; declining always does.
    pub(crate) to_approve: bool,
}

/// A decision.
pub(crate) struct Verdict {
    pub(crate) status: Status,
    /// `approved` or `declined`
    pub(crate) done: &'static str,
    pub(crate) by: Who,
    pub(crate) at: When,
    pub(crate) comment: Option<Text>,
    /// Whether the voter named what they had seen.
    pub(crate) blind: bool,
}

impl Verdict {
    /// Whether it let something through although the gate had failed.
    pub(crate) fn is_override(&self) -> bool {
        self.status == Status::Overridden
    }

    /// The decision on an approval, as `reader` sees it.
    pub(crate) fn new(approval: &Approval, decided: &Decided, visitor: &Visitor) -> Self {
        Self {
            status: match decided.decision {
                _ if approval.is_overridden() => Status::Overridden,
                Decision::Approve => Status::Approved,
                Decision::Decline => Status::Declined,
            },
            done: decided.decision.done(),
            by: Who::new(&decided.by, &visitor.principal),
            at: When::new(decided.at, visitor.now),
            comment: decided.comment.as_ref().map(|comment| Text::block(comment.as_str())),
            blind: decided.seen.is_none(),
        }
    }
}

impl Card {
    /// The card of an approval.
    pub(crate) fn new(asked: &Asked, visitor: &Visitor) -> Self {
        let approval = &asked.approval;
        let scope = &approval.scope;
        let before = replaced(approval, &asked.deployed);
        let image = approval.image.as_deref();
        let evidence = evidence::evidence(asked);
        let context = approval.context;
        Self {
            id: approval.id,
            project: Text::line(&scope.project),
            stage: Text::line(&scope.stage),
            service: Text::line(&scope.service),
            sequence: Text::line(&approval.sequence),
            context,
            sequence_href: format!("/bridge/project/{}/sequence/{context}", scope.project),
            permalink: format!("/bridge/approval/{}", approval.id),
            subject: Subject::of(approval, before).to_string(),
            subject_short: Subject::of(approval, before).short(),
            from: before.map(|old| match image {
                Some(new) => Image::beside(&old.image, new),
                None => Image::alone(&old.image),
            }),
            to: image.map(|new| match before {
                Some(old) => Image::beside(new, &old.image),
                None => Image::alone(new),
            }),
            what: image_or(image, &scope.service),
            effect: effect(approval, before, visitor.now),
            by: Who::new(&approval.triggered_by, &visitor.principal),
            asked: When::new(approval.asked_at, visitor.now),
            labels: labels_of(approval, |key| !COMMIT_LABELS.contains(&key)),
            result: result(&approval.result, &evidence),
            gate: Gate::of(asked, visitor),
            runs_in: evidence::runs_in(asked, visitor),
            changes: labels_of(approval, |key| COMMIT_LABELS.contains(&key)),
            flags: flags::flags(asked, before, visitor),
            evidence,
            standing: standing(approval, visitor),
            unfolded: false,
        }
    }

    /// Whether a person must decide.
    pub(crate) fn is_open(&self) -> bool {
        matches!(self.standing, Standing::Open(_))
    }

    /// Whether it may be approved beside others: its gate has passed, and that still counts.
    pub(crate) fn may_go_with_others(&self) -> bool {
        let passed = |chip: &Chip| chip.status == Status::Passed;
        self.is_open() && !self.is_doubtful() && self.result.as_ref().is_some_and(passed)
    }

    /// Whether its result stands on something that was declared invalid.
    pub(crate) fn is_doubtful(&self) -> bool {
        self.evidence.iter().any(|evidence| evidence.is_invalid)
    }

    /// The same with its evidence open.
    pub(crate) fn unfolded(self) -> Self {
        Self { unfolded: true, ..self }
    }

    /// The same with a reason that was typed, and what is wrong with it.
    pub(crate) fn with_reason(mut self, typed: String, error: Option<String>) -> Self {
        if let Standing::Open(reason) = &mut self.standing {
            reason.typed = typed;
            reason.error = error;
        }
        self
    }
}

/// Approving on a warning, although the gate has failed, or on an evaluation that was declared invalid needs a
/// reason, so that the record says why.
pub(crate) fn needs_reason(approval: &Approval, decision: Decision) -> bool {
    decision == Decision::Decline
        || approval.result == "warning"
        || approval.overrides()
        || approval.has_invalid_evidence()
}

/// What runs in the stage while the approval is open; what ran there when it was settled.
fn replaced<'a>(approval: &Approval, deployed: &'a [Deployed]) -> Option<&'a Deployed> {
    match settled_at(approval) {
        None => deployed.last(),
        Some(at) => deployed.iter().rev().find(|old| old.at <= at),
    }
}

fn settled_at(approval: &Approval) -> Option<Timestamp> {
    match &approval.state {
        ApprovalState::Open => None,
        ApprovalState::Decided(decided) => Some(decided.at),
        ApprovalState::Closed { at, .. } => Some(*at),
    }
}

fn standing(approval: &Approval, visitor: &Visitor) -> Standing {
    match &approval.state {
        ApprovalState::Open => Standing::Open(Reason {
            to_approve: needs_reason(approval, Decision::Approve),
            ..Reason::default()
        }),
        ApprovalState::Decided(decided) => {
            Standing::Decided(Verdict::new(approval, decided, visitor))
        }
        ApprovalState::Closed { reason, at } => {
            Standing::Closed { reason: Text::line(reason), at: When::new(*at, visitor.now) }
        }
    }
}

fn effect(approval: &Approval, before: Option<&Deployed>, now: Timestamp) -> Effect {
    let deploys = approval.then.iter().any(|task| task == "deployment");
    let now = settled_at(approval).unwrap_or(now);
    Effect {
        deploys: approval.image.as_deref().filter(|_| deploys).map(short),
        replaces: before.map(|old| (short(&old.image), span(seconds_between(old.at, now)))),
        next: Text::line(approval.then.join(", ")),
    }
}

/// `96/100`; a part of a point is shown, because 89.9 does not reach 90.
pub(crate) fn points(score: f64) -> String {
    let score = format!("{score:.2}");
    format!("{}/100", score.trim_end_matches('0').trim_end_matches('.'))
}

fn result(result: &str, evidence: &[Evidence]) -> Option<Chip> {
    if result.is_empty() {
        return None;
    }
    let status = Status::of_result(result);
    // The points of another verdict are not this one's.
    let is_judged =
        |evidence: &&Evidence| !evidence.chip.more.is_empty() && evidence.chip.status == status;
    let judged = evidence.iter().rev().find(is_judged);
    let more = judged.map(|evidence| evidence.chip.more.clone()).unwrap_or_default();
    Some(Chip { status, more })
}

/// Labels that name commits, as senders of deliveries use to call them.
const COMMIT_LABELS: [&str; 4] = ["gitCommit", "gitcommit", "commit", "revision"];

/// The labels whose keys are meant.
fn labels_of(approval: &Approval, is_meant: impl Fn(&str) -> bool) -> Vec<Label> {
    let all = approval.labels.iter();
    let meant = all.filter(|(key, _)| is_meant(key.as_str()));
    labels(&meant.map(|(key, value)| (key.clone(), value.clone())).collect())
}
