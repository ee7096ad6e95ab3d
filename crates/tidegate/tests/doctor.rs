//! The doctor as the first thing that an operator runs: what it says of the machine, the files and the
//! server. What it says of the store is in `backup.rs`.

mod support;

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use support::{Server, TOKEN};

fn doctor(arguments: &[&str], token: Option<&str>) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tidegate"));
    command.arg("doctor").args(arguments).env_remove("TIDEGATE_API_TOKEN");
    if let Some(token) = token {
        command.env("TIDEGATE_API_TOKEN", token);
    }
    command.output().expect("the binary starts")
}

fn lines(output: &Output) -> Vec<String> {
    String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect()
}

fn path(path: &Path) -> &str {
    path.to_str().expect("a plain path")
}

fn chmod(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).expect("it is ours");
}

/// A server with a configuration of its own, its keys beside the data.
fn configured(directory: &Path, lines: &str) -> (Server, PathBuf) {
    let config = directory.join("tidegate.toml");
    let data = directory.join("data");
    let text = format!("data_dir = \"{}\"\n{lines}", data.display());
    fs::write(&config, text).expect("there is room");
    (Server::configured(&data, Some(config.clone())), config)
}

#[test]
fn a_server_that_is_well_has_a_line_for_everything() {
    let directory = tempfile::tempdir().expect("a directory");
    let (server, config) = configured(directory.path(), "public_url = \"https://ship.example\"\n");
    server.create_tour();
    let output = doctor(&["--config", path(&config)], Some(TOKEN));
    let said = lines(&output);
    assert_eq!(output.status.code(), Some(0), "{said:#?}");
    let address = server.address;
    for want in [
        format!("ok: configuration: {} can be read", config.display()),
        "ok: public_url: https://ship.example".to_owned(),
        "ok: git: version ".to_owned(),
        format!("ok: data directory: {}, for its owner only", server.data.display()),
        "ok: API token: from the configuration".to_owned(),
        format!("ok: audit key: {}.audit-key", server.data.display()),
        format!("ok: upstream key: {}.upstream-key", server.data.display()),
        format!("ok: server: answers on {address}, and is ready"),
        format!("ok: server: version {}", env!("CARGO_PKG_VERSION")),
        "ok: write-ahead log: ".to_owned(),
        "ok: clock: ".to_owned(),
        "ok: audit log: ".to_owned(),
    ] {
        assert!(said.iter().any(|line| line.starts_with(&want)), "{want} in {said:#?}");
    }
    assert!(said.iter().any(|line| line.contains(": disk: ")), "{said:#?}");
    assert!(said.last().is_some_and(|line| line.ends_with(" checked, 0 damaged")), "{said:#?}");
}

#[test]
fn programs_get_the_same_as_one_object() {
    let directory = tempfile::tempdir().expect("a directory");
    let (server, config) = configured(directory.path(), "");
    let output = doctor(&["--config", path(&config), "--output", "json"], Some(TOKEN));
    assert_eq!(output.status.code(), Some(0));
    let said: Value = serde_json::from_slice(&output.stdout).expect("JSON, and nothing else");
    let findings = said["findings"].as_array().expect("findings");
    let server_says = |what: &str| {
        findings.iter().any(|finding| {
            finding["subject"] == "server"
                && finding["level"] == "ok"
                && finding["what"].as_str().is_some_and(|text| text.contains(what))
        })
    };
    assert!(server_says("is ready") && server_says("version"), "{said:#}");
    assert!(said["store"]["checked"].as_u64() > Some(0) && said["store"]["damaged"] == 0, "{said}");
    // A directory without a store is told in the same form.
    let empty = directory.path().join("empty");
    fs::create_dir(&empty).expect("there is room");
    let output = doctor(&["--data-dir", path(&empty), "--output", "json"], None);
    assert_eq!(output.status.code(), Some(1));
    let said: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert!(said["store"]["error"].as_str().is_some_and(|text| text.contains("tidegate.db")));
    drop(server);
}

#[test]
fn what_a_killed_server_leaves_is_no_problem() {
    let directory = tempfile::tempdir().expect("a directory");
    let (mut server, config) = configured(directory.path(), "");
    server.create_tour();
    server.kill();
    let output = doctor(&["--config", path(&config)], Some(TOKEN));
    let said = lines(&output);
    assert_eq!(output.status.code(), Some(0), "{said:#?}");
    for want in [
        "ok: server: none runs on this data directory",
        "note: write-ahead log: ",
        "ok: data directory: ",
    ] {
        assert!(said.iter().any(|line| line.starts_with(want)), "{want} in {said:#?}");
    }
    assert!(said.iter().any(|line| line.contains(": port: 127.0.0.1:7070")), "{said:#?}");
}

#[test]
fn a_problem_is_told_with_what_to_do_and_by_the_exit_code() {
    let directory = tempfile::tempdir().expect("a directory");
    let (mut server, config) = configured(directory.path(), "");
    assert_eq!(server.terminate(), Some(0));
    let data = server.data.clone();
    chmod(&data, 0o770);
    let key = directory.path().join("data.audit-key");
    chmod(&key, 0o644);
    fs::write(&config, "listen = 7070\n").expect("there is room");
    let output = doctor(&["--config", path(&config), "--data-dir", path(&data)], None);
    let said = lines(&output);
    assert_eq!(output.status.code(), Some(1), "{said:#?}");
    for (begin, remedy) in [
        ("problem: configuration: ", "tidegate.toml:1:10: "),
        ("problem: data directory: ", "chmod 700 "),
        ("problem: audit key: ", "chmod 600 "),
    ] {
        let found = said.iter().find(|line| line.starts_with(begin));
        assert!(found.is_some_and(|line| line.contains(remedy)), "{begin} in {said:#?}");
    }
    // The store itself is sound, and that is said, too.
    assert!(said.last().is_some_and(|line| line.ends_with(" checked, 0 damaged")), "{said:#?}");
}

#[test]
fn without_the_servers_token_the_rest_is_told_all_the_same() {
    let directory = tempfile::tempdir().expect("a directory");
    let (server, config) = configured(directory.path(), "");
    let output = doctor(&["--config", path(&config)], None);
    let said = lines(&output);
    assert_eq!(output.status.code(), Some(0), "{said:#?}");
    assert!(said.iter().any(|line| line.contains("there is no token here")), "{said:#?}");
    let output = doctor(&["--config", path(&config)], Some("not-the-token"));
    let told = lines(&output);
    assert!(told.iter().any(|line| line.contains("its version is not told: 401")), "{told:#?}");
    assert!(!told.iter().any(|line| line.contains("not-the-token")), "{told:#?}");
    drop(server);
}
