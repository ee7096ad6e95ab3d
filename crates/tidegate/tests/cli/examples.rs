//! The examples of every `--help`, run as they stand.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use serde_json::Value;

use crate::gate;
use crate::pages::{self, Page};
use crate::scene::{FIRST, Ran, SECOND, Scene};

/// What the examples call the event that asks for the second delivery's approval.
const EVENT: &str = "0199c1d2-5e3f-7a4b-8c6d-9e0f1a2b3c4d";
/// The first digits of it.
const APPROVAL: &str = "0199c1d2";

/// What has to be there before the examples of a command can work.
fn prepare(scene: &Scene, command: &str) {
    match command {
        "gate evaluate" | "gate vectors" | "slo check" => gate::prepare(scene),
        "gate replay" | "gate suggest" => gate::prepare_history(scene),
        "projects delete" => scene.create("shop"),
        "doctor" => {
            let file = scene.directory().join("tidegate.toml");
            std::fs::write(file, "data_dir = \"data\"\n").expect("it can be written");
        }
        "services delete" => {
            scene.run(&["services", "create", "carts", "--project", "fulltour"]).good();
        }
        "tokens list" | "tokens revoke" => {
            scene.run(&["tokens", "create", "ada", "--kind", "person"]).good();
        }
        "restore" => {
            scene.run(&["backup", "--data-dir", "data", "backup-1"]).good();
        }
        "watch" => {
            scene.finish(FIRST);
            scene.finish(SECOND);
        }
        _ => {}
    }
}

/// An example with the ids of this scene.
fn line(scene: &Scene, example: &str) -> String {
    if !example.contains(APPROVAL) {
        return example.to_owned();
    }
    let id = scene.approval(SECOND);
    example.replace(EVENT, &id).replace(APPROVAL, &id)
}

fn run(scene: &Scene, line: &str) -> Ran {
    let mut command = scene.program("sh");
    command.args(["-c", line]).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn().expect("a shell");
    if line.contains("--wait") {
        // Somebody has to do what is waited for.
        scene.execute_up_to("test");
    }
    Ran::of(&child.wait_with_output().expect("it is ours"))
}

/// A server runs until it is told to stop.
fn run_server(scene: &Scene, line: &str) {
    let mut command = scene.program("sh");
    // The scene's own server has the directory and the usual port may be taken.
    let line = line.replace("--data-dir data", "--data-dir another --listen 127.0.0.1:0");
    let line = match line.as_str() {
        "tidegate demo" => "tidegate demo --listen 127.0.0.1:0".to_owned(),
        _ => line,
    };
    let mut child = command
        .args(["-c", &format!("exec {line}")])
        .stdout(Stdio::piped())
        .spawn()
        .expect("a shell");
    let mut lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
    let listens =
        lines.by_ref().map_while(Result::ok).any(|said| said.contains("http://127.0.0.1:"));
    assert!(listens, "{line}: it says where it listens");
    let mut kill = std::process::Command::new("kill");
    kill.args(["-TERM", &child.id().to_string()]).status().expect("kill is there");
    lines.for_each(drop);
    assert_eq!(child.wait().expect("it is ours").code(), Some(0), "{line}");
}

fn try_all(page: &Page) {
    let scene = Scene::new();
    let name = page.name();
    prepare(&scene, &name);
    for example in page.examples() {
        let line = line(&scene, &example);
        if matches!(name.as_str(), "serve" | "demo") && !line.contains("--exit-after") {
            run_server(&scene, &line);
            continue;
        }
        let ran = run(&scene, &line);
        assert_eq!(ran.code, Some(0), "{line}: {ran:?}");
        assert!(!ran.err.contains("tidegate: "), "{line}: {ran:?}");
        if line.contains("--output json") && name != "watch" {
            let read = serde_json::from_str::<Value>(&ran.out);
            assert!(read.is_ok(), "{line}: one document: {ran:?}");
        } else if line.contains("--output json") {
            let mut records = ran.out.lines().map(serde_json::from_str::<Value>);
            assert!(records.all(|record| record.is_ok_and(|record| record.is_object())), "{ran:?}");
        } else if name.ends_with("list") {
            let (head, row) = (ran.out.lines().next(), ran.out.lines().nth(1));
            let is_table = head.is_some_and(|head| !head.chars().any(char::is_lowercase));
            assert!(is_table && row.is_some(), "{line}: a header and rows: {ran:?}");
        } else if name != "man" {
            assert!(!ran.out.trim().is_empty(), "{line} prints nothing: {ran:?}");
        }
    }
}

/// Runs the examples of a third of the commands: each gets a server of its own, and tests run side by side.
fn try_part(part: usize) {
    for page in pages::all().iter().skip(part).step_by(3) {
        try_all(page);
    }
}

#[test]
fn the_examples_of_the_first_third_work_as_they_stand() {
    try_part(0);
}

#[test]
fn the_examples_of_the_second_third_work_as_they_stand() {
    try_part(1);
}

#[test]
fn the_examples_of_the_last_third_work_as_they_stand() {
    try_part(2);
}

/// What docs/cli.md says of a command's `--output json`.
struct Documented {
    command: String,
    is_list: bool,
    /// Keys that are always there.
    always: Vec<String>,
    /// Keys that are there where there is something to say.
    sometimes: Vec<String>,
}

fn documented() -> Vec<Documented> {
    let page = include_str!("../../../../docs/cli.md");
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `tidegate "));
    let rows = rows.map(|row| {
        let cells: Vec<&str> = row.trim_end_matches(" |").split(" | ").collect();
        let [command, shape, always, sometimes] = cells[..] else { panic!("four cells: {row}") };
        let keys = |cell: &str| cell.split('`').skip(1).step_by(2).map(str::to_owned).collect();
        Documented {
            command: command.trim_end_matches('`').to_owned(),
            is_list: shape == "list",
            always: keys(always),
            sometimes: keys(sometimes),
        }
    });
    rows.collect()
}

#[test]
fn json_is_as_documented_and_yaml_says_the_same() {
    let mut pages = pages::all();
    pages.retain(|page| page.text.contains("--output <FORMAT>") && page.name() != "watch");
    let documented = documented();
    for page in &pages {
        let name = page.name();
        let row = documented.iter().find(|row| row.command == name);
        let row = row.unwrap_or_else(|| panic!("docs/cli.md does not say what {name} prints"));
        let example = page.examples().into_iter().next().expect("there are examples");
        let scene = Scene::new();
        prepare(&scene, &name);
        let asked = |scene: &Scene, format: &str| {
            let line = line(scene, &example);
            assert!(!line.contains("--output"), "the first example of {name} is for people");
            let line = if name == "approvals" {
                line.replace("approvals", "approvals list")
            } else {
                line
            };
            run(scene, &format!("{line} --output {format}"))
        };
        let value = asked(&scene, "json").json();
        let one = match row.is_list {
            true => value.as_array().unwrap_or_else(|| panic!("{name}: a list"))[0].clone(),
            false => value.clone(),
        };
        let object = one.as_object().unwrap_or_else(|| panic!("{name}: {one}"));
        for key in &row.always {
            assert!(object.contains_key(key), "{name} has no {key}: {one}");
        }
        for key in object.keys() {
            let known = row.always.contains(key) || row.sometimes.contains(key);
            assert!(known, "docs/cli.md does not tell of {key} in {name}: {one}");
        }
        if name.ends_with("list") || name.ends_with("show") {
            let yaml = asked(&scene, "yaml").good();
            let first = row.always.first().expect("a key");
            assert!(yaml.contains(&format!("{first}: ")), "{name}: {yaml}");
            assert!(serde_json::from_str::<Value>(&yaml).is_err(), "{name}: it is not JSON");
        }
    }
    for Documented { command, .. } in documented {
        assert!(pages.iter().any(|page| page.name() == command), "docs/cli.md tells of {command}");
    }
}
