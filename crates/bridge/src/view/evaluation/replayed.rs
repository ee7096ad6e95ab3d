//! What another file would have decided over evaluations that have been.

use std::collections::HashMap;

use tidegate_core::event::TaskResult;
use tidegate_core::quality::{After, Change, IndicatorStatus, Met, Past, Replayed, Verdict};

use super::judged::Judged;
use crate::view::number::number;
use crate::view::{Chip, Status, Text, When, points};
use crate::visitor::Visitor;

/// Why nobody knows how an evaluation would have ended.
const UNMEASURED: &str = "what must pass was not measured then";

/// A history, judged again.
pub(crate) struct Replay {
    /// In one sentence, or two.
    pub(crate) summary: String,
    /// Newest first.
    pub(crate) changed: Vec<Again>,
    /// Those of which nobody knows how they would have ended, newest first.
    pub(crate) unknown: Vec<Again>,
    /// The others, newest first.
    pub(crate) same: Vec<Again>,
}

/// An evaluation, judged again.
pub(crate) struct Again {
    pub(crate) name: Text,
    pub(crate) href: String,
    pub(crate) when: When,
    pub(crate) before: Chip,
    pub(crate) after: Would,
    /// Why.
    pub(crate) because: Vec<Text>,
}

/// How an evaluation would have ended.
pub(crate) enum Would {
    /// So.
    End(Chip),
    /// As it has: nothing can be judged again.
    Stay,
    /// Nobody knows.
    Unknown,
}

/// The evaluations as the gate sees them when it looks back, oldest first, without those that it cannot read.
pub(crate) fn history(newest_first: &[Judged]) -> Vec<Past> {
    newest_first.iter().rev().filter_map(Judged::past).collect()
}

impl Replay {
    /// What was replayed, beside the evaluations that are told, which may be fewer.
    pub(crate) fn new(replayed: &[Replayed], newest_first: &[Judged], visitor: &Visitor) -> Self {
        let by_id: HashMap<String, &Judged> =
            newest_first.iter().map(|judged| (judged.id.to_string(), judged)).collect();
        let (mut changed, mut unknown, mut same) = (Vec::new(), Vec::new(), Vec::new());
        let mut counts = Counts::default();
        for one in replayed.iter().rev() {
            let Some(judged) = by_id.get(&one.id) else { continue };
            let again = Again::new(one, judged, visitor);
            match counts.take(one) {
                Moved::Otherwise => changed.push(again),
                Moved::Unknown => unknown.push(again),
                Moved::Not => same.push(again),
            }
        }
        Self { summary: counts.sentence(), changed, unknown, same }
    }
}

/// What became of an evaluation.
enum Moved {
    /// Its result is another one.
    Otherwise,
    /// Nobody knows.
    Unknown,
    /// Nothing.
    Not,
}

#[derive(Default)]
struct Counts {
    all: usize,
    blocked: usize,
    passed: usize,
    other: usize,
    unmeasured: usize,
}

impl Counts {
    fn take(&mut self, one: &Replayed) -> Moved {
        self.all += 1;
        let after = match &one.after {
            After::Judged { verdict, .. } => verdict.result,
            After::Kept => return Moved::Not,
            After::Unmeasured(_) => {
                self.unmeasured += 1;
                return Moved::Unknown;
            }
        };
        match (one.before.result, after) {
            (before, after) if before == after => return Moved::Not,
            (_, TaskResult::Fail) => self.blocked += 1,
            (TaskResult::Fail, _) => self.passed += 1,
            _ => self.other += 1,
        }
        Moved::Otherwise
    }

    /// What is known, and of how many nothing is.
    fn sentence(&self) -> String {
        let Self { all, unmeasured, .. } = *self;
        let changed = self.blocked + self.passed + self.other;
        let (last, they) = match all {
            1 => ("last evaluation".to_owned(), "it"),
            _ => (format!("last {all} evaluations"), "they"),
        };
        let known = match changed {
            0 if all == 0 => return "There is no evaluation to judge again.".to_owned(),
            0 if unmeasured == all => {
                return format!("Nobody knows how the {last} would have ended: {UNMEASURED}.");
            }
            0 if unmeasured == 0 => format!("The {last} would have ended as {they} did."),
            0 => format!("{} of the {last} would have ended as {they} did.", all - unmeasured),
            _ if all == 1 => format!("The {last} would have ended otherwise: {}.", self.parts()),
            _ => format!("{changed} of the {last} would have ended otherwise: {}.", self.parts()),
        };
        match unmeasured {
            0 => known,
            _ => format!("{known} Of {unmeasured} nobody knows: {UNMEASURED}."),
        }
    }

    /// `2 would have been stopped, 1 would have gone on`
    fn parts(&self) -> String {
        let parts = [
            (self.blocked, "would have been stopped"),
            (self.passed, "would have gone on"),
            (self.other, "would have changed between passed and warning"),
        ];
        let told = parts.iter().filter(|(count, _)| *count > 0);
        told.map(|(count, words)| format!("{count} {words}")).collect::<Vec<_>>().join(", ")
    }
}

impl Again {
    fn new(one: &Replayed, judged: &Judged, visitor: &Visitor) -> Self {
        let (after, because) = match &one.after {
            After::Judged { verdict, message, changes } => {
                let is_other = verdict.result != one.before.result;
                (Would::End(chip(*verdict)), because(changes, message, is_other))
            }
            After::Kept => (Would::Stay, vec![Text::line("Nothing was judged then.")]),
            After::Unmeasured(slis) => {
                let because = Text::line(format!("Not measured then: {}.", slis.join(", ")));
                (Would::Unknown, vec![because])
            }
        };
        Self {
            name: judged.name(),
            href: judged.href(),
            when: When::new(judged.at, visitor.now),
            before: chip(one.before),
            after,
            because,
        }
    }
}

fn chip(verdict: Verdict) -> Chip {
    Chip {
        status: Status::of_result(verdict.result.as_str()),
        more: Text::line(points(verdict.score)),
    }
}

fn because(changes: &[Change], message: &str, is_other: bool) -> Vec<Text> {
    if !is_other {
        return Vec::new();
    }
    if changes.is_empty() {
        // No objective did: the limits of the total, or what the gate says beside them.
        let why = message.lines().next().filter(|line| !line.is_empty());
        return vec![Text::line(why.unwrap_or("The limits of the total score."))];
    }
    changes.iter().map(|change| Text::line(told(change))).collect()
}

/// `response_time passed, and would fail`
fn told(change: &Change) -> String {
    let name = if change.display_name.is_empty() { &change.sli } else { &change.display_name };
    match (change.before, change.after) {
        (None, None) => name.clone(),
        (None, Some(after)) => format!("{name} is new, and would {}", words(after).1),
        (Some(before), None) => {
            format!("{name} {}, and is not asked for any more", words(before).0)
        }
        (Some(before), Some(after)) if before.status == after.status => {
            let (was, is) = (number(before.score), number(after.score));
            format!("{name} {}, for {was} points, which would be {is}", words(before).0)
        }
        (Some(before), Some(after)) => {
            format!("{name} {}, and would {}", words(before).0, words(after).1)
        }
    }
}

/// What an objective did, and what it would do.
fn words(met: Met) -> (&'static str, &'static str) {
    match met.status {
        IndicatorStatus::Pass => ("passed", "pass"),
        IndicatorStatus::Warning => ("warned", "warn"),
        IndicatorStatus::Fail => ("failed", "fail"),
        IndicatorStatus::Info => ("only informed", "only inform"),
    }
}
