//! The audit log of a real server, and what `tidegate audit verify` says when somebody with the file
//! in hand has changed it.

mod support;

use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use rusqlite::Connection;
use serde_json::{Value, json};
use support::{Server, delivery, request};

/// A person's token.
const ADA: &str = "a-token-of-ada-for-tests";

/// A server with its key beside the data, and checkpoints that leave it.
struct Installation {
    directory: tempfile::TempDir,
}

impl Installation {
    fn new() -> Self {
        Self { directory: tempfile::tempdir().expect("a directory") }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn data(&self) -> PathBuf {
        self.path("data")
    }

    fn checkpoints(&self) -> PathBuf {
        self.path("checkpoints.jsonl")
    }

    fn start(&self) -> Server {
        let config = self.path("tidegate.toml");
        let text = format!(
            "[audit]\ncheckpoints = {:?}\n[[tokens]]\nname = \"ada\"\nkind = \"person\"\ntoken = \"{ADA}\"\n",
            self.checkpoints()
        );
        let mut file = std::fs::OpenOptions::new();
        let file = file.write(true).create(true).truncate(true).mode(0o600).open(&config);
        std::io::Write::write_all(&mut file.expect("a file"), text.as_bytes()).expect("written");
        Server::configured(&self.data(), Some(config))
    }

    /// A project whose chain has six entries, and a stopped server that has signed them.
    fn told() -> Self {
        let installation = Self::new();
        let mut server = installation.start();
        server.create_tour();
        for n in 1..=5 {
            let approval = server.wait_at_approval(&format!("hello:v{n}"));
            decline(&server, &approval, &format!("reason number {n}"));
        }
        assert_eq!(server.terminate(), Some(0));
        installation
    }
}

fn decline(server: &Server, approval: &str, why: &str) {
    let path = format!("/api/tidegate/v1/approvals/{approval}/decision");
    let body = json!({"decision": "decline", "comment": why}).to_string();
    let headers = [("x-token", ADA), ("content-type", "application/json")];
    let answer = request(server.address, "POST", &path, &headers, body.as_bytes());
    assert_eq!(answer.expect("it answers").code, 200);
}

fn audit(words: &[&str], data: &Path) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tidegate"));
    command.arg("audit").args(words).arg("--data-dir").arg(data).output().expect("it runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// What `verify` prints, and whether all is whole.
fn verify(data: &Path, words: &[&str]) -> (bool, String) {
    let output = audit(&[&["verify"], words].concat(), data);
    (output.status.success(), text(&output.stdout))
}

fn export(data: &Path, words: &[&str]) -> Vec<Value> {
    let output = audit(&[&["export"], words].concat(), data);
    assert!(output.status.success(), "{}", text(&output.stderr));
    text(&output.stdout).lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

/// A copy of the store that somebody has changed.
fn tampered(installation: &Installation, sql: &str) -> tempfile::TempDir {
    let copy = tempfile::tempdir().expect("a directory");
    for name in ["tidegate.db", "tidegate.db-wal"] {
        let from = installation.data().join(name);
        if from.exists() {
            std::fs::copy(from, copy.path().join(name)).expect("copied");
        }
    }
    let connection = Connection::open(copy.path().join("tidegate.db")).expect("it opens");
    connection.execute_batch(sql).expect(sql);
    copy
}

/// Entry `n` of the project's chain.
fn row(n: u64) -> String {
    format!("key = ((SELECT id FROM audit_chain WHERE name = 'tour') << 40) + {n}")
}

#[test]
fn whatever_somebody_does_appears_with_who_and_what_and_when() {
    let installation = Installation::new();
    let mut server = installation.start();
    server.create_tour();
    let approval = server.wait_at_approval("hello:v1");
    decline(&server, &approval, "error budget spent");
    let context = server.deliver("hello:v2");
    let path = format!("/api/controlPlane/v1/sequence/tour/{context}/control");
    assert_eq!(server.post(&path, &json!({"state": "abort"})).0, 200);
    let link = server.post("/api/tidegate/v1/sign-in-links", &json!({"name": "grace"}));
    assert_eq!(link.0, 201, "{}", link.1);
    // Read while the server runs.
    let told = |project: &[&str]| {
        let entries = export(&server.data, project);
        let tell = |entry: &Value| {
            let readable = &entry["readable"];
            let who = readable["by"].get("name").unwrap_or(&readable["by"]["kind"]);
            format!("{} {}", who.as_str().expect("who"), readable["action"].as_str().expect("what"))
        };
        (entries.iter().map(tell).collect::<Vec<_>>(), entries)
    };
    let (lines, entries) = told(&["--project", "tour"]);
    assert_eq!(lines, ["shared service_created", "ada decided", "shared controlled"]);
    let decided = &entries[1]["readable"];
    assert_eq!(decided["approval"], *approval);
    assert_eq!(
        (&decided["decision"], &decided["comment"]),
        (&json!("declined"), &json!("error budget spent"))
    );
    assert!(!entries[1]["record"].to_string().contains("budget"), "only its digest is hashed");
    assert_eq!(entries[2]["readable"]["context"], *context);
    let (lines, _) = told(&[]);
    assert_eq!(lines[..2], ["shared project_created", "shared sign_in_link_made"]);
    let (whole, said) = verify(&server.data, &[]);
    assert!(whole && said.contains("project tour: 3 entries, head "), "{said}");
    assert_eq!(server.terminate(), Some(0));
}

#[test]
fn an_idempotency_key_for_another_request_is_refused_and_recorded() {
    let installation = Installation::new();
    let server = installation.start();
    server.create_tour();
    let send = |image: &str| {
        let headers =
            [("x-token", ADA), ("content-type", "application/json"), ("idempotency-key", "k-1")];
        let body = delivery(image).to_string();
        request(server.address, "POST", "/api/v1/event", &headers, body.as_bytes())
            .expect("it answers")
            .code
    };
    assert_eq!((send("hello:v1"), send("hello:v1"), send("hello:v2")), (200, 200, 409));
    let entries = export(&server.data, &["--project", "tour"]);
    let reuse = &entries.last().expect("an entry")["readable"];
    assert_eq!((&reuse["action"], &reuse["by"]["name"]), (&json!("key_reused"), &json!("ada")));
}

#[test]
fn after_kills_the_chain_is_whole_and_is_signed_again() {
    let installation = Installation::new();
    let mut server = installation.start();
    server.create_tour();
    for n in 1..=5 {
        let approval = server.wait_at_approval(&format!("hello:v{n}"));
        decline(&server, &approval, "no");
        server.crash();
        let (whole, said) = verify(&server.data, &[]);
        assert!(whole && said.contains(&format!("project tour: {} entries", n + 1)), "{said}");
    }
    // What the kill has left is signed at the start.
    support::until("a checkpoint", || {
        let (whole, said) = verify(&server.data, &[]);
        assert!(whole, "{said}");
        said.contains("checkpoint at 6 ✓").then_some(())
    });
}

#[test]
fn the_first_bad_entry_is_named_with_table_chain_and_number() {
    let installation = Installation::told();
    let (whole, said) = verify(&installation.data(), &[]);
    assert!(whole && said.contains("project tour: 6 entries, head "), "{said}");
    assert!(said.contains("checkpoint at 6 ✓") && said.contains("the installation: "), "{said}");
    let without_checkpoints = "DELETE FROM audit_checkpoint;";
    for (sql, place) in [
        (
            format!(
                "UPDATE audit SET record = replace(record, 'declined', 'approved') WHERE {}",
                row(3)
            ),
            "table audit, chain tour, n 3: it was edited",
        ),
        (
            format!(
                "UPDATE audit SET texts = replace(texts, 'number 2', 'number 9') WHERE {}",
                row(3)
            ),
            "table audit, chain tour, n 3: the text /comment",
        ),
        (
            format!("UPDATE audit SET hash = zeroblob(32) WHERE {}", row(4)),
            "table audit, chain tour, n 4: it was edited",
        ),
        (
            format!("UPDATE audit SET hash = x'00' WHERE {}", row(4)),
            "table audit, chain tour, n 4: ",
        ),
        (
            format!("DELETE FROM audit WHERE {}", row(2)),
            "table audit, chain tour, n 2: it is missing",
        ),
        (
            // Deleted, and those behind it numbered anew.
            format!(
                "DELETE FROM audit WHERE {}; UPDATE audit SET key = key - 1 WHERE {} OR {} OR {}",
                row(3),
                row(4),
                row(5),
                row(6)
            ),
            "table audit, chain tour, n 3: it was moved",
        ),
        (
            format!(
                "UPDATE audit SET key = -1 WHERE {}; UPDATE audit SET key = key - 1 WHERE {};
                 UPDATE audit SET key = ((SELECT id FROM audit_chain WHERE name = 'tour') << 40) + 5
                   WHERE key = -1",
                row(4),
                row(5)
            ),
            "table audit, chain tour, n 4: it was moved",
        ),
    ] {
        let copy = tampered(&installation, &format!("{without_checkpoints} {sql}"));
        let (whole, said) = verify(copy.path(), &[]);
        assert!(!whole && said.contains(place), "{sql}\n{said}");
        assert!(said.contains("the installation: ") && said.contains("1 not whole"), "{said}");
    }
}

#[test]
fn a_chain_that_was_cut_short_is_noticed_by_an_exported_checkpoint() {
    let installation = Installation::told();
    let checkpoints = installation.checkpoints();
    let exported = ["--checkpoint", checkpoints.to_str().expect("UTF-8")];
    assert!(verify(&installation.data(), &exported).0);
    let cut =
        format!("DELETE FROM audit WHERE {} OR {}; DELETE FROM audit_checkpoint", row(5), row(6));
    let copy = tampered(&installation, &cut);
    let (whole, said) = verify(copy.path(), &[]);
    assert!(whole, "whoever cuts off everything cannot be seen from inside: {said}");
    let (whole, said) = verify(copy.path(), &exported);
    let place = "table audit, chain tour, n 5: it is missing, and so is all up to entry 6";
    assert!(!whole && said.contains(place), "{said}");
    // A chain of which nothing is left.
    let gone = "DELETE FROM audit_checkpoint; DELETE FROM audit; DELETE FROM audit_chain";
    let copy = tampered(&installation, gone);
    assert!(verify(copy.path(), &[]).0);
    let (whole, said) = verify(copy.path(), &exported);
    assert!(!whole && said.contains("chain tour, n 1: it is missing"), "{said}");
    assert!(said.contains("2 not whole"), "{said}");
}

#[test]
fn a_checkpoint_of_another_key_or_with_another_content_is_noticed() {
    let installation = Installation::told();
    let data = installation.data();
    let own = audit(&["public-key"], &data);
    let own = text(&own.stdout).trim().to_owned();
    assert!(verify(&data, &["--key", &own]).0);
    let file = installation.path("data.audit-key");
    assert_eq!(std::fs::metadata(&file).expect("beside").permissions().mode() & 0o777, 0o600);
    assert!(verify(&data, &["--key", file.to_str().expect("UTF-8")]).0);
    let other =
        format!("ed25519:{}", "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
    let (whole, said) = verify(&data, &["--key", &other]);
    assert!(!whole && said.contains(&format!("signed by another key, {own}")), "{said}");
    assert!(said.contains("table audit_checkpoint, chain tour, n 6"), "{said}");
    assert!(verify(&data, &["--key", &other, "--key", &own]).0, "a key that has changed");
    // Somebody moved the exported checkpoint to where the chain is whole.
    let text = std::fs::read_to_string(installation.checkpoints()).expect("exported");
    let forged = installation.path("forged.jsonl");
    std::fs::write(&forged, text.replace("\"n\":\"6\"", "\"n\":\"5\"")).expect("written");
    let (whole, said) = verify(&data, &["--checkpoint", forged.to_str().expect("UTF-8")]);
    assert!(!whole && said.contains("its signature does not fit"), "{said}");
    assert!(said.contains("forged.jsonl, line "), "{said}");
}

#[test]
fn erased_texts_leave_the_chain_whole() {
    let installation = Installation::told();
    let copy = tampered(&installation, "UPDATE audit SET texts = NULL; VACUUM");
    let checkpoints = installation.checkpoints();
    let own = text(&audit(&["public-key"], &installation.data()).stdout).trim().to_owned();
    let exported = ["--checkpoint", checkpoints.to_str().expect("UTF-8"), "--key", &own];
    let (whole, said) = verify(copy.path(), &exported);
    assert!(whole && said.contains("project tour: 6 entries"), "{said}");
    let entries = export(copy.path(), &["--project", "tour"]);
    let readable = &entries[1]["readable"];
    assert_eq!(readable["decision"], "declined");
    assert!(readable["comment"]["digest"].as_str().expect("a digest").starts_with("sha256:"));
}

#[test]
fn programs_get_the_same_as_one_object() {
    let installation = Installation::told();
    let (whole, said) = verify(&installation.data(), &["--output", "json"]);
    let said: Value = serde_json::from_str(&said).expect("JSON");
    assert_eq!((whole, &said["whole"]), (true, &json!(true)));
    assert_eq!(said["chains"][1]["chain"], "tour");
    assert_eq!(
        (&said["chains"][1]["entries"], &said["chains"][1]["checkpoint"]),
        (&json!(6), &json!(6))
    );
    let copy = tampered(&installation, &format!("DELETE FROM audit WHERE {}", row(2)));
    let (whole, said) = verify(copy.path(), &["--output", "json"]);
    let said: Value = serde_json::from_str(&said).expect("JSON");
    assert_eq!((whole, &said["whole"]), (false, &json!(false)));
    assert_eq!(said["chains"][1]["problems"][0]["place"], "table audit, chain tour, n 2");
}

#[test]
fn a_directory_without_a_store_is_named() {
    let directory = tempfile::tempdir().expect("a directory");
    let output = audit(&["verify"], directory.path());
    assert!(!output.status.success());
    assert!(text(&output.stderr).contains("tidegate.db"), "{}", text(&output.stderr));
    let output = audit(&["public-key"], directory.path());
    assert!(text(&output.stderr).contains("no key yet"), "{}", text(&output.stderr));
}
