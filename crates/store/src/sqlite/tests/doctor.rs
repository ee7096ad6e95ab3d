//! What is wrong with a store is found and named; what is right is not.

use tidegate_core::built_in::BuiltIn;

use crate::sqlite::check::{Checked, Finding};
use crate::sqlite::migrate::MIGRATIONS;
use crate::sqlite::{SqliteHome, check, export, open};
use crate::testing::{Steps as _, at};
use crate::{Home as _, Reader as _, Write, Written};

use super::Sqlite;
use super::story::{Story, contexts, entries};

fn findings(store: &Sqlite) -> (Vec<String>, Checked) {
    let mut found = Vec::new();
    let mut tell = |finding: &Finding| found.push(format!("{}: {}", finding.place, finding.why));
    let checked = check(store.dir.path(), &mut tell).unwrap();
    (found, checked)
}

#[test]
fn a_sound_store_has_no_findings_and_every_table_has_a_row() {
    let store = Story::told();
    let (found, checked) = findings(&store);
    assert_eq!(found, Vec::<String>::new());
    assert_eq!(checked.damaged, 0);
    let connection = &store.home.connection;
    let sql = "SELECT name FROM sqlite_schema WHERE type = 'table'";
    let tables: Vec<String> = connection
        .prepare(sql)
        .unwrap()
        .query_map([], |row| row.get(0))
        .unwrap()
        .flatten()
        .collect();
    let mut rows = 0;
    for table in tables.iter().filter(|table| *table != "sqlite_sequence") {
        let count: i64 = connection
            .query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0))
            .unwrap();
        assert!(count > 0, "the story tells of table {table}");
        rows += count.unsigned_abs();
    }
    assert_eq!(checked.rows, rows, "every row was read");
}

/// A change to one row, and what is said of it. In `{state}`, what an execution stands at.
const DAMAGES: &[(&str, &str, &str)] = &[
    (
        "UPDATE event SET body = replace(body, 'x:1', 'x:2') WHERE key = (1 << 40) + 3",
        "table event, key 1099511627779 (project number 1, entry 3)",
        "checksum",
    ),
    (
        "UPDATE event SET context = randomblob(16) WHERE key = (1 << 40) + 3",
        "entry 3",
        "column context",
    ),
    ("UPDATE event SET kind = kind + 1 WHERE key = (1 << 40) + 3", "entry 3", "column kind"),
    ("UPDATE event SET time = time + 1 WHERE key = (1 << 40) + 3", "entry 3", "column time"),
    ("UPDATE event SET source = 77777 WHERE key = (1 << 40) + 3", "entry 3", "column source"),
    ("UPDATE event SET first = 1 WHERE key = (1 << 40) + 2", "entry 2", "marked as the first"),
    ("UPDATE event SET first = 0 WHERE key = (1 << 40) + 1", "entry 1", "not marked as the first"),
    ("DELETE FROM event WHERE key = (1 << 40) + 4", "project number 1", "entry 4 is missing"),
    (
        "DELETE FROM event WHERE key BETWEEN (1 << 40) + 1 AND (1 << 40) + 4",
        "project number 1",
        "entries 1 to 4 are missing",
    ),
    (
        "UPDATE word SET text = 'sh.keptn.event.x' WHERE text LIKE '%test.triggered'",
        "table event",
        "column kind",
    ),
    ("UPDATE project SET shipyard = 'stages: {' WHERE id = 1", "table project, id 1", ""),
    ("UPDATE project SET commit_id = 'abc' WHERE id = 1", "table project, id 1", "commit"),
    ("UPDATE project SET name = 'Shop!' WHERE id = 1", "table project, id 1", "name"),
    ("UPDATE service SET name = 'a/b'", "table service", "name"),
    ("UPDATE input SET seed = x'00' WHERE n = 1", "table input, n 1", ""),
    ("UPDATE input SET payload = '{' WHERE n = 1", "table input, n 1", ""),
    ("UPDATE input SET principal = 1 WHERE n = 1", "table input, n 1", ""),
    (
        "UPDATE execution SET body = substr(body, 2) WHERE key = (1 << 40) + 1",
        "table execution, key 1099511627777",
        "",
    ),
    (
        "UPDATE execution SET final = 1 - final WHERE key = (1 << 40) + 1",
        "table execution",
        "column final",
    ),
    (
        "UPDATE execution SET context = randomblob(16) WHERE key = (1 << 40) + 1",
        "table execution",
        "its context is not there",
    ),
    ("UPDATE task SET execution = randomblob(16)", "table task", "column execution"),
    ("UPDATE task SET draining = 1 - draining", "table task", "column draining"),
    ("DELETE FROM task", "table execution", "its task is not open"),
    (
        "UPDATE task SET body = json_set(body, '$.state', 'over')",
        "table execution",
        "its task is not open",
    ),
    ("UPDATE task SET body = json_set(body, '$.state', 'open')", "table task", "does not run it"),
    ("UPDATE approval SET state = 1, at = 1 WHERE state = 0", "table approval", "column state"),
    ("UPDATE approval SET stage = service", "table approval", "column stage"),
    ("DELETE FROM approval WHERE state = 0", "table execution", "approval that it waits for"),
    (
        "UPDATE approval SET body = json_set(body, '$.state', 'open') WHERE state = 2",
        "table approval",
        "column state",
    ),
    ("DELETE FROM context WHERE seq = 1", "table execution", "its context is not there"),
    (
        "UPDATE context SET body = json_set(body, '$.open', 7) WHERE seq = 1",
        "table context, seq 1",
        "other executions as open",
    ),
    ("UPDATE context SET state = 4 WHERE seq = 1", "table context, seq 1", "column state"),
    ("UPDATE context SET time = 4 WHERE seq = 1", "table context, seq 1", "column time"),
    ("UPDATE lane SET holder = NULL; DELETE FROM deferred", "table lane, id 1", "nobody holds it"),
    ("UPDATE lane SET holder = randomblob(16)", "table lane", "no execution that holds it"),
    (
        "UPDATE lane SET holder = (SELECT id FROM execution WHERE final = 1) WHERE id = 1",
        "table lane, id 1",
        "no execution that holds it",
    ),
    ("DELETE FROM lane_queue", "table execution", "none of its queues"),
    (
        "UPDATE lane_queue SET position = position + 1",
        "table lane_queue, lane 1, queue 1, position",
        "no execution that stands there",
    ),
    (
        "UPDATE lane_queue SET queue = 1 - queue",
        "table lane_queue",
        "no execution that stands there",
    ),
    ("UPDATE integration SET body = '[' || body", "table integration, id", ""),
    ("UPDATE integration SET id = '7'", "table integration, id 7", "column id"),
    ("UPDATE stood_down SET part = 9", "table stood_down, event", "no part of Tidegate"),
    ("UPDATE stood_down SET event = event + 99", "table stood_down, event", "not in the log"),
    ("UPDATE deployed SET body = '[' || body", "table deployed, lane", ""),
    (
        "DELETE FROM open_event WHERE seq = 1",
        "table execution",
        "the event that triggered it is not",
    ),
    (
        "UPDATE open_event SET event = event + 1 WHERE seq = 1",
        "table open_event, seq 1",
        "that it names",
    ),
    (
        "UPDATE open_event SET stage = service WHERE seq = 1",
        "table open_event, seq 1",
        "that it names",
    ),
    (
        "INSERT INTO open_event (event, id, project, kind, stage, service)
      SELECT key, id, 1, kind, stage, service FROM event WHERE disposition = 0 AND stage IS NOT NULL
        AND id NOT IN (SELECT id FROM open_event) LIMIT 1",
        "table open_event",
        "nothing that is open",
    ),
    ("UPDATE delivery SET event = 9", "table delivery, id", "its event is not in the log"),
    ("UPDATE delivery SET cancelled = 9", "table delivery, id", "cancelled"),
    (
        "UPDATE timer SET id = randomblob(16) WHERE kind = 0",
        "table timer, id",
        "no execution waits",
    ),
    ("DELETE FROM timer", "table execution", "nothing will wake it"),
    ("DELETE FROM timer", "table task", "nothing will give it up"),
    ("UPDATE timer SET id = randomblob(16) WHERE kind = 1", "table timer, id", "no task waits"),
    ("UPDATE timer SET kind = 7", "table timer, id", "no kind of timer"),
    ("DELETE FROM plan", "table execution", "its plan is not there"),
    (
        "UPDATE plan SET body = replace(body, 'deployment', 'deploiment')",
        "table plan, id",
        "digest of its body",
    ),
    ("UPDATE execution SET standing = 5", "table execution", "column standing"),
    ("UPDATE execution SET service = stage", "table execution", "column service"),
    ("UPDATE context SET ended = 1 - ifnull(ended, 0)", "table context", "column ended"),
    ("UPDATE context SET ended = NULL", "table context", "column ended"),
    ("UPDATE deferred SET follow_on = '{}'", "table deferred, id 1", ""),
    ("UPDATE quarantine SET principal = '{}'", "table quarantine, n 1", ""),
    ("UPDATE latest_event SET context = x'00'", "table latest_event, project 1", ""),
    ("UPDATE intent SET principal = '{}'", "table intent, id", ""),
    (
        "UPDATE audit SET record = replace(record, '\"at\"', '\"ta\"')",
        "table audit, chain",
        "edited",
    ),
    ("UPDATE audit SET texts = '{}{'", "table audit, chain", "texts"),
    ("UPDATE audit SET prev = randomblob(32)", "table audit, chain", ""),
    ("DELETE FROM audit WHERE key IN (SELECT max(key) - 1 FROM audit)", "table audit", "missing"),
    ("DELETE FROM audit_chain", "table audit, chain number", "its chain is not there"),
    ("UPDATE audit_chain SET name = '?' || name", "table audit_chain, id", ""),
    (
        "UPDATE audit_checkpoint SET body = replace(body, '\"signature\":\"', '\"signature\":\"0')",
        "table audit_checkpoint, chain shop",
        "",
    ),
    (
        "INSERT INTO audit_checkpoint SELECT key - 1, body FROM audit_checkpoint",
        "table audit_checkpoint, chain shop",
        "another entry",
    ),
    (
        "DELETE FROM audit WHERE key >= (SELECT key FROM audit_checkpoint)",
        "table audit, chain",
        "checkpoint",
    ),
    (
        "INSERT INTO tally (project, what, n) VALUES (1, 5, 3)",
        "project number 1",
        "0 entries are missing, and 3 were forgotten",
    ),
    ("UPDATE intent SET body = '{}'", "table intent, id", ""),
    ("UPDATE session SET principal = '{}'", "table session, digest 0101010101010101", ""),
    ("UPDATE sign_in SET name = ''", "table sign_in, digest", ""),
    ("UPDATE token SET tasks = 'deployment'", "table token, name ci", ""),
    ("UPDATE token SET holder = creator", "table token, name ci", "nobody of that name"),
    ("UPDATE idempotency SET request = x'00'", "table idempotency, key", ""),
    ("UPDATE tally SET n = n + 1 WHERE what = 0", "table tally, project 1", "other contexts"),
    ("UPDATE tally SET n = n + 1 WHERE what = 2", "table tally, project 1", "other open approvals"),
    ("DELETE FROM tally WHERE what = 3", "table tally, project 1", "other decided approvals"),
    ("UPDATE tally SET n = -1 WHERE what = 0", "table tally, project 1", "less than nothing"),
    ("UPDATE tally SET n = n + 1 WHERE what = 8", "table tally, project 1", "started contexts"),
    ("UPDATE waiting SET n = n + 1", "table waiting, project, stage and minute 1, ", "other open"),
    ("DELETE FROM waiting", "table waiting, project, stage and minute 1, ", "other open"),
    ("UPDATE waiting SET n = 0", "table waiting, project 1", "it counts none"),
    ("UPDATE waiting SET stage = 77777", "table waiting, project 1", "its stage is not there"),
    ("DROP INDEX event_kind", "index event_kind", "not there"),
    ("CREATE TABLE other (a)", "table other", "none of this version's"),
    ("PRAGMA foreign_keys = OFF; DELETE FROM project WHERE id = 1", "table lane", "table project"),
];

#[test]
fn each_damage_is_found_and_named() {
    let store = Story::told();
    let mut missed = Vec::new();
    for (damage, place, why) in DAMAGES {
        let connection = &store.home.connection;
        // Undone by going back to the state before; another connection must see it until then.
        let before = store.dir.path().join("before");
        connection.execute("VACUUM INTO ?1", [before.to_str().unwrap()]).unwrap();
        let damaged = tempfile::tempdir().unwrap();
        let file = damaged.path().join(open::FILE);
        std::fs::rename(&before, &file).unwrap();
        let copy = rusqlite::Connection::open(&file).unwrap();
        copy.execute_batch(damage).unwrap();
        drop(copy);
        let mut found = Vec::new();
        let tell = &mut |finding: &Finding| {
            assert!(finding.is_damage);
            found.push((finding.place.clone(), finding.why.clone()));
        };
        let checked = check(damaged.path(), tell).unwrap();
        assert_eq!(checked.damaged, found.len() as u64);
        let named = found.iter().any(|(at, said)| at.contains(place) && said.contains(why));
        if !named {
            missed.push(format!("{damage}: {found:#?}"));
        }
    }
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}

#[test]
fn what_was_forgotten_is_not_missed() {
    let mut store = Story::told();
    let (_, before) = findings(&store);
    // Jobs have ended, but for those that are still to be stopped.
    for delivery in store.reader.deliveries(BuiltIn::Jobs, 0, 99).unwrap() {
        if !delivery.cancelled {
            store.written(&Write::DeliveryDone(delivery.id));
        }
    }
    let later = at(1_000_000);
    let prune = Write::Prune { before: later, unmapped_before: later, limit: 99 };
    let pruned = store.written(&prune);
    assert!(matches!(pruned, Written::Pruned { count: 1.., .. }), "{pruned:?}");
    let (found, after) = findings(&store);
    assert_eq!(found, Vec::<String>::new());
    assert!(after.rows < before.rows);
    // One more is not forgotten but lost.
    store.home.connection.execute("DELETE FROM event WHERE key = (1 << 40) + 3", []).unwrap();
    let (found, _) = findings(&store);
    assert!(found.iter().any(|line| line.contains("were forgotten")), "{found:#?}");
}

#[test]
fn nothing_is_changed_by_looking() {
    let store = Story::told();
    let Sqlite { home, reader, dir } = store;
    drop((home, reader));
    let file = dir.path().join(open::FILE);
    let before = std::fs::read(&file).unwrap();
    let mut out = Vec::new();
    check(dir.path(), &mut |finding| panic!("{finding:?}")).unwrap();
    export(dir.path(), &mut out).unwrap();
    assert_eq!(std::fs::read(&file).unwrap(), before);
}

#[test]
fn a_writer_goes_on_while_the_store_is_read() {
    let mut store = Story::told();
    store.home.begin().unwrap();
    let (found, _) = findings(&store);
    assert!(found.is_empty(), "{found:?}");
    store.home.commit().unwrap();
}

#[test]
fn the_export_holds_every_entry_as_it_was() {
    let store = Story::told();
    let mut out = Vec::new();
    let exported = export(store.dir.path(), &mut out).unwrap();
    assert_eq!((exported.entries, exported.left_out), (entries(&store), 0));
    let lines: Vec<serde_json::Value> = out
        .split(|byte| *byte == b'\n')
        .filter_map(|line| serde_json::from_slice(line).ok())
        .collect();
    assert_eq!(lines.len() as u64, exported.entries);
    let mut of_shop = 0;
    for context in contexts() {
        for row in trace(&store, context) {
            of_shop += 1;
            let line = lines
                .iter()
                .find(|line| line["project"] == "shop" && line["n"] == row.n)
                .expect("every entry has a line");
            assert_eq!(line["event"], row.event.to_value());
            assert_eq!(line.get("reason").and_then(|r| r.as_str()), row.reason.as_deref());
            assert_eq!(line["disposition"], serde_json::to_value(row.disposition).unwrap());
        }
    }
    assert!(of_shop > 50, "{of_shop}");
    assert!(lines.iter().any(|line| line["project"] == "_unmapped"));
    assert!(lines.iter().any(|line| line["disposition"] == "late"));
}

pub(super) fn trace(
    store: &Sqlite,
    context: tidegate_core::names::ContextId,
) -> Vec<crate::LogRow> {
    let project = tidegate_core::names::ProjectName::new("shop").unwrap();
    crate::Reader::trace(&store.reader, &project, context, u64::MAX).unwrap()
}

#[test]
fn what_is_no_store_of_this_version_is_refused_by_name() {
    let refusal = |dir: &tempfile::TempDir| {
        let error = check(dir.path(), &mut |finding| panic!("{finding:?}")).unwrap_err();
        let text = error.to_string();
        assert!(text.contains("tidegate.db"), "{text}");
        text
    };
    let dir = tempfile::tempdir().unwrap();
    assert!(refusal(&dir).contains("No such file"));
    std::fs::write(dir.path().join(open::FILE), "x".repeat(9000)).unwrap();
    assert!(refusal(&dir).contains("restore a backup"));
    let error = SqliteHome::open(dir.path()).map(drop).unwrap_err().to_string();
    assert!(error.contains("tidegate.db") && error.contains("restore a backup"), "{error}");

    for (version, said) in [(0, "no version"), (MIGRATIONS.len() + 1, "newer Tidegate")] {
        let Sqlite { home, reader, dir } = Story::told();
        drop((home, reader));
        let file = rusqlite::Connection::open(dir.path().join(open::FILE)).unwrap();
        file.pragma_update(None, "user_version", version.to_string()).unwrap();
        drop(file);
        let text = refusal(&dir);
        assert!(text.contains(said), "{text}");
    }
}
