//! Which evaluations were made before.

use tidegate_core::event::{Phase, Scope};
use tidegate_core::quality::{Comparison, Past, Slo};
use tidegate_store::{EventFilter, Reader, StoreError, void_evaluations};

use super::of_evaluation;

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
    let filter = EventFilter::of(scope, of_evaluation(Phase::Finished));
    let (mut earlier, mut offset, mut counted) = (Vec::new(), 0, 0);
    while counted < wanted && offset < LOOKED_AT_MAX {
        let page = reader.events(&filter, offset, PAGE)?;
        let events = page.items.iter().map(|row| &row.event);
        let void = void_evaluations(reader, &scope.project, events)?;
        for row in page.items {
            let event = row.event;
            // Keptn 1.4 passes over what cannot be read.
            let is_void = void.holds(event.triggered_id);
            let Ok(past) = Past::of(&event.id.to_string(), &event.data, is_void) else { continue };
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
