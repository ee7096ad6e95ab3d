//! What the machine needs from the world.

use jiff::Timestamp;
use tidegate_core::event::Scope;
use tidegate_core::names::CommitId;
use tidegate_core::sequence::Resolution;

/// The wall clock.
pub trait Clock: Send + Sync + 'static {
    /// Now.
    fn now(&self) -> Timestamp;
}

/// Where seeds for ids come from.
pub trait Entropy: Send + Sync + 'static {
    /// 16 unpredictable bytes.
    fn seed(&self) -> [u8; 16];
}

/// Reads the shipyard and the stage commit for an execution.
pub trait Resolver: Send + 'static {
    /// Looks both up.
    fn resolve(&mut self, scope: &Scope, requested: Option<&CommitId>) -> Resolved;
}

/// What a look-up gave.
#[derive(Debug)]
pub enum Resolved {
    /// The answer, at once: it becomes part of the same commit.
    Now(Resolution),
    /// The answer comes later as an input of its own.
    Later,
}

/// The clock of the operating system.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

/// The random numbers of the operating system.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn seed(&self) -> [u8; 16] {
        let mut seed = [0; 16];
        getrandom::fill(&mut seed).expect("the operating system has random numbers");
        seed
    }
}
