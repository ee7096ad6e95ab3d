//! Who is asked with which credentials, and that nobody reads them.

use std::fs;

use serde_json::{Value, json};

use crate::place::{Place, SLO, objective};
use crate::prometheus::{Stub, vector};
use crate::support::until;

const SLI: &str = "indicators: { latency: up }\n";
/// `ada:tg-Hunter2`, as HTTP sends it.
const LOGIN: &str = "authorization: Basic YWRhOnRnLUh1bnRlcjI=";

/// What `monitoring.configure` is answered.
fn configured(place: &Place) -> Value {
    let event = json!({"type": "sh.keptn.event.monitoring.configure", "source": "test",
        "data": {"type": "prometheus", "project": "tour", "service": "hello"}});
    let (code, answer) = place.server.post("/api/v1/event", &event);
    assert_eq!(code, 200);
    let context = answer["keptnContext"].as_str().expect("a context");
    let path = format!(
        "/api/mongodb-datastore/event?keptnContext={context}\
         &type=sh.keptn.event.configure-monitoring.finished"
    );
    until("the answer", || {
        let events = place.server.get(&path).1["events"].as_array()?.clone();
        events.first().map(|event| event["data"].clone())
    })
}

#[test]
fn a_password_in_the_address_of_a_reload_is_sent_and_never_shown() {
    let directory = tempfile::tempdir().expect("a directory");
    let log = directory.path().join("log");
    let stub = Stub::answers("403 Forbidden", "forbidden".to_owned());
    let place = Place::logged(
        &format!(
            "[sli.prometheus]\nendpoint = \"http://{0}\"\n[sli.prometheus.monitoring]\n\
             directory = \"{1}\"\nreload = \"http://ada:tg-Hunter2@{0}/-/reload\"",
            stub.address,
            directory.path().display()
        ),
        log.clone(),
    );
    let said = configured(&place);
    assert_eq!(said["status"], "errored");
    let message = said["message"].as_str().unwrap_or_default();
    let shown = format!("http://{}/-/reload answered 403 Forbidden: forbidden", stub.address);
    assert!(message.contains(&shown), "{message}");
    let asked = stub.asked();
    let [asked] = asked.as_slice() else { panic!("one question: {asked:?}") };
    assert!(asked.to_lowercase().contains(&LOGIN.to_lowercase()), "{asked}");
    let log = fs::read_to_string(log).expect("a log");
    assert!(!log.is_empty() && !log.contains("tg-Hunter2"), "the log shows it");
}

#[test]
fn a_reload_is_not_asked_with_the_login_of_a_project_s_secret() {
    let directory = tempfile::tempdir().expect("a directory");
    let stub = Stub::answers("200 OK", String::new());
    let place = Place::with(&format!(
        "[sli.prometheus.monitoring]\ndirectory = \"{}\"\nreload = \"http://{1}/-/reload\"\n\
         [secrets.prometheus-credentials-tour]\nPROMETHEUS_URL = \"http://{1}\"\n\
         PROMETHEUS_USER = \"ada\"\nPROMETHEUS_PASSWORD = \"tg-Hunter2\"",
        directory.path().display(),
        stub.address
    ));
    assert_eq!(configured(&place)["result"], "pass");
    let asked = stub.asked();
    let [asked] = asked.as_slice() else { panic!("one question: {asked:?}") };
    assert!(!asked.to_lowercase().contains("authorization"), "{asked}");
}

/// A project with such a secret, beside a Prometheus of the installation's.
fn with_secret(installation: &Stub, secret: &str) -> Place {
    let place = Place::with(&format!(
        "[gate]\nsli_provider = \"prometheus\"\n[sli.prometheus]\nendpoint = \"http://{}\"\n\
         [secrets.prometheus-credentials-tour]\n{secret}",
        installation.address
    ));
    place.put("qa", "prometheus/sli.yaml", SLI);
    place.put("qa", "slo.yaml", SLO);
    place
}

#[test]
fn a_secret_in_keptn_s_former_shape_says_which_prometheus_is_asked() {
    let (own, installation) =
        (Stub::answers("200 OK", vector(&["0.25"])), Stub::answers("200 OK", vector(&["0.125"])));
    let secret = format!(
        "prometheus-credentials = \"user: ada\\npassword: tg-Hunter2\\nurl: http://{}\"",
        own.address
    );
    let (_, evaluated) = with_secret(&installation, &secret).evaluated("hello:1");
    assert_eq!(objective(&evaluated)["value"]["value"], 0.25, "{evaluated}");
    assert!(installation.asked().is_empty());
    let asked = own.asked();
    assert!(asked[0].to_lowercase().contains(&LOGIN.to_lowercase()), "{asked:?}");
}

#[test]
fn a_secret_that_says_no_address_never_lets_another_prometheus_judge() {
    let installation = Stub::answers("200 OK", vector(&["0.125"]));
    for (secret, says) in [
        ("PROMETHEUS_USER = \"ada\"\nPROMETHEUS_PASSWORD = \"tg-Hunter2\"", "says no address"),
        ("prometheus-credentials = \"user: ada\\npassword: tg-Hunter2\"", "says no address"),
        ("prometheus-credentials = \"tg-Hunter2\"", "cannot be read"),
        ("prometheus-credentials = \"url: [tg-Hunter2\"", "cannot be read"),
    ] {
        let (_, evaluated) = with_secret(&installation, secret).evaluated("hello:1");
        let data = &evaluated["data"];
        assert_eq!((&data["status"], &data["result"]), (&json!("errored"), &json!("fail")));
        let message = data["message"].as_str().unwrap_or_default();
        assert!(
            message.contains("[secrets.prometheus-credentials-tour]") && message.contains(says),
            "{message}"
        );
        assert!(!evaluated.to_string().contains("tg-Hunter2"), "{message}");
    }
    assert!(installation.asked().is_empty());
}
