//! `monitoring.configure`: files for a Prometheus, and what is said about them.

use serde_json::{Value, json};

use crate::place::{Place, SLO};
use crate::prometheus::{Stub, vector};
use crate::support::until;

const SLI: &str = "indicators:\n  latency: avg(latency_seconds{job=\"$SERVICE-$PROJECT-$STAGE\"}[$DURATION_SECONDS])\n";

struct Monitored {
    place: Place,
    prometheus: Stub,
    directory: tempfile::TempDir,
}

/// A project whose Prometheus gives this answer to every question, and reads files in a directory.
fn monitored(status: &'static str, answer: String) -> Monitored {
    let directory = tempfile::tempdir().expect("a directory");
    let prometheus = Stub::answers(status, answer);
    let address = prometheus.address;
    let place = Place::with(&format!(
        "[sli.prometheus]\nendpoint = \"http://{address}\"\n\
         [sli.prometheus.monitoring]\ndirectory = \"{}\"\nreload = \"http://{address}/-/reload\"\n\
         alert_after = \"1m\"",
        directory.path().display()
    ));
    for (path, text) in [
        ("slo.yaml", SLO),
        ("prometheus/sli.yaml", SLI),
        ("remediation.yaml", "apiVersion: spec.keptn.sh/0.1.4\n"),
    ] {
        place.put("production", path, text);
    }
    Monitored { place, prometheus, directory }
}

impl Monitored {
    /// Configures it; the data of the answer.
    fn configure(&self, service: &str) -> Value {
        self.configure_as("prometheus", service)
    }

    fn configure_as(&self, provider: &str, service: &str) -> Value {
        let event = json!({"type": "sh.keptn.event.monitoring.configure", "source": "test",
            "data": {"type": provider, "project": "tour", "service": service}});
        let (code, answer) = self.place.server.post("/api/v1/event", &event);
        assert_eq!(code, 200);
        let context = answer["keptnContext"].as_str().expect("a context");
        // Keptn's command line asks without a project.
        let path = format!(
            "/api/mongodb-datastore/event?keptnContext={context}\
             &type=sh.keptn.event.configure-monitoring.finished"
        );
        until("the answer", || {
            let events = self.place.server.get(&path).1["events"].as_array()?.clone();
            events.first().map(|event| event["data"].clone())
        })
    }

    fn read(&self, path: &str) -> Option<String> {
        std::fs::read_to_string(self.directory.path().join(path)).ok()
    }
}

#[test]
fn what_a_prometheus_reads_is_written_and_it_is_told_to_read_it() {
    let monitored = monitored("200 OK", vector(&["0.25"]));
    let said = monitored.configure("hello");
    assert_eq!(
        (said["status"].as_str(), said["result"].as_str(), said["message"].as_str()),
        (
            Some("succeeded"),
            Some("pass"),
            Some("Prometheus successfully configured and rule created")
        )
    );
    let targets = monitored.read("targets/tour.hello.json").expect("targets");
    let targets: Value = serde_json::from_str(&targets).expect("JSON");
    assert_eq!(targets.as_array().map(Vec::len), Some(6), "three for each stage");
    let rules = monitored.read("rules/tour.hello.yaml").expect("rules");
    assert!(rules.contains("name: \"hello tour-production alerts\""), "{rules}");
    assert!(rules.contains("> 0.5\"") && rules.contains("for: \"60s\""), "{rules}");
    assert!(!rules.contains("tour-qa"), "nobody would act on an alert there: {rules}");
    let asked = monitored.prometheus.asked();
    let reloads = asked.iter().filter(|one| one.starts_with("POST /-/reload ")).count();
    assert_eq!(reloads, 1, "{asked:?}");
}

#[test]
fn a_query_that_prometheus_does_not_understand_is_never_written() {
    let refused = json!({"status": "error", "errorType": "bad_data", "error": "parse error"});
    let monitored = monitored("400 Bad Request", refused.to_string());
    let said = monitored.configure("hello");
    assert_eq!((said["status"].as_str(), said["result"].as_str()), (Some("errored"), Some("fail")));
    let message = said["message"].as_str().unwrap_or_default();
    assert!(
        message.starts_with("configure prometheus failed with error: the alert \"latency\" in")
            && message.contains("bad_data: parse error")
            && message.contains("avg(latency_seconds"),
        "{message}"
    );
    assert_eq!(monitored.read("rules/tour.hello.yaml"), None);
}

#[test]
fn names_that_are_none_are_said_and_lead_nowhere() {
    let monitored = monitored("200 OK", vector(&["0.25"]));
    for service in ["../../etc", ""] {
        let said = monitored.configure(service);
        assert_eq!(said["status"], "errored", "{service}");
        let message = said["message"].as_str().unwrap_or_default();
        assert!(message.contains("data.service"), "{message}");
    }
    assert!(std::fs::read_dir(monitored.directory.path()).unwrap().next().is_none());
}

#[test]
fn a_service_that_is_not_there_is_refused_and_gets_no_files() {
    let monitored = monitored("200 OK", vector(&["0.25"]));
    let said = monitored.configure("nobody");
    assert_eq!((&said["status"], &said["result"]), (&json!("errored"), &json!("fail")));
    let says = "configure prometheus failed with error: project tour has no service nobody";
    assert_eq!(said["message"], says);
    assert!(std::fs::read_dir(monitored.directory.path()).unwrap().next().is_none());
}

#[test]
fn what_is_not_watched_is_said_with_the_reason() {
    let monitored = monitored("200 OK", vector(&["0.25"]));
    monitored.place.put("production", "prometheus/sli.yaml", "indicators: {other: up}\n");
    let said = monitored.configure("hello");
    assert_eq!(said["result"], "pass", "{said}");
    let message = said["message"].as_str().unwrap_or_default();
    let says = "Prometheus successfully configured, without a rule. Left out: production: \"latency\" \
                becomes no alert: ";
    assert!(message.starts_with(says), "{message}");
}

#[test]
fn every_provider_that_is_built_in_answers_whoever_names_it() {
    let monitored = monitored("200 OK", vector(&["0.25"]));
    let said = monitored.configure_as("job-results", "");
    assert_eq!(
        (&said["result"], &said["message"]),
        (&json!("pass"), &json!("job-results is the SLI provider now"))
    );
    let said = monitored.configure_as("http-json", "");
    assert_eq!((&said["status"], &said["result"]), (&json!("errored"), &json!("fail")));
    let message = said["message"].as_str().unwrap_or_default();
    assert!(message.ends_with("its configuration has no [sli.http-json]"), "{message}");
}
