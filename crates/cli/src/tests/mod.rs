//! The commands against a server of a few lines.

mod gate;
mod history;
mod server;

use clap::Parser;
use serde_json::{Value, json};
use server::{Fake, TOKEN, start};

use crate::look::Look;
use crate::screen::Screen;
use crate::{Code, Command, Exit, commands};

const FIRST: &str = "1a2b3c4d-0000-4000-8000-000000000001";
const SECOND: &str = "1a2b3c4d-0000-4000-8000-000000000002";
const DECIDED: &str = "9f9f9f9f-0000-4000-8000-000000000003";
const CONTEXT: &str = "cccccccc-0000-4000-8000-000000000001";

#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

struct Ran {
    code: Code,
    out: String,
    err: String,
    votes: Vec<Value>,
}

/// Runs a command line against a server.
async fn run(fake: Fake, line: &[&str]) -> Ran {
    tidegate_client::init();
    let (address, shared) = start(fake).await;
    let directory = tempfile::tempdir().unwrap();
    let token = directory.path().join("token");
    std::fs::write(&token, format!("{TOKEN}\n")).unwrap();
    let connection =
        [format!("--endpoint=http://{address}"), format!("--token-file={}", token.display())];
    let words = line.iter().map(|word| (*word).to_owned());
    let words = std::iter::once("tidegate".to_owned()).chain(words).chain(connection);
    let cli = Cli::try_parse_from(words).unwrap();
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let exit = commands::run(
        cli.command,
        || unreachable!("no test makes pages"),
        &mut Screen::new(&mut out, &mut err, Look::default()),
    )
    .await;
    let Exit::Done(code) = exit else { panic!("this judges nothing: {exit:?}") };
    let votes = shared.lock().unwrap().votes.clone();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Ran { code, out: text(out), err: text(err), votes }
}

fn approval(id: &str, more: &Value) -> Value {
    let mut approval = json!({
        "id": id, "project": "fulltour", "stage": "production", "service": "helloservice",
        "sequence": "delivery", "context": id.replace("1a2b3c4d", "cccccccc"),
        "image": "hello:v2", "replaces": {"image": "hello:v1", "since": "2026-11-24T10:00:00Z"},
        "askedAt": "2020-01-01T00:00:00Z", "triggeredBy": {"kind": "person", "name": "ada"},
        "labels": {"version": "v2"}, "result": "pass", "then": ["deployment"], "evidence": [],
        "subject": "sha256:7f3a9c1e", "state": "open",
    });
    for (key, value) in more.as_object().unwrap() {
        approval[key] = value.clone();
    }
    approval
}

fn decision(decision: &str, by: &str) -> Value {
    json!({"state": "decided", "decided": {
        "decision": decision, "by": {"kind": "person", "name": by}, "at": "2026-11-24T12:00:00Z", "comment": "budget spent"}})
}

/// Two that wait, one that is decided, on pages of one.
fn three() -> Fake {
    Fake {
        approvals: vec![
            approval(FIRST, &json!({})),
            approval(SECOND, &json!({"project": "shop", "replaces": null})),
            approval(DECIDED, &decision("decline", "grace")),
        ],
        vote: (200, approval(FIRST, &decision("approve", "ada"))),
        votes: Vec::new(),
        page: 1,
        readings: Vec::new(),
    }
}

#[tokio::test]
async fn the_list_tells_approvals_apart_and_shows_what_would_change() {
    let ran = run(three(), &["approvals"]).await;
    assert_eq!(ran.code, Code::Ok, "{}", ran.err);
    let lines: Vec<&str> = ran.out.lines().collect();
    assert_eq!(lines.len(), 3, "a header and both pages: {}", ran.out);
    assert!(lines[0].starts_with("ID "), "{}", lines[0]);
    // Eight digits would be the same for both.
    assert!(lines[1].starts_with(&format!("{FIRST}  ")), "{}", lines[1]);
    assert!(
        lines[1].contains("fulltour/production/helloservice  hello:v2  hello:v1"),
        "{}",
        lines[1]
    );
    assert!(lines[2].contains("shop/production/helloservice      hello:v2  -"), "{}", lines[2]);
    assert_eq!(ran.err, "");
}

#[tokio::test]
async fn data_formats_hold_everything_the_server_said() {
    for format in ["json", "yaml"] {
        let line = ["approvals", "--project", "fulltour", "--state", "decided", "-o", format];
        let ran = run(three(), &line).await;
        let listed: Value = match format {
            "json" => serde_json::from_str(&ran.out).unwrap(),
            _ => serde_saphyr::from_str(&ran.out).unwrap(),
        };
        assert_eq!(listed, json!([approval(DECIDED, &decision("decline", "grace"))]), "{format}");
    }
}

#[tokio::test]
async fn an_empty_list_is_empty_data_and_a_sentence() {
    let ran = run(three(), &["approvals", "--project", "none"]).await;
    assert_eq!((ran.code, ran.out.as_str()), (Code::Ok, ""));
    assert_eq!(ran.err, "Nothing waits for a decision.\n");
    let ran = run(three(), &["approvals", "--project", "none", "-o", "json"]).await;
    assert_eq!(ran.out, "[]\n");
}

#[tokio::test]
async fn approving_shows_the_change_and_names_exactly_what_was_shown() {
    let ran = run(three(), &["approve", FIRST, "--comment", "looks good"]).await;
    assert_eq!(ran.code, Code::Ok, "{}", ran.err);
    assert_eq!(
        ran.votes,
        [json!({"id": FIRST, "decision": "approve", "subject": "sha256:7f3a9c1e",
            "comment": "looks good"})]
    );
    for part in ["hello:v1 → hello:v2", "triggered by ada", "version=v2", "7f3a-9c1e", FIRST] {
        assert!(ran.err.contains(part), "{part} in {}", ran.err);
    }
    assert_eq!(
        ran.out,
        "approved fulltour/production/helloservice hello:v2 (ada, 2026-11-24T12:00:00Z)\n"
    );
}

#[tokio::test]
async fn what_has_changed_since_it_was_asked_is_said_before_the_vote() {
    let changed = json!({"revised": ["the evaluation in qa was pass, now fail"]});
    let fake = Fake { approvals: vec![approval(FIRST, &changed)], ..three() };
    let ran = run(fake, &["approvals", "show", FIRST]).await;
    let line = "the evaluation in qa was pass, now fail, since this was asked";
    assert!(ran.out.contains(line), "{}", ran.out);
}

#[tokio::test]
async fn a_blind_vote_names_nothing() {
    let ran = run(three(), &["approve", FIRST, "--blind"]).await;
    assert_eq!(ran.code, Code::Ok);
    assert_eq!(ran.votes, [json!({"id": FIRST, "decision": "approve"})]);
}

#[tokio::test]
async fn an_approval_is_found_by_its_delivery_and_by_its_first_digits() {
    let ran = run(three(), &["decline", "--context", CONTEXT, "--comment", "no"]).await;
    assert_eq!((ran.code, &ran.votes[0]["id"]), (Code::Ok, &json!(FIRST)), "{}", ran.err);
    let ran = run(three(), &["approve", &SECOND.to_uppercase()[..35]]).await;
    assert_eq!(ran.code, Code::Usage, "35 digits are common to two: {}", ran.err);
    let mut fake = three();
    fake.approvals.remove(0);
    let ran = run(fake, &["approve", "1A2B"]).await;
    assert_eq!((ran.code, &ran.votes[0]["id"]), (Code::Ok, &json!(SECOND)), "{}", ran.err);
}

#[tokio::test]
async fn what_cannot_be_found_ends_with_4_and_what_is_unclear_with_2() {
    for (line, code) in [
        (["approve", "eeee"], Code::NotFound),
        (["approve", "eeeeeeee-0000-4000-8000-000000000009"], Code::NotFound),
        (["approve", "--context=eeeeeeee-0000-4000-8000-000000000009"], Code::NotFound),
        (["approve", "--context=nobody"], Code::Usage),
        (["approve", "1a2"], Code::Usage),
        (["approve", "1a2b"], Code::Usage),
    ] {
        let ran = run(three(), &line).await;
        assert_eq!(ran.code, code, "{line:?}: {}", ran.err);
        assert!(ran.votes.is_empty() && ran.out.is_empty(), "{line:?} votes for nothing");
    }
}

#[tokio::test]
async fn a_late_vote_ends_with_3_and_says_who_was_first_and_why() {
    let mut fake = three();
    let mut body = decision("decline", "grace");
    body["message"] = json!("decided already");
    fake.vote = (409, body);
    let ran = run(fake, &["approve", &DECIDED[..6]]).await;
    assert_eq!(ran.code, Code::Refused);
    let told = "refused: grace declined this at 2026-11-24T12:00:00Z: budget spent";
    assert!(ran.err.contains(told), "{}", ran.err);
    assert!(ran.err.contains("helloservice was declined by grace"), "{}", ran.err);
    assert_eq!(ran.out, "");
}

#[tokio::test]
async fn a_vote_on_what_has_changed_ends_with_3_and_says_what_changed() {
    let mut fake = three();
    fake.vote = (
        409,
        json!({"code": 409, "message": "stale", "subject": "sha256:aaaabbbb",
        "changed": ["production now runs hello:v3"]}),
    );
    let ran = run(fake, &["approve", FIRST]).await;
    assert_eq!(ran.code, Code::Refused);
    for part in ["production now runs hello:v3", "7f3a-9c1e", "aaaa-bbbb", FIRST] {
        assert!(ran.err.contains(part), "{part} in {}", ran.err);
    }
}

/// This server has no streams, as behind a proxy that holds them back.
#[tokio::test]
async fn where_no_stream_can_be_had_a_sequence_is_asked_for_again() {
    let sequence = |state: &str, more: &Value| {
        let mut sequence = json!({
            "context": CONTEXT, "project": "fulltour", "service": "helloservice",
            "sequence": "delivery", "state": state, "triggeredAt": "2026-11-24T12:00:00Z",
            "triggeredBy": {"kind": "shared"}, "runs": [],
        });
        sequence.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        sequence
    };
    let (begun, over) = (sequence("started", &json!({})), json!({"result": "pass"}));
    // The first answer finds it, the second begins to follow it.
    let readings = vec![begun.clone(), begun, sequence("finished", &over)];
    let ran = run(Fake { readings, ..three() }, &["watch", CONTEXT]).await;
    assert_eq!(ran.code, Code::Ok, "{}", ran.err);
    let lines: Vec<&str> = ran.out.lines().map(|line| &line[22..]).collect();
    assert_eq!(lines[0], "delivery of fulltour/helloservice started");
    assert!(lines[1].starts_with("delivery of fulltour/helloservice finished: pass"), "{lines:?}");
}

#[tokio::test]
async fn a_link_is_whole_and_alone_on_standard_output() {
    let ran = run(three(), &["sign-in", "ada"]).await;
    assert_eq!(ran.code, Code::Ok, "{}", ran.err);
    assert!(ran.out.starts_with("http://127.0.0.1:"), "{}", ran.out);
    assert!(ran.out.ends_with("/bridge/login?code=ada\n"), "{}", ran.out);
}

#[tokio::test]
async fn a_wrong_token_ends_with_6_and_is_not_shown() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("api-token"), "wrong-secret").unwrap();
    let (address, _) = start(three()).await;
    // The server's address comes from its data directory, too.
    std::fs::write(directory.path().join("endpoint"), format!("http://{address}\n")).unwrap();
    let data = format!("--data-dir={}", directory.path().display());
    let cli = Cli::try_parse_from(["tidegate", "approvals", &data]).unwrap();
    tidegate_client::init();
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let exit = commands::run(
        cli.command,
        || unreachable!("no test makes pages"),
        &mut Screen::new(&mut out, &mut err, Look::default()),
    )
    .await;
    let err = String::from_utf8(err).unwrap();
    assert_eq!(exit, Exit::Done(Code::Unauthorized));
    assert!(err.contains("is it the one of this server?"), "{err}");
    assert!(!err.contains("wrong-secret"), "{err}");
}

#[test]
fn a_command_line_that_makes_no_sense_is_refused_before_anything_is_sent() {
    for line in [
        &["approve"][..],
        &["approve", FIRST, "--context", CONTEXT],
        &["decline", FIRST],
        &["approvals", "--state", "odd"],
        &["approvals", "--token", "secret"],
        &["approvals", "--token-file", "a", "--data-dir", "b"],
    ] {
        let words = std::iter::once("tidegate").chain(line.iter().copied());
        let error = Cli::try_parse_from(words).err().unwrap_or_else(|| panic!("{line:?}"));
        assert_eq!(error.exit_code(), Code::Usage as i32, "{line:?}");
    }
}
