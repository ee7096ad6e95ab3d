use std::time::Duration;

use super::*;
use crate::sli::Level;

const SLI: &str = "indicators:\n  latency: avg(seconds{job=\"$SERVICE-$PROJECT-$STAGE\",d=\"$DEPLOYMENT\"}[$DURATION_SECONDS])\n  \
                   errors: sum(errors) or vector(0)\n";

fn slo(objectives: &str) -> String {
    format!("objectives:\n{objectives}")
}

fn objective(sli: &str, pass: &[&str]) -> String {
    let criteria = pass.iter().map(|one| format!("'{one}'")).collect::<Vec<_>>().join(", ");
    format!("  - {{sli: {sli}, pass: [{{criteria: [{criteria}]}}]}}\n")
}

fn stage(name: &str, slo: Option<&str>, is_remedied: bool) -> Stage {
    Stage {
        name: StageName::new(name).unwrap(),
        slo: slo.map(str::to_owned),
        is_remedied,
        queries: Queries::merge("prometheus/sli.yaml", &[(Level::Service, SLI)]).unwrap(),
    }
}

fn planned(stages: &[Stage], settings: &Settings) -> Result<Plan, PlanError> {
    let project = ProjectName::new("shop").unwrap();
    plan(&project, &ServiceName::new("carts").unwrap(), stages, settings)
}

/// The expressions of the alerts of one stage with these objectives.
fn expressions(objectives: &str) -> Vec<String> {
    let stages = [stage("qa", Some(&slo(objectives)), true)];
    let plan = planned(&stages, &Settings::default()).unwrap();
    plan.groups.into_iter().flat_map(|group| group.alerts).map(|alert| alert.expression).collect()
}

const LATENCY: &str = "(avg(seconds{job=\"carts-shop-qa\",d=\"primary\"}[180s]))";

#[test]
fn every_stage_is_read_at_the_service_and_at_both_parts_of_a_deployment_in_steps() {
    let stages = [stage("qa", None, false), stage("production", None, false)];
    let plan = planned(&stages, &Settings::default()).unwrap();
    let found: Vec<_> =
        plan.targets.iter().map(|one| (one.job.as_str(), one.address.as_str())).collect();
    assert_eq!(
        found,
        [
            ("carts-shop-qa-primary", "carts-primary.shop-qa:80"),
            ("carts-shop-qa-canary", "carts-canary.shop-qa:80"),
            ("carts-shop-qa", "carts.shop-qa:80"),
            ("carts-shop-production-primary", "carts-primary.shop-production:80"),
            ("carts-shop-production-canary", "carts-canary.shop-production:80"),
            ("carts-shop-production", "carts.shop-production:80"),
        ]
    );
    assert_eq!(plan.groups, []);
}

#[test]
fn reading_never_takes_longer_than_until_the_next_time() {
    for (interval, timeout) in [(5_000, 3_000), (3_000, 3_000), (250, 250)] {
        let scrape_interval = Duration::from_millis(interval);
        let settings = Settings { scrape_interval, ..Settings::default() };
        let plan = planned(&[stage("qa", None, false)], &settings).unwrap();
        assert!(plan.targets.iter().all(|one| one.timeout == Duration::from_millis(timeout)));
    }
}

#[test]
fn alerts_are_where_there_are_both_objectives_and_remediations() {
    let objectives = slo(&objective("latency", &["<=0.2"]));
    let stages = [
        stage("dev", Some(&objectives), false),
        stage("qa", None, true),
        stage("production", Some(&objectives), true),
    ];
    let plan = planned(&stages, &Settings::default()).unwrap();
    let names: Vec<_> = plan.groups.iter().map(|group| group.name.as_str()).collect();
    assert_eq!(names, ["carts shop-production alerts"]);
}

#[test]
fn the_other_side_of_a_fixed_limit_is_a_problem_and_the_limit_itself_never_is() {
    for (criterion, problem) in [
        ("<=0.2", Some("> 0.2")),
        ("<0.2", Some("> 0.2")),
        (">=600", Some("< 600")),
        (">.5", Some("< 0.5")),
        ("< = 1 0", Some("> 10")),
        ("<1e-5", Some("> 0.00001")),
        ("=1", None),
        ("<=+10%", None),
        ("<=10%", None),
        (">=-80%", None),
        ("<+5", None),
        ("soon", None),
    ] {
        let expected: Vec<_> = problem.map(|end| format!("{LATENCY} {end}")).into_iter().collect();
        assert_eq!(expressions(&objective("latency", &[criterion])), expected, "{criterion}");
    }
}

#[test]
fn the_last_fixed_limit_counts_and_an_indicator_has_one_alert() {
    let several = objective("latency", &["<=0.2", "<=0.3", "<=+10%"]);
    assert_eq!(expressions(&several), [format!("{LATENCY} > 0.3")]);
    let twice = format!("{several}{}", objective("latency", &[">1"]));
    assert_eq!(expressions(&twice), [format!("{LATENCY} < 1")]);
}

#[test]
fn a_query_that_ends_with_or_is_compared_as_a_whole() {
    let found = expressions(&objective("errors", &["<5"]));
    assert_eq!(found, ["(sum(errors) or vector(0)) > 5"]);
}

#[test]
fn an_indicator_without_a_query_or_with_a_name_that_prometheus_refuses_is_told() {
    let text = format!("{}{}", objective("nobody", &["<5"]), objective("'{{ a'", &["<5"]));
    let stages = [stage("qa", Some(&slo(&text)), true)];
    let plan = planned(&stages, &Settings::default()).unwrap();
    assert_eq!(plan.groups, []);
    let [first, second] = plan.skipped.as_slice() else { panic!("{:?}", plan.skipped) };
    assert!(first.starts_with("qa: \"nobody\" becomes no alert: unable to get"), "{first}");
    assert!(second.ends_with("an alert cannot have this name"), "{second}");
    let says =
        "Prometheus successfully configured, without a rule. Left out: qa: \"nobody\" becomes";
    assert!(
        plan.done().starts_with(says) && plan.done().ends_with("have this name"),
        "{}",
        plan.done()
    );
}

#[test]
fn what_was_done_is_said_as_by_keptn_with_what_was_left_out() {
    let done = |stages: &[Stage]| planned(stages, &Settings::default()).unwrap().done();
    let watched = objective("latency", &["<=0.2"]);
    let all = stage("production", Some(&slo(&watched)), true);
    assert_eq!(done(std::slice::from_ref(&all)), DONE);
    for (objectives, is_remedied) in [(&watched, false), (&objective("latency", &["<=+10%"]), true)]
    {
        assert_eq!(done(&[stage("qa", Some(&slo(objectives)), is_remedied)]), DONE);
    }
    let others: String = (0..12).map(|n| objective(&format!("nobody{n}"), &["<5"])).collect();
    let said = done(&[all, stage("qa", Some(&slo(&others)), true)]);
    let start = format!("{DONE}. Left out: qa: \"nobody0\" becomes no alert: ");
    assert!(said.starts_with(&start) && said.ends_with("; and 2 more"), "{said}");
}

#[test]
fn objectives_that_cannot_be_read_are_named_with_their_place() {
    let error = planned(&[stage("qa", Some("objectives: 7"), true)], &Settings::default());
    let error = error.unwrap_err().to_string();
    assert!(error.starts_with("slo.yaml of carts in qa:1:13"), "{error}");
    // Nobody reads what becomes no alert anyway.
    assert!(planned(&[stage("qa", Some("objectives: 7"), false)], &Settings::default()).is_ok());
}

#[test]
fn targets_bring_their_own_job_path_and_times() {
    let settings = Settings {
        scrape_interval: Duration::from_millis(1_250),
        metrics_path: "/actuator/prometheus".to_owned(),
        ..Settings::default()
    };
    let plan = planned(&[stage("qa", None, false)], &settings).unwrap();
    let list: serde_json::Value = serde_json::from_str(&plan.targets_file()).unwrap();
    assert_eq!(
        list[2],
        serde_json::json!({"targets": ["carts.shop-qa:80"], "labels": {
            "job": "carts-shop-qa", "__metrics_path__": "/actuator/prometheus",
            "__scrape_interval__": "1250ms", "__scrape_timeout__": "1250ms"}})
    );
}

#[test]
fn rules_are_written_as_prometheus_reads_them() {
    let objectives = slo(&objective("latency", &["<=0.2"]));
    let plan = planned(&[stage("qa", Some(&objectives), true)], &Settings::default()).unwrap();
    let expected = r#"# Written by Tidegate, and written again by `keptn configure monitoring prometheus`.
groups:
  - name: "carts shop-qa alerts"
    rules:
      - alert: "latency"
        expr: "(avg(seconds{job=\"carts-shop-qa\",d=\"primary\"}[180s])) > 0.2"
        for: "600s"
        labels:
          severity: "webhook"
          pod_name: "carts-primary"
          service: "carts"
          project: "shop"
          stage: "qa"
          deployment: "primary"
        annotations:
          summary: "latency"
          descriptions: "Pod name {{ $labels.pod_name }}"
"#;
    assert_eq!(plan.rules_file(), expected);
    let none = planned(&[stage("qa", None, true)], &Settings::default()).unwrap();
    assert!(none.rules_file().ends_with("groups: []\n"));
}
