//! A copy holds what was acknowledged before it was begun, and nothing by halves.

use std::os::unix::fs::PermissionsExt as _;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::sqlite::{Loss, SqliteHome, backup, check, open, tail, verify};
use crate::testing::{Fixture as _, Steps as _, apply, entries, entry, event, project};
use crate::{Home as _, Reader as _, StoreError};

use super::Sqlite;
use super::story::Story;

#[test]
fn a_copy_is_sound_and_holds_everything() {
    let store = Story::told();
    let target = tempfile::tempdir().unwrap();
    let copied = backup(store.dir.path(), target.path(), Loss::Refused).unwrap();
    assert_eq!(copied.projects, [project("shop")]);
    assert_eq!(copied.unfinished, [project("next")]);
    assert_eq!(copied.events, super::story::entries(&store));
    verify(target.path()).unwrap();
    let checked = check(target.path(), &mut |finding| panic!("{finding:?}")).unwrap();
    assert_eq!(checked, check(store.dir.path(), &mut |_| {}).unwrap());
    let made: Vec<_> = std::fs::read_dir(target.path()).unwrap().map(Result::unwrap).collect();
    assert_eq!(made.len(), 1, "{made:?}");
    assert_eq!(made[0].metadata().unwrap().permissions().mode() & 0o777, 0o600);
    // It opens as any store does.
    let (_home, reader) = SqliteHome::open(target.path()).unwrap();
    assert_eq!(reader.projects(0, 9).unwrap().items[0].name, project("shop"));
}

#[test]
fn a_copy_made_while_a_writer_commits_is_the_log_up_to_some_entry() {
    let mut store = Sqlite::with_shop();
    let acknowledged = AtomicU64::new(0);
    let stop = AtomicU64::new(0);
    let dir = store.dir.path().to_owned();
    std::thread::scope(|scope| {
        let home = store.home();
        let (acknowledged, stop) = (&acknowledged, &stop);
        scope.spawn(move || {
            for n in 1.. {
                home.begin().unwrap();
                apply(home, &entries([entry(n, event(n))])).unwrap();
                home.commit().unwrap();
                acknowledged.store(n, Ordering::SeqCst);
                if stop.load(Ordering::SeqCst) == 1 {
                    break;
                }
            }
        });
        for _ in 0..10 {
            let at_least = acknowledged.load(Ordering::SeqCst);
            let target = tempfile::tempdir().unwrap();
            let copied = backup(&dir, target.path(), Loss::Refused).unwrap();
            assert!(copied.events >= at_least, "{} of {at_least}", copied.events);
            verify(target.path()).unwrap();
            let (_home, reader) = SqliteHome::open(target.path()).unwrap();
            let trace = reader.trace(&project("shop"), event(1).context, u64::MAX).unwrap();
            let found: Vec<u64> = trace.iter().map(|row| row.n).collect();
            assert_eq!(found, (1..=copied.events).collect::<Vec<_>>());
            assert!(trace.iter().all(|row| row.event == event(row.n)));
        }
        stop.store(1, Ordering::SeqCst);
    });
    assert!(acknowledged.into_inner() > 10);
}

#[test]
fn a_store_that_has_lost_commits_is_copied_only_where_that_is_accepted() {
    let mut store = Sqlite::with_shop();
    for n in 1..=5 {
        store.applied(&entries([entry(n, event(n))]));
    }
    let damaged = tempfile::tempdir().unwrap();
    for name in [open::FILE, "tidegate.db-wal"] {
        std::fs::copy(store.dir.path().join(name), damaged.path().join(name)).unwrap();
    }
    let log = tail::log_of(&damaged.path().join(open::FILE));
    let mut bytes = std::fs::read(&log).unwrap();
    let place = bytes.len() * 3 / 4;
    bytes[place] ^= 1;
    std::fs::write(&log, bytes).unwrap();

    let target = tempfile::tempdir().unwrap();
    let refused = backup(damaged.path(), target.path(), Loss::Refused).unwrap_err();
    assert!(matches!(refused, StoreError::Damaged { .. }), "{refused}");
    let copied = backup(damaged.path(), target.path(), Loss::Accepted).unwrap();
    assert!(copied.events < 5);
    check(target.path(), &mut |finding| panic!("{finding:?}")).unwrap();
}

#[test]
fn what_cannot_be_copied_is_named() {
    let (empty, target) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let error = backup(empty.path(), target.path(), Loss::Refused).unwrap_err().to_string();
    assert!(error.contains("tidegate.db"), "{error}");
    let store = Sqlite::fresh();
    std::fs::write(target.path().join(open::FILE), "somebody's").unwrap();
    let error = backup(store.dir.path(), target.path(), Loss::Refused).unwrap_err().to_string();
    assert!(error.contains("exists"), "{error}");
}
