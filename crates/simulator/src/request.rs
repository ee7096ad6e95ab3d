//! What is asked of the server, and what it answers.

use std::fmt;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use tidegate_core::approval::{Decision, Subject};
use tidegate_core::event::Draft;
use tidegate_core::names::{ContextId, EventId, ProjectName, StageName};
use tidegate_core::principal::Principal;
use tidegate_core::sequence::{Command, Input, Refusal, Reply, Resolution, Resolve};
use tidegate_core::shipyard::Shipyard;
use tidegate_engine::{Done, Failure, Submission, Work, input_of};
use tidegate_store::{IdempotencyRow, Intent, NewProject, Write, Written};
use uuid::Uuid;

/// The number of a request; what it puts into the log carries the number in this field.
pub(crate) type RequestId = usize;
pub(crate) const MARK: &str = "request";
/// And the id that its sender gave it, in this one.
pub(crate) const CLIENT: &str = "client";

/// What is asked.
#[derive(Debug, Clone)]
pub(crate) enum Op {
    /// Accept an event, as on Keptn's public route.
    Event { body: Value, key: Option<Key> },
    /// Decide an approval on Tidegate's own route.
    Vote { project: ProjectName, approval: EventId, decision: Decision, subject: Option<Subject> },
    /// Pause, resume or abort.
    Control(Command),
    /// Create a project; its files are written between two commits.
    Create(NewProject),
    /// What parts of the server itself write.
    Write(Write),
    /// A shipyard that came from elsewhere.
    Resolved(Box<Resolve>, Resolution),
}

/// An `Idempotency-Key`, and what was asked under it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Key {
    pub(crate) key: [u8; 32],
    pub(crate) request: [u8; 32],
}

/// Who is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Owner {
    /// Somebody on the other side of the network.
    Client,
    /// The built-in executor, about this task.
    Job(EventId, JobStep),
    /// Whoever carries out the creation of a project that this client asked for, if it is still there.
    Saga(Option<RequestId>),
    /// Whoever takes over a shipyard that was pushed.
    Push,
    /// Whoever asks elsewhere for shipyards.
    Upstream,
}

/// Where the built-in executor is with a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum JobStep {
    Started,
    Finished,
    Done,
}

/// A request.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) op: Op,
    pub(crate) by: Principal,
    pub(crate) owner: Owner,
    /// How often it was sent.
    pub(crate) sent: u32,
    /// The last answer that arrived, once nothing more is to be done.
    pub(crate) settled: Option<Answer>,
}

impl Request {
    /// Whether asking again can do no harm: then its sender does until it is answered.
    pub(crate) fn may_repeat(&self) -> bool {
        match &self.op {
            Op::Event { body, key } => key.is_some() || body.get("id").is_some(),
            Op::Vote { .. } | Op::Control(_) | Op::Create(_) | Op::Write(_) | Op::Resolved(..) => {
                true
            }
        }
    }
}

/// What the server says.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Answer {
    /// The event is kept.
    Accepted {
        context: ContextId,
        event: EventId,
        reply: Reply,
    },
    /// The key was used before; this was the answer.
    Before {
        context: ContextId,
        event: EventId,
    },
    /// A vote or a control was taken.
    Stepped(Reply),
    /// Rows were written.
    Written(Written),
    /// The rules say no.
    Refused(Refusal),
    /// Nothing was done; try again later.
    Full,
    Busy,
    /// The key was used with something else.
    KeyReused,
    /// A fault of the server.
    Internal(String),
}

impl Answer {
    /// Whether the same request may be answered otherwise later.
    pub(crate) fn is_passing(&self) -> bool {
        match self {
            Self::Full | Self::Busy => true,
            // The row may be readable again.
            Self::Refused(Refusal::Unreadable(_)) => true,
            Self::Accepted { .. }
            | Self::Before { .. }
            | Self::Stepped(_)
            | Self::Written(_)
            | Self::Refused(_)
            | Self::KeyReused
            | Self::Internal(_) => false,
        }
    }

    /// Whether nothing came of the request.
    pub(crate) fn says_nothing_happened(&self) -> bool {
        match self {
            Self::Full | Self::Busy | Self::KeyReused | Self::Refused(_) | Self::Internal(_) => {
                true
            }
            Self::Accepted { .. } | Self::Before { .. } | Self::Stepped(_) | Self::Written(_) => {
                false
            }
        }
    }
}

/// The same for every run: short, and without what only Rust programmers read.
impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Accepted { event, reply, .. } => write!(f, "{} as {event}", words(reply)),
            Self::Before { event, .. } => write!(f, "answered before, as {event}"),
            Self::Stepped(reply) => f.write_str(&words(reply)),
            Self::Written(written) => write!(f, "written: {written:?}"),
            Self::Refused(refusal) => write!(f, "refused: {refusal}"),
            Self::Full => f.write_str("the disk is full"),
            Self::Busy => f.write_str("busy"),
            Self::KeyReused => f.write_str("the key was used with something else"),
            Self::Internal(reference) => write!(f, "internal error {reference}"),
        }
    }
}

fn words(reply: &Reply) -> String {
    match reply {
        Reply::Accepted => "accepted".to_owned(),
        Reply::Repeated => "repeated".to_owned(),
        Reply::Kept(reason) => format!("kept: {reason}"),
        Reply::Decided(decided) => format!("{} by {}", decided.decision.done(), decided.by),
    }
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Event { body, key } => {
                let field = |name: &str| body[name].as_str().unwrap_or("-").to_owned();
                let keyed = if key.is_some() { " with a key" } else { "" };
                let (kind, source) = (field("type"), field("source"));
                let (of, data) = (field("triggeredid"), &body["data"]);
                let kind = kind.trim_start_matches("sh.keptn.event.");
                let (result, status) = (&data["result"], &data["status"]);
                write!(f, "{kind} by {source} for {of} {result} {status}{keyed}")
            }
            Self::Vote { approval, decision, subject, .. } => {
                let seen = if subject.is_some() { "seen" } else { "blind" };
                write!(f, "vote: {} {approval}, {seen}", decision.done())
            }
            Self::Control(Command { control, context, stage, .. }) => {
                let stage = stage.as_ref().map_or("all", StageName::as_str);
                write!(f, "{} {context}, {stage}", control.as_str())
            }
            Self::Create(new) => write!(f, "create project {}", new.name),
            Self::Resolved(resolve, Resolution::Read { commit, .. }) => {
                write!(f, "the shipyard of {} is {commit}", resolve.execution)
            }
            Self::Resolved(resolve, Resolution::Failed(why)) => {
                write!(f, "the shipyard of {}: {why}", resolve.execution)
            }
            Self::Write(write) => match write {
                Write::Snapshot { project, commit, .. } => {
                    write!(f, "shipyard of {project} at {commit}")
                }
                Write::Complete { intent, .. } => write!(f, "complete saga {intent}"),
                Write::DeliveryDone(id) => write!(f, "delivery {id} is done"),
                other => write!(f, "{other:?}"),
            },
        }
    }
}

/// A request that has arrived, with the ids that the server gave it.
#[derive(Debug, Clone)]
pub(crate) struct Arrived {
    pub(crate) request: RequestId,
    pub(crate) work: Work,
    given: Option<(ContextId, EventId)>,
}

impl Arrived {
    /// What the edge of a server makes of a request.
    pub(crate) fn new(id: RequestId, request: &Request, now: Timestamp, ids: [Uuid; 2]) -> Self {
        let by = request.by.clone();
        let step =
            |input, key| Work::Step(Box::new(Submission { input, principal: by.clone(), key }));
        let (work, given) = match &request.op {
            Op::Event { body, key } => {
                let mut body = body.clone();
                body[MARK] = Value::from(id.to_string());
                if let Some(client) = body.get("id").cloned() {
                    body[CLIENT] = client;
                }
                let draft = Draft::from_value(body).expect("what is sent can be parsed");
                let client_id = draft.client_id;
                let event = draft.into_event(EventId::from(ids[0]), now, ContextId::from(ids[1]));
                let given = (event.context, event.id);
                let key = key.map(|Key { key, request }| {
                    let answer = format!("{} {}", given.0, given.1);
                    let expires = now.saturating_add(SignedDuration::from_hours(24));
                    IdempotencyRow { key, request, answer, expires: expires.unwrap_or(now) }
                });
                (step(input_of(event, &by, client_id), key), Some(given))
            }
            Op::Vote { project, approval, decision, subject } => {
                let input = Input::Vote {
                    project: project.clone(),
                    approval: *approval,
                    decision: *decision,
                    subject: *subject,
                    comment: None,
                    source: "bridge".to_owned(),
                };
                (step(input, None), None)
            }
            Op::Control(command) => (step(Input::Control(command.clone()), None), None),
            Op::Create(new) => {
                let intent = Intent::CreateProject(new.clone());
                (Work::Write(Write::Begin(intent, Vec::new()), by), None)
            }
            Op::Write(write) => (Work::Write(write.clone(), by), None),
            Op::Resolved(resolve, resolution) => {
                let (project, execution) = (resolve.scope.project.clone(), resolve.execution);
                let resolution = resolution.clone();
                (step(Input::Resolved { project, execution, resolution }, None), None)
            }
        };
        Self { request: id, work, given }
    }

    /// What the edge of a server answers.
    pub(crate) fn answer(&self, done: Result<Done, Failure>) -> Answer {
        match (done, self.given) {
            (Ok(Done::Stepped(reply)), Some((context, event))) => {
                Answer::Accepted { context, event, reply }
            }
            (Ok(Done::Stepped(reply)), None) => Answer::Stepped(reply),
            (Ok(Done::Before(kept)), _) => match kept.split_once(' ') {
                Some((context, event)) => Answer::Before {
                    context: context.parse().expect("it was kept as one"),
                    event: event.parse().expect("it was kept as one"),
                },
                None => Answer::Internal("a kept answer is damaged".to_owned()),
            },
            (Ok(Done::Written(written)), _) => Answer::Written(written),
            (Err(Failure::Refused(refusal)), _) => Answer::Refused(refusal),
            (Err(Failure::Full), _) => Answer::Full,
            (Err(Failure::KeyReused), _) => Answer::KeyReused,
            (Err(other), _) => Answer::Internal(other.to_string()),
        }
    }
}

/// A project to be created with this shipyard.
pub(crate) fn new_project(name: &ProjectName, shipyard: &str) -> NewProject {
    let parsed = Shipyard::parse(shipyard).expect("only valid ones are drawn");
    let stages = parsed.stages.into_iter().map(|stage| stage.name).collect();
    NewProject { name: name.clone(), shipyard: shipyard.to_owned(), stages, upstream: None }
}
