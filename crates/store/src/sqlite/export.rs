//! What is sound of a log, as text: one event a line.

use std::collections::HashMap;
use std::io::Write;
use std::path::Path;

use serde::Serialize;
use serde_json::Value;
use tidegate_core::sequence::Disposition;

use crate::contract::StoreError;
use crate::query::LogRow;

use super::keys::ProjectId;
use super::salvage::{self, Met};
use super::{log, open};

/// How much was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Exported {
    /// Entries of the log.
    pub entries: u64,
    /// Entries, or stretches of them, that could not be read and are left out.
    pub left_out: u64,
}

/// A line.
#[derive(Serialize)]
struct Line<'a> {
    project: &'a str,
    n: u64,
    disposition: Disposition,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    event: Value,
}

/// Writes every entry that reads back as it was written, in the order of projects and numbers.
///
/// # Errors
/// There is no store, it does not open, or the text cannot be written.
pub fn export(dir: &Path, out: &mut dyn Write) -> Result<Exported, StoreError> {
    let file = dir.join(open::FILE);
    let connection = open::existing(&file)?;
    let state = connection.unchecked_transaction().map_err(|error| open::named(error, &file))?;
    let names = names(&state);
    let (mut exported, mut written) = (Exported::default(), Ok(()));
    salvage::scan(&state, &mut |met| {
        let entry = match met {
            Met::Entry(row) => row.get(0).ok().zip(log::read(row).ok()),
            Met::Unreadable { .. } => None,
        };
        let Some((key, entry)) = entry else {
            exported.left_out += 1;
            return;
        };
        if written.is_ok() {
            written = line(&names, ProjectId::of(key), &entry, out);
            exported.entries += u64::from(written.is_ok());
        }
    });
    written
        .and_then(|()| out.flush())
        .map_err(|source| StoreError::Io { what: "write the export".to_owned(), source })?;
    Ok(exported)
}

fn line(
    names: &HashMap<i64, String>,
    project: ProjectId,
    entry: &LogRow,
    out: &mut dyn Write,
) -> std::io::Result<()> {
    let unnamed = format!("number {}", project.0);
    let line = Line {
        project: names.get(&project.0).unwrap_or(&unnamed),
        n: entry.n,
        disposition: entry.disposition,
        reason: entry.reason.as_deref(),
        event: entry.event.to_value(),
    };
    let mut text = serde_json::to_vec(&line)?;
    text.push(b'\n');
    out.write_all(&text)
}

/// The names of projects, as far as they can be read.
fn names(connection: &rusqlite::Connection) -> HashMap<i64, String> {
    let mut names = HashMap::new();
    let Ok(mut statement) = connection.prepare("SELECT id, name FROM project") else {
        return names;
    };
    let Ok(mut rows) = statement.query([]) else { return names };
    while let Ok(Some(row)) = rows.next() {
        if let (Ok(id), Ok(name)) = (row.get(0), row.get(1)) {
            names.insert(id, name);
        }
    }
    names
}
