//! The questions of readers: they see what is committed.

use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use jiff::Timestamp;
use tidegate_core::approval::Approval;
use tidegate_core::audit::{Chain, Entry, SignedCheckpoint};
use tidegate_core::built_in::BuiltIn;
use tidegate_core::event::{Event, Scope};
use tidegate_core::names::{
    ContextId, EventId, ExecutionId, ProjectName, ServiceName, StageName, TaskName,
};
use tidegate_core::quality::said_of;
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
use super::table::Rows;
use super::{
    approvals, audit, census, contexts, deferred, executions, integrations, lanes, log, outbox,
    people, projects, sagas, timers, tokens,
};

/// Reads what a [`MemoryHome`](super::MemoryHome) has committed. Clones share it.
#[derive(Debug, Clone)]
pub struct MemoryReader {
    committed: Arc<RwLock<Rows>>,
}

impl MemoryReader {
    pub(super) fn new(committed: Arc<RwLock<Rows>>) -> Self {
        Self { committed }
    }

    pub(super) fn rows(&self) -> RwLockReadGuard<'_, Rows> {
        self.committed.read().unwrap_or_else(PoisonError::into_inner)
    }
}

fn at_most<T>(mut items: Vec<T>, limit: u64) -> Vec<T> {
    items.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    items
}

fn scope(project: &ProjectName, stage: &StageName, service: &ServiceName) -> Scope {
    let (project, stage, service) = (project.clone(), stage.clone(), service.clone());
    Scope { project, stage, service }
}

impl Reader for MemoryReader {
    fn projects(&self, offset: u64, limit: u64) -> Result<Page<ProjectRow>, StoreError> {
        Ok(Page::cut(projects::all(&self.rows())?, offset, limit))
    }

    fn project(&self, name: &ProjectName) -> Result<Option<ProjectRow>, StoreError> {
        projects::one(&self.rows(), name)
    }

    fn services(&self, project: &ProjectName) -> Result<Vec<ServiceRow>, StoreError> {
        projects::services(&self.rows(), project)
    }

    fn deployed(
        &self,
        project: &ProjectName,
        stage: &StageName,
        service: &ServiceName,
    ) -> Result<Vec<Deployed>, StoreError> {
        lanes::deployed(&self.rows(), &scope(project, stage, service))
    }

    fn events(
        &self,
        filter: &EventFilter,
        offset: u64,
        limit: u64,
    ) -> Result<Page<LogRow>, StoreError> {
        Ok(Page::cut(log::list(&self.rows(), filter)?, offset, limit))
    }

    fn trace(
        &self,
        project: &ProjectName,
        context: ContextId,
        limit: u64,
    ) -> Result<Vec<LogRow>, StoreError> {
        log::trace(&self.rows(), project, context, limit)
    }

    fn log_behind(
        &self,
        project: &ProjectName,
        after: u64,
        limit: u64,
    ) -> Result<Vec<LogRow>, StoreError> {
        Ok(at_most(log::behind(&self.rows(), project, after)?, limit))
    }

    fn log_heads(&self) -> Result<Vec<(ProjectName, u64)>, StoreError> {
        let rows = self.rows();
        let names = projects::all(&rows)?.into_iter().map(|row| row.name);
        let heads = names.map(|name| (name.clone(), log::last(&rows, &name)));
        Ok(heads.filter(|(_, newest)| *newest > 0).collect())
    }

    fn event(&self, id: EventId) -> Result<Option<(ProjectName, LogRow)>, StoreError> {
        log::by_id(&self.rows(), id)
    }

    fn said_of(
        &self,
        project: &ProjectName,
        task: &TaskName,
        triggers: &[EventId],
    ) -> Result<Vec<LogRow>, StoreError> {
        let mut found = Vec::new();
        for kind in said_of(task) {
            let (project, kind) = (Some(project.clone()), Some(kind));
            let filter = EventFilter { project, kind, ..EventFilter::default() };
            let rows = log::list(&self.rows(), &filter)?;
            let newest = |trigger: &EventId| {
                rows.iter().find(|row| row.event.triggered_id == Some(*trigger)).cloned()
            };
            found.extend(triggers.iter().filter_map(newest));
        }
        Ok(found)
    }

    fn open_events(
        &self,
        filter: &OpenEventFilter,
        offset: u64,
        limit: u64,
    ) -> Result<Page<Event>, StoreError> {
        Ok(Page::cut(outbox::list(&self.rows(), filter)?, offset, limit))
    }

    fn sequences(
        &self,
        project: &ProjectName,
        filter: &SequenceFilter,
        offset: u64,
        limit: Option<u64>,
    ) -> Result<Page<Context>, StoreError> {
        let found = contexts::list(&self.rows(), project, filter)?;
        Ok(Page::cut(found, offset, limit.unwrap_or(PAGE_MAX)))
    }

    fn search(
        &self,
        project: &ProjectName,
        search: &SequenceSearch,
        keep: &dyn Fn(&Context) -> bool,
        start: Start,
        limit: u64,
    ) -> Result<Found, StoreError> {
        contexts::search(&self.rows(), project, search, keep, (start, limit.min(PAGE_MAX)))
    }

    fn sequence_count(&self, project: &ProjectName, max: u64) -> Result<u64, StoreError> {
        let all = contexts::list(&self.rows(), project, &SequenceFilter::default())?;
        Ok((all.len() as u64).min(max))
    }

    fn line(&self, lane: &Scope, queue: Queue, position: u64) -> Result<LineRow, StoreError> {
        lanes::line(&self.rows(), lane, queue, position)
    }

    fn executions(
        &self,
        project: &ProjectName,
        context: ContextId,
    ) -> Result<Vec<ExecutionSummary>, StoreError> {
        let rows = self.rows();
        let found = executions::of(&rows, project, context)?;
        found.into_iter().map(|execution| executions::summary(&rows, execution)).collect()
    }

    fn execution(
        &self,
        project: &ProjectName,
        id: ExecutionId,
    ) -> Result<Option<Execution>, StoreError> {
        executions::one(&self.rows(), project, id)
    }

    fn approvals(
        &self,
        filter: &ApprovalFilter,
        offset: u64,
        limit: u64,
    ) -> Result<Page<Approval>, StoreError> {
        Ok(Page::cut(approvals::list(&self.rows(), filter)?, offset, limit))
    }

    fn newest_approvals(
        &self,
        scope: &Scope,
        state: ApprovalState,
        limit: u64,
    ) -> Result<Vec<Approval>, StoreError> {
        approvals::newest(&self.rows(), scope, state, limit)
    }

    fn approval(&self, id: EventId) -> Result<Option<Approval>, StoreError> {
        approvals::one(&self.rows(), id)
    }

    fn session(&self, digest: &[u8; 32], now: Timestamp) -> Result<Option<SessionRow>, StoreError> {
        people::session(&self.rows(), digest, now)
    }

    fn tokens(&self) -> Result<Vec<TokenRow>, StoreError> {
        tokens::all(&self.rows())
    }

    fn integrations(&self) -> Result<Vec<Record>, StoreError> {
        integrations::all(&self.rows())
    }

    fn integration(&self, id: &IntegrationId) -> Result<Option<Record>, StoreError> {
        integrations::one(&self.rows(), id)
    }

    fn stood_down(
        &self,
        project: &ProjectName,
        context: ContextId,
    ) -> Result<Vec<StoodDown>, StoreError> {
        integrations::stood_down(&self.rows(), project, context)
    }

    fn sign_in(&self, digest: &[u8; 32], now: Timestamp) -> Result<Option<SignInRow>, StoreError> {
        people::sign_in(&self.rows(), digest, now)
    }

    fn deliveries(
        &self,
        to: BuiltIn,
        after: i64,
        limit: u64,
    ) -> Result<Vec<DeliveryRow>, StoreError> {
        outbox::deliveries(&self.rows(), to, after, limit)
    }

    fn intents(&self) -> Result<Vec<(i64, Intent)>, StoreError> {
        sagas::open(&self.rows())
    }

    fn unresolved(&self, limit: u64) -> Result<Vec<Resolve>, StoreError> {
        Ok(at_most(executions::unresolved(&self.rows())?, limit))
    }

    fn audit(&self, chain: &Chain, from: u64, limit: u64) -> Result<Vec<Entry>, StoreError> {
        Ok(at_most(audit::entries(&self.rows(), chain, from)?, limit.min(PAGE_MAX)))
    }

    fn audit_head(&self, chain: &Chain) -> Result<Option<AuditHead>, StoreError> {
        audit::head(&self.rows(), chain)
    }

    fn audit_heads(&self, offset: u64, limit: u64) -> Result<Page<AuditHead>, StoreError> {
        Ok(Page::cut(audit::heads(&self.rows())?, offset, limit))
    }

    fn audit_checkpoints(
        &self,
        chain: &Chain,
        from: u64,
        limit: u64,
    ) -> Result<Vec<SignedCheckpoint>, StoreError> {
        Ok(at_most(audit::checkpoints(&self.rows(), chain, from)?, limit.min(PAGE_MAX)))
    }

    fn timers(&self, expiries: bool, limit: u64) -> Result<Vec<TimerRow>, StoreError> {
        timers::next(&self.rows(), expiries, limit)
    }

    fn has_deferred(&self) -> Result<bool, StoreError> {
        Ok(deferred::any(&self.rows()))
    }

    fn quarantined(&self, offset: u64, limit: u64) -> Result<Page<QuarantineRow>, StoreError> {
        Ok(Page::cut(deferred::quarantined(&self.rows())?, offset, limit))
    }

    fn latest_events(
        &self,
        project: &ProjectName,
        stage: &StageName,
        service: &ServiceName,
    ) -> Result<Vec<LatestEvent>, StoreError> {
        log::latest(&self.rows(), &scope(project, stage, service))
    }

    fn environment(
        &self,
        project: &ProjectName,
        filter: &EnvironmentFilter,
        offset: u64,
        limit: u64,
    ) -> Result<Option<Environment>, StoreError> {
        overview::environment(&Snapshot(&self.rows()), project, filter, (offset, limit))
    }

    fn overview(
        &self,
        filter: &ProjectsFilter,
        offset: u64,
        limit: u64,
    ) -> Result<Page<ProjectOverview>, StoreError> {
        overview::projects(&Snapshot(&self.rows()), filter, (offset, limit))
    }

    fn versions(&self, part: &str, offset: u64, limit: u64) -> Result<Versions, StoreError> {
        overview::versions(&Snapshot(&self.rows()), part, (offset, limit))
    }

    fn census(&self, now: Timestamp) -> Result<Census, StoreError> {
        census::take(&self.rows(), now)
    }

    fn all_executions(
        &self,
        project: &ProjectName,
        filter: &ExecutionFilter,
        offset: u64,
        limit: u64,
    ) -> Result<Page<ExecutionSummary>, StoreError> {
        let rows = self.rows();
        Page::cut(executions::list(&rows, project, filter)?, offset, limit)
            .try_map(|execution| executions::summary(&rows, execution))
    }
}
