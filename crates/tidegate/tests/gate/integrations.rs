//! A lighthouse-service of somebody's own registers: the gate stands down for it, and for nobody else.

use serde_json::json;

use crate::place::{Place, SLI, SLO};
use crate::support::{TOKEN, request, until};

const UNIFORM: &str = "/api/controlPlane/v1/uniform/registration";
const EVALUATION: &str = "sh.keptn.event.evaluation.triggered";

/// Registers as Keptn's SDK does; answers the path of the integration.
fn register(place: &Place, name: &str) -> String {
    let body = json!({"name": name,
        "metadata": {"hostname": "n1", "location": "control-plane",
            "kubernetesmetadata": {"namespace": "keptn"}},
        "subscriptions": [{"event": EVALUATION,
            "filter": {"projects": [], "stages": [], "services": []}}]});
    let (code, answer) = place.server.post(UNIFORM, &body);
    assert!(matches!(code, 200 | 201), "{answer}");
    format!("{UNIFORM}/{}", answer["id"].as_str().expect("an id"))
}

fn call(place: &Place, method: &str, path: &str) -> u16 {
    let answer = request(place.server.address, method, path, &[("x-token", TOKEN)], b"");
    answer.expect("the server answers").json().0
}

/// The lighthouse finds the evaluation as a poller does, and answers it; the sequence goes on by what it says.
/// `work` comes between, when whoever else was handed it would have answered.
fn foreign(place: &mut Place, image: &str, work: impl FnOnce(&mut Place)) -> String {
    let context = place.server.deliver(image);
    let task = until("evaluation", || {
        let open = place.server.open("evaluation");
        open.into_iter().find(|event| event["shkeptncontext"] == *context)
    });
    work(place);
    place.tell("evaluation.started", &task, &json!({}));
    place.tell(
        "evaluation.finished",
        &task,
        &json!({"status": "succeeded", "result": "warning", "evaluation": {"score": 60}}),
    );
    let ended = place.event(&context, "qa.delivery.finished");
    assert_eq!(ended["data"]["result"], "warning");
    for kind in ["evaluation.started", "evaluation.finished"] {
        let told = place.event(&context, kind);
        assert_eq!(told["source"], "somebody", "{kind}");
    }
    assert!(place.server.events(&context, "get-sli.triggered").is_empty(), "our gate did nothing");
    context
}

/// Our gate answers, as it does where nobody else is there.
fn ours(place: &Place, image: &str) {
    let (_, evaluated) = place.evaluated(image);
    assert_eq!(evaluated["source"], "lighthouse-service");
    assert_eq!(evaluated["data"]["result"], "pass");
}

fn gated(lines: &str) -> Place {
    let place = Place::with(lines);
    place.put("qa", "job/sli.yaml", SLI);
    place.put("qa", "slo.yaml", SLO);
    place
}

#[test]
fn the_gate_stands_down_for_a_lighthouse_until_that_unregisters() {
    let mut place = gated("");
    ours(&place, "hello:0.25");
    let path = register(&place, "lighthouse-service");
    foreign(&mut place, "hello:0.26", |_| ());
    // Whoever asks is not the one who was alive before the crash, and has not said anything since.
    foreign(&mut place, "hello:0.27", |place| place.server.crash());
    foreign(&mut place, "hello:0.28", |_| ());
    assert_eq!(call(&place, "PUT", &format!("{path}/ping")), 200);
    assert_eq!(call(&place, "DELETE", &path), 200);
    ours(&place, "hello:0.29");
    place.server.expect_sound();
}

#[test]
fn a_lighthouse_that_is_not_heard_of_any_more_takes_nothing_over() {
    let place = gated("[integrations]\nttl = \"1s\"");
    let path = register(&place, "lighthouse-service");
    let (_, listed) = place.server.get(UNIFORM);
    let seen = listed[0]["metadata"]["lastseen"].as_str().expect("a time");
    let seen: jiff::Timestamp = seen.parse().expect("a time");
    until("the end of its time", || {
        let age = jiff::Timestamp::now().duration_since(seen);
        (age > jiff::SignedDuration::from_secs(1)).then_some(())
    });
    ours(&place, "hello:0.25");
    assert_eq!(call(&place, "PUT", &format!("{path}/ping")), 200, "it can come back");
}

#[test]
fn who_is_set_to_work_works_whoever_registers() {
    let place = gated("[gate]\nenabled = true");
    register(&place, "lighthouse-service");
    ours(&place, "hello:0.25");
}

#[test]
fn a_project_is_an_exception() {
    let mut place = gated("[gate]\nenabled = true\n[gate.projects]\ntour = false");
    foreign(&mut place, "hello:0.25", |_| ());
}

#[test]
fn nobody_stands_down_for_another_name() {
    let place = gated("");
    register(&place, "my-lighthouse");
    ours(&place, "hello:0.25");
}

#[test]
fn values_that_a_lighthouse_has_asked_for_are_not_judged_here() {
    let place = gated("");
    let path = register(&place, "lighthouse-service");
    let context = place.server.deliver("hello:0.25");
    let task = place.event(&context, "evaluation.triggered");
    place.tell("evaluation.started", &task, &json!({}));
    place.tell("get-sli.triggered", &task, &json!({"get-sli": {"sliProvider": "dynatrace"}}));
    // It goes away in between: the evaluation is still its own.
    assert_eq!(call(&place, "DELETE", &path), 200);
    let asked = place.event(&context, "get-sli.triggered");
    let values = json!({"status": "succeeded", "result": "pass", "get-sli": {
        "start": "2026-01-31T10:00:00.000Z", "end": "2026-01-31T10:05:00.000Z",
        "indicatorValues": [{"metric": "latency", "value": 0.125, "success": true}]}});
    place.tell("get-sli.finished", &asked, &values);
    place.event(&context, "get-sli.finished");
    let finished = json!({"status": "succeeded", "result": "warning", "evaluation": {"score": 60}});
    place.tell("evaluation.finished", &task, &finished);
    let ended = place.event(&context, "qa.delivery.finished");
    assert_eq!(ended["data"]["result"], "warning");
    // By the time our gate has judged the next one, it would have said something of this one.
    ours(&place, "hello:0.26");
    assert_eq!(place.event(&context, "evaluation.finished")["source"], "somebody");
}
