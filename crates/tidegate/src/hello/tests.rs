//! The files of a stage, without processes; those come in the tests of the whole binary.

use tidegate_core::names::StageName;

use super::nature::Nature;
use super::slot::Record;
use super::{State, restore, stop_all};

fn stage(name: &str) -> StageName {
    StageName::new(name).unwrap()
}

fn record(name: &str, pid: u32) -> Record {
    Record {
        service: "hello".to_owned(),
        stage: stage(name),
        version: "v1".to_owned(),
        pid,
        address: "127.0.0.1:7071".parse().unwrap(),
        nature: Nature::default(),
    }
}

#[test]
fn only_who_holds_the_lock_runs_whatever_a_file_says() {
    let directory = tempfile::tempdir().unwrap();
    let state = State::open(directory.path()).unwrap();
    let slot = state.slot(&stage("qa"));
    assert_eq!(slot.running().unwrap(), None);
    // This process lives, but does not hold the lock.
    std::fs::write(directory.path().join("qa.lock"), "").unwrap();
    slot.record(&record("qa", std::process::id())).unwrap();
    assert_eq!(slot.running().unwrap(), None);
    assert_eq!(slot.last().unwrap(), Some(record("qa", std::process::id())));
    assert!(stop_all(&state).unwrap().is_empty(), "nothing is stopped, least of all this");
}

#[test]
fn stages_are_those_where_something_was_started() {
    let directory = tempfile::tempdir().unwrap();
    let state = State::open(directory.path()).unwrap();
    for name in ["qa", "production"] {
        drop(state.slot(&stage(name)).occupy().unwrap());
    }
    for other in ["qa.log", "Not-A-Stage.lock", ".tmp1", "dev.port"] {
        std::fs::write(directory.path().join(other), "").unwrap();
    }
    assert_eq!(state.stages().unwrap(), [stage("production"), stage("qa")]);
}

#[test]
fn a_stage_keeps_its_port() {
    let directory = tempfile::tempdir().unwrap();
    let slot = State::open(directory.path()).unwrap().slot(&stage("qa"));
    assert_eq!(slot.port().unwrap(), None);
    slot.keep_port(7099).unwrap();
    assert_eq!(slot.port().unwrap(), Some(7099));
}

#[test]
fn nothing_is_restored_where_nothing_ran_and_damage_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let slot = State::open(directory.path()).unwrap().slot(&stage("qa"));
    assert_eq!(restore(&slot).unwrap(), None);
    std::fs::write(directory.path().join("qa.json"), "{").unwrap();
    let error = restore(&slot).unwrap_err().to_string();
    assert!(error.contains("qa.json is damaged"), "{error}");
}

#[test]
fn a_record_of_a_former_version_is_one_replica_that_answers_at_once() {
    let directory = tempfile::tempdir().unwrap();
    let slot = State::open(directory.path()).unwrap().slot(&stage("qa"));
    let old = r#"{"service":"hello","stage":"qa","version":"v1","pid":1,"address":"127.0.0.1:1"}"#;
    std::fs::write(directory.path().join("qa.json"), old).unwrap();
    assert_eq!(slot.last().unwrap().unwrap().nature, Nature::default());
}
