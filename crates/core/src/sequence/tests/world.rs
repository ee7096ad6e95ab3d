//! A driver that steps inputs and all that follows from them, as one commit would.

use std::collections::VecDeque;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::rows::Rows;
use crate::approval::{Comment, Decision, Subject};
use crate::event::{Draft, Event, Scope};
use crate::names::{CommitId, ContextId, EventId, ProjectName, StageName};
use crate::principal::{Principal, PrincipalName};
use crate::sequence::{
    Answer, Command, Control, Env, Input, Refusal, Reply, Resolution, Settings, Timer, step,
};
use crate::shipyard::Shipyard;

pub(super) struct World {
    rows: Rows,
    shipyard: Arc<Shipyard>,
    text: Arc<str>,
    commit: CommitId,
    steps: u64,
    /// How far the clock was moved on.
    moved: SignedDuration,
    /// The shipyard cannot be read, for this reason.
    pub(super) unreadable: Option<String>,
    /// The commit that triggers ask for.
    pub(super) commit_asked: Option<CommitId>,
    /// What follows waits for [`World::go_on`], as for a later commit.
    pub(super) holds_back: bool,
    pub(super) settings: Settings,
    later: VecDeque<Input>,
}

impl DerefMut for World {
    fn deref_mut(&mut self) -> &mut Rows {
        &mut self.rows
    }
}

impl Deref for World {
    type Target = Rows;
    fn deref(&self) -> &Rows {
        &self.rows
    }
}

impl World {
    pub(super) fn new(shipyard: &str) -> Self {
        Self {
            rows: Rows::default(),
            shipyard: Arc::new(Shipyard::parse(shipyard).unwrap()),
            text: Arc::from(shipyard),
            commit: CommitId::new(&"1".repeat(40)).unwrap(),
            steps: 0,
            moved: SignedDuration::ZERO,
            unreadable: None,
            commit_asked: None,
            holds_back: false,
            settings: Settings::default(),
            later: VecDeque::new(),
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
            let settings = self.settings.clone();
            let env = Env { now: self.now(), principal: by.clone(), seed, settings };
            let mut effects = step(&self.rows, &input, &env)?;
            let again = step(&self.rows, &input, &env);
            assert_eq!(again.as_ref(), Ok(&effects), "a step is a function");
            let (resolve, follow_on) =
                (effects.resolve.take(), std::mem::take(&mut effects.follow_on));
            reply.get_or_insert_with(|| effects.answer.clone());
            self.rows.apply(effects);
            if let Some(resolve) = resolve {
                let (commit, shipyard) = (self.commit.clone(), Arc::clone(&self.shipyard));
                self.rows.shipyards.insert(commit, shipyard);
                let resolution = match &self.unreadable {
                    Some(reason) => Resolution::Failed(reason.clone()),
                    None => Resolution::Read {
                        commit: self.commit.clone(),
                        shipyard: Arc::clone(&self.shipyard),
                        text: Arc::clone(&self.text),
                        stage_commit: resolve.requested_commit.clone(),
                        stale: None,
                    },
                };
                let (project, execution) = (resolve.scope.project, resolve.execution);
                queue.push_back(Input::Resolved { project, execution, resolution });
            }
            let next = if self.holds_back { &mut self.later } else { &mut queue };
            next.extend(follow_on.into_iter().map(Input::from));
            self.check();
        }
        Ok(reply.unwrap())
    }

    /// What was held back happens.
    pub(super) fn go_on(&mut self) {
        self.holds_back = false;
        while let Some(input) = self.later.pop_front() {
            self.send(input, &ada()).unwrap();
        }
    }

    /// What holds after every step.
    fn check(&self) {
        for context in self.contexts.values() {
            let open = self.under_way(context.id).count();
            assert_eq!(context.open as usize, open, "open executions are counted");
        }
    }

    // What people and programs send.

    pub(super) fn trigger(&mut self, stage: &str, sequence: &str, data: Value) -> ContextId {
        let mut id = [7; 16];
        id[..8].copy_from_slice(&(self.steps + 1).to_be_bytes());
        let context = ContextId::from_bytes(id);
        self.trigger_in(context, stage, sequence, data);
        context
    }

    /// The same in a context that may be there already.
    pub(super) fn trigger_in(
        &mut self,
        context: ContextId,
        stage: &str,
        sequence: &str,
        data: Value,
    ) {
        let kind = format!("sh.keptn.event.{stage}.{sequence}.triggered");
        let mut body = json!({"project": "tour", "stage": stage, "service": "hello"});
        for (key, value) in data.as_object().cloned().unwrap_or_default() {
            body[key] = value;
        }
        let commit = self.commit_asked.clone();
        let event = Event { commit, ..self.event(&kind, None, body, Some(context)) };
        let scope = Scope::of(&event.data).unwrap();
        let by = ada();
        self.send(Input::Triggered { event, scope, by: by.clone() }, &by).unwrap();
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
        self.vote_saying(approval, decision, subject, "", by)
    }

    pub(super) fn vote_saying(
        &mut self,
        approval: EventId,
        decision: Decision,
        subject: Option<Subject>,
        why: &str,
        by: &Principal,
    ) -> Result<Reply, Refusal> {
        let (project, source) = (ProjectName::new("tour").unwrap(), "test".to_owned());
        let comment = Comment::parse(why).unwrap();
        self.send(Input::Vote { project, approval, decision, subject, comment, source }, by)
    }

    pub(super) fn abort(&mut self, context: ContextId) -> Reply {
        self.control(Control::Abort, context, None)
    }

    pub(super) fn pause(&mut self, context: ContextId) {
        assert_eq!(self.control(Control::Pause, context, None), Reply::Accepted);
    }

    pub(super) fn resume(&mut self, context: ContextId) {
        assert_eq!(self.control(Control::Resume, context, None), Reply::Accepted);
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

    /// Lets time pass, and fires each timer when it is due.
    pub(super) fn advance(&mut self, by: SignedDuration) {
        let end = self.now() + by;
        let first = |world: &Self| {
            let (timer, due) = world.timers.iter().min_by_key(|(timer, due)| (**due, **timer))?;
            (*due <= end).then_some((*timer, *due))
        };
        while let Some((timer, due)) = first(self) {
            self.moved += due.duration_since(self.now()).max(SignedDuration::ZERO);
            self.fire(timer);
        }
        self.moved += end.duration_since(self.now()).max(SignedDuration::ZERO);
    }

    /// Somebody puts the clock back.
    pub(super) fn set_back(&mut self, by: SignedDuration) {
        self.moved -= by;
    }

    /// Fires a timer, whether it is due or not.
    pub(super) fn fire(&mut self, timer: Timer) -> Reply {
        let project = ProjectName::new("tour").unwrap();
        let input = Input::TimerDue { project, timer, clock_was_set: false };
        self.send(input, &jobs()).unwrap()
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

/// Stages of a shipyard by name, each with its sequences in flow style.
pub(super) fn yard(stages: &[(&str, &[&str])]) -> String {
    let stage = |(name, sequences): &(&str, &[&str])| {
        format!("{{ name: {name}, sequences: [{}] }}", sequences.join(", "))
    };
    let stages: Vec<_> = stages.iter().map(stage).collect();
    format!("apiVersion: spec.keptn.sh/0.2.2\nspec: {{ stages: [{}] }}", stages.join(", "))
}

pub(super) fn warning() -> Value {
    json!({"result": "warning", "status": "succeeded"})
}

pub(super) fn minutes(minutes: i64) -> SignedDuration {
    SignedDuration::from_mins(minutes)
}
