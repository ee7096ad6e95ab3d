//! A process that is killed loses nothing that it has reported.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher as _;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

use crate::sqlite::SqliteHome;
use crate::testing::{Steps as _, apply, entries, entry, event, project};
use crate::{Home as _, Reader as _};
use tidegate_core::sequence::View as _;

use super::Sqlite;

const DIRECTORY: &str = "TIDEGATE_STORE_KILL_TEST";
const ROUNDS: u64 = 10;

/// The child: commits entries without an end, and reports each one after its commit.
#[test]
#[ignore = "started by the test below, in a process of its own"]
fn commits_until_it_is_killed() {
    let Ok(dir) = std::env::var(DIRECTORY) else { return };
    let (mut home, _reader) = SqliteHome::open(Path::new(&dir)).unwrap();
    let first = home.project(&project("shop")).unwrap().unwrap().last + 1;
    let mut out = std::io::stdout();
    for n in first.. {
        home.begin().unwrap();
        apply(&mut home, &entries([entry(n, event(n))])).unwrap();
        home.commit().unwrap();
        writeln!(out, "committed {n}").unwrap();
        out.flush().unwrap();
    }
}

#[test]
fn what_a_killed_process_reported_is_there() {
    let Sqlite { home, reader, dir } = Sqlite::with_shop();
    drop((home, reader));
    let mut reported = 0;
    for round in 0..ROUNDS {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "sqlite::tests::kill::commits_until_it_is_killed"])
            .args(["--ignored", "--nocapture", "--test-threads=1"])
            .env(DIRECTORY, dir.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // Any number will do: the process goes on while the signal is on its way.
        let enough = RandomState::new().hash_one(round) % 150 + 1;
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let number = |line: &str| line.strip_prefix("committed ")?.parse::<u64>().ok();
        let mut seen = 0;
        while seen < enough {
            let line = lines.next().expect("it reports until it is killed").unwrap();
            if let Some(n) = number(&line) {
                reported = n;
                seen += 1;
            }
        }
        child.kill().unwrap();
        // What it had reported before the signal came counts as well; a line may be cut off.
        let mut rest: Vec<String> = lines.map_while(Result::ok).collect();
        rest.pop();
        reported = rest.iter().filter_map(|line| number(line)).fold(reported, u64::max);
        child.wait().unwrap();

        let (home, reader) = SqliteHome::open(dir.path()).unwrap();
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
    assert!(reported >= ROUNDS);
}
