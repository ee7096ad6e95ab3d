//! Projects and services, and the sagas that make them.

use tidegate_core::event::Event;
use tidegate_core::names::{ProjectName, ServiceName, StageName};
use tidegate_core::sequence::{Change, View as _};

use crate::testing::{
    Fixture, SHIPYARD, Steps, at, commit_id, context_id, event, new_project, project,
};
use crate::{EventFilter, Intent, ProjectRow, Reader as _, ServiceRow, Write, Written};

fn service(name: &str) -> ServiceName {
    ServiceName::new(name).unwrap()
}

fn create_service(name: &str, of: ProjectName) -> Intent {
    let stages = vec![StageName::new("qa").unwrap()];
    Intent::CreateService { project: of, service: service(name), stages }
}

fn begin(store: &mut impl Steps, intent: Intent, events: Vec<Event>) -> i64 {
    match store.written(&Write::Begin(intent, events)) {
        Written::Begun(id) => id,
        other => panic!("{other:?}"),
    }
}

fn logged(store: &impl Fixture, name: ProjectName) -> Vec<(u64, Event)> {
    let filter = EventFilter { project: Some(name), ..EventFilter::default() };
    let page = store.reader().events(&filter, 0, 100).unwrap();
    assert_eq!(page.items.len() as u64, page.total);
    page.items.into_iter().map(|row| (row.n, row.event)).collect()
}

pub(crate) fn a_project_is_there_once_its_saga_is_complete<F: Fixture>() {
    let mut store = F::fresh();
    let intent = Intent::CreateProject(new_project("shop"));
    let id = begin(&mut store, intent.clone(), vec![event(1)]);
    assert_eq!(store.reader().intents().unwrap(), [(id, intent)]);
    assert_eq!(store.reader().project(&project("shop")).unwrap(), None);
    assert_eq!(logged(&store, ProjectName::unmapped()), [(1, event(1))]);
    let (commit, now, events) = (commit_id(4), at(5), vec![event(2), event(3)]);
    store.written(&Write::Complete { intent: id, commit: commit.clone(), now, events });
    let name = project("shop");
    let row = ProjectRow {
        name: name.clone(),
        created: at(5),
        shipyard: SHIPYARD.into(),
        commit,
        sli_provider: None,
    };
    assert_eq!(store.reader().project(&name).unwrap().as_ref(), Some(&row));
    assert_eq!(store.reader().projects(0, 10).unwrap().items, std::slice::from_ref(&row));
    for provider in ["dynatrace", "prometheus"] {
        store.change(Change::SliProvider(name.clone(), provider.to_owned()));
    }
    let row = ProjectRow { sli_provider: Some("prometheus".to_owned()), ..row };
    assert_eq!(store.reader().project(&name).unwrap(), Some(row));
    assert_eq!(store.reader().intents().unwrap(), []);
    assert_eq!(logged(&store, name), [(2, event(3)), (1, event(2))]);
}

pub(crate) fn one_saga_at_a_time_and_none_for_what_exists<F: Fixture>() {
    let mut store = F::fresh();
    let create = |name: &str| Write::Begin(Intent::CreateProject(new_project(name)), vec![]);
    let add = |name: &str, of| Write::Begin(create_service(name, of), vec![event(1)]);
    let shop = || project("shop");
    assert_eq!(store.written(&add("carts", shop())), Written::NoProject);
    let Written::Begun(intent) = store.written(&create("shop")) else { panic!("not begun") };
    assert_eq!(store.written(&create("shop")), Written::ProjectExists);
    store.written(&Write::Undo { intent, events: vec![] });
    store.make_project("shop");
    assert_eq!(store.written(&create("shop")), Written::ProjectExists);
    assert_eq!(store.written(&create("_unmapped")), Written::ProjectExists);
    assert_eq!(store.written(&add("carts", ProjectName::unmapped())), Written::NoProject);
    let Written::Begun(intent) = store.written(&add("carts", shop())) else { panic!("not begun") };
    assert_eq!(store.written(&add("orders", shop())), Written::ProjectExists);
    let (commit, now) = (commit_id(2), at(6));
    store.written(&Write::Complete { intent, commit, now, events: vec![] });
    assert_eq!(store.written(&add("carts", shop())), Written::ServiceExists);
    assert_eq!(logged(&store, shop()), [(1, event(1))], "what was refused left nothing");
}

pub(crate) fn a_service_that_was_deleted_can_be_created_again<F: Fixture>() {
    let mut store = F::with_shop();
    let shop = project("shop");
    let complete = |store: &mut F, intent, n| {
        let intent = begin(store, intent, vec![]);
        let (commit, now) = (commit_id(2), at(n));
        store.written(&Write::Complete {
            intent,
            commit,
            now,
            events: vec![event(n.unsigned_abs())],
        });
    };
    let delete = |of: ProjectName| Intent::DeleteService {
        project: of,
        service: service("carts"),
        stages: vec![StageName::new("qa").unwrap()],
    };
    let refused = |store: &mut F, of| store.written(&Write::Begin(delete(of), vec![event(9)]));
    assert_eq!(refused(&mut store, shop.clone()), Written::NoService);
    assert_eq!(refused(&mut store, project("nowhere")), Written::NoProject);
    complete(&mut store, create_service("carts", shop.clone()), 1);
    complete(&mut store, create_service("orders", shop.clone()), 2);
    let open = begin(&mut store, delete(shop.clone()), vec![]);
    assert_eq!(store.reader().services(&shop).unwrap().len(), 2, "until it is complete");
    store.written(&Write::Undo { intent: open, events: vec![] });
    complete(&mut store, delete(shop.clone()), 3);
    let row = |name, n| ServiceRow { name: service(name), created: at(n) };
    assert_eq!(store.reader().services(&shop).unwrap(), [row("orders", 2)]);
    assert_eq!(refused(&mut store, shop.clone()), Written::NoService);
    complete(&mut store, create_service("carts", shop.clone()), 4);
    assert_eq!(store.reader().services(&shop).unwrap(), [row("carts", 4), row("orders", 2)]);
    assert_eq!(logged(&store, shop).len(), 4, "what was refused left nothing");
}

pub(crate) fn services_are_listed_by_name<F: Fixture>() {
    let mut store = F::with_shop();
    let shop = project("shop");
    for (n, name) in [(1, "orders"), (2, "carts")] {
        let intent = begin(&mut store, create_service(name, shop.clone()), vec![]);
        let (commit, now) = (commit_id(2), at(n));
        store.written(&Write::Complete { intent, commit, now, events: vec![] });
    }
    let row = |name, n| ServiceRow { name: service(name), created: at(n) };
    assert_eq!(store.reader().services(&shop).unwrap(), [row("carts", 2), row("orders", 1)]);
    assert_eq!(store.reader().services(&project("nowhere")).unwrap(), []);
}

pub(crate) fn an_undone_saga_leaves_its_report_only<F: Fixture>() {
    let mut store = F::with_shop();
    let failed = Event { context: context_id(9), ..event(1) };
    let intent = begin(&mut store, Intent::CreateProject(new_project("next")), vec![]);
    store.written(&Write::Undo { intent, events: vec![failed.clone()] });
    assert_eq!(store.reader().project(&project("next")).unwrap(), None);
    assert_eq!(store.reader().intents().unwrap(), []);
    assert_eq!(logged(&store, ProjectName::unmapped()), [(1, failed)]);
    let next = begin(&mut store, create_service("carts", project("shop")), vec![]);
    assert_ne!(intent, next, "a number is never used again");
    store.written(&Write::Undo { intent: next, events: vec![event(2)] });
    assert_eq!(logged(&store, project("shop")), [(1, event(2))]);
    assert_eq!(store.reader().services(&project("shop")).unwrap(), []);
}

pub(crate) fn the_reserved_project_is_never_listed<F: Fixture>() {
    let mut store = F::fresh();
    assert_eq!(store.reader().projects(0, 10).unwrap().total, 0);
    for name in ["shop", "apple", "zoo"] {
        store.make_project(name);
    }
    let page = store.reader().projects(0, 2).unwrap();
    let names: Vec<_> = page.items.iter().map(|row| row.name.as_str()).collect();
    assert_eq!((names, page.total, page.next), (vec!["apple", "shop"], 3, Some(2)));
    assert_eq!(store.reader().project(&ProjectName::unmapped()).unwrap(), None);
}

pub(crate) fn a_new_shipyard_replaces_the_old_one<F: Fixture>() {
    let mut store = F::with_shop();
    let shop = project("shop");
    let text = SHIPYARD.replace("name: qa", "name: prod");
    let change = Change::Snapshot {
        project: shop.clone(),
        commit: commit_id(8),
        text: text.as_str().into(),
    };
    store.home().project(&shop).unwrap();
    store.change(change);
    let (commit, shipyard) = store.home().project(&shop).unwrap().unwrap().shipyard.unwrap();
    assert_eq!((commit, shipyard.stages[0].name.as_str()), (commit_id(8), "prod"));
    let (commit, text) = (commit_id(9), SHIPYARD.to_owned());
    let write = |project| Write::Snapshot { project, commit: commit.clone(), text: text.clone() };
    assert_eq!(store.written(&write(shop.clone())), Written::Done);
    let row = store.reader().project(&shop).unwrap().unwrap();
    assert_eq!((row.commit, &*row.shipyard), (commit_id(9), SHIPYARD));
    assert_eq!(store.written(&write(project("nowhere"))), Written::NoProject);
    assert_eq!(store.written(&write(ProjectName::unmapped())), Written::NoProject);
    // Whatever a team commits is what is read, though it may be no shipyard.
    let text = "a\0b\\0".to_owned();
    let commit = commit_id(10);
    store.written(&Write::Snapshot { project: shop.clone(), commit, text: text.clone() });
    assert_eq!(*store.reader().project(&shop).unwrap().unwrap().shipyard, *text);
}
