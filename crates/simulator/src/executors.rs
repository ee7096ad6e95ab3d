//! Executors that ask for open events and answer them: most do, some late, some twice, some never, and
//! some lie.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};
use tidegate_core::approval::APPROVAL;
use tidegate_core::event::{Event, EventKind, EventType};
use tidegate_core::names::EventId;
use tidegate_core::principal::{Principal, PrincipalName};
use tidegate_store::{OpenEventFilter, Reader as _};

use crate::agenda::Action;
use crate::random::Random;
use crate::request::{Op, Owner};
use crate::shipyards::TASKS;
use crate::world::{Checked, World};

/// How an executor behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Manner {
    Diligent,
    /// Answers after a long time.
    Slow,
    /// Takes some tasks and never comes back.
    Dead,
    /// Has finished before it says that it has started.
    Hasty,
    /// Sends everything several times.
    Repeating,
    /// Finishes twice, with different results.
    Twofold,
    /// Says what is not true.
    Lying,
}

/// A program somewhere that does tasks.
#[derive(Debug, Clone)]
pub(crate) struct Executor {
    source: String,
    task: &'static str,
    manner: Manner,
    principal: Principal,
    seen: BTreeSet<EventId>,
}

impl Executor {
    pub(crate) fn draw(n: usize, random: &mut Random) -> Self {
        let manner = match random.below(20) {
            0..10 => Manner::Diligent,
            10..12 => Manner::Slow,
            12..14 => Manner::Dead,
            14 => Manner::Hasty,
            15..17 => Manner::Repeating,
            17 => Manner::Twofold,
            _ => Manner::Lying,
        };
        let source = format!("executor-{n}");
        let principal = match random.below(3) {
            0 => Principal::Shared,
            1 => Principal::Wire,
            _ => Principal::Machine(PrincipalName::new(&source).expect("a short plain text")),
        };
        // Each task has somebody who does it; some have two.
        Self { source, task: TASKS[n % TASKS.len()], manner, principal, seen: BTreeSet::new() }
    }
}

impl World {
    pub(crate) fn executor_asks(&mut self, n: usize) -> Checked {
        let pause = self.random.seconds(2, 20);
        self.agenda.plan(self.now + pause, Action::Executor(n));
        let executor = self.executors[n].clone();
        let mut tasks = vec![executor.task];
        if executor.manner == Manner::Lying && self.plan.faults.liars {
            tasks.push(APPROVAL);
        }
        for task in tasks {
            for event in self.open_events(task)? {
                if self.executors[n].seen.insert(event.id) {
                    self.take_task(&executor, &event);
                }
            }
        }
        Ok(())
    }

    fn open_events(&self, task: &str) -> Result<Vec<Event>, String> {
        let Some(server) = &self.server else { return Ok(Vec::new()) };
        let kind = Some(EventType::new(&format!("sh.keptn.event.{task}.triggered")));
        let filter = OpenEventFilter { kind, ..OpenEventFilter::default() };
        let page = server.reader.open_events(&filter, 0, 100).map_err(|error| error.to_string())?;
        Ok(page.items)
    }

    fn take_task(&mut self, executor: &Executor, event: &Event) {
        let soon = self.random.millis(10, 3_000);
        let works = self.random.seconds(1, 60);
        let started = self.answer(executor, event, "started");
        let finished = self.answer(executor, event, "finished");
        match executor.manner {
            Manner::Diligent => self.later(executor, [(soon, started), (soon + works, finished)]),
            Manner::Slow => {
                let soon = self.random.seconds(30, 1_000);
                let works = self.random.seconds(60, 5_000);
                self.later(executor, [(soon, started), (soon + works, finished)]);
            }
            Manner::Dead => match self.random.below(3) {
                0 => {}
                1 => self.later(executor, [(soon, started)]),
                _ => self.later(executor, [(soon, started), (soon + works, finished)]),
            },
            Manner::Hasty => self.later(executor, [(soon, finished), (soon + works, started)]),
            Manner::Repeating => {
                let done = soon + works;
                let again = [(soon, started.clone()), (done, finished.clone())];
                self.later(executor, [(soon, started), (done, finished)]);
                self.later(executor, again);
            }
            Manner::Twofold => {
                let other = self.answer(executor, event, "finished");
                let (done, after) = (soon + works, self.random.millis(0, 5_000));
                self.later(executor, [(soon, started), (done, finished), (done + after, other)]);
            }
            Manner::Lying => {
                let lies = [self.lie(started), self.lie(finished.clone())];
                let truth = self.random.chance(500) && !is_approval(event);
                let [first, second] = lies;
                self.later(executor, [(soon, first), (soon + works, second)]);
                if truth {
                    let started = self.answer(executor, event, "started");
                    self.later(executor, [(soon + works, started), (soon + works * 2, finished)]);
                }
            }
        }
    }

    fn later<const N: usize>(&mut self, executor: &Executor, bodies: [(Duration, Value); N]) {
        for (after, body) in bodies {
            let op = Op::Event { body, key: None };
            let request = self.register(op, &executor.principal, Owner::Client);
            self.agenda.plan(self.now + after, Action::Send(request));
        }
    }

    fn answer(&mut self, executor: &Executor, event: &Event, phase: &str) -> Value {
        let (result, status) = match self.random.below(20) {
            0..14 => ("pass", "succeeded"),
            14..16 => ("warning", "succeeded"),
            16..18 => ("fail", "succeeded"),
            18 => ("pass", "errored"),
            _ => ("pass", "no-such-status"),
        };
        let id = self.uuid();
        let mut body = answer_to(event, phase, &executor.source, result, status);
        body["id"] = Value::from(id.to_string());
        body
    }

    /// Changes an answer so that it must not count.
    fn lie(&mut self, mut body: Value) -> Value {
        match self.random.below(5) {
            0 => body["shkeptncontext"] = Value::from(self.uuid().to_string()),
            1 => body["type"] = Value::from("sh.keptn.event.something.finished"),
            2 => body["triggeredid"] = Value::from(self.uuid().to_string()),
            3 => body["data"]["project"] = Value::from("nowhere"),
            // Of another stage: the task counts it all the same, as Keptn's did.
            _ => body["data"]["stage"] = Value::from("prod"),
        }
        body
    }
}

fn is_approval(event: &Event) -> bool {
    matches!(event.kind.kind(), EventKind::Task { task, .. } if task == APPROVAL)
}

/// An answer to a `.triggered` event.
pub(crate) fn answer_to(
    event: &Event,
    phase: &str,
    source: &str,
    result: &str,
    status: &str,
) -> Value {
    let task = match event.kind.kind() {
        EventKind::Task { task, .. } => task.to_string(),
        EventKind::Sequence { .. } | EventKind::Other => String::new(),
    };
    let mut data = json!({"project": event.data["project"], "stage": event.data["stage"],
        "service": event.data["service"], "status": status});
    if phase == "finished" {
        data["result"] = Value::from(result);
    }
    json!({"type": format!("sh.keptn.event.{task}.{phase}"), "source": source,
        "shkeptncontext": event.context, "triggeredid": event.id, "data": data})
}
