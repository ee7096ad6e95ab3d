//! The write-ahead log is recycled.

use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::sqlite::checkpoint::Thresholds;
use crate::sqlite::migrate::MIGRATIONS;
use crate::sqlite::{SqliteHome, open};
use crate::testing::{at, commit_id, env_at, new_project};
use crate::{Home as _, Reader as _};
use crate::{Intent, Write, Written};

const SMALL: Thresholds = Thresholds { checkpoint_pages: 20, restart_pages: 60 };

fn wal_bytes(dir: &TempDir) -> u64 {
    std::fs::metadata(dir.path().join("tidegate.db-wal")).unwrap().len()
}

/// One commit of a few pages.
fn commit(home: &mut SqliteHome, n: u64) {
    home.begin().unwrap();
    let begun = home.write(
        &Write::Begin(Intent::CreateProject(new_project(&format!("p{n}"))), vec![]),
        &env_at(at(0)),
    );
    let Ok(Written::Begun(intent)) = begun else { panic!("{begun:?}") };
    let (commit, now) = (commit_id(n), at(0));
    home.write(&Write::Complete { intent, commit, now, events: vec![] }, &env_at(at(0))).unwrap();
    home.commit().unwrap();
}

#[test]
fn under_load_the_log_starts_again_and_does_not_grow() {
    let dir = tempfile::tempdir().unwrap();
    let (mut home, _reader) = SqliteHome::open_with(dir.path(), SMALL, MIGRATIONS).unwrap();
    let mut commits = 0;
    let deadline = Instant::now() + Duration::from_secs(60);
    // Many times as many pages as the log may hold: without a restart it would hold them all.
    while commits < 2_000 && Instant::now() < deadline {
        commits += 1;
        commit(&mut home, commits);
    }
    // The writer runs on while a checkpoint does its first pass, so the bound is not sharp.
    assert!(commits > 500, "only {commits} commits in a minute");
    let (found, written) = (wal_bytes(&dir), commits * 3 * open::PAGE_BYTES as u64);
    assert!(found < written / 4, "{found} bytes of log after {written}");
}

#[test]
fn what_was_committed_is_moved_without_another_commit() {
    let dir = tempfile::tempdir().unwrap();
    let every_commit = Thresholds { checkpoint_pages: 1, ..SMALL };
    let (mut home, _reader) = SqliteHome::open_with(dir.path(), every_commit, MIGRATIONS).unwrap();
    for n in 1..=5 {
        commit(&mut home, n);
    }
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let ask = "PRAGMA wal_checkpoint(NOOP)";
        let read = |row: &rusqlite::Row<'_>| Ok((row.get(1)?, row.get(2)?));
        let (pages, moved): (i64, i64) = home.connection.query_row(ask, [], read).unwrap();
        assert!(pages > 0);
        if pages == moved {
            break;
        }
        assert!(Instant::now() < deadline, "{moved} of {pages} pages were moved");
        std::thread::yield_now();
    }
}

#[test]
fn dropping_the_home_moves_everything_and_ends_the_thread() {
    let dir = tempfile::tempdir().unwrap();
    let (mut home, reader) = SqliteHome::open(dir.path()).unwrap();
    commit(&mut home, 1);
    drop(home);
    // The reader keeps SQLite from moving the log itself. Without the log, all is there already.
    assert_eq!(wal_bytes(&dir), 0, "the log is empty");
    std::fs::remove_file(dir.path().join("tidegate.db-wal")).unwrap();
    drop(reader);
    let file = rusqlite::Connection::open(dir.path().join("tidegate.db")).unwrap();
    let n: i64 = file.query_row("SELECT count(*) FROM project", [], |row| row.get(0)).unwrap();
    assert_eq!(n, 2);
}

#[test]
fn a_reader_that_is_still_at_work_keeps_the_log_and_nothing_is_lost() {
    let dir = tempfile::tempdir().unwrap();
    let (mut home, reader) = SqliteHome::open(dir.path()).unwrap();
    reader
        .read(|connection| {
            let count = || {
                let sql = "SELECT count(*) FROM project";
                connection.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap()
            };
            assert_eq!(count(), 1);
            commit(&mut home, 1);
            drop(home);
            assert!(wal_bytes(&dir) > 0, "what the reader does not see yet stays in the log");
            assert_eq!(count(), 1);
            Ok(())
        })
        .unwrap();
    let (_home, reader) = SqliteHome::open(dir.path()).unwrap();
    assert_eq!(reader.projects(0, 9).unwrap().total, 1);
}
