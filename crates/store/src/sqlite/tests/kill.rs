//! A process that is killed loses nothing that it has reported.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher as _;
use std::path::Path;

use crate::sqlite::SqliteHome;
use crate::sqlite::checkpoint::Thresholds;
use crate::sqlite::migrate::MIGRATIONS;
use crate::testing::{Steps as _, apply, entries, entry, event, project};
use crate::{Home as _, Reader as _};
use tidegate_core::sequence::View as _;

use super::Sqlite;
use super::child::{self, Child};

/// The first rounds are killed at commits; in the rest hardly anything happens but checkpoints.
const COMMITTING: u64 = 10;
const ROUNDS: u64 = 30;
/// A checkpoint after each commit, and a restart of the log after each few.
const ALWAYS: Thresholds = Thresholds { checkpoint_pages: 1, restart_pages: 8 };

/// The child: commits entries without an end, and reports each one after its commit.
#[test]
#[ignore = "started by the test below, in a process of its own"]
fn commits_until_it_is_killed() {
    let Some((dir, round)) = child::told() else { return };
    let thresholds = if round < COMMITTING { Thresholds::default() } else { ALWAYS };
    let (mut home, _reader) = SqliteHome::open_with(&dir, thresholds, MIGRATIONS).unwrap();
    let first = home.project(&project("shop")).unwrap().unwrap().last + 1;
    for n in first.. {
        home.begin().unwrap();
        apply(&mut home, &entries([entry(n, event(n))])).unwrap();
        home.commit().unwrap();
        child::say(&format!("committed {n}"));
    }
}

fn number(line: &str) -> Option<u64> {
    line.strip_prefix("committed ")?.parse().ok()
}

#[test]
fn what_a_killed_process_reported_is_there() {
    let Sqlite { home, reader, dir } = Sqlite::with_shop();
    drop((home, reader));
    let mut reported = 0;
    for round in 0..ROUNDS {
        let mut child = Child::start("kill::commits_until_it_is_killed", dir.path(), round);
        // Any number will do: the process goes on while the signal is on its way.
        let enough = RandomState::new().hash_one(round) % 150 + 1;
        for _ in 0..enough {
            reported = child.next(|line| number(&line)).expect("it reports until it is killed");
        }
        // What it had reported before the signal came counts as well.
        let rest = child.kill();
        reported = rest.iter().filter_map(|line| number(line)).fold(reported, u64::max);
        everything_is_there(dir.path(), reported, round);
    }
    assert!(reported >= ROUNDS);
}

fn everything_is_there(dir: &Path, reported: u64, round: u64) {
    let (home, reader) = SqliteHome::open(dir).unwrap();
    let sound: String =
        home.connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(sound, "ok", "round {round}");
    let last = home.project(&project("shop")).unwrap().unwrap().last;
    assert!(last >= reported, "round {round}: {reported} was reported, {last} is there");
    let trace = reader.trace(&project("shop"), event(1).context, u64::MAX).unwrap();
    let found: Vec<u64> = trace.iter().map(|row| row.n).collect();
    assert_eq!(found, (1..=last).collect::<Vec<_>>(), "round {round}");
    assert!(trace.iter().all(|row| row.event == event(row.n)), "round {round}");
}
