use super::*;

/// A firing alert as Alertmanager sends it, with these fields in place of the usual ones.
fn alert(fields: Value) -> Value {
    let Value::Object(fields) = fields else { panic!("{fields} is no object") };
    let mut alert = json!({
        "status": "firing",
        "labels": {"alertname": "response_time_p90", "project": "shop", "stage": "production",
            "service": "carts", "deployment": "primary", "pod_name": "carts-primary",
            "severity": "webhook"},
        "annotations": {"summary": "response_time_p90", "descriptions": "Pod name \"carts\"\n\\"},
        "startsAt": "2022-01-31T10:00:00.123Z",
        "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": "http://prometheus/graph?g0.expr=x",
        "fingerprint": "d41d8cd98f00b204"
    });
    alert.as_object_mut().unwrap().extend(fields);
    alert
}

fn told(alerts: &[Value]) -> Vec<Result<Notice, AlertError>> {
    let body = json!({"version": "4", "groupKey": "{}:{}", "truncatedAlerts": 0, "status": "firing",
        "receiver": "tidegate", "groupLabels": {}, "commonLabels": {}, "commonAnnotations": {},
        "externalURL": "http://alertmanager", "alerts": alerts});
    read(body.to_string().as_bytes()).unwrap()
}

fn one(fields: Value) -> Result<Notice, AlertError> {
    told(&[alert(fields)]).remove(0)
}

fn firing(fields: Value) -> Problem {
    match one(fields).unwrap() {
        Notice::Firing(problem) => problem,
        other @ Notice::Resolved { .. } => panic!("{other:?}"),
    }
}

fn refused(fields: Value) -> String {
    one(fields).unwrap_err().to_string()
}

#[test]
fn a_firing_alert_is_the_event_that_keptn_makes_of_it() {
    let problem = firing(json!({}));
    assert_eq!(problem.kind.as_str(), "sh.keptn.event.production.remediation.triggered");
    let url = "http://prometheus/graph?g0.expr=x";
    let expected = json!({
        "project": "shop", "stage": "production", "service": "carts",
        "labels": {"Problem URL": url},
        "problem": {"State": "OPEN", "ProblemID": "", "ProblemTitle": "response_time_p90",
            "ProblemDetails": {"problemDetails": "Pod name \"carts\"\n\\"}, "PID": "",
            "ProblemURL": url, "ImpactedEntity": "carts-primary", "project": "shop",
            "stage": "production", "service": "carts", "labels": {"deployment": "primary"}},
        "deployment": {"deploymentNames": ["primary"]}
    });
    assert_eq!(Value::from(problem.data), expected);
}

#[test]
fn its_title_is_what_a_remediation_is_looked_for_by() {
    let data = firing(json!({})).data;
    let asked = remediation::GetAction::of(&data).unwrap();
    assert_eq!(asked.problem.title, "response_time_p90");
}

#[test]
fn an_alert_has_the_same_context_whenever_it_is_told() {
    let context = |fields| firing(fields).context.unwrap();
    let usual = context(json!({}));
    let later = json!({"annotations": {"summary": "other"}, "generatorURL": ""});
    assert_eq!(context(later), usual);
    assert_ne!(context(json!({"startsAt": "2022-01-31T11:00:00Z"})), usual);
    assert_ne!(context(json!({"fingerprint": "d41d8cd98f00b205"})), usual);
    assert_eq!(firing(json!({"fingerprint": ""})).context, None);
}

#[test]
fn the_end_of_a_problem_is_told_in_its_context() {
    let problem = firing(json!({}));
    // The end of an alert needs neither title nor anything else but its labels.
    let over = json!({"status": "resolved", "annotations": {}, "endsAt": "2022-01-31T10:09:00Z"});
    let resolved = one(over).unwrap();
    let context = problem.context.unwrap();
    assert_eq!(resolved, Notice::Resolved { scope: problem.scope, context });
}

#[test]
fn every_alert_counts_and_a_faulty_one_keeps_none_from_being_heard() {
    let notices = told(&[
        alert(json!({"labels": {"alertname": "lost"}})),
        alert(json!({"status": "resolved"})),
        alert(json!({})),
    ]);
    assert!(matches!(
        notices.as_slice(),
        [Err(_), Ok(Notice::Resolved { .. }), Ok(Notice::Firing(_))]
    ));
    assert!(told(&[]).is_empty());
}

#[test]
fn missing_labels_are_named_all_at_once() {
    let says =
        "alert \"a\": it lacks the labels project, service, which the rule of the alert must set";
    assert_eq!(refused(json!({"labels": {"alertname": "a", "stage": "s", "service": ""}})), says);
    let labels = json!({"project": "p", "service": "v"});
    let says = "alert \"sum\": it lacks the label stage, which the rule of the alert must set";
    assert_eq!(refused(json!({"labels": labels, "annotations": {"summary": "sum"}})), says);
    // Also where a problem is over.
    assert!(
        refused(json!({"labels": {}, "status": "resolved"})).contains("project, stage, service")
    );
}

#[test]
fn labels_that_name_nothing_are_refused_with_the_rule() {
    let labels = json!({"alertname": "a", "project": "p", "stage": "Prod 1", "service": "v"});
    let error = refused(json!({ "labels": labels }));
    assert!(error.starts_with("alert \"a\": by its labels, stage name \"Prod 1\" must"), "{error}");
}

#[test]
fn a_title_may_be_the_name_of_the_alert() {
    let labels = json!({"alertname": "Slow", "project": "p", "stage": "s", "service": "v"});
    let fields = json!({"labels": labels, "annotations": {"description": "one"}});
    let data = firing(fields).data;
    assert_eq!(data["problem"]["ProblemTitle"], "Slow");
    assert_eq!(data["problem"]["ProblemDetails"]["problemDetails"], "one");
    // What the alert does not say is empty.
    assert_eq!(data["problem"]["ImpactedEntity"], "");
    assert_eq!(data["problem"]["labels"], json!({}));
    assert_eq!(data["deployment"]["deploymentNames"], json!([]));
    let nameless = json!({"project": "p", "stage": "s", "service": "v"});
    let error = refused(json!({"labels": nameless, "annotations": {}}));
    assert!(error.ends_with("it has neither the annotation summary nor the label alertname"));
}

#[test]
fn an_address_that_is_too_long_for_a_label_is_told_in_the_problem_alone() {
    let long = format!("http://prometheus/{}", "x".repeat(LABEL_BYTES_MAX));
    for (url, labels) in [(long.as_str(), json!({})), ("", json!({}))] {
        let data = firing(json!({ "generatorURL": url })).data;
        assert_eq!(data["labels"], labels);
        assert_eq!(data["problem"]["ProblemURL"], url);
    }
}

#[test]
fn another_status_is_refused() {
    let says =
        "alert \"response_time_p90\": its status is \"pending\", neither firing nor resolved";
    assert_eq!(refused(json!({"status": "pending"})), says);
    let error = refused(json!({"status": "resolved", "fingerprint": ""}));
    assert!(error.ends_with("it has no fingerprint, so nobody knows which problem is over"));
}

#[test]
fn what_is_no_message_of_alertmanagers_is_refused() {
    let error = |body: &[u8]| read(body).unwrap_err().to_string();
    let head = "the body is no webhook message of Alertmanager's: ";
    for (body, says) in [
        (&b""[..], "EOF while parsing"),
        (b"{}", "missing field `alerts`"),
        (b"[]", ""),
        (br#"{"version": "3", "alerts": []}"#, "it is of version \"3\", not 4"),
        (br#"{"alerts": [{"labels": {"a": 1}}]}"#, "invalid type: integer `1`, expected a string"),
        (br#"{"alerts": [1]}"#, "invalid type: integer `1`"),
    ] {
        assert!(error(body).starts_with(&format!("{head}{says}")), "{}", error(body));
    }
    let many = json!({"alerts": vec![json!({}); 1_001]}).to_string();
    assert!(
        error(many.as_bytes()).starts_with(&format!("{head}it has more than 1000 alerts; set"))
    );
}

#[test]
fn the_end_of_a_problem_is_the_problem_with_another_state_and_moves_no_sequence() {
    let begun = firing(json!({}));
    let (kind, data) = resolved(&begun.scope, &begun.data);
    assert_eq!(kind.kind(), crate::event::EventKind::Other);
    assert_eq!(data["problem"]["ProblemTitle"], "response_time_p90");
    assert_eq!(data["problem"]["State"], "RESOLVED");
    assert_eq!((&data["stage"], data.get("labels")), (&json!("production"), None));
}
