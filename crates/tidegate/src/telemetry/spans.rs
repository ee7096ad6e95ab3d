//! From the log to spans. Pure: the same log gives the same spans, with the same ids.
//!
//! A trace is a context. Its root is everything that follows from a trigger from outside; below it stands
//! each sequence in a stage, and below that each of its tasks. A span is told when it has ended, with the
//! entry of the log that ended it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use tidegate_core::event::{
    Event, EventKind, Outcome, Phase, SpanId, Status, TRACEPARENT, TaskResult, TraceId,
    TraceParent, text,
};
use tidegate_core::names::EventId;
use tidegate_core::sequence::Disposition;
use tidegate_store::LogRow;

/// `source` of the events by which one sequence follows another.
const CONTROLLER: &str = "shipyard-controller";

/// Something that has ended.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Span {
    pub(super) trace: TraceId,
    pub(super) id: SpanId,
    pub(super) parent: Option<SpanId>,
    pub(super) name: String,
    pub(super) begun: Timestamp,
    pub(super) ended: Timestamp,
    pub(super) attributes: BTreeMap<&'static str, String>,
    /// Other traces that this is a part of for whoever sent an event.
    pub(super) links: Vec<TraceParent>,
    /// Why it went wrong; none where it did not.
    pub(super) error: Option<String>,
}

/// The log of one context, in order.
pub(super) struct Story<'a> {
    rows: Vec<(&'a LogRow, EventKind)>,
    /// Whether something of the context goes on.
    under_way: bool,
}

impl<'a> Story<'a> {
    pub(super) fn of(rows: &'a [LogRow], under_way: bool) -> Self {
        let accepted = rows.iter().filter(|row| row.disposition == Disposition::Accepted);
        Self { rows: accepted.map(|row| (row, row.event.kind.kind())).collect(), under_way }
    }

    /// The spans that end with entry `n`.
    pub(super) fn ended_by(&self, n: u64) -> Vec<Span> {
        let Some((row, kind)) = self.rows.iter().find(|(row, _)| row.n == n) else {
            return Vec::new();
        };
        match kind {
            EventKind::Task { phase: Phase::Started | Phase::Finished, .. } => {
                row.event.triggered_id.and_then(|task| self.task(task, n)).into_iter().collect()
            }
            EventKind::Sequence { phase: Phase::Finished, .. } => self.sequence(&row.event, n),
            EventKind::Task { .. } | EventKind::Sequence { .. } | EventKind::Other => Vec::new(),
        }
    }

    fn event(&self, id: EventId) -> Option<&(&'a LogRow, EventKind)> {
        self.rows.iter().find(|(row, _)| row.event.id == id)
    }

    /// Answers to an event, up to entry `n`.
    fn answers(&self, to: EventId, n: u64, phase: Phase) -> impl Iterator<Item = &'a Event> {
        self.rows.iter().filter_map(move |(row, kind)| {
            let (EventKind::Task { phase: found, .. } | EventKind::Sequence { phase: found, .. }) =
                kind
            else {
                return None;
            };
            let is_one = row.n <= n && *found == phase && row.event.triggered_id == Some(to);
            is_one.then_some(&row.event)
        })
    }

    /// A task that is complete with entry `n`: by then as many have finished as have started.
    fn task(&self, id: EventId, n: u64) -> Option<Span> {
        let (row, kind) = self.event(id)?;
        let EventKind::Task { task, phase: Phase::Triggered } = kind else { return None };
        let finished: Vec<_> = self.answers(id, n, Phase::Finished).collect();
        if finished.is_empty() || finished.len() != self.answers(id, n, Phase::Started).count() {
            return None;
        }
        let ended = self.rows.iter().find(|(row, _)| row.n == n)?.0.event.time;
        let outcome = finished.iter().map(|event| Outcome::of(&event.data)).reduce(Outcome::and)?;
        let mut span = self.span(&row.event, task.as_str(), ended, outcome);
        let sources: BTreeSet<&str> = finished.iter().map(|event| &*event.source).collect();
        let sources: Vec<&str> = sources.into_iter().collect();
        span.attributes.insert("keptn.executor", sources.join(" "));
        span.attributes.insert("keptn.task", task.to_string());
        span.parent = self.sequence_of(row).map(|trigger| SpanId::of(trigger.id));
        let started = self.answers(id, n, Phase::Started);
        span.links = links(started.chain(finished.iter().copied()), span.trace);
        Some(span)
    }

    /// The sequence that a task belongs to: the newest that was triggered before, for the same service in
    /// the same stage, and had not ended.
    fn sequence_of(&self, task: &LogRow) -> Option<&'a Event> {
        let place =
            |event: &Event| ["stage", "service"].map(|key| text(&event.data, key).to_owned());
        let candidates = self.rows.iter().rev().filter(|(row, kind)| {
            row.n < task.n
                && matches!(kind, EventKind::Sequence { phase: Phase::Triggered, .. })
                && place(&row.event) == place(&task.event)
        });
        let mut open = candidates
            .map(|(row, _)| &row.event)
            .filter(|event| self.answers(event.id, task.n, Phase::Finished).next().is_none());
        open.next()
    }

    /// A sequence that has ended, with the tasks that ended with it, and everything where nothing is left.
    fn sequence(&self, finished: &Event, n: u64) -> Vec<Span> {
        let Some(trigger) = finished.triggered_id else { return Vec::new() };
        let Some((row, EventKind::Sequence { stage, sequence, .. })) = self.event(trigger) else {
            return Vec::new();
        };
        let outcome = Outcome::of(&finished.data);
        let mut spans: Vec<Span> = self.left_open(trigger, n, finished.time).collect();
        let name = format!("{stage}.{sequence}");
        let mut span = self.span(&row.event, &name, finished.time, outcome);
        span.attributes.insert("keptn.sequence", sequence.to_string());
        let (first, is_last) = self.round(row.n, n);
        span.parent = Some(SpanId::of_all(first.id));
        let message = text(&finished.data, "message");
        if span.error.is_some() && !message.is_empty() {
            span.error = Some(message.to_owned());
        }
        spans.push(span);
        if is_last {
            let mut root = self.span(first, "delivery", finished.time, outcome);
            if let EventKind::Sequence { sequence, .. } = first.kind.kind() {
                root.name = sequence.to_string();
            }
            root.id = SpanId::of_all(first.id);
            root.attributes.remove("keptn.stage");
            root.links = links(std::iter::once(first), root.trace);
            spans.push(root);
        }
        spans
    }

    /// Tasks of a sequence that ended before they did: it was aborted, or given up.
    fn left_open(&self, trigger: EventId, n: u64, ended: Timestamp) -> impl Iterator<Item = Span> {
        self.rows.iter().filter_map(move |(row, kind)| {
            let EventKind::Task { task, phase: Phase::Triggered } = kind else { return None };
            if row.n > n || self.sequence_of(row)?.id != trigger {
                return None;
            }
            let finished = self.answers(row.event.id, n, Phase::Finished).count();
            let started = self.answers(row.event.id, n, Phase::Started).count();
            if finished > 0 && finished == started {
                return None;
            }
            let mut span = self.span(&row.event, task.as_str(), ended, Outcome::ABORTED);
            span.parent = Some(SpanId::of(trigger));
            span.attributes.insert("keptn.task", task.to_string());
            Some(span)
        })
    }

    /// The trigger from outside that the sequence at entry `at` follows from, and whether nothing of what
    /// it has caused is left when the one ends that ends with entry `n`.
    fn round(&self, at: u64, n: u64) -> (&'a Event, bool) {
        // There is one at least: that of the sequence itself.
        let mut first = &self.rows[0].0.event;
        let mut of_sequence = first;
        let (mut open, mut is_idle) = (BTreeSet::new(), false);
        for (row, phase) in self.sequences().filter(|(row, _)| row.n <= n) {
            match phase {
                Phase::Triggered => {
                    if open.is_empty() && row.event.source != CONTROLLER {
                        first = &row.event;
                    }
                    if row.n == at {
                        of_sequence = first;
                    }
                    open.insert(row.event.id);
                }
                Phase::Finished => {
                    if let Some(trigger) = row.event.triggered_id {
                        open.remove(&trigger);
                    }
                    is_idle = open.is_empty();
                }
                Phase::Started => {}
            }
        }
        let mut later = self.sequences().filter(|(row, _)| row.n > n);
        let is_over = match later.find(|(_, phase)| *phase == Phase::Triggered) {
            Some((next, _)) => next.event.source != CONTROLLER,
            None => !self.under_way,
        };
        (of_sequence, is_idle && is_over)
    }

    fn sequences(&self) -> impl Iterator<Item = (&'a LogRow, Phase)> {
        self.rows.iter().filter_map(|(row, kind)| match kind {
            EventKind::Sequence { phase, .. } => Some((*row, *phase)),
            EventKind::Task { .. } | EventKind::Other => None,
        })
    }

    fn span(&self, triggered: &Event, name: &str, ended: Timestamp, outcome: Outcome) -> Span {
        let mut attributes = BTreeMap::new();
        for (attribute, field) in
            [("keptn.project", "project"), ("keptn.stage", "stage"), ("keptn.service", "service")]
        {
            attributes.insert(attribute, text(&triggered.data, field).to_owned());
        }
        attributes.insert("keptn.context", triggered.context.to_string());
        attributes.insert("keptn.result", outcome.result.as_str().to_owned());
        attributes.insert("keptn.status", outcome.status.as_str().to_owned());
        attributes.insert("cloudevents.event_id", triggered.id.to_string());
        attributes.insert("cloudevents.event_type", triggered.kind.to_string());
        let went_wrong = outcome.result == TaskResult::Fail || outcome.status != Status::Succeeded;
        Span {
            trace: TraceId::of(triggered.context),
            id: SpanId::of(triggered.id),
            parent: None,
            name: name.to_owned(),
            begun: triggered.time,
            // A clock that was set back has made nothing end before it began.
            ended: ended.max(triggered.time),
            attributes,
            links: Vec::new(),
            error: went_wrong
                .then(|| format!("{} ({})", outcome.result.as_str(), outcome.status.as_str())),
        }
    }
}

/// What events say they are a part of, beside this trace.
fn links<'a>(events: impl Iterator<Item = &'a Event>, ours: TraceId) -> Vec<TraceParent> {
    let parents =
        events.filter_map(|event| TraceParent::parse(event.rest.get(TRACEPARENT)?.as_str()?));
    let mut links: Vec<TraceParent> = parents.filter(|parent| parent.trace != ours).collect();
    links.dedup();
    links
}
