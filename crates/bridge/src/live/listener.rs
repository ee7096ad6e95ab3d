//! What one stream waits for.

use std::collections::{HashMap, VecDeque};

use axum::response::sse::Event;
use tidegate_core::names::{ContextId, EventId};
use tidegate_engine::{Committed, Engine, Missed, Position};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};
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
    /// How far it has come.
    position: Position,
    /// What has not been looked at.
    missed: VecDeque<Committed>,
    is_lost: bool,
    commits: Receiver<Committed>,
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
        let (commits, missed) = state.engine.commits_since(seen);
        let (missed, is_lost) = match missed {
            Missed::These(these) => (these.into(), false),
            Missed::Unknown => (VecDeque::new(), true),
        };
        Self {
            topics,
            position: seen,
            missed,
            is_lost,
            commits,
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
            if let Some(news) = self.merge() {
                return Some(news);
            }
            let heard = tokio::select! {
                // An error means that the sender is gone, which is a stop as well.
                _ = self.stopping.wait_for(|stop| *stop) => return None,
                () = tokio::time::sleep_until(self.expires) => Heard::End(Ok(self.session)),
                ended = self.ended.recv() => Heard::End(ended),
                committed = self.commits.recv() => Heard::Commit(committed),
                task = recv_open(&mut self.logs) => Heard::Output(task),
            };
            match heard {
                Heard::End(Ok(session)) if session == self.session => {
                    self.is_over = true;
                    return Some(News::Over);
                }
                Heard::End(Ok(_)) => {}
                // It may have been this one: the browser comes back and is told.
                Heard::End(Err(_)) | Heard::Commit(Err(RecvError::Closed)) => return None,
                Heard::Commit(Ok(committed)) => self.missed.push_back(committed),
                Heard::Commit(Err(RecvError::Lagged(_))) | Heard::Output(Err(Lagged)) => {
                    self.is_lost = true;
                }
                Heard::Output(Ok(task)) => {
                    if let Some(news) = self.output(task).await {
                        return Some(news);
                    }
                }
            }
        }
    }

    /// What there is to say of all commits that are known by now, in one message.
    fn merge(&mut self) -> Option<News> {
        loop {
            match self.commits.try_recv() {
                Ok(committed) => self.missed.push_back(committed),
                Err(TryRecvError::Lagged(_)) => self.is_lost = true,
                Err(TryRecvError::Empty | TryRecvError::Closed) => break,
            }
        }
        if std::mem::take(&mut self.is_lost) {
            self.missed.clear();
            self.position = self.engine.position();
            return Some(News::Reset(self.position));
        }
        let news: Vec<Committed> = self.missed.drain(..).collect();
        self.position = news.last().map_or(self.position, |last| last.position);
        let is_news = |topic: &&Topic| news.iter().any(|committed| topic.covers(committed));
        let changed: Vec<String> =
            self.topics.iter().filter(is_news).map(ToString::to_string).collect();
        (!changed.is_empty()).then_some(News::Changed(changed, self.position))
    }

    /// The output of a job concerns its delivery's own page only.
    async fn output(&mut self, task: EventId) -> Option<News> {
        let wants = |topic: &&Topic| matches!(topic, Topic::Context(_));
        if !self.topics.iter().any(|topic| wants(&topic)) {
            return None;
        }
        let page = Topic::Context(self.context(task).await?);
        let is_open = self.topics.contains(&page);
        is_open.then(|| News::Changed(vec![page.to_string()], self.position))
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
    Commit(Result<Committed, RecvError>),
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
