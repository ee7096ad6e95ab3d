//! The whole output of a task's jobs, as far as it is kept: plain text, in ranges where a reader asks
//! for them.

use std::collections::HashMap;

use axum::extract::{Path, Query, State};
use axum::http::header::{
    ACCEPT_RANGES, CONTENT_DISPOSITION, CONTENT_RANGE, ETAG, HeaderName, IF_RANGE, RANGE,
};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use tidegate_core::names::EventId;

use super::event::PLAIN;
use crate::logs::JobLog;
use crate::problem::Problem;
use crate::state::BridgeState;
use crate::visitor::Visitor;

/// `GET /bridge/log/{event}`, with `download`.
pub(crate) async fn page(
    State(state): State<BridgeState>,
    _: Visitor,
    Path(event): Path<String>,
    Query(query): Query<HashMap<String, String>>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let missing = || Problem::NotFound("log");
    let event: EventId = event.parse().map_err(|_| missing())?;
    let logs = state.logs;
    let found = state.engine.read(move |_| Ok(logs.log(event, usize::MAX))).await?;
    let log = found.ok_or_else(missing)?;
    let (tag, text) = (tag(&log), whole(log));
    let mut response = match wanted(&headers, &tag, text.len()) {
        Wanted::Whole => text.into_response(),
        Wanted::Part { first, last } => part(&text, first, last),
        Wanted::Nothing => {
            let size = [(CONTENT_RANGE, format!("bytes */{}", text.len()))];
            (StatusCode::RANGE_NOT_SATISFIABLE, size).into_response()
        }
    };
    let name = format!("attachment; filename=\"{event}.log\"");
    let how = if query.contains_key("download") { name } else { "inline".to_owned() };
    let more: [(HeaderName, String); 2] = [(ETAG, tag), (CONTENT_DISPOSITION, how)];
    for (name, value) in more {
        if let Ok(value) = HeaderValue::from_str(&value) {
            response.headers_mut().insert(name, value);
        }
    }
    response.headers_mut().insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    for (name, value) in PLAIN {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    Ok(response)
}

fn whole(log: JobLog) -> String {
    match log.dropped_bytes {
        0 => log.text,
        bytes => format!("[{bytes} bytes before this were dropped]\n{}", log.text),
    }
}

/// Changes whenever what was said before does.
fn tag(log: &JobLog) -> String {
    format!("\"{}-{}\"", log.dropped_bytes, log.text.len())
}

/// What of a text is asked for.
#[derive(Debug, PartialEq, Eq)]
enum Wanted {
    Whole,
    /// From the first to the last byte, both included.
    Part {
        first: usize,
        last: usize,
    },
    /// Bytes that there are not.
    Nothing,
}

/// RFC 9110, section 14: one range of bytes; whatever else is asked for is answered whole.
fn wanted(headers: &HeaderMap, tag: &str, length: usize) -> Wanted {
    let header = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    if header(IF_RANGE).is_some_and(|known| known != tag) {
        return Wanted::Whole;
    }
    let range = header(RANGE).and_then(|range| range.strip_prefix("bytes="));
    let Some((first, last)) = range.and_then(|range| range.split_once('-')) else {
        return Wanted::Whole;
    };
    let (first, last) = match (first.parse::<usize>(), last.parse::<usize>()) {
        (Ok(first), Ok(last)) if last < first => return Wanted::Whole,
        (Ok(first), Ok(last)) => (first, last),
        (Ok(first), Err(_)) if last.is_empty() => (first, usize::MAX),
        // The last so many bytes.
        (Err(_), Ok(count)) if first.is_empty() && count > 0 => {
            (length.saturating_sub(count), usize::MAX)
        }
        (Err(_), Ok(0)) if first.is_empty() => return Wanted::Nothing,
        _ => return Wanted::Whole,
    };
    match length.checked_sub(1) {
        Some(end) if first <= end => Wanted::Part { first, last: last.min(end) },
        _ => Wanted::Nothing,
    }
}

fn part(text: &str, first: usize, last: usize) -> Response {
    let range = [(CONTENT_RANGE, format!("bytes {first}-{last}/{}", text.len()))];
    let bytes = text.as_bytes()[first..=last].to_vec();
    (StatusCode::PARTIAL_CONTENT, range, bytes).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_range_is_answered_and_what_makes_no_sense_is_answered_whole() {
        let asked = |range: &str| {
            let headers = [(RANGE, HeaderValue::from_str(range).unwrap())];
            wanted(&headers.into_iter().collect(), "\"0-10\"", 10)
        };
        let part = |first, last| Wanted::Part { first, last };
        for (range, want) in [
            ("bytes=0-3", part(0, 3)),
            ("bytes=4-", part(4, 9)),
            ("bytes=4-100", part(4, 9)),
            ("bytes=-3", part(7, 9)),
            ("bytes=-300", part(0, 9)),
            ("bytes=10-", Wanted::Nothing),
            ("bytes=-0", Wanted::Nothing),
            ("bytes=5-4", Wanted::Whole),
            ("bytes=0-1,4-5", Wanted::Whole),
            ("bytes=x-", Wanted::Whole),
            ("bytes=-", Wanted::Whole),
            ("lines=0-3", Wanted::Whole),
        ] {
            assert_eq!(asked(range), want, "{range}");
        }
        let other = [(RANGE, "bytes=0-3"), (IF_RANGE, "\"7-10\"")];
        let other = other.map(|(name, value)| (name, HeaderValue::from_static(value)));
        assert_eq!(wanted(&other.into_iter().collect(), "\"0-10\"", 10), Wanted::Whole);
        assert_eq!(wanted(&HeaderMap::new(), "", 0), Wanted::Whole);
    }
}
