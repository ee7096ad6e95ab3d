//! Controls at every point at which a sequence may stand.

use jiff::SignedDuration;
use serde_json::json;

use super::world::{World, fail, grace, jobs, minutes, pass, yard};
use crate::approval::Decision;
use crate::names::{ContextId, EventId};
use crate::sequence::{ContextState, Input};

const SHORT: SignedDuration = SignedDuration::from_secs(1);

fn trigger(world: &mut World) -> ContextId {
    world.trigger("dev", "delivery", json!({}))
}

/// Brings a sequence to each point at which somebody may pause, resume or abort it.
fn every_point() -> Vec<(&'static str, World, ContextId)> {
    let tasks = "tasks: [{ name: first }, { name: late, triggeredAfter: 10m }, { name: approval }, \
                 { name: second }]";
    let text = yard(&[("dev", &[&format!("{{ name: delivery, {tasks} }}")])]);
    let mut points = Vec::new();
    for point in [
        "waiting",
        "running",
        "started",
        "finished early",
        "started twice",
        "ours",
        "delayed",
        "asked",
        "decided",
        "ready",
        "paused to start",
        "paused to go on",
    ] {
        let mut world = World::new(&text);
        let busy = |world: &mut World| world.trigger("dev", "delivery", json!({}));
        if matches!(point, "waiting" | "paused to start") {
            busy(&mut world);
        }
        let context = trigger(&mut world);
        let first = |world: &World| -> EventId {
            let of = |id: &EventId| world.open[id].context == context;
            world.open_tasks("first").into_iter().find(of).unwrap()
        };
        match point {
            "started" => drop(world.start(first(&world))),
            "finished early" => drop(world.finish(first(&world), pass())),
            "started twice" => {
                world.start(first(&world));
                world.start(first(&world));
                world.finish(first(&world), pass());
            }
            "ours" => {
                let answer = world.answer_of("started", first(&world), json!({}));
                world.send(Input::Started(answer), &jobs()).unwrap();
            }
            "delayed" => world.execute("first", pass()),
            "asked" | "decided" | "ready" => {
                world.execute("first", pass());
                world.advance(minutes(10));
                world.execute("late", pass());
                if point == "ready" {
                    busy(&mut world);
                }
                if point != "asked" {
                    let approval = world.open_task("approval");
                    world.vote(approval, Decision::Approve, None, &grace()).unwrap();
                }
            }
            "paused to start" => world.pause(context),
            "paused to go on" => {
                world.pause(context);
                world.execute("first", pass());
            }
            _ => {}
        }
        points.push((point, world, context));
    }
    points
}

#[test]
fn an_abort_ends_a_sequence_wherever_it_stands() {
    for (point, mut world, context) in every_point() {
        let n = world.log.len();
        world.abort(context);
        assert_eq!(world.state(context), ContextState::Aborted, "{point}");
        assert_eq!(world.contexts[&context].open, 0, "{point}");
        assert!(world.open.values().all(|open| open.context != context), "{point}");
        let said = world.log[n..].iter().filter(|entry| entry.event.context == context).count();
        assert_eq!(said, 1, "{point}: it says that it has ended, and nothing else");
        assert_eq!(world.data("dev.delivery.finished")["message"], "aborted by ada", "{point}");
    }
}

#[test]
fn after_an_abort_the_next_one_runs_wherever_it_stood() {
    for (point, mut world, context) in every_point() {
        world.abort(context);
        let others: Vec<_> = world.contexts.keys().copied().filter(|id| *id != context).collect();
        for other in others {
            world.abort(other);
        }
        let next = trigger(&mut world);
        if point == "ours" {
            assert!(world.open_tasks("first").is_empty(), "our job has not ended");
            let task = world.cancelled[0];
            world.finish_by(task, fail(), &jobs());
        }
        assert_eq!(world.whose("first"), next, "{point}");
    }
}

#[test]
fn a_pause_and_its_end_change_nothing_in_the_end_wherever_a_sequence_stands() {
    for (point, mut world, context) in every_point() {
        if !point.starts_with("paused") {
            world.pause(context);
        }
        assert_eq!(world.state(context), ContextState::Paused, "{point}");
        let n = world.log.len();
        world.advance(SHORT);
        assert_eq!(world.log.len(), n, "{point}: it says nothing while it is paused");
        world.resume(context);
        finish_everything(&mut world);
        assert_eq!(world.state(context), ContextState::Finished, "{point}");
        assert!(world.open.is_empty() && world.holders.is_empty() && world.timers.is_empty());
    }
}

fn finish_everything(world: &mut World) {
    for _ in 0..20 {
        for name in ["first", "late", "second"] {
            for task in world.open_tasks(name) {
                if world.tasks[&task].started == 0 {
                    world.start(task);
                }
                while world.open.contains_key(&task) {
                    world.finish(task, pass());
                }
            }
        }
        for approval in world.open_tasks("approval") {
            world.vote(approval, Decision::Approve, None, &grace()).unwrap();
        }
        let delays: Vec<_> = world.timers.keys().filter(|t| !t.is_expiry()).copied().collect();
        if !delays.is_empty() {
            world.advance(minutes(9));
            world.advance(minutes(1));
        }
    }
}
