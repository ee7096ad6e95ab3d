//! Deliveries that wait for a person, as many as wanted: `waiting DIR COUNT LANES`.
//!
//! DIR is the data directory of a server that is stopped; its project `bench` has a sequence `gate`
//! in the stage `qa` that begins with an approval. Everything goes through the loop, in large commits,
//! so what is written is what a server would have written: it is consistent by construction.

use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::json;
use tidegate_core::event::Draft;
use tidegate_core::principal::{Principal, PrincipalName};
use tidegate_core::sequence::{Resolution, Resolve, new_id};
use tidegate_engine::{
    Driver, Entropy as _, Ports, RepositoryResolver, Resolved, Resolver, Submission, SystemEntropy,
    Work, input_of,
};
use tidegate_resources::Repositories;
use tidegate_resources::upstream::Upstreams;
use tidegate_store::sqlite::SqliteHome;

/// Deliveries of one commit.
const SLICE: usize = 1000;

type Ended<T> = Result<T, Box<dyn std::error::Error>>;

fn main() -> Ended<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [directory, count, lanes] = arguments.as_slice() else {
        return Err("usage: waiting DIR COUNT LANES".into());
    };
    let (count, lanes): (usize, usize) = (count.parse()?, lanes.parse()?);
    let directory = Path::new(directory);
    let (home, reader) = SqliteHome::open(directory)?;
    let repositories = Repositories::open(&directory.join("git"))?;
    let resolver =
        ReadOnce { resolver: RepositoryResolver::new(Upstreams::unkept(repositories)), read: None };
    let mut driver = Driver::new(home, Arc::new(reader), resolver, Ports::default())?;
    let lanes: Vec<String> = (0..lanes.max(1)).map(|lane| format!("lane-{lane}")).collect();
    let mut services = lanes.iter().cycle().take(count).peekable();
    while services.peek().is_some() {
        let slice = services.by_ref().take(SLICE);
        let work = slice.map(|service| trigger(service)).collect::<Ended<_>>()?;
        for answer in driver.turn(work)?.0 {
            answer?;
        }
    }
    while driver.has_backlog() {
        driver.turn(Vec::new())?;
    }
    Ok(())
}

fn trigger(service: &str) -> Ended<Work> {
    let draft = Draft::from_value(json!({"type": "sh.keptn.event.qa.gate.triggered",
        "source": "bench", "data": {"project": "bench", "stage": "qa", "service": service,
            "configurationChange": {"values": {"image": "hello:v1"}}}}))?;
    let now = Timestamp::now();
    let id = || new_id(now, SystemEntropy.seed());
    let principal = Principal::Machine(PrincipalName::new("bench")?);
    let input = input_of(draft.into_event(id().into(), now, id().into()), &principal, None);
    Ok(Work::Step(Box::new(Submission { input, principal, key: None })))
}

/// Nobody pushes meanwhile, so one look is enough for all.
struct ReadOnce {
    resolver: RepositoryResolver,
    read: Option<Resolution>,
}

impl Resolver for ReadOnce {
    fn resolve(&mut self, resolve: &Resolve) -> Resolved {
        if let Some(resolution) = &self.read {
            return Resolved::Now(resolution.clone());
        }
        let resolved = self.resolver.resolve(resolve);
        if let Resolved::Now(resolution) = &resolved {
            self.read = Some(resolution.clone());
        }
        resolved
    }
}
