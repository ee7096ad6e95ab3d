//! From an event to an input: what an event that was just accepted means to the sequence machine.

use tidegate_core::event::{Event, EventKind, Phase, Scope};
use tidegate_core::names::ProjectName;
use tidegate_core::principal::Principal;
use tidegate_core::sequence::{Answer, Input, is_of_services};
use uuid::Uuid;

/// Classifies an event from outside. Total: what moves nothing is a record, with the reason.
#[must_use]
pub fn input_of(event: Event, by: &Principal, client_id: Option<Uuid>) -> Input {
    let scope = Scope::of(&event.data).and_then(|scope| match scope.project.is_unmapped() {
        true => Err("data.project is reserved".to_owned()),
        false => Ok(scope),
    });
    match (event.kind.kind(), scope) {
        (EventKind::Sequence { phase: Phase::Triggered, stage, .. }, Ok(scope)) => {
            if stage == scope.stage {
                Input::Triggered { event, scope, by: by.clone() }
            } else {
                record(event, "the stage in the type and data.stage are not the same")
            }
        }
        (EventKind::Task { phase, task }, Ok(_))
            if is_of_services(&task)
                && (phase == Phase::Triggered || event.triggered_id.is_none()) =>
        {
            plain_record(event, None)
        }
        (EventKind::Task { phase: Phase::Started, .. }, Ok(scope)) => {
            answer(event, scope, client_id, Input::Started)
        }
        (EventKind::Task { phase: Phase::Finished, .. }, Ok(scope)) => {
            answer(event, scope, client_id, Input::Finished)
        }
        (EventKind::Task { phase: Phase::Triggered, .. }, _) => {
            record(event, "only Tidegate triggers tasks; trigger a sequence instead")
        }
        (EventKind::Sequence { .. }, Ok(_)) => {
            record(event, "only Tidegate reports that a sequence has started or finished")
        }
        (EventKind::Sequence { .. } | EventKind::Task { .. }, Err(reason)) => {
            record(event, &reason)
        }
        (EventKind::Other, _) => plain_record(event, None),
    }
}

fn answer(
    event: Event,
    scope: Scope,
    client_id: Option<Uuid>,
    make: impl FnOnce(Answer) -> Input,
) -> Input {
    if event.triggered_id.is_some() {
        make(Answer { event, project: scope.project, client_id })
    } else {
        record(event, "triggeredid is missing, so it answers no task")
    }
}

fn record(event: Event, reason: &str) -> Input {
    plain_record(event, Some(reason.to_owned()))
}

fn plain_record(event: Event, reason: Option<String>) -> Input {
    let project = event.data.get("project").and_then(|value| value.as_str());
    let project = project.and_then(|name| ProjectName::new(name).ok());
    Input::Record { project: project.unwrap_or_else(ProjectName::unmapped), event, reason }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tidegate_core::event::Draft;
    use tidegate_core::names::{ContextId, EventId};

    use super::*;

    fn classify(kind: &str, extra: &serde_json::Value) -> Input {
        let mut body = json!({"type": kind, "source": "s",
            "data": {"project": "p", "stage": "qa", "service": "carts"}});
        for (key, value) in extra.as_object().cloned().unwrap_or_default() {
            body[key] = value;
        }
        let event = Draft::from_value(body).unwrap().into_event(
            EventId::from_bytes([1; 16]),
            jiff::Timestamp::UNIX_EPOCH,
            ContextId::from_bytes([2; 16]),
        );
        input_of(event, &Principal::Shared, None)
    }

    #[test]
    fn only_a_sequence_trigger_with_its_own_stage_starts_something() {
        let input = classify("sh.keptn.event.qa.delivery.triggered", &json!({}));
        assert!(matches!(input, Input::Triggered { .. }));
        let other = classify("sh.keptn.event.prod.delivery.triggered", &json!({}));
        assert!(matches!(other, Input::Record { reason: Some(_), .. }));
        let task = classify("sh.keptn.event.deployment.triggered", &json!({}));
        assert!(matches!(task, Input::Record { reason: Some(_), .. }));
    }

    #[test]
    fn an_answer_needs_the_id_of_what_it_answers() {
        let id = json!({"triggeredid": "11111111-1111-4111-8111-111111111111"});
        assert!(matches!(classify("sh.keptn.event.test.started", &id), Input::Started(_)));
        let orphan = classify("sh.keptn.event.test.finished", &json!({}));
        assert!(matches!(orphan, Input::Record { reason: Some(_), .. }));
    }

    #[test]
    fn everything_else_is_kept_without_a_reason_and_without_a_project_apart() {
        for kind in ["get-sli.triggered", "get-sli.finished", "configure-monitoring.started"] {
            let asked = classify(&format!("sh.keptn.event.{kind}"), &json!({}));
            assert!(matches!(asked, Input::Record { reason: None, .. }), "{asked:?}");
        }
        let plain = classify("sh.keptn.event.monitoring.configure", &json!({}));
        assert!(matches!(&plain, Input::Record { reason: None, project, .. } if *project == "p"));
        let unmapped = classify("anything", &json!({"data": {"project": "Not A Name"}}));
        assert!(unmapped.project().is_unmapped());
    }
}
