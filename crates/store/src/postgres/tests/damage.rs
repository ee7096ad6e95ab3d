//! Rows that do not read back as what was written.

use tidegate_core::sequence::{Change, View as _};

use crate::testing::{Steps as _, apply, changes, entries, entry, event, execution, project};
use crate::{EventFilter, Home as _, Reader as _, StoreError};

use super::Postgres;

#[test]
fn a_damaged_event_is_reported_with_table_and_key() {
    for damage in [
        "UPDATE event SET body = replace(body, 'carts', 'karts')",
        "UPDATE event SET disposition = 1",
        "UPDATE event SET reason = ''",
        "UPDATE event SET checksum = checksum + 1",
        "UPDATE event SET n = n + 1",
    ] {
        let mut store = Postgres::with_shop();
        store.applied(&entries([entry(1, event(1))]));
        store.client().batch_execute(damage).unwrap();
        let n = if damage.contains("SET n") { 2 } else { 1 };
        let filter = EventFilter { project: Some(project("shop")), ..EventFilter::default() };
        let errors = [
            store.reader.event(event(1).id).map(drop),
            store.reader.events(&filter, 0, 9).map(drop),
            store.reader.trace(&project("shop"), event(1).context, 9).map(drop),
        ];
        for error in errors {
            match error.unwrap_err() {
                StoreError::Damaged { what, .. } => {
                    let place = format!("table event, project shop, entry {n}");
                    assert_eq!(what, place, "{damage}");
                }
                other => panic!("{damage}: {other:?}"),
            }
        }
    }
}

#[test]
fn a_damaged_row_is_named_to_the_step() {
    let mut store = Postgres::with_shop();
    let row = execution(1);
    store.change(Change::Execution(Box::new(row.clone())));
    store.client().batch_execute("UPDATE execution SET body = substr(body, 9)").unwrap();
    let error = store.home.execution(&project("shop"), row.id).unwrap_err();
    assert!(error.what.starts_with("table execution, id "), "{error}");
    let error = store.reader.execution(&project("shop"), row.id).unwrap_err();
    assert!(matches!(&error, StoreError::Damaged { .. }) && !error.is_fatal());
}

#[test]
fn what_contradicts_the_store_is_refused_and_leaves_nothing() {
    let mut store = Postgres::with_shop();
    store.applied(&entries([entry(1, event(1))]));
    let mut elsewhere = execution(1);
    elsewhere.scope.project = project("nowhere");
    let twice = entries([entry(2, event(1))]);
    let unknown = changes([Change::Execution(Box::new(elsewhere))]);
    for wrong in [twice, unknown] {
        let home = &mut store.home;
        home.begin().unwrap();
        let error = apply(home, &wrong).unwrap_err();
        assert!(matches!(error, StoreError::Damaged { .. }), "{error:?}");
        // Postgres calls a commit that undoes everything a success; a home does not.
        let error = home.commit().unwrap_err();
        assert!(matches!(error, StoreError::Unavailable { .. }), "{error:?}");
    }
    store.applied(&entries([entry(2, event(2))]));
}
