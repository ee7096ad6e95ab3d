use super::*;
use crate::event::TaskResult;

const TOUR: &str = "\
apiVersion: spec.keptn.sh/0.2.2
kind: Shipyard
metadata: { name: tour }
spec:
  stages:
    - name: qa
      sequences:
        - name: delivery
          tasks:
            - name: deployment
            - name: test
              triggeredAfter: 1m30s
              properties: { teststrategy: load, runs: 3 }
    - name: production
      sequences:
        - name: delivery
          triggeredOn:
            - event: qa.delivery.finished
          tasks:
            - name: approval
              properties: { pass: manual }
        - name: rollback
          triggeredOn:
            - event: production.delivery.finished
              selector: { match: { result: fail } }
            - event: production.delivery.finished
              selector: { match: { deployment.result: fail } }
          tasks: [{ name: rollback }]
        - name: never
          triggeredOn: [{ event: qa.delivery.finished, selector: { match: {} } }]
          tasks: [{ name: x }]
        - name: hollow
";

fn stage(text: &str) -> StageName {
    StageName::new(text).unwrap()
}

fn sequence(text: &str) -> SequenceName {
    SequenceName::new(text).unwrap()
}

fn task(text: &str) -> TaskName {
    TaskName::new(text).unwrap()
}

fn follow(from: (&str, &str), last: &str, result: TaskResult) -> Vec<String> {
    let shipyard = Shipyard::parse(TOUR).unwrap();
    let followers = shipyard.followers(&stage(from.0), &sequence(from.1), &task(last), result);
    followers.iter().map(|f| format!("{}.{}", f.stage, f.sequence)).collect()
}

#[test]
fn tasks_carry_properties_and_delay() {
    let shipyard = Shipyard::parse(TOUR).unwrap();
    let tasks = shipyard.tasks(&stage("qa"), &sequence("delivery")).unwrap();
    assert_eq!(tasks.len(), 2);
    assert_eq!(tasks[1].properties["runs"], 3);
    assert_eq!(tasks[1].triggered_after, Some(Duration::from_secs(90)));
}

#[test]
fn what_is_missing_is_said_in_keptns_words() {
    let shipyard = Shipyard::parse(TOUR).unwrap();
    let says = |s: &str, q: &str| shipyard.tasks(&stage(s), &sequence(q)).unwrap_err();
    assert_eq!(says("dev", "delivery"), "no stage with name dev");
    assert_eq!(says("qa", "x"), "no task sequence with name x found in stage qa");
    assert_eq!(says("production", "hollow"), "task sequence hollow does not contain any tasks");
    assert_eq!(
        shipyard.tasks(&stage("qa"), &sequence("evaluation")).unwrap()[0].name,
        "evaluation"
    );
}

#[test]
fn without_a_selector_pass_and_warning_go_on_and_an_empty_one_never_fires() {
    let qa = ("qa", "delivery");
    assert_eq!(follow(qa, "test", TaskResult::Pass), ["production.delivery"]);
    assert_eq!(follow(qa, "test", TaskResult::Warning), ["production.delivery"]);
    assert!(follow(qa, "test", TaskResult::Fail).is_empty());
}

#[test]
fn a_selector_names_the_result_or_that_of_the_last_task() {
    let from = ("production", "delivery");
    let twice = ["production.rollback", "production.rollback"];
    assert_eq!(follow(from, "deployment", TaskResult::Fail), twice);
    assert_eq!(follow(from, "test", TaskResult::Fail), ["production.rollback"]);
    assert!(follow(from, "deployment", TaskResult::Pass).is_empty());
}

#[test]
fn errors_name_line_column_and_rule() {
    let says = |text: &str| Shipyard::parse(text).unwrap_err().to_string();
    assert!(says("spec: {}").starts_with("1:1: could not parse shipyard version"));
    assert!(says("apiVersion: v1\nspec: {}").starts_with("1:13: could not parse"));
    assert!(says("apiVersion: spec.keptn.sh/0.1.7").starts_with("1:13: Invalid shipyard"));
    let head = "apiVersion: spec.keptn.sh/0.2.0\nspec:\n  stages:";
    assert!(says(&format!("{head} []\n")).contains("at least one stage"));
    assert!(says(&format!("{head}\n    - sequences: []\n")).starts_with("4:7: all stages"));
    assert!(says(&format!("{head}\n    - name: Dev\n")).starts_with("4:13: Stage Dev contains"));
    let dotted = format!("{head}\n    - name: a\n      sequences:\n        - name: b.c\n");
    assert!(says(&dotted).starts_with("6:17: sequence name"), "{}", says(&dotted));
}

#[test]
fn a_policy_is_refused_wherever_it_stands_and_however_it_is_spelt() {
    for (task, place) in [
        ("{ name: approval, properties: { pass: automatic, polcy: { required: 2 } } }", "7:68"),
        ("{ name: approval, Policy: { votes: 2 } }", "7:37"),
        ("{ name: approval, policy: { onFail: manual } }", "7:37"),
        ("{ name: approval, properties: { policy: { onFail: manual, required: 2 } } }", "7:51"),
    ] {
        let text = format!(
            "apiVersion: spec.keptn.sh/0.2.0\nspec:\n  stages:\n    - name: a\n      sequences:\n        \
             - name: b\n          tasks: [{task}]\n"
        );
        let error = Shipyard::parse(&text).unwrap_err().to_string();
        assert!(error.contains("an approval is never weaker than its file"), "{error}");
        assert!(error.starts_with(place), "{error}");
    }
    let other = TOUR.replace("pass: manual", "pass: manual, passes: 2");
    assert!(Shipyard::parse(&other).is_ok(), "other keys are ignored, as in Keptn");
}

#[test]
fn every_version_from_0_2_on_is_read() {
    let reads = |version: &str| {
        let text = format!("apiVersion: {version}\nspec: {{ stages: [{{ name: qa }}] }}");
        Shipyard::parse(&text).is_ok()
    };
    for version in ["0.2.0", "0.2.3", "1.0", "12.7", "spec.keptn.sh/0.2.2", "0.2"] {
        assert!(reads(version), "{version}");
    }
    for version in ["0.1.9", "spec.keptn.sh/0.1.0", "two", "spec.keptn.sh/", "\"\""] {
        assert!(!reads(version), "{version}");
    }
}

#[test]
fn what_keptn_never_looks_at_is_passed_over() {
    let odd = "apiVersion: 0.2.2\nkind: Boat\nmetadata: { name: [] }\nspec: { stages: [{ name: qa, \
               sequences: [{ name: b, triggers: [old], tasks: [{ name: t, triggeredAfter: soon }] \
               }] }, { name: qa }] }";
    let shipyard = Shipyard::parse(odd).unwrap();
    assert_eq!(shipyard.stages.len(), 2, "also a second stage of the same name");
    let sequence = &shipyard.stages[0].sequences[0];
    assert!(sequence.triggered_on.is_empty() && sequence.tasks[0].triggered_after.is_none());
}

#[test]
fn a_task_waits_only_for_what_is_a_duration_and_not_negative() {
    let reads = |text: &str| delay(text).map(|d| d.as_millis());
    assert_eq!(reads("1h30m"), Some(5_400_000));
    assert_eq!(reads("1.5s"), Some(1500));
    assert_eq!(reads("100ms"), Some(100));
    for bad in ["", "10", "m", "-1s", "1d", "1s2", "1..2s"] {
        assert_eq!(reads(bad), None, "{bad}");
    }
}
