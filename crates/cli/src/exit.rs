//! What the process ends with.

use std::process::ExitCode;

use crate::failure::{Code, Failure};
use crate::screen::Screen;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// As most do.
    Done(Code),
    /// As those do that judge.
    Judged(Judged),
}

/// What commands that judge end with, so that a script can tell a verdict from a mistake: nothing that is
/// not a verdict ends with the number of one. Scripts may rely on these numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Judged {
    /// It passes.
    Good = 0,
    /// It fails.
    Bad = 1,
    /// It is good enough to go on.
    Warning = 2,
    /// There is no verdict: what was given cannot be judged, or the command line makes no sense.
    Unusable = 64,
    /// There may be a verdict, and it cannot be written.
    Unwritable = 74,
}

impl Judged {
    /// All of them, by number.
    pub const ALL: [Self; 5] =
        [Self::Good, Self::Bad, Self::Warning, Self::Unusable, Self::Unwritable];

    /// What it says, in one sentence.
    #[must_use]
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Good => "It passes; nothing is to be mended.",
            Self::Bad => "It fails; something is to be mended.",
            Self::Warning => "It is a warning.",
            Self::Unusable => {
                "There is no verdict: what was given cannot be judged, or the command line makes no sense."
            }
            Self::Unwritable => "What is to be said cannot be written.",
        }
    }

    /// Why there is no verdict; none where a server is the reason.
    fn of(failure: &Failure) -> Option<Self> {
        match failure {
            Failure::Usage(_) | Failure::Endpoint(_) | Failure::Unreadable { .. } => {
                Some(Self::Unusable)
            }
            Failure::Io(_) | Failure::Format(_) | Failure::Unwritable { .. } => {
                Some(Self::Unwritable)
            }
            Failure::NoToken
            | Failure::NoServer(_)
            | Failure::Token { .. }
            | Failure::Client(_)
            | Failure::NotFound(_)
            | Failure::Refused(_)
            | Failure::Failed(_)
            | Failure::TimedOut(_) => None,
        }
    }
}

impl Exit {
    /// How a command ended that judges; where it could not, says why.
    pub(crate) fn judged(done: Result<Judged, Failure>, screen: &mut Screen<'_>) -> Self {
        match done {
            Ok(judged) => Self::Judged(judged),
            Err(failure) => {
                let code = screen.report(&failure);
                Judged::of(&failure).map_or(Self::Done(code), Self::Judged)
            }
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        match exit {
            Exit::Done(code) => code.into(),
            Exit::Judged(judged) => Self::from(judged as u8),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_about_the_command_line_has_the_same_table() {
        let page = include_str!("../../../docs/cli.md");
        for judged in Judged::ALL {
            let row = format!("| {} | {} |", judged as u8, judged.meaning());
            assert!(page.contains(&row), "docs/cli.md has no row {row}");
        }
    }

    #[test]
    fn what_is_no_verdict_never_ends_with_the_number_of_one() {
        let closed = || std::io::Error::from(std::io::ErrorKind::BrokenPipe);
        for failure in [
            Failure::Usage(String::new()),
            Failure::Unreadable { path: "x".into(), source: closed() },
            Failure::Format(String::new()),
            Failure::Io(closed()),
        ] {
            assert!(Judged::of(&failure).is_some_and(|judged| judged as u8 >= 64), "{failure:?}");
        }
    }
}
