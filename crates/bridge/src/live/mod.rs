//! The stream that tells pages that they are no longer true. It carries no content: a page asks
//! again, so what it shows has always passed the same checks.
//!
//! One stream serves all pages that a browser has open. A page says how far it has seen, so a stream
//! that begins or comes back says first what was missed.

mod listener;
mod topic;

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderName};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::{StreamExt as _, stream};
use tidegate_engine::Position;
use tokio::sync::{Semaphore, broadcast};

use crate::problem::Problem;
use crate::state::BridgeState;
use crate::visitor::Visitor;
use listener::{Listener, News};
pub(crate) use topic::Topic;

/// Most streams at once.
const STREAMS_MAX: usize = 2000;
/// Ended sessions that a stream may fall behind.
const ENDED_MAX: usize = 256;
/// How often a silent stream says that it lives: proxies cut off what is silent for long, and a page
/// that hears nothing for longer knows that it has lost the stream.
const BEAT: Duration = Duration::from_secs(15);

/// The places for streams, and the sessions that end.
#[derive(Clone)]
pub(crate) struct Streams {
    places: Arc<Semaphore>,
    ended: broadcast::Sender<[u8; 32]>,
}

impl Default for Streams {
    fn default() -> Self {
        let places = Arc::new(Semaphore::new(STREAMS_MAX));
        Self { places, ended: broadcast::Sender::new(ENDED_MAX) }
    }
}

impl Streams {
    /// Ends the streams of a session that has ended.
    pub(crate) fn end(&self, session: [u8; 32]) {
        // Nobody listening is fine.
        drop(self.ended.send(session));
    }
}

/// `GET /bridge/live?topic=…&at=…`, with `topic` once for each page and `at` the position that all of
/// them have seen. Messages: `open` (first), `changed` (the topics that are no longer true), `reset` (all
/// may have changed), `beat`, `over` (the session has ended; all that a browser hears that has none).
pub(crate) async fn stream(
    visitor: Result<Visitor, Problem>,
    State(state): State<BridgeState>,
    State(streams): State<Streams>,
    Query(query): Query<Vec<(String, String)>>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let visitor = match visitor {
        Ok(visitor) => visitor,
        // A page that is left while it signs out asks once more. It shall be told, not sent to a
        // page: a script cannot see where its stream was sent, and tries for ever.
        Err(Problem::SignIn { .. }) => {
            let over = stream::iter([Ok::<_, Infallible>(News::Over.event())]);
            return Ok(Sse::new(over).into_response());
        }
        Err(problem) => return Err(problem),
    };
    let topics = topic::topics(&query).ok_or(Problem::NotFound("stream"))?;
    let place = streams.places.clone().try_acquire_owned().map_err(|_| Problem::TooManyStreams)?;
    let seen = seen(&query, &headers).unwrap_or(visitor.position);
    let first = Event::default().event("open").id(seen.to_string()).data("open");
    let listener = Listener::new(topics, seen, &visitor, state, streams.ended.subscribe(), place);
    let news = stream::unfold(listener, |mut listener| async move {
        let news = listener.next().await?;
        Some((news.event(), listener))
    });
    let events = stream::once(async { first }).chain(news).map(Ok::<_, Infallible>);
    // Browsers drop a message without data, and show no comment to scripts.
    let beat = KeepAlive::new().interval(BEAT).event(Event::default().event("beat").data("beat"));
    let sse = Sse::new(events).keep_alive(beat);
    Ok(([(HeaderName::from_static("x-accel-buffering"), "no")], sse).into_response())
}

/// How far the pages have seen; where a browser comes back by itself, it says how far it has come.
fn seen(query: &[(String, String)], headers: &HeaderMap) -> Option<Position> {
    let last = headers.get("last-event-id").and_then(|id| id.to_str().ok()?.parse().ok());
    let at = || query.iter().find(|(key, _)| key == "at").and_then(|(_, at)| at.parse().ok());
    last.or_else(at)
}
