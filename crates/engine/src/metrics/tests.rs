use std::sync::Arc;
use std::sync::atomic::Ordering;

use prometheus_client::encoding::text::encode;
use prometheus_client::registry::Registry;
use serde_json::json;
use tidegate_core::approval::Decision;
use tidegate_core::names::{ProjectName, StageName};
use tidegate_core::sequence::Control;

use super::{LabelBound, Metrics, OTHER, Places};
use crate::tests::{ada, ballot, draft, execute, fresh, open, tour, trigger, waiting};
use crate::{Engine, Failure};

/// The value of the one line that begins like this; the times of histograms are never looked at.
fn value(text: &str, line: &str) -> f64 {
    let found: Vec<&str> = text.lines().filter(|found| found.starts_with(line)).collect();
    let [found] = found.as_slice() else { panic!("{line}: {found:?} in\n{text}") };
    found.rsplit(' ').next().unwrap().parse().unwrap()
}

fn text(metrics: &Metrics) -> String {
    let mut registry = Registry::default();
    metrics.register(&mut registry);
    let mut text = String::new();
    encode(&mut text, &registry).unwrap();
    text
}

async fn counted(engine: &Engine) -> String {
    text(engine.metrics())
}

#[tokio::test]
async fn what_is_committed_is_counted_by_what_became_of_it() {
    let (_directory, _faults, engine) = fresh().await;
    engine.accept(trigger(), &ada(), None).await.unwrap();
    execute(&engine, "deployment").await;
    let approval = waiting(&engine).await;
    engine.vote(ballot(&approval, Decision::Approve), &ada()).await.unwrap();
    let text = counted(&engine).await;
    let qa = "{project=\"tour\",stage=\"qa\"";
    assert_eq!(value(&text, &format!("sequences_triggered_total{qa}}}")), 1.0);
    assert_eq!(value(&text, &format!("sequences_ended_total{qa},result=\"pass\"}}")), 1.0);
    let production = "{project=\"tour\",stage=\"production\"";
    assert_eq!(value(&text, &format!("sequences_triggered_total{production}}}")), 1.0);
    assert_eq!(value(&text, &format!("approvals_asked_total{production}}}")), 1.0);
    assert_eq!(
        value(&text, &format!("approvals_ended_total{production},result=\"approved\"}}")),
        1.0
    );
    assert_eq!(value(&text, "approval_decision_seconds_count{result=\"approved\"}"), 1.0);
    let deployments = "task_seconds_count{task=\"deployment\",result=\"pass\"}";
    assert_eq!(value(&text, deployments), 1.0);
    assert_eq!(value(&text, "inputs_total{input=\"triggered\"}"), 2.0);
    assert_eq!(value(&text, "inputs_total{input=\"vote\"}"), 1.0);
    assert_eq!(value(&text, "inbox "), 0.0);
    assert!(value(&text, "commit_seconds_count") >= 4.0);
    engine.stop().await;
}

#[tokio::test]
async fn what_is_stopped_and_what_is_refused_is_counted_as_such() {
    let (_directory, _faults, engine) = fresh().await;
    let accepted = engine.accept(trigger(), &ada(), None).await.unwrap();
    let task = open(&engine, "deployment").await.remove(0);
    let context = accepted.context;
    engine.control(Control::Abort, tour(), context, None, &ada()).await.unwrap();
    engine.accept(trigger(), &ada(), None).await.unwrap();
    execute(&engine, "deployment").await;
    let approval = waiting(&engine).await;
    engine.vote(ballot(&approval, Decision::Decline), &ada()).await.unwrap();
    let late = engine.vote(ballot(&approval, Decision::Approve), &ada()).await;
    assert!(matches!(late, Err(Failure::Refused(_))), "{late:?}");
    // Kept as late, and no task ends by it.
    let body = json!({"type": "sh.keptn.event.deployment.finished", "source": "executor",
        "triggeredid": task.id, "shkeptncontext": task.context, "data": task.data});
    engine.accept(draft(&body), &ada(), None).await.unwrap();
    let text = counted(&engine).await;
    let qa = "{project=\"tour\",stage=\"qa\"";
    assert_eq!(value(&text, &format!("sequences_ended_total{qa},result=\"aborted\"}}")), 1.0);
    assert_eq!(value(&text, "task_seconds_count{task=\"deployment\",result=\"aborted\"}"), 1.0);
    assert_eq!(value(&text, "task_seconds_count{task=\"deployment\",result=\"pass\"}"), 1.0);
    assert_eq!(value(&text, "approval_decision_seconds_count{result=\"declined\"}"), 1.0);
    assert_eq!(value(&text, "refusals_total{kind=\"already_decided\"}"), 1.0);
    engine.stop().await;
}

#[tokio::test]
async fn a_batch_that_is_undone_is_not_counted() {
    let (_directory, faults, engine) = fresh().await;
    faults.panics.store(1, Ordering::SeqCst);
    let refused = engine.accept(trigger(), &ada(), None).await;
    assert!(matches!(refused, Err(Failure::Internal(_))), "{refused:?}");
    let text = counted(&engine).await;
    assert!(!text.contains("sequences_triggered_total{"), "{text}");
    assert_eq!(value(&text, "inputs_put_aside_total"), 1.0);
    assert_eq!(value(&text, "refusals_total{kind=\"internal\"}"), 1.0);
    engine.stop().await;
}

#[test]
fn what_comes_after_the_bound_is_counted_together() {
    let bound = LabelBound::new(2);
    let labels = ["a", "b", "c", "a", "d"].map(|value| bound.label(value));
    assert_eq!(labels.map(|label| label.to_string()), ["a", "b", OTHER, "a", OTHER]);
    let places = Places::new(1);
    let name = |text: &str| ProjectName::new(text).unwrap();
    let stage = |text: &str| StageName::new(text).unwrap();
    assert_eq!(places.labels(&name("p"), &stage("qa")), ("p".into(), "qa".into()));
    let other: (Arc<str>, Arc<str>) = (OTHER.into(), OTHER.into());
    assert_eq!(places.labels(&name("p"), &stage("prod")), other);
    assert_eq!(places.labels(&name("p"), &stage("qa")), ("p".into(), "qa".into()));
}
