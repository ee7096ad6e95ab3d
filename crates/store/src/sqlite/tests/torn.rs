//! The write-ahead log when its end is missing, or a bit of it has changed.

use std::fs;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use tempfile::TempDir;

use crate::sqlite::tail::{self, Tail};
use crate::sqlite::{SqliteHome, open};
use crate::testing::{Steps as _, entries, entry, event, project};
use crate::{Reader as _, StoreError};

use super::Sqlite;

const COMMITS: u64 = 5;
/// A number without a divisor in common with the size of pages and frames.
const STRIDE: usize = 61;

/// A store that was not closed: its database, its log, and where each commit ends in the log.
struct Left {
    database: Vec<u8>,
    log: Vec<u8>,
    ends: Vec<usize>,
}

impl Left {
    fn by_a_process_that_died() -> Self {
        let Sqlite { home, reader, dir } = Sqlite::with_shop();
        drop((home, reader));
        let (home, reader) = SqliteHome::open(dir.path()).unwrap();
        let mut store = Sqlite { home, reader, dir };
        let (database, log) = (open::FILE, "tidegate.db-wal");
        let read = |store: &Sqlite, name: &str| fs::read(store.dir.path().join(name)).unwrap();
        let mut ends = vec![32];
        for n in 1..=COMMITS {
            store.applied(&entries([entry(n, event(n))]));
            ends.push(read(&store, log).len());
        }
        Self { database: read(&store, database), log: read(&store, log), ends }
    }

    fn put(&self, dir: &Path, log: &[u8]) {
        fs::write(dir.join(open::FILE), &self.database).unwrap();
        fs::write(dir.join("tidegate.db-wal"), log).unwrap();
    }
}

/// How many entries are there; each must be what was written.
fn entries_in(dir: &TempDir) -> Result<u64, StoreError> {
    let (_home, reader) = SqliteHome::open(dir.path())?;
    let trace = reader.trace(&project("shop"), event(1).context, u64::MAX)?;
    for (index, row) in trace.iter().enumerate() {
        assert_eq!((row.n, &row.event), (index as u64 + 1, &event(row.n)));
    }
    Ok(trace.len() as u64)
}

#[test]
fn a_log_that_is_cut_within_its_last_commit_holds_everything_before() {
    let left = Left::by_a_process_that_died();
    let [.., before, end] = left.ends[..] else { panic!("more than one commit") };
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join(open::FILE);
    let frame = 24 + open::PAGE_BYTES;
    let mut opened = 0;
    for cut in before..=end {
        let into = (cut - 32) % frame;
        // What SQLite makes of it, at the ends and heads of frames and here and there between.
        let opens = into <= 25 || cut % (STRIDE * 16) == 0;
        if !opens && cut % STRIDE != 0 {
            continue;
        }
        left.put(dir.path(), &left.log[..cut]);
        let want = match cut {
            _ if cut == before || cut == end => Tail::Clean,
            _ => Tail::Torn { frame: ((before - 32) / frame + 1) as u64 },
        };
        assert_eq!(tail::of(&file).unwrap(), want, "cut at {cut}");
        if opens {
            opened += 1;
            let there = entries_in(&dir).unwrap();
            assert_eq!(there, COMMITS - u64::from(cut < end), "cut at {cut}");
            assert_eq!(tail::of(&file).unwrap(), Tail::Clean, "nothing of it is left");
        }
    }
    assert!(opened > 50, "{opened}");
}

#[test]
fn a_bit_that_changes_in_the_log_never_takes_an_acknowledged_commit_in_silence() {
    let left = Left::by_a_process_that_died();
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join(open::FILE);
    let last = left.ends[left.ends.len() - 2];
    let (mut refused, mut torn) = (0, 0);
    // Every byte of the header and of the heads of frames, and here and there in pages.
    let frame = 24 + open::PAGE_BYTES;
    let places = (0..left.log.len())
        .filter(|at| *at < 32 || (at - 32) % frame < 24 || at % (STRIDE * 8) == 0);
    for place in places {
        let mut log = left.log.clone();
        log[place] ^= 1 << (place % 8);
        left.put(dir.path(), &log);
        let tail = tail::of(&file).unwrap();
        match entries_in(&dir) {
            Ok(COMMITS) => panic!("{place}: SQLite read over it"),
            Ok(there) => {
                assert!(matches!(tail, Tail::Torn { .. }), "{place}: {there} entries, {tail:?}");
                assert!(place >= last, "{place} is before the last commit at {last}");
                assert_eq!(there, COMMITS - 1, "{place}");
                torn += 1;
            }
            Err(StoreError::Damaged { what, why }) => {
                assert!(matches!(tail, Tail::Lost { .. }), "{place}: {tail:?}");
                assert!(what.contains("tidegate.db-wal, frame "), "{place}: {what}");
                assert!(why.contains("restore a backup"), "{place}: {why}");
                refused += 1;
            }
            Err(other) => panic!("{place}: {other}"),
        }
    }
    assert!(refused > 100 && torn > 20, "{refused} refused, {torn} torn");
}

/// A log with an earlier round behind it, before and after a commit of `frames` frames or more.
fn before_and_after(dir: &Path, frames: u32) -> (Vec<u8>, Vec<u8>) {
    let file = dir.join(open::FILE);
    let connection = rusqlite::Connection::open(&file).unwrap();
    connection
        .execute_batch(
            "PRAGMA page_size = 512;
             PRAGMA journal_mode = WAL;
             PRAGMA wal_autocheckpoint = 0;
             CREATE TABLE page (n INTEGER PRIMARY KEY, filler BLOB);",
        )
        .unwrap();
    let put = |n: u32| {
        connection.execute("INSERT INTO page VALUES (?1, randomblob(400))", [n]).unwrap();
    };
    // Mostly a commit a frame, so what is left of it is full of marks.
    (0..frames).for_each(put);
    (0..frames).for_each(|n| {
        connection.execute("UPDATE page SET filler = randomblob(400) WHERE n = ?1", [n]).unwrap();
    });
    connection.execute_batch("PRAGMA wal_checkpoint(RESTART)").unwrap();
    (frames..frames + 3).for_each(put);
    let log = || fs::read(tail::log_of(&file)).unwrap();
    let before = log();
    connection.execute_batch("UPDATE page SET filler = randomblob(400)").unwrap();
    (before, log())
}

#[test]
fn a_commit_of_which_a_disk_has_kept_some_sectors_is_torn_and_nothing_else() {
    const MIXTURES: u64 = 2000;
    let dir = tempfile::tempdir().unwrap();
    let (before, after) = before_and_after(dir.path(), 200);
    let mixed = tempfile::tempdir().unwrap();
    let file = mixed.path().join(open::FILE);
    let mut dice = 0x5eed_u64;
    let mut torn = 0;
    for n in 0..MIXTURES {
        let mut log = before.clone();
        log.resize(before.len().max(after.len()), 0);
        for (at, sector) in after.chunks(512).enumerate() {
            dice = dice
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            if dice >> 63 == 1 {
                log[at * 512..at * 512 + sector.len()].copy_from_slice(sector);
            }
        }
        fs::write(tail::log_of(&file), &log).unwrap();
        match tail::of(&file).unwrap() {
            Tail::Torn { .. } => torn += 1,
            Tail::Clean => {}
            Tail::Lost { frame, commits } => panic!("mixture {n}: {commits} from frame {frame}"),
        }
    }
    assert!(torn > MIXTURES / 2, "{torn}");
}

#[test]
fn what_an_earlier_round_left_in_the_log_is_no_damage() {
    let mut store = Sqlite::with_shop();
    for n in 1..=9 {
        store.applied(&entries([entry(n, event(n))]));
    }
    store.home.connection.execute_batch("PRAGMA wal_checkpoint(RESTART)").unwrap();
    store.applied(&entries([entry(10, event(10))]));
    let dir = tempfile::tempdir().unwrap();
    for name in [open::FILE, "tidegate.db-wal"] {
        fs::copy(store.dir.path().join(name), dir.path().join(name)).unwrap();
    }
    let file = dir.path().join(open::FILE);
    assert_eq!(tail::of(&file).unwrap(), Tail::Clean);
    assert_eq!(entries_in(&dir).unwrap(), 10);
    assert_eq!(tail::of(&dir.path().join("nothing.db")).unwrap(), Tail::Clean);
}

#[test]
fn a_log_of_zeros_or_less_than_a_header_is_an_empty_one() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join(open::FILE);
    for bytes in [0, 1, 31, 32, 33, 55, 56, 40_000] {
        let log = fs::File::create(tail::log_of(&file)).unwrap();
        log.set_len(bytes).unwrap();
        assert_eq!(tail::of(&file).unwrap(), Tail::Clean, "{bytes} zeros");
        if bytes > 0 {
            log.write_all_at(b"7", bytes / 2).unwrap();
            assert_eq!(tail::of(&file).unwrap(), Tail::Clean, "{bytes} bytes of something else");
        }
    }
}
