//! What one stream waits for.

use std::collections::HashMap;

use axum::response::sse::Event;
use tidegate_core::names::{ContextId, EventId};
use tidegate_engine::{Committed, Engine, Follower, Missed, Position};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::time::Instant;

use super::topic::Topic;
use crate::state::BridgeState;
use crate::visitor::Visitor;

/// Most tasks whose context one stream remembers.
const TASKS_MAX: usize = 1000;

/// A message of the stream.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum News {
    /// Pages about these are no longer true.
    Changed(Vec<String>, Position),
    /// Messages were lost; everything may have changed.
    Reset(Position),
    /// The session has ended.
    Over,
}

impl News {
    /// The message as it is sent.
    pub(super) fn event(self) -> Event {
        match self {
            Self::Changed(topics, position) => {
                let topics = serde_json::Value::from(topics).to_string();
                Event::default().event("changed").id(position.to_string()).data(topics)
            }
            Self::Reset(position) => {
                Event::default().event("reset").id(position.to_string()).data("reset")
            }
            Self::Over => Event::default().event("over").data("over"),
        }
    }
}

/// Where a stream stands.
pub(super) struct Listener {
    topics: Vec<Topic>,
    commits: Follower,
    logs: Receiver<EventId>,
    /// The delivery that a task belongs to.
    tasks: HashMap<EventId, Option<ContextId>>,
    engine: Engine,
    session: [u8; 32],
    ended: Receiver<[u8; 32]>,
    stopping: watch::Receiver<bool>,
    expires: Instant,
    is_over: bool,
    _place: OwnedSemaphorePermit,
}

impl Listener {
    /// A stream about `topics` whose pages have seen everything up to `seen`.
    pub(super) fn new(
        topics: Vec<Topic>,
        seen: Position,
        visitor: &Visitor,
        state: BridgeState,
        ended: Receiver<[u8; 32]>,
        place: OwnedSemaphorePermit,
    ) -> Self {
        let left = visitor.expires.duration_since(visitor.now).unsigned_abs();
        Self {
            topics,
            commits: state.engine.follow(seen),
            logs: state.logs.subscribe(),
            tasks: HashMap::new(),
            engine: state.engine,
            session: visitor.session,
            ended,
            stopping: state.stopping,
            expires: Instant::now() + left,
            is_over: false,
            _place: place,
        }
    }

    /// The next message; none when the stream ends.
    pub(super) async fn next(&mut self) -> Option<News> {
        if self.is_over {
            return None;
        }
        loop {
            let heard = tokio::select! {
                // An error means that the sender is gone, which is a stop as well.
                _ = self.stopping.wait_for(|stop| *stop) => return None,
                () = tokio::time::sleep_until(self.expires) => Heard::End(Ok(self.session)),
                ended = self.ended.recv() => Heard::End(ended),
                missed = self.commits.next() => Heard::Commits(missed),
                task = recv_open(&mut self.logs) => Heard::Output(task),
            };
            match heard {
                Heard::End(Ok(session)) if session == self.session => {
                    self.is_over = true;
                    return Some(News::Over);
                }
                Heard::End(Ok(_)) => {}
                // It may have been this one: the browser comes back and is told.
                Heard::End(Err(_)) | Heard::Commits(None) => return None,
                Heard::Commits(Some(Missed::Unknown)) | Heard::Output(Err(Lagged)) => {
                    return Some(News::Reset(self.commits.position()));
                }
                Heard::Commits(Some(Missed::These(these))) => {
                    if let Some(news) = self.changed(&these) {
                        return Some(news);
                    }
                }
                Heard::Output(Ok(task)) => {
                    if let Some(news) = self.output(task).await {
                        return Some(news);
                    }
                }
            }
        }
    }

    /// The pages that commits concern.
    fn changed(&self, these: &[Committed]) -> Option<News> {
        let is_news = |topic: &&Topic| these.iter().any(|one| topic.covers(one));
        let changed: Vec<String> =
            self.topics.iter().filter(is_news).map(ToString::to_string).collect();
        (!changed.is_empty()).then_some(News::Changed(changed, self.commits.position()))
    }

    /// The output of a job concerns its delivery's own page only.
    async fn output(&mut self, task: EventId) -> Option<News> {
        let wants = |topic: &&Topic| matches!(topic, Topic::Context(_));
        if !self.topics.iter().any(|topic| wants(&topic)) {
            return None;
        }
        let page = Topic::Context(self.context(task).await?);
        let is_open = self.topics.contains(&page);
        is_open.then(|| News::Changed(vec![page.to_string()], self.commits.position()))
    }

    async fn context(&mut self, task: EventId) -> Option<ContextId> {
        if let Some(known) = self.tasks.get(&task) {
            return *known;
        }
        let found = self.engine.read(move |reader| reader.event(task)).await;
        let context = found.ok().flatten().map(|(_, row)| row.event.context);
        if self.tasks.len() >= TASKS_MAX {
            self.tasks.clear();
        }
        self.tasks.insert(task, context);
        context
    }
}

enum Heard {
    /// A session has ended.
    End(Result<[u8; 32], RecvError>),
    Commits(Option<Missed>),
    Output(Result<EventId, Lagged>),
}

struct Lagged;

/// Waits for ever once there is no sender any more: jobs may be switched off.
async fn recv_open(logs: &mut Receiver<EventId>) -> Result<EventId, Lagged> {
    match logs.recv().await {
        Ok(task) => Ok(task),
        Err(RecvError::Lagged(_)) => Err(Lagged),
        Err(RecvError::Closed) => std::future::pending().await,
    }
}
