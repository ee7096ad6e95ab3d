//! Working through deliveries.

use std::sync::Arc;

use tidegate_core::event::Event;
use tidegate_core::uniform::{Mode, Policy};
use tidegate_store::DeliveryRow;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::task::AbortOnDropHandle;
use tracing::Instrument as _;

use crate::outbox::Outbox;

/// A part of Tidegate that answers what is handed to it.
pub(crate) trait Service: Send + Sync + 'static {
    /// Events that it works on at a time.
    const CONCURRENCY: usize;

    /// Answers an event. What was answered before a crash comes once more.
    fn take(&self, event: &Event) -> impl Future<Output = ()> + Send;
}

/// A service in the background. Dropped or stopped, it takes up nothing more.
pub(crate) struct Worker(AbortOnDropHandle<()>);

impl Worker {
    /// Takes up what is handed out from now on, that of a former run first; nothing of projects that have it
    /// off, and nothing that was given up in the meantime.
    pub(crate) fn start<S: Service>(outbox: Arc<Outbox>, policy: Policy, service: S) -> Self {
        let (policy, service) = (Arc::new(policy), Arc::new(service));
        let work = move |row: DeliveryRow| {
            let (policy, service) = (Arc::clone(&policy), Arc::clone(&service));
            async move {
                // Handed out before it was switched off.
                let is_off = policy.of(&row.project) == Mode::Off;
                if !is_off && !row.cancelled {
                    service.take(&row.event).await;
                }
            }
        };
        let working = work_through(outbox, S::CONCURRENCY, work);
        Self(AbortOnDropHandle::new(tokio::spawn(working)))
    }

    /// Takes up nothing more. What is under way is taken up again by the next start.
    pub(crate) async fn stop(self) {
        self.0.abort();
        // Aborted is how it shall end.
        drop(self.0.await);
    }
}

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
