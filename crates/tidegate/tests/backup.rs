//! Backups are made of a running server, restored, and refused where a byte of them has changed; the
//! doctor tells what is wrong with a store.

mod support;

use std::fs;
use std::os::unix::fs::{FileExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};
use support::{Dice, Server, answer, delivery, pass, post};
use tempfile::TempDir;

fn tidegate(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_tidegate"))
        .args(arguments)
        .env_remove("TIDEGATE_LOG")
        .output()
        .expect("the binary starts")
}

/// Succeeds, and answers with what it printed.
fn done(output: &Output) -> String {
    let (out, err) = text(output);
    assert!(output.status.success(), "{out}{err}");
    assert_eq!(err, "");
    out
}

/// Fails with 1, and answers with what it said on standard error.
fn refused(output: &Output) -> String {
    let (out, err) = text(output);
    assert_eq!(output.status.code(), Some(1), "{out}{err}");
    assert!(err.starts_with("tidegate: "), "{err}");
    err
}

fn text(output: &Output) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (text(&output.stdout), text(&output.stderr))
}

fn path(path: &Path) -> &str {
    path.to_str().expect("a plain path")
}

fn backup(data: &Path, target: &Path) -> Output {
    tidegate(&["backup", "--data-dir", path(data), path(target)])
}

fn restore(backup: &Path, data: &Path) -> Output {
    tidegate(&["restore", path(backup), "--data-dir", path(data)])
}

fn doctor(data: &Path) -> Output {
    tidegate(&["doctor", "--data-dir", path(data)])
}

/// Every file below a directory, relative to it.
fn files(root: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut directories = vec![root.to_owned()];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory).expect("it can be read") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                directories.push(path);
            } else {
                files.push(path.strip_prefix(root).expect("it is below").to_owned());
            }
        }
    }
    files.sort();
    files
}

/// A backup of a server that holds one delivery which waits for a person.
fn made() -> (TempDir, PathBuf, String) {
    let directory = tempfile::tempdir().expect("a directory");
    let mut server = Server::start(&directory.path().join("data"));
    server.create_tour();
    let approval = server.wait_at_approval("hello:v1");
    let target = directory.path().join("backup");
    done(&backup(&server.data, &target));
    server.kill();
    (directory, target, approval)
}

#[test]
fn a_backup_made_under_load_is_restored_and_goes_on() {
    let directory = tempfile::tempdir().expect("a directory");
    let server = Server::start(&directory.path().join("data"));
    server.create_tour();
    let waiting = server.wait_at_approval("hello:v1");
    let (stop, acknowledged) = (AtomicBool::new(false), Mutex::new(Vec::new()));
    let target = directory.path().join("backups").join("one");
    fs::create_dir(directory.path().join("backups")).expect("a directory");
    let before = std::thread::scope(|scope| {
        let (stop, acknowledged, address) = (&stop, &acknowledged, server.address);
        for client in 0..2 {
            scope.spawn(move || {
                for round in 0.. {
                    let mut body = delivery(&format!("hello:{client}.{round}"));
                    body["data"]["service"] = json!(format!("hello-{}", round % 5));
                    let (code, body) =
                        post(address, "/api/v1/event", &body).expect("the server answers");
                    assert_eq!(code, 200, "{body}");
                    let context = body["keptnContext"].as_str().expect("a context").to_owned();
                    acknowledged.lock().expect("no poison").push(context);
                    if stop.load(Ordering::SeqCst) {
                        break;
                    }
                }
            });
        }
        support::until("some load", || {
            (acknowledged.lock().expect("no poison").len() > 20).then_some(())
        });
        let before = acknowledged.lock().expect("no poison").clone();
        let saved = done(&backup(&server.data, &target));
        assert!(saved.starts_with("Saved ") && saved.contains("1 projects"), "{saved}");
        stop.store(true, Ordering::SeqCst);
        before
    });
    // The server did not mind.
    assert_eq!(server.approvals().len(), 1);
    drop(server);

    let data = directory.path().join("restored");
    let restored = done(&restore(&target, &data));
    assert!(restored.contains("1 projects") && restored.contains(path(&data)), "{restored}");
    let checked = done(&doctor(&data));
    assert!(checked.ends_with(" checked, 0 damaged\n"), "{checked}");
    for (file, mode) in [("", 0o700), ("tidegate.db", 0o600), ("git", 0o700)] {
        let found = fs::metadata(data.join(file)).expect(file).permissions().mode() & 0o777;
        assert_eq!(found, mode, "{file}");
    }
    let server = Server::start(&data);
    for context in &before {
        assert_eq!(server.events(context, "qa.delivery.triggered").len(), 1, "{context}");
    }
    // What waited for a person still does, and goes on when that person says yes.
    let open = server.open("approval");
    assert_eq!((open.len(), &open[0]["id"]), (1, &Value::from(waiting)));
    assert_eq!(server.post("/api/v1/event", &answer(&open[0], "finished", &pass())).0, 200);
    let context = open[0]["shkeptncontext"].as_str().expect("a context");
    let next = server.events(context, "deployment.triggered");
    assert_eq!(next[0]["data"]["stage"], "production", "{next:?}");
    // Files in Git can be written again.
    let service = json!({"serviceName": "another"});
    assert_eq!(server.post("/api/controlPlane/v1/project/tour/service", &service).0, 200);
}

#[test]
fn a_backup_of_a_killed_server_is_complete() {
    let directory = tempfile::tempdir().expect("a directory");
    let data = directory.path().join("data");
    let mut server = Server::start(&data);
    server.create_tour();
    let context = server.deliver("hello:v1");
    server.kill();
    let target = directory.path().join("backup");
    done(&backup(&data, &target));
    let restored = directory.path().join("restored");
    done(&restore(&target, &restored));
    let server = Server::start(&restored);
    assert_eq!(server.events(&context, "deployment.triggered").len(), 1);
    // Where there is that tool, anybody can check a backup with it.
    let arguments = ["--check", "--quiet", "--strict", "SHA256SUMS"];
    let mut sha256sum = Command::new("sha256sum");
    if let Ok(checked) = sha256sum.args(arguments).current_dir(&target).output() {
        assert!(checked.status.success(), "{checked:?}");
    }
}

#[test]
fn the_token_of_a_data_directory_is_saved_and_read_by_its_owner_only() {
    let directory = tempfile::tempdir().expect("a directory");
    let data = directory.path().join("data");
    drop(Server::start(&data));
    fs::write(data.join("api-token"), "a-token-that-was-made-here\n").expect("it is written");
    fs::write(data.join("notes.txt"), "somebody's").expect("it is written");
    let target = directory.path().join("backup");
    let output = backup(&data, &target);
    assert!(output.status.success());
    // What is not Tidegate's is not passed over in silence.
    assert!(text(&output).1.contains("notes.txt"), "{output:?}");
    assert!(!target.join("notes.txt").exists());
    let restored = directory.path().join("restored");
    done(&restore(&target, &restored));
    for place in [&target, &restored] {
        let token = place.join("api-token");
        assert_eq!(fs::read_to_string(&token).expect("a token"), "a-token-that-was-made-here\n");
        assert_eq!(fs::metadata(&token).expect("a token").permissions().mode() & 0o777, 0o600);
    }
    assert!(!restored.join("lock").exists() && !restored.join("SHA256SUMS").exists());
}

#[test]
fn a_byte_that_changed_anywhere_in_a_backup_is_found_before_anything_is_made() {
    let (directory, target, _) = made();
    let data = directory.path().join("restored");
    let mut dice = Dice(7);
    for file in files(&target) {
        let path = target.join(&file);
        let content = fs::read(&path).expect("it can be read");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("it is ours");
        let file_handle = fs::File::options().write(true).open(&path).expect("it is ours");
        let few = if content.len() > 60_000 { 6 } else { 2 };
        for _ in 0..few {
            let Some(last) = content.len().checked_sub(1) else { break };
            let place = dice.roll(last as u64 + 1);
            let byte = content[usize::try_from(place).expect("small")];
            let changed = byte ^ (1 << dice.roll(8));
            file_handle.write_all_at(&[changed], place).expect("it is written");
            let said = refused(&restore(&target, &data));
            assert!(
                said.contains(target.to_str().expect("a plain path")),
                "{}: {said}",
                file.display()
            );
            assert!(!data.exists(), "{}", file.display());
            file_handle.write_all_at(&[byte], place).expect("it is written");
        }
    }
    done(&restore(&target, &data));
}

#[test]
fn a_backup_with_a_file_more_or_less_is_refused_and_the_file_is_named() {
    let (directory, target, _) = made();
    let data = directory.path().join("restored");
    let extra = target.join("git/tour.git/hooks");
    fs::write(&extra, "#!/bin/sh\n").expect("it is written");
    assert!(refused(&restore(&target, &data)).contains("git/tour.git/hooks is not part of"));
    fs::remove_file(&extra).expect("it is ours");

    std::os::unix::fs::symlink("/etc/passwd", &extra).expect("a link");
    assert!(refused(&restore(&target, &data)).contains("neither a file nor a directory"));
    fs::remove_file(&extra).expect("it is ours");

    let head = target.join("git/tour.git/HEAD");
    let content = fs::read(&head).expect("it is there");
    fs::remove_file(&head).expect("it is ours");
    assert!(refused(&restore(&target, &data)).contains("git/tour.git/HEAD is missing"));
    fs::write(&head, content).expect("it is written");

    let no_backup = directory.path().join("data");
    assert!(refused(&restore(&no_backup, &data)).contains("is this a backup of Tidegate?"));
    assert!(!data.exists());
    done(&restore(&target, &data));
    assert!(refused(&restore(&target, &data)).contains("is not empty"));
}

#[test]
fn a_backup_overwrites_nothing_and_leaves_nothing_by_halves() {
    let (directory, target, _) = made();
    let data = directory.path().join("data");
    let said = refused(&backup(&data, &target));
    assert!(said.contains("is not empty"), "{said}");
    let other = directory.path().join("other");
    fs::create_dir(&other).expect("a directory");
    done(&backup(&data, &other));

    let third = directory.path().join("third");
    fs::create_dir(directory.path().join("third.partial")).expect("a directory");
    assert!(refused(&backup(&data, &third)).contains("third.partial is there"));
    assert!(refused(&backup(&data, &data.join("inside"))).contains("inside of what is saved"));

    let empty = directory.path().join("empty");
    fs::create_dir(&empty).expect("a directory");
    let nowhere = directory.path().join("nowhere");
    assert!(refused(&backup(&empty, &nowhere)).contains("empty/tidegate.db"));
    assert!(!nowhere.exists() && !directory.path().join("nowhere.partial").exists());

    // A repository that the store names must be there.
    fs::remove_dir_all(data.join("git/tour.git")).expect("it is ours");
    assert!(refused(&backup(&data, &nowhere)).contains("no repository of project tour"));
    assert!(!nowhere.exists());
}

#[test]
fn the_doctor_finds_nothing_wrong_with_a_running_server() {
    let directory = tempfile::tempdir().expect("a directory");
    let server = Server::start(directory.path());
    server.create_tour();
    server.wait_at_approval("hello:v1");
    let checked = done(&doctor(&server.data));
    let last = checked.lines().last().expect("a last line");
    let rows: u64 = last.split(' ').next().and_then(|n| n.parse().ok()).expect("a number");
    assert!(rows > 30 && checked.ends_with(" checked, 0 damaged\n"), "{checked}");
    assert_eq!(server.approvals().len(), 1);
}

#[test]
fn the_doctor_names_what_is_damaged_and_saves_what_is_sound() {
    let directory = tempfile::tempdir().expect("a directory");
    let data = directory.path().join("data");
    let mut server = Server::start(&data);
    server.create_tour();
    let context = server.deliver("hello:v1");
    assert_eq!(server.terminate(), Some(0));
    // The image stands in the bodies of several rows; the log holds it in one of its first pages.
    let file = data.join("tidegate.db");
    let mut content = fs::read(&file).expect("it is there");
    let needle = br#""image":"hello:v1""#;
    let places: Vec<usize> = content
        .windows(needle.len())
        .enumerate()
        .filter_map(|(place, window)| (window == needle).then_some(place))
        .collect();
    for place in places {
        content[place + needle.len() - 2] = b'2';
    }
    fs::write(&file, content).expect("it is written");

    let export = directory.path().join("log.jsonl");
    let output = tidegate(&["doctor", "--data-dir", path(&data), "--export", path(&export)]);
    assert_eq!(output.status.code(), Some(1));
    let (out, _) = text(&output);
    let found: Vec<&str> = out.lines().filter(|line| line.starts_with("table event, ")).collect();
    assert!(!found.is_empty() && found.iter().all(|line| line.contains("checksum")), "{out}");
    assert!(out.lines().any(|line| line.ends_with(&format!("checked, {} damaged", found.len()))));
    assert!(out.contains(&format!("{} left out", found.len())), "{out}");
    let lines = fs::read_to_string(&export).expect("it was written");
    assert_eq!(fs::metadata(&export).expect("it is there").permissions().mode() & 0o777, 0o600);
    let lines: Vec<Value> =
        lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert!(lines.iter().any(|line| line["project"] == "tour" && line["n"] == 1));
    assert!(lines.iter().all(|line| !line.to_string().contains("hello:v2")), "{context}");
    // A backup of it is made, and says so.
    let target = directory.path().join("backup");
    let output = backup(&data, &target);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output).1.contains("keep older backups"), "{output:?}");
    done(&restore(&target, &directory.path().join("restored")));
}

#[test]
fn a_file_that_is_no_store_is_named_with_what_to_do() {
    let directory = tempfile::tempdir().expect("a directory");
    assert!(refused(&doctor(directory.path())).contains("tidegate.db"));
    fs::write(directory.path().join("tidegate.db"), "7".repeat(10_000)).expect("it is written");
    let said = refused(&doctor(directory.path()));
    assert!(said.contains("tidegate.db") && said.contains("restore a backup"), "{said}");
}
