//! How many inputs the loop commits in a second: `transitions DIR INPUTS`.
//!
//! Sixty-four lanes run sequences of twenty tasks, one after the other. Each turn of the loop takes
//! the next answer of every lane, and marks done what the turn before has handed to the built-in
//! executors, as these do. Prints one line of JSON: how many inputs were taken (what follows from
//! them is not counted), and how long each turn took, in nanoseconds. DIR should be empty.

#![allow(clippy::print_stdout, reason = "what it prints is its purpose")]

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde_json::{Value, json};
use tidegate_core::built_in::BuiltIn;
use tidegate_core::event::{Draft, Event};
use tidegate_core::names::{CommitId, ProjectName};
use tidegate_core::principal::{Principal, PrincipalName};
use tidegate_core::sequence::{Env, Resolution, Resolve, Settings, new_id};
use tidegate_core::shipyard::Shipyard;
use tidegate_engine::{
    BATCH_MAX, Driver, Entropy as _, Ports, Resolved, Resolver, Submission, SystemEntropy, Work,
    input_of,
};
use tidegate_store::sqlite::{SqliteHome, SqliteReaders};
use tidegate_store::{Home as _, Intent, NewProject, Reader as _, StoreError, Write, Written};

const PROJECT: &str = "bench";
/// Tasks of one sequence.
const TASKS: usize = 20;

type Ended<T> = Result<T, Box<dyn std::error::Error>>;

fn main() -> Ended<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [directory, inputs] = arguments.as_slice() else {
        return Err("usage: transitions DIR INPUTS".into());
    };
    let inputs: usize = inputs.parse()?;
    let mut bench = Bench::start(Path::new(directory))?;
    let mut turns = Vec::new();
    while turns.len() * BATCH_MAX < inputs {
        turns.push(bench.turn()?.as_nanos());
    }
    println!("{}", json!({"inputs": turns.len() * BATCH_MAX, "turns_ns": turns}));
    Ok(())
}

/// What comes next in a lane.
enum Next {
    Trigger,
    Start(Event),
    Finish(Event),
}

struct Bench {
    driver: Driver<SqliteHome, OneShipyard>,
    reader: SqliteReaders,
    lanes: Vec<Next>,
    /// Of the newest delivery that was seen.
    delivery: i64,
    done: Vec<Work>,
    by: Principal,
}

impl Bench {
    fn start(directory: &Path) -> Ended<Self> {
        let (mut home, reader) = SqliteHome::open(directory)?;
        let resolver = OneShipyard::new()?;
        create_project(&mut home, &resolver)?;
        let driver = Driver::new(home, Arc::new(reader.clone()), resolver, Ports::default())?;
        Ok(Self {
            driver,
            reader,
            lanes: (0..BATCH_MAX).map(|_| Next::Trigger).collect(),
            delivery: 0,
            done: Vec::new(),
            by: Principal::Machine(PrincipalName::new("bench")?),
        })
    }

    /// One input of each lane, in one commit; how long it took.
    fn turn(&mut self) -> Ended<Duration> {
        let mut work = Vec::new();
        for lane in 0..self.lanes.len() {
            work.push(self.input(lane)?);
        }
        work.append(&mut self.done);
        let begun = Instant::now();
        let (answers, _) = self.driver.turn(work)?;
        let took = begun.elapsed();
        for answer in answers {
            answer?;
        }
        self.look()?;
        Ok(took)
    }

    fn input(&mut self, lane: usize) -> Ended<Work> {
        let phase = |event: &Event, phase: &str| {
            let kind = event.kind.as_str().replace("triggered", phase);
            json!({"type": kind, "source": "bench", "triggeredid": event.id,
                "shkeptncontext": event.context, "data": {"project": PROJECT, "stage": "qa",
                    "service": event.data["service"], "result": "pass", "status": "succeeded"}})
        };
        let body = match &self.lanes[lane] {
            Next::Trigger => {
                json!({"type": "sh.keptn.event.qa.chain.triggered", "source": "bench",
                    "data": {"project": PROJECT, "stage": "qa", "service": format!("lane-{lane}"),
                        "configurationChange": {"values": {"image": "hello:v1"}}}})
            }
            Next::Start(event) => phase(event, "started"),
            Next::Finish(event) => phase(event, "finished"),
        };
        if let Next::Start(event) = &self.lanes[lane] {
            self.lanes[lane] = Next::Finish(event.clone());
        } else {
            self.lanes[lane] = Next::Trigger;
        }
        self.step(body)
    }

    fn step(&mut self, body: Value) -> Ended<Work> {
        let now = Timestamp::now();
        let id = || new_id(now, SystemEntropy.seed());
        let event = Draft::from_value(body)?.into_event(id().into(), now, id().into());
        let (principal, key) = (self.by.clone(), None);
        let input = input_of(event, &principal, None);
        Ok(Work::Step(Box::new(Submission { input, principal, key })))
    }

    /// Which tasks the turn has triggered.
    fn look(&mut self) -> Ended<()> {
        for row in self.reader.deliveries(BuiltIn::Jobs, self.delivery, BATCH_MAX as u64)? {
            self.delivery = row.id;
            self.done.push(Work::Write(Write::DeliveryDone(row.id), Principal::tidegate()));
            let service = row.event.data["service"].as_str().unwrap_or_default();
            let lane: usize = service.trim_start_matches("lane-").parse()?;
            self.lanes[lane] = Next::Start(row.event);
        }
        Ok(())
    }
}

fn create_project(home: &mut SqliteHome, resolver: &OneShipyard) -> Ended<()> {
    let OneShipyard { text, shipyard, commit } = resolver;
    let stages = shipyard.stages.iter().map(|stage| stage.name.clone()).collect();
    let new = NewProject {
        name: ProjectName::new(PROJECT)?,
        shipyard: text.to_string(),
        stages,
        upstream: None,
    };
    let env = Env {
        now: Timestamp::now(),
        principal: Principal::tidegate(),
        seed: SystemEntropy.seed(),
        settings: Settings::default(),
    };
    home.begin()?;
    let begun = home.write(&Write::Begin(Intent::CreateProject(new), Vec::new()), &env)?;
    let Written::Begun(intent) = begun else {
        return Err(StoreError::Version("the directory is not empty".to_owned()).into());
    };
    let (commit, now) = (commit.clone(), Timestamp::now());
    home.write(&Write::Complete { intent, commit, now, events: Vec::new() }, &env)?;
    Ok(home.commit()?)
}

/// The same shipyard for all.
struct OneShipyard {
    text: Arc<str>,
    shipyard: Arc<Shipyard>,
    commit: CommitId,
}

impl OneShipyard {
    fn new() -> Ended<Self> {
        let tasks = vec!["{ name: step }"; TASKS].join(", ");
        let text = format!(
            "apiVersion: spec.keptn.sh/0.2.2\nspec:\n  stages:\n    - name: qa\n      sequences:\n\
             \x20       - name: chain\n          tasks: [{tasks}]\n"
        );
        let shipyard = Arc::new(Shipyard::parse(&text)?);
        Ok(Self { text: text.into(), shipyard, commit: CommitId::new(&"1".repeat(40))? })
    }
}

impl Resolver for OneShipyard {
    fn resolve(&mut self, _: &Resolve) -> Resolved {
        Resolved::Now(Resolution::Read {
            commit: self.commit.clone(),
            shipyard: Arc::clone(&self.shipyard),
            text: Arc::clone(&self.text),
            stage_commit: Some(self.commit.clone()),
            stale: None,
        })
    }
}
