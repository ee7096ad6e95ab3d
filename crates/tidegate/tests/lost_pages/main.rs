//! The power fails, again and again; nothing that was acknowledged is lost, nothing happens twice.
//!
//! SIGKILL proves nothing about syncs: the kernel keeps what was written. Here a preloaded shim
//! ([shim.c](shim.c)) sees all that the server and its jobs do to their disk, and a loss of power
//! leaves only what was synced, with a torn write or an arbitrary part of the rest.

#![cfg(target_os = "linux")]
#![allow(clippy::print_stdout, reason = "a long run tells its seed and what became of each loss")]

mod campaign;
mod check;
mod disk;
#[path = "../support/far.rs"]
mod far;
mod load;
mod log;
mod loss;
mod rig;
mod server;
mod shim;
#[path = "../support/mod.rs"]
mod support;

use campaign::Campaign;
use rig::Rig;
use server::Server;
use support::{delivery, number, post, request, until};

/// A missing sync is noticed after so many losses at the latest.
const NOTICED_AFTER_MAX: u32 = 40;

fn campaign() -> Campaign {
    let begun = Campaign::begin(Rig::new(), number("TIDEGATE_SEED", 20_261_125));
    begun.unwrap_or_else(|broken| panic!("promises were broken at the very start: {broken:#?}"))
}

#[test]
fn losing_power_under_load_loses_nothing_and_does_nothing_twice() {
    let losses = number("TIDEGATE_POWER_LOSSES", 12);
    let mut campaign = campaign();
    for loss in 1..=losses {
        if let Err(broken) = campaign.round() {
            let kept = campaign.rig.keep();
            panic!("loss {loss}: {broken:#?}; all of it is in {}", kept.display());
        }
    }
    let kept = campaign.end().expect("all that was promised is there").counts();
    println!("{losses} losses of power under load, as many after a start: kept {kept:?}");
    assert!(kept.iter().all(|(_, count)| *count > 0), "the load is real: {kept:?}");
}

/// The same campaign on a disk where one kind of sync does nothing: it must notice.
fn notices_missing_syncs_of(part: &str) {
    let mut campaign = campaign();
    campaign.rig.swallow_syncs_of(part);
    for loss in 1..=NOTICED_AFTER_MAX {
        if let Err(broken) = campaign.round() {
            println!("{part}: noticed at loss {loss}: {}", broken[0]);
            assert!(campaign.rig.swallowed() > 0, "because of something else: {broken:#?}");
            return;
        }
    }
    panic!("{NOTICED_AFTER_MAX} losses without a sync of {part}, and nobody noticed");
}

#[test]
fn a_store_that_does_not_sync_is_noticed() {
    notices_missing_syncs_of("tidegate.db-wal");
}

#[test]
fn a_job_whose_start_is_not_synced_is_noticed() {
    notices_missing_syncs_of("started.json");
}

#[test]
fn a_job_whose_result_is_not_synced_is_noticed() {
    notices_missing_syncs_of("result.json");
}

#[test]
fn branches_that_are_not_synced_are_noticed() {
    notices_missing_syncs_of("/refs/heads");
}

#[test]
fn objects_that_are_not_synced_are_noticed() {
    notices_missing_syncs_of("/objects/");
}

#[test]
fn a_push_that_was_answered_is_there_when_the_power_fails_with_the_answer() {
    let mut campaign = campaign();
    for push in 1..=3 {
        assert_eq!(campaign.push(), Ok(()), "push {push}");
    }
    campaign.end().expect("all that was promised is there");
}

/// After a sync that failed, the kernel holds for written what is not on the disk: nothing may be
/// built on it, neither by this process nor by the next one.
#[test]
fn a_sync_of_the_store_that_fails_ends_the_process_and_loses_nothing() {
    for (n, power_fails_at_once) in [(3, true), (12, false), (25, true), (40, false)] {
        let mut campaign = campaign();
        assert_eq!(campaign.fail_sync("tidegate.db-wal", n), Ok(Some(70)), "sync {n}");
        if power_fails_at_once {
            campaign.lose_power();
        } else {
            assert_eq!(campaign.round(), Ok(()), "after sync {n}");
        }
        campaign.end().unwrap_or_else(|broken| panic!("after sync {n}: {broken:#?}"));
    }
}

#[test]
fn a_full_disk_is_said_and_is_over_when_there_is_room() {
    let mut campaign = campaign();
    let mut server = Server::start(&campaign.rig).expect("it starts");
    let trigger =
        |image| post(server.address, "/api/v1/event", &delivery(image)).expect("an answer");
    campaign.rig.set_room(Some(500_000));
    let mut accepted = 0;
    let refused = (0..200).map(|_| trigger("hello:full")).find(|(code, _)| {
        accepted += u32::from(*code == 200);
        *code != 200
    });
    let (code, said) = refused.expect("the disk is full one day");
    println!("{accepted} accepted, then {said}");
    assert_eq!(code, 507, "{said}");
    assert!(accepted > 0, "there was room at first");
    let headers = [("x-token", support::TOKEN)];
    let path = "/api/controlPlane/v1/project/tour";
    let read = request(server.address, "GET", path, &headers, b"").expect("an answer");
    assert_eq!(read.code, 200, "who only reads needs no room");
    campaign.rig.set_room(None);
    until("the server to see that there is room", || {
        (trigger("hello:room").0 == 200).then_some(())
    });
    assert_eq!(server.ended(), None, "it was never started again");
    campaign.lose_power();
}
