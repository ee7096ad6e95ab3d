//! The process: the real loop of the engine on the home in memory, and the requests that wait for it.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use tidegate_core::built_in::BuiltIn;
use tidegate_core::names::EventId;
use tidegate_core::sequence::Settings;
use tidegate_engine::{Clock as _, Driver, Ports, Retention, Turn, Wake};
use tidegate_store::StoreError;
use tidegate_store::memory::{MemoryDisk, MemoryHome, MemoryReader};
use tidegate_store::watched::Watched;

use crate::clocks::{Clocks, Ids};
use crate::faulty::Strikes;
use crate::jobs::Claim;
use crate::repositories::Repositories;
use crate::request::Arrived;

/// The longest sleep of the loop's thread.
const SLEEP_MAX: Duration = Duration::from_secs(60);

/// What outlives the process.
#[derive(Clone)]
pub(crate) struct Machine {
    pub(crate) disk: MemoryDisk,
    pub(crate) clocks: Arc<Clocks>,
    pub(crate) ids: Arc<Ids>,
    pub(crate) repositories: Repositories,
    pub(crate) strikes: Arc<Strikes>,
}

/// What is lost with the process.
pub(crate) struct Server {
    driver: Driver<Watched<MemoryHome, Strikes>, Repositories>,
    pub(crate) reader: MemoryReader,
    inbox: VecDeque<Arrived>,
    /// The last delivery that each part of Tidegate has taken up.
    pub(crate) delivered: [i64; BuiltIn::ALL.len()],
    /// What it works on.
    pub(crate) claims: BTreeMap<EventId, Claim>,
}

impl Server {
    /// The process starts.
    pub(crate) fn start(machine: &Machine) -> Result<Self, StoreError> {
        let (home, reader) = MemoryHome::open(&machine.disk)?;
        let home = Watched { home, watch: Arc::clone(&machine.strikes) };
        let kept = Retention::default();
        let ports = Ports {
            clock: Arc::clone(&machine.clocks) as _,
            entropy: Arc::clone(&machine.ids) as _,
            settings: Settings::default(),
            // The clock may be set by days, and what was seen must stay.
            retention: Retention { unmapped: SignedDuration::from_hours(100_000), ..kept },
            metrics: Arc::default(),
            provisioner: None,
        };
        let shared = Arc::new(reader.clone());
        let driver = Driver::new(home, shared, machine.repositories.clone(), ports)?;
        let (inbox, claims) = (VecDeque::new(), BTreeMap::new());
        Ok(Self { driver, reader, inbox, delivered: [-1; BuiltIn::ALL.len()], claims })
    }

    /// A request arrives; false where too many wait already.
    pub(crate) fn arrive(&mut self, arrived: Arrived, most: usize) -> bool {
        if self.inbox.len() >= most {
            return false;
        }
        self.inbox.push_back(arrived);
        true
    }

    /// Whether requests wait.
    pub(crate) fn has_work(&self) -> bool {
        !self.inbox.is_empty()
    }

    /// Whether something is left to do that nobody has to wait for.
    pub(crate) fn has_backlog(&self) -> bool {
        self.driver.has_backlog()
    }

    /// One turn of the loop, with at most so many requests: what it took, and what came of it.
    pub(crate) fn turn(&mut self, most: usize) -> (Vec<Arrived>, Result<Turn, StoreError>) {
        let count = self.inbox.len().min(most);
        let taken: Vec<Arrived> = self.inbox.drain(..count).collect();
        let work = taken.iter().map(|arrived| arrived.work.clone()).collect();
        let turn = self.driver.turn(work);
        (taken, turn)
    }

    /// How long the loop sleeps when no request comes.
    pub(crate) fn sleep(&self, clocks: &Clocks) -> Duration {
        match self.driver.wake() {
            Wake::Now => Duration::ZERO,
            Wake::At(time) => {
                let until = time.duration_since(clocks.now());
                Duration::try_from(until).unwrap_or(Duration::ZERO).min(SLEEP_MAX)
            }
        }
    }
}
