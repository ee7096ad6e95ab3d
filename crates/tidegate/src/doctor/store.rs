//! The store: everything in it read, and what is sound saved.

use std::fs::{self, OpenOptions};
use std::io::BufWriter;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use anyhow::Context as _;
use jiff::{SignedDuration, Timestamp};
use tidegate_core::audit::Chain;
use tidegate_store::sqlite::{self, SqliteReaders, export, files};
use tidegate_store::{AuditHead, EventFilter, PAGE_MAX, Reader as _, StoreError};

use super::finding::Finding;

/// From this size on the write-ahead log has not been emptied for long.
const LOG_BYTES_MAX: u64 = 256 * 1024 * 1024;
/// How far clocks of one machine differ from themselves.
const CLOCK_SLACK: SignedDuration = SignedDuration::from_mins(2);

/// A finding in the store as one line.
pub(crate) fn line(finding: &sqlite::Finding) -> String {
    let note = if finding.is_damage { "" } else { "note: " };
    plain(&format!("{note}{}: {}", finding.place, finding.why))
}

/// What stands in a damaged row may be anything; a line stays one.
pub(super) fn plain(line: &str) -> String {
    line.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// Writes what is sound of the log to a new file.
pub(super) fn save(data: &Path, file: &Path) -> anyhow::Result<String> {
    let shown = file.display();
    let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(file);
    let mut out = BufWriter::new(made.with_context(|| format!("cannot make {shown}"))?);
    let exported = export(data, &mut out)?;
    out.get_ref().sync_all().with_context(|| format!("cannot sync {shown}"))?;
    Ok(format!("{} events in {shown}, {} left out", exported.entries, exported.left_out))
}

/// The size of the write-ahead log, where there is a store.
pub(super) fn log_size(data: &Path, runs: bool) -> Finding {
    let [_, log] = files(data);
    judge_log(fs::metadata(log).map_or(0, |found| found.len()), runs)
}

fn judge_log(bytes: u64, runs: bool) -> Finding {
    const SUBJECT: &str = "write-ahead log";
    let size = format!("{:.1} MiB", bytes as f64 / 1024.0 / 1024.0);
    match (bytes, runs) {
        (0, _) => Finding::ok(SUBJECT, "empty"),
        (LOG_BYTES_MAX.., true) => {
            Finding::problem(SUBJECT, format!("{size}, and it is not emptied"))
                .so("end a backup that hangs, and look for failing checkpoints in the server's log")
        }
        (_, true) => Finding::ok(SUBJECT, size),
        (_, false) => {
            Finding::note(SUBJECT, format!("{size} from a server that did not stop by itself"))
                .so("the next start takes it up; never remove it")
        }
    }
}

/// What the store says by itself: the time of its newest entry, and its audit log. Nothing where it does
/// not open, which is told by whoever reads all of it.
pub(super) fn look(data: &Path, now: Timestamp, runs: bool) -> Vec<Finding> {
    let Ok(reader) = SqliteReaders::look(data) else { return Vec::new() };
    let mut findings = Vec::new();
    findings.extend(newest(&reader).map(|newest| judge_clock(newest, now)).ok());
    let heads = reader.audit_heads(0, PAGE_MAX).map(|page| page.items);
    findings.extend(heads.map(|heads| judge_audit(&heads, runs)).ok());
    findings
}

/// The projects of the store.
pub(super) fn projects(data: &Path) -> Vec<String> {
    let found = SqliteReaders::look(data).and_then(|reader| reader.projects(0, PAGE_MAX));
    found.map_or_else(
        |_| Vec::new(),
        |page| page.items.iter().map(|row| row.name.to_string()).collect(),
    )
}

fn newest(reader: &SqliteReaders) -> Result<Option<Timestamp>, StoreError> {
    let mut newest = None;
    for (project, _) in reader.log_heads()? {
        let filter = EventFilter { project: Some(project), ..EventFilter::default() };
        let page = reader.events(&filter, 0, 1)?;
        newest = newest.max(page.items.first().map(|row| row.event.time));
    }
    Ok(newest)
}

pub(super) fn judge_clock(newest: Option<Timestamp>, now: Timestamp) -> Finding {
    const SUBJECT: &str = "clock";
    match newest {
        Some(newest) if newest.duration_since(now) > CLOCK_SLACK => Finding::problem(
            SUBJECT,
            format!("it says {now:.0}, and something was accepted at {newest:.0}"),
        )
        .so("set the clock before the server is started; timers fire by it"),
        _ => Finding::ok(SUBJECT, format!("{now:.0}")),
    }
}

fn judge_audit(heads: &[AuditHead], runs: bool) -> Finding {
    const SUBJECT: &str = "audit log";
    let entries: u64 = heads.iter().map(|head| head.link.n).sum();
    let unsigned: u64 =
        heads.iter().map(|head| head.link.n.saturating_sub(head.checkpointed)).sum();
    let own = heads.iter().find(|head| head.chain == Chain::Installation);
    let own = own.map(|head| format!(", the installation's up to {}", head.link.n));
    let what = format!("{entries} entries in {} chains{}", heads.len(), own.unwrap_or_default());
    match (unsigned, runs) {
        (0, _) => Finding::ok(SUBJECT, format!("{what}, all of them signed")),
        (_, true) => Finding::ok(SUBJECT, format!("{what}, {unsigned} of them not signed yet")),
        (_, false) => Finding::note(SUBJECT, format!("{what}, {unsigned} of them not signed"))
            .so("the next start signs them; `tidegate audit verify` compares all of it"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::finding::Level;
    use super::*;

    #[test]
    fn a_log_that_is_not_emptied_is_a_problem_and_one_that_is_left_over_is_not() {
        for (bytes, runs, level) in [
            (0, false, Level::Ok),
            (40_000_000, true, Level::Ok),
            (LOG_BYTES_MAX, true, Level::Problem),
            (4_000, false, Level::Note),
        ] {
            assert_eq!(judge_log(bytes, runs).level, level, "{bytes} {runs}");
        }
    }

    #[test]
    fn a_clock_behind_the_newest_entry_is_a_problem() {
        let at = |second: i64| Timestamp::from_second(1_795_000_000 + second).unwrap();
        assert_eq!(judge_clock(None, at(0)).level, Level::Ok);
        assert_eq!(judge_clock(Some(at(60)), at(0)).level, Level::Ok);
        let behind = judge_clock(Some(at(3600)), at(0));
        assert_eq!(behind.level, Level::Problem);
        assert!(behind.line().contains("set the clock"), "{}", behind.line());
    }

    #[test]
    fn a_line_stays_a_line_whatever_stands_in_it() {
        let finding =
            sqlite::Finding { place: "a\nb".into(), why: "c\u{1b}[2J".into(), is_damage: true };
        assert_eq!(line(&finding), "a b: c [2J");
    }
}
