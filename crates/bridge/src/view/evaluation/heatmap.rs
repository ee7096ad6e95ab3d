//! Evaluations side by side: an objective a row, an evaluation a column, newest last.

use std::collections::{HashMap, HashSet};

use tidegate_core::names::EventId;
use tidegate_core::quality::{IndicatorResult, IndicatorStatus};

use super::judged::{Judged, metric_of, name_of, value_of};
use super::limit::status_of;
use crate::view::number::number;
use crate::view::{Status, Text, When};
use crate::visitor::Visitor;

/// Evaluations and what they say of each objective.
pub(crate) struct Heatmap {
    pub(crate) columns: Vec<Column>,
    pub(crate) rows: Vec<Row>,
}

/// An evaluation.
pub(crate) struct Column {
    pub(crate) id: String,
    /// Which of all it is, counted from the oldest: each of its cells bears it.
    pub(crate) number: u64,
    pub(crate) name: Text,
    pub(crate) when: When,
    pub(crate) href: String,
    /// Whether it does not count for later ones.
    pub(crate) is_void: bool,
    /// Whether it is the one that was asked for.
    pub(crate) is_chosen: bool,
    /// Whether the chosen one was compared with it.
    pub(crate) is_compared: bool,
}

/// The score, or an objective.
pub(crate) struct Row {
    pub(crate) name: Text,
    pub(crate) is_key: bool,
    /// As many as there are columns.
    pub(crate) cells: Vec<Cell>,
}

/// What an evaluation says of an objective.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cell {
    pub(crate) heat: Heat,
    /// `Failed 0.41`
    pub(crate) words: String,
}

/// How a cell looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Heat {
    Pass,
    Warning,
    Fail,
    /// It failed, for there is no value.
    Unread,
    /// It only informs.
    Info,
    /// The evaluation has no such objective.
    Missing,
}

impl Heat {
    /// Its class in the style sheet.
    pub(crate) fn class(self) -> &'static str {
        match self {
            Self::Pass => "hp",
            Self::Warning => "hw",
            Self::Fail => "hf",
            Self::Unread => "hu",
            Self::Info => "hi",
            Self::Missing => "hm",
        }
    }

    fn of(status: Status) -> Self {
        match status {
            Status::Passed => Self::Pass,
            Status::Warning => Self::Warning,
            Status::Info => Self::Info,
            _ => Self::Fail,
        }
    }
}

/// What makes two results the same objective: what it is called, its indicator, and which of several such it is.
pub(crate) type Objective<'a> = (&'a str, &'a str, usize);

/// The results of an evaluation, by objective.
pub(crate) fn by_objective(judged: &Judged) -> HashMap<Objective<'_>, &IndicatorResult> {
    let mut seen = HashMap::<(&str, &str), usize>::new();
    let all = judged.indicators.iter().map(|indicator| {
        let name = (name_of(indicator), metric_of(indicator));
        let count = seen.entry(name).or_default();
        *count += 1;
        ((name.0, name.1, *count), indicator)
    });
    all.collect()
}

/// Every objective of any of them: key objectives first, then by name, as in Keptn's Bridge.
pub(crate) fn objectives_of<'a>(
    all: &[HashMap<Objective<'a>, &'a IndicatorResult>],
) -> Vec<(Objective<'a>, bool)> {
    let mut found = HashMap::<Objective<'a>, bool>::new();
    for (objective, indicator) in all.iter().flatten() {
        *found.entry(*objective).or_default() |= indicator.key_sli;
    }
    let mut found: Vec<_> = found.into_iter().collect();
    found.sort_by_key(|(objective, is_key)| (!is_key, *objective));
    found
}

impl Heatmap {
    /// A heatmap of evaluations, newest first as they are read, of which the last is number `oldest` of all;
    /// `chosen` is the one that is looked at.
    pub(crate) fn new(
        newest_first: &[Judged],
        oldest: u64,
        chosen: Option<EventId>,
        visitor: &Visitor,
    ) -> Self {
        let all: Vec<&Judged> = newest_first.iter().rev().collect();
        let compared: HashSet<&str> = all
            .iter()
            .filter(|judged| Some(judged.id) == chosen)
            .filter_map(|judged| judged.details())
            .flat_map(|details| details.compared_events.iter().map(String::as_str))
            .collect();
        let columns = all.iter().enumerate().map(|(at, judged)| {
            let id = judged.id.to_string();
            Column {
                number: oldest + at as u64,
                name: judged.name(),
                when: When::new(judged.at, visitor.now),
                href: judged.href(),
                is_void: judged.is_void,
                is_chosen: Some(judged.id) == chosen,
                is_compared: compared.contains(id.as_str()),
                id,
            }
        });
        let results: Vec<_> = all.iter().map(|judged| by_objective(judged)).collect();
        let score = Row {
            name: Text::line("Score"),
            is_key: false,
            cells: all.iter().map(|judged| Cell::of_score(judged)).collect(),
        };
        let objectives = objectives_of(&results);
        let rows = objectives.iter().map(|(objective, is_key)| {
            let cells = results.iter().map(|results| match results.get(objective) {
                Some(indicator) => Cell::of(indicator),
                None => Cell { heat: Heat::Missing, words: "Not judged".to_owned() },
            });
            Row { name: Text::line(called(objective)), is_key: *is_key, cells: cells.collect() }
        });
        Self { columns: columns.collect(), rows: std::iter::once(score).chain(rows).collect() }
    }

    /// What the evaluations of this page are compared with, in words; empty where none is chosen.
    pub(crate) fn compared(&self) -> Option<String> {
        let chosen = self.columns.iter().find(|column| column.is_chosen)?;
        let names: Vec<&str> = self
            .columns
            .iter()
            .filter(|column| column.is_compared)
            .map(|column| column.name.as_str())
            .collect();
        Some(match names.as_slice() {
            [] => format!("{} was compared with none of these.", chosen.name),
            names => format!("{} was compared with {}.", chosen.name, names.join(", ")),
        })
    }
}

/// What a row is called: an objective that informs only may have no name where nothing was measured.
pub(crate) fn called(objective: &Objective<'_>) -> String {
    match *objective {
        ("", ..) => "no name".to_owned(),
        (name, _, 1) => name.to_owned(),
        (name, _, n) => format!("{name} ({n})"),
    }
}

impl Cell {
    fn of_score(judged: &Judged) -> Self {
        let (status, score) = (judged.status(), judged.score().map(number));
        let words = match &score {
            Some(score) => format!("{} {score}", status.word()),
            None => format!("{}, nothing was judged", status.word()),
        };
        let heat = if score.is_none() && status == Status::Failed {
            Heat::Unread
        } else {
            Heat::of(status)
        };
        Self { heat, words }
    }

    fn of(indicator: &IndicatorResult) -> Self {
        let status = status_of(indicator);
        match value_of(indicator) {
            Some(value) => Self {
                heat: Heat::of(status),
                words: format!("{} {}", status.word(), number(value)),
            },
            None => Self {
                heat: match indicator.status {
                    IndicatorStatus::Info => Heat::Info,
                    _ => Heat::Unread,
                },
                words: format!("{}, not read", status.word()),
            },
        }
    }
}
