//! Before the end: what runs may finish.

use std::time::Duration;

use anyhow::Context as _;
use tidegate_core::sequence::ExecutionState;
use tidegate_engine::Engine;
use tidegate_store::{PAGE_MAX, SequenceFilter};

use super::lookout::{change, is_under_way};
use super::project::project;

/// How long a task may take to end by itself. The demo's take a fraction of a second.
const PATIENCE: Duration = Duration::from_secs(15);

/// Waits until no task of the demo runs, but not for ever. What waits for a person waits on.
pub(super) async fn settle(engine: &Engine) -> anyhow::Result<()> {
    // What takes longer is stopped with the server.
    tokio::time::timeout(PATIENCE, rest(engine)).await.unwrap_or(Ok(()))
}

async fn rest(engine: &Engine) -> anyhow::Result<()> {
    let mut commits = engine.commits();
    while is_anything_running(engine).await? {
        change(&mut commits).await?;
    }
    Ok(())
}

async fn is_anything_running(engine: &Engine) -> anyhow::Result<bool> {
    let look = engine.read(|reader| {
        let (name, all) = (project(), SequenceFilter::default());
        if reader.project(&name)?.is_none() {
            return Ok(false);
        }
        let deliveries = reader.sequences(&name, &all, 0, Some(PAGE_MAX))?.items;
        for delivery in deliveries.iter().filter(|delivery| is_under_way(delivery)) {
            let executions = reader.executions(&name, delivery.id)?;
            let runs = |state: &_| matches!(state, ExecutionState::Running { .. });
            if executions.iter().any(|summary| runs(&summary.execution.state)) {
                return Ok(true);
            }
        }
        Ok(false)
    });
    look.await.context("cannot see what runs")
}
