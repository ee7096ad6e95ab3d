//! Working through deliveries.

use std::sync::Arc;

use tidegate_store::DeliveryRow;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tracing::Instrument as _;

use crate::outbox::Outbox;

/// Works on at most `concurrency` deliveries at a time, until the future is dropped. One is done when its
/// work has come to an end; whatever was not done is handed out again by the next start.
pub(crate) async fn work_through<F: Future<Output = ()> + Send + 'static>(
    outbox: Arc<Outbox>,
    concurrency: usize,
    work: impl Fn(DeliveryRow) -> F,
) {
    let places = Arc::new(Semaphore::new(concurrency));
    let mut deliveries = JoinSet::new();
    loop {
        let place = Arc::clone(&places).acquire_owned().await;
        let place = place.expect("nobody closes the semaphore");
        let row = outbox.next().await;
        while let Some(ended) = deliveries.try_join_next() {
            if let Err(error) = ended {
                tracing::error!(%error, "work on an event failed; it is taken up again at the next start");
            }
        }
        // Every line of the log within it says whose work it is.
        let span = tracing::info_span!(
            "work", project = %row.project, sequence.context = %row.event.context,
            event.r#type = %row.event.kind, event.id = %row.event.id
        );
        let (outbox, delivery) = (Arc::clone(&outbox), row.id);
        let working = work(row);
        deliveries.spawn(
            async move {
                working.await;
                outbox.done(delivery).await;
                drop(place);
            }
            .instrument(span),
        );
    }
}
