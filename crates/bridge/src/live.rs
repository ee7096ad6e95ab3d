//! The stream that tells a page that it is no longer true. It carries no content: the page asks
//! again, so what it shows has always passed the same checks.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Query, State};
use axum::http::HeaderName;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use tidegate_core::names::{ContextId, EventId, ProjectName};
use tidegate_engine::{Committed, Engine};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use crate::problem::Problem;
use crate::state::BridgeState;
use crate::visitor::Visitor;

/// Most pages that are kept up to date at once.
const STREAMS_MAX: usize = 2000;
/// How often a silent stream says that it lives; proxies cut off what is silent for long.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// How soon a browser comes back after the stream has ended.
const RETRY: Duration = Duration::from_secs(1);
/// Most tasks whose context one stream remembers.
const TASKS_MAX: usize = 1000;

/// The places for streams.
#[derive(Clone)]
pub(crate) struct Streams(Arc<Semaphore>);

impl Default for Streams {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(STREAMS_MAX)))
    }
}

/// What a page is about.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Topic {
    /// Everything.
    All,
    /// One project.
    Project(ProjectName),
    /// One delivery, and the output of its jobs.
    Context(ContextId),
}

impl Topic {
    fn parse(query: &HashMap<String, String>) -> Option<Self> {
        let get = |key: &str| query.get(key);
        if let Some(context) = get("context") {
            return context.parse().ok().map(Self::Context);
        }
        if let Some(project) = get("project") {
            return ProjectName::new(project).ok().map(Self::Project);
        }
        get("inbox").map(|_| Self::All)
    }

    fn covers(&self, committed: &Committed) -> bool {
        match self {
            Self::All => true,
            Self::Project(project) => committed.project == *project,
            Self::Context(context) => committed.context == *context,
        }
    }
}

/// `GET /bridge/live?inbox`, `?project=…`, `?context=…`
pub(crate) async fn stream(
    visitor: Visitor,
    State(state): State<BridgeState>,
    State(streams): State<Streams>,
    Query(query): Query<HashMap<String, String>>,
) -> Result<Response, Problem> {
    let topic = Topic::parse(&query).ok_or(Problem::NotFound("stream"))?;
    let place = streams.0.try_acquire_owned().map_err(|_| Problem::TooManyStreams)?;
    let left = visitor.expires.duration_since(visitor.now).unsigned_abs();
    let listener = Listener {
        topic,
        commits: state.engine.commits(),
        logs: state.logs.subscribe(),
        tasks: HashMap::new(),
        engine: state.engine,
        stopping: state.stopping,
        ends: tokio::time::Instant::now() + left,
        _place: place,
    };
    // The first message says nothing has happened; it makes the browser call the stream open.
    let hello = stream::once(async { Ok(Event::default().comment("open").retry(RETRY)) });
    let news = stream::unfold(listener, |mut listener| async move {
        let news = listener.next().await?;
        // Browsers drop a message without data.
        let event = Event::default().event(news.as_str()).data(news.as_str());
        Some((Ok::<_, Infallible>(event), listener))
    });
    let events = futures_util::StreamExt::chain(hello, news);
    let sse = Sse::new(events).keep_alive(KeepAlive::new().interval(HEARTBEAT));
    Ok(([(HeaderName::from_static("x-accel-buffering"), "no")], sse).into_response())
}

/// What a page is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum News {
    /// Something that it shows has changed.
    Changed,
    /// Messages were lost; everything may have changed.
    Reset,
}

impl News {
    fn as_str(self) -> &'static str {
        match self {
            Self::Changed => "changed",
            Self::Reset => "reset",
        }
    }
}

struct Listener {
    topic: Topic,
    commits: Receiver<Committed>,
    logs: Receiver<EventId>,
    /// Whether a task belongs to the context.
    tasks: HashMap<EventId, bool>,
    engine: Engine,
    stopping: watch::Receiver<bool>,
    ends: tokio::time::Instant,
    _place: OwnedSemaphorePermit,
}

impl Listener {
    /// The next message; none when the stream ends.
    async fn next(&mut self) -> Option<News> {
        loop {
            let heard = tokio::select! {
                // An error means that the sender is gone, which is a stop as well.
                _ = self.stopping.wait_for(|stop| *stop) => return None,
                () = tokio::time::sleep_until(self.ends) => return None,
                committed = self.commits.recv() => Heard::Commit(committed),
                task = recv_open(&mut self.logs) => Heard::Output(task),
            };
            let news = match heard {
                Heard::Commit(Ok(committed)) => {
                    self.topic.covers(&committed).then_some(News::Changed)
                }
                Heard::Output(Ok(task)) => self.concerns(task).await.then_some(News::Changed),
                Heard::Commit(Err(RecvError::Lagged(_))) | Heard::Output(Err(Lagged)) => {
                    Some(News::Reset)
                }
                Heard::Commit(Err(RecvError::Closed)) => return None,
            };
            if let Some(news) = news {
                return Some(self.merge(news));
            }
        }
    }

    /// What has happened meanwhile needs no message of its own.
    fn merge(&mut self, mut news: News) -> News {
        loop {
            match self.commits.try_recv() {
                Ok(_) => {}
                Err(TryRecvError::Lagged(_)) => news = News::Reset,
                Err(TryRecvError::Empty | TryRecvError::Closed) => return news,
            }
        }
    }

    async fn concerns(&mut self, task: EventId) -> bool {
        let Topic::Context(context) = self.topic else { return false };
        if let Some(known) = self.tasks.get(&task) {
            return *known;
        }
        let found = self.engine.read(move |reader| reader.event(task)).await;
        let ours = matches!(found, Ok(Some((_, row))) if row.event.context == context);
        if self.tasks.len() >= TASKS_MAX {
            self.tasks.clear();
        }
        self.tasks.insert(task, ours);
        ours
    }
}

enum Heard {
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
