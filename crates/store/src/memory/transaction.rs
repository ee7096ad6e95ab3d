//! The rows as the one writer sees them, and how to undo what was not committed.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;

use crate::contract::StoreError;

use super::journal::Record;
use super::table::{Key, Rows, Table, damaged, text_of};

/// The writer's rows. Outside of a transaction they are the committed ones.
#[derive(Debug)]
pub(super) struct Transaction {
    rows: Rows,
    is_open: bool,
    /// What the changed rows were before, by table and key.
    before: BTreeMap<(u8, Vec<u8>), Option<Arc<str>>>,
}

impl std::ops::Deref for Transaction {
    type Target = Rows;

    fn deref(&self) -> &Rows {
        &self.rows
    }
}

impl Transaction {
    pub(super) fn on(rows: Rows) -> Self {
        Self { rows, is_open: false, before: BTreeMap::new() }
    }

    pub(super) fn begin(&mut self) -> Result<(), StoreError> {
        if self.is_open {
            return Err(damaged("transaction", "one is open already; commit or roll back first"));
        }
        self.is_open = true;
        Ok(())
    }

    /// Where none is open, whatever is written would be part of the next one.
    pub(super) fn check_open(&self) -> Result<(), StoreError> {
        match self.is_open {
            true => Ok(()),
            false => Err(damaged("transaction", "there is none open; begin one first")),
        }
    }

    pub(super) fn put<T: Serialize>(
        &mut self,
        table: Table,
        key: &Key,
        row: &T,
    ) -> Result<(), StoreError> {
        let text = text_of(table, row)?;
        self.set(table, key, Some(text));
        Ok(())
    }

    /// Removes a row; false where there was none.
    pub(super) fn remove(&mut self, table: Table, key: &Key) -> bool {
        self.set(table, key, None)
    }

    fn set(&mut self, table: Table, key: &Key, text: Option<Arc<str>>) -> bool {
        let old = self.rows.set(table, key.as_bytes(), text);
        let was_there = old.is_some();
        self.before.entry((table as u8, key.as_bytes().to_vec())).or_insert(old);
        was_there
    }

    /// A number that was never given before, from 1.
    pub(super) fn next(&mut self, what: &str) -> Result<u64, StoreError> {
        let key = Key::new().last(what);
        let next = self.get::<u64>(Table::Counter, &key)?.unwrap_or_default() + 1;
        self.put(Table::Counter, &key, &next)?;
        Ok(next)
    }

    /// The changed rows, as a record of the journal; none where nothing changed.
    pub(super) fn record(&self) -> Option<Vec<u8>> {
        let mut record = Record::new();
        for (table, key, text) in self.changes() {
            record.row(table, key, text.map(|text| &**text));
        }
        (!self.before.is_empty()).then(|| record.finish())
    }

    /// The changes are committed: makes them in the rows that readers see, too.
    pub(super) fn publish(&mut self, committed: &mut Rows) {
        for (table, key, text) in self.changes() {
            committed.set(table, key, text.cloned());
        }
        self.before.clear();
        self.is_open = false;
    }

    fn changes(&self) -> impl Iterator<Item = (Table, &[u8], Option<&Arc<str>>)> {
        self.before.keys().map(|(number, key)| {
            let table = Table::of(*number).expect("it was made of a table");
            (table, key.as_slice(), self.rows.text(table, &Key::from_bytes(key)))
        })
    }

    /// Makes every row what it was before.
    pub(super) fn undo(&mut self) {
        for ((number, key), old) in std::mem::take(&mut self.before) {
            let table = Table::of(number).expect("it was made of a table");
            self.rows.set(table, &key, old);
        }
        self.is_open = false;
    }
}
