//! Which evaluation the values of a provider are for.

use tidegate_core::event::{Event, EventType, Phase, Scope, text};
use tidegate_core::names::{EventId, TaskName};
use tidegate_core::quality::Timeframe;
use tidegate_store::{EventFilter, Reader, StoreError};

use super::of_evaluation;

/// An evaluation that values are for.
pub(super) struct Asked {
    /// `evaluation.triggered`
    pub(super) evaluation: Event,
    /// What was in vain, where the values are none: nobody has answered in time.
    pub(super) in_vain: Option<InVain>,
}

/// A question that nobody has answered in time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct InVain {
    /// Who was asked.
    pub(super) provider: String,
    /// For the values of which time.
    pub(super) timeframe: Timeframe,
}

/// The evaluation that values are for: the one whose question they answer, and no other, however late they come.
/// Keptn 1.4 goes by the newest of the context there; so do answers that name no such question.
pub(super) fn asked(
    reader: &dyn Reader,
    scope: &Scope,
    values: &Event,
) -> Result<Option<Asked>, StoreError> {
    let there = There { reader, scope, values };
    let named = match values.triggered_id {
        Some(id) => there.event(id)?,
        None => None,
    };
    match named {
        Some(event) if event.kind == of_evaluation(Phase::Triggered) => {
            let in_vain = there.question(&event)?.as_ref().map(InVain::of);
            return Ok(Some(Asked { evaluation: event, in_vain }));
        }
        Some(question) if question.kind == question_kind() => {
            let asker = question.triggered_id.map(|id| there.event(id)).transpose()?.flatten();
            let asker = asker.filter(|event| event.kind == of_evaluation(Phase::Triggered));
            if let Some(evaluation) = asker {
                return Ok(Some(Asked { evaluation, in_vain: None }));
            }
        }
        _ => {}
    }
    let newest = there.newest(of_evaluation(Phase::Triggered), None)?;
    Ok(newest.map(|evaluation| Asked { evaluation, in_vain: None }))
}

/// Where values are looked at: a stage and service in a context.
struct There<'a> {
    reader: &'a dyn Reader,
    scope: &'a Scope,
    values: &'a Event,
}

impl There<'_> {
    /// An event that is there.
    fn event(&self, id: EventId) -> Result<Option<Event>, StoreError> {
        let is_there = |event: &Event| {
            event.context == self.values.context
                && Scope::of(&event.data).is_ok_and(|scope| scope == *self.scope)
        };
        let found = self.reader.event(id)?;
        Ok(found.map(|(_, row)| row.event).filter(is_there))
    }

    /// What an evaluation has asked.
    fn question(&self, evaluation: &Event) -> Result<Option<Event>, StoreError> {
        self.newest(question_kind(), Some(evaluation.id))
    }

    fn newest(
        &self,
        kind: EventType,
        answers: Option<EventId>,
    ) -> Result<Option<Event>, StoreError> {
        let filter = EventFilter {
            context: Some(self.values.context),
            triggered_id: answers,
            ..EventFilter::of(self.scope, kind)
        };
        let page = self.reader.events(&filter, 0, 1)?;
        Ok(page.items.into_iter().next().map(|row| row.event))
    }
}

impl InVain {
    fn of(question: &Event) -> Self {
        let asked = question.data.get("get-sli").and_then(|asked| asked.as_object());
        let field = |key| asked.map(|asked| text(asked, key)).unwrap_or_default().to_owned();
        let timeframe = Timeframe { start: field("start"), end: field("end") };
        Self { provider: field("sliProvider"), timeframe }
    }
}

fn question_kind() -> EventType {
    EventType::task(&TaskName::new("get-sli").expect("a plain word"), Phase::Triggered)
}
