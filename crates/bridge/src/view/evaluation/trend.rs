//! One objective over evaluations: its values as a line, its limits beside them.

use tidegate_core::quality::{IndicatorResult, TargetResult};

use super::heatmap::{by_objective, called, objectives_of};
use super::judged::{Judged, value_of};
use super::limit::status_of;
use crate::view::number::number;
use crate::view::svg::{Drawing, Mark, Share, Svg};
use crate::view::{Status, Text};

/// Half the height that values take, in pixels.
const HALF_PX: i32 = 40;
/// Most evaluations of which each has a dot.
const DOTS_MAX: usize = 60;
/// Most objectives that are drawn; the others are in the table above.
const DRAWN_MAX: usize = 60;

/// A line.
pub(crate) struct Trend {
    pub(crate) name: Text,
    pub(crate) is_key: bool,
    pub(crate) svg: Svg,
    /// The newest value.
    pub(crate) newest: String,
    /// From the least to the largest value.
    pub(crate) range: String,
    /// The newest criteria.
    pub(crate) limits: Text,
}

/// What is drawn of one evaluation.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Point {
    value: Option<f64>,
    status: Status,
    is_void: bool,
    pass: Option<f64>,
    warning: Option<f64>,
}

/// The lines of evaluations, newest first as they are read; objectives without any value are left out.
pub(crate) fn trends(newest_first: &[Judged]) -> Vec<Trend> {
    let all: Vec<&Judged> = newest_first.iter().rev().collect();
    let results: Vec<_> = all.iter().map(|judged| by_objective(judged)).collect();
    let objectives = objectives_of(&results);
    let drawn = objectives.iter().filter_map(|(objective, is_key)| {
        let found: Vec<Option<&IndicatorResult>> =
            results.iter().map(|results| results.get(objective).copied()).collect();
        let points: Vec<Point> = all
            .iter()
            .zip(&found)
            .map(|(judged, indicator)| Point::of(*indicator, judged.is_void))
            .collect();
        let values = || points.iter().filter_map(|point| point.value);
        let newest = values().next_back()?;
        let (least, largest) = (values().fold(newest, f64::min), values().fold(newest, f64::max));
        let criteria = found.iter().rev().flatten().next().map(|newest| criteria(newest));
        Some(Trend {
            name: Text::line(called(objective)),
            is_key: *is_key,
            svg: draw(&points),
            newest: number(newest),
            range: format!("{} to {}", number(least), number(largest)),
            limits: Text::line(criteria.unwrap_or_default()),
        })
    });
    drawn.take(DRAWN_MAX).collect()
}

fn criteria(indicator: &IndicatorResult) -> String {
    let texts = |targets: &Option<Vec<TargetResult>>| {
        let all = targets.iter().flatten().map(|target| target.criteria.as_str());
        all.collect::<Vec<_>>().join(", ")
    };
    match (texts(&indicator.pass_targets), texts(&indicator.warning_targets)) {
        (pass, warning) if pass.is_empty() && warning.is_empty() => "only informs".to_owned(),
        (pass, warning) if warning.is_empty() => format!("pass {pass}"),
        (pass, warning) => format!("pass {pass}; warning {warning}"),
    }
}

impl Point {
    fn of(indicator: Option<&IndicatorResult>, is_void: bool) -> Self {
        let target = |targets: &Option<Vec<TargetResult>>, value: Option<f64>| {
            // Without a value, the numbers of relative criteria are none.
            value.and_then(|_| targets.iter().flatten().next()).map(|target| target.target_value)
        };
        match indicator {
            None => {
                Self { value: None, status: Status::Unknown, is_void, pass: None, warning: None }
            }
            Some(indicator) => {
                let value = value_of(indicator);
                Self {
                    value,
                    status: status_of(indicator),
                    is_void,
                    pass: target(&indicator.pass_targets, value),
                    warning: target(&indicator.warning_targets, value),
                }
            }
        }
    }
}

/// From the least to the largest number that is drawn, as pixels from the middle.
struct Axis {
    least: f64,
    length: f64,
}

impl Axis {
    fn of(points: &[Point]) -> Self {
        let numbers = || points.iter().flat_map(|p| [p.value, p.pass, p.warning]).flatten();
        let least = numbers().fold(f64::INFINITY, f64::min);
        let largest = numbers().fold(f64::NEG_INFINITY, f64::max);
        // Halves: the difference of two large numbers may be none.
        let length = if largest > least { largest / 2.0 - least / 2.0 } else { 0.0 };
        Self { least, length }
    }

    /// Where a number lies, downwards from the middle; in the middle where all are the same.
    #[allow(clippy::cast_possible_truncation, reason = "it lies between both ends, and saturates")]
    fn at(&self, number: f64) -> i32 {
        if self.length == 0.0 {
            return 0;
        }
        let share = (number / 2.0 - self.least / 2.0) / self.length;
        let px = f64::from(HALF_PX) * (1.0 - 2.0 * share);
        (px.round() as i32).clamp(-HALF_PX, HALF_PX)
    }
}

fn draw(points: &[Point]) -> Svg {
    let axis = Axis::of(points);
    let count = i64::try_from(points.len()).unwrap_or(i64::MAX);
    let share = |part: usize, whole: i64| Share::of(i64::try_from(part).unwrap_or(i64::MAX), whole);
    let edge = |at: usize| share(at, count);
    let middle = |at: usize| share(2 * at + 1, count.saturating_mul(2));
    let mut drawing = Drawing::begin("bar trend");
    for (class, limit) in [
        ("limit-warn", points.iter().map(|point| point.warning).collect::<Vec<_>>()),
        ("limit-pass", points.iter().map(|point| point.pass).collect()),
    ] {
        let heights: Vec<Option<i32>> =
            limit.iter().map(|limit| limit.map(|limit| axis.at(limit))).collect();
        let mut start = 0;
        // What stays the same is one line.
        for same in heights.chunk_by(|a, b| a == b) {
            let end = start + same.len();
            if let Some(y) = same[0] {
                drawing.segment(class, (edge(start), y), (edge(end), y));
            }
            start = end;
        }
    }
    let known: Vec<(usize, &Point, i32)> = points
        .iter()
        .enumerate()
        .filter_map(|(at, point)| Some((at, point, axis.at(point.value?))))
        .collect();
    let mut before: Option<(usize, i32)> = None;
    for run in known.chunk_by(|(from, ..), (to, ..)| *to == from + 1) {
        let (first, last) = (run[0], run[run.len() - 1]);
        // Where evaluations between have no value, nothing is claimed of them.
        if let Some((from, y)) = before {
            drawing.segment("value gap", (middle(from), y), (middle(first.0), first.2));
        }
        let line = run.iter().map(|(at, _, y)| (*at, *y));
        drawing.polyline("value", points.len(), HALF_PX, line);
        before = Some((last.0, last.2));
    }
    for (at, point, y) in known {
        let mark = if point.is_void { Mark::Hollow } else { mark(point.status) };
        // Among many, what passed is the line.
        if mark != Mark::Dot || points.len() <= DOTS_MAX {
            drawing.mark(tone(point.status), mark, middle(at), y);
        }
    }
    drawing.finish()
}

fn mark(status: Status) -> Mark {
    match status {
        Status::Failed => Mark::Cross,
        Status::Warning => Mark::Triangle,
        Status::Passed => Mark::Dot,
        _ => Mark::Hollow,
    }
}

fn tone(status: Status) -> &'static str {
    match status {
        Status::Failed => "mark t-fail",
        Status::Warning => "mark t-warn",
        Status::Passed => "mark t-pass",
        _ => "mark t-quiet",
    }
}
