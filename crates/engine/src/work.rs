//! What the machine is given to do, and what it answers.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::Value;
use tidegate_core::approval::APPROVAL;
use tidegate_core::approval::Decision;
use tidegate_core::built_in::BuiltIn;
use tidegate_core::event::{EventKind, Outcome};
use tidegate_core::names::{ContextId, EventId, ProjectName};
use tidegate_core::principal::Principal;
use tidegate_core::sequence::{Change, Effects, Input, Reply, Resolve};
use tidegate_store::{IdempotencyRow, Write, Written};

use crate::metrics::Fact;

/// Something for the machine to do.
#[derive(Debug, Clone)]
pub enum Work {
    /// Step an input.
    Step(Box<Submission>),
    /// Change rows that no step changes; and who is behind it.
    Write(Write, Principal),
}

/// An input with who is behind it.
#[derive(Debug, Clone)]
pub struct Submission {
    /// What happened.
    pub input: Input,
    /// Who is behind it.
    pub principal: Principal,
    /// The answer to keep for an `Idempotency-Key`.
    pub key: Option<IdempotencyRow>,
}

impl Work {
    /// What must be possible also when the disk is full: to stop, to pause and to say no.
    pub(crate) fn is_essential(&self) -> bool {
        match self {
            Self::Write(..) => false,
            Self::Step(submission) => match &submission.input {
                Input::Control(_) => true,
                Input::Vote { decision, .. } => *decision == Decision::Decline,
                Input::Finished(answer) => {
                    let kind = answer.event.kind.kind();
                    let is_vote = matches!(kind, EventKind::Task { task, .. } if task == APPROVAL);
                    is_vote && !Outcome::of(&answer.event.data).continues()
                }
                Input::Triggered { .. }
                | Input::Resolved { .. }
                | Input::Started(_)
                | Input::Admit { .. }
                | Input::TimerDue { .. }
                | Input::Record { .. } => false,
            },
        }
    }

    /// About how many bytes it brings to the log.
    pub(crate) fn bytes(&self) -> usize {
        match self {
            Self::Write(..) => 0,
            Self::Step(submission) => {
                submission.input.event().map_or(0, |event| event.data.values().map(size).sum())
            }
        }
    }
}

fn size(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => 8,
        Value::String(text) => text.len() + 2,
        Value::Array(items) => items.iter().map(size).sum::<usize>() + 2,
        Value::Object(map) => map.iter().map(|(key, value)| key.len() + size(value) + 4).sum(),
    }
}

/// What of an input the log does not hold already.
pub(crate) fn payload(input: &Input) -> Value {
    use serde_json::json;
    match input {
        Input::Vote { approval, decision, subject, comment, .. } => {
            json!({"approval": approval, "decision": decision, "subject": subject, "comment": comment})
        }
        Input::Control(command) => json!(command),
        Input::Resolved { execution, .. } => json!({"execution": execution}),
        Input::TimerDue { timer, clock_was_set, .. } => {
            json!({"timer": timer, "clockWasSet": clock_was_set})
        }
        Input::Admit { lane } => json!({"lane": lane}),
        Input::Triggered { event, .. } | Input::Record { event, .. } => json!({"event": event.id}),
        Input::Started(answer) | Input::Finished(answer) => {
            json!({"event": answer.event.id, "client": answer.client_id})
        }
    }
}

/// The whole of an input, for one that leaves nothing else behind.
pub(crate) fn whole(input: &Input) -> Value {
    let mut whole = payload(input);
    if let (Some(event), Value::Object(fields)) = (input.event(), &mut whole) {
        fields.insert("event".to_owned(), event.to_value());
    }
    whole
}

/// What the machine did.
#[derive(Debug, Clone, PartialEq)]
pub enum Done {
    /// The input was stepped.
    Stepped(Reply),
    /// The answer that was kept for this idempotency key; nothing was done again.
    Before(String),
    /// The rows were changed.
    Written(Written),
}

/// What a commit changed, for those who wait.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Notice {
    /// Contexts that changed.
    pub contexts: BTreeSet<(ProjectName, ContextId)>,
    /// The parts of Tidegate that were handed something.
    pub deliveries: BTreeSet<BuiltIn>,
    /// When the first delay is due of those that were set.
    pub delay: Option<Timestamp>,
    /// When the first expiry is due of those that were set.
    pub expiry: Option<Timestamp>,
    /// The disk is full: what is not essential was not done.
    pub full: bool,
    /// The store cannot be reached: nothing was done.
    pub unavailable: bool,
    /// Tasks whose jobs shall stop.
    pub cancelled: Vec<EventId>,
    /// Tasks that were forgotten: nobody needs what their jobs have left.
    pub forgotten: Vec<EventId>,
    /// Records that the audit log may have got.
    pub audited: u64,
    /// When an integration is not alive any more may have changed.
    pub integrations: bool,
    /// Sequences whose shipyard has to be fetched first.
    pub resolves: Vec<Resolve>,
    /// The inputs that were stepped, each by its word.
    pub(crate) inputs: Vec<&'static str>,
    /// What is counted of them.
    pub(crate) facts: Vec<Fact>,
}

impl Notice {
    pub(crate) fn of_step(&mut self, input: &Input, effects: &Effects, now: Timestamp) {
        self.inputs.push(input.name());
        self.facts.extend(Fact::of_step(input, effects, now));
        self.audited += effects.audit.len() as u64;
        for entry in &effects.log {
            self.contexts.insert((entry.project.clone(), entry.event.context));
        }
        for change in &effects.changes {
            match change {
                Change::Context(context) => {
                    self.contexts.insert((context.project.clone(), context.id));
                }
                Change::Deliver(delivery) => {
                    self.deliveries.insert(delivery.to);
                }
                Change::Timer(_, timer, due) => {
                    let first = match timer.is_expiry() {
                        true => &mut self.expiry,
                        false => &mut self.delay,
                    };
                    *first = Some(first.map_or(*due, |known| known.min(*due)));
                }
                Change::CancelJobs(_, event) => self.cancelled.push(*event),
                _ => {}
            }
        }
        if let Input::Control(command) = input {
            self.contexts.insert((command.project.clone(), command.context));
        }
    }

    pub(crate) fn of_write(&mut self, write: &Write, written: &Written) {
        self.audited += u64::from(write.may_be_recorded());
        self.integrations |= matches!(write, Write::Integration { .. });
        if let Written::Pruned { tasks, .. } = written {
            self.forgotten.extend(tasks);
        }
    }
}
