//! People: they trigger, decide, pause, push and change their minds.

use std::time::Duration;

use serde_json::{Value, json};
use tidegate_core::approval::{Approval, Decision, Subject};
use tidegate_core::names::{ContextId, EventId, StageName};
use tidegate_core::principal::{Principal, PrincipalName};
use tidegate_core::sequence::{Command, Context, ContextState, Control};
use tidegate_store::{ApprovalFilter, ApprovalState, Reader as _, SequenceFilter};

use crate::agenda::Action;
use crate::request::{Key, Op, Owner};
use crate::shipyards::{self, STAGES};
use crate::world::{Checked, World, millis};

const NAMES: [&str; 4] = ["ada", "grace", "linus", "margaret"];

/// Somebody with a browser and a terminal.
#[derive(Debug, Clone)]
pub(crate) struct Person {
    name: &'static str,
}

impl Person {
    pub(crate) fn new(n: usize) -> Self {
        Self { name: NAMES[n % NAMES.len()] }
    }

    pub(crate) fn principal(&self) -> Principal {
        Principal::Person(PrincipalName::new(self.name).expect("a short plain text"))
    }
}

impl World {
    pub(crate) fn person_acts(&mut self, person: usize) -> Checked {
        let pause = self.random.millis(100, millis(self.plan.pause));
        self.agenda.plan(self.now + pause, Action::Person(person));
        let by = match self.random.chance(100) {
            true => Principal::Shared,
            false => self.people[person].principal(),
        };
        match self.random.below(100) {
            0..30 => self.trigger(&by, None),
            30..36 => {
                let context = self.some_context(|_| true)?.map(|context| context.id);
                self.trigger(&by, context);
            }
            36..66 => self.decide(&by)?,
            66..74 => self.decide_again(&by)?,
            74..85 => self.control(&by)?,
            85..90 => self.repeat(),
            90..94 => {
                let project = self.random.pick(&self.projects).clone();
                let text = shipyards::draw(&mut self.random);
                self.push(&project, &text)?;
            }
            94..97 => self.reuse_key(&by),
            _ => self.send_oddity(&by),
        }
        Ok(())
    }

    fn trigger(&mut self, by: &Principal, context: Option<ContextId>) {
        if self.triggers >= self.plan.triggers {
            return;
        }
        self.triggers += 1;
        let body = self.trigger_body(context);
        let key = self.random.chance(700).then(|| self.new_key());
        self.ask(Op::Event { body, key }, by);
    }

    fn trigger_body(&mut self, context: Option<ContextId>) -> Value {
        let project = self.random.pick(&self.projects).clone();
        let service = self.random.pick(&self.services).clone();
        let (stage, sequence) = match self.random.below(10) {
            0..6 => (STAGES[0], "delivery"),
            6..8 => (*self.random.pick(&STAGES), "gate"),
            8 => (*self.random.pick(&STAGES), "delivery"),
            // Every stage has it.
            _ => (STAGES[0], "evaluation"),
        };
        let image = format!("{service}:{}", self.triggers);
        let mut body = json!({"type": format!("sh.keptn.event.{stage}.{sequence}.triggered"),
            "source": "cli", "data": {"project": project, "stage": stage, "service": service,
            "configurationChange": {"values": {"image": image}}}});
        if self.random.chance(300) {
            body["data"]["result"] = Value::from(*self.random.pick(&["pass", "warning", "fail"]));
        }
        if let Some(context) = context {
            body["shkeptncontext"] = Value::from(context.to_string());
        }
        body
    }

    fn new_key(&mut self) -> Key {
        let part = self.random.bytes();
        let mut key = [0; 32];
        key[..16].copy_from_slice(&part);
        Key { key, request: key }
    }

    /// Looks at an open approval, and decides it at once or after a while.
    fn decide(&mut self, by: &Principal) -> Checked {
        let Some(approval) = self.some_approval(ApprovalState::Open)? else { return Ok(()) };
        let decision = if self.random.chance(750) { Decision::Approve } else { Decision::Decline };
        let op = self.vote(&approval, decision)?;
        let request = self.register(op, by, Owner::Client);
        let thinks = match self.random.chance(300) {
            true => self.random.seconds(0, 200),
            false => Duration::ZERO,
        };
        self.agenda.plan(self.now + thinks, Action::Send(request));
        if self.random.chance(400) {
            // Somebody else decides at the same time, and otherwise.
            let other = match decision {
                Decision::Approve => Decision::Decline,
                Decision::Decline => Decision::Approve,
            };
            let rival = self.random.below(self.people.len());
            let rival = self.people[rival].principal();
            let op = self.vote(&approval, other)?;
            let request = self.register(op, &rival, Owner::Client);
            let after = thinks + self.random.millis(0, 20);
            self.agenda.plan(self.now + after, Action::Send(request));
        }
        Ok(())
    }

    /// Decides something that was decided or closed already.
    fn decide_again(&mut self, by: &Principal) -> Checked {
        let state = *self.random.pick(&[ApprovalState::Decided, ApprovalState::Closed]);
        if let Some(approval) = self.some_approval(state)? {
            let decision = *self.random.pick(&[Decision::Approve, Decision::Decline]);
            let op = self.vote(&approval, decision)?;
            self.ask(op, by);
        }
        Ok(())
    }

    /// A vote by somebody who has just looked.
    pub(crate) fn vote(&mut self, approval: &Approval, decision: Decision) -> Result<Op, String> {
        let subject = self.subject(approval)?;
        let project = approval.scope.project.clone();
        let vote = |subject| Op::Vote { project, approval: approval.id, decision, subject };
        Ok(match self.random.below(20) {
            0..10 => vote(Some(subject)),
            10..15 => vote(None),
            15 => vote("sha256:00".parse().ok().or(Some(self.other_subject(approval)))),
            _ => {
                let result = if decision == Decision::Approve { "pass" } else { "fail" };
                let scope = &approval.scope;
                let mut body = json!({"type": "sh.keptn.event.approval.finished", "source": "bridge",
                    "shkeptncontext": approval.context, "triggeredid": approval.id,
                    "data": {"project": scope.project, "stage": scope.stage,
                        "service": scope.service, "result": result, "status": "succeeded"}});
                if self.random.chance(700) {
                    body["id"] = Value::from(self.uuid().to_string());
                }
                Op::Event { body, key: None }
            }
        })
    }

    /// What is approved, as it is now.
    pub(crate) fn subject(&self, approval: &Approval) -> Result<Subject, String> {
        let Some(server) = &self.server else { return Ok(Subject::of(approval, None)) };
        let scope = &approval.scope;
        let deployed = server.reader.deployed(&scope.project, &scope.stage, &scope.service);
        Ok(Subject::of(approval, deployed.map_err(|error| error.to_string())?.last()))
    }

    /// The subject of something else.
    fn other_subject(&mut self, approval: &Approval) -> Subject {
        let id = EventId::from(self.uuid());
        Subject::of(&Approval { id, ..approval.clone() }, None)
    }

    fn some_approval(&mut self, state: ApprovalState) -> Result<Option<Approval>, String> {
        let Some(server) = &self.server else { return Ok(None) };
        let filter = ApprovalFilter { state: Some(state), ..ApprovalFilter::default() };
        let found = server.reader.approvals(&filter, 0, 20).map_err(|error| error.to_string())?;
        let any = !found.items.is_empty();
        Ok(any.then(|| self.random.pick(&found.items).clone()))
    }

    fn control(&mut self, by: &Principal) -> Checked {
        let mut control = match self.random.below(10) {
            0..4 => Control::Pause,
            4..8 => Control::Resume,
            _ => Control::Abort,
        };
        let open = |context: &Context| context.state != ContextState::Finished;
        let paused = self.some_context(|context| context.state == ContextState::Paused)?;
        let context = match paused {
            Some(paused) if self.random.chance(600) => {
                control = Control::Resume;
                Some(paused)
            }
            _ => self.some_context(open)?,
        };
        if let Some(Context { id, project, .. }) = context {
            let stage = self.random.chance(350).then(|| *self.random.pick(&STAGES));
            let stage = stage.map(|name| StageName::new(name).expect("a plain word"));
            if control == Control::Pause {
                self.checker.wants_pause(id);
            }
            let command = Command { control, project, context: id, stage, after: 0 };
            self.ask(Op::Control(command), by);
        }
        Ok(())
    }

    fn some_context(
        &mut self,
        wanted: impl Fn(&Context) -> bool,
    ) -> Result<Option<Context>, String> {
        let Some(server) = &self.server else { return Ok(None) };
        let project = self.random.pick(&self.projects).clone();
        let filter = SequenceFilter::default();
        let found = server.reader.sequences(&project, &filter, 0, None);
        let mut found = found.map_err(|error| error.to_string())?.items;
        found.retain(wanted);
        Ok((!found.is_empty()).then(|| self.random.pick(&found).clone()))
    }

    /// Something that was sent before is sent again, as a browser or a proxy does.
    fn repeat(&mut self) {
        if self.requests.is_empty() {
            return;
        }
        let id = self.random.below(self.requests.len());
        let request = &self.requests[id];
        if request.owner == Owner::Client && request.sent > 0 && request.may_repeat() {
            self.note(format_args!("#{id} is sent again"));
            self.agenda.plan(self.now, Action::Arrive(id));
        }
    }

    /// The key of an earlier request, for something else.
    fn reuse_key(&mut self, by: &Principal) {
        let used: Vec<(Key, Principal)> = self
            .requests
            .iter()
            .filter_map(|request| match &request.op {
                Op::Event { key: Some(key), .. } => Some((*key, request.by.clone())),
                _ => None,
            })
            .collect();
        if used.is_empty() {
            return;
        }
        let (Key { key, .. }, _) = self.random.pick(&used).clone();
        let body = self.trigger_body(None);
        let key = Key { key, request: self.new_key().request };
        self.ask(Op::Event { body, key: Some(key) }, by);
    }

    /// An event that moves nothing.
    fn send_oddity(&mut self, by: &Principal) {
        let mut body = self.trigger_body(None);
        match self.random.below(4) {
            0 => body["data"]["project"] = Value::from("nowhere"),
            1 => body["type"] = Value::from("sh.keptn.event.deployment.triggered"),
            2 => body["type"] = Value::from("sh.keptn.event.test.finished"),
            _ => body["type"] = Value::from("com.example.something"),
        }
        self.ask(Op::Event { body, key: None }, by);
    }
}
