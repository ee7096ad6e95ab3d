//! Tokens by the command line, on a server that is killed.

use std::path::Path;

use crate::scene::{Ran, Scene};

/// Runs `tidegate` with another token.
fn run_as(scene: &Scene, token: &str, arguments: &[&str]) -> Ran {
    let mut command = scene.program(env!("CARGO_BIN_EXE_tidegate"));
    let output = command.env("TIDEGATE_API_TOKEN", token).args(arguments).output();
    Ran::of(&output.expect("the binary starts"))
}

/// Whether a file below this directory holds the text.
fn holds(directory: &Path, text: &str) -> bool {
    let entries = std::fs::read_dir(directory).expect("it can be read");
    entries.map(|entry| entry.expect("it can be read").path()).any(|path| match path.is_dir() {
        true => holds(&path, text),
        false => {
            let bytes = std::fs::read(&path).expect("it can be read");
            bytes.windows(text.len()).any(|window| window == text.as_bytes())
        }
    })
}

#[test]
fn a_token_outlives_a_crash_and_is_gone_once_it_is_revoked() {
    let mut scene = Scene::new();
    let made = scene.run(&["tokens", "create", "grace", "--kind", "person"]).good();
    let token = made.trim();
    assert!(token.starts_with("tg_") && made.lines().count() == 1, "alone on standard output");
    run_as(&scene, token, &["projects", "list"]).good();
    scene.server.crash();
    let listed = run_as(&scene, token, &["tokens", "list", "--output", "json"]).json();
    assert_eq!(listed[0]["name"], "grace");
    assert!(!listed.to_string().contains(token));
    assert!(!holds(&scene.server.data, token), "only its digest is kept");
    let refused = run_as(&scene, token, &["tokens", "revoke", "grace"]);
    assert_eq!(refused.code, Some(6), "{refused:?}");
    scene.run(&["tokens", "revoke", "grace"]).good();
    assert_eq!(run_as(&scene, token, &["projects", "list"]).code, Some(6));
    assert_eq!(scene.run(&["tokens", "revoke", "grace"]).code, Some(4));
    scene.server.expect_sound();
    scene.server.crash();
    assert_eq!(run_as(&scene, token, &["projects", "list"]).code, Some(6));
}
