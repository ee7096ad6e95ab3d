//! Rows for tests: each builder gives a plain one, and a test changes what it is about.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Map, Value, json};
use tidegate_core::approval::{Approval, ApprovalState, Decided, Decision};
use tidegate_core::event::{Event, EventType, Scope};
use tidegate_core::names::{
    CommitId, ContextId, EventId, ExecutionId, ProjectName, SequenceName, ServiceName, StageName,
    TaskName,
};
use tidegate_core::principal::{Principal, PrincipalName};
use tidegate_core::sequence::{
    Change, Commits, Context, ContextState, Disposition, Effects, Env, Execution, ExecutionState,
    LogEntry, Pauses, Settings, Starts, Task, TaskState,
};
use tidegate_core::shipyard::TaskDefinition;

use crate::{Home, InputRecord, Intent, NewProject, Reader, StoreError, Write, Written};

/// A shipyard that parses.
pub(crate) const SHIPYARD: &str = "apiVersion: spec.keptn.sh/0.2.2\nkind: Shipyard\n\
     metadata:\n  name: s\nspec:\n  stages:\n    - name: qa\n      sequences:\n        \
     - name: delivery\n          tasks:\n            - name: deployment\n";

fn bytes(tag: u8, n: u64) -> [u8; 16] {
    (u128::from(tag) << 120 | u128::from(n)).to_be_bytes()
}

pub(crate) fn event_id(n: u64) -> EventId {
    EventId::from_bytes(bytes(1, n))
}

pub(crate) fn context_id(n: u64) -> ContextId {
    ContextId::from_bytes(bytes(2, n))
}

pub(crate) fn execution_id(n: u64) -> ExecutionId {
    ExecutionId::from_bytes(bytes(3, n))
}

pub(crate) fn commit_id(n: u64) -> CommitId {
    CommitId::new(&format!("{n:040x}")).unwrap()
}

/// So many seconds after some day.
pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_795_000_000 + seconds).unwrap()
}

pub(crate) fn project(name: &str) -> ProjectName {
    ProjectName::new(name).unwrap()
}

pub(crate) fn person(name: &str) -> Principal {
    Principal::Person(PrincipalName::new(name).unwrap())
}

/// `project/stage/service`
pub(crate) fn scope(path: &str) -> Scope {
    let mut parts = path.split('/');
    let mut part = || parts.next().unwrap();
    Scope {
        project: ProjectName::new(part()).unwrap(),
        stage: StageName::new(part()).unwrap(),
        service: ServiceName::new(part()).unwrap(),
    }
}

/// An event of `shop/qa/carts` in context 1.
pub(crate) fn event(n: u64) -> Event {
    let mut data = Map::new();
    scope("shop/qa/carts").write(&mut data);
    let mut rest = Map::new();
    rest.insert("specversion".to_owned(), Value::from("1.0"));
    rest.insert("shkeptnspecversion".to_owned(), Value::from("0.2.4"));
    Event {
        id: event_id(n),
        kind: EventType::new("sh.keptn.event.deployment.triggered"),
        source: "shipyard-controller".to_owned(),
        time: at(n.cast_signed()),
        context: context_id(1),
        triggered_id: None,
        commit: None,
        data,
        rest,
    }
}

/// An accepted entry of `shop`.
pub(crate) fn entry(n: u64, event: Event) -> LogEntry {
    let (disposition, reason) = (Disposition::Accepted, None);
    LogEntry { n, project: project("shop"), event, disposition, reason }
}

/// An execution of `shop/qa/carts` in context 1 that was triggered by event `n`.
pub(crate) fn execution(n: u64) -> Execution {
    let carry = json!({"configurationChange": {"values": {"image": "carts:1"}}, "ratio": 0.1});
    Execution {
        id: execution_id(n),
        scope: scope("shop/qa/carts"),
        sequence: SequenceName::new("delivery").unwrap(),
        context: context_id(1),
        trigger: event_id(n),
        position: n,
        triggered_at: at(n.cast_signed()),
        triggered_by: person("ada"),
        follows: true,
        past_gate: Some(event_id(n)),
        requested_commit: None,
        commits: None,
        tasks: Arc::from([]),
        previous: Vec::new(),
        carry: carry.as_object().cloned().unwrap(),
        state: ExecutionState::Resolving,
    }
}

/// Tasks of these names.
pub(crate) fn tasks(names: &[&str]) -> Arc<[TaskDefinition]> {
    let task = |name: &&str| TaskDefinition {
        name: TaskName::new(*name).unwrap(),
        properties: json!({"of": name}).as_object().cloned().unwrap(),
        triggered_after: None,
    };
    names.iter().map(task).collect()
}

/// The open task `n` of an execution.
pub(crate) fn task(n: u64, execution: ExecutionId) -> Task {
    Task {
        id: event_id(n),
        execution,
        context: context_id(1),
        name: TaskName::new("deployment").unwrap(),
        started: 0,
        finished: Vec::new(),
        keys: Vec::new(),
        ours: false,
        state: TaskState::Open,
    }
}

/// An open approval in `scope`.
pub(crate) fn approval(n: u64, place: &str) -> Approval {
    Approval {
        id: event_id(n),
        n,
        scope: scope(place),
        sequence: SequenceName::new("delivery").unwrap(),
        execution: execution_id(n),
        context: context_id(n),
        asked_at: at(n.cast_signed()),
        triggered_by: person("ada"),
        image: Some("carts:1".to_owned()),
        change: "00".repeat(32),
        commits: Commits { shipyard: commit_id(1), stage: None, stale: None },
        evidence: Vec::new(),
        former: Vec::new(),
        labels: [("build".to_owned(), "7".to_owned())].into(),
        result: "pass".to_owned(),
        policy: Some(tidegate_core::approval::Policy::default()),
        then: vec!["release".to_owned()],
        state: ApprovalState::Open,
    }
}

/// The same, approved.
pub(crate) fn approved(approval: Approval, seconds: i64) -> Approval {
    let state = ApprovalState::Decided(Decided {
        decision: Decision::Approve,
        by: person("ada"),
        at: at(seconds),
        comment: None,
        seen: None,
        event: event_id(900_000),
    });
    Approval { state, ..approval }
}

/// A context of `shop`.
pub(crate) fn context(n: u64) -> Context {
    Context {
        id: context_id(n),
        project: project("shop"),
        name: SequenceName::new("delivery").unwrap(),
        service: ServiceName::new("carts").unwrap(),
        time: at(n.cast_signed()),
        triggered_by: person("ada"),
        state: ContextState::Started,
        stages: Vec::new(),
        problem_title: None,
        labels: [("build".to_owned(), "7".to_owned())].into(),
        executions: 1,
        open: 1,
        evidence: Vec::new(),
        paused: Pauses::default(),
        timed_out: false,
        starts: Starts::default(),
        problem_over: false,
        following: Vec::new(),
    }
}

pub(crate) fn changes(changes: impl IntoIterator<Item = Change>) -> Effects {
    Effects { changes: changes.into_iter().collect(), ..Effects::default() }
}

pub(crate) fn entries(log: impl IntoIterator<Item = LogEntry>) -> Effects {
    Effects { log: log.into_iter().collect(), ..Effects::default() }
}

/// A home to run the contract's tests on, fresh for each.
pub(crate) trait Fixture {
    type Home: Home;
    type Reader: Reader;
    fn fresh() -> Self;
    fn home(&mut self) -> &mut Self::Home;
    fn reader(&self) -> &Self::Reader;
}

/// Applies effects inside of the open transaction.
pub(crate) fn apply(home: &mut impl Home, effects: &Effects) -> Result<(), StoreError> {
    apply_at(home, effects, at(0))
}

/// The same at some time.
pub(crate) fn apply_at(
    home: &mut impl Home,
    effects: &Effects,
    now: Timestamp,
) -> Result<(), StoreError> {
    let env = env_at(now);
    let project = project("shop");
    let input = InputRecord { name: "record", project: &project, env: &env, payload: "{}".into() };
    home.apply(&input, effects)
}

/// What comes with an input, or a change, of ada's at some time.
pub(crate) fn env_at(now: Timestamp) -> Env {
    let settings = Settings::default();
    Env { now, principal: person("ada"), seed: [7; 16], settings }
}

/// What tests do again and again, each in a transaction of its own.
pub(crate) trait Steps: Fixture {
    fn applied(&mut self, effects: &Effects) {
        let home = self.home();
        home.begin().unwrap();
        apply(home, effects).unwrap();
        home.commit().unwrap();
    }

    fn change(&mut self, change: Change) {
        self.applied(&changes([change]));
    }

    fn written(&mut self, write: &Write) -> Written {
        let home = self.home();
        home.begin().unwrap();
        let written = home.write(write, &env_at(at(0))).unwrap();
        home.commit().unwrap();
        written
    }

    fn make_project(&mut self, name: &str) {
        let new = new_project(name);
        let begun = self.written(&Write::Begin(Intent::CreateProject(new), Vec::new()));
        let Written::Begun(intent) = begun else { panic!("{begun:?}") };
        let (commit, now, events) = (commit_id(1), at(0), Vec::new());
        let done = self.written(&Write::Complete { intent, commit, now, events });
        assert_eq!(done, Written::Done);
    }

    /// A fixture with the project `shop`.
    fn with_shop() -> Self
    where
        Self: Sized,
    {
        let mut fixture = Self::fresh();
        fixture.make_project("shop");
        fixture
    }
}

impl<F: Fixture> Steps for F {}

pub(crate) fn new_project(name: &str) -> NewProject {
    let stages = vec![StageName::new("qa").unwrap()];
    NewProject { name: project(name), shipyard: SHIPYARD.to_owned(), stages, upstream: None }
}
