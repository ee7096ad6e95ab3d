//! Why a request was not answered as hoped.

use serde::Deserialize;

use crate::approvals::Decided;

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// The client could not be made.
    #[error("cannot make ready for requests: {0}")]
    Setup(#[source] reqwest::Error),
    /// Nobody answered, or the connection broke. Nobody knows whether the request was carried out;
    /// events may be sent again with the same key.
    #[error("no answer from {endpoint}: {source}; does the server run there?")]
    Unreachable {
        /// Who was asked.
        endpoint: String,
        /// What went wrong.
        source: Transport,
    },
    /// The server answered with an error.
    #[error(transparent)]
    Refused(Box<Refusal>),
    /// The answer is not what this route answers.
    #[error("{endpoint} answers {what} in a way that this version does not understand: {why}")]
    Unreadable {
        /// Who was asked.
        endpoint: String,
        /// For what.
        what: &'static str,
        /// What is wrong.
        why: String,
    },
}

impl ClientError {
    /// The refusal, where the server gave one.
    #[must_use]
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Refused(refusal) => Some(refusal),
            Self::Setup(_) | Self::Unreachable { .. } | Self::Unreadable { .. } => None,
        }
    }

    /// Whether the request cannot have arrived: nobody was there to take it.
    #[must_use]
    pub fn was_not_sent(&self) -> bool {
        match self {
            Self::Setup(_) => true,
            Self::Unreachable { source, .. } => source.0.is_connect(),
            Self::Refused(_) | Self::Unreadable { .. } => false,
        }
    }

    /// Whether what was asked for does not exist.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        self.refusal().is_some_and(|refusal| refusal.status == 404)
    }
}

/// The innermost cause of a failed exchange: the outer ones repeat the address.
#[derive(Debug, thiserror::Error)]
#[error("{}", innermost(.0))]
pub struct Transport(#[from] reqwest::Error);

fn innermost(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "it took too long".to_owned();
    }
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

/// The server's own words.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    /// The HTTP status.
    pub status: u16,
    /// What the server says.
    pub message: String,
    /// The decision that was there first (409 on a vote).
    pub decided: Option<Decided>,
    /// What is approved now, where the vote named something else (409 on a vote).
    pub subject: Option<String>,
    /// What has changed since (409 on a vote).
    pub changed: Option<String>,
}

/// The body of an error, as far as it is one.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ErrorBody {
    message: String,
    decided: Option<Decided>,
    subject: Option<String>,
    changed: Option<serde_json::Value>,
}

impl Refusal {
    pub(crate) fn read(status: reqwest::StatusCode, body: &[u8]) -> Self {
        let mut body: ErrorBody = serde_json::from_slice(body).unwrap_or_default();
        if body.message.is_empty() {
            body.message = format!("the server answers {status}");
        }
        Self {
            status: status.as_u16(),
            message: body.message,
            decided: body.decided,
            subject: body.subject,
            changed: body.changed.map(plain),
        }
    }
}

/// A text as it is, a list as its items.
fn plain(value: serde_json::Value) -> String {
    match value {
        serde_json::Value::String(text) => text,
        serde_json::Value::Array(items) => {
            items.into_iter().map(plain).collect::<Vec<_>>().join(", ")
        }
        other => other.to_string(),
    }
}
