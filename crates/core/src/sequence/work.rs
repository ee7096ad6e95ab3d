//! The working set of one step: rows read so far, changed so far, and what was emitted.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};

use super::context::Context;
use super::effects::{Change, Disposition, Effects, LogEntry, Refusal, Reply, Resolve};
use super::ids::Ids;
use super::input::{Env, FollowOn, Timer};
use super::record::EVALUATION;
use super::rows::{Deployed, Execution, LaneHead, LatestEvent, ProjectHead, Task, TaskState};
use super::view::View;
use crate::approval::Approval;
use crate::audit::{Action, AuditRecord};
use crate::event::{
    Event, EventType, SPEC_VERSION, Scope, SpanId, TRACEPARENT, TraceId, TraceParent,
};
use crate::names::{CommitId, ContextId, EventId, ExecutionId, ProjectName};
use crate::shipyard::Shipyard;
use crate::uniform::Record;

/// `source` of the events that Keptn's control plane made.
pub(super) const CONTROLLER: &str = "shipyard-controller";

pub(super) struct Work<'a> {
    view: &'a dyn View,
    pub(super) env: &'a Env,
    pub(super) project: ProjectName,
    /// The newest shipyard that is known; changes when this step brings a newer one.
    pub(super) shipyard: Option<(CommitId, Arc<Shipyard>)>,
    pub(super) follow_on: Vec<FollowOn>,
    pub(super) audit: Vec<AuditRecord>,
    pub(super) resolve: Option<Resolve>,
    pub(super) answer: Reply,
    ids: Ids,
    last: u64,
    log: Vec<LogEntry>,
    contexts: BTreeMap<ContextId, Context>,
    executions: BTreeMap<ExecutionId, Execution>,
    tasks: BTreeMap<EventId, Task>,
    approvals: BTreeMap<EventId, Approval>,
    lanes: BTreeMap<Scope, LaneChange>,
    timers: BTreeMap<Timer, Option<Timestamp>>,
    latest: BTreeMap<(Scope, EventType), LatestEvent>,
    changes: Vec<Change>,
}

#[derive(Default)]
struct LaneChange {
    holder: Option<Option<ExecutionId>>,
    deployed: Option<Vec<Deployed>>,
}

impl<'a> Work<'a> {
    pub(super) fn new(
        view: &'a dyn View,
        env: &'a Env,
        project: ProjectName,
        head: &ProjectHead,
    ) -> Self {
        Self {
            view,
            env,
            project,
            shipyard: head.shipyard.clone(),
            follow_on: Vec::new(),
            audit: Vec::new(),
            resolve: None,
            answer: Reply::Accepted,
            ids: Ids::new(env.now, env.seed),
            last: head.last,
            log: Vec::new(),
            contexts: BTreeMap::new(),
            executions: BTreeMap::new(),
            tasks: BTreeMap::new(),
            approvals: BTreeMap::new(),
            lanes: BTreeMap::new(),
            timers: BTreeMap::new(),
            latest: BTreeMap::new(),
            changes: Vec::new(),
        }
    }

    /// Ends the step: every changed row once, in the order of kinds and keys.
    pub(super) fn finish(self) -> Effects {
        let mut changes = Vec::new();
        for (lane, change) in self.lanes {
            if let Some(holder) = change.holder {
                changes.push(Change::Holder(lane.clone(), holder));
            }
            if let Some(deployed) = change.deployed {
                changes.push(Change::Deployed(lane, deployed));
            }
        }
        changes.extend(self.contexts.into_values().map(|row| Change::Context(Box::new(row))));
        changes.extend(self.executions.into_values().map(|row| Change::Execution(Box::new(row))));
        let project = &self.project;
        let tasks = self.tasks.into_values();
        changes.extend(tasks.map(|row| Change::Task(project.clone(), Box::new(row))));
        changes.extend(self.approvals.into_values().map(|row| Change::Approval(Box::new(row))));
        for (timer, due) in self.timers {
            changes.push(match due {
                Some(due) => Change::Timer(project.clone(), timer, due),
                None => Change::TimerGone(project.clone(), timer),
            });
        }
        changes.extend(self.latest.into_values().map(Change::Latest));
        changes.extend(self.changes);
        Effects {
            log: self.log,
            changes,
            follow_on: self.follow_on,
            audit: self.audit,
            resolve: self.resolve,
            answer: self.answer,
        }
    }

    /// The number of the newest entry in the project's log.
    pub(super) fn last(&self) -> u64 {
        self.last
    }

    pub(super) fn next_execution(&mut self) -> ExecutionId {
        ExecutionId::from(self.ids.next_uuid())
    }

    /// Appends an event to the log and returns its number.
    pub(super) fn append(
        &mut self,
        event: Event,
        disposition: Disposition,
        reason: Option<String>,
    ) -> u64 {
        self.last += 1;
        let (n, project) = (self.last, self.project.clone());
        self.log.push(LogEntry { n, project, event, disposition, reason });
        n
    }

    /// An event of ours, complete but not yet in the log.
    pub(super) fn event(&mut self, draft: Emit<'_>) -> Event {
        let mut rest = Map::new();
        rest.insert("specversion".to_owned(), Value::from("1.0"));
        rest.insert("shkeptnspecversion".to_owned(), Value::from(SPEC_VERSION));
        let id = EventId::from(self.ids.next_uuid());
        if self.env.settings.traceparent {
            // What answers an event is a part of what that event began.
            let span = SpanId::of(draft.triggered_id.unwrap_or(id));
            let parent = TraceParent { trace: TraceId::of(draft.context), span };
            rest.insert(TRACEPARENT.to_owned(), Value::from(parent.to_string()));
        }
        Event {
            id,
            kind: draft.kind,
            source: draft.source.to_owned(),
            time: self.env.now,
            context: draft.context,
            triggered_id: draft.triggered_id,
            commit: draft.commit,
            data: draft.data,
            rest,
        }
    }

    /// Makes an event and appends it to the log.
    pub(super) fn emit(&mut self, draft: Emit<'_>) -> (EventId, u64, Event) {
        let event = self.event(draft);
        let n = self.append(event.clone(), Disposition::Accepted, None);
        (event.id, n, event)
    }

    pub(super) fn change(&mut self, change: Change) {
        self.changes.push(change);
    }

    pub(super) fn context(&self, id: ContextId) -> Result<Option<Context>, Refusal> {
        match self.contexts.get(&id) {
            Some(context) => Ok(Some(context.clone())),
            None => Ok(self.view.context(&self.project, id)?),
        }
    }

    /// Changes the summary of a context that must be there.
    pub(super) fn change_context(
        &mut self,
        id: ContextId,
        change: impl FnOnce(&mut Context),
    ) -> Result<(), Refusal> {
        let mut context = self
            .context(id)?
            .ok_or_else(|| Refusal::Inconsistent(format!("context {id} has no row")))?;
        change(&mut context);
        self.put_context(context);
        Ok(())
    }

    pub(super) fn put_context(&mut self, context: Context) {
        self.contexts.insert(context.id, context);
    }

    pub(super) fn execution(&self, id: ExecutionId) -> Result<Execution, Refusal> {
        let missing = || Refusal::Inconsistent(format!("execution {id} has no row"));
        self.find_execution(id)?.ok_or_else(missing)
    }

    pub(super) fn find_execution(&self, id: ExecutionId) -> Result<Option<Execution>, Refusal> {
        match self.executions.get(&id) {
            Some(execution) => Ok(Some(execution.clone())),
            None => Ok(self.view.execution(&self.project, id)?),
        }
    }

    pub(super) fn open_executions(
        &self,
        context: ContextId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<Execution>, Refusal> {
        Ok(self.view.open_executions(&self.project, context, after, limit)?)
    }

    /// The executions that this step has changed so far.
    pub(super) fn changed(&self) -> impl Iterator<Item = &Execution> {
        self.executions.values()
    }

    pub(super) fn put_execution(&mut self, execution: Execution) {
        self.executions.insert(execution.id, execution);
    }

    pub(super) fn task(&self, id: EventId) -> Result<Option<Task>, Refusal> {
        match self.tasks.get(&id) {
            Some(task) => Ok(Some(task.clone())),
            None => Ok(self.view.task(&self.project, id)?),
        }
    }

    pub(super) fn put_task(&mut self, task: Task) {
        self.tasks.insert(task.id, task);
    }

    /// Nothing counts for the task any more. What stays is what tells a repeated answer.
    pub(super) fn end_task(&mut self, task: Task) {
        if task.name == EVALUATION {
            self.clear_timer(Timer::Unmeasured(task.id));
        }
        self.put_task(Task { finished: Vec::new(), state: TaskState::Over, ..task });
    }

    pub(super) fn approval(&self, id: EventId) -> Result<Option<Approval>, Refusal> {
        match self.approvals.get(&id) {
            Some(approval) => Ok(Some(approval.clone())),
            None => Ok(self.view.approval(&self.project, id)?),
        }
    }

    /// The integrations of the installation.
    pub(super) fn integrations(&self) -> Result<Arc<[Record]>, Refusal> {
        Ok(self.view.integrations()?)
    }

    pub(super) fn put_approval(&mut self, approval: Approval) {
        self.approvals.insert(approval.id, approval);
    }

    pub(super) fn lane(&self, lane: &Scope) -> Result<LaneHead, Refusal> {
        let mut head = self.view.lane(lane)?;
        if let Some(change) = self.lanes.get(lane) {
            if let Some(holder) = change.holder {
                head.holder = holder;
            }
            if let Some(deployed) = &change.deployed {
                head.deployed.clone_from(deployed);
            }
        }
        Ok(head)
    }

    pub(super) fn hold(&mut self, lane: &Scope, holder: ExecutionId) {
        self.lanes.entry(lane.clone()).or_default().holder = Some(Some(holder));
    }

    /// Frees the lane if this execution holds it, and lets the next one in.
    pub(super) fn release(&mut self, lane: &Scope, holder: ExecutionId) -> Result<(), Refusal> {
        if self.lane(lane)?.holder == Some(holder) {
            self.lanes.entry(lane.clone()).or_default().holder = Some(None);
            self.admit(lane.clone());
        }
        Ok(())
    }

    /// Looks, behind this step, who may enter the lane. Once for each lane.
    pub(super) fn admit(&mut self, lane: Scope) {
        let admit = FollowOn::Admit { lane };
        if !self.follow_on.contains(&admit) {
            self.follow_on.push(admit);
        }
    }

    /// The time after some time.
    pub(super) fn after(&self, wait: SignedDuration) -> Timestamp {
        self.env.now.saturating_add(wait).unwrap_or(Timestamp::MAX)
    }

    pub(super) fn set_timer(&mut self, timer: Timer, due: Timestamp) {
        self.timers.insert(timer, Some(due));
    }

    pub(super) fn clear_timer(&mut self, timer: Timer) {
        self.timers.insert(timer, None);
    }

    pub(super) fn latest(&mut self, scope: &Scope, event: &Event) {
        let (scope, kind) = (scope.clone(), event.kind.clone());
        let row = LatestEvent {
            scope: scope.clone(),
            kind: kind.clone(),
            event: event.id,
            context: event.context,
            time: event.time,
        };
        self.latest.insert((scope, kind), row);
    }

    /// Keeps for good who did what.
    pub(super) fn record(&mut self, action: Action) {
        let (at, by) = (self.env.now, self.env.principal.clone());
        self.audit.push(AuditRecord { at, by, action });
    }

    pub(super) fn set_deployed(&mut self, lane: &Scope, deployed: Vec<Deployed>) {
        self.lanes.entry(lane.clone()).or_default().deployed = Some(deployed);
    }

    /// What is left when nothing of the input counts: the event is kept with the reason.
    pub(super) fn keep(&mut self, event: &Event, disposition: Disposition, reason: String) {
        self.append(event.clone(), disposition, Some(reason.clone()));
        self.answer = Reply::Kept(reason);
    }
}

/// An event to be made.
pub(super) struct Emit<'a> {
    pub(super) kind: EventType,
    pub(super) source: &'a str,
    pub(super) context: ContextId,
    pub(super) triggered_id: Option<EventId>,
    pub(super) commit: Option<CommitId>,
    pub(super) data: Map<String, Value>,
}
