//! What another file would have decided over evaluations that have been.

use std::collections::HashMap;

use tidegate_core::event::TaskResult;
use tidegate_core::quality::{After, Change, IndicatorStatus, Met, Past, Replayed, Verdict};

use super::judged::Judged;
use crate::view::number::number;
use crate::view::{Chip, Status, Text, When, points};
use crate::visitor::Visitor;

/// A history, judged again.
pub(crate) struct Replay {
    /// In one sentence.
    pub(crate) summary: String,
    /// Newest first.
    pub(crate) changed: Vec<Again>,
    /// The others, newest first.
    pub(crate) same: Vec<Again>,
}

/// An evaluation, judged again.
pub(crate) struct Again {
    pub(crate) name: Text,
    pub(crate) href: String,
    pub(crate) when: When,
    pub(crate) before: Chip,
    /// None where it stays as it is, for nothing can be judged again.
    pub(crate) after: Option<Chip>,
    /// Why.
    pub(crate) because: Vec<Text>,
}

/// The evaluations as the gate sees them when it looks back, oldest first, without those that it cannot read.
pub(crate) fn history(newest_first: &[Judged]) -> Vec<Past> {
    newest_first.iter().rev().filter_map(Judged::past).collect()
}

impl Replay {
    /// What was replayed, beside the evaluations that it was made from.
    pub(crate) fn new(replayed: &[Replayed], newest_first: &[Judged], visitor: &Visitor) -> Self {
        let by_id: HashMap<String, &Judged> =
            newest_first.iter().map(|judged| (judged.id.to_string(), judged)).collect();
        let (mut changed, mut same) = (Vec::new(), Vec::new());
        let mut counts = Counts::default();
        for one in replayed.iter().rev() {
            let Some(judged) = by_id.get(&one.id) else { continue };
            let again = Again::new(one, judged, visitor);
            if counts.take(one) { changed.push(again) } else { same.push(again) }
        }
        Self { summary: counts.sentence(replayed.len()), changed, same }
    }
}

#[derive(Default)]
struct Counts {
    blocked: usize,
    passed: usize,
    other: usize,
    unmeasured: usize,
}

impl Counts {
    /// Counts one, and says whether its result is another one.
    fn take(&mut self, one: &Replayed) -> bool {
        let after = match &one.after {
            After::Judged { verdict, .. } => verdict.result,
            After::Kept => return false,
            After::Unmeasured(_) => {
                self.unmeasured += 1;
                return false;
            }
        };
        match (one.before.result, after) {
            (before, after) if before == after => return false,
            (_, TaskResult::Fail) => self.blocked += 1,
            (TaskResult::Fail, _) => self.passed += 1,
            _ => self.other += 1,
        }
        true
    }

    fn sentence(&self, all: usize) -> String {
        let changed = self.blocked + self.passed + self.other;
        let mut parts = Vec::new();
        for (count, words) in [
            (self.blocked, "would have been stopped"),
            (self.passed, "would have gone on"),
            (self.other, "would have changed between passed and warning"),
        ] {
            if count > 0 {
                parts.push(format!("{count} {words}"));
            }
        }
        let evaluations = if all == 1 { "evaluation" } else { "evaluations" };
        let mut sentence = match (all, changed) {
            (0, _) => "There is no evaluation to judge again.".to_owned(),
            (_, 0) => format!("The last {all} {evaluations} would have ended as they did."),
            _ => format!(
                "{changed} of the last {all} {evaluations} would have ended otherwise: {}.",
                parts.join(", ")
            ),
        };
        if self.unmeasured > 0 {
            sentence.push_str(&format!(
                " Of {} nobody knows: what must pass was not measured then.",
                self.unmeasured
            ));
        }
        sentence
    }
}

impl Again {
    fn new(one: &Replayed, judged: &Judged, visitor: &Visitor) -> Self {
        let (after, because) = match &one.after {
            After::Judged { verdict, message, changes } => {
                let is_other = verdict.result != one.before.result;
                (Some(chip(*verdict)), because(changes, message, is_other))
            }
            After::Kept => (None, vec![Text::line("Nothing was judged then.")]),
            After::Unmeasured(slis) => {
                (None, vec![Text::line(format!("Not measured then: {}.", slis.join(", ")))])
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
