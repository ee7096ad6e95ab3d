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
use tidegate_engine::{Committed, Follower, Missed, Position};
use tidegate_identity::{Secret, Tokens};
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
/// `reset` that messages were lost. Each says by its `id` how far it has come; whoever was cut off sends that as
/// `Last-Event-ID` and is told what was missed. A comment every 15 seconds says that the stream lives. It ends
/// after an hour, when the server stops, and when the token is revoked.
#[utoipa::path(get, path = "/api/tidegate/v1/live", operation_id = "listen", tag = "Following",
    params(
        ("context" = Option<wire::ContextId>, Query,
            description = "Listen to this sequence; either this or `project`."),
        ("project" = Option<wire::ProjectName>, Query, description = "Listen to this project."),
        ("Last-Event-ID" = Option<String>, Header,
            description = "The `id` of the last message that was heard. Without it, or where it is none that \
            this server gave out, the stream begins with now."),
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
    let since = last_heard(&headers).unwrap_or_else(|| state.engine.position());
    let listener = Listener {
        topic,
        commits: state.engine.follow(since),
        stopping: state.stopping,
        ends: tokio::time::Instant::now() + LIFETIME,
        token: Secret::new(token(&headers).unwrap_or_default()),
        tokens: state.tokens,
        _place: place,
    };
    // The first message says that from now on nothing is missed: what is read after it is true.
    let open = stream::once(async move { Ok(message("open", since).retry(RETRY)) });
    let news = stream::unfold(listener, |mut listener| async move {
        let news = listener.next().await?;
        let message = message(news.as_str(), listener.commits.position());
        Some((Ok::<_, Infallible>(message), listener))
    });
    let sse = Sse::new(open.chain(news)).keep_alive(KeepAlive::new().interval(HEARTBEAT));
    Ok(([(HeaderName::from_static("x-accel-buffering"), "no")], sse).into_response())
}

/// How far a listener has come that was cut off, by the message it heard last.
fn last_heard(headers: &HeaderMap) -> Option<Position> {
    headers.get("last-event-id")?.to_str().ok()?.parse().ok()
}

/// Listeners drop a message without data.
fn message(word: &'static str, position: Position) -> Event {
    Event::default().event(word).id(position.to_string()).data(word)
}

/// What a listener is told.
#[derive(Clone, Copy)]
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
    commits: Follower,
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
            let missed = tokio::select! {
                // An error means that the sender is gone, which is a stop as well.
                _ = self.stopping.wait_for(|stop| *stop) => return None,
                () = tokio::time::sleep_until(self.ends) => return None,
                missed = self.commits.next() => missed?,
            };
            let is_news = |committed: &Committed| self.topic.covers(committed);
            let news = match missed {
                Missed::These(these) => these.iter().any(is_news).then_some(News::Changed),
                Missed::Unknown => Some(News::Reset),
            };
            if let Some(news) = news {
                self.tokens.holder(self.token.expose())?;
                return Some(news);
            }
        }
    }
}
