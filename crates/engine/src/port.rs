//! What the machine needs from the world.

use std::pin::Pin;
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use tidegate_core::names::ProjectName;
use tidegate_core::sequence::{Resolution, Resolve, Settings};
use tidegate_resources::upstream::Upstream;

use crate::metrics::Metrics;

/// The clocks.
pub trait Clock: Send + Sync + 'static {
    /// The time by the wall clock. It may be set, in both directions.
    fn now(&self) -> Timestamp;

    /// The time by a clock that only runs forward, since some moment.
    fn forward(&self) -> Duration;
}

/// Where seeds for ids come from.
pub trait Entropy: Send + Sync + 'static {
    /// 16 unpredictable bytes.
    fn seed(&self) -> [u8; 16];
}

/// Reads the shipyard and the stage commit for an execution.
pub trait Resolver: Send + 'static {
    /// Looks both up.
    fn resolve(&mut self, resolve: &Resolve) -> Resolved;
}

/// What a look-up gave.
#[derive(Debug)]
pub enum Resolved {
    /// The answer, at once: it becomes part of the same commit.
    Now(Resolution),
    /// The answer comes later as an input of its own. Whoever runs the machine is told with the commit
    /// ([`crate::Notice::resolves`]), and again after a crash.
    Later,
}

/// Makes repositories elsewhere for projects that name none.
pub trait Provisioner: Send + Sync + 'static {
    /// Makes the repository of a project, which is empty, and answers with how to be let in. Asked again
    /// for the same project, it may answer with the same one.
    ///
    /// # Errors
    /// Why there is none.
    fn create<'a>(&'a self, project: &'a ProjectName) -> Provisioned<'a, Upstream>;

    /// The repository of a project is of no use any more.
    ///
    /// # Errors
    /// Why it stays.
    fn delete<'a>(&'a self, project: &'a ProjectName) -> Provisioned<'a, ()>;
}

/// What a [`Provisioner`] answers, later.
pub type Provisioned<'a, T> = Pin<Box<dyn Future<Output = Result<T, String>> + Send + 'a>>;

/// The ports that are the same for every project, and what the installation has set.
#[derive(Clone)]
pub struct Ports {
    /// The clocks.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
    /// What the rules go by.
    pub settings: Settings,
    /// How long what has ended is kept.
    pub retention: Retention,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// Who makes repositories elsewhere; none where the server keeps the files itself.
    pub provisioner: Option<Arc<dyn Provisioner>>,
}

impl Default for Ports {
    /// Those of the operating system.
    fn default() -> Self {
        Self {
            clock: Arc::new(SystemClock),
            entropy: Arc::new(SystemEntropy),
            settings: Settings::default(),
            retention: Retention::default(),
            metrics: Arc::default(),
            provisioner: None,
        }
    }
}

/// How long what has ended is kept. The audit log is kept for good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Contexts of projects, since they ended; none keeps them for good.
    pub contexts: Option<SignedDuration>,
    /// Events of projects that do not exist: anybody with a token can send them, so there is a bound.
    pub unmapped: SignedDuration,
}

impl Default for Retention {
    /// Contexts for good, events without a project for a week.
    fn default() -> Self {
        Self { contexts: None, unmapped: SignedDuration::from_hours(7 * 24) }
    }
}

/// The clocks of the operating system.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

/// The moment that [`SystemClock`] counts from.
static BEGUN: LazyLock<Instant> = LazyLock::new(Instant::now);

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn forward(&self) -> Duration {
        BEGUN.elapsed()
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
