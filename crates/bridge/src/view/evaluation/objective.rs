//! The objectives of one evaluation, a row each.

use std::collections::HashSet;

use tidegate_core::quality::{IndicatorResult, IndicatorStatus, Objective as Written, Slo};

use super::judged::{Judged, metric_of, name_of, value_of};
use super::limit::{Limits, broken, limits, status_of, wanted};
use crate::view::number::{Change, number};
use crate::view::{Status, Text};

/// Objectives that a sentence names.
const NAMED_MAX: usize = 3;

/// An objective and what it made of its value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Objective {
    pub(crate) name: Text,
    /// Its indicator, where it is called otherwise.
    pub(crate) metric: Option<Text>,
    pub(crate) is_key: bool,
    pub(crate) status: Status,
    /// The value; none where there is none.
    pub(crate) value: Option<Value>,
    /// What it was before, and how it moved.
    pub(crate) before: Option<(Value, Option<Change>)>,
    pub(crate) pass: Limits,
    pub(crate) warning: Limits,
    /// What it counts; none where the file is not known.
    pub(crate) weight: Option<i64>,
    /// What it adds to the score.
    pub(crate) points: String,
    /// Why there is no value.
    pub(crate) message: Text,
}

/// A number, rounded for people, and as it was compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Value {
    pub(crate) shown: String,
    pub(crate) exact: String,
}

impl Value {
    pub(crate) fn new(value: f64) -> Self {
        Self { shown: number(value), exact: value.to_string() }
    }
}

/// In which order objectives stand.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Order {
    /// What failed first.
    #[default]
    Worst,
    /// As in the file.
    File,
    Name,
    /// What counts most first.
    Weight,
}

impl Order {
    pub(crate) const ALL: [Self; 4] = [Self::Worst, Self::File, Self::Name, Self::Weight];

    /// The word in the address.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Worst => "worst",
            Self::File => "file",
            Self::Name => "name",
            Self::Weight => "weight",
        }
    }

    /// The word on the page.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Worst => "worst first",
            Self::File => "as in the file",
            Self::Name => "name",
            Self::Weight => "weight",
        }
    }

    /// Reads the word of an address; whatever is unknown means the usual one.
    pub(crate) fn parse(word: &str) -> Self {
        Self::ALL.into_iter().find(|order| order.as_str() == word).unwrap_or_default()
    }
}

/// The objectives of an evaluation, by the file that it went by and the evaluations that it was compared with.
pub(crate) fn objectives(
    judged: &Judged,
    slo: Option<&Slo>,
    compared: &[Judged],
    order: Order,
) -> Vec<Objective> {
    let measured: HashSet<&str> = compared
        .iter()
        .flat_map(|judged| &judged.indicators)
        .filter(|indicator| value_of(indicator).is_some())
        .map(metric_of)
        .collect();
    // One that was compared with and is forgotten since may have had anything.
    let named = judged.details().map_or(0, |details| details.compared_events.len());
    let is_whole = compared.len() >= named;
    let all = judged.indicators.iter().enumerate();
    let mut rows: Vec<Objective> = all
        .map(|(at, indicator)| {
            let written = slo.and_then(|slo| written(slo, at, indicator));
            let compares = !is_whole || measured.contains(metric_of(indicator));
            Objective::new(indicator, written, compares && named > 0)
        })
        .collect();
    match order {
        Order::Worst => rows.sort_by_key(|row| (severity(row.status), !row.is_key)),
        Order::File => {}
        Order::Name => rows.sort_by(|a, b| a.name.as_str().cmp(b.name.as_str())),
        Order::Weight => rows.sort_by_key(|row| std::cmp::Reverse(row.weight)),
    }
    rows
}

/// The objective of the file that an indicator's result is of: results stand in the order of the file.
fn written<'a>(slo: &'a Slo, at: usize, indicator: &IndicatorResult) -> Option<&'a Written> {
    let metric = metric_of(indicator);
    let fits = |objective: &&Written| match metric {
        "" => objective.name() == name_of(indicator),
        metric => objective.sli == metric && objective.display_name == indicator.display_name,
    };
    let there = slo.objectives.get(at).filter(fits);
    there.or_else(|| slo.objectives.iter().find(fits))
}

impl Objective {
    fn new(indicator: &IndicatorResult, written: Option<&Written>, compares: bool) -> Self {
        let (metric, value) = (metric_of(indicator), value_of(indicator));
        let name = match name_of(indicator) {
            "" => "no name",
            name => name,
        };
        let is_judged = value.is_some() && indicator.status != IndicatorStatus::Info;
        let before = indicator.value.as_ref().filter(|_| compares && is_judged).map(|told| {
            let before = told.compared_value;
            let change = value.map(|value| Change::of(value, before, wanted(indicator)));
            (Value::new(before), change)
        });
        let groups = written.map(|written| (written.pass.as_slice(), written.warning.as_slice()));
        let (pass, warning) = (indicator.pass_targets.as_deref(), &indicator.warning_targets);
        let message = indicator.value.as_ref().filter(|told| !told.success);
        Self {
            name: Text::line(name),
            metric: Some(metric).filter(|m| !m.is_empty() && *m != name).map(Text::line),
            // Keptn 1.4: the event does not tell it of an objective without a value.
            is_key: indicator.key_sli || written.is_some_and(|written| written.key_sli),
            status: status_of(indicator),
            value: value.map(Value::new),
            before,
            pass: limits(pass, groups.map(|(pass, _)| pass), is_judged, compares),
            warning: limits(
                warning.as_deref(),
                groups.map(|(_, warning)| warning),
                is_judged,
                compares,
            ),
            weight: written.filter(|written| !written.pass.is_empty()).map(|w| w.weight),
            points: number(indicator.score),
            message: Text::line(message.map_or("", |told| told.message.as_str())),
        }
    }

    /// What is wrong with it, as a part of a sentence.
    fn fault(&self) -> String {
        match &self.value {
            None => format!("{} could not be read", self.name),
            Some(value) => {
                let wanted = broken(if self.pass.is_empty() { &self.warning } else { &self.pass });
                format!("{} is {}, wanted {wanted}", self.name, value.shown)
            }
        }
    }
}

/// What was not met, in one sentence; empty where all is well.
pub(crate) fn faults(rows: &[Objective]) -> String {
    let mut bad: Vec<&Objective> =
        rows.iter().filter(|row| matches!(row.status, Status::Failed | Status::Warning)).collect();
    bad.sort_by_key(|row| (severity(row.status), !row.is_key));
    let mut parts: Vec<String> = bad.iter().take(NAMED_MAX).map(|row| row.fault()).collect();
    match bad.len().saturating_sub(NAMED_MAX) {
        0 => {}
        1 => parts.push("and 1 more is not met".to_owned()),
        more => parts.push(format!("and {more} more are not met")),
    }
    match parts.is_empty() {
        true => String::new(),
        false => format!("{}.", parts.join("; ")),
    }
}

pub(crate) fn severity(status: Status) -> u8 {
    match status {
        Status::Failed => 0,
        Status::Warning => 1,
        Status::Passed => 2,
        _ => 3,
    }
}
