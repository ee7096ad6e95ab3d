//! The shim and the disk it stands for, tried with small programs.

use std::fs;
use std::process::Command;

use crate::loss::Manner;
use crate::rig::Rig;
use crate::support::Dice;

/// Runs a script on the disk.
fn run(rig: &Rig, script: &str) -> bool {
    let mut command = Command::new("sh");
    command.args(["-c", script]).current_dir(rig.disk());
    rig.watch(&mut command).status().expect("a shell").success()
}

/// Runs a script on a new disk, then loses all that it has not synced.
fn left_by(script: &str) -> Rig {
    let mut rig = Rig::new();
    assert!(run(&rig, script), "{script}");
    rig.power_off();
    rig.lose(Manner::Gone, &mut Dice(1));
    rig
}

/// What a file holds; none where it is not there.
fn content(rig: &Rig, name: &str) -> Option<String> {
    fs::read_to_string(rig.disk().join(name)).ok()
}

#[test]
fn a_file_is_there_when_it_and_every_name_on_the_way_were_synced() {
    let written = "mkdir -p a/b && echo one > a/b/f";
    for (synced, left) in [
        ("true", None),
        ("sync a/b/f", None),
        ("sync a/b/f a/b a", None),
        ("sync a/b a .", Some("")),
        ("sync a/b/f a/b a .", Some("one\n")),
        ("sync", Some("one\n")),
    ] {
        let rig = left_by(&format!("{written} && {synced}"));
        assert_eq!(content(&rig, "a/b/f").as_deref(), left, "{synced}");
    }
}

#[test]
fn a_name_that_was_not_synced_goes_back_to_what_it_was() {
    let before = "echo one > f && sync f . && echo two > g && sync g";
    let rig = left_by(&format!("{before} && mv g f"));
    assert_eq!(content(&rig, "f").as_deref(), Some("one\n"));
    let rig = left_by(&format!("{before} && mv g f && sync ."));
    assert_eq!((content(&rig, "f").as_deref(), content(&rig, "g")), (Some("two\n"), None));
    let rig = left_by(&format!("{before} && rm f"));
    assert_eq!(content(&rig, "f").as_deref(), Some("one\n"));
}

#[test]
fn a_file_on_its_way_between_two_directories_is_never_lost() {
    let before = "mkdir a b && echo one > a/f && sync a/f a b . && mv a/f b/f";
    for (synced, at_a, at_b) in [
        ("true", true, false),
        ("sync a", true, false),
        ("sync b", true, true),
        ("sync b a", false, true),
    ] {
        let rig = left_by(&format!("{before} && {synced}"));
        let found = (content(&rig, "a/f").is_some(), content(&rig, "b/f").is_some());
        assert_eq!(found, (at_a, at_b), "{synced}");
    }
}

#[test]
fn a_torn_write_ends_with_a_sector() {
    let mut rig = Rig::new();
    let block = |letter| format!("printf %4096s | tr ' ' {letter} | dd of=f bs=4096 status=none");
    assert!(run(&rig, &format!("{} && sync f .", block("a"))));
    assert!(run(&rig, &format!("{} conv=notrunc iflag=fullblock", block("b"))));
    rig.power_off();
    rig.lose(Manner::OneTorn, &mut Dice(1));
    let content = content(&rig, "f").expect("it was synced");
    let new = content.find('a').expect("its end is not there");
    assert!(new > 0 && new.is_multiple_of(512), "{new}");
    assert_eq!(content, "b".repeat(new) + &"a".repeat(4096 - new));
}

#[test]
fn a_sync_that_does_nothing_or_fails_keeps_nothing() {
    let mut rig = Rig::new();
    rig.swallow_syncs_of("/f");
    rig.fail_sync_of("/g", 1);
    assert!(run(&rig, "echo one > f && echo one > g && echo one > h"));
    // The second sync says that all is well, as the kernel does.
    assert!(run(&rig, "sync f h . && ! sync g && sync g"));
    assert!(rig.swallowed() == 1 && rig.sync_failed());
    rig.power_off();
    rig.lose(Manner::Gone, &mut Dice(1));
    let contents = ["f", "g", "h"].map(|name| content(&rig, name));
    assert_eq!(contents, ["", "", "one\n"].map(|text| Some(text.to_owned())));
}

#[test]
fn a_full_disk_takes_what_is_no_longer_than_before() {
    let rig = Rig::new();
    assert!(run(&rig, "echo 12345 > f"));
    rig.set_room(Some(3));
    assert!(!run(&rig, "echo 1234 > g"));
    assert!(run(&rig, "printf abc | dd of=f conv=notrunc status=none"));
    assert!(run(&rig, "rm f && echo 1234 > g"), "there is room again");
}

#[test]
fn programs_with_a_cleared_environment_are_seen() {
    let rig = Rig::new();
    assert!(run(&rig, "env -i sh -c 'echo one > f; exec env -i sh -c \"echo two > g\"'"));
    assert_eq!(rig.unseen(), Vec::<String>::new());
    assert!(rig.recorded() > 0);
}

#[test]
fn what_passes_by_the_shim_is_noticed() {
    let rig = Rig::new();
    assert!(run(&rig, "echo one > f && echo one > g && ln -s f s"));
    assert_eq!(rig.unseen(), Vec::<String>::new());
    fs::write(rig.disk().join("f"), "two").expect("there is room");
    fs::remove_file(rig.disk().join("g")).expect("it is there");
    fs::write(rig.disk().join("h"), "").expect("there is room");
    let unseen = rig.unseen().join("\n");
    assert!(unseen.contains("f differs") && unseen.contains("g is missing"), "{unseen}");
    assert!(unseen.contains("h is new"), "{unseen}");
}

#[test]
fn git_is_seen_whatever_it_does_its_writing_with() {
    let rig = Rig::new();
    let commit = "git -c user.name=ada -c user.email=a@b.c -C w commit -q --allow-empty -m one";
    let script = "git init -q --bare r && git clone -q r w && COMMIT && git -C w push -q origin HEAD:a \
                  && git -C r gc -q && git -C r pack-refs --all";
    assert!(run(&rig, &script.replace("COMMIT", commit)));
    assert_eq!(rig.unseen(), Vec::<String>::new());
}
