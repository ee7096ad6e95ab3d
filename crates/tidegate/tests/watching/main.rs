//! What a server shows to whoever watches it: its metrics, the page that lists them, the dashboard and
//! the alerts that are made of them, and a real Prometheus that fires one.

mod alert;
mod exposition;
mod files;
#[path = "../support/mod.rs"]
mod support;
mod worked;

use std::collections::BTreeSet;
use std::fs;

use exposition::{Exposition, Family};
use files::{Used, dashboard, rules};
use support::{Server, TOKEN, request, until};
use worked::{PROJECT, Worked};

#[test]
fn metrics_need_no_token_and_hold_no_secret() {
    let worked = Worked::new();
    let answer = request(worked.server.address, "GET", "/metrics", &[], b"").expect("an answer");
    assert_eq!(answer.code, 200);
    assert_eq!(
        answer.header("content-type"),
        Some("application/openmetrics-text; version=1.0.0; charset=utf-8")
    );
    let text = answer.text();
    assert!(text.ends_with("# EOF\n"), "{text}");
    assert!(!text.contains(TOKEN) && !text.contains("hunter2"), "{text}");
    // What somebody types becomes no label: not a path, not a method, not a service.
    for wild in ["/no/such/path", "/api/controlPlane/v1/project/somebody", "/bridge/project/x"] {
        request(worked.server.address, "BREW", wild, &[], b"");
        request(worked.server.address, "GET", wild, &[("x-token", TOKEN)], b"");
    }
    let shown = until("the requests to be shown", || {
        let shown = worked.shown();
        let other = [("route", "_other"), ("method", "_other")];
        (shown.sum("tidegate_http_requests_total", &other) >= 1.0).then_some(shown)
    });
    let requests = shown.family("tidegate_http_requests");
    let of = |label: &str| -> BTreeSet<&str> {
        requests.samples.iter().map(|sample| &*sample.labels[label]).collect()
    };
    assert!(of("route").contains("/api/controlPlane/v1/project/{project}"));
    let values = shown.label_values();
    for wild in ["such", "somebody", "BREW", "/bridge/project/x"] {
        assert!(values.iter().all(|value| !value.contains(wild)), "{wild} in {values:?}");
    }
    let names = shown.labels();
    assert!(!names.contains("service") && !names.contains("context"), "{names:?}");
}

#[test]
fn what_waits_is_counted_right_after_a_restart() {
    let mut worked = Worked::new();
    worked.wait_at_approval("hello:3");
    let waits = |shown: &Exposition| {
        let production = [("project", PROJECT), ("stage", "production")];
        let young = shown.sum("tidegate_approvals_waiting", &production);
        let open = shown.sum("tidegate_sequences", &[("state", "started")]);
        (young, open)
    };
    let before = until("both to be shown", || {
        let found = waits(&worked.shown());
        (found.0 == 2.0).then_some(found)
    });
    assert_eq!(before, (2.0, 2.0));
    worked.server.crash();
    assert_eq!(waits(&worked.shown()), before);
    let approvals = worked.server.approvals();
    for approval in approvals {
        assert_eq!(worked.decide(&approval, "decline"), 200);
    }
    let shown = until("the answer to be made anew", || {
        let shown = worked.shown();
        (shown.sum("tidegate_approvals_ended_total", &[]) >= 2.0).then_some(shown)
    });
    assert_eq!(waits(&shown), (0.0, 0.0));
    let decided = [("result", "declined")];
    assert_eq!(shown.sum("tidegate_approval_decision_seconds_count", &decided), 2.0);
}

#[test]
fn a_server_that_shall_not_be_watched_shows_nothing() {
    let directory = tempfile::tempdir().expect("a directory");
    let server = Worked::configured(directory.path(), "[metrics]\nenabled = false\n");
    let answer = request(server.address, "GET", "/metrics", &[], b"").expect("an answer");
    assert_eq!(answer.code, 404);
}

#[test]
fn beyond_the_bound_stages_are_counted_together() {
    let directory = tempfile::tempdir().expect("a directory");
    let server = Worked::configured(directory.path(), "[metrics]\nplaces_max = 1\n");
    server.create_tour();
    server.wait_at_approval("hello:1");
    let shown = Exposition::of(&server);
    let other = [("project", "_other"), ("stage", "_other")];
    assert_eq!(shown.sum("tidegate_approvals_waiting", &other), 1.0);
    let known = [("project", PROJECT), ("stage", "qa")];
    assert_eq!(shown.sum("tidegate_sequences_triggered_total", &known), 1.0);
    assert_eq!(shown.sum("tidegate_sequences_triggered_total", &other), 1.0);
}

/// A page that shows itself when something happens is open for as long as somebody looks.
#[test]
fn an_open_stream_is_counted_until_it_is_closed() {
    let directory = tempfile::tempdir().expect("a directory");
    let server = Server::start(directory.path());
    let stream = worked::open_stream(&server);
    let streams = || Exposition::of(&server).sum("tidegate_http_streams", &[]);
    until("the stream to be counted", || (streams() == 1.0).then_some(()));
    drop(stream);
    until("the stream to be gone", || {
        // The server notices when it next writes to it.
        let (code, _) = server.post("/api/v1/event", &support::delivery("hello:1"));
        (code == 200 && streams() == 0.0).then_some(())
    });
}

/// `docs/reference/metrics.md` lists what a server shows, and nothing else.
#[test]
fn the_page_of_metrics_lists_what_is_shown() {
    let shown = Worked::new().shown();
    let mut rows: Vec<String> = shown.families.values().map(Family::row).collect();
    rows.sort();
    let page = fs::read_to_string(files::root().join("docs/reference/metrics.md"));
    let page = page.unwrap_or_default();
    let listed: Vec<&str> = page.lines().filter(|line| line.starts_with("| `")).collect();
    assert_eq!(listed, rows, "docs/reference/metrics.md should list:\n{}", rows.join("\n"));
}

#[test]
fn every_panel_and_every_alert_asks_for_what_is_shown() {
    let shown = Worked::new().shown();
    let (panels, alerts) = (dashboard(), rules());
    assert!(panels.len() >= 54, "the dashboard has its panels ({})", panels.len());
    assert!(alerts.len() >= 16, "the alerts are there ({})", alerts.len());
    let mut asked = BTreeSet::new();
    for expression in panels.iter().chain(&alerts) {
        let used = Used::of(expression);
        assert!(!used.selectors.is_empty(), "{expression} asks for something");
        for selector in &used.selectors {
            let missing = || format!("{} in {expression}", selector.name);
            if selector.name == "up" {
                continue;
            }
            let samples = shown.samples(&selector.name);
            assert!(!samples.is_empty(), "nothing is shown as {}", missing());
            for (label, values) in &selector.labels {
                files::check_label(&samples, label, values, &missing());
            }
            asked.insert(shown.family_of(&selector.name));
        }
        for label in &used.grouped {
            files::check_grouped(&shown, &used, label, expression);
        }
    }
    // Whatever is shown is to be seen somewhere.
    let unseen: Vec<_> = shown.families.keys().filter(|name| !asked.contains(*name)).collect();
    assert_eq!(unseen, [] as [&String; 0], "no panel and no alert shows these");
}

#[test]
fn the_alerts_fire_when_they_should_and_not_before() {
    let folder = files::root().join("deploy/prometheus");
    for arguments in [
        ["check", "rules", "tidegate.rules.yaml"],
        ["check", "config", "prometheus.yaml"],
        ["test", "rules", "tidegate.rules.test.yaml"],
    ] {
        let output = alert::tool("promtool").args(arguments).current_dir(&folder).output();
        let output = output.expect("promtool starts");
        let said =
            String::from_utf8_lossy(&output.stderr) + String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{arguments:?}: {said}");
    }
    // Each alert is tried, and told when it shall.
    let tests = fs::read_to_string(folder.join("tidegate.rules.test.yaml")).expect("the tests");
    for name in files::alert_names() {
        let cases: Vec<&str> =
            tests.split("alertname: ").filter(|case| case.starts_with(&name)).collect();
        assert!(cases.iter().any(|case| case.contains("exp_labels")), "{name} is told in a test");
        let page = fs::read_to_string(files::root().join("docs/operations.md")).expect("the page");
        assert!(page.contains(&format!("`{name}`")), "docs/operations.md says what {name} means");
    }
}

#[test]
fn a_prometheus_that_watches_a_server_fires_when_an_approval_waits_too_long() {
    let worked = Worked::new();
    let prometheus = alert::Prometheus::watch(worked.server.address);
    let firing = until("the alert to fire", || {
        let alerts = prometheus.alerts();
        let stuck = |alert: &serde_json::Value| {
            alert["labels"]["alertname"] == "TidegateApprovalStuck" && alert["state"] == "firing"
        };
        alerts.into_iter().find(stuck)
    });
    assert_eq!(firing["labels"]["project"], PROJECT);
    assert_eq!(firing["labels"]["stage"], "production");
    let summary = firing["annotations"]["summary"].as_str().expect("a text");
    assert!(summary.starts_with("An approval in tour/production waits for "), "{summary}");
}
