//! The journal: one record for each commit, with its length and a checksum, so that a record that was
//! torn is known for what it is.

use std::sync::Arc;

use crate::contract::StoreError;

use super::table::{Rows, Table, damaged};

/// Length and checksum.
const HEAD: usize = 8;
/// In the place of a text's length: the row is removed.
const REMOVED: u32 = u32::MAX;

/// The record of one commit, being written.
#[derive(Debug)]
pub(super) struct Record(Vec<u8>);

impl Record {
    pub(super) fn new() -> Self {
        Self(vec![0; HEAD])
    }

    /// A row that is set, or removed where there is no text.
    pub(super) fn row(&mut self, table: Table, key: &[u8], text: Option<&str>) {
        self.0.push(table as u8);
        self.length(key.len());
        self.0.extend_from_slice(key);
        match text {
            Some(text) => {
                self.length(text.len());
                self.0.extend_from_slice(text.as_bytes());
            }
            None => self.0.extend_from_slice(&REMOVED.to_le_bytes()),
        }
    }

    fn length(&mut self, length: usize) {
        let length = u32::try_from(length).expect("rows are far below 4 GiB");
        self.0.extend_from_slice(&length.to_le_bytes());
    }

    /// The bytes for the journal.
    pub(super) fn finish(mut self) -> Vec<u8> {
        let (head, body) = self.0.split_at_mut(HEAD);
        let length = u32::try_from(body.len()).expect("records are far below 4 GiB");
        head[..4].copy_from_slice(&length.to_le_bytes());
        head[4..].copy_from_slice(&crc32fast::hash(body).to_le_bytes());
        self.0
    }
}

/// Reads all whole records, oldest first. Returns the rows and how many bytes of the journal count: what
/// is behind them is the torn end of a commit that nobody was told of.
///
/// # Errors
/// A record that is not the last one is damaged: what came after it may have been acknowledged.
pub(super) fn replay(journal: &[u8]) -> Result<(Rows, usize), StoreError> {
    let mut rows = Rows::default();
    let mut at = 0;
    while let Some(body) = whole(&journal[at..]) {
        let mut left = body;
        while !left.is_empty() {
            left = apply(&mut rows, left).ok_or_else(|| broken(at))?;
        }
        at += HEAD + body.len();
    }
    match claimed(&journal[at..]) {
        Some(end) if at + end < journal.len() => Err(broken(at)),
        _ => Ok((rows, at)),
    }
}

fn broken(at: usize) -> StoreError {
    damaged(format!("journal, record at byte {at}"), "its checksum is wrong, and others follow it")
}

/// Where the first record says that it ends.
fn claimed(journal: &[u8]) -> Option<usize> {
    let length = journal.first_chunk::<4>().map(|bytes| u32::from_le_bytes(*bytes))?;
    Some(HEAD + length as usize)
}

/// The body of the first record, where it is whole. No commit is empty.
fn whole(journal: &[u8]) -> Option<&[u8]> {
    let end = claimed(journal).filter(|end| *end > HEAD)?;
    let (head, body) = (journal.get(..HEAD)?, journal.get(HEAD..end)?);
    (crc32fast::hash(body).to_le_bytes() == head[4..]).then_some(body)
}

/// Applies the first row of a body, and returns the rest.
fn apply<'a>(rows: &mut Rows, body: &'a [u8]) -> Option<&'a [u8]> {
    let (table, rest) = body.split_first()?;
    let (key, rest) = split(rest)?;
    let (text, rest) = match rest.split_first_chunk::<4>()? {
        (length, rest) if u32::from_le_bytes(*length) == REMOVED => (None, rest),
        _ => {
            let (text, rest) = split(rest)?;
            (Some(Arc::from(std::str::from_utf8(text).ok()?)), rest)
        }
    };
    rows.set(Table::of(*table)?, key, text);
    Some(rest)
}

/// Bytes behind their length, and the rest.
fn split(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    rest.split_at_checked(u32::from_le_bytes(*length) as usize)
}
