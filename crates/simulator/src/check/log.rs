//! The log: nothing that was seen in it ever changes or goes, and its numbers have no gaps.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use jiff::Timestamp;
use tidegate_core::event::{EventKind, Phase, text};
use tidegate_core::names::{EventId, ProjectName, StageName};
use tidegate_store::memory::MemoryReader;
use tidegate_store::{LogRow, PAGE_MAX, Reader as _};

use crate::world::Checked;

/// `source` of the events that the sequence machine makes.
const CONTROLLER: &str = "shipyard-controller";

/// What was seen in the logs of all projects.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// A fingerprint of each entry, in order.
    logs: BTreeMap<ProjectName, Vec<u64>>,
    /// Where each event stands, and when it was accepted.
    places: BTreeMap<EventId, (ProjectName, u64, Timestamp)>,
}

impl Seen {
    /// The number of an event in its project's log.
    pub(super) fn number(&self, event: EventId) -> Option<u64> {
        self.places.get(&event).map(|(_, n, _)| *n)
    }

    pub(super) fn time(&self, event: EventId) -> Option<Timestamp> {
        self.places.get(&event).map(|(_, _, time)| *time)
    }

    /// The entries that are new since the last look.
    pub(super) fn read_new(
        &mut self,
        reader: &MemoryReader,
    ) -> Result<Vec<(ProjectName, LogRow)>, String> {
        let mut new = Vec::new();
        for project in projects(reader)? {
            let seen = self.logs.entry(project.clone()).or_default();
            let rows = reader.log(&project, seen.len() as u64).map_err(|e| e.to_string())?;
            for row in rows {
                if row.n != seen.len() as u64 + 1 {
                    return Err(format!("entry {} of {project} follows {}", row.n, seen.len()));
                }
                seen.push(fingerprint(&row));
                let place = (project.clone(), row.n, row.event.time);
                if let Some((other, n, _)) = self.places.insert(row.event.id, place) {
                    let id = row.event.id;
                    return Err(format!("event {id} stands twice, also at {n} of {other}"));
                }
                new.push((project.clone(), row));
            }
        }
        Ok(new)
    }

    /// Everything that was seen is still there.
    pub(super) fn check_old(&self, reader: &MemoryReader) -> Checked {
        for (project, seen) in &self.logs {
            let rows = reader.log(project, 0).map_err(|error| error.to_string())?;
            if rows.len() < seen.len() {
                let (there, were) = (rows.len(), seen.len());
                return Err(format!("{project} had {were} entries, and now has {there}"));
            }
            for (row, known) in rows.iter().zip(seen) {
                if fingerprint(row) != *known {
                    return Err(format!("entry {} of {project} has changed", row.n));
                }
            }
        }
        Ok(())
    }
}

fn projects(reader: &MemoryReader) -> Result<Vec<ProjectName>, String> {
    let page = reader.projects(0, PAGE_MAX).map_err(|error| error.to_string())?;
    let named = page.items.into_iter().map(|row| row.name);
    Ok(named.chain([ProjectName::unmapped()]).collect())
}

fn fingerprint(row: &LogRow) -> u64 {
    let mut hasher = DefaultHasher::new();
    (row.n, row.event.to_json(), row.disposition as u8, &row.reason).hash(&mut hasher);
    hasher.finish()
}

/// Whether this ends a sequence because nobody took its task.
pub(super) fn is_expiry(row: &LogRow) -> bool {
    row.event.source == CONTROLLER
        && text(&row.event.data, "message").starts_with("sequence timed out")
}

/// The stage in which this triggers a task.
pub(super) fn triggered_in(row: &LogRow) -> Option<StageName> {
    let kind = row.event.kind.kind();
    let triggers = matches!(kind, EventKind::Task { phase: Phase::Triggered, .. });
    let stage = StageName::new(text(&row.event.data, "stage")).ok();
    stage.filter(|_| triggers && row.event.source == CONTROLLER)
}
