//! The gate before a stage: what waits there, or how it was passed last.

use tidegate_core::approval::{Approval, Decision};
use tidegate_core::names::StageName;
use tidegate_core::principal::Principal;
use tidegate_core::sequence::Context;

use super::policy::Asks;
use super::{Card, Text, When, Who, image_or, short};
use crate::visitor::Visitor;

/// How the paddle of a gate stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Paddle {
    /// On the sill: something waits, or would.
    Closed,
    /// A part of its height: some pass by themselves.
    Ajar,
    /// Up: the last one was let through.
    Open,
    /// With a bar across: the last one was stopped.
    Barred,
    /// None, between dashed posts: nobody is asked.
    Missing,
}

impl Paddle {
    /// Every one, for the gallery and for tests.
    #[cfg(any(test, debug_assertions))]
    pub(crate) const ALL: [Self; 5] =
        [Self::Closed, Self::Ajar, Self::Open, Self::Barred, Self::Missing];

    /// The name of its symbol in the sprite.
    pub(crate) fn icon(&self) -> &'static str {
        match self {
            Self::Closed => "paddle-closed",
            Self::Ajar => "paddle-ajar",
            Self::Open => "paddle-open",
            Self::Barred => "paddle-barred",
            Self::Missing => "paddle-missing",
        }
    }

    /// Its name, for the gallery.
    #[cfg(any(test, debug_assertions))]
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Self::Closed => "Closed",
            Self::Ajar => "Ajar",
            Self::Open => "Open",
            Self::Barred => "Barred",
            Self::Missing => "No gate",
        }
    }
}

/// A gate as a page shows it.
pub(crate) struct Gate {
    pub(crate) paddle: Paddle,
    /// The name of its colours in the style sheet.
    pub(crate) tone: &'static str,
    /// What the paddle says, in words.
    pub(crate) words: Text,
    /// When that was.
    pub(crate) when: Option<When>,
    /// The delivery that it was about.
    pub(crate) href: Option<String>,
    /// Why, where somebody said so.
    pub(crate) said: Option<Text>,
    /// What leads here: where from, and when.
    pub(crate) ways: Vec<Way>,
    /// What waits, newest first.
    pub(crate) candidates: Vec<Card>,
    /// How many wait beside these.
    pub(crate) more: u64,
}

/// A way to a stage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Way {
    /// Where it comes from; none where that is plain to see.
    pub(crate) from: Option<Text>,
    /// When it is taken.
    pub(crate) label: Text,
}

/// What a gate is made from.
pub(crate) struct Before<'a> {
    pub(crate) stage: &'a StageName,
    /// The stages that it follows.
    pub(crate) follows: &'a [StageName],
    pub(crate) asks: Asks,
    /// How many wait.
    pub(crate) waiting: u64,
    /// The newest deliveries, newest first.
    pub(crate) recent: &'a [Context],
    /// The newest decisions, newest first.
    pub(crate) decided: &'a [Approval],
}

/// What came to a gate last.
enum Last<'a> {
    /// Somebody decided.
    Decided(&'a Approval),
    /// It went through by itself.
    Through(&'a Context),
    /// It never came so far.
    Stopped(&'a Context, &'a StageName),
}

impl Gate {
    /// A gate, with what leads to it and the cards of what waits.
    pub(crate) fn new(
        before: &Before<'_>,
        ways: Vec<Way>,
        candidates: Vec<Card>,
        visitor: &Visitor,
    ) -> Self {
        let more = before.waiting.saturating_sub(candidates.len() as u64);
        let gate = |paddle, tone, words: Text| Self {
            paddle,
            tone,
            words,
            when: None,
            href: None,
            said: None,
            ways: Vec::new(),
            candidates: Vec::new(),
            more: 0,
        };
        let told = match (before.waiting, before.last()) {
            (1, _) => gate(Paddle::Closed, "ask", Text::line("1 waits for a decision")),
            (2.., _) => {
                let words = format!("{} wait for a decision", before.waiting);
                gate(Paddle::Closed, "ask", Text::line(words))
            }
            (0, Some(Last::Decided(approval))) => before.decided(approval, gate, visitor),
            (0, Some(Last::Stopped(context, at))) => {
                let (paddle, tone) = match before.asks {
                    Asks::Nobody => (Paddle::Missing, "quiet"),
                    _ => (Paddle::Barred, "fail"),
                };
                let words = format!("{} failed in {at}", what(context, at));
                Self {
                    when: newest(context, at, visitor),
                    href: Some(href(context)),
                    ..gate(paddle, tone, Text::line(words))
                }
            }
            (0, Some(Last::Through(context))) if before.asks != Asks::Nobody => Self {
                href: Some(href(context)),
                when: newest(context, before.stage, visitor),
                ..gate(
                    Paddle::Open,
                    "pass",
                    Text::line(format!("{} passed by itself", what(context, before.stage))),
                )
            },
            (0, _) => {
                let (paddle, words) = before.at_rest();
                gate(paddle, "quiet", Text::line(words))
            }
        };
        Self { ways, candidates, more, ..told }
    }
}

impl<'a> Before<'a> {
    fn last(&self) -> Option<Last<'a>> {
        let reached = |context: &Context, stage: &StageName| {
            context.stages.iter().any(|state| state.name == *stage)
        };
        for context in self.recent {
            if reached(context, self.stage) {
                let decided = self.decided.iter().find(|approval| {
                    approval.context == context.id && approval.scope.stage == *self.stage
                });
                return match decided {
                    Some(approval) => Some(Last::Decided(approval)),
                    None if context.state.is_final() => Some(Last::Through(context)),
                    None => continue,
                };
            }
            let stopped = self.follows.iter().find(|stage| {
                let failed = |state: &&tidegate_core::sequence::StageState| {
                    state.name == **stage && state.latest_failed_event.is_some()
                };
                context.state.is_final() && context.stages.iter().any(|state| failed(&state))
            });
            if let Some(stage) = stopped {
                return Some(Last::Stopped(context, stage));
            }
        }
        let decided = self.decided.iter().find(|approval| approval.scope.stage == *self.stage);
        decided.map(Last::Decided)
    }

    fn decided(
        &self,
        approval: &Approval,
        gate: impl FnOnce(Paddle, &'static str, Text) -> Gate,
        visitor: &Visitor,
    ) -> Gate {
        let Some(decided) = approval.decided() else {
            let (paddle, words) = self.at_rest();
            return gate(paddle, "quiet", Text::line(words));
        };
        let (paddle, tone) = match decided.decision {
            Decision::Approve if approval.is_overridden() => (Paddle::Open, "warn"),
            Decision::Approve => (Paddle::Open, "pass"),
            Decision::Decline => (Paddle::Barred, "fail"),
        };
        let image = approval.image.as_deref();
        let what = image_or(image, &approval.scope.service);
        let who = Who::new(&decided.by, &visitor.principal).subject();
        let words = match (&decided.by, decided.decision) {
            (Principal::Builtin(_), Decision::Approve) => format!("{what} passed by itself"),
            (Principal::Builtin(_), Decision::Decline) => format!("{what} was declined by rule"),
            _ if approval.is_overridden() => format!("Overridden: {who} approved {what}"),
            _ => format!("{who} {} {what}", decided.decision.done()),
        };
        Gate {
            when: Some(When::new(decided.at, visitor.now)),
            href: Some(format!("/bridge/approval/{}", approval.id)),
            said: decided.comment.as_ref().map(|comment| Text::block(comment.as_str())),
            ..gate(paddle, tone, Text::line(words))
        }
    }

    /// Where nothing has come yet that is known.
    fn at_rest(&self) -> (Paddle, &'static str) {
        match self.asks {
            Asks::Nobody => (Paddle::Missing, "no approval"),
            Asks::Always => (Paddle::Closed, "asks a person"),
            Asks::AfterWarning => (Paddle::Ajar, "asks a person after a warning"),
            Asks::AfterPass => (Paddle::Ajar, "asks a person after a pass"),
            Asks::Never => (Paddle::Open, "opens by itself"),
        }
    }
}

/// What a delivery brought to a stage.
fn what(context: &Context, stage: &StageName) -> Text {
    let state = context.stages.iter().find(|state| state.name == *stage);
    let image = state.and_then(|state| state.image.as_deref());
    image.map_or_else(|| Text::line(format!("{} of {}", context.name, context.service)), short)
}

fn newest(context: &Context, stage: &StageName, visitor: &Visitor) -> Option<When> {
    let state = context.stages.iter().find(|state| state.name == *stage)?;
    state.latest_event.as_ref().map(|event| When::new(event.time, visitor.now))
}

fn href(context: &Context) -> String {
    format!("/bridge/project/{}/sequence/{}", context.project, context.id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_paddle_has_a_shape_and_a_word_of_its_own() {
        let sprite = include_str!("../../templates/icons.svg");
        for (index, paddle) in Paddle::ALL.iter().enumerate() {
            assert!(sprite.contains(&format!("id=\"i-{}\"", paddle.icon())), "{paddle:?}");
            for other in &Paddle::ALL[..index] {
                assert_ne!((paddle.icon(), paddle.word()), (other.icon(), other.word()));
            }
        }
    }
}
