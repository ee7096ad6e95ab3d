//! The log: every checksum, every body, the columns that searches use, and the numbers.

use std::collections::HashMap;

use rusqlite::{Connection, Row};
use tidegate_core::event::text;

use crate::contract::StoreError;
use crate::query::LogRow;
use crate::sqlite::codec::{micros, unsigned};
use crate::sqlite::keys::{ProjectId, n_of};
use crate::sqlite::log;
use crate::sqlite::salvage::{self, Met};
use crate::sqlite::tally::Tally;

use super::report::Report;
use super::rows::{Known, same};

pub(super) fn check(connection: &Connection, known: &Known, report: &mut Report<'_>) {
    let mut numbers = Numbers::of(connection);
    salvage::scan(connection, &mut |met| match met {
        Met::Entry(row) => {
            report.row();
            let Ok(key) = row.get(0) else { return };
            if !known.has_project(ProjectId::of(key).0) {
                report.damage(place(key), "its project is not there");
            }
            numbers.next(key, report);
            entry(row, key, known, report);
        }
        Met::Unreadable { from, to, why } => report.damage(stretch(from, to), why),
    });
    numbers.end(report);
    if let Err(error) = first_of_each(connection, report) {
        report.unread("table event, index event_context", error);
    }
}

fn place(key: i64) -> String {
    let (project, n) = (ProjectId::of(key), n_of(key));
    format!("table event, key {key} (project number {}, entry {n})", project.0)
}

fn stretch(from: i64, to: Option<i64>) -> String {
    match to {
        Some(to) if to == from => place(from),
        Some(to) => format!("table event, keys {from} to {to}"),
        None => format!("table event, keys from {from}"),
    }
}

/// The entries of a project are numbered from 1, without a gap but for those that were forgotten with
/// their context. How many those are is kept.
struct Numbers {
    forgotten: HashMap<i64, u64>,
    before: i64,
    /// The stretches that are missing from the project of `before`, first and last.
    gaps: Vec<(u64, u64)>,
}

impl Numbers {
    fn of(connection: &Connection) -> Self {
        let read = || {
            let sql = "SELECT project, n FROM tally WHERE what = ?1";
            let mut statement = connection.prepare(sql)?;
            let rows = statement.query_map([Tally::Forgotten as i64], |row| {
                Ok((row.get(0)?, unsigned(row.get(1)?)))
            })?;
            rows.collect::<Result<_, rusqlite::Error>>()
        };
        // A table that cannot be read is told of elsewhere.
        Self { forgotten: read().unwrap_or_default(), before: 0, gaps: Vec::new() }
    }

    fn next(&mut self, key: i64, report: &mut Report<'_>) {
        let (project, n) = (ProjectId::of(key), n_of(key));
        if ProjectId::of(self.before) != project {
            self.end(report);
            self.before = project.first();
        }
        let expected = n_of(self.before) + 1;
        if n > expected {
            self.gaps.push((expected, n - 1));
        } else if n < expected {
            report.damage(place(key), "it has no number of a log");
        }
        self.before = key;
    }

    /// Judges the gaps of a project.
    fn end(&mut self, report: &mut Report<'_>) {
        let project = ProjectId::of(self.before).0;
        let forgotten = self.forgotten.get(&project).copied().unwrap_or(0);
        let gaps = std::mem::take(&mut self.gaps);
        let missing: u64 = gaps.iter().map(|(first, last)| last - first + 1).sum();
        if missing == forgotten {
            return;
        }
        let place = format!("table event, project number {project}");
        if forgotten > 0 {
            let why = format!("{missing} entries are missing, and {forgotten} were forgotten");
            return report.damage(place, why);
        }
        for (first, last) in gaps {
            let why = match last == first {
                true => format!("entry {first} is missing"),
                false => format!("entries {first} to {last} are missing"),
            };
            report.damage(&place, why);
        }
    }
}

fn entry(row: &Row<'_>, key: i64, known: &Known, report: &mut Report<'_>) {
    match log::read(row) {
        Ok(entry) => {
            if let Err(why) = columns(row, &entry, known) {
                report.damage(place(key), why);
            }
        }
        Err(error) => report.unread(place(key), error),
    }
}

/// A column that does not say what the body says hides the entry from those who look for it.
fn columns(row: &Row<'_>, entry: &LogRow, known: &Known) -> Result<(), String> {
    let event = &entry.event;
    let word = |column: usize| {
        let id: Option<i64> = row.get(column).map_err(|error| error.to_string())?;
        Ok::<_, String>(id.map(|id| known.word(id)).unwrap_or_default())
    };
    let blob = |column: usize| row.get::<_, [u8; 16]>(column).map_err(|error| error.to_string());
    let time: i64 = row.get(11).map_err(|error| error.to_string())?;
    same("id", &blob(5)?, event.id.as_bytes())?;
    same("context", &blob(6)?, event.context.as_bytes())?;
    same("kind", &word(7)?, &event.kind.as_str())?;
    same("stage", &word(8)?, &text(&event.data, "stage"))?;
    same("service", &word(9)?, &text(&event.data, "service"))?;
    same("source", &word(10)?, &event.source.as_str())?;
    same("time", &time, &micros(event.time))
}

/// The mark on the first listed entry of a context, by which sequences are found from their root.
fn first_of_each(connection: &Connection, report: &mut Report<'_>) -> Result<(), StoreError> {
    let sql = "SELECT context, key, disposition < 2, first FROM event INDEXED BY event_context
               ORDER BY context, key";
    let mut statement = connection.prepare(sql)?;
    let mut rows = statement.query([])?;
    let mut last = None;
    while let Some(row) = rows.next()? {
        let (context, key): ([u8; 16], i64) = (row.get(0)?, row.get(1)?);
        let (listed, first): (bool, bool) = (row.get(2)?, row.get(3)?);
        let this = (context, ProjectId::of(key));
        let is_first = listed && last != Some(this);
        if listed {
            last = Some(this);
        }
        if first != is_first {
            let not = if first { "it is marked as" } else { "it is not marked as" };
            report.damage(place(key), format!("{not} the first entry of its context"));
        }
    }
    Ok(())
}
