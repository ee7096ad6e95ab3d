//! Where services stand.

use tidegate_core::names::{SequenceName, ServiceName, StageName};
use tidegate_core::sequence::{
    Change, Context, Deployed, Effects, Execution, ExecutionState, LatestEvaluation, StageState,
};

use crate::testing::{
    Fixture, Steps, approval, approved, at, changes, context, context_id, entries, entry, event,
    event_id, execution, execution_id, project, scope,
};
use crate::{
    ASKED_MAX, EVALUATIONS_MAX, Environment, EnvironmentFilter, Intent, Only, ProjectOrder,
    ProjectsFilter, Reader as _, StageOverview, Write, Written,
};

fn deployed(n: u64) -> Deployed {
    Deployed {
        image: format!("carts:{n}"),
        context: context_id(n),
        event: event_id(n),
        at: at(n.cast_signed()),
        overridden: None,
    }
}

/// A delivery that was evaluated in `qa`.
fn evaluated(n: u64, result: &str, service: &str) -> Context {
    let stage = StageState {
        name: StageName::new("qa").unwrap(),
        image: None,
        latest_evaluation: Some(LatestEvaluation { result: result.to_owned(), score: 80.5 }),
        latest_event: None,
        latest_failed_event: None,
        state: "succeeded".to_owned(),
        overridden: None,
    };
    Context { stages: vec![stage], service: ServiceName::new(service).unwrap(), ..context(n) }
}

fn run(n: u64, place: &str, name: &str) -> Change {
    Change::Execution(Box::new(Execution {
        scope: scope(place),
        sequence: SequenceName::new(name).unwrap(),
        context: context_id(n),
        state: ExecutionState::TimedOut { at: at(n.cast_signed()) },
        ..execution(n)
    }))
}

fn with_services<F: Fixture>(names: &[&str]) -> F {
    let mut store = F::with_shop();
    for name in names {
        make_service(&mut store, "shop", name);
    }
    store
}

fn make_service(store: &mut impl Fixture, of: &str, name: &str) {
    let service = ServiceName::new(name).unwrap();
    let intent = Intent::CreateService { project: project(of), service, stages: Vec::new() };
    let Written::Begun(intent) = store.written(&Write::Begin(intent, Vec::new())) else { panic!() };
    let (commit, now, events) = (crate::testing::commit_id(1), at(0), Vec::new());
    store.written(&Write::Complete { intent, commit, now, events });
}

fn environment<F: Fixture>(store: &F, filter: &EnvironmentFilter) -> Environment {
    store.reader().environment(&project("shop"), filter, 0, 10).unwrap().unwrap()
}

fn names(environment: &Environment) -> Vec<&str> {
    environment.services.items.iter().map(ServiceName::as_str).collect()
}

pub(crate) fn a_service_stands_where_its_newest_run_and_deployment_say<F: Fixture>() {
    let mut store = with_services::<F>(&["carts", "orders"]);
    let other = Change::Holder(scope("shop/prod/orders"), Some(execution_id(9)));
    let released = event(2);
    store.applied(&entries([entry(1, event(1)), entry(2, released.clone())]));
    store.applied(&changes([
        Change::Holder(scope("shop/qa/carts"), None),
        run(1, "shop/qa/carts", "delivery"),
        run(2, "shop/qa/carts", "rollback"),
        run(3, "shop/qa/carts", "delivery"),
        Change::Deployed(scope("shop/qa/carts"), vec![deployed(1), deployed(2)]),
        other,
    ]));
    let now = environment(&store, &EnvironmentFilter::default());
    assert_eq!(now.project.name, project("shop"));
    assert_eq!(names(&now), ["carts", "orders"]);
    let [orders, carts] = now.cells.as_slice() else { panic!("{:?}", now.cells) };
    assert_eq!((carts.place.stage.as_str(), carts.place.service.as_str()), ("qa", "carts"));
    assert_eq!(carts.deployed, [deployed(1), deployed(2)]);
    assert_eq!(carts.released.as_ref().unwrap().event, released);
    let newest = carts.newest.as_ref().unwrap();
    assert_eq!((newest.context, newest.sequence.as_str()), (context_id(3), "delivery"));
    assert_eq!(newest.state, ExecutionState::TimedOut { at: at(3) });
    assert_eq!((orders.place.stage.as_str(), orders.newest.as_ref()), ("prod", None));
    assert_eq!(now.running, [(StageName::new("prod").unwrap(), 1)].into());
    let nowhere = store.reader().environment(&project("nowhere"), &Default::default(), 0, 10);
    assert_eq!(nowhere.unwrap(), None);
}

pub(crate) fn evaluations_come_from_the_newest_deliveries_oldest_first<F: Fixture>() {
    let mut store = with_services::<F>(&["carts"]);
    store.change(Change::Holder(scope("shop/qa/carts"), None));
    let count = EVALUATIONS_MAX as u64 + 2;
    for n in 1..=count {
        let result = if n == count { "fail" } else { "pass" };
        store.applied(&changes([
            run(n, "shop/qa/carts", "delivery"),
            Change::Context(Box::new(evaluated(n, result, "carts"))),
        ]));
    }
    let now = environment(&store, &EnvironmentFilter::default());
    let found = &now.cells[0].evaluations;
    let ids: Vec<_> = found.iter().map(|(id, _)| *id).collect();
    assert_eq!(ids, (3..=count).map(context_id).collect::<Vec<_>>());
    assert_eq!(found.last().unwrap().1.result, "fail");
    assert_eq!(now.recent.len() as u64, count);
    assert_eq!(now.recent[0].id, context_id(count));
}

pub(crate) fn approvals_that_wait_are_counted_and_the_newest_are_read<F: Fixture>() {
    let mut store = with_services::<F>(&["carts", "orders"]);
    let lots = ASKED_MAX as u64 + 2;
    let asked = (1..=lots).map(|n| Change::Approval(Box::new(approval(n, "shop/prod/carts"))));
    let one = approval(lots + 1, "shop/qa/orders");
    let done = approved(approval(lots + 2, "shop/qa/orders"), 5);
    let more = [one.clone(), done.clone()].map(|one| Change::Approval(Box::new(one)));
    let deploy = Change::Deployed(scope("shop/prod/carts"), vec![deployed(7)]);
    let known = Change::Context(Box::new(context(lots)));
    store.applied(&changes(asked.chain(more).chain([deploy, known])));
    let now = environment(&store, &EnvironmentFilter::default());
    let stage = |name| StageName::new(name).unwrap();
    assert_eq!(now.waiting, [(stage("prod"), lots), (stage("qa"), 1)].into());
    assert!(!now.waiting_is_cut);
    assert_eq!(now.decided, [done]);
    assert_eq!(now.asked.len(), ASKED_MAX + 1);
    assert_eq!(now.asked[0].approval, one);
    assert!(now.asked[0].deployed.is_empty() && now.asked[0].context.is_none());
    assert_eq!(now.asked[1].approval.id, event_id(lots));
    assert_eq!(now.asked[1].deployed, [deployed(7)]);
    assert_eq!(now.asked[1].context.as_ref().unwrap().id, context_id(lots));
    let part = EnvironmentFilter { service: "ord".to_owned(), only: None };
    let of_orders = environment(&store, &part);
    assert_eq!(of_orders.asked.len(), 1);
    assert_eq!(of_orders.waiting, now.waiting, "counts are of all services");
}

pub(crate) fn services_are_narrowed_by_name_and_by_how_they_stand<F: Fixture>() {
    let mut store = with_services::<F>(&["carts", "carts-db", "orders"]);
    store.applied(&changes([
        Change::Approval(Box::new(approval(1, "shop/prod/orders"))),
        Change::Context(Box::new(evaluated(1, "fail", "carts"))),
        Change::Context(Box::new(evaluated(2, "fail", "orders"))),
        Change::Context(Box::new(evaluated(3, "pass", "orders"))),
    ]));
    let prod = StageName::new("prod").unwrap();
    let qa = StageName::new("qa").unwrap();
    for (service, only, want) in [
        ("", None, vec!["carts", "carts-db", "orders"]),
        ("carts", None, vec!["carts", "carts-db"]),
        ("%", None, vec![]),
        ("", Some(Only::Asked(prod)), vec!["orders"]),
        ("", Some(Only::Asked(qa.clone())), vec![]),
        ("", Some(Only::FailedGate(qa)), vec!["carts"]),
    ] {
        let filter = EnvironmentFilter { service: service.to_owned(), only };
        assert_eq!(names(&environment(&store, &filter)), want, "{filter:?}");
    }
    let reader = store.reader();
    let page = reader.environment(&project("shop"), &Default::default(), 1, 1).unwrap().unwrap();
    assert_eq!((names(&page), page.services.total), (vec!["carts-db"], 3));
    assert_eq!(page.services.next, Some(2));
}

pub(crate) fn projects_come_by_what_waits_and_moves_or_by_name<F: Fixture>() {
    let mut store = F::with_shop();
    for name in ["alpha", "beta", "gamma"] {
        store.make_project(name);
    }
    let of = |name: &str, n: u64| {
        Change::Context(Box::new(Context { project: project(name), ..context(n) }))
    };
    store.applied(&changes([
        of("gamma", 5),
        of("beta", 7),
        of("beta", 8),
        of("beta", 9),
        Change::Approval(Box::new(approval(1, "shop/prod/carts"))),
        Change::Deployed(scope("shop/qa/carts"), vec![deployed(1)]),
        Change::Holder(scope("shop/qa/orders"), Some(execution_id(1))),
    ]));
    let filter = |order| ProjectsFilter { name: String::new(), order, since: at(7) };
    let list = |filter: &ProjectsFilter| {
        let page = store.reader().overview(filter, 0, 10).unwrap();
        page.items.iter().map(|one| one.project.name.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(list(&filter(ProjectOrder::Attention)), ["shop", "beta", "gamma", "alpha"]);
    assert_eq!(list(&filter(ProjectOrder::Name)), ["alpha", "beta", "gamma", "shop"]);
    let part = ProjectsFilter { name: "am".to_owned(), ..filter(ProjectOrder::Name) };
    assert_eq!(list(&part), ["gamma"]);
    let page = store.reader().overview(&filter(ProjectOrder::Attention), 0, 2).unwrap();
    assert_eq!((page.total, page.next), (4, Some(2)));
    let [shop, beta] = page.items.as_slice() else { panic!("{page:?}") };
    assert_eq!(shop.waiting, 1);
    let prod = StageOverview { waiting: 1, ..StageOverview::default() };
    let qa = StageOverview { deployed: 1, running: 1, waiting: 0 };
    let stage = |name| StageName::new(name).unwrap();
    assert_eq!(shop.stages, [(stage("prod"), prod), (stage("qa"), qa)].into());
    let recent: Vec<_> = beta.recent.iter().map(|one| one.id).collect();
    // 7 began no later than what is of interest, and says when something happened last.
    assert_eq!(recent, [9, 8, 7].map(context_id));
}

pub(crate) fn what_runs_where_is_listed_over_all_projects<F: Fixture>() {
    let mut store = with_services::<F>(&["carts", "orders"]);
    store.make_project("alpha");
    make_service(&mut store, "alpha", "carts");
    store.applied(&Effects {
        changes: vec![
            Change::Deployed(scope("shop/qa/carts"), vec![deployed(1), deployed(2)]),
            Change::Deployed(scope("shop/prod/carts"), vec![deployed(1)]),
            Change::Deployed(scope("alpha/qa/carts"), vec![deployed(3)]),
        ],
        ..Effects::default()
    });
    let versions = |part: &str, offset| store.reader().versions(part, offset, 2).unwrap();
    let first = versions("", 0);
    let keys = |rows: &[crate::Version]| -> Vec<String> {
        rows.iter().map(|row| format!("{}/{}", row.project, row.service)).collect()
    };
    assert_eq!(keys(&first.rows.items), ["alpha/carts", "shop/carts"]);
    assert_eq!((first.rows.total, first.rows.next), (3, Some(2)));
    let projects: Vec<_> = first.projects.iter().map(|row| row.name.as_str()).collect();
    assert_eq!(projects, ["alpha", "shop"]);
    let stages = &first.rows.items[1].stages;
    assert_eq!(stages[&StageName::new("qa").unwrap()], [deployed(1), deployed(2)]);
    assert_eq!(stages[&StageName::new("prod").unwrap()], [deployed(1)]);
    assert_eq!(keys(&versions("", 2).rows.items), ["shop/orders"]);
    assert_eq!(keys(&versions("alp", 0).rows.items), ["alpha/carts"]);
    assert_eq!(keys(&versions("order", 0).rows.items), ["shop/orders"]);
    assert_eq!(keys(&versions("nothing", 0).rows.items), Vec::<String>::new());
}
