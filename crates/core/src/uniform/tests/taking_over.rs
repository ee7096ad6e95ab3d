//! Who takes whose place.

use super::*;
use crate::built_in::BuiltIn;
use crate::event::{Draft, Event};
use crate::names::{ContextId, EventId};

fn event(kind: &str, data: &Value) -> Event {
    let mut all = json!({"project": "shop", "stage": "qa", "service": "carts"});
    for (key, value) in data.as_object().unwrap() {
        all[key] = value.clone();
    }
    let body = json!({"type": kind, "source": "test", "data": all});
    let (id, context) = (EventId::from_bytes([1; 16]), ContextId::from_bytes([2; 16]));
    Draft::from_value(body).unwrap().into_event(id, at(0), context)
}

fn left(known: &[Record], part: BuiltIn, event: &Event, seconds: i64) -> Option<String> {
    left_to(known, part, event, &Rules::default(), at(seconds)).map(|record| record.name.clone())
}

#[test]
fn each_part_stands_down_for_keptns_name_and_no_other() {
    let get_sli = "sh.keptn.event.get-sli.triggered";
    let asks = |provider: &str| event(get_sli, &json!({"get-sli": {"sliProvider": provider}}));
    let configures = event("sh.keptn.event.monitoring.configure", &json!({"type": "prometheus"}));
    let evaluation = event(EVALUATION, &json!({}));
    let deployment = event("sh.keptn.event.deployment.triggered", &json!({}));
    let action = event("sh.keptn.event.get-action.triggered", &json!({}));
    for (name, part, event, expected) in [
        ("lighthouse-service", BuiltIn::Gate, &evaluation, true),
        ("lighthouse-service", BuiltIn::Jobs, &evaluation, false),
        ("my-lighthouse-service", BuiltIn::Gate, &evaluation, false),
        ("job-executor-service", BuiltIn::Jobs, &deployment, true),
        ("job-executor-service", BuiltIn::Jobs, &evaluation, true),
        ("helm-service", BuiltIn::Jobs, &deployment, false),
        ("remediation-service", BuiltIn::Remediation, &action, true),
        ("prometheus-service", BuiltIn::Sli, &asks("prometheus"), true),
        ("prometheus-service", BuiltIn::Sli, &configures, true),
        ("prometheus-service", BuiltIn::Sli, &asks("dynatrace"), false),
        ("prometheus", BuiltIn::Sli, &asks("prometheus"), false),
        ("-service", BuiltIn::Sli, &asks(""), false),
    ] {
        let (registry, _) = Registry::with(name, &["sh.keptn.event.>"]);
        let found = left(&registry.0, part, event, 1);
        assert_eq!(found, expected.then(|| name.to_owned()), "{part:?} {name}");
    }
}

#[test]
fn only_who_is_alive_and_subscribed_takes_over() {
    let asked = event(EVALUATION, &json!({}));
    let gate = |registry: &Registry, seconds| left(&registry.0, BuiltIn::Gate, &asked, seconds);
    let (registry, _) = Registry::with("lighthouse-service", &["sh.keptn.event.get-sli.finished"]);
    assert_eq!(gate(&registry, 1), None);
    let (mut registry, id) = Registry::with("lighthouse-service", &[]);
    assert_eq!(gate(&registry, 1), None);
    let mut filtered = |filter: Value| {
        let filter = serde_json::from_value(filter).unwrap();
        let one = Subscription { id: "one".to_owned(), event: EVALUATION.to_owned(), filter };
        registry.decide(&Command::Subscribe(id.clone(), one), 1);
        gate(&registry, 1).is_some()
    };
    assert!(filtered(json!({})));
    assert!(filtered(json!({"projects": ["other", "shop"], "stages": ["qa"]})));
    assert!(!filtered(json!({"projects": ["other"]})));
    assert!(!filtered(json!({"projects": ["shop"], "services": ["orders"]})));
    assert!(filtered(json!({"services": ["carts"]})));
    assert_eq!(gate(&registry, 59).as_deref(), Some("lighthouse-service"));
    assert_eq!(gate(&registry, 60), None);
}

#[test]
fn who_may_not_answer_a_task_takes_nobodys_place_and_changes_nobody_else() {
    let robot = |name: &str| Env {
        principal: Principal::Machine(PrincipalName::new(name).unwrap()),
        ..env(0)
    };
    let tasks = |task: &str| vec![TaskName::new(task).unwrap()];
    let asked = event(EVALUATION, &json!({}));
    let lighthouse = registration("lighthouse-service", &[EVALUATION]);
    for (task, expected) in [("deployment", None), ("evaluation", Some("lighthouse-service"))] {
        let mut registry = Registry::default();
        registry.decide_as(&lighthouse, Some(&tasks(task)), &robot("a"));
        assert_eq!(left(&registry.0, BuiltIn::Gate, &asked, 1).as_deref(), expected);
    }
    let (mut registry, id) = Registry::with("lighthouse-service", &[EVALUATION]);
    let before = registry.0.clone();
    for command in [
        lighthouse.clone(),
        Command::Ping(id.clone()),
        Command::Unregister(id.clone()),
        Command::Subscribe(id.clone(), Subscription::default()),
        Command::Unsubscribe(id, String::new()),
    ] {
        let outcome = registry.decide_as(&command, Some(&tasks("evaluation")), &robot("a"));
        assert_eq!(outcome, Outcome::NotYours, "{command:?}");
    }
    assert_eq!(registry.0, before);
    let mut own = Registry::default();
    own.decide_as(&lighthouse, Some(&tasks("evaluation")), &robot("a"));
    let ping = Command::Ping(own.0[0].id.clone());
    assert!(matches!(
        own.decide_as(&ping, Some(&tasks("evaluation")), &robot("a")),
        Outcome::Seen(_)
    ));
    assert_eq!(own.decide_as(&ping, Some(&tasks("evaluation")), &robot("b")), Outcome::NotYours);
}

#[test]
fn a_part_is_auto_on_or_off_and_projects_are_exceptions() {
    let read = serde_json::from_value::<Mode>;
    for (value, mode) in
        [(json!("auto"), Mode::Auto), (json!(true), Mode::On), (json!(false), Mode::Off)]
    {
        assert_eq!(read(value.clone()).unwrap(), mode);
        assert_eq!(serde_json::to_value(mode).unwrap(), value);
    }
    for wrong in [json!("on"), json!(1)] {
        let said = read(wrong).unwrap_err().to_string();
        assert!(said.contains("expected true, false or \"auto\""), "{said}");
    }
    let shop = "shop".parse().unwrap();
    let projects = [(shop, Mode::Off)].into();
    let gate = Policy { enabled: Mode::On, projects };
    let modes = Modes { gate, ..Modes::default() };
    let mode = |part, project: &str| modes.of(part, &project.parse().unwrap());
    assert_eq!(mode(BuiltIn::Gate, "shop"), Mode::Off);
    assert_eq!(mode(BuiltIn::Gate, "tour"), Mode::On);
    assert_eq!(mode(BuiltIn::Jobs, "shop"), Mode::Auto);
    assert_eq!(Rules::default().ttl, SignedDuration::from_mins(1));
}
