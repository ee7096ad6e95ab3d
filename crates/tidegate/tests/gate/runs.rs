//! Several runs of one delivery: each is judged by what its own jobs have left.

use serde_json::{Value, json};

use crate::place::{JOBS, Place, SLI, SLO, objective};
use crate::support::delivery;

/// Tests and judges; and judges alone.
const SHIPYARD: &str = "\
apiVersion: spec.keptn.sh/0.2.2
spec:
  stages:
    - name: qa
      sequences:
        - name: delivery
          tasks: [{ name: test }, { name: evaluation, properties: { timeframe: 5m } }]
        - name: check
          tasks: [{ name: evaluation, properties: { timeframe: 5m } }]
";

fn gated() -> Place {
    let place = Place::of(SHIPYARD, "");
    place.put("qa", "job/sli.yaml", SLI);
    place.put("qa", "slo.yaml", SLO);
    place
}

/// Jobs that pass and leave nothing.
fn idle() -> String {
    JOBS.replace("mkdir -p", "exit 0; mkdir -p")
}

/// Runs a sequence once more in a context, and gives what its gate says: its `count`th evaluation there.
fn again(place: &Place, sequence: &str, image: &str, context: &str, count: usize) -> Value {
    let mut body = delivery(image);
    body["type"] = json!(format!("sh.keptn.event.qa.{sequence}.triggered"));
    body["shkeptncontext"] = json!(context);
    assert_eq!(place.server.post("/api/v1/event", &body).0, 200);
    place.events(context, "evaluation.finished", count).remove(0)
}

fn value(evaluated: &Value) -> Option<f64> {
    let value = &objective(evaluated)["value"];
    value["value"].as_f64().filter(|_| value["success"] == true)
}

#[test]
fn what_another_run_has_left_judges_no_release() {
    let place = gated();
    let (context, first) = place.evaluated("hello:0.25");
    assert_eq!(value(&first), Some(0.25));
    place.put("qa", "job/config.yaml", &idle());
    let second = again(&place, "delivery", "hello:9.9", &context, 2);
    assert_eq!((value(&second), &second["data"]["result"]), (None, &json!("fail")), "{second}");
    let message = objective(&second)["value"]["message"].as_str().unwrap_or_default();
    assert!(message.contains("/keptn/results/run.json"), "{message}");
}

#[test]
fn an_evaluation_of_its_own_goes_by_the_newest_run_before_it() {
    let place = gated();
    let (context, _) = place.evaluated("hello:0.25");
    again(&place, "delivery", "hello:0.125", &context, 2);
    let checked = again(&place, "check", "hello:0.125", &context, 3);
    assert_eq!(value(&checked), Some(0.125), "{checked}");
    // The one before it is an evaluation, too: it is no run.
    let checked = again(&place, "check", "hello:0.125", &context, 4);
    assert_eq!(value(&checked), Some(0.125), "{checked}");
    place.put("qa", "job/config.yaml", &idle());
    again(&place, "delivery", "hello:9.9", &context, 5);
    let checked = again(&place, "check", "hello:9.9", &context, 6);
    assert_eq!(value(&checked), None, "what an older run has left is not of this release");
}

#[test]
fn the_newest_results_of_a_delivery_are_found_however_long_it_has_become() {
    let place = gated();
    let (context, _) = place.evaluated("hello:0.25");
    let note = json!({"type": "sh.example.note", "source": "test", "shkeptncontext": context,
        "data": {"project": "tour", "stage": "qa", "service": "hello"}});
    for _ in 0..1_000 {
        assert_eq!(place.server.post("/api/v1/event", &note).0, 200);
    }
    let second = again(&place, "delivery", "hello:0.125", &context, 2);
    assert_eq!(value(&second), Some(0.125), "{second}");
}
