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
    /// Something else went wrong.
    Error = 1,
    /// The command line does not make sense.
    Usage = 2,
    /// The server says no.
    Refused = 3,
    /// What was named is not there.
    NotFound = 4,
    /// The sequence that was waited for did not end well.
    Failed = 5,
    /// No token, a wrong one, or one that may not do this.
    Unauthorized = 6,
    /// The server does not answer.
    Unavailable = 7,
    /// What was waited for did not happen in time.
    TimedOut = 8,
}

impl Code {
    /// All of them, by number.
    pub const ALL: [Self; 9] = [
        Self::Ok,
        Self::Error,
        Self::Usage,
        Self::Refused,
        Self::NotFound,
        Self::Failed,
        Self::Unauthorized,
        Self::Unavailable,
        Self::TimedOut,
    ];

    /// What it says, in one sentence.
    #[must_use]
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Ok => "Done. A sequence that was waited for ended with pass or warning.",
            Self::Error => "Something else went wrong; standard error says what.",
            Self::Usage => "The command line makes no sense; nothing was sent.",
            Self::Refused => {
                "The server refused: it exists, was decided otherwise, or has changed."
            }
            Self::NotFound => "What was named is not there.",
            Self::Failed => "The sequence that was waited for failed, or was stopped or given up.",
            Self::Unauthorized => "No token, a wrong one, or one that may not do this.",
            Self::Unavailable => "The server cannot be reached, or not answer now; try again.",
            Self::TimedOut => "The time to wait is over; what was waited for goes on.",
        }
    }
}

/// The exit codes as `--help` shows them.
#[must_use]
pub fn exit_codes() -> String {
    let line = |code: Code| format!("\n  {}  {}", code as u8, code.meaning());
    let others = "Those of gate and slo are others: see their --help.";
    format!("Exit codes:{}\n  {others}", Code::ALL.map(line).concat())
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
    #[error("cannot write {}: {source}", path.display())]
    Unwritable { path: PathBuf, source: std::io::Error },
    #[error(transparent)]
    Client(#[from] ClientError),
    #[error("{0}")]
    Usage(String),
    #[error("{0}")]
    NotFound(String),
    #[error("{0}")]
    Refused(String),
    #[error("{0}")]
    Failed(String),
    #[error("{0}")]
    TimedOut(String),
    #[error("cannot show the answer as text: {0}")]
    Format(String),
    #[error("{0}")]
    Io(#[from] std::io::Error),
}

impl Failure {
    pub(crate) fn code(&self) -> Code {
        match self {
            failure if failure.is_unread() => Code::Ok,
            Self::Endpoint(_) | Self::Usage(_) => Code::Usage,
            Self::NotFound(_) => Code::NotFound,
            Self::Refused(_) => Code::Refused,
            Self::Failed(_) => Code::Failed,
            Self::TimedOut(_) => Code::TimedOut,
            Self::NoToken | Self::Token { .. } => Code::Unauthorized,
            Self::NoServer(_) => Code::Unavailable,
            Self::Client(error) => of_client(error),
            Self::Unreadable { .. } | Self::Unwritable { .. } | Self::Format(_) | Self::Io(_) => {
                Code::Error
            }
        }
    }

    /// Whether whoever reads what is written has seen enough of it: `tidegate approvals | head -1`.
    fn is_unread(&self) -> bool {
        matches!(self, Self::Io(error) if error.kind() == std::io::ErrorKind::BrokenPipe)
    }

    /// What was written, where it does not matter to the end of the command whether anybody reads it.
    pub(crate) fn unless_unread(written: Result<(), Self>) -> Result<(), Self> {
        written.or_else(|failure| if failure.is_unread() { Ok(()) } else { Err(failure) })
    }

    /// Whether the same may succeed a moment later.
    pub(crate) fn is_passing(&self) -> bool {
        self.code() == Code::Unavailable
    }

    /// What to do next, where the message does not say it.
    pub(crate) fn hint(&self) -> Option<&'static str> {
        let Self::Client(error) = self else { return None };
        match error.refusal()?.status {
            401 => Some("the token is wrong or missing; is it the one of this server?"),
            403 => Some("nothing was changed; use a token that may do this"),
            429 => Some("too many wrong tokens came from here; wait a moment"),
            507 => Some("nothing was changed; free space on the server's disk"),
            503 => Some("nothing is known to be changed; look, and try again"),
            _ => None,
        }
    }
}

fn of_client(error: &ClientError) -> Code {
    match error {
        ClientError::Unreachable { .. } => Code::Unavailable,
        ClientError::Refused(refusal) => match refusal.status {
            401 | 403 => Code::Unauthorized,
            404 => Code::NotFound,
            429 | 502..=504 => Code::Unavailable,
            400..=499 => Code::Refused,
            _ => Code::Error,
        },
        _ => Code::Error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_numbered_without_a_gap_and_each_says_something_else() {
        for (number, code) in Code::ALL.into_iter().enumerate() {
            assert_eq!(code as usize, number);
            let others = Code::ALL.into_iter().filter(|other| *other != code);
            assert!(others.into_iter().all(|other| other.meaning() != code.meaning()));
            assert!(exit_codes().contains(&format!("\n  {number}  {}", code.meaning())));
        }
    }

    #[test]
    fn the_page_about_the_command_line_has_the_same_table() {
        let page = include_str!("../../../docs/cli.md");
        for code in Code::ALL {
            let row = format!("| {} | {} |", code as u8, code.meaning());
            assert!(page.contains(&row), "docs/cli.md has no row {row}");
        }
    }
}
