//! All or nothing.

use tidegate_core::sequence::{Change, Effects, View as _};

use crate::testing::{
    Fixture, SHIPYARD, Steps, apply, approval, at, changes, commit_id, context, entries, entry,
    env_at, event, execution, new_project, project, scope,
};
use crate::{
    ApprovalFilter, EventFilter, Home as _, Intent, NewProject, Reader as _, Write, Written,
};

fn much() -> Effects {
    let log = (1..=3).map(|n| entry(n, event(n))).collect();
    let changes = vec![
        Change::Execution(Box::new(execution(1))),
        Change::Context(Box::new(context(1))),
        Change::Approval(Box::new(approval(2, "shop/qa/carts"))),
        Change::Holder(scope("shop/qa/carts"), Some(execution(1).id)),
    ];
    Effects { log, changes, ..Effects::default() }
}

pub(crate) fn a_rollback_leaves_nothing<F: Fixture>() {
    let mut store = F::fresh();
    // The second time must not rely on anything that the first has remembered.
    for keep in [false, true] {
        let home = store.home();
        home.begin().unwrap();
        let stage = if keep { "prod" } else { "qa" };
        let shipyard = SHIPYARD.replace("name: qa", &format!("name: {stage}"));
        let new = NewProject { shipyard, ..new_project("shop") };
        let begun = home.write(&Write::Begin(Intent::CreateProject(new), vec![]), &env_at(at(0)));
        let Ok(Written::Begun(intent)) = begun else { panic!("{begun:?}") };
        let (commit, now) = (commit_id(1), at(0));
        home.write(&Write::Complete { intent, commit, now, events: vec![] }, &env_at(at(0)))
            .unwrap();
        apply(home, &much()).unwrap();
        assert!(home.context(&project("shop"), context(1).id).unwrap().is_some());
        let (_, shipyard) = home.project(&project("shop")).unwrap().unwrap().shipyard.unwrap();
        assert_eq!(shipyard.stages[0].name, stage);
        if keep {
            home.commit().unwrap();
        } else {
            home.rollback();
            // There is nothing to undo any more, which is fine.
            home.rollback();
        }
        assert_eq!(home.project(&project("shop")).unwrap().is_some(), keep);
        assert_eq!(home.context(&project("shop"), context(1).id).unwrap().is_some(), keep);
        assert_eq!(store.reader().projects(0, 9).unwrap().total, u64::from(keep));
        assert_eq!(store.reader().event(event(1).id).unwrap().is_some(), keep);
        let open = store.reader().approvals(&ApprovalFilter::default(), 0, 9).unwrap();
        assert_eq!(open.total, u64::from(keep));
    }
}

pub(crate) fn readers_see_only_what_was_committed<F: Fixture>() {
    let mut store = F::with_shop();
    let filter = EventFilter { project: Some(project("shop")), ..EventFilter::default() };
    store.home().begin().unwrap();
    apply(store.home(), &much()).unwrap();
    assert_eq!(store.reader().events(&filter, 0, 9).unwrap().total, 0);
    assert_eq!(store.home().project(&project("shop")).unwrap().unwrap().last, 3);
    store.home().commit().unwrap();
    assert_eq!(store.reader().events(&filter, 0, 9).unwrap().total, 3);
}

pub(crate) fn nothing_is_written_outside_of_a_transaction<F: Fixture>() {
    let mut store = F::with_shop();
    assert!(apply(store.home(), &entries([entry(1, event(1))])).is_err());
    assert!(store.home().write(&Write::Expire(at(0)), &env_at(at(0))).is_err());
    assert!(store.home().commit().is_err());
    store.home().begin().unwrap();
    assert!(store.home().begin().is_err(), "there is one open already");
    store.home().rollback();
    assert_eq!(store.reader().event(event(1).id).unwrap(), None);
    store.applied(&changes([]));
}
