//! What people, programs and time do, in any order: also what they must not.

use jiff::SignedDuration;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::case::Case;
use super::shipyards::{STAGES, TASKS};
use crate::approval::{Comment, Decision};
use crate::event::{Event, EventKind, EventType, Phase, Scope};
use crate::names::{CommitId, ContextId, EventId, ExecutionId, ProjectName, StageName, TaskName};
use crate::principal::Principal;
use crate::quality::{INVALIDATED, RESTORED};
use crate::sequence::tests::world::{ada, grace, jobs, machine};
use crate::sequence::{Answer, Command, Control, EVALUATION, Input, Refusal, TaskState, Timer};

/// Open events that make a crowd.
const CROWD: usize = 16;
pub(super) const SERVICES: [&str; 2] = ["hello", "other"];
const SOURCES: [&str; 4] = ["helm", "jmeter", "lighthouse-service", "approval-service"];

impl Case {
    pub(super) fn switch_reading(&mut self) {
        self.unreadable = self.dice.percent(30);
    }

    pub(super) fn push_another(&mut self) {
        self.push_shipyard(true);
    }

    pub(super) fn settle_some(&mut self) {
        let room = [1, 1, 2, 8][self.dice.below(4)];
        self.settle(room);
    }

    fn known_context(&mut self) -> Option<ContextId> {
        self.dice.one_of(self.rows.contexts.keys().copied())
    }

    fn context(&mut self) -> ContextId {
        let fresh = ContextId::from_bytes(self.dice.bytes());
        if self.dice.percent(5) { fresh } else { self.known_context().unwrap_or(fresh) }
    }

    fn event(
        &mut self,
        kind: &EventType,
        context: ContextId,
        triggered_id: Option<EventId>,
        data: Value,
    ) -> Event {
        Event {
            id: self.id(),
            kind: kind.clone(),
            source: self.dice.pick(&SOURCES).to_owned(),
            time: self.now + SignedDuration::from_millis(1),
            context,
            triggered_id,
            commit: self.dice.percent(20).then(|| CommitId::new(&"c".repeat(40)).unwrap()),
            data: data.as_object().cloned().unwrap(),
            rest: Map::new(),
        }
    }

    pub(super) fn trigger(&mut self) {
        // A crowd hides what a few do.
        if self.rows.open.len() > CROWD && self.dice.percent(80) {
            return;
        }
        let (stage, sequence) = match self.dice.below(25) {
            0 => ("nowhere".to_owned(), "delivery".to_owned()),
            1 => (self.dice.pick(&STAGES).to_owned(), "nothing".to_owned()),
            2 => (self.dice.pick(&STAGES).to_owned(), "evaluation".to_owned()),
            _ => {
                let stages = &self.shipyard.1.stages;
                let stage = &stages[self.dice.below(stages.len())];
                let sequence = &stage.sequences[self.dice.below(stage.sequences.len())];
                (stage.name.to_string(), sequence.name.to_string())
            }
        };
        let project = if self.dice.percent(3) { "nowhere" } else { "tour" };
        let mut data = json!({
            "project": project, "stage": stage, "service": SERVICES[self.dice.below(self.mood.services)],
            "configurationChange": {"values": {"image": format!("hello:v{}", self.dice.below(9))}},
        });
        if self.dice.percent(40) {
            data["result"] = json!(self.dice.pick(&["pass", "warning", "fail", ""]));
            data["message"] = json!("go");
            data["labels"] = json!({"build": "7"});
        }
        let context = match self.dice.percent(self.mood.same_context) {
            true => self.context(),
            false => ContextId::from_bytes(self.dice.bytes()),
        };
        let kind = EventType::new(&format!("sh.keptn.event.{stage}.{sequence}.triggered"));
        let event = self.event(&kind, context, None, data);
        let scope = Scope::of(&event.data).unwrap();
        let by = ada();
        self.send(Input::Triggered { event, scope, by: by.clone() }, &by).unwrap();
    }

    /// An executor does what it should do.
    pub(super) fn execute(&mut self) {
        let open = self.rows.tasks.values().filter(|task| task.state == TaskState::Open);
        let open: Vec<_> = open.map(|task| (task.id, task.context, task.name.clone())).collect();
        let Some((id, context, name)) = self.dice.one_of(open) else { return };
        for phase in [Phase::Started, Phase::Finished] {
            let answer = self.answer_of(id, context, &name, phase, &machine());
            let client_id = Some(self.fresh_client_id());
            self.send_answer(Answer { client_id, ..answer }, phase, &machine());
        }
    }

    /// Somebody answers a task: mostly one that is open, as it should be.
    pub(super) fn answer(&mut self) {
        if self.dice.percent(12) {
            return self.answer_again();
        }
        let open = self.dice.percent(85);
        let tasks = self.rows.tasks.values().filter(|task| !open || task.state != TaskState::Over);
        let found = tasks.map(|task| (task.id, task.context, task.name.clone()));
        let found: Vec<_> = found.collect();
        let Some((id, context, name)) = self.dice.one_of(found) else { return };
        let phase = [Phase::Started, Phase::Finished][self.dice.below(2)];
        // Jobs of ours report their end after their begin, and neither twice.
        let begun = phase == Phase::Started || self.seen.tallies[&id].ours;
        if self.dice.percent(10) {
            let answer = self.forged(id, context, &name, phase);
            return self.send_answer(answer, phase, &machine());
        }
        let by = if begun && self.dice.percent(30) { jobs() } else { machine() };
        let answer = self.answer_of(id, context, &name, phase, &by);
        self.send_answer(answer, phase, &by);
    }

    pub(super) fn answer_of(
        &mut self,
        id: EventId,
        context: ContextId,
        name: &TaskName,
        phase: Phase,
        by: &Principal,
    ) -> Answer {
        let mut data = json!({"project": "tour", "stage": "elsewhere", "service": "hello"});
        if phase == Phase::Finished {
            let good = self.dice.percent(self.mood.good);
            let words = if good { ["pass"; 4] } else { ["warning", "fail", "", "odd"] };
            data["result"] = json!(self.dice.pick(&words));
            let odd = ["succeeded", "errored", "aborted", "odd"];
            data["status"] = json!(self.dice.pick(if good { &odd[..1] } else { &odd }));
            data["message"] = json!("done");
            data[name.as_str()] = json!({"n": self.dice.below(9), "list": ["x"]});
            data["evaluation"] = json!({"result": self.dice.pick(&["pass", "fail"]), "score": 7.5});
        }
        let event = self.event(&EventType::task(name, phase), context, Some(id), data);
        // A job of ours answers a task once, under an id that is always the same.
        let client_id = match by {
            Principal::Builtin(_) => Some(id.uuid()),
            _ => self.dice.percent(80).then(|| event.id.uuid()),
        };
        let source = match by {
            Principal::Builtin(_) => "job-executor-service".to_owned(),
            _ => event.source.clone(),
        };
        let event = Event { source, ..event };
        Answer { event, project: ProjectName::new("tour").unwrap(), client_id }
    }

    fn forged(&mut self, id: EventId, context: ContextId, name: &TaskName, phase: Phase) -> Answer {
        let other = TaskName::new(self.dice.pick(&TASKS)).unwrap();
        let mut answer = self.answer_of(id, context, name, phase, &machine());
        match self.dice.below(5) {
            0 => answer.event.context = self.context(),
            1 => answer.event.kind = EventType::task(&other, phase),
            2 => answer.project = ProjectName::new("nowhere").unwrap(),
            3 => answer.event.triggered_id = None,
            _ => answer.event.triggered_id = Some(self.id()),
        }
        answer
    }

    /// An answer comes again, with the id that its sender gave it.
    fn answer_again(&mut self) {
        let index = self.sent.len().checked_sub(1).map(|last| self.dice.below(last + 1));
        let Some((answer, phase, by)) = index.map(|index| self.sent[index].clone()) else { return };
        let event = Event { id: self.id(), ..answer.event };
        self.send_answer(Answer { event, ..answer }, phase, &by);
    }

    pub(super) fn send_answer(&mut self, answer: Answer, phase: Phase, by: &Principal) {
        self.sent.push((answer.clone(), phase, by.clone()));
        let input = match phase {
            Phase::Finished => Input::Finished(answer),
            Phase::Started | Phase::Triggered => Input::Started(answer),
        };
        self.send(input, by).expect("an event is kept, never refused");
    }

    pub(super) fn vote(&mut self) {
        let Some(approval) = self.dice.one_of(self.rows.approvals.keys().copied()) else { return };
        let by = match self.dice.below(6) {
            0 => jobs(),
            1 => Principal::Wire,
            2 => machine(),
            3 => grace(),
            _ => ada(),
        };
        if self.dice.percent(40) {
            let name = TaskName::new("approval").unwrap();
            let context = self.rows.approvals[&approval].context;
            let phase = [Phase::Started, Phase::Finished, Phase::Finished][self.dice.below(3)];
            let answer = match self.dice.percent(15) {
                true => self.forged(approval, context, &name, phase),
                false => self.answer_of(approval, context, &name, phase, &by),
            };
            return self.send_answer(answer, phase, &by);
        }
        let subject = match self.dice.below(5) {
            0 => None,
            1 => {
                let other = self.dice.one_of(self.rows.approvals.keys().copied());
                other.map(|other| self.rows.subject(other))
            }
            _ => Some(self.rows.subject(approval)),
        };
        let input = Input::Vote {
            project: ProjectName::new("tour").unwrap(),
            approval: if self.dice.percent(3) { self.id() } else { approval },
            decision: [Decision::Approve, Decision::Approve, Decision::Decline][self.dice.below(3)],
            subject,
            comment: Comment::parse(self.dice.pick(&["", "looks good"])).unwrap(),
            source: "test".to_owned(),
        };
        if let Err(refusal) = self.send(input, &by) {
            let odd = matches!(refusal, Refusal::Inconsistent(_) | Refusal::Unreadable(_));
            assert!(!odd, "{refusal}");
        }
    }

    pub(super) fn control(&mut self) {
        let stages: Vec<&str> = STAGES.into_iter().chain(["nowhere"]).collect();
        let stage = self.dice.percent(45).then(|| StageName::new(self.dice.pick(&stages)).unwrap());
        let words = [Control::Pause, Control::Pause, Control::Resume, Control::Resume];
        let control = if self.dice.percent(25) {
            Control::Abort
        } else {
            words[self.dice.below(words.len())]
        };
        let open = self.rows.contexts.values().filter(|context| context.open > 0);
        let open = open.map(|context| context.id).collect::<Vec<_>>();
        let context = match self.dice.percent(85) {
            true => self.dice.one_of(open).unwrap_or_else(|| self.context()),
            false => self.context(),
        };
        let project = ProjectName::new("tour").unwrap();
        let command = Command { control, project, context, stage, after: 0 };
        self.send(Input::Control(command), &grace()).unwrap();
    }

    /// A timer fires: in its time, or too early, or once more.
    pub(super) fn timer(&mut self) {
        let due: Vec<Timer> = match self.dice.below(10) {
            0 => {
                let task = self.dice.one_of(self.rows.tasks.keys().copied());
                task.map(Timer::Unstarted).into_iter().filter(|t| self.is_due(*t)).collect()
            }
            1 => {
                let execution = self.dice.one_of(self.rows.executions.keys().copied());
                let fresh = ExecutionId::from_bytes(self.dice.bytes());
                vec![Timer::Delay(execution.filter(|_| self.dice.percent(80)).unwrap_or(fresh))]
            }
            2..=4 => {
                let all = self.rows.timers.keys().copied().collect::<Vec<_>>();
                let delays = all.into_iter().filter(|timer| !timer.is_expiry());
                delays.collect()
            }
            _ => {
                let timers = self.rows.timers.iter();
                timers.filter(|(_, due)| **due <= self.now).map(|(timer, _)| *timer).collect()
            }
        };
        if let Some(timer) = self.dice.one_of(due) {
            self.fire(timer);
        }
    }

    /// Whether a timer is not set, or its time has come. An expiry never fires before its time.
    fn is_due(&self, timer: Timer) -> bool {
        self.rows.timers.get(&timer).is_none_or(|due| *due <= self.now)
    }

    pub(super) fn fire(&mut self, timer: Timer) {
        let project = ProjectName::new("tour").unwrap();
        let clock_was_set = self.dice.percent(5);
        self.send(Input::TimerDue { project, timer, clock_was_set }, &jobs()).unwrap();
    }

    /// Time passes, or the clock is set.
    pub(super) fn time(&mut self) {
        let seconds = match self.dice.below(12) {
            0 => 86_400,
            1 => -86_400,
            2 => -90,
            3..=5 => 601,
            6..=8 => 31,
            _ => 1,
        };
        if !(0..=601).contains(&seconds) {
            self.seen.starts.clear();
        }
        self.pass_time(SignedDuration::from_secs(seconds));
    }

    /// A shipyard is read that was read before.
    pub(super) fn resolve_again(&mut self) {
        let known = self.executions().map(|execution| (execution.id, execution.scope.clone()));
        let known: Vec<_> = known.collect();
        let Some((execution, scope)) = self.dice.one_of(known) else { return };
        let resolve = crate::sequence::Resolve { execution, scope, requested_commit: None };
        self.resolved(&resolve);
    }

    pub(super) fn record(&mut self) {
        let context = self.context();
        let kinds = ["sh.keptn.event.deployment.status.changed", INVALIDATED, RESTORED];
        let kind = EventType::new(self.dice.pick(&kinds));
        let judged = self.rows.tasks.values().filter(|task| task.name == EVALUATION);
        let judged: Vec<_> = judged.map(|task| task.id).collect();
        let task = self.dice.one_of(judged);
        let event = self.event(&kind, context, task, json!({"project": "tour"}));
        debug_assert!(matches!(event.kind.kind(), EventKind::Other));
        let project = ProjectName::new("tour").unwrap();
        self.send(Input::Record { event, project, reason: None }, &machine()).unwrap();
    }

    /// A client id that nobody has used.
    pub(super) fn fresh_client_id(&mut self) -> Uuid {
        uuid::Builder::from_random_bytes(self.dice.bytes()).into_uuid()
    }
}
