//! What the disk loses, and what it must not lose.

use tidegate_core::sequence::View as _;

use crate::testing::{Steps as _, apply, entries, entry, event, project};
use crate::{Home as _, StoreError};

use super::super::{Fault, MemoryHome};
use super::Memory;

/// `shop` with so many entries, each in a commit of its own.
fn with_entries(n: u64) -> Memory {
    let mut store = Memory::with_shop();
    (1..=n).for_each(|n| store.applied(&entries([entry(n, event(n))])));
    store
}

fn commit(store: &mut Memory, n: u64) -> Result<(), StoreError> {
    store.home.begin().unwrap();
    apply(&mut store.home, &entries([entry(n, event(n))])).unwrap();
    store.home.commit()
}

fn last(home: &MemoryHome) -> u64 {
    home.project(&project("shop")).unwrap().unwrap().last
}

fn reopened(store: &Memory, kept: usize) -> MemoryHome {
    store.disk.crash(kept);
    MemoryHome::open(&store.disk).unwrap().0
}

#[test]
fn what_was_committed_is_there_after_a_crash() {
    let store = with_entries(3);
    assert_eq!(last(&reopened(&store, 0)), 3);
}

#[test]
fn what_was_not_synced_is_there_whole_or_not_at_all() {
    let length = |store: &Memory| store.disk.written_and_synced();
    let (_, from) = length(&with_entries(3));
    let mut store = with_entries(3);
    store.disk.arm(0, Fault::AfterAppend);
    assert!(commit(&mut store, 4).unwrap_err().is_fatal());
    let (to, synced) = length(&store);
    assert!(synced == from && to > from);
    for kept in 0..=to - from {
        let mut store = with_entries(3);
        store.disk.arm(0, Fault::AfterAppend);
        commit(&mut store, 4).unwrap_err();
        let whole = kept == to - from;
        assert_eq!(last(&reopened(&store, kept)), if whole { 4 } else { 3 }, "{kept}");
    }
}

#[test]
fn each_fault_leaves_the_commit_or_nothing_of_it() {
    for (fault, kept, there) in [
        (Fault::BeforeAppend, usize::MAX, 3),
        (Fault::AfterAppend, 0, 3),
        (Fault::SyncFails, 0, 3),
        (Fault::SyncFails, usize::MAX, 4),
        (Fault::AfterSync, 0, 4),
    ] {
        let mut store = with_entries(2);
        store.disk.arm(1, fault);
        commit(&mut store, 3).unwrap();
        assert!(commit(&mut store, 4).unwrap_err().is_fatal(), "{fault:?}");
        assert_eq!(last(&store.home), 3, "what failed is undone in memory");
        assert!(store.disk.has_failed());
        assert!(commit(&mut store, 4).is_err(), "a disk that has failed takes nothing more");
        let home = reopened(&store, kept);
        assert_eq!(last(&home), there, "{fault:?}");
    }
}

#[test]
fn whoever_opens_the_disk_is_the_only_writer() {
    let mut store = with_entries(1);
    let (home, reader) = MemoryHome::open(&store.disk).unwrap();
    let mut newer = Memory { disk: store.disk.clone(), home, reader };
    assert!(commit(&mut store, 2).unwrap_err().is_fatal());
    assert!(store.home.fill_reserve().is_err() && store.home.release_reserve().is_err());
    commit(&mut newer, 2).unwrap();
    assert_eq!(last(&reopened(&newer, 0)), 2);
}

#[test]
fn a_full_disk_takes_nothing_until_the_reserve_is_given_up() {
    let mut store = with_entries(1);
    assert!(store.home.fill_reserve().unwrap());
    store.disk.leave_room(Some(10));
    assert!(matches!(commit(&mut store, 2), Err(StoreError::Full(_))));
    assert_eq!(last(&store.home), 1);
    assert!(store.home.release_reserve().unwrap() && !store.home.release_reserve().unwrap());
    commit(&mut store, 2).unwrap();
    assert!(!store.home.fill_reserve().unwrap(), "there is no room for it any more");
    store.disk.leave_room(None);
    assert!(store.home.fill_reserve().unwrap());
    assert_eq!(last(&reopened(&store, 0)), 2);
}

#[test]
fn a_damaged_record_is_found_unless_it_is_the_torn_end() {
    let store = with_entries(2);
    let (length, _) = store.disk.written_and_synced();
    for at in 0..length {
        let store = with_entries(2);
        store.disk.edit(|journal| journal[at] ^= 0x10);
        match MemoryHome::open(&store.disk) {
            Err(StoreError::Damaged { what, .. }) => assert!(what.contains("journal"), "{what}"),
            Err(other) => panic!("{other}"),
            // The last record, or one whose length now reaches behind the end.
            Ok((home, _)) => {
                let shop = home.project(&project("shop")).unwrap();
                assert!(shop.is_none_or(|shop| shop.last < 2), "a flipped bit was believed");
            }
        }
    }
}
