//! The machine: batches of work against a store, one commit each. No thread, no clock of its own.

use std::collections::{BTreeSet, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use jiff::Timestamp;
use tidegate_core::names::{ContextId, EventId, ProjectName};
use tidegate_core::principal::Principal;
use tidegate_core::sequence::{
    Change, Effects, Env, Input, Refusal, Reply, Resolution, Resolve, step,
};
use tidegate_store::{Home, IdempotencyRow, InputRecord, StoreError, Write, Written};
use uuid::Uuid;

use crate::failure::Failure;
use crate::port::{Clock, Entropy, Resolved, Resolver};

/// Most steps of one commit for one input, and for all that wait since earlier ones; the rest go on in
/// the next, so that nobody waits long behind them.
const FOLLOW_ON_MAX: usize = 500;

/// Digits of the reference that ties an internal error to its lines in the log.
const REFERENCE_DIGITS: usize = 12;

/// Something for the machine to do.
#[derive(Debug, Clone)]
pub enum Work {
    /// Step an input.
    Step(Box<Submission>),
    /// Change rows that no step changes.
    Write(Write),
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
    /// Tasks were handed to the built-in executors.
    pub deliveries: bool,
    /// Some execution shall be woken at a time.
    pub delays: bool,
    /// The disk is full: nothing was done.
    pub full: bool,
    /// Tasks whose jobs shall stop.
    pub cancelled: Vec<EventId>,
}

/// The sequence machine on top of a store.
pub struct Machine<H, R> {
    home: H,
    resolver: R,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    backlog: VecDeque<(Input, Principal)>,
}

/// A batch could not be finished as it stands.
enum Stop {
    /// This one panicked; the others can go on without it.
    Poisoned(Place, String),
    /// The store failed; nobody can go on.
    Store(StoreError),
}

/// Where an input stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Among those that wait since an earlier commit.
    Backlog(usize),
    /// Among the work of this batch.
    Work(usize),
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl<H: Home, R: Resolver> Machine<H, R> {
    /// A machine on a home that nobody else writes to.
    pub fn new(home: H, resolver: R, clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>) -> Self {
        Self { home, resolver, clock, entropy, backlog: VecDeque::new() }
    }

    /// Whether follow-on inputs wait for the next commit.
    #[must_use]
    pub fn has_backlog(&self) -> bool {
        !self.backlog.is_empty()
    }

    /// Puts an input behind those that wait. Used at start, for what a crash left undone.
    pub fn resume(&mut self, input: Input, principal: Principal) {
        self.backlog.push_back((input, principal));
    }

    /// Reads the shipyard for an execution that a crash left without one.
    pub fn resume_resolve(&mut self, resolve: &Resolve) {
        let input = self.resolve(resolve);
        self.backlog.extend(input.map(|input| (input, Principal::Shared)));
    }

    /// Reads a shipyard. A fault of the reader is a shipyard that cannot be read.
    fn resolve(&mut self, resolve: &Resolve) -> Option<Input> {
        let Resolve { execution, scope, requested_commit } = resolve;
        let resolver = &mut self.resolver;
        let found =
            catch_unwind(AssertUnwindSafe(|| resolver.resolve(scope, requested_commit.as_ref())));
        let resolution = match found {
            Ok(Resolved::Now(resolution)) => resolution,
            Ok(Resolved::Later) => return None,
            Err(panic) => Resolution::Failed(panic_text(&*panic)),
        };
        let (project, execution) = (scope.project.clone(), *execution);
        Some(Input::Resolved { project, execution, resolution })
    }

    /// Does all work in one commit and answers each piece, in order. After `Err` nothing of the batch
    /// may be taken as done, and the caller must not go on with this home.
    ///
    /// # Errors
    /// The commit failed and its outcome is unknown.
    pub fn batch(
        &mut self,
        work: &[Work],
    ) -> Result<(Vec<Result<Done, Failure>>, Notice), StoreError> {
        let mut answers: Vec<Option<Result<Done, Failure>>> = work.iter().map(|_| None).collect();
        let mut backlog = self.backlog.clone();
        loop {
            match self.attempt(work, &mut answers) {
                Ok(notice) => {
                    match self.home.commit() {
                        Ok(()) => {}
                        // Nothing was written; the same work may succeed later.
                        Err(StoreError::Full(_)) => {
                            self.backlog = backlog;
                            return Ok((full(work), Notice { full: true, ..Notice::default() }));
                        }
                        Err(error) => return Err(error),
                    }
                    let answers = answers.into_iter().map(|answer| {
                        answer.unwrap_or_else(|| Err(Failure::Internal("no answer".to_owned())))
                    });
                    return Ok((answers.collect(), notice));
                }
                Err(Stop::Poisoned(place, cause)) => {
                    self.home.rollback();
                    let reference = Uuid::from_bytes(self.entropy.seed()).simple().to_string();
                    let reference = reference[..REFERENCE_DIGITS].to_owned();
                    tracing::error!(reference, cause, "an input made the sequence machine panic");
                    match place {
                        Place::Work(index) => {
                            answers[index] = Some(Err(Failure::Internal(reference)));
                        }
                        Place::Backlog(index) => {
                            // Nobody can be told; the log has to do.
                            let dropped = backlog.remove(index).map(|(input, _)| input);
                            tracing::error!(reference, ?dropped, "a follow-on input is dropped");
                        }
                    }
                    self.backlog.clone_from(&backlog);
                    // The rest is done again, without what panicked.
                    for slot in &mut answers {
                        if !matches!(slot, Some(Err(Failure::Internal(_)))) {
                            *slot = None;
                        }
                    }
                }
                Err(Stop::Store(StoreError::Full(_))) => {
                    self.home.rollback();
                    self.backlog = backlog;
                    return Ok((full(work), Notice { full: true, ..Notice::default() }));
                }
                Err(Stop::Store(error)) => {
                    self.home.rollback();
                    return Err(error);
                }
            }
        }
    }

    fn attempt(
        &mut self,
        work: &[Work],
        answers: &mut [Option<Result<Done, Failure>>],
    ) -> Result<Notice, Stop> {
        let mut notice = Notice::default();
        self.home.begin()?;
        let mut left = FOLLOW_ON_MAX;
        for index in 0..self.backlog.len() {
            if left == 0 {
                break;
            }
            let Some((input, principal)) = self.backlog.pop_front() else { break };
            let place = Place::Backlog(index);
            if let Err(refusal) = self.run(input, &principal, place, &mut left, &mut notice)? {
                tracing::error!(%refusal, "a follow-on input was refused");
            }
        }
        for (index, work) in work.iter().enumerate() {
            if answers[index].is_some() {
                continue;
            }
            answers[index] = Some(match work {
                Work::Write(write) => Ok(Done::Written(self.home.write(write)?)),
                Work::Step(submission) => self.submit(submission, index, &mut notice)?,
            });
        }
        Ok(notice)
    }

    fn submit(
        &mut self,
        submission: &Submission,
        index: usize,
        notice: &mut Notice,
    ) -> Result<Result<Done, Failure>, Stop> {
        if let Some(key) = &submission.key
            && let Some(kept) = self.home.kept_answer(&key.key, self.clock.now())?
        {
            return Ok(if kept.request == key.request {
                Ok(Done::Before(kept.answer))
            } else {
                Err(Failure::KeyReused)
            });
        }
        let (input, principal) = (submission.input.clone(), &submission.principal);
        let mut left = FOLLOW_ON_MAX;
        let reply = self.run(input, principal, Place::Work(index), &mut left, notice)?;
        if let (Ok(_), Some(key)) = (&reply, &submission.key) {
            self.home.write(&Write::Idempotency(key.clone()))?;
        }
        Ok(reply.map(Done::Stepped).map_err(Failure::Refused))
    }

    /// Steps an input and what follows from it, as far as `left` steps go. A refusal of the input itself leaves no
    /// trace; what follows from an accepted input is never refused by the rules.
    fn run(
        &mut self,
        input: Input,
        principal: &Principal,
        place: Place,
        left: &mut usize,
        notice: &mut Notice,
    ) -> Result<Result<Reply, Refusal>, Stop> {
        let mut queue = VecDeque::from([input]);
        let mut reply = None;
        while let Some(input) = queue.pop_front() {
            if *left == 0 {
                queue.push_front(input);
                self.backlog.extend(queue.into_iter().map(|input| (input, principal.clone())));
                break;
            }
            *left -= 1;
            let env = Env {
                now: self.clock.now(),
                principal: principal.clone(),
                seed: self.entropy.seed(),
            };
            let home = &self.home;
            let stepped = catch_unwind(AssertUnwindSafe(|| step(home, &input, &env)));
            let effects = match stepped {
                Ok(Ok(effects)) => effects,
                Ok(Err(refusal)) if reply.is_none() => return Ok(Err(refusal)),
                Ok(Err(refusal)) => return Err(Stop::Poisoned(place, refusal.to_string())),
                Err(panic) => return Err(Stop::Poisoned(place, panic_text(&*panic))),
            };
            let record = InputRecord {
                name: input.name(),
                project: input.project(),
                env: &env,
                payload: payload(&input),
            };
            match self.home.apply(&record, &effects) {
                Err(error @ StoreError::Damaged { .. }) => {
                    return Err(Stop::Poisoned(place, error.to_string()));
                }
                applied => applied?,
            }
            note(&input, &effects, notice);
            queue.extend(effects.resolve.as_ref().and_then(|resolve| self.resolve(resolve)));
            queue.extend(effects.follow_on);
            reply.get_or_insert(effects.answer);
        }
        Ok(Ok(reply.unwrap_or_default()))
    }

    /// The time by the machine's clock.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }
}

fn full(work: &[Work]) -> Vec<Result<Done, Failure>> {
    work.iter().map(|_| Err(Failure::Full)).collect()
}

/// What the log does not hold already.
fn payload(input: &Input) -> String {
    match input {
        Input::Vote { approval, decision, subject, comment, .. } => {
            serde_json::json!({"approval": approval, "decision": decision, "subject": subject, "comment": comment})
                .to_string()
        }
        Input::Abort { context, stage, .. } => {
            serde_json::json!({"context": context, "stage": stage}).to_string()
        }
        Input::Resolved { execution, .. } | Input::DelayOver { execution, .. } => {
            serde_json::json!({"execution": execution}).to_string()
        }
        Input::Admit { lane } => serde_json::json!({"lane": lane}).to_string(),
        Input::Triggered { event, .. } | Input::Record { event, .. } => {
            serde_json::json!({"event": event.id}).to_string()
        }
        Input::Started(answer) | Input::Finished(answer) => {
            serde_json::json!({"event": answer.event.id, "client": answer.client_id}).to_string()
        }
    }
}

fn note(input: &Input, effects: &Effects, notice: &mut Notice) {
    for entry in &effects.log {
        notice.contexts.insert((entry.project.clone(), entry.event.context));
    }
    for change in &effects.changes {
        match change {
            Change::Context(context) => {
                notice.contexts.insert((context.project.clone(), context.id));
            }
            Change::Deliver(_) => notice.deliveries = true,
            Change::Delay(..) => notice.delays = true,
            Change::CancelJobs(_, event) => notice.cancelled.push(*event),
            _ => {}
        }
    }
    if let Input::Abort { project, context, .. } = input {
        notice.contexts.insert((project.clone(), *context));
    }
}

pub(crate) fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic without a message".to_owned())
}
