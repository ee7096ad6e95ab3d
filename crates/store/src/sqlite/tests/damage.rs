//! Rows that do not read back as what was written.

use crate::testing::{Steps as _, entries, entry, event, execution, project};
use crate::{EventFilter, Reader as _, StoreError};
use tidegate_core::sequence::{Change, View as _};

use super::Sqlite;

#[test]
fn a_damaged_event_is_reported_with_table_and_key() {
    for damage in [
        "UPDATE event SET body = replace(body, 'carts', 'karts')",
        "UPDATE event SET disposition = 1",
        "UPDATE event SET reason = ''",
        "UPDATE event SET checksum = checksum + 1",
        "UPDATE event SET key = key + 1",
    ] {
        let mut store = Sqlite::with_shop();
        store.applied(&entries([entry(1, event(1))]));
        store.home.connection.execute(damage, []).unwrap();
        let key = (1_i64 << 40) + i64::from(damage.contains("key"));
        let filter = EventFilter { project: Some(project("shop")), ..EventFilter::default() };
        let errors = [
            store.reader.event(event(1).id).map(drop),
            store.reader.events(&filter, 0, 9).map(drop),
            store.reader.trace(&project("shop"), event(1).context, 9).map(drop),
        ];
        for error in errors {
            match error.unwrap_err() {
                StoreError::Damaged { what, .. } => {
                    assert!(what.contains("table event"), "{what}");
                    assert!(what.contains(&(key + 1).to_string()), "{damage}: {what}");
                }
                other => panic!("{damage}: {other:?}"),
            }
        }
    }
}

#[test]
fn a_damaged_row_is_named_to_the_step() {
    let mut store = Sqlite::with_shop();
    let row = execution(1);
    store.change(Change::Execution(Box::new(row.clone())));
    store.home.connection.execute("UPDATE execution SET body = substr(body, 9)", []).unwrap();
    let error = store.home.execution(&project("shop"), row.id).unwrap_err();
    assert!(error.what.starts_with("table execution, key "), "{error}");
    let error = store.reader.execution(&project("shop"), row.id).unwrap_err();
    assert!(matches!(&error, StoreError::Damaged { .. }) && !error.is_fatal());
}
