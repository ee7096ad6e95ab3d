//! What a changed `slo.yaml` would have decided, as it is told.

use std::collections::BTreeSet;

use serde::Serialize;
use tidegate_core::event::TaskResult;
use tidegate_core::quality::{After, Change, Met, Replayed, Verdict};

use super::history::History;
use super::lines;
use crate::text;
use crate::tone::{Span, Tone};

/// What the columns of [`Told::rows`] are.
pub(crate) const HEADER: [&str; 4] = ["TIME", "WAS", "WOULD BE", "BECAUSE"];

/// A history that was judged again.
#[derive(Debug, PartialEq, Serialize)]
pub(crate) struct Told {
    /// How many evaluations.
    pub(crate) evaluations: usize,
    /// How they ended.
    before: Counts,
    /// How they would have.
    after: Counts,
    /// Those that would have ended otherwise, newest first.
    changed: Vec<Changed>,
    /// Indicators that must pass now, and that nothing was measured for in some of them.
    unmeasured: BTreeSet<String>,
}

/// How many ended how.
#[derive(Debug, Default, PartialEq, Serialize)]
struct Counts {
    pass: usize,
    warning: usize,
    fail: usize,
    /// Nobody knows.
    #[serde(skip_serializing_if = "is_none")]
    unknown: usize,
}

#[derive(Debug, PartialEq, Serialize)]
struct Changed {
    id: String,
    context: String,
    time: String,
    before: Ended,
    after: Ended,
    /// What the evaluation would have said.
    message: String,
    /// The objectives that changed it; none where the targets of the total did.
    objectives: Vec<Moved>,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
struct Ended {
    result: TaskResult,
    score: f64,
}

/// An objective that is met otherwise.
#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Moved {
    sli: String,
    display_name: String,
    /// Null where the objective is new.
    before: Option<&'static str>,
    /// Null where it is gone.
    after: Option<&'static str>,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_none(count: &usize) -> bool {
    *count == 0
}

impl Told {
    /// `replayed`: one for each of the history.
    pub(crate) fn of(history: &History, replayed: Vec<Replayed>) -> Self {
        let mut told = Self {
            evaluations: 0,
            before: Counts::default(),
            after: Counts::default(),
            changed: Vec::new(),
            unmeasured: BTreeSet::new(),
        };
        for (evaluation, replayed) in history.told.iter().zip(replayed).skip(history.before) {
            told.evaluations += 1;
            told.before.add(replayed.before.result);
            match replayed.after {
                After::Kept => told.after.add(replayed.before.result),
                After::Unmeasured(indicators) => {
                    told.after.unknown += 1;
                    told.unmeasured.extend(indicators);
                }
                After::Judged { verdict, message, changes } => {
                    told.after.add(verdict.result);
                    if verdict.result != replayed.before.result {
                        told.changed.push(Changed {
                            id: evaluation.id.clone(),
                            context: evaluation.context.clone(),
                            time: evaluation.time.clone(),
                            before: Ended::of(replayed.before),
                            after: Ended::of(verdict),
                            message,
                            objectives: changes.into_iter().map(Moved::of).collect(),
                        });
                    }
                }
            }
        }
        told.changed.reverse();
        told
    }

    /// The numbers, by what they are.
    pub(crate) fn facts(&self) -> Vec<(&'static str, String)> {
        let mut facts = vec![
            ("judged", format!("{} evaluations", self.evaluations)),
            ("were", self.before.told()),
            ("would be", self.after.told()),
            ("changed", self.changed.len().to_string()),
        ];
        if !self.unmeasured.is_empty() {
            let names: Vec<&str> = self.unmeasured.iter().map(String::as_str).collect();
            let names = names.join(", ");
            facts.push(("unknown", format!("{}: no value of {names}", self.after.unknown)));
        }
        facts
    }

    /// A row for each that changed.
    pub(crate) fn rows(&self) -> Vec<[Span; 4]> {
        self.changed.iter().map(Changed::row).collect()
    }
}

impl Counts {
    fn add(&mut self, result: TaskResult) {
        *match result {
            TaskResult::Pass => &mut self.pass,
            TaskResult::Warning => &mut self.warning,
            TaskResult::Fail => &mut self.fail,
        } += 1;
    }

    fn told(&self) -> String {
        let Self { pass, warning, fail, unknown } = self;
        let unknown = if *unknown == 0 { String::new() } else { format!(", {unknown} unknown") };
        format!("{pass} pass, {warning} warning, {fail} fail{unknown}")
    }
}

impl Ended {
    fn of(verdict: Verdict) -> Self {
        Self { result: verdict.result, score: verdict.score }
    }
}

impl Moved {
    fn of(change: Change) -> Self {
        let status = |met: Option<Met>| met.map(|met| met.status.as_str());
        let Change { sli, display_name, before, after } = change;
        Self { sli, display_name, before: status(before), after: status(after) }
    }

    /// `Response time: pass → fail`
    fn told(&self) -> String {
        let name = if self.display_name.is_empty() { &self.sli } else { &self.display_name };
        match (self.before, self.after) {
            (Some(before), Some(after)) if before == after => format!("{name}: other points"),
            (Some(before), Some(after)) => format!("{name}: {before} → {after}"),
            (Some(before), None) => format!("{name} is gone: {before}"),
            (None, Some(after)) => format!("{name} is new: {after}"),
            (None, None) => name.clone(),
        }
    }
}

impl Changed {
    fn row(&self) -> [Span; 4] {
        let because = match self.objectives.as_slice() {
            [] => "other targets of the total".to_owned(),
            moved => moved.iter().map(Moved::told).collect::<Vec<_>>().join(", "),
        };
        [
            Span::new(text::moment(&self.time), Tone::Muted),
            lines::result(self.before.result),
            lines::result(self.after.result),
            Span::from(because),
        ]
    }
}
