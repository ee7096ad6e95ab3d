//! The hello services of the demo, as a whole.

use anyhow::Context as _;

use super::project::stages;
use crate::hello::{Answer, State, answer, restore as restore_one, stop_all};

/// Adopts what still runs from a former start, and starts again what should.
pub(super) async fn restore(state: &State) -> anyhow::Result<()> {
    let state = state.clone();
    let restore = move || {
        for stage in state.stages()? {
            restore_one(&state.slot(&stage))
                .with_context(|| format!("cannot start the service in {stage} again"))?;
        }
        anyhow::Ok(())
    };
    tokio::task::spawn_blocking(restore).await?
}

/// Stops all of them.
pub(super) async fn stop(state: &State) -> anyhow::Result<()> {
    let state = state.clone();
    let stopped = tokio::task::spawn_blocking(move || stop_all(&state)).await?;
    stopped.map(drop).context("cannot stop the hello services")
}

/// What qa and production answer.
pub(super) async fn answers(state: &State) -> anyhow::Result<[Option<Answer>; 2]> {
    let state = state.clone();
    let ask = move || {
        let [qa, production] = stages();
        Ok([answer(&state.slot(&qa))?, answer(&state.slot(&production))?])
    };
    tokio::task::spawn_blocking(ask).await?
}
