//! The questions of readers, each one transaction.

use jiff::Timestamp;
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

use super::overview::Snapshot;
use super::pool::PostgresReaders;
use super::session::Session;
use super::{
    approvals, audit, census, contexts, deferred, executions, integrations, lanes, latest, log,
    outbox, people, projects, sagas, tasks, timers, tokens,
};

impl Reader for PostgresReaders {
    fn projects(&self, offset: u64, limit: u64) -> Result<Page<ProjectRow>, StoreError> {
        self.read(|session| projects::all(session, (offset, limit)))
    }

    fn project(&self, name: &ProjectName) -> Result<Option<ProjectRow>, StoreError> {
        self.read(|session| projects::one(session, name))
    }

    fn services(&self, project: &ProjectName) -> Result<Vec<ServiceRow>, StoreError> {
        self.read(|session| projects::services(session, project))
    }

    fn deployed(
        &self,
        project: &ProjectName,
        stage: &StageName,
        service: &ServiceName,
    ) -> Result<Vec<Deployed>, StoreError> {
        self.read(|session| lanes::deployed(session, project, stage, service))
    }

    fn events(
        &self,
        filter: &EventFilter,
        offset: u64,
        limit: u64,
    ) -> Result<Page<LogRow>, StoreError> {
        self.read(|session| log::page(session, filter, (offset, limit)))
    }

    fn trace(
        &self,
        project: &ProjectName,
        context: ContextId,
        limit: u64,
    ) -> Result<Vec<LogRow>, StoreError> {
        self.read(|session| log::trace(session, project, context, limit))
    }

    fn log_behind(
        &self,
        project: &ProjectName,
        after: u64,
        limit: u64,
    ) -> Result<Vec<LogRow>, StoreError> {
        self.read(|session| log::behind(session, project, after, limit))
    }

    fn log_heads(&self) -> Result<Vec<(ProjectName, u64)>, StoreError> {
        self.read(log::heads)
    }

    fn event(&self, id: EventId) -> Result<Option<(ProjectName, LogRow)>, StoreError> {
        self.read(|session| log::by_id(session, id))
    }

    fn said_of(
        &self,
        project: &ProjectName,
        task: &TaskName,
        triggers: &[EventId],
    ) -> Result<Vec<LogRow>, StoreError> {
        self.read(|session| log::said(session, project, task, triggers))
    }

    fn open_events(
        &self,
        filter: &OpenEventFilter,
        offset: u64,
        limit: u64,
    ) -> Result<Page<Event>, StoreError> {
        self.read(|session| outbox::open_events(session, filter, (offset, limit)))
    }

    fn sequences(
        &self,
        project: &ProjectName,
        filter: &SequenceFilter,
        offset: u64,
        limit: Option<u64>,
    ) -> Result<Page<Context>, StoreError> {
        let page = (offset, limit.unwrap_or(PAGE_MAX));
        self.read(|session| contexts::page(session, project, filter, page))
    }

    fn search(
        &self,
        project: &ProjectName,
        search: &SequenceSearch,
        keep: &dyn Fn(&Context) -> bool,
        start: Start,
        limit: u64,
    ) -> Result<Found, StoreError> {
        let page = (start, limit.min(PAGE_MAX));
        self.read(|session| contexts::search(session, project, search, keep, page))
    }

    fn sequence_count(&self, project: &ProjectName, max: u64) -> Result<u64, StoreError> {
        self.read(|session| contexts::count(session, project, max))
    }

    fn line(&self, lane: &Scope, queue: Queue, position: u64) -> Result<LineRow, StoreError> {
        self.read(|session| lanes::line(session, lane, queue, position))
    }

    fn executions(
        &self,
        project: &ProjectName,
        context: ContextId,
    ) -> Result<Vec<ExecutionSummary>, StoreError> {
        self.read(|session| {
            let executions = executions::of_context(session, project, context)?.into_iter();
            executions.map(|execution| summary(session, project, execution)).collect()
        })
    }

    fn execution(
        &self,
        project: &ProjectName,
        id: ExecutionId,
    ) -> Result<Option<Execution>, StoreError> {
        self.read(|session| executions::by_id(session, project, id))
    }

    fn approvals(
        &self,
        filter: &ApprovalFilter,
        offset: u64,
        limit: u64,
    ) -> Result<Page<Approval>, StoreError> {
        self.read(|session| approvals::page(session, filter, (offset, limit)))
    }

    fn newest_approvals(
        &self,
        scope: &Scope,
        state: ApprovalState,
        limit: u64,
    ) -> Result<Vec<Approval>, StoreError> {
        self.read(|session| approvals::newest(session, scope, state, limit))
    }

    fn approval(&self, id: EventId) -> Result<Option<Approval>, StoreError> {
        self.read(|session| approvals::by_id(session, id))
    }

    fn session(&self, digest: &[u8; 32], now: Timestamp) -> Result<Option<SessionRow>, StoreError> {
        self.read(|session| people::session(session, digest, now))
    }

    fn tokens(&self) -> Result<Vec<TokenRow>, StoreError> {
        self.read(tokens::all)
    }

    fn integrations(&self) -> Result<Vec<Record>, StoreError> {
        self.read(integrations::all)
    }

    fn integration(&self, id: &IntegrationId) -> Result<Option<Record>, StoreError> {
        self.read(|session| integrations::one(session, id))
    }

    fn stood_down(
        &self,
        project: &ProjectName,
        context: ContextId,
    ) -> Result<Vec<StoodDown>, StoreError> {
        self.read(|session| integrations::stood_down(session, project, context))
    }

    fn sign_in(&self, digest: &[u8; 32], now: Timestamp) -> Result<Option<SignInRow>, StoreError> {
        self.read(|session| people::sign_in(session, digest, now))
    }

    fn deliveries(
        &self,
        to: BuiltIn,
        after: i64,
        limit: u64,
    ) -> Result<Vec<DeliveryRow>, StoreError> {
        self.read(|session| outbox::deliveries(session, to, after, limit))
    }

    fn intents(&self) -> Result<Vec<(i64, Intent)>, StoreError> {
        self.read(sagas::open)
    }

    fn unresolved(&self, limit: u64) -> Result<Vec<Resolve>, StoreError> {
        self.read(|session| executions::unresolved(session, limit))
    }

    fn timers(&self, expiries: bool, limit: u64) -> Result<Vec<TimerRow>, StoreError> {
        self.read(|session| timers::next(session, expiries, limit))
    }

    fn has_deferred(&self) -> Result<bool, StoreError> {
        self.read(deferred::any)
    }

    fn quarantined(&self, offset: u64, limit: u64) -> Result<Page<QuarantineRow>, StoreError> {
        self.read(|session| deferred::quarantined(session, (offset, limit)))
    }

    fn latest_events(
        &self,
        project: &ProjectName,
        stage: &StageName,
        service: &ServiceName,
    ) -> Result<Vec<LatestEvent>, StoreError> {
        let (project, stage, service) = (project.clone(), stage.clone(), service.clone());
        let scope = Scope { project, stage, service };
        self.read(|session| latest::of(session, &scope))
    }

    fn audit(&self, chain: &Chain, from: u64, limit: u64) -> Result<Vec<Entry>, StoreError> {
        self.read(|session| audit::page(session, chain, from, limit))
    }

    fn audit_head(&self, chain: &Chain) -> Result<Option<AuditHead>, StoreError> {
        self.read(|session| audit::head(session, chain))
    }

    fn audit_heads(&self, offset: u64, limit: u64) -> Result<Page<AuditHead>, StoreError> {
        self.read(|session| audit::heads(session, (offset, limit)))
    }

    fn audit_checkpoints(
        &self,
        chain: &Chain,
        from: u64,
        limit: u64,
    ) -> Result<Vec<SignedCheckpoint>, StoreError> {
        self.read(|session| audit::checkpoints(session, chain, from, limit))
    }

    fn environment(
        &self,
        project: &ProjectName,
        filter: &EnvironmentFilter,
        offset: u64,
        limit: u64,
    ) -> Result<Option<Environment>, StoreError> {
        self.read(|session| {
            overview::environment(&Snapshot(session), project, filter, (offset, limit))
        })
    }

    fn overview(
        &self,
        filter: &ProjectsFilter,
        offset: u64,
        limit: u64,
    ) -> Result<Page<ProjectOverview>, StoreError> {
        self.read(|session| overview::projects(&Snapshot(session), filter, (offset, limit)))
    }

    fn versions(&self, part: &str, offset: u64, limit: u64) -> Result<Versions, StoreError> {
        self.read(|session| overview::versions(&Snapshot(session), part, (offset, limit)))
    }

    fn census(&self, now: Timestamp) -> Result<Census, StoreError> {
        self.read(|session| census::take(session, now))
    }

    fn all_executions(
        &self,
        project: &ProjectName,
        filter: &ExecutionFilter,
        offset: u64,
        limit: u64,
    ) -> Result<Page<ExecutionSummary>, StoreError> {
        self.read(|session| {
            executions::page(session, project, filter, (offset, limit))?
                .try_map(|execution| summary(session, project, execution))
        })
    }
}

/// An execution with its open task.
fn summary(
    session: &Session,
    project: &ProjectName,
    execution: Execution,
) -> Result<ExecutionSummary, StoreError> {
    let open = tasks::of_execution(session, project, &execution)?;
    Ok(ExecutionSummary { execution, open })
}
