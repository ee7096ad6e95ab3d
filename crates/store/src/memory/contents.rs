//! Everything that stands in the store, for those who check that its rows agree with each other. No
//! reader of the contract may see so much at once.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use tidegate_core::approval::Approval;
use tidegate_core::event::Scope;
use tidegate_core::names::{EventId, ExecutionId, ProjectName, ServiceName, StageName};
use tidegate_core::sequence::{Context, Execution, Queue, Queued, Task};

use crate::contract::StoreError;
use crate::query::LogRow;
use crate::rows::TimerRow;

use super::reader::MemoryReader;
use super::table::{Key, Rows, Table, damaged, number_of, parse};
use super::{approvals, contexts, executions, log, outbox, timers};

/// The state of all projects, as it was committed.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Contents {
    /// All executions.
    pub executions: Vec<Execution>,
    /// All tasks, in the order they were triggered.
    pub tasks: Vec<Task>,
    /// All approvals, in the order they were asked.
    pub approvals: Vec<Approval>,
    /// All contexts.
    pub contexts: Vec<Context>,
    /// Lanes that somebody holds or waits in.
    pub lanes: BTreeMap<Scope, LaneContents>,
    /// The events that are open.
    pub open: BTreeSet<EventId>,
    /// Deliveries that are not done: id and event.
    pub deliveries: BTreeMap<i64, EventId>,
    /// All timers, earliest first.
    pub timers: Vec<TimerRow>,
}

/// One lane.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct LaneContents {
    /// Who holds it.
    pub holder: Option<ExecutionId>,
    /// Who is ready to go on, the first to begin with.
    pub ready: Vec<Queued>,
    /// Who waits to start, the first to begin with.
    pub waiting: Vec<Queued>,
}

impl MemoryReader {
    /// Everything at once.
    ///
    /// # Errors
    /// A row is damaged.
    pub fn contents(&self) -> Result<Contents, StoreError> {
        let rows = self.rows();
        Ok(Contents {
            executions: executions::all(&rows)?,
            tasks: executions::all_tasks(&rows)?,
            approvals: approvals::list(&rows, &crate::ApprovalFilter::default())?,
            contexts: contexts::all(&rows)?,
            lanes: lanes(&rows)?,
            open: outbox::all_open(&rows)?,
            deliveries: outbox::all_deliveries(&rows)?,
            timers: timers::next(&rows, true, u64::MAX)?,
        })
    }

    /// The entries of a project's log behind a number, refused and repeated ones included, in order.
    ///
    /// # Errors
    /// A row is damaged.
    pub fn log(&self, project: &ProjectName, after: u64) -> Result<Vec<LogRow>, StoreError> {
        log::behind(&self.rows(), project, after)
    }

    /// A number that is the same for the same rows, within one build.
    #[must_use]
    pub fn fingerprint(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        for (table, key, text) in self.rows().every() {
            (table as u8, key, text).hash(&mut hasher);
        }
        hasher.finish()
    }
}

fn lanes(rows: &Rows) -> Result<BTreeMap<Scope, LaneContents>, StoreError> {
    let mut lanes: BTreeMap<Scope, LaneContents> = BTreeMap::new();
    for (key, text) in rows.scan(Table::Holder, &Key::new()) {
        lanes.entry(scope(key)?).or_default().holder = Some(parse(Table::Holder, key, text)?);
    }
    for (key, text) in rows.scan(Table::Queue, &Key::new()) {
        let (lane, place) = key.split_at(key.len() - 9);
        let queued =
            Queued { position: number_of(key), execution: parse(Table::Queue, key, text)? };
        let lane = lanes.entry(scope(lane)?).or_default();
        match place[0] {
            0 => lane.ready.push(queued),
            _ => lane.waiting.push(queued),
        }
    }
    Ok(lanes)
}

/// Reads the key of a lane back.
fn scope(key: &[u8]) -> Result<Scope, StoreError> {
    let text = String::from_utf8_lossy(key);
    let mut parts = text.split('\0');
    let mut part = || parts.next().unwrap_or_default();
    let (project, stage, service) =
        (ProjectName::new(part()), StageName::new(part()), ServiceName::new(part()));
    match (project, stage, service) {
        (Ok(project), Ok(stage), Ok(service)) => Ok(Scope { project, stage, service }),
        _ => Err(damaged("lane", &format!("{text:?} is no key of one"))),
    }
}

/// The number of a queue in the key of a place in it.
pub(super) fn queue_number(queue: Queue) -> u8 {
    u8::from(queue == Queue::Waiting)
}
