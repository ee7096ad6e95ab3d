//! Tables of text by key, in key order.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::contract::StoreError;

/// What is kept. The number of a table stands in the journal, so it never changes its meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Table {
    /// Numbers that are given once. Key: what they number.
    Counter,
    /// Key: name.
    Project,
    /// Key: project, name.
    Service,
    /// The log. Key: project, n.
    Event,
    /// Where an event stands in the log. Key: id.
    EventPlace,
    /// Whether an entry is listed. Key: context, project, n.
    ContextEvent,
    /// What caused the entries. Key: n.
    Input,
    /// Key: id.
    Execution,
    /// The executions of a context, in trigger order. Key: project, context, position.
    ContextExecution,
    /// Key: id.
    Task,
    /// The tasks of an execution, in the order they were triggered. Key: execution, n.
    ExecutionTask,
    /// Key: id.
    Approval,
    /// Key: project, id.
    Context,
    /// Who holds a lane. Key: lane.
    Holder,
    /// Who is ready or waits. Key: lane, queue, position.
    Queue,
    /// Key: lane.
    Deployed,
    /// Key: id.
    Open,
    /// Key: id.
    Delivery,
    /// Key: kind, id.
    Timer,
    /// Key: lane, type.
    Latest,
    /// Key: number.
    Intent,
    /// Key: number.
    Deferred,
    /// Key: number.
    Quarantine,
    /// Key: digest.
    Session,
    /// Key: digest.
    SignIn,
    /// Key: key.
    Idempotency,
    /// Key: chain, n.
    Audit,
    /// Signed checkpoints of the audit log. Key: chain, n.
    Checkpoint,
    /// Key: name.
    Token,
    /// Key: id.
    Integration,
    /// What is left to integrations. Key: project, n, part.
    StoodDown,
}

impl Table {
    const ALL: [Self; 31] = [
        Self::Counter,
        Self::Project,
        Self::Service,
        Self::Event,
        Self::EventPlace,
        Self::ContextEvent,
        Self::Input,
        Self::Execution,
        Self::ContextExecution,
        Self::Task,
        Self::ExecutionTask,
        Self::Approval,
        Self::Context,
        Self::Holder,
        Self::Queue,
        Self::Deployed,
        Self::Open,
        Self::Delivery,
        Self::Timer,
        Self::Latest,
        Self::Intent,
        Self::Deferred,
        Self::Quarantine,
        Self::Session,
        Self::SignIn,
        Self::Idempotency,
        Self::Audit,
        Self::Checkpoint,
        Self::Token,
        Self::Integration,
        Self::StoodDown,
    ];

    /// The table with this number.
    pub(super) fn of(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number)).copied()
    }
}

/// A key whose parts keep their order when it is compared byte by byte.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Key(Vec<u8>);

impl Key {
    pub(super) fn new() -> Self {
        Self::default()
    }

    /// A text that another part follows. No name holds a zero byte.
    pub(super) fn text(mut self, text: &str) -> Self {
        self.0.extend_from_slice(text.as_bytes());
        self.0.push(0);
        self
    }

    /// A text that may hold anything, as the last part.
    pub(super) fn last(mut self, text: &str) -> Self {
        self.0.extend_from_slice(text.as_bytes());
        self
    }

    pub(super) fn bytes(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(bytes);
        self
    }

    pub(super) fn number(self, n: u64) -> Self {
        self.bytes(&n.to_be_bytes())
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    pub(super) fn from_bytes(bytes: &[u8]) -> Self {
        Self(bytes.to_vec())
    }
}

/// The number that a key ends with.
pub(super) fn number_of(key: &[u8]) -> u64 {
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&key[key.len() - 8..]);
    u64::from_be_bytes(bytes)
}

/// All rows.
#[derive(Debug, Clone)]
pub(super) struct Rows([BTreeMap<Vec<u8>, Arc<str>>; Table::ALL.len()]);

impl Default for Rows {
    fn default() -> Self {
        Self(std::array::from_fn(|_| BTreeMap::new()))
    }
}

impl Rows {
    /// Sets a row, or removes it where there is no text. Returns what was there.
    pub(super) fn set(
        &mut self,
        table: Table,
        key: &[u8],
        text: Option<Arc<str>>,
    ) -> Option<Arc<str>> {
        let rows = &mut self.0[table as usize];
        match text {
            Some(text) => rows.insert(key.to_vec(), text),
            None => rows.remove(key),
        }
    }

    pub(super) fn text(&self, table: Table, key: &Key) -> Option<&Arc<str>> {
        self.0[table as usize].get(key.as_bytes())
    }

    /// One row, read.
    pub(super) fn get<T: DeserializeOwned>(
        &self,
        table: Table,
        key: &Key,
    ) -> Result<Option<T>, StoreError> {
        self.text(table, key).map(|text| parse(table, key.as_bytes(), text)).transpose()
    }

    /// The rows whose key begins like this, in key order.
    pub(super) fn scan<'a>(
        &'a self,
        table: Table,
        prefix: &Key,
    ) -> impl DoubleEndedIterator<Item = (&'a [u8], &'a Arc<str>)> + use<'a> {
        self.range(table, Bound::Included(prefix.as_bytes()), prefix)
    }

    /// Those of them that stand behind a key.
    pub(super) fn scan_after<'a>(
        &'a self,
        table: Table,
        prefix: &Key,
        after: &Key,
    ) -> impl DoubleEndedIterator<Item = (&'a [u8], &'a Arc<str>)> + use<'a> {
        self.range(table, Bound::Excluded(after.as_bytes()), prefix)
    }

    fn range<'a>(
        &'a self,
        table: Table,
        from: Bound<&[u8]>,
        prefix: &Key,
    ) -> impl DoubleEndedIterator<Item = (&'a [u8], &'a Arc<str>)> + use<'a> {
        let end = behind(prefix.as_bytes());
        let to = end.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
        let rows = self.0[table as usize].range::<[u8], _>((from, to));
        rows.map(|(key, text)| (key.as_slice(), text))
    }

    /// All rows of all tables, in order.
    pub(super) fn every(&self) -> impl Iterator<Item = (Table, &[u8], &Arc<str>)> {
        let tables = Table::ALL.iter().zip(&self.0);
        tables.flat_map(|(table, rows)| rows.iter().map(|(key, text)| (*table, &**key, text)))
    }

    /// All rows whose key begins like this, read.
    pub(super) fn all<T: DeserializeOwned>(
        &self,
        table: Table,
        prefix: &Key,
    ) -> Result<Vec<T>, StoreError> {
        self.scan(table, prefix).map(|(key, text)| parse(table, key, text)).collect()
    }
}

/// The least key that is greater than every key with this prefix; none where there is no such.
fn behind(prefix: &[u8]) -> Option<Vec<u8>> {
    let last = prefix.iter().rposition(|byte| *byte < u8::MAX)?;
    let mut end = prefix[..=last].to_vec();
    end[last] += 1;
    Some(end)
}

/// Reads a row's text.
pub(super) fn parse<T: DeserializeOwned>(
    table: Table,
    key: &[u8],
    text: &str,
) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|error| damaged(name_of(table, key), &error))
}

/// A row as text.
pub(super) fn text_of<T: Serialize>(table: Table, row: &T) -> Result<Arc<str>, StoreError> {
    match serde_json::to_string(row) {
        Ok(text) => Ok(Arc::from(text)),
        Err(error) => Err(damaged(format!("table {table:?}"), &error)),
    }
}

fn name_of(table: Table, key: &[u8]) -> String {
    format!("table {table:?}, key {}", String::from_utf8_lossy(key))
}

/// A row is not what it must be.
pub(super) fn damaged(what: impl Into<String>, why: &(impl ToString + ?Sized)) -> StoreError {
    StoreError::Damaged { what: what.into(), why: why.to_string() }
}
