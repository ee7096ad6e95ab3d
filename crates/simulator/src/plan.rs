//! What a seed decides about a run before it begins. Each run has some faults and not others: what one
//! fault hides, another run without it shows.

use std::time::Duration;

use crate::random::Random;

/// How a run is set up.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) projects: usize,
    pub(crate) services: usize,
    pub(crate) people: usize,
    pub(crate) executors: usize,
    /// Deliveries that people trigger, at most.
    pub(crate) triggers: usize,
    /// How long people go on, before everything is healed.
    pub(crate) length: Duration,
    /// Time between two things that a person does, at most.
    pub(crate) pause: Duration,
    /// Requests that wait at the server, at most.
    pub(crate) inbox: usize,
    /// Requests that the server takes in one commit, at most.
    pub(crate) batch: usize,
    pub(crate) network: Network,
    pub(crate) faults: Faults,
    /// Time between two faults, at most.
    pub(crate) fault_every: Duration,
    /// Files are kept elsewhere: shipyards come later than the commit that asks for them.
    pub(crate) elsewhere: bool,
}

/// How bad the network is, in a thousand messages.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Network {
    pub(crate) lost: u32,
    pub(crate) doubled: u32,
    /// So late that others overtake them.
    pub(crate) late: u32,
}

/// Which faults a run has.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Faults {
    pub(crate) kill: bool,
    pub(crate) disk: bool,
    pub(crate) full: bool,
    pub(crate) clock: bool,
    pub(crate) panic: bool,
    pub(crate) shipyard: bool,
    pub(crate) liars: bool,
}

impl Faults {
    fn any(self) -> bool {
        self.kill || self.disk || self.full || self.clock || self.panic || self.shipyard
    }
}

impl Plan {
    pub(crate) fn draw(random: &mut Random) -> Self {
        let mut on = |chance| random.chance(chance);
        let faults = Faults {
            kill: on(500),
            disk: on(500),
            full: on(250),
            clock: on(300),
            panic: on(200),
            shipyard: on(300),
            liars: on(500),
        };
        let network = match random.below(3) {
            0 => Network::default(),
            1 => Network { lost: 20, doubled: 20, late: 50 },
            _ => Network { lost: 150, doubled: 150, late: 200 },
        };
        let fault_every = match faults.any() {
            true => random.seconds(20, 600),
            false => Duration::from_secs(100_000),
        };
        let hurry = random.chance(300);
        Self {
            projects: 1 + usize::from(random.chance(200)),
            services: 1 + random.below(2),
            people: 1 + random.below(4),
            executors: 3 + random.below(5),
            triggers: 3 + random.below(10),
            length: if hurry { random.seconds(60, 600) } else { random.seconds(1800, 10_000) },
            pause: if hurry { Duration::from_secs(8) } else { random.seconds(60, 400) },
            inbox: if random.chance(100) { 3 } else { 10_000 },
            batch: if random.chance(500) { 64 } else { 1 + random.below(4) },
            network,
            faults,
            fault_every,
            elsewhere: random.chance(300),
        }
    }
}
