//! Why a command did not do what it was asked, and the exit code that says so.

use std::path::PathBuf;
use std::process::ExitCode;

use tidegate_client::{ClientError, EndpointError, TokenError};

/// What the process ends with. Scripts may rely on these numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Code {
    /// Done.
    Ok = 0,
    /// Something went wrong: no answer, no right to, a file that cannot be read.
    Error = 1,
    /// The command line does not make sense.
    Usage = 2,
    /// Somebody decided otherwise, or what would be approved has changed.
    Refused = 3,
    /// There is no such approval.
    NotFound = 4,
}

impl From<Code> for ExitCode {
    fn from(code: Code) -> Self {
        Self::from(code as u8)
    }
}

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    #[error("no token: set TIDEGATE_API_TOKEN, or give --token-file FILE or --data-dir DIR")]
    NoToken,
    #[error("no server runs on {0}: start one, or name it with --endpoint URL")]
    NoServer(PathBuf),
    #[error("the token in {from} cannot be used: {source}")]
    Token { from: String, source: TokenError },
    #[error("cannot read {}: {source}", path.display())]
    Unreadable { path: PathBuf, source: std::io::Error },
    #[error(transparent)]
    Client(#[from] ClientError),
    #[error("{0}")]
    Usage(String),
    #[error("{0}")]
    NotFound(String),
    #[error("{0}")]
    Refused(String),
    #[error("cannot show the answer as text: {0}")]
    Format(String),
    #[error("{0}")]
    Io(#[from] std::io::Error),
}

impl Failure {
    pub(crate) fn code(&self) -> Code {
        match self {
            // The reader of a pipe has seen enough: `tidegate approvals | head -1`.
            Self::Io(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Code::Ok,
            Self::Endpoint(_) | Self::Usage(_) => Code::Usage,
            Self::NotFound(_) => Code::NotFound,
            Self::Refused(_) => Code::Refused,
            Self::Client(error) if error.is_not_found() => Code::NotFound,
            Self::NoToken
            | Self::NoServer(_)
            | Self::Token { .. }
            | Self::Unreadable { .. }
            | Self::Client(_)
            | Self::Format(_)
            | Self::Io(_) => Code::Error,
        }
    }

    /// What to do next, where the message does not say it.
    pub(crate) fn hint(&self) -> Option<&'static str> {
        let Self::Client(error) = self else { return None };
        match error.refusal()?.status {
            401 => Some("the token is wrong or missing; is it the one of this server?"),
            429 => Some("too many wrong tokens came from here; wait a moment"),
            _ => None,
        }
    }
}
