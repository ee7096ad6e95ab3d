//! `GET /api/tidegate/v1/live?context=…`, `?project=…`: a stream of server-sent events that says *that*
//! something has changed. It carries no content: whoever listens asks again, so that what is shown has
//! passed the same checks as ever.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::{StreamExt as _, stream};
use tidegate_core::names::{ContextId, ProjectName};
use tidegate_engine::Committed;
use tidegate_identity::{Secret, Tokens};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use crate::auth::token;
use crate::error::ApiError;
use crate::openapi::answers::{Guarded, Parsed};
use crate::openapi::wire;
use crate::query::Query;
use crate::state::ApiState;

/// Most streams at once.
const STREAMS_MAX: usize = 1000;
/// How often a silent stream says that it lives; proxies cut off what is silent for long.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// How soon a listener comes back after the stream has ended.
const RETRY: Duration = Duration::from_secs(1);
/// How long a stream lasts. Whoever comes back is asked for the token again.
const LIFETIME: Duration = Duration::from_secs(3600);
/// When there may be a place again.
const FULL_S: u64 = 5;

/// The places for streams. Clones share them.
#[derive(Clone)]
pub struct Streams(Arc<Semaphore>);

impl Streams {
    /// So many places.
    #[must_use]
    pub fn new(places: usize) -> Self {
        Self(Arc::new(Semaphore::new(places)))
    }
}

impl Default for Streams {
    fn default() -> Self {
        Self::new(STREAMS_MAX)
    }
}

/// What a listener wants to hear of.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Topic {
    /// One sequence.
    Context(ContextId),
    /// One project.
    Project(ProjectName),
}

impl Topic {
    fn parse(query: &Query) -> Result<Self, ApiError> {
        let context = query.strict("context")?.map(Self::Context);
        let project = query.strict("project")?.map(Self::Project);
        match (context, project) {
            (Some(topic), None) | (None, Some(topic)) => Ok(topic),
            _ => Err(ApiError::format("name what to listen to: context=ID or project=NAME")),
        }
    }

    fn covers(&self, committed: &Committed) -> bool {
        match self {
            Self::Context(context) => committed.context == *context,
            Self::Project(project) => committed.project == *project,
        }
    }
}

/// Says that something of a sequence or a project has changed, as server-sent events
///
/// `open` comes first: from then on nothing is missed. `changed` says that there is something new to ask for,
/// `reset` that messages were lost. A comment every 15 seconds says that the stream lives. It ends after an
/// hour, when the server stops, and when the token is revoked.
#[utoipa::path(get, path = "/api/tidegate/v1/live", operation_id = "listen", tag = "Following",
    params(
        ("context" = Option<wire::ContextId>, Query,
            description = "Listen to this sequence; either this or `project`."),
        ("project" = Option<wire::ProjectName>, Query, description = "Listen to this project."),
    ),
    responses(Guarded, Parsed, (status = 200, description = "The stream of messages.", body = wire::Message,
        content_type = "text/event-stream")))]
pub(crate) async fn stream(
    State(state): State<ApiState>,
    headers: HeaderMap,
    query: Query,
) -> Result<Response, ApiError> {
    let topic = Topic::parse(&query)?;
    let place = state.streams.0.try_acquire_owned().map_err(|_| {
        let message = "all places for streams are taken; ask for the state itself instead";
        ApiError::new(StatusCode::SERVICE_UNAVAILABLE, message).retry_after(FULL_S)
    })?;
    let listener = Listener {
        topic,
        commits: state.engine.commits(),
        stopping: state.stopping,
        ends: tokio::time::Instant::now() + LIFETIME,
        token: Secret::new(token(&headers).unwrap_or_default()),
        tokens: state.tokens,
        _place: place,
    };
    // The first message says that from now on nothing is missed: what is read after it is true.
    let open = stream::once(async { Ok(message("open").retry(RETRY)) });
    let news = stream::unfold(listener, |mut listener| async move {
        let news = listener.next().await?;
        Some((Ok::<_, Infallible>(message(news.as_str())), listener))
    });
    let sse = Sse::new(open.chain(news)).keep_alive(KeepAlive::new().interval(HEARTBEAT));
    Ok(([(HeaderName::from_static("x-accel-buffering"), "no")], sse).into_response())
}

/// Listeners drop a message without data.
fn message(word: &'static str) -> Event {
    Event::default().event(word).data(word)
}

/// What a listener is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum News {
    /// Something of the topic has changed.
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
    stopping: watch::Receiver<bool>,
    ends: tokio::time::Instant,
    /// What let it in; a token that was revoked hears nothing more.
    token: Secret,
    tokens: Arc<Tokens>,
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
                committed = self.commits.recv() => committed,
            };
            let news = match heard {
                Ok(committed) => self.topic.covers(&committed).then_some(News::Changed),
                Err(RecvError::Lagged(_)) => Some(News::Reset),
                Err(RecvError::Closed) => return None,
            };
            if let Some(news) = news {
                self.tokens.holder(self.token.expose())?;
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
}

#[cfg(test)]
mod tests {
    use tokio::sync::broadcast;

    use super::*;

    const TOKEN: &str = "the-shared-token";

    /// A listener to a project that has room for two messages.
    fn listener(token: &str) -> (broadcast::Sender<Committed>, watch::Sender<bool>, Listener) {
        let (commits, received) = broadcast::channel(2);
        let (stop, stopping) = watch::channel(false);
        let tokens = Tokens::new(&Secret::new(TOKEN), &[]).unwrap();
        let listener = Listener {
            topic: Topic::Project(ProjectName::new("tour").unwrap()),
            commits: received,
            stopping,
            ends: tokio::time::Instant::now() + LIFETIME,
            token: Secret::new(token),
            tokens: Arc::new(tokens),
            _place: Arc::new(Semaphore::new(1)).try_acquire_owned().unwrap(),
        };
        (commits, stop, listener)
    }

    fn commit(project: &str) -> Committed {
        let context = "6f9619ff-8b86-4011-b42d-00cf4fc964ff".parse().unwrap();
        let position = "0-1".parse().unwrap();
        Committed { position, project: ProjectName::new(project).unwrap(), context }
    }

    #[tokio::test]
    async fn who_was_too_slow_is_told_to_read_everything_anew() {
        let (commits, _stop, mut listener) = listener(TOKEN);
        for _ in 0..2 {
            commits.send(commit("tour")).unwrap();
        }
        assert_eq!(listener.next().await, Some(News::Changed), "two at once are one");
        for _ in 0..10 {
            commits.send(commit("twin")).unwrap();
        }
        assert_eq!(listener.next().await, Some(News::Reset));
    }

    #[tokio::test]
    async fn a_token_that_nobody_holds_any_more_hears_nothing() {
        let (commits, _stop, mut listener) = listener("revoked-long-ago");
        commits.send(commit("tour")).unwrap();
        assert_eq!(listener.next().await, None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_ends_after_its_time() {
        let (_commits, _stop, mut listener) = listener(TOKEN);
        assert_eq!(listener.next().await, None);
    }
}
