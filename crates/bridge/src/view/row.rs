//! A delivery as one row of a list.

use std::collections::HashMap;

use jiff::Timestamp;

use super::delivery::untaken;
use super::svg::{Drawing, Look, Share, Svg};
use super::{Chip, Delivery, Line, Status, Text, When, Who, points, span, took, version};
use crate::visitor::Visitor;

/// Fewest deliveries that make a usual one.
const USUAL_MIN: usize = 3;

/// One delivery.
pub(crate) struct Row {
    pub(crate) href: String,
    pub(crate) status: Status,
    /// Whether somebody let it go on although a gate had failed, where its status does not say so.
    pub(crate) is_overridden: bool,
    pub(crate) sequence: Text,
    pub(crate) service: Text,
    /// What is delivered, where it says so.
    pub(crate) version: Option<Text>,
    /// What it is at, or came to.
    pub(crate) last: Text,
    pub(crate) fault: Text,
    pub(crate) line: Option<Line>,
    pub(crate) stages: Vec<(Text, Chip)>,
    pub(crate) by: Who,
    pub(crate) began: When,
    pub(crate) took: String,
    /// How long beside the usual.
    pub(crate) bar: Option<(Svg, String)>,
}

/// How long a sequence of a service usually takes, in milliseconds: the median of those that passed on
/// the same page.
pub(crate) struct Usual(HashMap<(String, String), i64>);

impl Usual {
    /// What those deliveries say.
    pub(crate) fn of(deliveries: &[Delivery], now: Timestamp) -> Self {
        let mut all = HashMap::<_, Vec<i64>>::new();
        for delivery in deliveries.iter().filter(|delivery| delivery.status() == Status::Passed) {
            all.entry(kind(delivery)).or_default().push(millis(delivery, now));
        }
        let enough = all.into_iter().filter(|(_, took)| took.len() >= USUAL_MIN);
        let median = |mut took: Vec<i64>| {
            took.sort_unstable();
            took[took.len() / 2].max(1)
        };
        Self(enough.map(|(kind, took)| (kind, median(took))).collect())
    }
}

fn kind(delivery: &Delivery) -> (String, String) {
    (delivery.context.service.to_string(), delivery.context.name.to_string())
}

/// When a delivery ended, or now.
fn end(delivery: &Delivery, now: Timestamp) -> Timestamp {
    let stages = delivery.context.stages.iter();
    let newest = stages.filter_map(|stage| stage.latest_event.as_ref().map(|event| event.time));
    if delivery.context.state.is_final() { newest.max().unwrap_or(now) } else { now }
}

fn millis(delivery: &Delivery, now: Timestamp) -> i64 {
    end(delivery, now).as_millisecond() - delivery.context.time.as_millisecond()
}

/// A bar beside a mark for the usual, which stands in the middle.
fn beside_usual(took: i64, usual: i64) -> (Svg, String) {
    let mut drawing = Drawing::begin("usual");
    let start = Share::of(0, 1);
    let look = Look { class: "lasted", fill: None };
    drawing.foot(look.class, start, (-3, 6), 2);
    drawing.bar(look, (start, Share::of(took, usual.saturating_mul(2))), (-3, 6), false);
    drawing.upright("mark-usual", Share::of(1, 2));
    let word = if usual < 1000 { format!("{usual} ms") } else { span(usual / 1000) };
    (drawing.finish(), format!("usually {word}"))
}

impl Row {
    /// The row of a delivery.
    pub(crate) fn new(delivery: &Delivery, usual: &Usual, visitor: &Visitor) -> Self {
        let context = &delivery.context;
        let stages = context.stages.iter().map(|stage| {
            let score = stage.latest_evaluation.as_ref().map(|evaluation| points(evaluation.score));
            let more = Text::line(score.unwrap_or_default());
            (Text::line(&stage.name), Chip { status: delivery.status_of(stage), more })
        });
        let usual = usual.0.get(&kind(delivery));
        let status = delivery.status();
        Self {
            href: format!("/bridge/project/{}/sequence/{}", context.project, context.id),
            is_overridden: delivery.is_overridden() && status != Status::Overridden,
            status,
            sequence: Text::line(&context.name),
            service: Text::line(&context.service),
            version: delivery
                .image
                .as_deref()
                .map(|image| version(image, context.service.as_str())),
            last: last(delivery),
            fault: delivery.fault.clone(),
            line: delivery.line.clone(),
            stages: stages.collect(),
            by: Who::new(&context.triggered_by, &visitor.principal),
            began: When::new(context.time, visitor.now),
            took: took(context.time, end(delivery, visitor.now)),
            bar: usual.map(|usual| beside_usual(millis(delivery, visitor.now), *usual)),
        }
    }
}

/// The problem that a delivery remedies, or the task that it is at.
fn last(delivery: &Delivery) -> Text {
    if let Some(problem) = &delivery.context.problem_title {
        return Text::line(problem);
    }
    let waits = delivery.context.stages.iter().rev().find(|stage| untaken(stage).is_some());
    if delivery.status() == Status::Queued
        && let Some((stage, task)) = waits.and_then(|stage| Some((stage, untaken(stage)?)))
    {
        return Text::line(format!("{task} in {} waits for an executor", stage.name));
    }
    let events = delivery.context.stages.iter().filter_map(|stage| {
        stage.latest_event.as_ref().map(|event| (event.time, &event.kind, &stage.name))
    });
    let newest = events.max_by_key(|(time, ..)| *time);
    Text::line(newest.map_or_else(String::new, |(_, kind, stage)| {
        let kind = kind.strip_prefix("sh.keptn.event.").unwrap_or(kind);
        let what = kind.strip_prefix(&format!("{stage}.")).unwrap_or(kind);
        let what = ["triggered", "started", "finished"]
            .iter()
            .find_map(|phase| Some(format!("{} {phase}", what.strip_suffix(&format!(".{phase}"))?)))
            .unwrap_or_else(|| what.to_owned());
        format!("{what} in {stage}")
    }))
}
