//! What a changed `slo.yaml` would have decided over evaluations that have been. The values that were measured
//! then are judged again, oldest first; each is compared with those before it as they would have ended.

use std::cmp::Ordering;
use std::collections::{HashSet, VecDeque};

use super::evaluate::judge;
use super::{
    Comparison, IndicatorResult, IndicatorStatus, NumberError, Past, SliAnswer, SliResult, Slo,
    TargetsError,
};
use crate::event::TaskResult;

#[cfg(test)]
mod tests;

/// How an evaluation of the past would have ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Replayed {
    /// The id of its event.
    pub id: String,
    /// How it has ended.
    pub before: Verdict,
    /// How it would have.
    pub after: After,
}

/// How an evaluation ends.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Verdict {
    /// `data.result`
    pub result: TaskResult,
    /// `data.evaluation.score`
    pub score: f64,
}

/// How an evaluation would have ended.
#[derive(Debug, Clone, PartialEq)]
pub enum After {
    /// So.
    Judged {
        /// The verdict.
        verdict: Verdict,
        /// What the evaluation would have said.
        message: String,
        /// Where the result is another one: the objectives that changed it. None: the targets of the total
        /// did.
        changes: Vec<Change>,
    },
    /// As it has: nothing was judged, for there was no file, no provider, or an error. It keeps its place
    /// among those that are compared with.
    Kept,
    /// Nobody knows: nothing was measured then for these indicators, which now must pass. It keeps its place
    /// with the result that it has.
    Unmeasured(Vec<String>),
}

/// One objective that is met otherwise than it was.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// Its indicator.
    pub sli: String,
    /// What people call it; may be empty.
    pub display_name: String,
    /// How it was met; none where the objective is new.
    pub before: Option<Met>,
    /// How it would have been; none where the objective is gone.
    pub after: Option<Met>,
}

/// How an objective is met.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Met {
    /// Whether.
    pub status: IndicatorStatus,
    /// What it adds to the score.
    pub score: f64,
    /// Whether it is known as a key objective.
    pub key_sli: bool,
}

/// Why a file decides nothing: every evaluation by it is errored. In Keptn's words, with what to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Undecided {
    /// It compares with a number of evaluations that no datastore gives.
    #[error(
        "{0}, so every evaluation would end errored; compare with 1 to {max} of them",
        max = Comparison::NUMBER_MAX
    )]
    Number(#[from] NumberError),
    /// Nobody can read from which score on it passes or warns.
    #[error("{0}, so every evaluation would end errored; {hint}", hint = .0.hint())]
    Total(#[from] TargetsError),
}

/// How many evaluations are read, up to the newest, so that the last so many can be judged again: the first of
/// these are compared with those before them.
#[must_use]
pub const fn reach(last: usize) -> usize {
    last.saturating_add(Comparison::NUMBER_MAX)
}

/// Whether a file decides anything; answers with how many evaluations it compares.
///
/// # Errors
/// It does not, and why.
pub fn decides(slo: &Slo) -> Result<usize, Undecided> {
    slo.total_score?;
    Ok(slo.comparison.limit()?)
}

/// Judges a history again, oldest first. Of one that was read by [`reach`], only the last so many are told: those
/// before them lack what they were compared with.
///
/// # Errors
/// The file decides nothing.
pub fn replay(slo: &Slo, history: &[Past]) -> Result<Vec<Replayed>, Undecided> {
    let limit = decides(slo)?;
    // Newest first; only those that count.
    let mut chosen: VecDeque<&Past> = VecDeque::with_capacity(limit + 1);
    let mut replayed = Vec::with_capacity(history.len());
    for past in history {
        let before = Verdict { result: past.result, score: past.score };
        let after = again(slo, past, chosen.make_contiguous());
        let result = match &after {
            After::Judged { verdict, .. } => verdict.result,
            After::Kept | After::Unmeasured(_) => past.result,
        };
        if !past.invalidated && slo.comparison.include.takes(result) {
            chosen.push_front(past);
            chosen.truncate(limit);
        }
        replayed.push(Replayed { id: past.id.clone(), before, after });
    }
    Ok(replayed)
}

fn again(slo: &Slo, past: &Past, chosen: &[&Past]) -> After {
    if past.indicators.is_empty() {
        return After::Kept;
    }
    let measured: Vec<&SliResult> =
        past.indicators.iter().filter_map(|i| i.value.as_ref()).collect();
    let known: HashSet<&str> = measured.iter().map(|value| value.metric.as_str()).collect();
    let scored = slo.objectives.iter().filter(|objective| !objective.pass.is_empty());
    let unmeasured: Vec<String> = scored
        .filter(|objective| !known.contains(objective.sli.as_str()))
        .map(|objective| objective.sli.clone())
        .collect();
    if !unmeasured.is_empty() {
        return After::Unmeasured(unmeasured);
    }
    let evaluation = judge(slo, &answer(slo, past, &measured), chosen);
    let verdict = Verdict { result: evaluation.outcome.result, score: evaluation.details.score };
    let changes = match verdict.result.cmp(&past.result) {
        Ordering::Equal => Vec::new(),
        moved => {
            let indicators = evaluation.details.indicator_results.unwrap_or_default();
            changes(slo, &past.indicators, &indicators, moved)
        }
    };
    After::Judged { verdict, message: evaluation.message, changes }
}

/// What the provider would have answered: only what it would have been asked for.
fn answer(slo: &Slo, past: &Past, measured: &[&SliResult]) -> SliAnswer {
    // What Keptn says of a provider that could measure nothing.
    const FAILED: &str = "lighthouse failed because SLI failed with message ";
    let failed = past.message.strip_prefix(FAILED);
    let asked: HashSet<&str> = slo.indicators().collect();
    let values = measured
        .iter()
        .filter(|value| asked.contains(value.metric.as_str()))
        .map(|value| Some(SliResult { compared_value: 0.0, ..(*value).clone() }));
    SliAnswer {
        failed: failed.is_some(),
        message: failed.unwrap_or_default().to_owned(),
        values: values.collect(),
        ..SliAnswer::default()
    }
}

/// The objectives that are met otherwise, without those that moved against the result.
fn changes(
    slo: &Slo,
    before: &[IndicatorResult],
    after: &[IndicatorResult],
    moved: Ordering,
) -> Vec<Change> {
    let mut left: Vec<&IndicatorResult> = before.iter().collect();
    let mut changes = Vec::new();
    for (objective, indicator) in slo.objectives.iter().zip(after) {
        let same = left.iter().position(|old| metric(old) == Some(objective.sli.as_str()));
        changes.push(Change {
            sli: objective.sli.clone(),
            display_name: objective.display_name.clone(),
            before: same.map(|index| Met::of(left.remove(index))),
            after: Some(Met::of(indicator)),
        });
    }
    changes.extend(left.into_iter().map(|gone| Change {
        sli: metric(gone).unwrap_or_default().to_owned(),
        display_name: gone.display_name.clone(),
        before: Some(Met::of(gone)),
        after: None,
    }));
    changes.retain(|change| {
        let way = Met::worse(change.after).cmp(&Met::worse(change.before));
        // What only informs, before and after, decides nothing.
        let counts = Met::counts(change.before) || Met::counts(change.after);
        counts && change.before != change.after && (way == Ordering::Equal || way == moved)
    });
    changes
}

fn metric(indicator: &IndicatorResult) -> Option<&str> {
    indicator.value.as_ref().map(|value| value.metric.as_str())
}

impl Met {
    fn of(indicator: &IndicatorResult) -> Self {
        Self { status: indicator.status, score: indicator.score, key_sli: indicator.key_sli }
    }

    /// Whether it has a say in the result.
    fn counts(met: Option<Self>) -> bool {
        met.is_some_and(|met| met.status != IndicatorStatus::Info)
    }

    /// How much worse than nothing at all.
    fn worse(met: Option<Self>) -> i8 {
        match met.map(|met| met.status) {
            Some(IndicatorStatus::Pass) => -1,
            Some(IndicatorStatus::Fail) => 1,
            Some(IndicatorStatus::Warning | IndicatorStatus::Info) | None => 0,
        }
    }
}
