//! A provider that says nothing holds up whoever asks it, and nobody else.

use std::net::{SocketAddr, TcpListener};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use crate::place::{Place, SLI, SLO, objective};
use crate::support::until;

/// Judges what nobody has run.
const SHIPYARD: &str = "\
apiVersion: spec.keptn.sh/0.2.2
spec:
  stages:
    - name: qa
      sequences:
        - name: check
          tasks: [{ name: evaluation, properties: { timeframe: 5m } }]
";
/// More than there are places for.
const SERVICES: usize = 40;

/// A Prometheus that takes questions and never answers.
fn silent() -> (SocketAddr, TcpListener) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    (listener.local_addr().expect("an address"), listener)
}

#[test]
fn a_slow_provider_of_one_project_does_not_hold_up_the_gates_of_another() {
    let (address, _listener) = silent();
    let place =
        Place::with(&format!("[sli.prometheus]\nendpoint = \"http://{address}\"\ntimeout_s = 30"));
    place.put("qa", "job/sli.yaml", SLI);
    place.put("qa", "slo.yaml", SLO);
    let server = &place.server;
    let project = json!({"name": "slow", "shipyard": STANDARD.encode(SHIPYARD)});
    assert_eq!(server.post("/api/controlPlane/v1/project", &project).0, 201);
    place.put_at("slow", "prometheus/sli.yaml", "indicators: { latency: up }\n");
    let mut contexts = Vec::new();
    for service in (0..SERVICES).map(|n| format!("s{n}")) {
        let body = json!({"serviceName": service});
        assert_eq!(server.post("/api/controlPlane/v1/project/slow/service", &body).0, 200);
        place.put_at(&format!("slow/stage/qa/service/{service}"), "slo.yaml", SLO);
    }
    let configure = json!({"type": "sh.keptn.event.monitoring.configure", "source": "test",
        "data": {"project": "slow", "service": "s0", "type": "prometheus"}});
    assert_eq!(server.post("/api/v1/event", &configure).0, 200);
    for service in (0..SERVICES).map(|n| format!("s{n}")) {
        let check = json!({"type": "sh.keptn.event.qa.check.triggered", "source": "test",
            "data": {"project": "slow", "stage": "qa", "service": service}});
        let (code, answer) = server.post("/api/v1/event", &check);
        assert_eq!(code, 200);
        contexts.push(answer["keptnContext"].as_str().expect("a context").to_owned());
    }
    for context in &contexts {
        place.event(context, "get-sli.triggered");
    }
    let (_, evaluated) = place.evaluated("hello:0.25");
    assert_eq!(objective(&evaluated)["value"]["value"], 0.25, "{evaluated}");
    for context in &contexts {
        assert!(server.events(context, "get-sli.finished").is_empty(), "they wait still");
    }
}

#[test]
fn a_question_is_given_up_when_nobody_waits_for_its_values_any_more() {
    let (address, _listener) = silent();
    let place = Place::with(&format!(
        "[tasks]\nvalues_within = \"2s\"\n[sli.prometheus]\nendpoint = \"http://{address}\"\n\
         timeout_s = 300\n[gate]\nsli_provider = \"prometheus\""
    ));
    place.put("qa", "prometheus/sli.yaml", "indicators: { latency: up }\n");
    place.put("qa", "slo.yaml", SLO);
    let context = place.server.deliver("hello:1");
    let given_up = until("its end", || {
        let answers = place.server.events(&context, "get-sli.finished");
        answers.into_iter().find(|answer| answer["source"] == "prometheus-service")
    });
    let message = given_up["data"]["message"].as_str().unwrap_or_default();
    assert!(message.contains("prometheus was given up") && message.contains("2s"), "{message}");
    assert_eq!(place.event(&context, "qa.delivery.finished")["data"]["result"], "fail");
}
