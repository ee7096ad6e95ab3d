//! What was committed last, numbered, so that a listener that was away can ask what it has missed.

use std::collections::VecDeque;
use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use tidegate_core::names::{ContextId, ProjectName};
use tokio::sync::broadcast::error::{RecvError, TryRecvError};
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

    /// Follows what is committed after that position.
    pub(crate) fn follow(self: &Arc<Self>, since: Position) -> Follower {
        // Subscribed under the lock, so that nothing falls between what was missed and what comes.
        let newest = self.newest();
        Follower {
            commits: Arc::clone(self),
            received: self.sender.subscribe(),
            missed: newest.missed(since),
            position: since,
        }
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

/// Follows the commits from a position on: it hears of each once and in order, or that it lost some.
pub struct Follower {
    commits: Arc<Commits>,
    received: Receiver<Committed>,
    /// What has not been looked at.
    missed: Missed,
    position: Position,
}

impl Follower {
    /// How far it has come.
    #[must_use]
    pub const fn position(&self) -> Position {
        self.position
    }

    /// All that has been committed meanwhile, at least one commit; nothing once the engine is gone. Nothing is
    /// lost where the wait for it is given up.
    pub async fn next(&mut self) -> Option<Missed> {
        loop {
            if let Some(missed) = self.merged() {
                return Some(missed);
            }
            match self.received.recv().await {
                Ok(committed) => self.keep(committed),
                Err(RecvError::Lagged(_)) => self.missed = Missed::Unknown,
                Err(RecvError::Closed) => return None,
            }
        }
    }

    /// All that is known by now, if there is anything.
    fn merged(&mut self) -> Option<Missed> {
        loop {
            match self.received.try_recv() {
                Ok(committed) => self.keep(committed),
                Err(TryRecvError::Lagged(_)) => self.missed = Missed::Unknown,
                Err(TryRecvError::Empty | TryRecvError::Closed) => break,
            }
        }
        let missed = std::mem::replace(&mut self.missed, Missed::These(Vec::new()));
        self.position = match &missed {
            Missed::These(these) => these.last()?.position,
            Missed::Unknown => self.commits.position(),
        };
        Some(missed)
    }

    fn keep(&mut self, committed: Committed) {
        match &mut self.missed {
            Missed::These(these) => these.push(committed),
            // It is to read everything anyway, this as well.
            Missed::Unknown => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn announced(count: usize) -> (Arc<Commits>, Vec<ContextId>) {
        let commits = Arc::new(Commits::new(Timestamp::UNIX_EPOCH));
        let contexts: Vec<ContextId> = (0..count)
            .map(|number| format!("11111111-1111-4111-8111-{number:012}").parse().unwrap())
            .collect();
        for context in &contexts {
            commits.announce(ProjectName::new("tour").unwrap(), *context);
        }
        (commits, contexts)
    }

    fn contexts_of(missed: Missed) -> Option<Vec<ContextId>> {
        match missed {
            Missed::These(these) => Some(these.into_iter().map(|one| one.context).collect()),
            Missed::Unknown => None,
        }
    }

    fn missed(commits: &Arc<Commits>, since: &str) -> Option<Vec<ContextId>> {
        contexts_of(commits.follow(since.parse().unwrap()).missed)
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

    #[tokio::test]
    async fn a_follower_hears_of_everything_once_and_of_much_at_once() {
        let (commits, contexts) = announced(3);
        let mut follower = commits.follow("0-1".parse().unwrap());
        let tour = ProjectName::new("tour").unwrap();
        commits.announce(tour.clone(), contexts[0]);
        let heard = contexts_of(follower.next().await.unwrap());
        assert_eq!(heard.unwrap(), [contexts[1], contexts[2], contexts[0]]);
        assert_eq!(follower.position().to_string(), "0-4");
        let soon = tokio::time::timeout(std::time::Duration::ZERO, follower.next());
        assert!(soon.await.is_err(), "nothing new is nothing to tell");
        commits.announce(tour, contexts[1]);
        assert_eq!(contexts_of(follower.next().await.unwrap()).unwrap(), [contexts[1]]);
    }

    #[tokio::test]
    async fn a_follower_that_fell_behind_is_told_once_and_goes_on_from_there() {
        let (commits, contexts) = announced(1);
        let mut follower = commits.follow("0-1".parse().unwrap());
        let tour = ProjectName::new("tour").unwrap();
        for _ in 0..KEPT + 5 {
            commits.announce(tour.clone(), contexts[0]);
        }
        assert_eq!(contexts_of(follower.next().await.unwrap()), None);
        assert_eq!(follower.position(), commits.position());
        commits.announce(tour, contexts[0]);
        assert_eq!(contexts_of(follower.next().await.unwrap()).unwrap(), [contexts[0]]);
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
