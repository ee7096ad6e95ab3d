//! The stream that says that something has changed.

use std::time::Duration;

use reqwest::Response;

use crate::client::Client;
use crate::error::{ClientError, Refusal, Transport};

/// Longer than a stream ever lasts.
const STREAM_TIME_MAX: Duration = Duration::from_secs(2 * 3600);
/// The server says every 15 s that it lives; after this time without a word it does not.
const SILENCE_MAX: Duration = Duration::from_secs(40);
/// Longest line that makes sense.
const LINE_BYTES_MAX: usize = 4096;

/// What to hear of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Topic<'a> {
    /// One sequence.
    Context(&'a str),
    /// One project.
    Project(&'a str),
}

/// What the server says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum News {
    /// From now on nothing is missed: what is read after this is true until the next message.
    Open,
    /// Something has changed.
    Changed,
    /// Messages were lost; everything may have changed.
    Reset,
}

/// An open stream. It says *that* something has changed; what it is now, the other calls tell.
#[derive(Debug)]
pub struct Live {
    response: Response,
    unread: Vec<u8>,
}

impl Live {
    /// The next message; none when the stream has ended, was cut off, or has been silent for too long.
    pub async fn next(&mut self) -> Option<News> {
        loop {
            while let Some(end) = self.unread.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.unread.drain(..=end).collect();
                if let Some(news) = news(&line) {
                    return Some(news);
                }
            }
            if self.unread.len() > LINE_BYTES_MAX {
                return None;
            }
            let chunk = tokio::time::timeout(SILENCE_MAX, self.response.chunk()).await;
            let Ok(Ok(Some(chunk))) = chunk else { return None };
            self.unread.extend_from_slice(&chunk);
        }
    }
}

/// The message that a line of the stream names. Heartbeats are comments, and `data` repeats the name.
fn news(line: &[u8]) -> Option<News> {
    match line.trim_ascii().strip_prefix(b"event:")?.trim_ascii() {
        b"open" => Some(News::Open),
        b"changed" => Some(News::Changed),
        b"reset" => Some(News::Reset),
        _ => None,
    }
}

impl Client {
    /// Opens the stream of a topic.
    ///
    /// # Errors
    /// 404 where the server has no streams, 503 where it has no place for one more.
    pub async fn live(&self, topic: Topic<'_>) -> Result<Live, ClientError> {
        let query = match topic {
            Topic::Context(id) => ("context", id),
            Topic::Project(name) => ("project", name),
        };
        let request = self.get(&["api", "tidegate", "v1", "live"]).query(&[query]);
        let sent = request.timeout(STREAM_TIME_MAX).send();
        let unreachable = |source| ClientError::Unreachable {
            endpoint: self.endpoint().to_string(),
            source: Transport::from(source),
        };
        let response = sent.await.map_err(unreachable)?;
        let status = response.status();
        if status.is_success() {
            return Ok(Live { response, unread: Vec::new() });
        }
        let body = response.bytes().await.map_err(unreachable)?;
        Err(ClientError::Refused(Box::new(Refusal::read(status, &body))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_messages_are_news() {
        for (line, meant) in [
            (&b"event: changed\n"[..], Some(News::Changed)),
            (b"event:reset\r\n", Some(News::Reset)),
            (b"event: open\n", Some(News::Open)),
            (b"event: gossip\n", None),
            (b"data: changed\n", None),
            (b": \n", None),
            (b"retry: 1000\n", None),
            (b"\xff\n", None),
        ] {
            assert_eq!(news(line), meant, "{line:?}");
        }
    }
}
