//! Reading what an answer depends on.

use tidegate_engine::Engine;
use tidegate_store::{Reader, StoreError};

use crate::outbox::AGAIN;

/// What the store says, however often it must be asked: without it there is no answer, and whoever waits for
/// one would wait forever. `what` begins the line of the log that says so.
pub(crate) async fn read<T: Send + 'static>(
    engine: &Engine,
    what: &str,
    ask: impl Fn(&dyn Reader) -> Result<T, StoreError> + Clone + Send + 'static,
) -> T {
    loop {
        match engine.read(ask.clone()).await {
            Ok(read) => return read,
            Err(error) => {
                tracing::error!(%error, "{what} could not be read; trying again");
                tokio::time::sleep(AGAIN).await;
            }
        }
    }
}
