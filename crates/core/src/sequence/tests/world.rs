//! A store made of maps, and a driver that steps inputs and all that follows from them.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::approval::{Approval, Decision, Subject};
use crate::audit::AuditRecord;
use crate::event::{Draft, Event, EventType, Scope};
use crate::names::{CommitId, ContextId, EventId, ExecutionId, ProjectName, StageName};
use crate::principal::{Principal, PrincipalName};
use crate::sequence::{
    Answer, Change, Command, Context, Control, Deployed, Env, Execution, Input, LaneHead,
    LatestEvent, LogEntry, OpenEvent, ProjectHead, Queue, Queued, Refusal, Reply, Resolution,
    Settings, Task, Timer, View, ViewError, step,
};
use crate::shipyard::Shipyard;

pub(super) struct World {
    shipyard: Arc<Shipyard>,
    text: Arc<str>,
    commit: CommitId,
    known: Option<(CommitId, Arc<Shipyard>)>,
    pub(super) log: Vec<LogEntry>,
    pub(super) contexts: BTreeMap<ContextId, Context>,
    pub(super) executions: BTreeMap<ExecutionId, Execution>,
    pub(super) tasks: BTreeMap<EventId, Task>,
    pub(super) approvals: BTreeMap<EventId, Approval>,
    pub(super) open: BTreeMap<EventId, OpenEvent>,
    pub(super) timers: BTreeMap<Timer, Timestamp>,
    pub(super) latest: BTreeMap<(Scope, EventType), LatestEvent>,
    pub(super) audit: Vec<AuditRecord>,
    pub(super) cancelled: Vec<EventId>,
    holders: BTreeMap<Scope, ExecutionId>,
    queues: BTreeMap<(Scope, Queue, u64), ExecutionId>,
    deployed: BTreeMap<Scope, Vec<Deployed>>,
    steps: u64,
    /// How far the clock was moved on.
    moved: SignedDuration,
    /// The shipyard cannot be read, for this reason.
    pub(super) unreadable: Option<String>,
}

impl View for World {
    fn project(&self, name: &ProjectName) -> Result<Option<ProjectHead>, ViewError> {
        let known = *name == "tour" || name.is_unmapped();
        let last = self.log.len() as u64;
        Ok(known.then(|| ProjectHead { last, shipyard: self.known.clone() }))
    }

    fn context(&self, _: &ProjectName, id: ContextId) -> Result<Option<Context>, ViewError> {
        Ok(self.contexts.get(&id).cloned())
    }

    fn lane(&self, lane: &Scope) -> Result<LaneHead, ViewError> {
        let first = |queue| {
            let mut range =
                self.queues.range((lane.clone(), queue, 0)..=(lane.clone(), queue, u64::MAX));
            range
                .next()
                .map(|((_, _, position), id)| Queued { position: *position, execution: *id })
        };
        Ok(LaneHead {
            holder: self.holders.get(lane).copied(),
            ready: first(Queue::Ready),
            waiting: first(Queue::Waiting),
            deployed: self.deployed.get(lane).cloned().unwrap_or_default(),
        })
    }

    fn execution(&self, _: &ProjectName, id: ExecutionId) -> Result<Option<Execution>, ViewError> {
        Ok(self.executions.get(&id).cloned())
    }

    fn open_executions(
        &self,
        _: &ProjectName,
        context: ContextId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<Execution>, ViewError> {
        let of = self.executions.values().filter(|e| e.context == context && e.position > after);
        let mut open: Vec<_> = of.filter(|e| !e.state.is_final()).cloned().collect();
        open.sort_by_key(|execution| execution.position);
        open.truncate(limit);
        Ok(open)
    }

    fn task(&self, _: &ProjectName, id: EventId) -> Result<Option<Task>, ViewError> {
        Ok(self.tasks.get(&id).cloned())
    }

    fn approval(&self, _: &ProjectName, id: EventId) -> Result<Option<Approval>, ViewError> {
        Ok(self.approvals.get(&id).cloned())
    }
}

impl World {
    pub(super) fn new(shipyard: &str) -> Self {
        Self {
            shipyard: Arc::new(Shipyard::parse(shipyard).unwrap()),
            text: Arc::from(shipyard),
            commit: CommitId::new(&"1".repeat(40)).unwrap(),
            known: None,
            log: Vec::new(),
            contexts: BTreeMap::new(),
            executions: BTreeMap::new(),
            tasks: BTreeMap::new(),
            approvals: BTreeMap::new(),
            open: BTreeMap::new(),
            timers: BTreeMap::new(),
            latest: BTreeMap::new(),
            audit: Vec::new(),
            cancelled: Vec::new(),
            holders: BTreeMap::new(),
            queues: BTreeMap::new(),
            deployed: BTreeMap::new(),
            steps: 0,
            moved: SignedDuration::ZERO,
            unreadable: None,
        }
    }

    /// Puts another shipyard into the repository; it is read at the next resolve.
    pub(super) fn push_shipyard(&mut self, text: &str) {
        self.shipyard = Arc::new(Shipyard::parse(text).unwrap());
        self.text = Arc::from(text);
        self.commit = CommitId::new(&"2".repeat(40)).unwrap();
    }

    pub(super) fn now(&self) -> Timestamp {
        let steps = i64::try_from(self.steps).unwrap();
        Timestamp::from_millisecond(1_700_000_000_000 + steps).unwrap() + self.moved
    }

    /// Steps an input and all that follows, as one commit would.
    pub(super) fn send(&mut self, input: Input, by: &Principal) -> Result<Reply, Refusal> {
        let mut queue = VecDeque::from([input]);
        let mut reply = None;
        while let Some(input) = queue.pop_front() {
            self.steps += 1;
            let mut seed = [0; 16];
            seed[..8].copy_from_slice(&self.steps.to_be_bytes());
            let settings = Settings::default();
            let env = Env { now: self.now(), principal: by.clone(), seed, settings };
            let effects = step(self, &input, &env)?;
            assert_eq!(step(self, &input, &env).as_ref(), Ok(&effects), "a step is a function");
            for entry in &effects.log {
                assert_eq!(entry.n, self.log.len() as u64 + 1, "the log has no gaps");
                self.log.push(entry.clone());
            }
            for change in effects.changes {
                self.apply(change);
            }
            if let Some(resolve) = effects.resolve {
                let resolution = match &self.unreadable {
                    Some(reason) => Resolution::Failed(reason.clone()),
                    None => Resolution::Read {
                        commit: self.commit.clone(),
                        shipyard: Arc::clone(&self.shipyard),
                        text: Arc::clone(&self.text),
                        stage_commit: resolve.requested_commit.clone(),
                    },
                };
                let (project, execution) = (resolve.scope.project, resolve.execution);
                queue.push_back(Input::Resolved { project, execution, resolution });
            }
            self.audit.extend(effects.audit);
            queue.extend(effects.follow_on.into_iter().map(Input::from));
            reply.get_or_insert(effects.answer);
            self.check();
        }
        Ok(reply.unwrap())
    }

    fn apply(&mut self, change: Change) {
        match change {
            Change::Snapshot { commit, .. } => {
                self.known = Some((commit, Arc::clone(&self.shipyard)));
            }
            Change::Execution(row) => drop(self.executions.insert(row.id, *row)),
            Change::Task(_, row) => drop(self.tasks.insert(row.id, *row)),
            Change::Approval(row) => drop(self.approvals.insert(row.id, *row)),
            Change::Context(row) => drop(self.contexts.insert(row.id, *row)),
            Change::Holder(lane, Some(holder)) => {
                let before = self.holders.insert(lane, holder);
                assert_eq!(before, None, "a lane has at most one holder");
            }
            Change::Holder(lane, None) => drop(self.holders.remove(&lane)),
            Change::Join(lane, queue, position, id) => {
                assert_eq!(self.queues.insert((lane, queue, position), id), None);
            }
            Change::Leave(lane, queue, position) => {
                assert!(self.queues.remove(&(lane, queue, position)).is_some());
            }
            Change::Deployed(lane, rows) => drop(self.deployed.insert(lane, rows)),
            Change::Open(row) => drop(self.open.insert(row.id, row)),
            Change::Closed(_, id) => drop(self.open.remove(&id)),
            Change::Deliver(_) => {}
            Change::CancelJobs(_, id) => self.cancelled.push(id),
            Change::Timer(_, timer, due) => drop(self.timers.insert(timer, due)),
            Change::TimerGone(_, timer) => drop(self.timers.remove(&timer)),
            Change::Latest(row) => {
                drop(self.latest.insert((row.scope.clone(), row.kind.clone()), row));
            }
        }
    }

    /// What holds after every step.
    fn check(&self) {
        for context in self.contexts.values() {
            let open = self.executions.values().filter(|e| e.context == context.id);
            let open = open.filter(|e| !e.state.is_final()).count();
            assert_eq!(context.open as usize, open, "open executions are counted");
        }
    }

    // What people and programs send.

    pub(super) fn trigger(&mut self, stage: &str, sequence: &str, data: Value) -> ContextId {
        let kind = format!("sh.keptn.event.{stage}.{sequence}.triggered");
        let mut body = json!({"project": "tour", "stage": stage, "service": "hello"});
        for (key, value) in data.as_object().cloned().unwrap_or_default() {
            body[key] = value;
        }
        let event = self.event(&kind, None, body, None);
        let context = event.context;
        let scope = Scope::of(&event.data).unwrap();
        let by = ada();
        self.send(Input::Triggered { event, scope, by: by.clone() }, &by).unwrap();
        context
    }

    pub(super) fn event(
        &mut self,
        kind: &str,
        triggered: Option<EventId>,
        data: Value,
        context: Option<ContextId>,
    ) -> Event {
        self.steps += 1;
        let mut body = json!({"type": kind, "source": "executor", "data": data});
        if let Some(id) = triggered {
            body["triggeredid"] = json!(id);
        }
        let mut id = [7; 16];
        id[..8].copy_from_slice(&self.steps.to_be_bytes());
        let now = self.now();
        let context = context.unwrap_or(ContextId::from_bytes(id));
        Draft::from_value(body).unwrap().into_event(EventId::from_bytes(id), now, context)
    }

    fn answer(&mut self, phase: &str, task: EventId, data: Value) -> Answer {
        let (name, context) = match self.open.get(&task) {
            Some(open) => (open.kind.as_str().to_owned(), open.context),
            None => self
                .log
                .iter()
                .find(|entry| entry.event.id == task)
                .map(|entry| (entry.event.kind.to_string(), entry.event.context))
                .unwrap(),
        };
        let kind = name.replace("triggered", phase);
        let mut body = json!({"project": "tour", "stage": "qa", "service": "hello"});
        for (key, value) in data.as_object().cloned().unwrap_or_default() {
            body[key] = value;
        }
        let event = self.event(&kind, Some(task), body, Some(context));
        let client_id = Some(event.id.uuid());
        Answer { event, project: ProjectName::new("tour").unwrap(), client_id }
    }

    pub(super) fn start(&mut self, task: EventId) -> Reply {
        let answer = self.answer("started", task, json!({}));
        self.send(Input::Started(answer), &machine()).unwrap()
    }

    pub(super) fn finish(&mut self, task: EventId, data: Value) -> Reply {
        let answer = self.answer("finished", task, data);
        self.send(Input::Finished(answer), &machine()).unwrap()
    }

    pub(super) fn finish_by(&mut self, task: EventId, data: Value, by: &Principal) -> Reply {
        let answer = self.answer("finished", task, data);
        self.send(Input::Finished(answer), by).unwrap()
    }

    pub(super) fn answer_of(&mut self, phase: &str, task: EventId, data: Value) -> Answer {
        self.answer(phase, task, data)
    }

    /// Plays the executor of the one open task of that name.
    pub(super) fn execute(&mut self, task: &str, data: Value) {
        let id = self.open_task(task);
        self.start(id);
        self.finish(id, data);
    }

    pub(super) fn vote(
        &mut self,
        approval: EventId,
        decision: Decision,
        subject: Option<Subject>,
        by: &Principal,
    ) -> Result<Reply, Refusal> {
        let (project, source) = (ProjectName::new("tour").unwrap(), "test".to_owned());
        let comment = None;
        self.send(Input::Vote { project, approval, decision, subject, comment, source }, by)
    }

    pub(super) fn abort(&mut self, context: ContextId) -> Reply {
        self.control(Control::Abort, context, None)
    }

    pub(super) fn control(
        &mut self,
        control: Control,
        context: ContextId,
        stage: Option<&str>,
    ) -> Reply {
        let project = ProjectName::new("tour").unwrap();
        let stage = stage.map(|stage| StageName::new(stage).unwrap());
        let command = Command { control, project, context, stage, after: 0 };
        self.send(Input::Control(command), &ada()).unwrap()
    }

    /// Lets time pass, and fires each timer that is due, earliest first.
    pub(super) fn advance(&mut self, by: SignedDuration) {
        self.moved += by;
        let due = |world: &Self| {
            let first = world.timers.iter().min_by_key(|(timer, due)| (**due, **timer))?;
            (*first.1 <= world.now()).then_some(*first.0)
        };
        while let Some(timer) = due(self) {
            self.fire(timer);
        }
    }

    /// Fires a timer, whether it is due or not.
    pub(super) fn fire(&mut self, timer: Timer) -> Reply {
        let project = ProjectName::new("tour").unwrap();
        let input = Input::TimerDue { project, timer, clock_was_set: false };
        self.send(input, &jobs()).unwrap()
    }

    // What there is to see.

    pub(super) fn open_task(&self, task: &str) -> EventId {
        let all = self.open_tasks(task);
        assert_eq!(all.len(), 1, "one open {task} among {:?}", self.open.values());
        all[0]
    }

    pub(super) fn open_tasks(&self, task: &str) -> Vec<EventId> {
        let kind = EventType::new(&format!("sh.keptn.event.{task}.triggered"));
        let mut found: Vec<_> = self.open.values().filter(|open| open.kind == kind).collect();
        found.sort_by_key(|open| open.n);
        found.into_iter().map(|open| open.id).collect()
    }

    pub(super) fn events(&self, kind: &str) -> Vec<&LogEntry> {
        let kind = format!("sh.keptn.event.{kind}");
        self.log.iter().filter(|entry| entry.event.kind.as_str() == kind).collect()
    }

    /// The listed events of a context, shortened: `qa.delivery.triggered`.
    pub(super) fn story(&self, context: ContextId) -> Vec<String> {
        let of = self.log.iter().filter(|entry| entry.event.context == context);
        of.map(|entry| entry.event.kind.as_str()["sh.keptn.event.".len()..].to_owned()).collect()
    }

    pub(super) fn subject(&self, approval: EventId) -> Subject {
        let approval = &self.approvals[&approval];
        let deployed = self.deployed.get(&approval.scope);
        Subject::of(approval, deployed.and_then(|rows| rows.last()))
    }
}

pub(super) fn ada() -> Principal {
    Principal::Person(PrincipalName::new("ada").unwrap())
}

pub(super) fn grace() -> Principal {
    Principal::Person(PrincipalName::new("grace").unwrap())
}

pub(super) fn machine() -> Principal {
    Principal::Machine(PrincipalName::new("executor").unwrap())
}

pub(super) fn jobs() -> Principal {
    Principal::Builtin(PrincipalName::new("job-executor-service").unwrap())
}

pub(super) fn pass() -> Value {
    json!({"result": "pass", "status": "succeeded"})
}

pub(super) fn fail() -> Value {
    json!({"result": "fail", "status": "succeeded"})
}
