//! Before the end: what runs may finish.

use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use tidegate_core::names::EventId;
use tidegate_core::sequence::ExecutionState;
use tidegate_engine::Engine;
use tidegate_integrations::jobs::{ExecutorConfig, ImageMap, ProcessExecutor};
use tidegate_store::{PAGE_MAX, SequenceFilter};

use super::lookout::{change, is_under_way};
use super::project::project;

/// How long a job may take to end by itself, and then how long to obey. The demo's jobs take a
/// fraction of a second.
const PATIENCE: Duration = Duration::from_secs(15);

/// Waits until no task of the demo runs; stops what takes too long. What waits for a person waits on.
pub(super) async fn settle(engine: &Engine, jobs: &Path) -> anyhow::Result<()> {
    if let Ok(rest) = tokio::time::timeout(PATIENCE, rest(engine)).await {
        return rest;
    }
    // Executors over one directory agree about every job, so this one may stop what the server's
    // has started.
    let executor = ProcessExecutor::open(ExecutorConfig {
        directory: jobs.to_owned(),
        supervisor: Vec::new(),
        images: ImageMap::default(),
        output_max: 0,
        grace: Duration::ZERO,
    })
    .context("cannot stop the jobs that run")?;
    for task in running(engine).await? {
        executor.cancel(task).context("cannot stop a job")?;
    }
    let ended = tokio::time::timeout(PATIENCE, rest(engine)).await;
    ended.context("a task does not end; the demo stops without it")?
}

async fn rest(engine: &Engine) -> anyhow::Result<()> {
    let mut commits = engine.commits();
    while !running(engine).await?.is_empty() {
        change(&mut commits).await?;
    }
    Ok(())
}

/// The tasks that somebody works on.
async fn running(engine: &Engine) -> anyhow::Result<Vec<EventId>> {
    let tasks = engine.read(|reader| {
        let mut tasks = Vec::new();
        let (name, all) = (project(), SequenceFilter::default());
        if reader.project(&name)?.is_none() {
            return Ok(tasks);
        }
        let deliveries = reader.sequences(&name, &all, 0, Some(PAGE_MAX))?.items;
        for delivery in deliveries.iter().filter(|delivery| is_under_way(delivery)) {
            for summary in reader.executions(&name, delivery.id)? {
                if let ExecutionState::Running { task } = summary.execution.state {
                    tasks.push(task);
                }
            }
        }
        Ok(tasks)
    });
    tasks.await.context("cannot see what runs")
}
