//! Providers and gates of one's own, and providers that never answer.

use serde_json::json;

use crate::place::{Place, SLI, SLO, objective};

/// Names the provider of the project, as `keptn configure monitoring` does.
fn configure(place: &Place, provider: &str) -> String {
    let event = json!({"type": "sh.keptn.event.monitoring.configure", "source": "cli",
        "data": {"project": "tour", "service": "hello", "type": provider}});
    let (code, answer) = place.server.post("/api/v1/event", &event);
    assert_eq!(code, 200);
    answer["keptnContext"].as_str().expect("a context").to_owned()
}

#[test]
fn any_keptn_provider_answers_by_events() {
    let place = Place::with("");
    place.put("qa", "job/sli.yaml", SLI);
    place.put("qa", "slo.yaml", SLO);
    configure(&place, "dynatrace");
    let context = place.server.deliver("hello:0.25");
    let asked = place.event(&context, "get-sli.triggered");
    assert_eq!(asked["data"]["get-sli"]["sliProvider"], "dynatrace");
    place.tell("get-sli.started", &asked, &json!({}));
    place.tell(
        "get-sli.finished",
        &asked,
        &json!({"status": "succeeded", "result": "pass",
        "get-sli": {"start": "2026-01-31T10:00:00.000Z", "end": "2026-01-31T10:05:00.000Z",
            "indicatorValues": [{"metric": "latency", "value": 0.125, "success": true}]}}),
    );
    let evaluated = place.event(&context, "evaluation.finished");
    assert_eq!(objective(&evaluated)["value"]["value"], 0.125);
    assert_eq!(evaluated["data"]["result"], "pass");
}

#[test]
fn a_provider_that_never_answers_ends_the_evaluation_errored() {
    let place = Place::with("[tasks]\nvalues_within = \"1s\"");
    place.put("qa", "slo.yaml", SLO);
    configure(&place, "nobody");
    let (context, evaluated) = place.evaluated("hello:0.25");
    let data = &evaluated["data"];
    assert_eq!((&data["status"], &data["result"]), (&json!("errored"), &json!("fail")));
    let message = data["message"].as_str().unwrap_or_default();
    assert!(message.contains("no SLI provider answered get-sli within 1s"), "{message}");
    assert_eq!(place.event(&context, "qa.delivery.finished")["data"]["result"], "fail");
}

#[test]
fn a_gate_that_is_switched_off_leaves_the_evaluation_to_others() {
    let place = Place::with("[gate]\nenabled = false");
    let context = place.server.deliver("hello:0.25");
    let task = place.event(&context, "evaluation.triggered");
    place.tell("evaluation.started", &task, &json!({}));
    place.tell(
        "evaluation.finished",
        &task,
        &json!({"status": "succeeded", "result": "warning", "evaluation": {"score": 60}}),
    );
    let ended = place.event(&context, "qa.delivery.finished");
    assert_eq!(ended["data"]["result"], "warning");
    assert_eq!(place.server.events(&context, "evaluation.finished").len(), 1);
    // A warning waits for a person here.
    place.event(&context, "approval.started");
    assert!(place.server.events(&context, "approval.finished").is_empty());
}
