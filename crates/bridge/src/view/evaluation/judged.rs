//! An evaluation that has been, as its `evaluation.finished` event tells it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use tidegate_core::event::{Event, EventType, Outcome, Scope, text};
use tidegate_core::names::{CommitId, ContextId, EventId};
use tidegate_core::quality::{Details, IndicatorResult, Past, Slo, Void};
use tidegate_store::{EventFilter, Page, Reader, StoreError, void_evaluations};

use crate::view::{Chip, Status, Text, image_of, points, version};

/// The type of event that ends an evaluation.
pub(crate) const FINISHED: &str = "sh.keptn.event.evaluation.finished";

/// An evaluation.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Judged {
    /// Its event.
    pub(crate) id: EventId,
    /// The `evaluation.triggered` event that it answers.
    pub(crate) task: Option<EventId>,
    pub(crate) context: ContextId,
    pub(crate) at: Timestamp,
    /// The commit that its `slo.yaml` is from.
    pub(crate) commit: Option<CommitId>,
    /// Who has judged.
    pub(crate) source: String,
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) outcome: Outcome,
    pub(crate) message: String,
    /// What the objectives say: none where nothing was judged, and what is wrong where it cannot be read.
    pub(crate) details: Result<Option<Details>, String>,
    /// What each objective made of its value, in the order of the file. Each has a name, if the file has one.
    pub(crate) indicators: Vec<IndicatorResult>,
    /// What was judged, where its delivery names it.
    pub(crate) image: Option<String>,
    /// The service, which an image is called after.
    pub(crate) service: String,
    /// Whether it does not count for later ones.
    pub(crate) is_void: bool,
}

impl Judged {
    /// Reads an event. Whatever is wrong with it is part of it.
    pub(crate) fn of(event: &Event, image: Option<String>, is_void: bool) -> Self {
        use serde::Deserialize as _;
        let data = &event.data;
        let details = match data.get("evaluation") {
            None | Some(serde_json::Value::Null) => Ok(None),
            Some(value) => Details::deserialize(value).map(Some).map_err(|error| error.to_string()),
        };
        let labels = data.get("labels").and_then(|labels| labels.as_object());
        let pair = |(key, value): (&String, &serde_json::Value)| {
            Some((key.clone(), value.as_str()?.to_owned()))
        };
        let indicators = match &details {
            Ok(Some(details)) => named(details),
            _ => Vec::new(),
        };
        Self {
            indicators,
            id: event.id,
            task: event.triggered_id,
            context: event.context,
            at: event.time,
            commit: event.commit.clone(),
            source: event.source.clone(),
            labels: labels.into_iter().flatten().filter_map(pair).collect(),
            outcome: Outcome::of(data),
            message: text(data, "message").to_owned(),
            details,
            image,
            service: text(data, "service").to_owned(),
            is_void,
        }
    }

    /// Evaluations of a service in a stage, newest first.
    ///
    /// # Errors
    /// The store's own.
    pub(crate) fn read(
        reader: &dyn Reader,
        scope: &Scope,
        offset: u64,
        limit: u64,
    ) -> Result<Page<Self>, StoreError> {
        let filter = EventFilter::of(scope, EventType::new(FINISHED));
        let page = reader.events(&filter, offset, limit)?;
        let events = page.items.iter().map(|row| &row.event);
        let void = void_evaluations(reader, &scope.project, events)?;
        let items = page.items.iter().map(|row| Self::with_image(reader, &row.event, &void));
        let items = items.collect::<Result<_, _>>()?;
        Ok(Page { items, total: page.total, next: page.next })
    }

    /// An evaluation, with what its delivery names.
    ///
    /// # Errors
    /// The store's own.
    pub(crate) fn with_image(
        reader: &dyn Reader,
        event: &Event,
        void: &Void,
    ) -> Result<Self, StoreError> {
        let asked = event.triggered_id.map(|task| reader.event(task)).transpose()?.flatten();
        let image = asked.and_then(|(_, row)| image_of(&row.event.data).map(str::to_owned));
        Ok(Self::of(event, image, void.holds(event.triggered_id)))
    }

    /// How it ended.
    pub(crate) fn status(&self) -> Status {
        Status::of(self.outcome)
    }

    /// How it ended, with its score.
    pub(crate) fn chip(&self) -> Chip {
        let more = self.score().map(|score| Text::line(points(score)));
        Chip { status: self.status(), more: more.unwrap_or_default() }
    }

    /// What it says of each objective; none where that is not known.
    pub(crate) fn details(&self) -> Option<&Details> {
        self.details.as_ref().ok()?.as_ref()
    }

    /// The score; none where nothing was judged.
    pub(crate) fn score(&self) -> Option<f64> {
        self.details().filter(|details| details.indicator_results.is_some()).map(|d| d.score)
    }

    /// What to call it: the version that was judged, or the label that Keptn's Bridge goes by, or its time.
    pub(crate) fn name(&self) -> Text {
        match (&self.image, self.labels.get("buildId")) {
            (Some(image), _) => version(image, &self.service),
            (None, Some(build)) if !build.is_empty() => Text::line(build),
            _ => Text::line(self.at.strftime("%-d %b %H:%M").to_string()),
        }
    }

    /// Its page.
    pub(crate) fn href(&self) -> String {
        format!("/bridge/evaluation/{}/{}", self.context, self.id)
    }

    /// The same as the gate sees it when it looks back.
    pub(crate) fn past(&self) -> Option<Past> {
        let details = self.details.as_ref().ok()?.as_ref();
        let indicators = details.and_then(|details| details.indicator_results.clone());
        Some(Past {
            id: self.id.to_string(),
            result: self.outcome.result,
            score: details.map_or(0.0, |details| details.score),
            invalidated: self.is_void,
            message: self.message.clone(),
            indicators: indicators.unwrap_or_default(),
        })
    }
}

/// The results of objectives. Keptn 1.4: one that only informs, and that nothing was measured for, says neither
/// its name nor its indicator; the file does.
fn named(details: &Details) -> Vec<IndicatorResult> {
    let mut indicators = details.indicator_results.clone().unwrap_or_default();
    if indicators.iter().all(|indicator| !name_of(indicator).is_empty()) {
        return indicators;
    }
    let Some(slo) = details.slo().and_then(|text| Slo::parse(&text).ok()) else {
        return indicators;
    };
    if slo.objectives.len() == indicators.len() {
        for (indicator, objective) in indicators.iter_mut().zip(&slo.objectives) {
            if name_of(indicator).is_empty() {
                indicator.display_name.clone_from(&objective.sli);
            }
        }
    }
    indicators
}

/// What an objective is called: its `displayName`, or else the name of its indicator.
pub(crate) fn name_of(indicator: &IndicatorResult) -> &str {
    match indicator.display_name.as_str() {
        "" => metric_of(indicator),
        name => name,
    }
}

/// The name of an objective's indicator; empty where it informs only and nothing was measured.
pub(crate) fn metric_of(indicator: &IndicatorResult) -> &str {
    indicator.value.as_ref().map_or("", |value| value.metric.as_str())
}

/// What was measured for an objective, where it could be.
pub(crate) fn value_of(indicator: &IndicatorResult) -> Option<f64> {
    indicator.value.as_ref().filter(|value| value.success).map(|value| value.value)
}
