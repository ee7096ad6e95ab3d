//! What one row says of another is so.

use rusqlite::Connection;

use super::report::Report;
use super::rows::shown;

/// A rule between tables.
struct Rule {
    table: &'static str,
    /// What the query's column is called in a finding.
    key: &'static str,
    /// Selects the key of each row that breaks the rule.
    broken: String,
    why: &'static str,
}

/// A value within a body; none where the body is no JSON, which is told elsewhere.
fn said(body: &str, path: &str) -> String {
    format!("CASE WHEN json_valid({body}) THEN {body} ->> '{path}' END")
}

/// An id within a body, as columns hold it.
fn id_said(body: &str, path: &str) -> String {
    format!("unhex(replace({}, '-', ''))", said(body, path))
}

fn rule(table: &'static str, key: &'static str, why: &'static str, broken: String) -> Rule {
    Rule { table, key, broken, why }
}

fn rules() -> Vec<Rule> {
    let mut rules = executions();
    rules.extend(lanes());
    rules.extend(waiting());
    rules.extend(totals());
    rules
}

pub(super) fn check(connection: &Connection, report: &mut Report<'_>) {
    for rule in rules() {
        if let Err(error) = ask(connection, &rule, report) {
            report.damage(format!("table {}", rule.table), error);
        }
    }
}

fn ask(
    connection: &Connection,
    rule: &Rule,
    report: &mut Report<'_>,
) -> Result<(), rusqlite::Error> {
    let Rule { table, key, broken, why } = rule;
    let mut statement = connection.prepare(broken)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        report.damage(format!("table {table}, {key} {}", shown(row.get_ref(0)?)), why);
    }
    Ok(())
}

/// Executions, their contexts, tasks and approvals.
fn executions() -> Vec<Rule> {
    let state = said("e.body", "$.state.state");
    let task = id_said("e.body", "$.state.task");
    let approval = id_said("e.body", "$.state.approval");
    let execution = |what: &'static str, broken: &str| {
        rule("execution", "key", what, format!("SELECT e.key FROM execution AS e WHERE {broken}"))
    };
    vec![
        execution(
            "its context is not there",
            "e.final = 0 AND NOT EXISTS (SELECT 1 FROM context AS c
               WHERE c.id = e.context AND c.project = e.key >> 40)",
        ),
        execution(
            "the event that triggered it is not in the log",
            "e.final = 0 AND NOT EXISTS (SELECT 1 FROM event AS v WHERE v.key = e.key)",
        ),
        execution(
            "its plan is not there",
            "e.plan IS NOT NULL AND e.plan NOT IN (SELECT id FROM plan)",
        ),
        execution(
            "it is open, and the event that triggered it is not",
            "e.final = 0 AND e.key NOT IN (SELECT event FROM open_event)",
        ),
        execution(
            "its task is not open",
            &format!(
                "e.final = 0 AND {state} = 'running' AND NOT EXISTS (SELECT 1 FROM task AS t
                   WHERE t.id = {task} AND t.execution = e.id AND {} = 'open')",
                said("t.body", "$.state")
            ),
        ),
        execution(
            "the approval that it waits for is not open",
            &format!(
                "e.final = 0 AND {state} = 'waitingForApproval' AND NOT EXISTS (
                   SELECT 1 FROM approval AS a WHERE a.id = {approval} AND a.state = 0)"
            ),
        ),
        rule(
            "context",
            "seq",
            "it counts other executions as open than there are",
            format!(
                "SELECT c.seq FROM context AS c WHERE {} <> (SELECT count(*) FROM execution AS e
                   WHERE e.context = c.id AND e.final = 0 AND e.key >> 40 = c.project)",
                said("c.body", "$.open")
            ),
        ),
        rule(
            "task",
            "id",
            "it is open, and its execution does not run it",
            format!(
                "SELECT t.id FROM task AS t WHERE {} = 'open' AND NOT EXISTS (
                   SELECT 1 FROM execution AS e WHERE e.id = t.execution AND e.final = 0
                     AND e.key >> 40 = t.project AND {state} = 'running' AND {task} = t.id)",
                said("t.body", "$.state")
            ),
        ),
        rule(
            "task",
            "id",
            "it drains, and its execution was not aborted",
            format!(
                "SELECT t.id FROM task AS t WHERE t.draining = 1 AND NOT EXISTS (
                   SELECT 1 FROM execution AS e WHERE e.id = t.execution
                     AND e.key >> 40 = t.project AND {state} = 'aborted')"
            ),
        ),
        rule(
            "approval",
            "seq",
            "it is open, and its execution does not wait for it",
            format!(
                "SELECT a.seq FROM approval AS a WHERE a.state = 0 AND NOT EXISTS (
                   SELECT 1 FROM execution AS e WHERE e.id = {} AND e.key >> 40 = a.project
                     AND {state} = 'waitingForApproval' AND {approval} = a.id)",
                id_said("a.body", "$.execution")
            ),
        ),
    ]
}

/// Who holds a lane, and who waits in it.
fn lanes() -> Vec<Rule> {
    let state = said("e.body", "$.state.state");
    let in_lane = "e.key >> 40 = l.project AND e.stage = l.stage AND e.service = l.service";
    vec![
        rule(
            "lane",
            "id",
            "its holder is no execution that holds it",
            format!(
                "SELECT l.id FROM lane AS l WHERE l.holder IS NOT NULL AND NOT EXISTS (
                   SELECT 1 FROM execution AS e WHERE e.id = l.holder AND {in_lane}
                     AND ({state} IN ('running', 'delayed') OR ({state} = 'aborted' AND EXISTS (
                       SELECT 1 FROM task AS t WHERE t.execution = e.id AND t.draining = 1))))"
            ),
        ),
        rule(
            "lane",
            "id",
            "nobody holds it although somebody waits, and nothing will look at it again",
            "SELECT l.id FROM lane AS l WHERE l.holder IS NULL
               AND EXISTS (SELECT 1 FROM lane_queue AS q WHERE q.lane = l.id)
               AND NOT EXISTS (SELECT 1 FROM deferred)"
                .to_owned(),
        ),
        rule(
            "lane_queue",
            "lane",
            "it names no execution that stands there",
            format!(
                "SELECT q.lane || ', queue ' || q.queue || ', position ' || q.position
                 FROM lane_queue AS q JOIN lane AS l ON l.id = q.lane WHERE NOT EXISTS (
                   SELECT 1 FROM execution AS e WHERE e.id = q.execution AND {in_lane}
                     AND ((q.queue = 0 AND {state} = 'ready' AND {} = q.position)
                       OR (q.queue = 1 AND {state} = 'waiting' AND {} = q.position)))",
                said("e.body", "$.state.position"),
                said("e.body", "$.position")
            ),
        ),
        rule(
            "execution",
            "key",
            "it waits for its lane, and stands in none of its queues",
            format!(
                "SELECT e.key FROM execution AS e WHERE e.final = 0
                   AND {state} IN ('ready', 'waiting')
                   AND e.id NOT IN (SELECT execution FROM lane_queue)"
            ),
        ),
    ]
}

/// What waits for somebody outside, or for a time.
fn waiting() -> Vec<Rule> {
    let state = said("e.body", "$.state.state");
    let task = said("t.body", "$.state");
    vec![
        rule(
            "open_event",
            "seq",
            "it is not the event in the log that it names",
            "SELECT o.seq FROM open_event AS o WHERE NOT EXISTS (SELECT 1 FROM event AS v
               WHERE v.key = o.event AND v.id = o.id AND v.kind = o.kind AND v.stage = o.stage
                 AND v.service = o.service AND v.key >> 40 = o.project)"
                .to_owned(),
        ),
        rule(
            "open_event",
            "seq",
            "nothing that is open belongs to it",
            format!(
                "SELECT o.seq FROM open_event AS o
                 WHERE NOT EXISTS (SELECT 1 FROM execution AS e WHERE e.key = o.event AND e.final = 0)
                   AND NOT EXISTS (SELECT 1 FROM task AS t WHERE t.id = o.id AND {task} = 'open')
                   AND NOT EXISTS (SELECT 1 FROM approval AS a WHERE a.id = o.id AND a.state = 0)"
            ),
        ),
        rule(
            "delivery",
            "id",
            "its event is not in the log",
            "SELECT id FROM delivery WHERE event NOT IN (SELECT key FROM event)".to_owned(),
        ),
        rule(
            "stood_down",
            "event",
            "its event is not in the log",
            "SELECT event FROM stood_down WHERE event NOT IN (SELECT key FROM event)".to_owned(),
        ),
        rule(
            "timer",
            "id",
            "no execution waits for it",
            format!(
                "SELECT w.id FROM timer AS w WHERE w.kind = 0 AND NOT EXISTS (
                   SELECT 1 FROM execution AS e WHERE e.id = w.id AND e.key >> 40 = w.project
                     AND {state} IN ('delayed', 'throttled'))"
            ),
        ),
        rule(
            "timer",
            "id",
            "no task waits for it",
            format!(
                "SELECT w.id FROM timer AS w WHERE w.kind = 1 AND NOT EXISTS (
                   SELECT 1 FROM task AS t WHERE t.id = w.id AND t.project = w.project
                     AND {task} = 'open')"
            ),
        ),
        rule(
            "execution",
            "key",
            "it waits for a time, and nothing will wake it",
            format!(
                "SELECT e.key FROM execution AS e
                 WHERE e.final = 0 AND {state} IN ('delayed', 'throttled')
                   AND e.id NOT IN (SELECT id FROM timer WHERE kind = 0)"
            ),
        ),
        rule(
            "task",
            "id",
            "nobody has taken it, and nothing will give it up",
            format!(
                "SELECT t.id FROM task AS t
                 WHERE {task} = 'open' AND json_array_length(t.body, '$.keys') = 0
                   AND t.id NOT IN (SELECT id FROM timer WHERE kind = 1)"
            ),
        ),
    ]
}

/// The minutes in which open approvals were asked.
fn waiting_approvals() -> Rule {
    let kept = "SELECT project, stage, asked, n FROM waiting";
    let counted = format!(
        "SELECT project, stage, unixepoch({}) / 60 AS asked, count(*) AS n FROM approval
         WHERE state = 0 GROUP BY project, stage, asked",
        said("body", "$.asked_at")
    );
    rule(
        "waiting",
        "project, stage and minute",
        "it counts other open approvals than there are",
        format!(
            "SELECT DISTINCT project || ', ' || stage || ', ' || asked FROM (
               SELECT * FROM ({kept} EXCEPT {counted}) UNION ALL
               SELECT * FROM ({counted} EXCEPT {kept}))"
        ),
    )
}

/// Totals that are kept beside what they count; see `tally.rs` for the numbers.
fn totals() -> Vec<Rule> {
    let wrong = |what: u32, why, counted: &str| {
        rule(
            "tally",
            "project",
            why,
            format!(
                "SELECT p.id FROM project AS p WHERE ({counted}) <>
                   coalesce((SELECT n FROM tally WHERE project = p.id AND what = {what}), 0)"
            ),
        )
    };
    let contexts = |state: u32| {
        format!("SELECT count(*) FROM context WHERE project = p.id AND state = {state}")
    };
    let approvals = |state: u32| {
        format!("SELECT count(*) FROM approval WHERE project = p.id AND state = {state}")
    };
    vec![
        wrong(
            0,
            "it counts other contexts than there are",
            "SELECT count(*) FROM context WHERE project = p.id",
        ),
        wrong(
            1,
            "it counts other unlisted entries than there are",
            "SELECT count(*) FROM event
             WHERE key BETWEEN p.id << 40 AND (p.id << 40) + (1 << 40) - 1 AND disposition >= 2",
        ),
        wrong(2, "it counts other open approvals than there are", &approvals(0)),
        wrong(3, "it counts other decided approvals than there are", &approvals(1)),
        wrong(4, "it counts other closed approvals than there are", &approvals(2)),
        wrong(6, "it counts other triggered contexts than there are", &contexts(0)),
        wrong(7, "it counts other waiting contexts than there are", &contexts(1)),
        wrong(8, "it counts other started contexts than there are", &contexts(2)),
        wrong(9, "it counts other paused contexts than there are", &contexts(6)),
        waiting_approvals(),
    ]
}
