//! A store made of maps.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::approval::{Approval, Subject};
use crate::audit::AuditRecord;
use crate::event::{EventType, Scope};
use crate::names::{CommitId, ContextId, EventId, ExecutionId, ProjectName};
use crate::sequence::{
    Change, Context, ContextState, Delivery, Deployed, Effects, Execution, LaneHead, LatestEvent,
    LogEntry, OpenEvent, ProjectHead, Queue, Queued, StageState, Task, Timer, View, ViewError,
};
use crate::shipyard::Shipyard;
use crate::uniform::{Record, StoodDown};

/// Everything that the inputs of one project have made.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Rows {
    /// What stood in the repository, by commit, as far as it was read.
    pub(super) shipyards: BTreeMap<CommitId, Arc<Shipyard>>,
    /// The newest shipyard that is known.
    pub(super) known: Option<(CommitId, Arc<Shipyard>)>,
    pub(super) log: Vec<LogEntry>,
    /// What is kept of projects that do not exist.
    pub(super) unmapped: Vec<LogEntry>,
    pub(super) contexts: BTreeMap<ContextId, Context>,
    pub(super) executions: BTreeMap<ExecutionId, Execution>,
    pub(super) tasks: BTreeMap<EventId, Task>,
    pub(super) approvals: BTreeMap<EventId, Approval>,
    pub(super) open: BTreeMap<EventId, OpenEvent>,
    pub(super) timers: BTreeMap<Timer, Timestamp>,
    pub(super) latest: BTreeMap<(Scope, EventType), LatestEvent>,
    pub(super) audit: Vec<AuditRecord>,
    pub(super) delivered: Vec<Delivery>,
    pub(super) cancelled: Vec<EventId>,
    pub(super) sli_provider: Option<String>,
    pub(super) holders: BTreeMap<Scope, ExecutionId>,
    pub(super) queues: BTreeMap<(Scope, Queue, u64), ExecutionId>,
    pub(super) deployed: BTreeMap<Scope, Vec<Deployed>>,
    pub(super) integrations: Vec<Record>,
    pub(super) stood_down: Vec<StoodDown>,
}

impl View for Rows {
    fn project(&self, name: &ProjectName) -> Result<Option<ProjectHead>, ViewError> {
        let head = |log: &[LogEntry], shipyard| ProjectHead { last: log.len() as u64, shipyard };
        Ok(if *name == "tour" {
            Some(head(&self.log, self.known.clone()))
        } else {
            name.is_unmapped().then(|| head(&self.unmapped, None))
        })
    }

    fn context(&self, _: &ProjectName, id: ContextId) -> Result<Option<Context>, ViewError> {
        Ok(self.contexts.get(&id).cloned())
    }

    fn lane(&self, lane: &Scope) -> Result<LaneHead, ViewError> {
        Ok(LaneHead {
            holder: self.holders.get(lane).copied(),
            ready: self.first(lane, Queue::Ready),
            waiting: self.first(lane, Queue::Waiting),
            deployed: self.deployed.get(lane).cloned().unwrap_or_default(),
        })
    }

    fn execution(&self, _: &ProjectName, id: ExecutionId) -> Result<Option<Execution>, ViewError> {
        Ok(self.executions.get(&id).cloned())
    }

    fn open_executions(
        &self,
        _: &ProjectName,
        context: ContextId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<Execution>, ViewError> {
        let mut open: Vec<_> = self.under_way(context).filter(|e| e.position > after).collect();
        open.sort_by_key(|execution| execution.position);
        Ok(open.into_iter().take(limit).cloned().collect())
    }

    fn task(&self, _: &ProjectName, id: EventId) -> Result<Option<Task>, ViewError> {
        Ok(self.tasks.get(&id).cloned())
    }

    fn approval(&self, _: &ProjectName, id: EventId) -> Result<Option<Approval>, ViewError> {
        Ok(self.approvals.get(&id).cloned())
    }

    fn integrations(&self) -> Result<Arc<[Record]>, ViewError> {
        Ok(self.integrations.as_slice().into())
    }
}

impl Rows {
    fn first(&self, lane: &Scope, queue: Queue) -> Option<Queued> {
        let all = (lane.clone(), queue, 0)..=(lane.clone(), queue, u64::MAX);
        let ((_, _, position), execution) = self.queues.range(all).next()?;
        Some(Queued { position: *position, execution: *execution })
    }

    /// The executions of a context that are not final.
    pub(super) fn under_way(&self, context: ContextId) -> impl Iterator<Item = &Execution> {
        let of = move |execution: &&Execution| execution.context == context;
        self.executions.values().filter(of).filter(|execution| !execution.state.is_final())
    }

    /// Takes over what a step has changed.
    pub(super) fn apply(&mut self, effects: Effects) {
        for entry in effects.log {
            let log = if entry.project.is_unmapped() { &mut self.unmapped } else { &mut self.log };
            assert_eq!(entry.n, log.len() as u64 + 1, "the log has no gaps");
            log.push(entry);
        }
        for change in effects.changes {
            self.change(change);
        }
        self.audit.extend(effects.audit);
    }

    fn change(&mut self, change: Change) {
        match change {
            Change::SliProvider(_, provider) => self.sli_provider = Some(provider),
            Change::Snapshot { commit, .. } => {
                let shipyard = Arc::clone(&self.shipyards[&commit]);
                self.known = Some((commit, shipyard));
            }
            Change::Execution(row) => drop(self.executions.insert(row.id, *row)),
            Change::Task(_, row) => drop(self.tasks.insert(row.id, *row)),
            Change::Approval(row) => drop(self.approvals.insert(row.id, *row)),
            Change::Context(row) => drop(self.contexts.insert(row.id, *row)),
            Change::Holder(lane, Some(holder)) => {
                let before = self.holders.insert(lane, holder);
                assert_eq!(before, None, "a lane has at most one holder");
            }
            Change::Holder(lane, None) => drop(self.holders.remove(&lane)),
            Change::Join(lane, queue, position, id) => {
                let before = self.queues.insert((lane, queue, position), id);
                assert_eq!(before, None, "a place in a queue has room for one");
            }
            Change::Leave(lane, queue, position) => {
                let left = self.queues.remove(&(lane, queue, position));
                assert!(left.is_some(), "who leaves a queue was in it");
            }
            Change::Deployed(lane, rows) => drop(self.deployed.insert(lane, rows)),
            Change::Open(row) => {
                let before = self.open.insert(row.id, row);
                assert_eq!(before, None, "an event is opened once");
            }
            Change::Closed(_, id) => drop(self.open.remove(&id)),
            Change::Deliver(delivery) => self.delivered.push(delivery),
            Change::StoodDown(row) => self.stood_down.push(row),
            Change::CancelJobs(_, id) => self.cancelled.push(id),
            Change::Timer(_, timer, due) => drop(self.timers.insert(timer, due)),
            Change::TimerGone(_, timer) => drop(self.timers.remove(&timer)),
            Change::Latest(row) => {
                drop(self.latest.insert((row.scope.clone(), row.kind.clone()), row));
            }
        }
    }

    /// What a voter sees of an approval now.
    pub(super) fn subject(&self, approval: EventId) -> Subject {
        let approval = &self.approvals[&approval];
        let deployed = self.deployed.get(&approval.scope);
        Subject::of(approval, deployed.and_then(|rows| rows.last()))
    }

    /// The open tasks of a name, oldest first.
    pub(super) fn open_tasks(&self, task: &str) -> Vec<EventId> {
        let kind = EventType::new(&format!("sh.keptn.event.{task}.triggered"));
        let mut found: Vec<_> = self.open.values().filter(|open| open.kind == kind).collect();
        found.sort_by_key(|open| open.n);
        found.into_iter().map(|open| open.id).collect()
    }

    /// The one open task of a name.
    pub(super) fn open_task(&self, task: &str) -> EventId {
        let all = self.open_tasks(task);
        assert_eq!(all.len(), 1, "one open {task} among {:?}", self.open.values());
        all[0]
    }

    /// The entries of a type, shortened: `qa.delivery.triggered`.
    pub(super) fn events(&self, kind: &str) -> Vec<&LogEntry> {
        let kind = format!("sh.keptn.event.{kind}");
        self.log.iter().filter(|entry| entry.event.kind.as_str() == kind).collect()
    }

    /// The types of a context's events, shortened.
    pub(super) fn story(&self, context: ContextId) -> Vec<String> {
        let of = self.log.iter().filter(|entry| entry.event.context == context);
        of.map(|entry| entry.event.kind.as_str()["sh.keptn.event.".len()..].to_owned()).collect()
    }

    pub(super) fn state(&self, context: ContextId) -> ContextState {
        self.contexts[&context].state
    }

    /// A stage of a context's summary.
    pub(super) fn stage(&self, context: ContextId, stage: &str) -> &StageState {
        let stages = &self.contexts[&context].stages;
        stages.iter().find(|known| known.name.as_str() == stage).unwrap()
    }

    /// The newest execution of a context in a stage.
    pub(super) fn run(&self, context: ContextId, stage: &str) -> &Execution {
        let of = |execution: &&Execution| {
            execution.context == context && execution.scope.stage.as_str() == stage
        };
        self.executions.values().filter(of).max_by_key(|execution| execution.position).unwrap()
    }

    /// The context of the one open task of a name.
    pub(super) fn whose(&self, task: &str) -> ContextId {
        self.open[&self.open_task(task)].context
    }

    /// The data of the newest event of a type.
    pub(super) fn data(&self, kind: &str) -> &Map<String, Value> {
        &self.events(kind).pop().unwrap().event.data
    }
}
