//! The registry, as if one command came after the other.

mod taking_over;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::*;
use crate::names::TaskName;
use crate::principal::{Principal, PrincipalName};
use crate::sequence::{Env, Settings};

const EVALUATION: &str = "sh.keptn.event.evaluation.triggered";

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + seconds).unwrap()
}

fn env(seconds: i64) -> Env {
    let seed = [u8::try_from(seconds % 200).unwrap(); 16];
    let settings = Settings::default();
    Env { now: at(seconds), principal: Principal::Shared, seed, settings }
}

fn sent(name: &str, events: &[&str]) -> Value {
    let subscriptions: Vec<_> = events.iter().map(|event| json!({"event": event})).collect();
    json!({"name": name, "subscriptions": subscriptions, "metadata": {
        "hostname": "n1", "integrationversion": "0.11.0", "distributorversion": "0.19.0",
        "location": "control-plane",
        "kubernetesmetadata": {"namespace": "keptn", "podname": "p", "deploymentname": name}}})
}

fn read(value: Value) -> Result<Registration, String> {
    let sent: Sent = serde_json::from_value(value).unwrap();
    Registration::try_from(sent).map_err(|error| error.to_string())
}

fn registration(name: &str, events: &[&str]) -> Command {
    Command::Register(Box::new(read(sent(name, events)).unwrap()))
}

/// A registry of which every decision becomes what the next one knows.
#[derive(Default)]
struct Registry(Vec<Record>);

impl Registry {
    fn decide(&mut self, command: &Command, seconds: i64) -> Outcome {
        self.decide_as(command, None, &env(seconds))
    }

    fn decide_as(&mut self, command: &Command, tasks: Option<&[TaskName]>, env: &Env) -> Outcome {
        let Decision { changes, outcome } = decide(&self.0, command, tasks, env);
        for change in changes {
            let id = match &change {
                RecordChange::Put(record) => &record.id,
                RecordChange::Remove(id) => id,
            };
            self.0.retain(|known| known.id != *id);
            if let RecordChange::Put(record) = change {
                self.0.push(*record);
            }
        }
        self.0.sort_by(|a, b| a.id.cmp(&b.id));
        outcome
    }

    fn with(name: &str, events: &[&str]) -> (Self, IntegrationId) {
        let mut registry = Self::default();
        let outcome = registry.decide(&registration(name, events), 0);
        assert!(matches!(outcome, Outcome::Registered(_)), "{outcome:?}");
        let id = registry.0[0].id.clone();
        (registry, id)
    }
}

#[test]
fn the_id_is_keptns() {
    let id = IntegrationId::of("int", "ns", "n1");
    assert_eq!(id.as_str(), "ea4caa30233315068a5d2e3e7bb480851379c1e9");
    assert_eq!(IntegrationId::parse(id.as_str()), Some(id));
    for no_id in ["", "ea4c", &"g".repeat(40), &"A".repeat(40)] {
        assert_eq!(IntegrationId::parse(no_id), None, "{no_id}");
    }
}

#[test]
fn patterns_are_those_of_nats() {
    for (pattern, kind, expected) in [
        (EVALUATION, EVALUATION, true),
        ("sh.keptn.event.>", EVALUATION, true),
        (">", EVALUATION, true),
        ("sh.keptn.event.*.triggered", EVALUATION, true),
        ("*.*.*.*.*", EVALUATION, true),
        ("sh.keptn.event.*.triggered", "sh.keptn.event.qa.delivery.triggered", false),
        ("sh.keptn.event.*", EVALUATION, false),
        ("sh.keptn.event.evaluation.triggered.>", EVALUATION, false),
        ("sh.keptn.event.eval*.triggered", EVALUATION, false),
        ("sh.>.triggered", EVALUATION, false),
        ("sh.keptn.event.evaluation", EVALUATION, false),
        ("", EVALUATION, false),
        ("", "", false),
        ("*", "", false),
    ] {
        assert_eq!(matches(pattern, kind), expected, "{pattern} {kind}");
    }
}

#[test]
fn a_new_integration_gets_ids_and_is_read_back_as_keptns_clients_know_it() {
    let (registry, id) = Registry::with("lighthouse-service", &[EVALUATION]);
    let record = &registry.0[0];
    assert_eq!(id, IntegrationId::of("lighthouse-service", "keptn", "n1"));
    let subscription = record.subscriptions[0].id.clone();
    assert!(subscription.parse::<uuid::Uuid>().is_ok(), "{subscription}");
    let mut expected = sent("lighthouse-service", &[EVALUATION]);
    expected["id"] = json!(id);
    expected["metadata"]["lastseen"] = json!(at(0).to_string());
    let filter = json!({"projects": [], "stages": [], "services": []});
    expected["subscriptions"] =
        json!([{"id": subscription, "event": EVALUATION, "filter": filter}]);
    assert_eq!(record.to_value(), expected);
    let row = serde_json::to_string(record).unwrap();
    assert_eq!(serde_json::from_str::<Record>(&row).unwrap(), *record);
}

#[test]
fn who_registers_again_keeps_what_was_subscribed_wherever_it_runs_now() {
    let (mut registry, id) = Registry::with("lighthouse-service", &[EVALUATION]);
    let kept = registry.0[0].subscriptions.clone();
    let mut again = sent("lighthouse-service", &["sh.keptn.event.other.triggered"]);
    again["metadata"]["hostname"] = json!("n2");
    again["metadata"]["distributorversion"] = json!("0.20.0");
    let command = Command::Register(Box::new(read(again).unwrap()));
    let Outcome::Seen(record) = registry.decide(&command, 90) else { panic!("it is known") };
    assert_eq!((&record.id, &record.subscriptions), (&id, &kept));
    assert_eq!(record.metadata.distributor_version, "0.20.0");
    assert_eq!(record.last_seen, at(90));
    assert_eq!(registry.0.len(), 1);
    let mut elsewhere = sent("lighthouse-service", &[]);
    elsewhere["metadata"]["kubernetesmetadata"]["namespace"] = json!("other");
    let command = Command::Register(Box::new(read(elsewhere).unwrap()));
    assert!(matches!(registry.decide(&command, 91), Outcome::Registered(_)));
    assert_eq!(registry.0.len(), 2);
}

#[test]
fn who_had_no_subscriptions_gets_those_that_come_with_ids() {
    let (mut registry, _) = Registry::with("lighthouse-service", &[]);
    assert_eq!(registry.0[0].subscriptions_value(), Value::Null);
    registry.decide(&registration("lighthouse-service", &[EVALUATION]), 1);
    let subscription = &registry.0[0].subscriptions[0];
    assert_eq!(subscription.event, EVALUATION);
    assert!(!subscription.id.is_empty());
}

#[test]
fn several_of_one_name_and_namespace_become_the_one_that_was_seen_last() {
    let (mut registry, _) = Registry::with("lighthouse-service", &["sh.keptn.event.a.triggered"]);
    let (other, _) = Registry::with("lighthouse-service", &["sh.keptn.event.b.triggered"]);
    let mut newer = other.0[0].clone();
    (newer.id, newer.last_seen) = (IntegrationId::of("x", "y", "z"), at(5));
    registry.0.push(newer.clone());
    let outcome = registry.decide(&registration("lighthouse-service", &[]), 9);
    let Outcome::Seen(record) = outcome else { panic!("{outcome:?}") };
    assert_eq!(record.id, newer.id);
    let events: Vec<_> = record.subscriptions.iter().map(|one| one.event.as_str()).collect();
    assert_eq!(events, ["sh.keptn.event.b.triggered", "sh.keptn.event.a.triggered"]);
    assert_eq!(registry.0, [*record]);
}

#[test]
fn subscriptions_come_change_and_go() {
    let (mut registry, id) = Registry::with("lighthouse-service", &[]);
    let of = |id: &str, event: &str| Subscription {
        id: id.to_owned(),
        event: event.to_owned(),
        filter: Filter::default(),
    };
    let outcome = registry.decide(&Command::Subscribe(id.clone(), of("", EVALUATION)), 1);
    let Outcome::Subscribed(_, given) = outcome else { panic!("{outcome:?}") };
    registry.decide(&Command::Subscribe(id.clone(), of(&given, "sh.keptn.event.a.started")), 2);
    registry.decide(&Command::Subscribe(id.clone(), of("mine", EVALUATION)), 3);
    let events: Vec<_> = registry.0[0].subscriptions.iter().map(|one| one.event.clone()).collect();
    assert_eq!(events, ["sh.keptn.event.a.started", EVALUATION]);
    for (gone, was_there) in [(&*given, true), (&*given, false), ("never", false)] {
        let outcome = registry.decide(&Command::Unsubscribe(id.clone(), gone.to_owned()), 4);
        let Outcome::Unsubscribed(record) = outcome else { panic!("{outcome:?}") };
        assert_eq!(record.is_some(), was_there);
    }
    assert_eq!(registry.0[0].subscriptions.len(), 1);
    assert_eq!(registry.0[0].last_seen, at(0), "whoever changes it need not be the integration");
}

#[test]
fn what_is_not_there_is_said_and_leaves_nothing_behind() {
    let (mut registry, _) = Registry::with("lighthouse-service", &[]);
    let before = registry.0.clone();
    let id = IntegrationId::of("a", "b", "c");
    for command in [
        Command::Ping(id.clone()),
        Command::Subscribe(id.clone(), Subscription::default()),
        Command::Unsubscribe(id.clone(), String::new()),
    ] {
        assert_eq!(registry.decide(&command, 1), Outcome::NoIntegration);
    }
    assert_eq!(registry.decide(&Command::Unregister(id), 1), Outcome::Unregistered(None));
    assert_eq!(registry.0, before);
}

#[test]
fn what_is_sent_is_bounded_and_complete() {
    let with = |change: &dyn Fn(&mut Value)| {
        let mut value = sent("lighthouse-service", &[EVALUATION]);
        change(&mut value);
        read(value).err().unwrap_or_default()
    };
    assert_eq!(with(&|_| {}), "");
    assert_eq!(with(&|value| value["subscriptions"] = Value::Null), "");
    assert_eq!(with(&|value| value["subscriptions"][0]["filter"] = Value::Null), "");
    assert_eq!(with(&|value| value["subscriptions"][0]["filter"] = json!({"stages": null})), "");
    let incomplete =
        "incomplete integration ID. At least 'name','namespace' and 'nodename' must be set";
    assert_eq!(with(&|value| value["name"] = json!("")), incomplete);
    assert_eq!(with(&|value| value["metadata"]["hostname"] = Value::Null), incomplete);
    assert_eq!(with(&|value| value["metadata"]["kubernetesmetadata"] = Value::Null), incomplete);
    assert_eq!(read(json!({})).unwrap_err(), incomplete);
    let long = with(&|value| value["metadata"]["location"] = json!("x".repeat(254)));
    assert!(long.starts_with("metadata.location has 254 bytes"), "{long}");
    let order = with(&|value| value["name"] = json!("a\u{1b}[31m"));
    assert_eq!(order, "name holds control characters; send plain text");
    let many = with(&|value| value["subscriptions"] = json!(vec![json!({"event": "a"}); 201]));
    assert!(many.starts_with("there are 201 subscriptions; at most 200"), "{many}");
    let names = json!({"projects": vec!["x"; 201]});
    let many = with(&|value| value["subscriptions"][0]["filter"] = names.clone());
    assert!(many.starts_with("there are 201 projects of a subscription"), "{many}");
    let filter = json!({"services": vec!["x".repeat(200); 100]});
    let subscription = json!({"event": "a", "filter": filter});
    let large = with(&|value| value["subscriptions"] = json!(vec![subscription.clone(); 4]));
    assert!(large.ends_with("at most 65536 are taken"), "{large}");
}

#[test]
fn what_grows_piece_by_piece_is_bounded_too() {
    let (mut registry, id) = Registry::with("lighthouse-service", &[]);
    let filter = Filter { services: vec!["x".repeat(250); 200], ..Filter::default() };
    let large = Subscription { filter, ..Subscription::default() };
    let mut subscribe =
        |seconds| registry.decide(&Command::Subscribe(id.clone(), large.clone()), seconds);
    assert!(matches!(subscribe(1), Outcome::Subscribed(..)));
    assert!(matches!(subscribe(2), Outcome::Refused(UniformError::TooLarge { .. })));
    let mut full = Registry::default();
    for n in 0..INTEGRATIONS_MAX {
        full.decide(&registration(&format!("service-{n}"), &[]), 0);
    }
    assert_eq!(full.decide(&registration("one-more", &[]), 1), Outcome::Full);
    assert!(matches!(full.decide(&registration("service-7", &[]), 1), Outcome::Seen(_)));
}

#[test]
fn two_that_would_have_the_same_id_are_not_mistaken_for_one() {
    let named = |name: &str, namespace: &str| {
        let mut value = sent(name, &[]);
        value["metadata"]["kubernetesmetadata"]["namespace"] = json!(namespace);
        Command::Register(Box::new(read(value).unwrap()))
    };
    let mut registry = Registry::default();
    registry.decide(&named("a", "b-c"), 0);
    let outcome = registry.decide(&named("a-b", "c"), 1);
    assert_eq!(outcome, Outcome::Refused(UniformError::Ambiguous));
}

#[test]
fn who_is_not_heard_of_any_more_is_not_alive_and_forgotten_after_long() {
    let (mut registry, id) = Registry::with("lighthouse-service", &[EVALUATION]);
    let rules = Rules::default();
    assert_eq!(next_lapse(&registry.0, &rules), Some(at(60)));
    assert!(registry.0[0].is_alive(&rules, at(59)));
    assert!(!registry.0[0].is_alive(&rules, at(60)));
    registry.decide(&Command::Sweep, 59);
    assert!(!registry.0[0].lapsed);
    registry.decide(&Command::Sweep, 60);
    assert!(registry.0[0].lapsed);
    assert_eq!(next_lapse(&registry.0, &rules), None);
    let outcome = registry.decide(&Command::Ping(id), 70);
    assert!(matches!(outcome, Outcome::Seen(_)));
    assert!(registry.0[0].is_alive(&rules, at(71)), "it is back");
    let forgotten = 70 + 60 + 48 * 3600;
    registry.decide(&Command::Sweep, forgotten - 1);
    assert_eq!(registry.0.len(), 1);
    registry.decide(&Command::Sweep, forgotten);
    assert_eq!(registry.0, []);
}

#[test]
fn after_a_start_those_that_were_alive_are_for_as_long_again() {
    let (mut registry, _) = Registry::with("lighthouse-service", &[EVALUATION]);
    let started = Rules { since: at(1000), ..Rules::default() };
    assert!(registry.0[0].is_alive(&started, at(1059)));
    assert!(!registry.0[0].is_alive(&started, at(1060)));
    assert_eq!(next_lapse(&registry.0, &started), Some(at(1060)));
    registry.decide(&Command::Sweep, 60);
    assert!(!registry.0[0].is_alive(&started, at(1000)), "it had gone before the server did");
}

#[test]
fn being_heard_of_is_kept_four_times_within_the_time_it_counts() {
    let (registry, _) = Registry::with("lighthouse-service", &[]);
    let (record, rules) = (&registry.0[0], Rules::default());
    assert!(!record.is_stale(&rules, at(14)));
    assert!(record.is_stale(&rules, at(15)));
    assert!(!record.is_stale(&rules, at(-14)));
    assert!(record.is_stale(&rules, at(-15)), "the clock was set back");
    let lapsed = Record { lapsed: true, ..record.clone() };
    assert!(lapsed.is_stale(&rules, at(1)));
}
