//! The questions of readers, each one transaction.

use jiff::Timestamp;
use rusqlite::Connection;
use tidegate_core::approval::Approval;
use tidegate_core::audit::{Chain, Entry, SignedCheckpoint};
use tidegate_core::built_in::BuiltIn;
use tidegate_core::event::{Event, Scope};
use tidegate_core::names::{
    ContextId, EventId, ExecutionId, ProjectName, ServiceName, StageName, TaskName,
};
use tidegate_core::sequence::{Context, Deployed, Execution, LatestEvent, Queue, Resolve};
use tidegate_core::uniform::{IntegrationId, Record, StoodDown};

use crate::audit::AuditHead;
use crate::census::Census;
use crate::contract::StoreError;
use crate::overview::{
    self, Environment, EnvironmentFilter, ProjectOverview, ProjectsFilter, Versions,
};
use crate::query::{
    ApprovalFilter, ApprovalState, EventFilter, ExecutionFilter, ExecutionSummary, LineRow, LogRow,
    OpenEventFilter, PAGE_MAX, Page, Reader, SequenceFilter, ServiceRow,
};
use crate::rows::{
    DeliveryRow, Intent, ProjectRow, QuarantineRow, SessionRow, SignInRow, TimerRow, TokenRow,
};
use crate::search::{Found, SequenceSearch, Start};

use super::keys::ProjectId;
use super::overview::Snapshot;
use super::pool::SqliteReaders;
use super::tally::{self, Tally};
use super::{
    approvals, audit, census, contexts, deferred, executions, integrations, lanes, latest, log,
    outbox, people, plans, projects, sagas, tasks, timers, tokens,
};

impl SqliteReaders {
    /// Asks within a project; where there is no such project, the answer is `none`.
    fn within<T>(
        &self,
        project: &ProjectName,
        none: T,
        ask: impl FnOnce(&Connection, ProjectId) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.read(|connection| match projects::id(connection, project)? {
            Some(id) => ask(connection, id),
            None => Ok(none),
        })
    }
}

impl Reader for SqliteReaders {
    fn projects(&self, offset: u64, limit: u64) -> Result<Page<ProjectRow>, StoreError> {
        self.read(|connection| projects::all(connection, (offset, limit)))
    }

    fn project(&self, name: &ProjectName) -> Result<Option<ProjectRow>, StoreError> {
        self.read(|connection| projects::one(connection, name))
    }

    fn services(&self, project: &ProjectName) -> Result<Vec<ServiceRow>, StoreError> {
        self.within(project, Vec::new(), projects::services)
    }

    fn deployed(
        &self,
        project: &ProjectName,
        stage: &StageName,
        service: &ServiceName,
    ) -> Result<Vec<Deployed>, StoreError> {
        self.within(project, Vec::new(), |connection, project| {
            lanes::deployed(connection, project, stage, service)
        })
    }

    fn events(
        &self,
        filter: &EventFilter,
        offset: u64,
        limit: u64,
    ) -> Result<Page<LogRow>, StoreError> {
        self.read(|connection| log::page(connection, filter, (offset, limit)))
    }

    fn trace(
        &self,
        project: &ProjectName,
        context: ContextId,
        limit: u64,
    ) -> Result<Vec<LogRow>, StoreError> {
        self.within(project, Vec::new(), |connection, project| {
            log::trace(connection, project, context, limit)
        })
    }

    fn log_behind(
        &self,
        project: &ProjectName,
        after: u64,
        limit: u64,
    ) -> Result<Vec<LogRow>, StoreError> {
        self.within(project, Vec::new(), |connection, project| {
            log::behind(connection, project, after, limit)
        })
    }

    fn log_heads(&self) -> Result<Vec<(ProjectName, u64)>, StoreError> {
        self.read(log::heads)
    }

    fn event(&self, id: EventId) -> Result<Option<(ProjectName, LogRow)>, StoreError> {
        self.read(|connection| log::by_id(connection, id))
    }

    fn said_of(
        &self,
        project: &ProjectName,
        task: &TaskName,
        triggers: &[EventId],
    ) -> Result<Vec<LogRow>, StoreError> {
        self.within(project, Vec::new(), |connection, project| {
            log::said(connection, project, task, triggers)
        })
    }

    fn open_events(
        &self,
        filter: &OpenEventFilter,
        offset: u64,
        limit: u64,
    ) -> Result<Page<Event>, StoreError> {
        self.read(|connection| outbox::open_events(connection, filter, (offset, limit)))
    }

    fn sequences(
        &self,
        project: &ProjectName,
        filter: &SequenceFilter,
        offset: u64,
        limit: Option<u64>,
    ) -> Result<Page<Context>, StoreError> {
        let page = (offset, limit.unwrap_or(PAGE_MAX));
        self.within(project, Page::empty(), |connection, project| {
            contexts::page(connection, project, filter, page)
        })
    }

    fn search(
        &self,
        project: &ProjectName,
        search: &SequenceSearch,
        keep: &dyn Fn(&Context) -> bool,
        start: Start,
        limit: u64,
    ) -> Result<Found, StoreError> {
        let none = Found { items: Vec::new(), more: None, searched: 0, is_cut: false };
        self.within(project, none, |connection, project| {
            contexts::search(connection, project, search, keep, (start, limit.min(PAGE_MAX)))
        })
    }

    fn sequence_count(&self, project: &ProjectName, max: u64) -> Result<u64, StoreError> {
        self.within(project, 0, |connection, project| {
            Ok(tally::total(connection, Some(project), Tally::Contexts)?.min(max))
        })
    }

    fn line(&self, lane: &Scope, queue: Queue, position: u64) -> Result<LineRow, StoreError> {
        self.within(&lane.project, LineRow::default(), |connection, project| {
            lanes::line(connection, project, lane, queue, position)
        })
    }

    fn executions(
        &self,
        project: &ProjectName,
        context: ContextId,
    ) -> Result<Vec<ExecutionSummary>, StoreError> {
        self.within(project, Vec::new(), |connection, project| {
            let executions = executions::of_context(connection, project, context)?.into_iter();
            executions.map(|execution| summary(connection, project, execution)).collect()
        })
    }

    fn execution(
        &self,
        project: &ProjectName,
        id: ExecutionId,
    ) -> Result<Option<Execution>, StoreError> {
        self.within(project, None, |connection, project| {
            let plan = |id| plans::read(connection, id);
            executions::by_id(connection, project, id, &plan)
        })
    }

    fn approvals(
        &self,
        filter: &ApprovalFilter,
        offset: u64,
        limit: u64,
    ) -> Result<Page<Approval>, StoreError> {
        self.read(|connection| approvals::page(connection, filter, (offset, limit)))
    }

    fn newest_approvals(
        &self,
        scope: &Scope,
        state: ApprovalState,
        limit: u64,
    ) -> Result<Vec<Approval>, StoreError> {
        self.read(|connection| approvals::newest(connection, scope, state, limit))
    }

    fn approval(&self, id: EventId) -> Result<Option<Approval>, StoreError> {
        self.read(|connection| approvals::by_id(connection, id))
    }

    fn session(&self, digest: &[u8; 32], now: Timestamp) -> Result<Option<SessionRow>, StoreError> {
        self.read(|connection| people::session(connection, digest, now))
    }

    fn tokens(&self) -> Result<Vec<TokenRow>, StoreError> {
        self.read(tokens::all)
    }

    fn integrations(&self) -> Result<Vec<Record>, StoreError> {
        self.read(integrations::all)
    }

    fn integration(&self, id: &IntegrationId) -> Result<Option<Record>, StoreError> {
        self.read(|connection| integrations::one(connection, id))
    }

    fn stood_down(
        &self,
        project: &ProjectName,
        context: ContextId,
    ) -> Result<Vec<StoodDown>, StoreError> {
        self.within(project, Vec::new(), |connection, id| {
            integrations::stood_down(connection, project, id, context)
        })
    }

    fn sign_in(&self, digest: &[u8; 32], now: Timestamp) -> Result<Option<SignInRow>, StoreError> {
        self.read(|connection| people::sign_in(connection, digest, now))
    }

    fn deliveries(
        &self,
        to: BuiltIn,
        after: i64,
        limit: u64,
    ) -> Result<Vec<DeliveryRow>, StoreError> {
        self.read(|connection| outbox::deliveries(connection, to, after, limit))
    }

    fn intents(&self) -> Result<Vec<(i64, Intent)>, StoreError> {
        self.read(sagas::open)
    }

    fn unresolved(&self, limit: u64) -> Result<Vec<Resolve>, StoreError> {
        self.read(|connection| executions::unresolved(connection, limit))
    }

    fn timers(&self, expiries: bool, limit: u64) -> Result<Vec<TimerRow>, StoreError> {
        self.read(|connection| timers::next(connection, expiries, limit))
    }

    fn has_deferred(&self) -> Result<bool, StoreError> {
        self.read(deferred::any)
    }

    fn quarantined(&self, offset: u64, limit: u64) -> Result<Page<QuarantineRow>, StoreError> {
        self.read(|connection| deferred::quarantined(connection, (offset, limit)))
    }

    fn latest_events(
        &self,
        project: &ProjectName,
        stage: &StageName,
        service: &ServiceName,
    ) -> Result<Vec<LatestEvent>, StoreError> {
        let (project, stage, service) = (project.clone(), stage.clone(), service.clone());
        let scope = Scope { project, stage, service };
        self.read(|connection| latest::of(connection, &scope))
    }

    fn audit(&self, chain: &Chain, from: u64, limit: u64) -> Result<Vec<Entry>, StoreError> {
        self.read(|connection| audit::page(connection, chain, from, limit))
    }

    fn audit_head(&self, chain: &Chain) -> Result<Option<AuditHead>, StoreError> {
        self.read(|connection| audit::head(connection, chain))
    }

    fn audit_heads(&self, offset: u64, limit: u64) -> Result<Page<AuditHead>, StoreError> {
        self.read(|connection| audit::heads(connection, (offset, limit)))
    }

    fn audit_checkpoints(
        &self,
        chain: &Chain,
        from: u64,
        limit: u64,
    ) -> Result<Vec<SignedCheckpoint>, StoreError> {
        self.read(|connection| audit::checkpoints(connection, chain, from, limit))
    }

    fn environment(
        &self,
        project: &ProjectName,
        filter: &EnvironmentFilter,
        offset: u64,
        limit: u64,
    ) -> Result<Option<Environment>, StoreError> {
        self.read(|connection| {
            overview::environment(&Snapshot(connection), project, filter, (offset, limit))
        })
    }

    fn overview(
        &self,
        filter: &ProjectsFilter,
        offset: u64,
        limit: u64,
    ) -> Result<Page<ProjectOverview>, StoreError> {
        self.read(|connection| overview::projects(&Snapshot(connection), filter, (offset, limit)))
    }

    fn versions(&self, part: &str, offset: u64, limit: u64) -> Result<Versions, StoreError> {
        self.read(|connection| overview::versions(&Snapshot(connection), part, (offset, limit)))
    }

    fn census(&self, now: Timestamp) -> Result<Census, StoreError> {
        self.read(|connection| census::take(connection, now))
    }

    fn all_executions(
        &self,
        project: &ProjectName,
        filter: &ExecutionFilter,
        offset: u64,
        limit: u64,
    ) -> Result<Page<ExecutionSummary>, StoreError> {
        self.within(project, Page::empty(), |connection, project| {
            executions::page(connection, project, filter, (offset, limit))?
                .try_map(|execution| summary(connection, project, execution))
        })
    }
}

/// An execution with its open task.
fn summary(
    connection: &Connection,
    project: ProjectId,
    execution: Execution,
) -> Result<ExecutionSummary, StoreError> {
    let open = tasks::of_execution(connection, project, &execution)?;
    Ok(ExecutionSummary { execution, open })
}
