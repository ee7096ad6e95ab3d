//! Loses power again and again under load.

use std::sync::atomic::AtomicU32;
use std::time::{Duration, Instant};

use crate::check::check;
use crate::far::Far;
use crate::load::{Clients, Promises};
use crate::loss::Manner;
use crate::rig::Rig;
use crate::server::{Server, install_jobs};
use crate::support::{Dice, PATIENCE};

/// What must be written next before the power fails: so jobs and Git get their share, although the
/// store writes far more often than they.
const PARTS: [&str; 7] =
    ["", "-wal", "tidegate.db$", "/git/", "refs/heads", "/jobs/", "result.json"];
/// How long a server works at most before the power fails.
const ROUND_MAX: Duration = Duration::from_secs(3);

/// A server, its disk, and all that it has promised.
pub(crate) struct Campaign {
    pub(crate) rig: Rig,
    pub(crate) promises: Promises,
    dice: Dice,
    names: AtomicU32,
    far: Far,
}

impl Campaign {
    /// Chance comes from the seed. There is project `tour`, whose deployments are jobs, and project
    /// `far`, whose files are kept elsewhere.
    ///
    /// The first start and the project's creation are followed by a loss of power, too; the error is
    /// what was broken by it.
    pub(crate) fn begin(rig: Rig, seed: u64) -> Result<Self, Vec<String>> {
        println!("TIDEGATE_SEED={seed}");
        let (promises, names) = (Promises::default(), AtomicU32::new(0));
        let far = Far::new();
        let mut campaign = Self { rig, promises, dice: Dice(seed), names, far };
        let server = campaign.start()?;
        let made = campaign.clients(&server).create_projects();
        campaign.promises.add(made);
        campaign.lose_power();
        let server = campaign.start()?;
        let promises = campaign.promises.clone();
        campaign.judge(&server, &promises)?;
        campaign.lose_power();
        install_jobs(&campaign.rig);
        campaign.rig.begin();
        Ok(campaign)
    }

    /// Works until the power fails at a moment given by chance, and judges what is left. The error is
    /// every promise that was broken.
    pub(crate) fn round(&mut self) -> Result<(), Vec<String>> {
        let part = PARTS[self.dice.below(PARTS.len())];
        let operations = match part {
            "" | "-wal" => self.dice.roll(1500),
            "/git/" | "/jobs/" | "tidegate.db$" => self.dice.roll(200),
            _ => self.dice.roll(20),
        };
        self.rig.cut_after(part, operations, self.dice.roll(12));
        if self.dice.below(4) == 0 {
            self.rig.shorten_every(2 + self.dice.roll(9));
        }
        self.far.change(&mut self.dice);
        let new = match Server::start(&self.rig) {
            Ok(mut server) => self.clients(&server).work(|| attend(&mut server, ROUND_MAX)),
            // It failed while the server still took up what the last loss had left.
            Err(_) if self.rig.is_off() => Promises::default(),
            Err(said) => return Err(vec![does_not_start(&said)]),
        };
        let how = if self.rig.is_off() { "" } else { "time was over before " };
        print!("{how}{operations} operations on '{part}': ");
        self.lose_power();
        let server = self.start()?;
        self.judge(&server, &new)?;
        self.promises.add(new);
        // The check itself is not to be survived: nothing was promised by it.
        self.lose_power();
        Ok(())
    }

    /// Works until the `n`th sync of a file whose path contains `part` fails, and answers with how the
    /// server ended then; none where it did not. The power stays on.
    pub(crate) fn fail_sync(&mut self, part: &str, n: u64) -> Result<Option<i32>, Vec<String>> {
        let mut server = self.start()?;
        self.rig.fail_sync_of(part, n);
        let clients = self.clients(&server);
        let new = clients.work(|| attend(&mut server, PATIENCE));
        assert!(self.rig.sync_failed(), "there are {n} syncs of {part}");
        self.promises.add(new);
        Ok(server.ended().flatten())
    }

    /// Pushes, until the power fails with the last answer: nothing that comes later syncs what the push
    /// has not.
    pub(crate) fn push(&mut self) -> Result<(), Vec<String>> {
        let server = self.start()?;
        let new = self.clients(&server).only_push();
        self.rig.power_off();
        println!("{}", self.rig.lose(Manner::Gone, &mut self.dice));
        assert!(!new.commits.is_empty(), "pushes are answered");
        let server = self.start()?;
        self.judge(&server, &new)?;
        self.promises.add(new);
        self.lose_power();
        Ok(())
    }

    /// Judges all that was ever promised, and answers with it.
    pub(crate) fn end(self) -> Result<Promises, Vec<String>> {
        let server = self.start()?;
        self.judge(&server, &self.promises)?;
        let far = self.promises.far.iter().map(|(_, file)| file);
        let far = far.chain(&self.promises.far_pushed).cloned().collect();
        match self.far.missing(server.address, &far) {
            missing if missing.is_empty() => Ok(self.promises),
            missing => Err(vec![format!("elsewhere there is no {}", missing.join(", "))]),
        }
    }

    fn clients(&self, server: &Server) -> Clients<'_> {
        Clients::of(server.address, &self.names, &self.far)
    }

    fn start(&self) -> Result<Server, Vec<String>> {
        Server::start(&self.rig).map_err(|said| vec![does_not_start(&said)])
    }

    fn judge(&self, server: &Server, promises: &Promises) -> Result<(), Vec<String>> {
        let broken = check(&self.rig, server.address, promises);
        if broken.is_empty() { Ok(()) } else { Err(broken) }
    }

    /// The power fails now.
    pub(crate) fn lose_power(&mut self) {
        self.rig.power_off();
        let manner = Manner::choose(&mut self.dice);
        println!("{}", self.rig.lose(manner, &mut self.dice));
    }
}

fn does_not_start(said: &str) -> String {
    format!("the server does not start again: {said}")
}

/// Waits until the server has ended, but not for ever.
fn attend(server: &mut Server, at_most: Duration) {
    let deadline = Instant::now() + at_most;
    while server.ended().is_none() && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(2));
    }
}
