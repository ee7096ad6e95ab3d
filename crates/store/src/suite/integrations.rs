//! Integrations, and what is left to them.

use serde_json::json;
use tidegate_core::built_in::BuiltIn;
use tidegate_core::event::{Event, Outcome};
use tidegate_core::sequence::{
    Change, Context, ContextState, Execution, ExecutionState, View as _,
};
use tidegate_core::uniform::{Command, IntegrationId, Outcome as Came, Record, Sent, StoodDown};

use crate::testing::{
    Fixture, Steps, apply_at, at, context, context_id, entries, entry, env_at, event, event_id,
    execution, project,
};
use crate::{Home as _, Intent, Reader as _, Write, Written};

fn register(name: &str) -> Write {
    let registration = json!({
        "name": name,
        "metadata": {"hostname": "n1", "kubernetesmetadata": {"namespace": "keptn"}},
        "subscriptions": [{"event": "sh.keptn.event.>", "filter": {"projects": ["shöp", "\"'"]}}],
    });
    let sent: Sent = serde_json::from_value(registration).unwrap();
    let command = Command::Register(Box::new(sent.try_into().unwrap()));
    Write::Integration { command, tasks: None }
}

fn command(command: Command) -> Write {
    Write::Integration { command, tasks: None }
}

fn came(store: &mut impl Fixture, write: &Write) -> Came {
    match store.written(write) {
        Written::Integration(outcome) => outcome,
        other => panic!("{other:?}"),
    }
}

fn id(name: &str) -> IntegrationId {
    IntegrationId::of(name, "keptn", "n1")
}

fn registered(store: &mut impl Fixture, name: &str) -> Record {
    match came(store, &register(name)) {
        Came::Registered(record) => *record,
        other => panic!("{other:?}"),
    }
}

pub(crate) fn integrations_are_there_until_they_unregister_or_are_forgotten<F: Fixture>() {
    let mut store = F::fresh();
    assert_eq!(store.reader().integrations().unwrap(), []);
    let mut all = [registered(&mut store, "lighthouse-service"), registered(&mut store, "helm")];
    all.sort_by(|a, b| a.id.cmp(&b.id));
    assert_eq!(store.reader().integrations().unwrap(), all);
    let again = came(&mut store, &register("helm"));
    assert!(matches!(again, Came::Seen(_)), "{again:?}");
    assert_eq!(store.reader().integrations().unwrap(), all);
    assert_eq!(store.reader().integration(&all[0].id).unwrap(), Some(all[0].clone()));
    let gone = came(&mut store, &command(Command::Unregister(id("helm"))));
    assert!(matches!(gone, Came::Unregistered(Some(_))), "{gone:?}");
    assert_eq!(store.reader().integration(&id("helm")).unwrap(), None);
    let nobody = came(&mut store, &command(Command::Ping(id("helm"))));
    assert_eq!(nobody, Came::NoIntegration);
    let home = store.home();
    for (seconds, lapsed) in [(59, Some(false)), (60, Some(true)), (60 + 48 * 3600, None)] {
        home.begin().unwrap();
        home.write(&command(Command::Sweep), &env_at(at(seconds))).unwrap();
        let left: Vec<_> = home.integrations().unwrap().iter().map(|one| one.lapsed).collect();
        home.commit().unwrap();
        assert_eq!(left, Vec::from_iter(lapsed), "{seconds}");
    }
    assert_eq!(store.reader().integrations().unwrap(), []);
}

pub(crate) fn a_change_of_integrations_is_undone_with_its_transaction<F: Fixture>() {
    let mut store = F::fresh();
    let kept = registered(&mut store, "lighthouse-service");
    let home = store.home();
    home.begin().unwrap();
    home.write(&register("helm"), &env_at(at(1))).unwrap();
    home.write(&command(Command::Unregister(kept.id.clone())), &env_at(at(1))).unwrap();
    assert_eq!(home.integrations().unwrap()[0].id, id("helm"));
    home.rollback();
    home.begin().unwrap();
    assert_eq!(home.integrations().unwrap().to_vec(), vec![kept.clone()]);
    home.rollback();
    assert_eq!(store.reader().integrations().unwrap(), [kept]);
}

pub(crate) fn a_step_sees_who_is_registered<F: Fixture>() {
    let mut store = F::fresh();
    let home = store.home();
    home.begin().unwrap();
    assert!(home.integrations().unwrap().is_empty());
    home.write(&register("lighthouse-service"), &env_at(at(1))).unwrap();
    assert_eq!(home.integrations().unwrap().len(), 1, "within the same transaction");
    home.commit().unwrap();
    home.begin().unwrap();
    assert_eq!(home.integrations().unwrap()[0].last_seen, at(1));
    home.write(&command(Command::Ping(id("lighthouse-service"))), &env_at(at(20))).unwrap();
    assert_eq!(home.integrations().unwrap()[0].last_seen, at(20));
    home.rollback();
}

fn left(n: u64, part: BuiltIn, integration: &str) -> StoodDown {
    let integration = integration.to_owned();
    StoodDown { project: project("shop"), event: event_id(n), n, part, integration }
}

pub(crate) fn what_is_left_is_told_by_context_and_goes_with_it<F: Fixture>() {
    let mut store = F::with_shop();
    let of = |n: u64, m: u64| Event { context: context_id(m), ..event(n) };
    store.applied(&entries([
        entry(1, of(1, 1)),
        entry(2, of(2, 2)),
        entry(3, of(3, 1)),
        entry(4, of(4, 3)),
    ]));
    let rows = [
        left(1, BuiltIn::Jobs, "job-executor-service"),
        left(1, BuiltIn::Gate, "lighthouse-service"),
        left(3, BuiltIn::Sli, "prometheus-service"),
    ];
    let others = left(2, BuiltIn::Gate, "lighthouse-service");
    for row in rows.iter().chain([&others]) {
        store.change(Change::StoodDown(row.clone()));
    }
    let told =
        |store: &F, m: u64| store.reader().stood_down(&project("shop"), context_id(m)).unwrap();
    assert_eq!(told(&store, 1), rows);
    assert_eq!(told(&store, 2), vec![others.clone()]);
    assert_eq!(told(&store, 3), []);
    assert_eq!(store.reader().stood_down(&project("nowhere"), context_id(1)).unwrap(), []);

    // The first context has ended, and is forgotten.
    let state = ExecutionState::Finished { outcome: Outcome::PASS, at: at(1) };
    let over = Execution { context: context_id(1), position: 1, state, ..execution(1) };
    let ended = Context { state: ContextState::Finished, ..context(1) };
    let effects = crate::testing::changes([
        Change::Context(Box::new(ended)),
        Change::Execution(Box::new(over)),
    ]);
    store.home().begin().unwrap();
    apply_at(store.home(), &effects, at(1)).unwrap();
    store.home().commit().unwrap();
    let (before, unmapped_before) = (at(100), at(100));
    let pruned = store.written(&Write::Prune { before, unmapped_before, limit: 9 });
    assert!(matches!(pruned, Written::Pruned { count: 1, .. }), "{pruned:?}");
    assert_eq!(told(&store, 1), []);
    assert_eq!(told(&store, 2), [others]);

    // The project goes, and begins anew.
    let begin = Write::Begin(Intent::DeleteProject { project: project("shop") }, vec![]);
    let Written::Begun(intent) = store.written(&begin) else { panic!("not begun") };
    let (commit, now) = (crate::testing::commit_id(1), at(200));
    let complete = Write::Complete { intent, commit, now, events: vec![] };
    assert_eq!(store.written(&complete), Written::Done);
    store.make_project("shop");
    store.applied(&entries([entry(1, of(11, 2)), entry(2, of(12, 2))]));
    assert_eq!(told(&store, 2), []);
}
