//! What is there: one look at the store and at Git.

use std::sync::Arc;

use anyhow::{Context as _, bail};
use tidegate_core::approval::Approval;
use tidegate_core::names::{ContextId, EventId};
use tidegate_core::sequence::{Context, Deployed};
use tidegate_engine::{Committed, Engine};
use tidegate_resources::{Place, ResourcePath};
use tidegate_store::{ApprovalFilter, ApprovalState, PAGE_MAX, SequenceFilter};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use super::project;

/// What there is to know about the demo's project.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// Its shipyard; none before it exists.
    pub(super) shipyard: Option<Arc<str>>,
    /// Whether the service exists.
    pub(super) service: bool,
    /// Whether every stage has a job configuration.
    pub(super) jobs: bool,
    /// What runs in production.
    pub(super) runs: Option<Deployed>,
    /// Deliveries that are on their way, those that wait for a person included.
    pub(super) under_way: Vec<Context>,
    /// The delivery of the slow version, once the gate has stopped it.
    pub(super) held: Option<ContextId>,
    /// Approvals that wait, oldest first.
    pub(super) waiting: Vec<Approval>,
    /// How many approvals there ever were.
    pub(super) asked: u64,
}

/// Looks.
pub(super) async fn look(engine: &Engine) -> anyhow::Result<Seen> {
    let mut seen = engine
        .read(|reader| {
            let (name, service) = (project::project(), project::service());
            let Some(row) = reader.project(&name)? else { return Ok(Seen::default()) };
            let runs = reader.deployed(&name, &project::production(), &service)?.pop();
            let deliveries = reader.sequences(&name, &SequenceFilter::default(), 0, None)?.items;
            let all = ApprovalFilter { project: Some(name.clone()), ..ApprovalFilter::default() };
            let open = ApprovalFilter { state: Some(ApprovalState::Open), ..all.clone() };
            let is_held = |delivery: &&Context| {
                delivery.state.is_final()
                    && delivery.labels.get("version").is_some_and(|it| it == project::SLOW)
            };
            Ok(Seen {
                held: deliveries.iter().find(is_held).map(|delivery| delivery.id),
                shipyard: Some(row.shipyard),
                service: reader.services(&name)?.iter().any(|row| row.name == service),
                jobs: false,
                runs,
                under_way: deliveries.into_iter().filter(is_under_way).collect(),
                waiting: reader.approvals(&open, 0, PAGE_MAX)?.items,
                asked: reader.approvals(&all, 0, 1)?.total,
            })
        })
        .await
        .context("cannot read the demo's project")?;
    seen.jobs = seen.service && every_stage_has_jobs(engine).await?;
    Ok(seen)
}

/// Whether something can still happen to a delivery by itself, or by a person's decision.
pub(super) fn is_under_way(delivery: &Context) -> bool {
    !delivery.state.is_final()
}

/// Where a stage's job configuration lies.
pub(super) fn job_config_path() -> ResourcePath {
    ResourcePath::new("job/config.yaml").expect("a plain path")
}

async fn every_stage_has_jobs(engine: &Engine) -> anyhow::Result<bool> {
    let repositories = engine.repositories().clone();
    let look = move || {
        project::stages().into_iter().all(|stage| {
            let place = Place::Service(stage, project::service());
            // An edited one is as good; it is the user's.
            repositories.read(&project::project(), &place, &job_config_path(), None).is_ok()
        })
    };
    Ok(tokio::task::spawn_blocking(look).await?)
}

/// Returns when something has been committed since the receiver was made or last asked.
pub(super) async fn change(commits: &mut Receiver<Committed>) -> anyhow::Result<()> {
    match commits.recv().await {
        // Behind is as good as up to date: the next look sees everything.
        Ok(_) | Err(RecvError::Lagged(_)) => Ok(()),
        Err(RecvError::Closed) => bail!("the server stopped"),
    }
}

/// One approval, whatever became of it.
pub(super) async fn approval(engine: &Engine, id: EventId) -> anyhow::Result<Option<Approval>> {
    Ok(engine.read(move |reader| reader.approval(id)).await?)
}

/// What a delivery said last when something went wrong.
pub(super) async fn complaint(engine: &Engine, delivery: ContextId) -> anyhow::Result<String> {
    let trace = engine.read(move |reader| reader.trace(&project::project(), delivery, PAGE_MAX));
    let text = |row: &tidegate_store::LogRow| {
        let failed = row.event.data.get("result").is_some_and(|result| result == "fail");
        let message = row.event.data.get("message").and_then(serde_json::Value::as_str);
        message.filter(|message| failed && !message.is_empty()).map(str::to_owned)
    };
    let said = trace.await?.iter().rev().find_map(text);
    Ok(said.unwrap_or_else(|| "it gives no reason".to_owned()))
}
