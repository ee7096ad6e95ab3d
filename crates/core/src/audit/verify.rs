//! Whether a chain is what it was: the first entry that is not, and why.

use jiff::Timestamp;
use serde_json::Value;

use super::{Chain, Checkpoint, Entry, Link};

/// What is wrong with an entry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Its hash does not fit what it says.
    #[error("it was edited: its hash does not fit what it says")]
    Edited,
    /// It stands where another one stood.
    #[error("it was moved, or its link was edited: it does not follow the entry before it")]
    Moved,
    /// It was written anew, hash and all; the next one still links to what was there.
    #[error("it was replaced: entry {next} follows another one")]
    Replaced {
        /// The entry after it.
        next: u64,
    },
    /// It is not there, nor are those up to `to`.
    #[error("it is missing; the next one there is {next}")]
    Missing {
        /// The first entry that is there.
        next: u64,
    },
    /// It is not there, nor is any after it, although a checkpoint covers them.
    #[error(
        "it is missing, and so is all up to entry {to}, which the checkpoint of {at} has signed"
    )]
    Truncated {
        /// The number that the checkpoint names.
        to: u64,
        /// When it was signed.
        at: Timestamp,
    },
    /// It is another one than the checkpoint signed: the chain was written anew.
    #[error("it is not what the checkpoint of {at} has signed: the chain was written anew")]
    NotAsSigned {
        /// When it was signed.
        at: Timestamp,
    },
    /// The texts beside the record do not read.
    #[error("the texts beside it do not read")]
    TextsUnreadable,
    /// A text is not the one whose digest was recorded.
    #[error("the text {0} beside it does not fit its digest")]
    TextUnfit(String),
}

/// The first bad entry of a chain.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{chain}, entry {n}: {fault}")]
pub struct Broken {
    /// The chain.
    pub chain: Chain,
    /// The number of the entry.
    pub n: u64,
    /// What is wrong with it.
    pub fault: Fault,
}

/// Follows one chain from its first entry on.
#[derive(Debug)]
pub struct Verifier {
    chain: Chain,
    last: Link,
    /// By number, the least last.
    checkpoints: Vec<Checkpoint>,
}

impl Verifier {
    /// Begins before the first entry. Of the checkpoints only those of this chain count; their
    /// signatures are the caller's business.
    #[must_use]
    pub fn new(chain: Chain, checkpoints: impl IntoIterator<Item = Checkpoint>) -> Self {
        let mut checkpoints: Vec<_> =
            checkpoints.into_iter().filter(|checkpoint| checkpoint.chain == chain).collect();
        checkpoints.sort_by_key(|checkpoint| std::cmp::Reverse(checkpoint.link.n));
        Self { chain, last: Link::GENESIS, checkpoints }
    }

    /// The next entry of the chain, in order of number.
    ///
    /// # Errors
    /// This entry is bad, or the one before it turns out to be. There is nothing to follow any more.
    pub fn entry(&mut self, entry: &Entry) -> Result<(), Broken> {
        self.place(entry)?;
        self.content(entry).map_err(|fault| self.broken(entry.n, fault))?;
        while self.checkpoints.last().is_some_and(|checkpoint| checkpoint.link.n <= entry.n) {
            let Some(checkpoint) = self.checkpoints.pop() else { break };
            if checkpoint.link != entry.link() {
                let at = checkpoint.at;
                return Err(self.broken(entry.n, Fault::NotAsSigned { at }));
            }
        }
        self.last = entry.link();
        Ok(())
    }

    /// There are no more entries; where the chain ends.
    ///
    /// # Errors
    /// A checkpoint has signed more.
    pub fn end(self) -> Result<Link, Broken> {
        match self.checkpoints.first() {
            Some(last) => {
                let (to, at) = (last.link.n, last.at);
                Err(self.broken(self.last.n + 1, Fault::Truncated { to, at }))
            }
            None => Ok(self.last),
        }
    }

    /// Whether it stands where it belongs.
    fn place(&self, entry: &Entry) -> Result<(), Broken> {
        let due = self.last.n + 1;
        if entry.n > due {
            return Err(self.broken(due, Fault::Missing { next: entry.n }));
        }
        if entry.n < due || entry.chain != self.chain {
            return Err(self.broken(entry.n, Fault::Moved));
        }
        if entry.prev == self.last.hash {
            return Ok(());
        }
        // An entry that is whole tells on the one before it.
        if entry.is_whole() && self.last.n > 0 {
            return Err(self.broken(self.last.n, Fault::Replaced { next: entry.n }));
        }
        Err(self.broken(entry.n, Fault::Moved))
    }

    fn content(&self, entry: &Entry) -> Result<(), Fault> {
        if !entry.is_whole() {
            return Err(Fault::Edited);
        }
        let record: Value = serde_json::from_str(&entry.record).map_err(|_| Fault::Edited)?;
        entry.checked_texts(&record).map(drop)
    }

    fn broken(&self, n: u64, fault: Fault) -> Broken {
        Broken { chain: self.chain.clone(), n, fault }
    }
}
