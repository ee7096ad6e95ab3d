//! Providers and gates of one's own, and providers that never answer.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::place::{Place, SLI, SLO, objective};
use crate::support::{delivery, until};

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
    configure(&place, "dynatrace");
    let (context, evaluated) = place.evaluated("hello:0.25");
    let data = &evaluated["data"];
    assert_eq!((&data["status"], &data["result"]), (&json!("errored"), &json!("fail")));
    let message = data["message"].as_str().unwrap_or_default();
    assert!(
        message.contains("no SLI provider answered get-sli within 1s")
            && message.ends_with("; dynatrace was asked"),
        "{message}"
    );
    let question = &place.event(&context, "get-sli.triggered")["data"]["get-sli"];
    let evaluation = &data["evaluation"];
    assert_eq!(
        (&evaluation["timeStart"], &evaluation["timeEnd"]),
        (&question["start"], &question["end"])
    );
    assert_eq!(evaluation["sloFileContent"], STANDARD.encode(SLO));
    assert_eq!(place.event(&context, "qa.delivery.finished")["data"]["result"], "fail");
}

#[test]
fn an_answer_to_a_question_is_judged_for_the_evaluation_that_has_asked_it_and_for_no_other() {
    let place = Place::with("");
    place.put("qa", "slo.yaml", SLO);
    configure(&place, "dynatrace");
    let answer = |question: &Value, value: f64| {
        place.tell(
            "get-sli.finished",
            question,
            &json!({"status": "succeeded", "result": "pass",
                "get-sli": {"indicatorValues": [{"metric": "latency", "value": value, "success": true}]}}),
        );
    };
    let context = place.server.deliver("hello:1");
    let first = place.event(&context, "get-sli.triggered");
    answer(&first, 0.5);
    assert_eq!(place.event(&context, "evaluation.finished")["data"]["result"], "fail");
    let mut once_more = delivery("hello:2");
    once_more["shkeptncontext"] = json!(context);
    assert_eq!(place.server.post("/api/v1/event", &once_more).0, 200);
    let second = place.events(&context, "get-sli.triggered", 2).remove(0);
    let asked_by = |question: &Value, count: usize| {
        until("its evaluations", || {
            let mut all = place.server.events(&context, "evaluation.finished");
            all.retain(|evaluated| evaluated["triggeredid"] == question["triggeredid"]);
            (all.len() == count).then_some(all)
        })
    };
    // A good value, which comes late.
    answer(&first, 0.125);
    asked_by(&first, 2);
    assert_eq!(place.server.events(&context, "evaluation.finished").len(), 2);
    answer(&second, 0.625);
    let evaluated = asked_by(&second, 1).remove(0);
    assert_eq!(objective(&evaluated)["value"]["value"], 0.625);
    assert_eq!(evaluated["data"]["result"], "fail");
}

#[test]
fn an_answer_that_names_no_question_is_judged_for_the_newest_evaluation() {
    let place = Place::with("");
    place.put("qa", "slo.yaml", SLO);
    configure(&place, "dynatrace");
    let context = place.server.deliver("hello:1");
    place.event(&context, "get-sli.triggered");
    let values = json!({"type": "sh.keptn.event.get-sli.finished", "source": "somebody",
        "shkeptncontext": context, "data": {"project": "tour", "stage": "qa", "service": "hello",
            "status": "succeeded", "result": "pass",
            "get-sli": {"indicatorValues": [{"metric": "latency", "value": 0.25, "success": true}]}}});
    assert_eq!(place.server.post("/api/v1/event", &values).0, 200);
    let evaluated = place.event(&context, "evaluation.finished");
    assert_eq!(evaluated["triggeredid"], place.event(&context, "evaluation.triggered")["id"]);
    assert_eq!(objective(&evaluated)["value"]["value"], 0.25);
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
