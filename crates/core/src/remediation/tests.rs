use serde_json::{Map, Value, json};

use super::*;

/// The file of the tour, with a second action, a `default` and more.
const FILE: &str = r#"
apiVersion: spec.keptn.sh/0.1.4
kind: Remediation
metadata:
  name: helloservice-remediation
spec:
  remediations:
    - problemType: http_response_time_seconds_main_page_sum
      actionsOnOpen:
        - action: scale
          name: scale
          description: Scale up
          value: "2"
        - action: escalate
          name: Call somebody
    - problemType: out of memory
      actionsOnOpen: [{action: restart, value: [1, {hard: true}]}]
    - problemType: out of memory
      actionsOnOpen: [{action: never}]
    - problemType: nothing to do
      actionsOnOpen: []
    - problemType: unsaid
    - problemType: default
      actionsOnOpen: [{action: look}]
"#;

fn asked(data: Value) -> Map<String, Value> {
    let Value::Object(data) = data else { panic!("{data} is no object") };
    let all = json!({"project": "fulltour", "stage": "production", "service": "helloservice"});
    let mut all = all.as_object().unwrap().clone();
    all.extend(data);
    all
}

fn answer(data: Value, file: Option<&str>) -> Value {
    Value::from(GetAction::of(&asked(data)).unwrap().answer(file))
}

/// The action for a problem, or the message.
fn action(data: Value) -> String {
    let data = answer(data, Some(FILE));
    let told = data.get("message").unwrap_or(&data["action"]["action"]);
    told.as_str().unwrap().to_owned()
}

#[test]
fn the_action_of_the_tour_is_found() {
    let title = "http_response_time_seconds_main_page_sum";
    let data =
        answer(json!({"problem": {"problemTitle": title}, "labels": {"a": "b"}}), Some(FILE));
    let expected = json!({"project": "fulltour", "stage": "production", "service": "helloservice",
        "labels": {"a": "b"}, "status": "succeeded", "result": "pass",
        "action": {"name": "scale", "action": "scale", "description": "Scale up", "value": "2"},
        "get-action": {"actionIndex": 1}});
    assert_eq!(data, expected);
}

#[test]
fn what_a_repeated_sequence_inherits_is_not_answered() {
    let inherited = json!({"problem": {"problemTitle": "out of memory"}, "result": "fail",
        "status": "errored", "message": "old", "evaluation": {"result": "fail"}});
    let data = answer(inherited, Some(FILE));
    let expected = json!({"project": "fulltour", "stage": "production", "service": "helloservice",
        "status": "succeeded", "result": "pass",
        "action": {"name": "", "action": "restart", "value": [1, {"hard": true}]},
        "get-action": {"actionIndex": 1}});
    assert_eq!(data, expected);
}

#[test]
fn a_root_cause_comes_before_a_title_before_the_default() {
    let problem = |root: &str, title: &str| {
        action(json!({"problem": {"rootCause": root, "problemTitle": title}}))
    };
    let main_page = "http_response_time_seconds_main_page_sum";
    assert_eq!(problem("out of memory", main_page), "restart");
    assert_eq!(problem("unknown", main_page), "scale");
    assert_eq!(problem("", main_page), "scale");
    assert_eq!(problem("unknown", "unknown"), "look");
    // Letter by letter.
    assert_eq!(problem("Out of memory", ""), "look");
    // An entry that does not say what to do is as good as none; an empty list is not.
    assert_eq!(problem("unsaid", main_page), "scale");
    assert_eq!(
        problem("nothing to do", main_page),
        "there is no action with index 0 for root cause nothing to do"
    );
    assert_eq!(action(json!({})), "look");
}

#[test]
fn the_case_of_the_keys_of_a_problem_does_not_matter() {
    assert_eq!(action(json!({"problem": {"ProblemTitle": "out of memory"}})), "restart");
    assert_eq!(
        action(json!({"problem": {"ROOTCAUSE": "out of memory", "rootcause": "x"}})),
        "restart"
    );
    let both = json!({"problem": {"ProblemTitle": "x", "problemTitle": "out of memory"}});
    assert_eq!(action(both), "restart");
}

#[test]
fn an_empty_root_cause_matches_a_remediation_without_a_type() {
    let file =
        "apiVersion: spec.keptn.sh/0.1.4\nspec: {remediations: [{actionsOnOpen: [{action: a}]}]}";
    let data = answer(json!({"problem": {"problemTitle": "t"}}), Some(file));
    assert_eq!(data["action"]["action"], "a");
    let data = answer(json!({"problem": {"rootCause": "r", "problemTitle": "t"}}), Some(file));
    assert_eq!(data["message"], "unable to find action for root cause r");
}

#[test]
fn the_index_counts_the_actions_that_were_taken() {
    let at = |index: Value| {
        let title = "http_response_time_seconds_main_page_sum";
        answer(
            json!({"problem": {"problemTitle": title}, "get-action": {"actionIndex": index}}),
            Some(FILE),
        )
    };
    assert_eq!(at(json!(0))["action"]["action"], "scale");
    assert_eq!(at(Value::Null)["action"]["action"], "scale");
    let second = at(json!(1));
    assert_eq!(second["action"], json!({"name": "Call somebody", "action": "escalate"}));
    assert_eq!(second["get-action"]["actionIndex"], 2);
    for (index, shown) in [(json!(2), "2"), (json!(u64::MAX), "18446744073709551615")] {
        let over = at(index);
        let message = format!(
            "there is no action with index {shown} for problem title \
             http_response_time_seconds_main_page_sum"
        );
        assert_eq!(over["message"], message);
        assert_eq!((&over["status"], &over["result"]), (&json!("succeeded"), &json!("fail")));
        assert!(over.get("action").is_none() && over.get("get-action").is_none());
    }
}

#[test]
fn a_problem_that_nothing_matches_fails_and_is_named() {
    let file = "apiVersion: spec.keptn.sh/0.1.4\n";
    for (problem, named) in [
        (json!({"rootCause": "r", "problemTitle": "t"}), "root cause r"),
        (json!({"problemTitle": "t"}), "problem title t"),
        (Value::Null, "problem type default"),
    ] {
        let data = answer(json!({"problem": problem}), Some(file));
        let expected = json!({"project": "fulltour", "stage": "production",
            "service": "helloservice", "status": "succeeded", "result": "fail",
            "message": format!("unable to find action for {named}")});
        assert_eq!(data, expected);
    }
}

#[test]
fn a_file_that_is_not_there_is_an_error() {
    let expected = json!({"project": "fulltour", "stage": "production", "service": "helloservice",
        "status": "errored", "result": "fail",
        "message": "Could not get remediation.yaml file for services helloservice in stage production."});
    assert_eq!(answer(json!({"result": "pass"}), None), expected);
}

#[test]
fn a_file_that_cannot_be_read_is_an_error_with_its_place() {
    let data = answer(json!({}), Some("apiVersion: spec.keptn.sh/0.1.4\nspec: 1\n"));
    assert_eq!((&data["status"], &data["result"]), (&json!("errored"), &json!("fail")));
    let says = "Could not parse remediation.yaml file. Please validate it against the specification. \
                remediation.yaml:2:7: spec must be a mapping";
    assert_eq!(data["message"], says);
}

#[test]
fn data_that_cannot_be_read_are_answered_all_the_same() {
    for (data, says) in [
        (json!({"service": null}), "data.service is missing or empty"),
        (json!({"problem": "x"}), "data.problem must be an object"),
        (json!({"problem": {"rootCause": 1}}), "data.problem.rootCause must be a text"),
        (json!({"problem": {"ProblemTitle": []}}), "data.problem.problemTitle must be a text"),
        (json!({"get-action": 1}), "data.get-action must be an object"),
        (
            json!({"get-action": {"actionIndex": -1}}),
            "data.get-action.actionIndex must be a whole number",
        ),
        (
            json!({"get-action": {"actionIndex": 0.5}}),
            "data.get-action.actionIndex must be a whole number",
        ),
        (
            json!({"get-action": {"actionIndex": "1"}}),
            "data.get-action.actionIndex must be a whole",
        ),
    ] {
        let data = asked(data);
        let message = GetAction::of(&data).unwrap_err().to_string();
        assert!(
            message.starts_with(&format!("Could not decode input event data: {says}")),
            "{message}"
        );
        let answer = errored(&data, &message);
        assert_eq!(answer["message"], message);
        assert_eq!((&answer["status"], &answer["result"]), (&json!("errored"), &json!("fail")));
        assert_eq!(answer["project"], "fulltour");
    }
}

#[test]
fn an_action_that_does_not_say_what_to_do_is_an_error_with_its_place() {
    for unsaid in ["{name: x, value: 1}", "{actoin: scale}", "{action: ' '}", "{action: }"] {
        let file = format!(
            "apiVersion: spec.keptn.sh/0.1.4\nspec:\n  remediations:\n  - problemType: default\n    \
             actionsOnOpen: [{{action: a}}, {unsaid}]\n"
        );
        let data = answer(json!({"get-action": {"actionIndex": 1}}), Some(&file));
        assert_eq!((&data["status"], &data["result"]), (&json!("errored"), &json!("fail")));
        let says = "remediation.yaml:5:34: the action with index 1 for problem type default does not say \
                    what to do; write action: and the word that executors know it by, such as scale";
        assert_eq!(data["message"], says, "{unsaid}");
        assert!(data.get("action").is_none() && data.get("get-action").is_none());
    }
}
