//! Chains as they should be, and each way to tamper with one.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::*;
use crate::approval::{Comment, Decision};

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_795_000_000 + seconds).unwrap()
}

fn tour() -> Chain {
    Chain::Project(ProjectName::new("tour").unwrap())
}

fn person(name: &str) -> Principal {
    Principal::Person(PrincipalName::new(name).unwrap())
}

fn decided(comment: &str) -> AuditRecord {
    let decided = Decided {
        decision: Decision::Decline,
        by: person("ada"),
        at: at(0),
        comment: Comment::parse(comment).unwrap(),
        seen: None,
        event: EventId::from_bytes([2; 16]),
    };
    let action = Action::Decided { approval: EventId::from_bytes([1; 16]), decided };
    AuditRecord { at: at(0), by: person("ada"), action }
}

/// `count` entries; the number of each is its comment.
fn chain(count: u8) -> Vec<Entry> {
    let mut head = Link::GENESIS;
    let entries = (1..=count).map(|n| {
        let salts = &mut Salts::new([n; 16]);
        let entry = Entry::following(head, &tour(), &decided(&format!("number {n}")), salts);
        head = entry.link();
        entry
    });
    entries.collect()
}

fn key() -> SigningKey {
    SigningKey::from_bytes(&[7; 32])
}

fn checkpoint(entry: &Entry) -> Checkpoint {
    Checkpoint { chain: entry.chain.clone(), link: entry.link(), at: at(9) }
}

fn verify(entries: &[Entry], checkpoints: Vec<Checkpoint>) -> Result<Link, (u64, Fault)> {
    let mut verifier = Verifier::new(tour(), checkpoints);
    for entry in entries {
        verifier.entry(entry).map_err(|broken| (broken.n, broken.fault))?;
    }
    verifier.end().map_err(|broken| (broken.n, broken.fault))
}

/// Written anew as whoever may write to the store can: whole, and linked to `prev`.
fn forged(entry: &Entry, prev: Link, record: &AuditRecord) -> Entry {
    assert_eq!(entry.n, prev.n + 1);
    Entry::following(prev, &entry.chain, record, &mut Salts::new([99; 16]))
}

#[test]
fn a_chain_that_nobody_touched_is_whole_up_to_its_checkpoints() {
    let entries = chain(5);
    let checkpoints = vec![checkpoint(&entries[4]), checkpoint(&entries[1])];
    assert_eq!(verify(&entries, checkpoints), Ok(entries[4].link()));
    assert_eq!(verify(&[], vec![]), Ok(Link::GENESIS));
}

#[test]
fn the_same_record_and_seed_give_the_same_entry_and_another_seed_another_one() {
    assert_eq!(chain(3), chain(3));
    let other =
        Entry::following(Link::GENESIS, &tour(), &decided("number 1"), &mut Salts::new([2; 16]));
    assert_ne!(other.record, chain(1)[0].record);
}

/// Anybody with a SHA-256 and an RFC 8785 library comes to the same hash.
#[test]
fn the_hash_is_that_of_the_documented_form() {
    use sha2::{Digest as _, Sha256};
    let entry = &chain(2)[1];
    let record: Value = serde_json::from_str(&entry.record).unwrap();
    let whole = json!({"version": "1", "chain": "tour", "n": "2",
        "prev": entry.prev.to_string(), "record": record});
    let bytes = serde_json_canonicalizer::to_vec(&whole).unwrap();
    assert_eq!(entry.hash, Hash(Sha256::digest(bytes).into()));
    assert_eq!(entry.record, canonical_of(&record));
}

fn canonical_of(value: &Value) -> String {
    String::from_utf8(serde_json_canonicalizer::to_vec(value).unwrap()).unwrap()
}

/// The form is kept for good: this must never change. The values were computed by another program.
#[test]
fn an_entry_is_what_it_always_was() {
    let entry = &chain(1)[0];
    let record: Value = serde_json::from_str(&entry.record).unwrap();
    assert_eq!(
        record["by"]["name"]["digest"],
        "sha256:c9edd14a6a641169b47f6d05e64196337f86fda6125131895ab8410eb669ea31"
    );
    assert_eq!(
        entry.hash.to_string(),
        "dbbff8e4998161fb98c37b5722cc6d09e96b27af275787052545670c114fec25"
    );
}

#[test]
fn no_text_of_a_person_is_in_what_is_hashed() {
    let entry = &chain(1)[0];
    assert!(!entry.record.contains("ada") && !entry.record.contains("number"));
    let readable = entry.readable().unwrap();
    assert_eq!(readable["by"], json!({"kind": "person", "name": "ada"}));
    assert_eq!(readable["decidedBy"]["name"], "ada");
    assert_eq!(readable["comment"], "number 1");
    assert_ne!(
        entry.record.matches("sha256:").count(),
        1,
        "each text has a digest of its own, also the same text twice"
    );
    let record: Value = serde_json::from_str(&entry.record).unwrap();
    assert_ne!(record["by"]["name"], record["decidedBy"]["name"]);
}

#[test]
fn erased_texts_leave_the_chain_whole() {
    let mut entries = chain(3);
    entries[1].texts = None;
    let texts: Value = serde_json::from_str(entries[2].texts.as_ref().unwrap()).unwrap();
    let mut texts = texts.as_object().unwrap().clone();
    texts.remove("/by/name").unwrap();
    entries[2].texts = Some(Value::Object(texts).to_string());
    assert_eq!(verify(&entries, vec![checkpoint(&entries[2])]), Ok(entries[2].link()));
    assert_eq!(entries[1].readable().unwrap()["comment"]["digest"].as_str().unwrap().len(), 71);
    assert_eq!(entries[2].readable().unwrap()["comment"], "number 3");
}

#[test]
fn an_entry_that_was_edited_is_named() {
    let edits: [fn(&mut Entry); 4] = [
        |entry| entry.record = entry.record.replace("declined", "approved"),
        |entry| entry.record.push(' '),
        |entry| entry.record.truncate(9),
        |entry| entry.hash.0[31] ^= 1,
    ];
    for edit in edits {
        let mut entries = chain(5);
        edit(&mut entries[2]);
        assert_eq!(verify(&entries, vec![]), Err((3, Fault::Edited)));
        assert_eq!(entries[2].readable(), Err(Fault::Edited));
    }
    let mut entries = chain(5);
    entries[2].prev.0[0] ^= 1;
    assert_eq!(verify(&entries, vec![]), Err((3, Fault::Moved)));
}

#[test]
fn an_entry_that_was_written_anew_is_named_by_the_one_after_it() {
    let mut entries = chain(5);
    entries[2] = forged(&entries[2], entries[1].link(), &decided("forged"));
    assert_eq!(verify(&entries, vec![]), Err((3, Fault::Replaced { next: 4 })));
    // The newest has nobody after it: only a checkpoint tells.
    let mut entries = chain(5);
    let signed = checkpoint(&entries[4]);
    entries[4] = forged(&entries[4], entries[3].link(), &decided("forged"));
    assert!(verify(&entries, vec![]).is_ok());
    assert_eq!(verify(&entries, vec![signed]), Err((5, Fault::NotAsSigned { at: at(9) })));
}

#[test]
fn a_chain_that_was_written_anew_to_its_end_is_not_what_was_signed() {
    let mut entries = chain(5);
    let signed = checkpoint(&entries[3]);
    for i in 2..5 {
        entries[i] = forged(&entries[i], entries[i - 1].link(), &decided("forged"));
    }
    assert!(verify(&entries, vec![]).is_ok());
    assert_eq!(verify(&entries, vec![signed]), Err((4, Fault::NotAsSigned { at: at(9) })));
}

#[test]
fn entries_that_were_deleted_are_named() {
    let mut entries = chain(5);
    entries.drain(1..3);
    assert_eq!(verify(&entries, vec![]), Err((2, Fault::Missing { next: 4 })));
    let entries = chain(5);
    assert_eq!(verify(&entries[1..], vec![]), Err((1, Fault::Missing { next: 2 })));
    // Numbered anew, they still do not follow.
    let mut entries = chain(5);
    entries.remove(1);
    for (n, entry) in (1..).zip(&mut entries) {
        entry.n = n;
    }
    assert_eq!(verify(&entries, vec![]), Err((2, Fault::Moved)));
}

#[test]
fn entries_that_were_reordered_are_named() {
    let mut entries = chain(5);
    entries.swap(2, 3);
    assert_eq!(verify(&entries, vec![]), Err((3, Fault::Missing { next: 4 })));
    for (n, entry) in (1..).zip(&mut entries) {
        entry.n = n;
    }
    assert_eq!(verify(&entries, vec![]), Err((3, Fault::Moved)));
}

#[test]
fn an_entry_of_another_chain_does_not_fit() {
    let mut entries = chain(3);
    entries[1].chain = Chain::Installation;
    assert_eq!(verify(&entries, vec![]), Err((2, Fault::Moved)));
    let mut other = chain(1);
    other[0].chain = Chain::Project(ProjectName::new("shop").unwrap());
    assert!(!other[0].is_whole());
}

#[test]
fn a_chain_that_was_cut_off_is_noticed_by_a_checkpoint_alone() {
    let entries = chain(5);
    let signed = vec![checkpoint(&entries[1]), checkpoint(&entries[4])];
    assert!(verify(&entries[..3], vec![]).is_ok());
    let cut = Fault::Truncated { to: 5, at: at(9) };
    assert_eq!(verify(&entries[..3], signed.clone()), Err((4, cut.clone())));
    assert_eq!(verify(&[], signed), Err((1, cut)));
}

#[test]
fn a_text_that_was_edited_does_not_fit_its_digest() {
    let mut entries = chain(2);
    let texts = entries[1].texts.take().unwrap();
    entries[1].texts = Some(texts.replace("number 2", "number 3"));
    assert_eq!(verify(&entries, vec![]), Err((2, Fault::TextUnfit("/comment".to_owned()))));
    entries[1].texts = Some(texts.replace("/comment", "/approval"));
    assert_eq!(verify(&entries, vec![]), Err((2, Fault::TextUnfit("/approval".to_owned()))));
    entries[1].texts = Some(texts[1..].to_owned());
    assert_eq!(verify(&entries, vec![]), Err((2, Fault::TextsUnreadable)));
    assert_eq!(entries[1].readable(), Err(Fault::TextsUnreadable));
}

#[test]
fn a_checkpoint_reads_back_and_its_signature_fits_nothing_else() {
    let signed = key().sign(checkpoint(&chain(3)[2]));
    let back: SignedCheckpoint = signed.to_line().parse().unwrap();
    assert_eq!(back, signed);
    assert_eq!(back.verify(&[key().public()]), Ok(()));
    assert_eq!(back.verify(&[]), Ok(()));
    let other = SigningKey::from_bytes(&[8; 32]);
    assert_eq!(
        back.verify(&[other.public()]),
        Err(SignatureFault::OtherKey(key().public())),
        "somebody else's key"
    );
    let Checkpoint { chain, link, at } = signed.checkpoint.clone();
    for edited in [
        Checkpoint { chain: Chain::Installation, ..signed.checkpoint.clone() },
        Checkpoint { link: Link { n: link.n + 1, ..link }, ..signed.checkpoint.clone() },
        Checkpoint { link: Link { hash: Hash::ZERO, ..link }, ..signed.checkpoint.clone() },
        Checkpoint { at: at + SignedDuration::from_secs(1), chain, link },
    ] {
        let edited = SignedCheckpoint { checkpoint: edited, ..signed.clone() };
        assert_eq!(edited.verify(&[]), Err(SignatureFault::Unfit));
    }
    let claimed = SignedCheckpoint { key: other.public(), ..signed };
    assert_eq!(claimed.verify(&[other.public()]), Err(SignatureFault::Unfit));
}

#[test]
fn a_line_that_is_no_checkpoint_is_refused() {
    let line = key().sign(checkpoint(&chain(1)[0])).to_line();
    for bad in [
        line.replace("\"version\":\"1\"", "\"version\":\"2\""),
        line.replace("\"n\":\"1\"", "\"n\":\"-1\""),
        line.replace("\"chain\":\"tour\"", "\"chain\":\"_nobody\""),
        line.replace("ed25519:", "rsa:"),
        line[..line.len() - 9].to_owned(),
        String::new(),
    ] {
        assert!(bad.parse::<SignedCheckpoint>().is_err(), "{bad}");
    }
}

#[test]
fn keys_read_back_and_a_secret_one_is_never_shown() {
    let key = key();
    let text = key.expose();
    assert_eq!(SigningKey::parse(&format!("{text}\n")).unwrap().public(), key.public());
    assert_eq!(key.public().to_string().parse::<PublicKey>().unwrap(), key.public());
    assert!(!format!("{key:?}").contains(&text[15..]));
    let error = SigningKey::parse(&text.replace("07", "0G")).unwrap_err().to_string();
    assert!(!error.contains("070707"), "{error}");
    assert!(text.parse::<PublicKey>().is_err());
}

#[test]
fn every_action_reads_back_as_it_was_sealed() {
    let (approval, event) = (EventId::from_bytes([1; 16]), EventId::from_bytes([2; 16]));
    let commit = CommitId::new(&"a".repeat(40)).unwrap();
    let project = ProjectName::new("tour").unwrap();
    let service = ServiceName::new("hello").unwrap();
    let (from, to) = (key().public(), SigningKey::from_bytes(&[8; 32]).public());
    let expires = at(1);
    let reason = "ada approved this".to_owned();
    let context = ContextId::from_bytes([3; 16]);
    let name = || "lighthouse-service".to_owned();
    for (action, word, key, text) in [
        (
            Action::VoteRefused { approval, event, reason: reason.clone() },
            "vote_refused",
            "reason",
            &*reason,
        ),
        (
            Action::Controlled { control: Control::Abort, context, stage: None },
            "controlled",
            "control",
            "abort",
        ),
        (
            Action::KeyReused { input: "triggered".into(), first: "x".into() },
            "key_reused",
            "input",
            "triggered",
        ),
        (
            Action::ShipyardChanged { commit: commit.clone() },
            "shipyard_changed",
            "commit",
            commit.as_str(),
        ),
        (
            Action::Pushed { branch: "qa".to_owned(), commit: commit.clone() },
            "pushed",
            "branch",
            "qa",
        ),
        (
            Action::ProjectCreated { project: project.clone(), commit: commit.clone() },
            "project_created",
            "project",
            "tour",
        ),
        (Action::ProjectDeleted { project: project.clone() }, "project_deleted", "project", "tour"),
        (Action::ProjectKept { project: project.clone() }, "project_kept", "project", "tour"),
        (Action::ProjectUndone { project }, "project_undone", "project", "tour"),
        (
            Action::ServiceCreated { service: service.clone() },
            "service_created",
            "service",
            "hello",
        ),
        (
            Action::ServiceDeleted { service: service.clone() },
            "service_deleted",
            "service",
            "hello",
        ),
        (Action::ServiceKept { service: service.clone() }, "service_kept", "service", "hello"),
        (Action::ServiceUndone { service }, "service_undone", "service", "hello"),
        (
            Action::UpstreamSet { url: "https://host/a".to_owned() },
            "upstream_set",
            "url",
            "https://host/a",
        ),
        (
            Action::SignInLinkMade { person: PrincipalName::new("ada").unwrap(), expires },
            "sign_in_link_made",
            "person",
            "ada",
        ),
        (
            Action::IntegrationRegistered { name: name(), namespace: "keptn".to_owned() },
            "integration_registered",
            "name",
            "lighthouse-service",
        ),
        (
            Action::SubscriptionChanged {
                name: name(),
                namespace: "keptn".to_owned(),
                subscription: "7".to_owned(),
            },
            "subscription_changed",
            "subscription",
            "7",
        ),
        (
            Action::IntegrationUnregistered { name: name(), namespace: "keptn".to_owned() },
            "integration_unregistered",
            "namespace",
            "keptn",
        ),
        (Action::SignedIn { way: SignInWay::Link, expires }, "signed_in", "way", "link"),
        (Action::SignedOut, "signed_out", "action", "signed_out"),
        (Action::SigningKeyChanged { from, to }, "signing_key_changed", "from", &from.to_string()),
    ] {
        let record = AuditRecord { at: at(0), by: Principal::Shared, action };
        let entry = Entry::following(
            Link::GENESIS,
            &Chain::Installation,
            &record,
            &mut Salts::new([1; 16]),
        );
        let readable = entry.readable().unwrap();
        assert_eq!((readable["action"].as_str(), readable[key].as_str()), (Some(word), Some(text)));
        assert_eq!(readable["by"], json!({"kind": "shared"}));
    }
}

#[test]
fn a_token_is_recorded_by_who_holds_it_and_what_it_answers() {
    let helm = Principal::Machine(PrincipalName::new("helm").unwrap());
    let tasks = Some(vec![TaskName::new("deployment").unwrap()]);
    for (action, word, tasks) in [
        (
            Action::TokenCreated { holder: helm.clone(), tasks },
            "token_created",
            json!(["deployment"]),
        ),
        (Action::TokenCreated { holder: helm.clone(), tasks: None }, "token_created", Value::Null),
        (Action::TokenRevoked { holder: helm.clone() }, "token_revoked", Value::Null),
    ] {
        let record = AuditRecord { at: at(0), by: Principal::Shared, action };
        let salts = &mut Salts::new([1; 16]);
        let entry = Entry::following(Link::GENESIS, &Chain::Installation, &record, salts);
        let readable = entry.readable().unwrap();
        assert_eq!(readable["action"], word);
        assert_eq!(readable["holder"], json!({"kind": "machine", "name": "helm"}));
        assert_eq!(readable["tasks"], tasks);
    }
}

#[test]
fn the_installations_chain_is_no_projects() {
    assert_eq!("_installation".parse(), Ok(Chain::Installation));
    assert_eq!("tour".parse(), Ok(tour()));
    assert!(ProjectName::new("_installation").is_err());
    assert!("_else".parse::<Chain>().is_err());
}
