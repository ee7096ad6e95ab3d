//! The engine on a real store and real repositories, and on a store that fails on purpose.

mod driver;
mod faulty;
mod later;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use serde_json::{Value, json};
use tidegate_core::approval::{ApprovalState, Decision};
use tidegate_core::event::Draft;
use tidegate_core::names::{ProjectName, ServiceName};
use tidegate_core::principal::{Principal, PrincipalName};
use tidegate_core::sequence::{ContextState, Control, Reply};
use tidegate_resources::Repositories;
use tidegate_resources::upstream::Upstreams;
use tidegate_store::sqlite::SqliteHome;
use tidegate_store::watched::Watched;
use tidegate_store::{ApprovalFilter, IdempotencyRow, OpenEventFilter, SequenceFilter};

use crate::{Ballot, Engine, Failure, Ports, RepositoryResolver};
pub(crate) use faulty::Faults;
use faulty::FaultyResolver;

const SHIPYARD: &str = "\
apiVersion: spec.keptn.sh/0.2.2
spec:
  stages:
    - name: qa
      sequences:
        - name: delivery
          tasks: [{ name: deployment }]
    - name: production
      sequences:
        - name: delivery
          triggeredOn: [{ event: qa.delivery.finished }]
          tasks: [{ name: approval }, { name: deployment, triggeredAfter: 1ms }]
";

async fn start(directory: &Path, faults: &Arc<Faults>) -> Engine {
    let (home, reader) = SqliteHome::open(directory).unwrap();
    let repositories = Repositories::open(&directory.join("git")).unwrap();
    let upstreams = Upstreams::unkept(repositories);
    let resolver = FaultyResolver {
        resolver: RepositoryResolver::new(upstreams.clone()),
        faults: Arc::clone(faults),
    };
    let home = Watched { home, watch: Arc::clone(faults) };
    let fatal = {
        let faults = Arc::clone(faults);
        move |_| faults.ended.store(true, Ordering::SeqCst)
    };
    Engine::start(home, Arc::new(reader), upstreams, resolver, Ports::default(), fatal)
        .await
        .unwrap()
}

pub(crate) async fn fresh() -> (tempfile::TempDir, Arc<Faults>, Engine) {
    let directory = tempfile::tempdir().unwrap();
    let faults = Arc::new(Faults::default());
    let engine = start(directory.path(), &faults).await;
    engine.create_project(tour(), SHIPYARD.to_owned(), &ada()).await.unwrap();
    (directory, faults, engine)
}

pub(crate) fn tour() -> ProjectName {
    ProjectName::new("tour").unwrap()
}

pub(crate) fn ada() -> Principal {
    Principal::Person(PrincipalName::new("ada").unwrap())
}

pub(crate) fn trigger() -> Draft {
    draft(&json!({"type": "sh.keptn.event.qa.delivery.triggered", "source": "test",
        "data": {"project": "tour", "stage": "qa", "service": "hello"}}))
}

pub(crate) fn draft(body: &Value) -> Draft {
    Draft::from_value(body.clone()).unwrap()
}

pub(crate) async fn open(engine: &Engine, task: &str) -> Vec<tidegate_core::event::Event> {
    let kind =
        Some(tidegate_core::event::EventType::new(&format!("sh.keptn.event.{task}.triggered")));
    let filter = OpenEventFilter { kind, ..OpenEventFilter::default() };
    engine.read(move |reader| reader.open_events(&filter, 0, 100)).await.unwrap().items
}

pub(crate) async fn execute(engine: &Engine, task: &str) {
    let event = open(engine, task).await.remove(0);
    for phase in ["started", "finished"] {
        let body = json!({"type": format!("sh.keptn.event.{task}.{phase}"), "source": "executor",
            "triggeredid": event.id, "shkeptncontext": event.context,
            "data": {"project": "tour", "stage": event.data["stage"], "service": "hello",
                "result": "pass", "status": "succeeded"}});
        engine.accept(draft(&body), &ada(), None).await.unwrap();
    }
}

pub(crate) async fn waiting(engine: &Engine) -> tidegate_core::approval::Approval {
    let filter = ApprovalFilter::default();
    engine.read(move |reader| reader.approvals(&filter, 0, 10)).await.unwrap().items.remove(0)
}

pub(crate) fn ballot(approval: &tidegate_core::approval::Approval, decision: Decision) -> Ballot {
    Ballot {
        project: tour(),
        approval: approval.id,
        decision,
        subject: None,
        comment: None,
        source: "test".to_owned(),
    }
}

#[tokio::test]
async fn a_delivery_waits_through_a_restart_and_goes_on_when_it_is_approved() {
    let (directory, faults, engine) = fresh().await;
    let context = engine.accept(trigger(), &ada(), None).await.unwrap().context;
    execute(&engine, "deployment").await;
    engine.stop().await;
    drop(engine);
    let engine = start(directory.path(), &faults).await;
    let approval = waiting(&engine).await;
    assert_eq!(approval.state, ApprovalState::Open);
    assert_eq!(approval.triggered_by, ada());
    let mut commits = engine.commits();
    let decided = engine.vote(ballot(&approval, Decision::Approve), &ada()).await.unwrap();
    assert_eq!(decided.by, ada());
    // The delay of the next task passes without anybody asking.
    while open(&engine, "deployment").await.is_empty() {
        commits.recv().await.unwrap();
    }
    execute(&engine, "deployment").await;
    let filter = SequenceFilter { contexts: vec![context], ..SequenceFilter::default() };
    let page =
        engine.read(move |reader| reader.sequences(&tour(), &filter, 0, None)).await.unwrap();
    assert_eq!(page.items[0].state, ContextState::Finished);
    engine.stop().await;
}

#[tokio::test]
async fn an_input_that_panics_fails_alone_and_the_next_one_works() {
    let (_directory, faults, engine) = fresh().await;
    faults.panics.store(1, Ordering::SeqCst);
    match engine.accept(trigger(), &ada(), None).await {
        Err(Failure::Internal(reference)) => assert_eq!(reference.len(), 12),
        other => panic!("{other:?}"),
    }
    assert!(open(&engine, "deployment").await.is_empty());
    engine.accept(trigger(), &ada(), None).await.unwrap();
    assert_eq!(open(&engine, "deployment").await.len(), 1);
    engine.stop().await;
}

#[tokio::test]
async fn a_reader_of_shipyards_that_panics_ends_the_sequence_and_not_the_server() {
    let (_directory, faults, engine) = fresh().await;
    faults.resolver.store(1, Ordering::SeqCst);
    let context = engine.accept(trigger(), &ada(), None).await.unwrap().context;
    let filter = SequenceFilter { contexts: vec![context], ..SequenceFilter::default() };
    let page =
        engine.read(move |reader| reader.sequences(&tour(), &filter, 0, None)).await.unwrap();
    assert_eq!(page.items[0].state, ContextState::Finished);
    engine.accept(trigger(), &ada(), None).await.unwrap();
    assert_eq!(open(&engine, "deployment").await.len(), 1);
    engine.stop().await;
}

#[tokio::test]
async fn a_change_is_carried_out_also_when_whoever_asked_has_gone() {
    let (_directory, _, engine) = fresh().await;
    let other = ProjectName::new("other").unwrap();
    let by = ada();
    let asked = engine.create_project(other.clone(), SHIPYARD.to_owned(), &by);
    // Polled once, then dropped: the client hung up.
    assert!(tokio::time::timeout(std::time::Duration::ZERO, asked).await.is_err());
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(60);
    loop {
        let name = other.clone();
        if engine.read(move |reader| reader.project(&name)).await.unwrap().is_some() {
            break;
        }
        assert!(std::time::Instant::now() < deadline, "the project never appeared");
        tokio::task::yield_now().await;
    }
    engine.stop().await;
}

#[tokio::test]
async fn a_shipyard_that_changed_behind_the_stores_back_is_in_force_after_a_start() {
    let (directory, faults, engine) = fresh().await;
    let changed = SHIPYARD.replace("name: deployment", "name: release");
    let path = tidegate_resources::ResourcePath::new("shipyard.yaml").unwrap();
    let files = [(path, changed.clone().into_bytes())];
    let place = tidegate_resources::Place::Project;
    engine.repositories().write(&tour(), &place, &files, engine.now()).unwrap();
    engine.stop().await;
    drop(engine);
    let engine = start(directory.path(), &faults).await;
    let row = engine.read(|reader| reader.project(&tour())).await.unwrap().unwrap();
    assert_eq!(&*row.shipyard, changed);
    engine.stop().await;
}

#[tokio::test]
async fn a_full_disk_refuses_and_recovers_without_a_restart() {
    let (_directory, faults, engine) = fresh().await;
    faults.full.store(true, Ordering::SeqCst);
    assert!(matches!(engine.accept(trigger(), &ada(), None).await, Err(Failure::Full)));
    faults.full.store(false, Ordering::SeqCst);
    // It is looked again every second.
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(60);
    while let Err(failure) = engine.accept(trigger(), &ada(), None).await {
        assert!(matches!(failure, Failure::Full), "{failure:?}");
        assert!(std::time::Instant::now() < deadline, "there is space again");
        tokio::task::yield_now().await;
    }
    assert_eq!(open(&engine, "deployment").await.len(), 1);
    assert!(!faults.ended.load(Ordering::SeqCst));
    engine.stop().await;
}

#[tokio::test]
async fn a_commit_that_fails_acknowledges_nobody_and_ends_the_engine() {
    let (_directory, faults, engine) = fresh().await;
    faults.commit.store(true, Ordering::SeqCst);
    let failed = engine.accept(trigger(), &ada(), None).await;
    assert!(matches!(failed, Err(Failure::OutcomeUnknown)), "{failed:?}");
    engine.stop().await;
    assert!(faults.ended.load(Ordering::SeqCst));
    let after = engine.accept(trigger(), &ada(), None).await;
    assert!(matches!(after, Err(Failure::Stopping)), "{after:?}");
}

/// The one idempotency key of these tests, with a request of its own.
fn key(engine: &Engine, request: u8) -> IdempotencyRow {
    IdempotencyRow {
        key: [1; 32],
        request: [request; 32],
        answer: String::new(),
        expires: engine.now() + jiff::SignedDuration::from_hours(24),
    }
}

#[tokio::test]
async fn a_repeated_key_is_answered_as_before_and_another_request_under_it_is_refused() {
    let (_directory, _, engine) = fresh().await;
    let key = |request| key(&engine, request);
    let first = engine.accept(trigger(), &ada(), Some(key(7))).await.unwrap();
    let again = engine.accept(trigger(), &ada(), Some(key(7))).await.unwrap();
    assert_eq!((first.context, first.event), (again.context, again.event));
    let other = engine.accept(trigger(), &ada(), Some(key(8))).await;
    assert!(matches!(other, Err(Failure::KeyReused)));
    assert_eq!(open(&engine, "deployment").await.len(), 1);
    let audited = records(&engine, "tour").await;
    let reuse = audited.last().unwrap();
    assert_eq!((&reuse["action"], &reuse["by"]["name"]), (&json!("key_reused"), &json!("ada")));
    assert_eq!(reuse["first"], format!("{} {}", first.context, first.event));
    engine.stop().await;
}

/// What the audit log says.
async fn records(engine: &Engine, chain: &str) -> Vec<Value> {
    let chain: tidegate_core::audit::Chain = chain.parse().unwrap();
    let entries = engine.read(move |reader| reader.audit(&chain, 1, 100)).await.unwrap();
    entries.iter().map(|entry| entry.readable().unwrap()).collect()
}

#[tokio::test]
async fn a_key_that_is_used_again_for_a_project_that_is_not_there_begins_no_chain() {
    let (_directory, _, engine) = fresh().await;
    let key = |request| key(&engine, request);
    let nowhere = || {
        draft(&json!({"type": "sh.keptn.event.qa.delivery.triggered", "source": "test",
            "data": {"project": "nowhere", "stage": "qa", "service": "hello"}}))
    };
    engine.accept(nowhere(), &ada(), Some(key(7))).await.unwrap();
    let other = engine.accept(nowhere(), &ada(), Some(key(8))).await;
    assert!(matches!(other, Err(Failure::KeyReused)));
    assert!(records(&engine, "nowhere").await.is_empty());
    assert_eq!(records(&engine, "_installation").await.last().unwrap()["action"], "key_reused");
    engine.stop().await;
}

#[tokio::test]
async fn decisions_and_controls_are_in_the_audit_log_once_they_are_answered() {
    let (_directory, _, engine) = fresh().await;
    let mut audited = engine.audited();
    let context = engine.accept(trigger(), &ada(), None).await.unwrap().context;
    execute(&engine, "deployment").await;
    let approval = waiting(&engine).await;
    engine.vote(ballot(&approval, Decision::Decline), &ada()).await.unwrap();
    let other = engine.accept(trigger(), &ada(), None).await.unwrap().context;
    engine.control(Control::Abort, tour(), other, None, &ada()).await.unwrap();
    audited.changed().await.unwrap();
    let told: Vec<_> = records(&engine, "tour")
        .await
        .iter()
        .map(|record| (record["action"].clone(), record["by"]["name"].clone()))
        .collect();
    assert_eq!(told, [(json!("decided"), json!("ada")), (json!("controlled"), json!("ada"))]);
    assert_ne!(context, other);
    assert_eq!(records(&engine, "_installation").await[0]["action"], "project_created");
    engine.stop().await;
}

#[tokio::test]
async fn many_inputs_at_once_are_all_there() {
    let (_directory, _, engine) = fresh().await;
    let tasks: Vec<_> = (0..200)
        .map(|index| {
            let engine = engine.clone();
            tokio::spawn(async move {
                let body = json!({"type": "sh.keptn.event.qa.delivery.triggered", "source": "test",
                    "data": {"project": "tour", "stage": "qa", "service": format!("hello-{index}")}});
                engine.accept(draft(&body), &ada(), None).await.unwrap()
            })
        })
        .collect();
    for task in tasks {
        assert_eq!(task.await.unwrap().reply, Some(Reply::Accepted));
    }
    let filter = OpenEventFilter {
        kind: Some(tidegate_core::event::EventType::new("sh.keptn.event.deployment.triggered")),
        ..OpenEventFilter::default()
    };
    let page = engine.read(move |reader| reader.open_events(&filter, 0, 1000)).await.unwrap();
    assert_eq!(page.total, 200);
    engine.stop().await;
}

#[tokio::test]
async fn projects_and_services_are_created_once() {
    let (_directory, _, engine) = fresh().await;
    let again = engine.create_project(tour(), SHIPYARD.to_owned(), &ada()).await;
    assert!(matches!(again, Err(Failure::ProjectExists(_))), "{again:?}");
    let hello = ServiceName::new("hello").unwrap();
    engine.create_service(tour(), hello.clone(), &ada()).await.unwrap();
    let again = engine.create_service(tour(), hello.clone(), &ada()).await;
    assert!(matches!(again, Err(Failure::ServiceExists(..))), "{again:?}");
    let nowhere = ProjectName::new("nowhere").unwrap();
    let missing = engine.create_service(nowhere, hello, &ada()).await;
    assert!(matches!(missing, Err(Failure::NoProject(_))), "{missing:?}");
    let bad =
        engine.create_project(ProjectName::new("bad").unwrap(), "a: [".to_owned(), &ada()).await;
    assert!(matches!(bad, Err(Failure::Shipyard(_))), "{bad:?}");
    engine.stop().await;
}

/// Counts down to zero, and says when it is there.
fn count_down(counter: &AtomicU32) -> bool {
    counter.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok()
}

fn set(flag: &AtomicBool) -> bool {
    flag.load(Ordering::SeqCst)
}
