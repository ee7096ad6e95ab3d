//! The audit log.

use serde_json::{Value, json};
use tidegate_core::audit::{
    Action, AuditRecord, Chain, Checkpoint, Entry, Hash, Link, SigningKey, Verifier,
};
use tidegate_core::event::Event;
use tidegate_core::names::{ProjectName, ServiceName, StageName};
use tidegate_core::principal::{Principal, PrincipalName};
use tidegate_core::sequence::{Control, Effects, Env};

use crate::testing::{
    Fixture, SHIPYARD, Steps, apply_at, at, commit_id, context_id, entry, env_at, event, event_id,
    new_project, person, project,
};
use crate::{
    AuditHead, Home as _, IdempotencyRow, Intent, Reader, SessionRow, SignInRow, TokenRow, Write,
    Written,
};

fn shop() -> Chain {
    Chain::Project(project("shop"))
}

fn abort(n: u64) -> AuditRecord {
    let action =
        Action::Controlled { control: Control::Abort, context: context_id(n), stage: None };
    AuditRecord { at: at(n.cast_signed()), by: person("ada"), action }
}

fn aborted(n: u64) -> Effects {
    Effects { audit: vec![abort(n)], ..Effects::default() }
}

/// All of a chain; panics where it is not whole.
fn whole(reader: &impl Reader, chain: &Chain) -> Vec<Entry> {
    let mut verifier = Verifier::new(chain.clone(), Vec::new());
    let entries = reader.audit(chain, 1, 1000).unwrap();
    for entry in &entries {
        verifier.entry(entry).unwrap();
    }
    let head = reader.audit_head(chain).unwrap().map_or(Link::GENESIS, |head| head.link);
    assert_eq!(verifier.end(), Ok(head));
    entries
}

/// `who action` of each entry.
fn told(reader: &impl Reader, chain: &Chain) -> Vec<String> {
    let tell = |entry: &Entry| {
        let record = entry.readable().unwrap();
        let name = record["by"].get("name").unwrap_or(&record["by"]["kind"]);
        format!("{} {}", name.as_str().unwrap(), record["action"].as_str().unwrap())
    };
    whole(reader, chain).iter().map(tell).collect()
}

pub(crate) fn records_of_a_step_are_linked_in_the_chain_of_its_project<F: Fixture>() {
    let mut store = F::with_shop();
    assert_eq!(store.reader().audit_head(&shop()).unwrap(), None);
    store.applied(&Effects { audit: vec![abort(1), abort(2)], ..Effects::default() });
    store.applied(&aborted(3));
    let entries = whole(store.reader(), &shop());
    let times = |entry: &Entry| entry.readable().unwrap()["at"].clone();
    let wanted: Vec<_> = (1..=3).map(|n| json!(at(n).to_string())).collect();
    assert_eq!(entries.iter().map(times).collect::<Vec<_>>(), wanted);
    let (first, second) = (&entries[0], &entries[1]);
    assert_eq!((first.n, first.prev), (1, Hash::ZERO));
    assert_eq!((second.n, second.prev), (2, first.hash));
    let salt = |entry: &Entry| {
        let texts: Value = serde_json::from_str(entry.texts.as_ref().unwrap()).unwrap();
        texts["/by/name"]["salt"].clone()
    };
    assert_ne!(salt(first), salt(second), "records of one step have salts of their own");
}

pub(crate) fn a_page_of_the_audit_log_begins_where_it_is_asked_to<F: Fixture>() {
    let mut store = F::with_shop();
    for n in 1..=5 {
        store.applied(&aborted(n));
    }
    let page = |from, limit| {
        let entries = store.reader().audit(&shop(), from, limit).unwrap();
        entries.iter().map(|entry| entry.n).collect::<Vec<_>>()
    };
    assert_eq!(page(1, 2), [1, 2]);
    assert_eq!(page(3, 2), [3, 4]);
    assert_eq!(page(5, 9), [5]);
    assert_eq!(page(0, 9), [1, 2, 3, 4, 5]);
    assert!(page(6, 9).is_empty());
    assert!(page(u64::MAX, 9).is_empty());
    let nobody = Chain::Project(project("nobody"));
    assert_eq!(store.reader().audit(&nobody, 1, 9).unwrap(), []);
}

pub(crate) fn chains_are_apart_and_listed_by_name<F: Fixture>() {
    let mut store = F::with_shop();
    store.applied(&aborted(1));
    for name in ["zoo", "apple"] {
        let action = Box::new(abort(1).action);
        store.written(&Write::Record(Chain::Project(project(name)), action));
    }
    let page = store.reader().audit_heads(0, 9).unwrap();
    let names: Vec<_> = page.items.iter().map(|head| head.chain.as_str()).collect();
    assert_eq!(names, ["_installation", "apple", "shop", "zoo"]);
    assert_eq!((page.total, page.next), (4, None));
    for head in page.items {
        assert_eq!((head.link.n, head.checkpointed), (1, 0));
        assert_eq!(store.reader().audit_head(&head.chain).unwrap(), Some(head));
    }
    let page = store.reader().audit_heads(1, 2).unwrap();
    assert_eq!((page.items.len(), page.next), (2, Some(3)));
}

/// One of each kind of change, and what is recorded of it: all that somebody does, nothing else.
pub(crate) fn whatever_somebody_does_is_recorded_with_who_did_it<F: Fixture>() {
    let mut store = F::fresh();
    let carts = ServiceName::new("carts").unwrap();
    let session = |n, name| SessionRow { digest: [n; 32], principal: person(name), expires: at(9) };
    let name = PrincipalName::new("grace").unwrap();
    let link = SignInRow { digest: [1; 32], name, expires: at(9) };
    let use_link = Write::UseSignIn { code: [1; 32], session: session(2, "nobody"), now: at(1) };
    let used_before = use_link.clone();
    let token = TokenRow {
        name: PrincipalName::new("grace").unwrap(),
        digest: [7; 32],
        holder: person("grace"),
        tasks: None,
        created: at(1),
        by: person("ada"),
    };
    let answer =
        IdempotencyRow { key: [1; 32], request: [9; 32], answer: "{}".into(), expires: at(9) };
    let (before, unmapped_before) = (at(0), at(0));
    let stages = vec![StageName::new("qa").unwrap()];
    let service = Intent::CreateService { project: project("shop"), service: carts, stages };
    let snapshot = |name: &str| {
        let (project, commit, text) = (project(name), commit_id(2), SHIPYARD.to_owned());
        Write::Snapshot { project, commit, text }
    };
    let writes = [
        Write::Begin(Intent::CreateProject(new_project("shop")), vec![]),
        complete(1),
        Write::Begin(service.clone(), vec![]),
        Write::Undo { intent: 2, events: vec![] },
        Write::Begin(service, vec![]),
        complete(3),
        Write::Begin(Intent::CreateProject(new_project("next")), vec![]),
        Write::Undo { intent: 4, events: vec![] },
        snapshot("shop"),
        snapshot("nowhere"),
        Write::PutSignIn(link),
        use_link,
        used_before,
        Write::PutSession(session(3, "alan")),
        Write::DropSession([3; 32]),
        Write::PutToken(token.clone()),
        Write::PutToken(token.clone()),
        Write::DropToken(token.name.clone()),
        Write::DropToken(token.name),
        Write::Idempotency(answer),
        Write::Expire(at(0)),
        Write::Prune { before, unmapped_before, limit: 9 },
        Write::DeliveryDone(1),
    ];
    let home = store.home();
    home.begin().unwrap();
    for write in &writes {
        home.write(write, &env_at(at(1))).unwrap();
    }
    home.commit().unwrap();
    let reader = store.reader();
    assert_eq!(
        told(reader, &Chain::Installation),
        [
            "ada project_created",
            "ada project_undone",
            "ada sign_in_link_made",
            "grace signed_in",
            "alan signed_in",
            "ada signed_out",
            "ada token_created",
            "ada token_revoked"
        ]
    );
    assert_eq!(
        told(reader, &shop()),
        ["ada service_undone", "ada service_created", "ada shipyard_changed"]
    );
    assert_eq!(reader.audit_heads(0, 9).unwrap().total, 2);
    let link = reader.audit(&Chain::Installation, 3, 1).unwrap().remove(0).readable().unwrap();
    assert_eq!((&link["person"], &link["at"]), (&json!("grace"), &json!(at(1).to_string())));
}

fn complete(intent: i64) -> Write {
    Write::Complete { intent, commit: commit_id(1), now: at(0), events: vec![] }
}

pub(crate) fn a_saga_is_recorded_by_who_began_it<F: Fixture>() {
    let mut store = F::fresh();
    let begin = Write::Begin(Intent::CreateProject(new_project("shop")), vec![]);
    let Written::Begun(intent) = store.written(&begin) else { panic!("not begun") };
    // After a crash it is the server that finishes it.
    let server = Principal::Builtin(PrincipalName::new("tidegate").unwrap());
    let env = Env { principal: server, ..env_at(at(5)) };
    let home = store.home();
    home.begin().unwrap();
    home.write(&complete(intent), &env).unwrap();
    home.commit().unwrap();
    assert_eq!(told(store.reader(), &Chain::Installation), ["ada project_created"]);
    let entry = store.reader().audit(&Chain::Installation, 1, 1).unwrap().remove(0);
    assert_eq!(entry.readable().unwrap()["at"], at(5).to_string());
}

pub(crate) fn a_rollback_leaves_no_gap_in_a_chain<F: Fixture>() {
    let mut store = F::with_shop();
    store.applied(&aborted(1));
    let home = store.home();
    home.begin().unwrap();
    apply_at(home, &aborted(2), at(2)).unwrap();
    let other = Chain::Project(project("other"));
    home.write(&Write::Record(other.clone(), Box::new(abort(2).action)), &env_at(at(2))).unwrap();
    home.rollback();
    assert_eq!(store.reader().audit_head(&other).unwrap(), None);
    store.applied(&aborted(3));
    let entries = whole(store.reader(), &shop());
    assert_eq!(entries.len(), 2);
    assert_eq!(entries[1].readable().unwrap()["at"], at(3).to_string());
}

pub(crate) fn the_audit_log_shows_what_was_committed_only<F: Fixture>() {
    let mut store = F::with_shop();
    store.home().begin().unwrap();
    apply_at(store.home(), &aborted(1), at(1)).unwrap();
    assert_eq!(store.reader().audit(&shop(), 1, 9).unwrap(), []);
    store.home().commit().unwrap();
    assert_eq!(whole(store.reader(), &shop()).len(), 1);
}

pub(crate) fn retention_leaves_the_audit_log_alone<F: Fixture>() {
    let mut store = F::with_shop();
    store.applied(&aborted(1));
    let unmapped = |n: u64| {
        let event = Event { context: context_id(90), ..event(n) };
        tidegate_core::sequence::LogEntry { project: ProjectName::unmapped(), ..entry(n, event) }
    };
    let log = (1..=3).map(unmapped).collect();
    store.applied(&Effects { log, ..Effects::default() });
    let (before, unmapped_before) = (at(9_999_999), at(9_999_999));
    store.written(&Write::Prune { before, unmapped_before, limit: 100 });
    store.written(&Write::Expire(at(9_999_999)));
    assert_eq!(store.reader().event(event_id(1)).unwrap(), None, "something was pruned");
    assert_eq!(whole(store.reader(), &shop()).len(), 1);
    assert_eq!(told(store.reader(), &Chain::Installation), ["ada project_created"]);
}

pub(crate) fn checkpoints_are_kept_with_their_signatures<F: Fixture>() {
    let mut store = F::with_shop();
    let key = SigningKey::from_bytes(&[7; 32]);
    let mut kept = Vec::new();
    for n in 1..=3 {
        store.applied(&aborted(n));
        let AuditHead { chain, link, checkpointed } =
            store.reader().audit_head(&shop()).unwrap().unwrap();
        assert_eq!((link.n, checkpointed), (n, n - 1));
        let signed = key.sign(Checkpoint { chain, link, at: at(n.cast_signed()) });
        assert_eq!(store.written(&Write::Checkpoint(Box::new(signed.clone()))), Written::Done);
        kept.push(signed);
    }
    // The same place twice: the first one stays.
    let again = Checkpoint { at: at(50), ..kept[2].checkpoint.clone() };
    store.written(&Write::Checkpoint(Box::new(key.sign(again))));
    let reader = store.reader();
    assert_eq!(reader.audit_checkpoints(&shop(), 1, 9).unwrap(), kept);
    assert_eq!(reader.audit_checkpoints(&shop(), 2, 1).unwrap(), kept[1..2]);
    assert_eq!(reader.audit_checkpoints(&Chain::Installation, 1, 9).unwrap(), []);
    assert!(kept[2].verify(&[key.public()]).is_ok());
    assert_eq!(whole(reader, &shop()).len(), 3, "a checkpoint is no entry");
}
