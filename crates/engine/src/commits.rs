//! What was committed last, numbered, so that a listener that was away can ask what it has missed.

use std::collections::VecDeque;
use std::fmt;
use std::str::FromStr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use tidegate_core::names::{ContextId, ProjectName};
use tokio::sync::broadcast::{self, Receiver};

/// Commits that a listener may fall behind, or miss, before it must read everything anew.
const KEPT: usize = 1024;

/// A place in the order of commits, since one start of the server. `1764115200000000-42`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// When the server was started, in microseconds: numbers of another start mean nothing here.
    start: i64,
    /// How many contexts were changed before, counted anew with each commit.
    number: u64,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.start, self.number)
    }
}

/// The text is no position.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a position is two numbers with a hyphen between them")]
pub struct PositionError;

impl FromStr for Position {
    type Err = PositionError;

    fn from_str(text: &str) -> Result<Self, PositionError> {
        // A start before 1970 would begin with a hyphen of its own.
        let (start, number) = text.rsplit_once('-').ok_or(PositionError)?;
        let start = start.parse().map_err(|_| PositionError)?;
        Ok(Self { start, number: number.parse().map_err(|_| PositionError)? })
    }
}

/// What a commit changed, for pages and pollers that wait for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Committed {
    /// Where it stands among all.
    pub position: Position,
    /// The project.
    pub project: ProjectName,
    /// The context.
    pub context: ContextId,
}

/// What a listener has missed since a position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Missed {
    /// No more than this, oldest first.
    These(Vec<Committed>),
    /// Nobody knows any more: everything may have changed.
    Unknown,
}

/// Where commits are announced.
pub(crate) struct Commits {
    newest: Mutex<Newest>,
    sender: broadcast::Sender<Committed>,
}

struct Newest {
    position: Position,
    kept: VecDeque<Committed>,
}

impl Commits {
    /// Those of a server that starts now.
    pub(crate) fn new(now: Timestamp) -> Self {
        let position = Position { start: now.as_microsecond(), number: 0 };
        let (sender, _) = broadcast::channel(KEPT);
        Self { newest: Mutex::new(Newest { position, kept: VecDeque::new() }), sender }
    }

    /// Announces what was committed.
    pub(crate) fn announce(&self, project: ProjectName, context: ContextId) {
        let mut newest = self.newest();
        newest.position.number += 1;
        let committed = Committed { position: newest.position, project, context };
        if newest.kept.len() >= KEPT {
            newest.kept.pop_front();
        }
        newest.kept.push_back(committed.clone());
        // Sent before the lock is given back, so that whoever subscribes sees each of them once.
        // Nobody listening is fine.
        drop(self.sender.send(committed));
    }

    /// The newest position.
    pub(crate) fn position(&self) -> Position {
        self.newest().position
    }

    /// What is committed from now on.
    pub(crate) fn subscribe(&self) -> Receiver<Committed> {
        self.sender.subscribe()
    }

    /// What is committed from now on, and what was missed since that position.
    pub(crate) fn subscribe_since(&self, since: Position) -> (Receiver<Committed>, Missed) {
        let newest = self.newest();
        (self.sender.subscribe(), newest.missed(since))
    }

    fn newest(&self) -> MutexGuard<'_, Newest> {
        self.newest.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Newest {
    fn missed(&self, since: Position) -> Missed {
        let oldest =
            self.kept.front().map_or(self.position.number, |first| first.position.number - 1);
        if since.start != self.position.start
            || !(oldest..=self.position.number).contains(&since.number)
        {
            return Missed::Unknown;
        }
        let later = |committed: &&Committed| committed.position.number > since.number;
        Missed::These(self.kept.iter().filter(later).cloned().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn announced(count: usize) -> (Commits, Vec<ContextId>) {
        let commits = Commits::new(Timestamp::UNIX_EPOCH);
        let contexts: Vec<ContextId> = (0..count)
            .map(|number| format!("11111111-1111-4111-8111-{number:012}").parse().unwrap())
            .collect();
        for context in &contexts {
            commits.announce(ProjectName::new("tour").unwrap(), *context);
        }
        (commits, contexts)
    }

    fn missed(commits: &Commits, since: &str) -> Option<Vec<ContextId>> {
        match commits.subscribe_since(since.parse().unwrap()).1 {
            Missed::These(these) => Some(these.into_iter().map(|one| one.context).collect()),
            Missed::Unknown => None,
        }
    }

    #[test]
    fn who_was_away_hears_what_was_missed_and_no_more() {
        let (commits, contexts) = announced(3);
        assert_eq!(commits.position().to_string(), "0-3");
        assert_eq!(missed(&commits, "0-0").unwrap(), contexts);
        assert_eq!(missed(&commits, "0-2").unwrap(), contexts[2..]);
        assert_eq!(missed(&commits, "0-3").unwrap(), []);
        assert_eq!(missed(&announced(0).0, "0-0").unwrap(), []);
    }

    #[test]
    fn who_was_away_for_too_long_or_comes_from_another_start_must_read_anew() {
        let (commits, contexts) = announced(KEPT + 2);
        assert_eq!(missed(&commits, "0-1"), None);
        assert_eq!(missed(&commits, "0-2").unwrap(), contexts[2..]);
        assert_eq!(missed(&commits, "1-3"), None, "another start");
        assert_eq!(missed(&commits, "0-5000"), None, "not reached yet");
    }

    #[test]
    fn a_position_is_read_back() {
        for text in ["1764115200000000-42", "-5-0"] {
            assert_eq!(text.parse::<Position>().unwrap().to_string(), text);
        }
        for text in ["", "-", "1", "1-", "-1", "a-1", "1-1-x", "1--1"] {
            assert!(text.parse::<Position>().is_err(), "{text}");
        }
    }
}
