//! Which evaluations do not count any more.

use tidegate_core::event::{EventType, Scope};
use tidegate_core::quality::{INVALIDATED, RESTORED, Void};

use crate::contract::StoreError;
use crate::query::{EventFilter, PAGE_MAX, Reader};

/// What was said of the evaluations of a service in a stage: the newest [`PAGE_MAX`] that were declared
/// invalid, and as many that were restored.
///
/// # Errors
/// The reader's own.
pub fn void_evaluations(reader: &dyn Reader, scope: &Scope) -> Result<Void, StoreError> {
    let said = |kind| reader.events(&EventFilter::of(scope, EventType::new(kind)), 0, PAGE_MAX);
    let (invalidated, restored) = (said(INVALIDATED)?.items, said(RESTORED)?.items);
    Ok(Void::of(invalidated.iter().chain(&restored).map(|row| (row.n, &row.event))))
}
