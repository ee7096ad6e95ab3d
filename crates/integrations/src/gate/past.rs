//! Which evaluations were made before.

use std::collections::BTreeSet;

use tidegate_core::event::{EventType, Phase, Scope};
use tidegate_core::names::EventId;
use tidegate_core::quality::{Comparison, Past, Slo};
use tidegate_store::{EventFilter, PAGE_MAX, Reader, StoreError};

use super::of_evaluation;

const INVALIDATED: &str = "sh.keptn.event.evaluation.invalidated";
/// Evaluations that are read at a time.
const PAGE: u64 = 100;
/// Most evaluations that are looked at: where so many failed in a row, there is nothing to compare with.
const LOOKED_AT_MAX: u64 = 10_000;

/// The earlier evaluations that a file compares with, newest first, with those between them that do not
/// count. Any source, any context: Keptn 1.4 goes by project, stage and service alone.
pub(super) fn earlier(
    reader: &dyn Reader,
    scope: &Scope,
    slo: &str,
) -> Result<Vec<Past>, StoreError> {
    let comparison = Slo::parse(slo).map_or_else(|_| Comparison::default(), |slo| slo.comparison);
    // A number that cannot be asked for is the evaluation's to say.
    let wanted = comparison.limit().unwrap_or_default();
    let invalidated = invalidated(reader, scope)?;
    let (mut earlier, mut offset, mut counted) = (Vec::new(), 0, 0);
    while counted < wanted && offset < LOOKED_AT_MAX {
        let page = reader.events(&of(scope, of_evaluation(Phase::Finished)), offset, PAGE)?;
        for row in page.items {
            let void = row.event.triggered_id.is_some_and(|id| invalidated.contains(&id));
            // Keptn 1.4 passes over what cannot be read.
            let Ok(past) = Past::of(&row.event.id.to_string(), &row.event.data, void) else {
                continue;
            };
            counted += usize::from(comparison.takes(&past));
            earlier.push(past);
        }
        match page.next {
            Some(next) => offset = next,
            None => break,
        }
    }
    Ok(earlier)
}

/// The `evaluation.triggered` events whose evaluations somebody has declared invalid.
fn invalidated(reader: &dyn Reader, scope: &Scope) -> Result<BTreeSet<EventId>, StoreError> {
    let filter = of(scope, EventType::new(INVALIDATED));
    let page = reader.events(&filter, 0, PAGE_MAX)?;
    Ok(page.items.into_iter().filter_map(|row| row.event.triggered_id).collect())
}

fn of(scope: &Scope, kind: EventType) -> EventFilter {
    EventFilter {
        project: Some(scope.project.clone()),
        stage: Some(scope.stage.to_string()),
        service: Some(scope.service.to_string()),
        kind: Some(kind),
        ..EventFilter::default()
    }
}
