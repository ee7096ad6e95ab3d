//! Completion in real shells. A shell that is not installed is passed over with a sentence;
//! `cargo xtask setup` installs them.

use std::io::Write as _;
use std::process::Command;

use crate::scene::{FIRST, Ran, Scene};

/// Whether a shell is there.
fn has(shell: &str) -> bool {
    let found = Command::new(shell).arg("--version").output().is_ok();
    if !found {
        // Seen also where the test passes, as what a test prints is not.
        let text = "is not installed, so its completion was not tried: cargo xtask setup";
        drop(writeln!(std::io::stderr(), "{shell} {text}"));
    }
    found
}

/// What a shell's script offers for the words, the last of which is not finished.
fn offered(scene: &Scene, shell: &str, words: &[&str]) -> Vec<String> {
    let line = words.join(" ");
    let script = match shell {
        "bash" => {
            let quoted = words.iter().map(|word| format!("'{word}'")).collect::<Vec<_>>().join(" ");
            format!(
                "source <(tidegate completions bash)
                 COMP_WORDS=({quoted}) COMP_CWORD={} COMP_TYPE=9 COMP_LINE='{line}' COMP_POINT={}
                 _clap_complete_tidegate tidegate '{}' '{}'
                 printf '%s\\n' \"${{COMPREPLY[@]}}\"",
                words.len() - 1,
                line.len(),
                words[words.len() - 1],
                words[words.len() - 2],
            )
        }
        // Its editor runs on a terminal only: what it would add is written instead.
        "zsh" => {
            let quoted = words.iter().map(|word| format!("'{word}'")).collect::<Vec<_>>().join(" ");
            format!(
                "autoload -Uz compinit && compinit -u -D
                 source <(tidegate completions zsh)
                 _describe() {{ print -l -- \"${{(@P)3}}\" }}
                 words=({quoted}) CURRENT={}
                 $_comps[tidegate]",
                words.len(),
            )
        }
        "fish" => format!("tidegate completions fish | source; complete --do-complete '{line}'"),
        other => panic!("no shell {other}"),
    };
    let mut command = scene.program(shell);
    let ran = Ran::of(&command.args(["-c", &script]).output().expect("the shell is there"));
    assert_eq!(ran.err, "", "{shell}: nothing is said: {ran:?}");
    // fish and zsh say what a word means beside it.
    let lines = ran.out.lines().filter(|line| !line.is_empty() && *line != "--");
    lines.map(|line| line.split(['\t', ':']).next().unwrap_or_default().trim().to_owned()).collect()
}

fn completes(shell: &str) {
    if !has(shell) {
        return;
    }
    let scene = Scene::new();
    scene.create("fullstop");
    scene.create("other");
    let has = |words: &[&str], wanted: &[&str]| {
        let offered = offered(&scene, shell, words);
        for wanted in wanted {
            assert!(offered.iter().any(|offer| offer == wanted), "{shell} {words:?}: {offered:?}");
        }
        offered
    };
    let static_ones = has(&["tidegate", "app"], &["approvals", "approve"]);
    assert!(!static_ones.iter().any(|offer| offer == "projects"), "{static_ones:?}");
    has(&["tidegate", "projects", ""], &["list", "show", "create", "delete"]);
    let names = has(&["tidegate", "projects", "show", "full"], &["fulltour", "fullstop"]);
    assert!(!names.iter().any(|offer| offer == "other"), "{names:?}");
    has(
        &["tidegate", "services", "list", "--project", "fulltour", "--stage", ""],
        &["qa", "production"],
    );
}

#[test]
fn bash_completes_commands_and_names() {
    completes("bash");
}

#[test]
fn zsh_completes_commands_and_names() {
    completes("zsh");
}

#[test]
fn fish_completes_commands_and_names() {
    completes("fish");
}

/// What a line writes on a terminal.
fn on_terminal(scene: &Scene, line: &str) -> String {
    let mut command = scene.program("script");
    command.args(["--quiet", "--return", "--command", line, "/dev/null"]).env("TERM", "xterm");
    let ran = Ran::of(&command.env_remove("CI").output().expect("`script` is there"));
    assert_eq!(ran.code, Some(0), "{ran:?}");
    ran.out
}

#[test]
fn a_terminal_gets_colours_unless_it_says_no_and_a_picture_that_is_drawn_in_place() {
    if !has("script") {
        return;
    }
    let scene = Scene::new();
    assert!(
        on_terminal(&scene, "tidegate sequences list").contains("\u{1b}[33mwaits for approval")
    );
    let plain = on_terminal(&scene, "NO_COLOR=1 tidegate sequences list");
    assert!(plain.contains("waits for approval") && !plain.contains('\u{1b}'), "{plain}");
    assert!(!scene.run(&["sequences", "list"]).good().contains('\u{1b}'), "a pipe gets none");
    scene.finish(FIRST);
    let picture = on_terminal(&scene, &format!("tidegate watch {FIRST}"));
    assert!(picture.contains("production/delivery") && picture.contains('✓'), "{picture}");
    let lines = on_terminal(&scene, &format!("CI=true tidegate watch {FIRST}"));
    assert!(lines.contains("delivery of fulltour/helloservice finished: pass"), "{lines}");
}

#[test]
fn where_no_server_answers_nothing_is_offered_and_nothing_is_said() {
    let scene = Scene::new();
    let mut command = scene.program(env!("CARGO_BIN_EXE_tidegate"));
    // Somebody listens there who never answers.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let endpoint = format!("http://{}", silent.local_addr().expect("it has one"));
    command
        .env("TIDEGATE_ENDPOINT", endpoint)
        .envs([("TIDEGATE_COMPLETE", "bash"), ("_CLAP_COMPLETE_INDEX", "3"), ("_CLAP_IFS", "\n")])
        .args(["--", "tidegate", "projects", "show", "f"]);
    let ran = Ran::of(&command.output().expect("the binary starts"));
    assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (Some(0), "", ""));
}
