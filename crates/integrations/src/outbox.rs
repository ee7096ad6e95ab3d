//! What the engine hands to one part of Tidegate, and what that part answers.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};
use tidegate_core::built_in::BuiltIn;
use tidegate_core::event::{Draft, Event, EventType, SPEC_VERSION};
use tidegate_core::names::{CommitId, ContextId, EventId};
use tidegate_core::principal::Principal;
use tidegate_core::sequence::{Refusal, Reply};
use tidegate_engine::{Engine, Failure};
use tidegate_store::{DeliveryRow, IdempotencyRow, Reader, Write};
use tokio::sync::Mutex;
use uuid::Uuid;

use crate::reading::read;

/// Deliveries that are read at a time.
const PAGE: u64 = 64;
/// How long to wait before the engine is asked again that was too busy or had no space.
pub(crate) const AGAIN: Duration = Duration::from_millis(500);
/// The longest wait before an answer is sent again that met a fault of the server each time: the server
/// keeps each attempt.
const AGAIN_MAX: Duration = Duration::from_mins(10);
/// How long it is known that something was sent before.
const KEPT: SignedDuration = SignedDuration::from_hours(24);

/// The deliveries to one part of Tidegate.
pub(crate) struct Outbox {
    engine: Engine,
    to: BuiltIn,
    queue: Mutex<Queue>,
    closed: AtomicBool,
}

/// Deliveries that were read and not yet handed out. The claim is the position: one process has
/// nobody to share with, and after a restart everything that is not done is handed out again.
struct Queue {
    last: i64,
    ready: VecDeque<DeliveryRow>,
}

/// The event that is answered.
#[derive(Clone, Copy)]
pub(crate) struct Asked {
    /// Its id.
    pub(crate) id: EventId,
    /// Its context.
    pub(crate) context: ContextId,
}

impl From<&Event> for Asked {
    fn from(event: &Event) -> Self {
        Self { id: event.id, context: event.context }
    }
}

/// An event that answers another.
#[derive(Clone)]
pub(crate) struct Answer {
    /// Its type.
    pub(crate) kind: EventType,
    /// Who says so.
    pub(crate) source: &'static str,
    /// The same for each attempt, so that it counts once.
    pub(crate) id: Uuid,
    /// The commit that whoever reads files goes by.
    pub(crate) commit: Option<CommitId>,
    /// What it says.
    pub(crate) data: Map<String, Value>,
}

impl Outbox {
    pub(crate) fn new(engine: Engine, to: BuiltIn) -> Self {
        let queue = Mutex::new(Queue { last: -1, ready: VecDeque::new() });
        Self { engine, to, queue, closed: AtomicBool::new(false) }
    }

    /// The next delivery; waits until there is one.
    pub(crate) async fn next(&self) -> DeliveryRow {
        let mut queue = self.queue.lock().await;
        loop {
            if self.closed.load(Ordering::SeqCst) {
                std::future::pending::<()>().await;
            }
            if let Some(row) = queue.ready.pop_front() {
                return row;
            }
            let (to, after) = (self.to, queue.last);
            let ask = move |reader: &dyn Reader| reader.deliveries(to, after, PAGE);
            let rows = read(&self.engine, "the outbox", ask).await;
            match rows.last() {
                None => self.engine.deliveries(to).await,
                Some(last) => {
                    queue.last = last.id;
                    queue.ready.extend(rows);
                }
            }
        }
    }

    /// A delivery that was handed out before, as it stands now; none where it needs nothing more.
    pub(crate) async fn again(&self, delivery: i64) -> Option<DeliveryRow> {
        let to = self.to;
        let ask = move |reader: &dyn Reader| reader.deliveries(to, delivery - 1, 1);
        let rows = read(&self.engine, "a delivery", ask).await;
        rows.into_iter().find(|row| row.id == delivery)
    }

    /// No delivery is handed out any more.
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
    }

    /// The delivery needs nothing more.
    pub(crate) async fn done(&self, delivery: i64) {
        let done = Write::DeliveryDone(delivery);
        // Where it is not written, it is handed out again at the next start, and finds itself done.
        while let Err(Failure::Busy) = self.engine.write_later(done.clone(), &Principal::tidegate())
        {
            tokio::time::sleep(AGAIN).await;
        }
    }

    /// Sends an answer of a task until it is committed. Whether it counts, or did before.
    ///
    /// # Errors
    /// It is no event: a sentence that says why.
    pub(crate) async fn answer(&self, to: Asked, answer: Answer) -> Result<bool, String> {
        let draft = draft(to, answer)?;
        Ok(self.send(to, draft, None).await)
    }

    /// The same, and where that is no event, another one in its place: what was begun must end, whatever its
    /// answer was meant to be. `plain` makes its data of the reason.
    pub(crate) async fn answer_or(
        &self,
        to: Asked,
        answer: Answer,
        plain: impl FnOnce(String) -> Map<String, Value>,
    ) -> bool {
        let spare = Answer { data: Map::new(), ..answer.clone() };
        match self.answer(to, answer).await {
            Ok(counts) => counts,
            Err(error) => {
                self.answer(to, Answer { data: plain(error), ..spare }).await.unwrap_or_default()
            }
        }
    }

    /// The same for what no task counts, such as the values of an evaluation: it is kept once, however often
    /// it is sent within a day.
    ///
    /// # Errors
    /// It is no event: a sentence that says why.
    pub(crate) async fn record(&self, to: Asked, answer: Answer) -> Result<(), String> {
        let digest: [u8; 32] = Sha256::digest(answer.id.as_bytes()).into();
        let expires = self.engine.now().saturating_add(KEPT).unwrap_or(Timestamp::MAX);
        let key = IdempotencyRow { key: digest, request: digest, answer: String::new(), expires };
        let draft = draft(to, answer)?;
        self.send(to, draft, Some(key)).await;
        Ok(())
    }

    async fn send(&self, because: Asked, draft: Draft, key: Option<IdempotencyRow>) -> bool {
        let by = Principal::built_in(self.to);
        let mut wait = AGAIN;
        loop {
            match self.engine.accept(draft.clone(), &by, key.clone()).await {
                Ok(accepted) => {
                    // No reply: it was accepted before, under the same key.
                    let reply = accepted.reply;
                    return matches!(reply, None | Some(Reply::Accepted | Reply::Repeated));
                }
                Err(Failure::Busy | Failure::Full) => tokio::time::sleep(AGAIN).await,
                // The process ends, or its store did: the next start does all of this again.
                Err(Failure::Stopping | Failure::OutcomeUnknown) => std::future::pending().await,
                // Nobody else says how it ended, and a sequence or a lane waits for it.
                Err(error) if is_fault(&error) => {
                    let (event, wait_s) = (because.id, wait.as_secs_f64());
                    tracing::error!(%error, event.id = %event, wait_s, "an answer met a fault; it is sent again");
                    tokio::time::sleep(wait).await;
                    wait = (wait * 2).min(AGAIN_MAX);
                }
                Err(error) => {
                    tracing::error!(%error, event.id = %because.id, "an answer was refused");
                    return false;
                }
            }
        }
    }
}

fn draft(to: Asked, answer: Answer) -> Result<Draft, String> {
    let Answer { kind, source, id, commit, data } = answer;
    let mut body = json!({
        "id": id,
        "type": kind,
        "source": source,
        "shkeptncontext": to.context,
        "shkeptnspecversion": SPEC_VERSION,
        "triggeredid": to.id,
        "data": data,
    });
    if let Some(commit) = commit {
        body["gitcommitid"] = json!(commit);
    }
    Draft::from_value(body).map_err(|error| error.to_string())
}

/// Whether it was not the answer that was wrong.
fn is_fault(failure: &Failure) -> bool {
    matches!(
        failure,
        Failure::Internal(_) | Failure::Store(_) | Failure::Refused(Refusal::Unreadable(_))
    )
}
