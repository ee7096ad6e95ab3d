//! What goes wrong.

use std::time::Duration;

use jiff::SignedDuration;
use tidegate_store::memory::Fault;

use crate::agenda::Action;
use crate::plan::Faults;
use crate::world::{Checked, Lost, World};

#[derive(Debug, Clone, Copy)]
enum Wrong {
    Kill,
    Disk,
    Full,
    Clock,
    Panic,
    Shipyard,
}

impl World {
    /// One of the faults that this run has.
    pub(crate) fn go_wrong(&mut self) -> Checked {
        let Faults { kill, disk, full, clock, panic, shipyard, liars: _ } = self.plan.faults;
        let all = [
            (kill, Wrong::Kill),
            (disk, Wrong::Disk),
            (full, Wrong::Full),
            (clock, Wrong::Clock),
            (panic, Wrong::Panic),
            (shipyard, Wrong::Shipyard),
        ];
        let planned: Vec<Wrong> =
            all.into_iter().filter_map(|(on, wrong)| on.then_some(wrong)).collect();
        if planned.is_empty() || self.server.is_none() {
            return Ok(());
        }
        match *self.random.pick(&planned) {
            Wrong::Kill => {
                self.note(format_args!("the process is killed"));
                self.crash(Lost::BetweenCommits)?;
            }
            Wrong::Disk => {
                let faults =
                    [Fault::BeforeAppend, Fault::AfterAppend, Fault::AfterSync, Fault::SyncFails];
                let fault = *self.random.pick(&faults);
                self.arm(fault);
            }
            Wrong::Full => {
                let room = self.random.between(0, 20_000) as usize;
                let lasts = self.random.seconds(5, 400);
                self.note(format_args!("the disk has room for {room} bytes"));
                self.machine.disk.leave_room(Some(room));
                self.agenda.plan(self.now + lasts, Action::Space);
            }
            Wrong::Clock => self.set_clock(),
            Wrong::Panic => self.panic(),
            Wrong::Shipyard => {
                if self.random.chance(500) {
                    self.note(format_args!("the reader of shipyards panics next"));
                    self.machine.repositories.panic_once();
                } else {
                    self.note(format_args!("no shipyard can be read"));
                    self.machine.repositories.set_unreadable(true);
                    let lasts = self.random.seconds(5, 200);
                    self.agenda.plan(self.now + lasts, Action::Readable);
                }
            }
        }
        Ok(())
    }

    fn set_clock(&mut self) {
        let seconds = match self.random.below(4) {
            0 => self.random.between(1, 110),
            1 => self.random.between(130, 700),
            2 => self.random.between(700, 10_000),
            _ => self.random.between(10_000, 90_000),
        };
        let by = SignedDuration::from_secs(seconds.cast_signed());
        let by = if self.random.chance(500) { by } else { -by };
        self.note(format_args!("the clock is set by {} s", by.as_secs()));
        self.machine.clocks.set(by);
    }

    fn panic(&mut self) {
        let reads = self.random.between(1, 40) as u32;
        self.checker.struck();
        if self.random.chance(600) {
            self.note(format_args!("a step panics in {reads} reads"));
            self.machine.strikes.panic_in(reads);
        } else {
            self.note(format_args!("a row cannot be read in {reads} reads"));
            self.machine.strikes.fail_in(reads);
        }
    }

    /// Nothing goes wrong any more.
    pub(crate) fn heal(&mut self) -> Checked {
        self.note(format_args!("everything is healed"));
        self.calm = true;
        self.machine.disk.disarm();
        self.machine.disk.leave_room(None);
        self.machine.clocks.catch_up();
        self.machine.repositories.heal();
        self.machine.strikes.heal();
        let over = |action: &Action| {
            !matches!(action, Action::Fault | Action::Person(_) | Action::Executor(_))
        };
        self.agenda.keep(over);
        if self.server.is_some() && self.random.chance(500) {
            self.crash(Lost::BetweenCommits)?;
        }
        self.agenda.plan(self.now + Duration::from_secs(1), Action::Start);
        Ok(())
    }
}
