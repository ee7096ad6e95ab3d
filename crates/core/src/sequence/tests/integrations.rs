//! Who works on an event where an integration is there that does the same.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::json;

use super::world::{World, machine, pass, yard};
use crate::built_in::BuiltIn;
use crate::names::{ContextId, EventId, ProjectName};
use crate::principal::Principal;
use crate::sequence::{Input, Settings};
use crate::uniform::{
    IntegrationId, Metadata, Mode, Modes, Policy, Record, Registrar, Rules, Subscription,
};

const GATED: &str = "{ name: delivery, tasks: [{ name: test }, { name: evaluation }] }";

fn integration(name: &str, event: &str, last_seen: Timestamp) -> Record {
    let id = IntegrationId::of(name, "keptn", "n1");
    let (name, event) = (name.to_owned(), event.to_owned());
    let subscriptions = vec![Subscription { event, ..Subscription::default() }];
    let registrar = Registrar { principal: Principal::Shared, tasks: None };
    let metadata = Metadata::default();
    Record { id, name, metadata, subscriptions, last_seen, lapsed: false, registrar }
}

fn world(settings: Settings) -> World {
    let mut world = World::new(&yard(&[("qa", &[GATED])]));
    world.settings = settings;
    world
}

/// Runs to the evaluation; who is handed it, and who leaves it to whom.
fn evaluates(world: &mut World) -> (Vec<BuiltIn>, Vec<(BuiltIn, String)>) {
    world.trigger("qa", "delivery", json!({}));
    world.execute("test", pass());
    let task = world.open_task("evaluation");
    let handed = world.delivered.iter().filter(|one| one.event == task).map(|one| one.to);
    let left = world.stood_down.iter().filter(|one| one.event == task);
    (handed.collect(), left.map(|one| (one.part, one.integration.clone())).collect())
}

fn modes(gate: Mode, projects: &[(&str, Mode)]) -> Settings {
    let projects = projects.iter().map(|(name, mode)| (name.parse().unwrap(), *mode)).collect();
    let modes = Modes { gate: Policy { enabled: gate, projects }, ..Modes::default() };
    let integrations = Arc::new(Rules { modes, ..Rules::default() });
    Settings { integrations, ..Settings::default() }
}

#[test]
fn the_gate_leaves_an_evaluation_to_a_lighthouse_that_is_there_and_says_so() {
    let mut world = world(Settings::default());
    let now = world.now();
    world.integrations = vec![integration("lighthouse-service", "sh.keptn.event.>", now)];
    let (handed, left) = evaluates(&mut world);
    assert_eq!(handed, [BuiltIn::Jobs]);
    assert_eq!(left, [(BuiltIn::Gate, "lighthouse-service".to_owned())]);
    let task = world.open_task("evaluation");
    assert_eq!(world.log[world.stood_down[0].n as usize - 1].event.id, task);
}

#[test]
fn what_was_begun_here_is_ended_here_whoever_comes_meanwhile() {
    let mut world = world(Settings::default());
    evaluates(&mut world);
    let now = world.now();
    world.integrations = vec![integration("lighthouse-service", "sh.keptn.event.>", now)];
    let scope = json!({"project": "tour", "stage": "qa", "service": "hello"});
    let (context, asked) = (ContextId::from_bytes([3; 16]), EventId::from_bytes([4; 16]));
    let kind = "sh.keptn.event.get-sli.finished";
    let event = world.event(kind, Some(asked), scope, Some(context));
    let (id, project) = (event.id, ProjectName::new("tour").unwrap());
    world.send(Input::Record { project, event, reason: None }, &machine()).unwrap();
    let last = world.delivered.last().unwrap();
    assert_eq!((last.event, last.to), (id, BuiltIn::Gate));
}

#[test]
fn what_is_set_stands_before_what_is_there() {
    let both = vec![BuiltIn::Jobs, BuiltIn::Gate];
    let left = vec![(BuiltIn::Gate, "lighthouse-service".to_owned())];
    for (settings, handed, left) in [
        (modes(Mode::On, &[]), both.clone(), vec![]),
        (modes(Mode::Off, &[]), vec![BuiltIn::Jobs], vec![]),
        (modes(Mode::Off, &[("tour", Mode::On)]), both, vec![]),
        (modes(Mode::On, &[("tour", Mode::Off)]), vec![BuiltIn::Jobs], vec![]),
        (modes(Mode::On, &[("tour", Mode::Auto)]), vec![BuiltIn::Jobs], left),
    ] {
        let mut world = world(settings);
        let now = world.now();
        world.integrations = vec![integration("lighthouse-service", "sh.keptn.event.>", now)];
        assert_eq!(evaluates(&mut world), (handed, left));
    }
}

#[test]
fn nobody_stands_down_for_who_is_gone_or_does_something_else() {
    for (name, event, ago) in [
        ("lighthouse-service", "sh.keptn.event.>", 61),
        ("lighthouse-service", "sh.keptn.event.test.triggered", 0),
        ("helm-service", "sh.keptn.event.>", 0),
    ] {
        let mut world = world(Settings::default());
        let seen = world.now() - jiff::SignedDuration::from_secs(ago);
        world.integrations = vec![integration(name, event, seen)];
        let (handed, left) = evaluates(&mut world);
        assert_eq!((handed, left), (vec![BuiltIn::Jobs, BuiltIn::Gate], vec![]), "{name} {event}");
    }
}
