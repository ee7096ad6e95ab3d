//! Every row of every table but the two logs reads back as what it should be.

use std::collections::HashMap;
use std::sync::Arc;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row};
use tidegate_core::built_in::BuiltIn;
use tidegate_core::names::{CommitId, ProjectName, ServiceName, StageName};
use tidegate_core::principal::{Principal, PrincipalName};
use tidegate_core::sequence::{Deployed, ExecutionState, FollowOn, TaskState};
use tidegate_core::shipyard::{Shipyard, TaskDefinition};

use crate::codes;
use crate::contract::StoreError;
use crate::query::Standing;
use crate::rows::Intent;
use crate::sqlite::codec::{body, micros, time};
use crate::sqlite::keys::{ProjectId, UNMAPPED};
use crate::sqlite::plans::{self, PlanId};
use crate::sqlite::{
    approvals, contexts, deferred, executions, integrations, tasks, timers, tokens,
};

use super::report::Report;

/// A table: how a row is named, and what makes it sound.
struct Table {
    name: &'static str,
    /// What its first column is called in a finding.
    key: &'static str,
    /// Its columns, the key first.
    columns: &'static str,
    check: fn(&Row<'_>, &Known) -> Result<(), Wrong>,
}

const TABLES: &[Table] = &[
    Table { name: "word", key: "id", columns: "id, text", check: word },
    Table {
        name: "project",
        key: "id",
        columns: "id, name, created, commit_id, shipyard",
        check: project,
    },
    Table { name: "service", key: "project", columns: "project, name, created", check: service },
    Table { name: "tally", key: "project", columns: "project, what, n", check: tally },
    Table { name: "waiting", key: "project", columns: "project, stage, asked, n", check: waiting },
    Table {
        name: "input",
        key: "n",
        columns: "n, project, name, principal, now, seed, payload",
        check: input,
    },
    Table {
        name: "execution",
        key: "key",
        columns: "key, body, plan, id, context, final, resolving, stage, service, name, standing",
        check: execution,
    },
    Table { name: "plan", key: "id", columns: "id, body", check: plan },
    Table { name: "task", key: "id", columns: "id, body, execution, draining", check: task },
    Table {
        name: "approval",
        key: "seq",
        columns: "seq, body, id, project, stage, service, context, state, at",
        check: approval,
    },
    Table {
        name: "context",
        key: "seq",
        columns: "seq, body, id, project, name, state, time, ended, service",
        check: context,
    },
    Table { name: "lane", key: "id", columns: "id, stage, service, holder", check: lane },
    Table {
        name: "lane_queue",
        key: "lane",
        columns: "lane, queue, position, execution",
        check: lane_queue,
    },
    Table { name: "deployed", key: "lane", columns: "lane, body", check: deployed },
    Table { name: "open_event", key: "seq", columns: "seq, id", check: with_id },
    Table { name: "delivery", key: "id", columns: "id, cancelled", check: flag },
    Table { name: "timer", key: "id", columns: "id, kind, due", check: timer },
    Table { name: "deferred", key: "id", columns: "id, follow_on, principal", check: deferred },
    Table {
        name: "quarantine",
        key: "n",
        columns: "n, at, project, name, principal, reference, cause, payload",
        check: quarantine,
    },
    Table {
        name: "latest_event",
        key: "project",
        columns: "project, stage, service, kind, event, context, time",
        check: latest_event,
    },
    Table { name: "intent", key: "id", columns: "id, body, project, principal", check: intent },
    Table {
        name: "idempotency",
        key: "key",
        columns: "key, expires, request, answer",
        check: idempotency,
    },
    Table { name: "session", key: "digest", columns: "digest, principal, expires", check: session },
    Table { name: "sign_in", key: "digest", columns: "digest, name, expires", check: sign_in },
    Table {
        name: "token",
        key: "name",
        columns: "name, digest, holder, tasks, created, creator",
        check: token,
    },
    Table { name: "integration", key: "id", columns: "id, body", check: integration },
    Table {
        name: "stood_down",
        key: "event",
        columns: "event, part, integration",
        check: stood_down,
    },
];

/// What rows refer to by number.
pub(super) struct Known {
    words: HashMap<i64, String>,
    projects: HashMap<i64, String>,
}

impl Known {
    /// Words and projects, as far as they can be read.
    pub(super) fn read(connection: &Connection, report: &mut Report<'_>) -> Self {
        let mut read = |table: &str, sql: &str| {
            let mut found = HashMap::new();
            let read = (|| {
                let mut statement = connection.prepare(sql)?;
                let mut rows = statement.query([])?;
                while let Some(row) = rows.next()? {
                    // What is no text is told where the table itself is read.
                    if let Ok(text) = row.get(1) {
                        found.insert(row.get(0)?, text);
                    }
                }
                Ok::<_, rusqlite::Error>(())
            })();
            if let Err(error) = read {
                report.damage(format!("table {table}"), error);
            }
            found
        };
        Self {
            words: read("word", "SELECT id, text FROM word"),
            projects: read("project", "SELECT id, name FROM project"),
        }
    }

    /// The text of a word; empty where it has none.
    pub(super) fn word(&self, id: i64) -> &str {
        self.words.get(&id).map_or("", String::as_str)
    }

    pub(super) fn has_project(&self, id: i64) -> bool {
        self.projects.contains_key(&id)
    }

    fn project(&self, id: i64) -> &str {
        self.projects.get(&id).map_or("", String::as_str)
    }
}

/// Why a row is not sound, in words.
pub(super) struct Wrong(String);

impl From<String> for Wrong {
    fn from(why: String) -> Self {
        Self(why)
    }
}

impl From<rusqlite::Error> for Wrong {
    fn from(error: rusqlite::Error) -> Self {
        Self(error.to_string())
    }
}

impl From<StoreError> for Wrong {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Damaged { why, .. } => Self(why),
            other => Self(other.to_string()),
        }
    }
}

/// Compares a column that is there to be searched with what the body says.
pub(super) fn same<T: PartialEq + ?Sized>(column: &str, found: &T, said: &T) -> Result<(), String> {
    if found == said {
        return Ok(());
    }
    Err(format!("its column {column} is not what its body says"))
}

pub(super) fn check(connection: &Connection, known: &Known, report: &mut Report<'_>) {
    for table in TABLES {
        if let Err(error) = read(connection, table, known, report) {
            report.damage(format!("table {}", table.name), error);
        }
    }
}

fn read(
    connection: &Connection,
    table: &Table,
    known: &Known,
    report: &mut Report<'_>,
) -> Result<(), rusqlite::Error> {
    let Table { name, key, columns, check } = table;
    let mut statement = connection.prepare(&format!("SELECT {columns} FROM {name} NOT INDEXED"))?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        report.row();
        if let Err(Wrong(why)) = check(row, known) {
            report.damage(format!("table {name}, {key} {}", shown(row.get_ref(0)?)), why);
        }
    }
    Ok(())
}

/// Ids as they are written everywhere, digests by their beginning.
pub(super) fn shown(key: ValueRef<'_>) -> String {
    match key {
        ValueRef::Integer(n) => n.to_string(),
        ValueRef::Text(text) => String::from_utf8_lossy(text).into_owned(),
        ValueRef::Blob(bytes) => match <[u8; 16]>::try_from(bytes) {
            Ok(id) => tidegate_core::names::EventId::from_bytes(id).to_string(),
            Err(_) => bytes.iter().take(8).map(|byte| format!("{byte:02x}")).collect(),
        },
        ValueRef::Null | ValueRef::Real(_) => "?".to_owned(),
    }
}

fn word(row: &Row<'_>, _: &Known) -> Result<(), Wrong> {
    row.get::<_, String>(1)?;
    Ok(())
}

fn project(row: &Row<'_>, _: &Known) -> Result<(), Wrong> {
    let name = ProjectName::new(row.get::<_, String>(1)?).map_err(|error| error.to_string())?;
    time(row.get(2)?, "")?;
    if name.is_unmapped() {
        return Ok(same("id", &row.get(0)?, &UNMAPPED.0)?);
    }
    CommitId::new(&row.get::<_, String>(3)?).map_err(|error| error.to_string())?;
    Shipyard::parse(&row.get::<_, String>(4)?).map_err(|error| error.to_string())?;
    Ok(())
}

fn service(row: &Row<'_>, _: &Known) -> Result<(), Wrong> {
    ServiceName::new(row.get::<_, String>(1)?).map_err(|error| error.to_string())?;
    time(row.get(2)?, "")?;
    Ok(())
}

fn tally(row: &Row<'_>, _: &Known) -> Result<(), Wrong> {
    if row.get::<_, i64>(2)? < 0 {
        return Err(Wrong("it counts less than nothing".to_owned()));
    }
    Ok(())
}

fn waiting(row: &Row<'_>, known: &Known) -> Result<(), Wrong> {
    if !known.has_project(row.get(0)?) || known.word(row.get(1)?).is_empty() {
        return Err(Wrong("its project or its stage is not there".to_owned()));
    }
    if row.get::<_, i64>(3)? < 1 {
        return Err(Wrong("it counts none".to_owned()));
    }
    Ok(())
}

fn input(row: &Row<'_>, known: &Known) -> Result<(), Wrong> {
    if !known.has_project(row.get(1)?) {
        return Err(Wrong("its project is not there".to_owned()));
    }
    if known.word(row.get(2)?).is_empty() {
        return Err(Wrong("it has no name".to_owned()));
    }
    parsed::<Principal>(known.word(row.get(3)?))?;
    time(row.get(4)?, "")?;
    row.get::<_, [u8; 16]>(5)?;
    let payload: String = row.get(6)?;
    if !payload.is_empty() {
        parsed::<serde_json::Value>(&payload)?;
    }
    Ok(())
}

fn parsed<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, Wrong> {
    serde_json::from_str(text).map_err(|error| Wrong(error.to_string()))
}

fn execution(row: &Row<'_>, known: &Known) -> Result<(), Wrong> {
    // Whether its plan is there is a rule between tables.
    let execution = executions::read(row, &|_| Ok(Arc::from([])))?;
    let key: i64 = row.get(0)?;
    let project = ProjectId::of(key);
    same("key", &key, &project.key(execution.position)?)?;
    same("key", known.project(project.0), execution.scope.project.as_str())?;
    same("id", &row.get(3)?, execution.id.as_bytes())?;
    same("context", &row.get(4)?, execution.context.as_bytes())?;
    same("final", &row.get(5)?, &execution.state.is_final())?;
    same("resolving", &row.get(6)?, &(execution.state == ExecutionState::Resolving))?;
    same("stage", known.word(row.get(7)?), execution.scope.stage.as_str())?;
    same("service", known.word(row.get(8)?), execution.scope.service.as_str())?;
    same("name", known.word(row.get(9)?), execution.sequence.as_str())?;
    let standing = i64::from(codes::standing(Standing::of(&execution.state)));
    Ok(same("standing", &row.get(10)?, &standing)?)
}

fn plan(row: &Row<'_>, _: &Known) -> Result<(), Wrong> {
    let id: PlanId = row.get(0)?;
    let text: String = row.get(1)?;
    body::<Vec<TaskDefinition>>(row, 1, String::new)?;
    // Version 1 of the schema had no plans; those made of its executions have their ids.
    let is_of_execution = id[6] >> 4 == 4 && id[8] >> 6 == 2;
    if is_of_execution || plans::id(&text) == id {
        return Ok(());
    }
    Err(Wrong("its id is not the digest of its body".to_owned()))
}

fn task(row: &Row<'_>, _: &Known) -> Result<(), Wrong> {
    let task = tasks::read(row)?;
    same("id", &row.get(0)?, task.id.as_bytes())?;
    same("execution", &row.get(2)?, task.execution.as_bytes())?;
    Ok(same("draining", &row.get(3)?, &(task.state == TaskState::Draining))?)
}

fn approval(row: &Row<'_>, known: &Known) -> Result<(), Wrong> {
    let approval = approvals::read(row)?;
    let (state, at) = approvals::searched(&approval);
    same("id", &row.get(2)?, approval.id.as_bytes())?;
    same("project", known.project(row.get(3)?), approval.scope.project.as_str())?;
    same("stage", known.word(row.get(4)?), approval.scope.stage.as_str())?;
    same("service", known.word(row.get(5)?), approval.scope.service.as_str())?;
    same("context", &row.get(6)?, approval.context.as_bytes())?;
    same("state", &row.get(7)?, &i64::from(codes::approval_state(state)))?;
    Ok(same("at", &row.get(8)?, &at)?)
}

fn context(row: &Row<'_>, known: &Known) -> Result<(), Wrong> {
    let context = contexts::read(row)?;
    same("id", &row.get(2)?, context.id.as_bytes())?;
    same("project", known.project(row.get(3)?), context.project.as_str())?;
    same("name", known.word(row.get(4)?), context.name.as_str())?;
    same("state", &row.get(5)?, &i64::from(codes::context_state(context.state)))?;
    same("time", &row.get(6)?, &micros(context.time))?;
    same("service", known.word(row.get(8)?), context.service.as_str())?;
    let ended: Option<i64> = row.get(7)?;
    Ok(same("ended", &ended.is_some(), &context.state.is_final())?)
}

fn lane(row: &Row<'_>, known: &Known) -> Result<(), Wrong> {
    StageName::new(known.word(row.get(1)?)).map_err(|error| error.to_string())?;
    ServiceName::new(known.word(row.get(2)?)).map_err(|error| error.to_string())?;
    row.get::<_, Option<[u8; 16]>>(3)?;
    Ok(())
}

fn lane_queue(row: &Row<'_>, _: &Known) -> Result<(), Wrong> {
    let queue: i64 = row.get(1)?;
    row.get::<_, [u8; 16]>(3)?;
    if matches!(queue, 0 | 1) { Ok(()) } else { Err(Wrong(format!("{queue} is no queue"))) }
}

fn deployed(row: &Row<'_>, _: &Known) -> Result<(), Wrong> {
    body::<Vec<Deployed>>(row, 1, String::new)?;
    Ok(())
}

fn with_id(row: &Row<'_>, _: &Known) -> Result<(), Wrong> {
    row.get::<_, [u8; 16]>(1)?;
    Ok(())
}

fn flag(row: &Row<'_>, _: &Known) -> Result<(), Wrong> {
    let cancelled: i64 = row.get(1)?;
    if matches!(cancelled, 0 | 1) {
        return Ok(());
    }
    Err(Wrong(format!("it is cancelled {cancelled} times")))
}

fn timer(row: &Row<'_>, _: &Known) -> Result<(), Wrong> {
    timers::read_key(row.get(1)?, row.get(0)?)?;
    time(row.get(2)?, "")?;
    Ok(())
}

fn deferred(row: &Row<'_>, _: &Known) -> Result<(), Wrong> {
    body::<FollowOn>(row, 1, String::new)?;
    body::<Principal>(row, 2, String::new)?;
    Ok(())
}

fn quarantine(row: &Row<'_>, _: &Known) -> Result<(), Wrong> {
    deferred::read(row)?;
    Ok(())
}

fn latest_event(row: &Row<'_>, known: &Known) -> Result<(), Wrong> {
    if !known.has_project(row.get(0)?) {
        return Err(Wrong("its project is not there".to_owned()));
    }
    StageName::new(known.word(row.get(1)?)).map_err(|error| error.to_string())?;
    ServiceName::new(known.word(row.get(2)?)).map_err(|error| error.to_string())?;
    if known.word(row.get(3)?).is_empty() {
        return Err(Wrong("it has no type".to_owned()));
    }
    row.get::<_, [u8; 16]>(4)?;
    row.get::<_, [u8; 16]>(5)?;
    time(row.get(6)?, "")?;
    Ok(())
}

fn intent(row: &Row<'_>, _: &Known) -> Result<(), Wrong> {
    let intent: Intent = body(row, 1, String::new)?;
    if let Some(principal) = row.get::<_, Option<String>>(3)? {
        parsed::<Principal>(&principal)?;
    }
    Ok(same("project", row.get::<_, String>(2)?.as_str(), intent.project().as_str())?)
}

fn idempotency(row: &Row<'_>, _: &Known) -> Result<(), Wrong> {
    row.get::<_, [u8; 32]>(0)?;
    time(row.get(1)?, "")?;
    row.get::<_, [u8; 32]>(2)?;
    row.get::<_, String>(3)?;
    Ok(())
}

fn session(row: &Row<'_>, _: &Known) -> Result<(), Wrong> {
    row.get::<_, [u8; 32]>(0)?;
    body::<Principal>(row, 1, String::new)?;
    time(row.get(2)?, "")?;
    Ok(())
}

fn sign_in(row: &Row<'_>, _: &Known) -> Result<(), Wrong> {
    row.get::<_, [u8; 32]>(0)?;
    PrincipalName::new(&row.get::<_, String>(1)?).map_err(|error| error.to_string())?;
    time(row.get(2)?, "")?;
    Ok(())
}

fn token(row: &Row<'_>, _: &Known) -> Result<(), Wrong> {
    tokens::read(row).map_err(|error| error.to_string())?;
    Ok(())
}

fn integration(row: &Row<'_>, _: &Known) -> Result<(), Wrong> {
    integrations::read(row)?;
    Ok(())
}

fn stood_down(row: &Row<'_>, _: &Known) -> Result<(), Wrong> {
    let part: i64 = row.get(1)?;
    if BuiltIn::of_code(part).is_none() {
        return Err(Wrong(format!("{part} is no part of Tidegate")));
    }
    if row.get::<_, String>(2)?.is_empty() {
        return Err(Wrong("it names no integration".to_owned()));
    }
    Ok(())
}
