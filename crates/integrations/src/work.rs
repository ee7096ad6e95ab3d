//! Working through deliveries.

mod turns;

use std::collections::HashMap;
use std::sync::Arc;

use tidegate_core::event::Event;
use tidegate_core::uniform::{Mode, Policy};
use tidegate_store::DeliveryRow;
use tokio::task::JoinSet;
use tokio_util::task::AbortOnDropHandle;
use tracing::Instrument as _;

use crate::outbox::Outbox;
use turns::Turns;

/// A part of Tidegate that answers what is handed to it.
pub(crate) trait Service: Send + Sync + 'static {
    /// Events that it works on at a time. Of one project it is at most half as many.
    const PLACES: usize;

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
        let working = work_through(outbox, S::PLACES, work);
        Self(AbortOnDropHandle::new(tokio::spawn(working)))
    }

    /// Takes up nothing more. What is under way is taken up again by the next start.
    pub(crate) async fn stop(self) {
        self.0.abort();
        // Aborted is how it shall end.
        drop(self.0.await);
    }
}

/// Works on at most `places` deliveries at a time, until the future is dropped. One is done when its work has
/// come to an end; whatever was not done is handed out again by the next start.
async fn work_through<F: Future<Output = ()> + Send + 'static>(
    outbox: Arc<Outbox>,
    places: usize,
    work: impl Fn(DeliveryRow) -> F,
) {
    let mut turns = Turns::of(places);
    let mut working = JoinSet::new();
    let mut whose = HashMap::new();
    let start = |row: DeliveryRow, working: &mut JoinSet<()>| {
        // Every line of the log within it says whose work it is.
        let span = tracing::info_span!(
            "work", project = %row.project, sequence.context = %row.event.context,
            event.r#type = %row.event.kind, event.id = %row.event.id
        );
        let (outbox, delivery) = (Arc::clone(&outbox), row.id);
        let work = work(row);
        let working_on = async move {
            work.await;
            outbox.done(delivery).await;
        };
        working.spawn(working_on.instrument(span)).id()
    };
    loop {
        tokio::select! {
            row = outbox.next() => {
                let project = row.project.clone();
                if turns.arrived(&project, row.id) {
                    whose.insert(start(row, &mut working), project);
                }
            }
            Some(ended) = working.join_next_with_id() => {
                let task = match ended {
                    Ok((task, ())) => task,
                    Err(error) => {
                        tracing::error!(%error, "work on an event failed; it is taken up again at the next start");
                        error.id()
                    }
                };
                if let Some(project) = whose.remove(&task) {
                    turns.ended(&project);
                }
                while let Some((project, delivery)) = turns.next() {
                    match outbox.again(delivery).await {
                        Some(row) => {
                            whose.insert(start(row, &mut working), project);
                        }
                        None => turns.ended(&project),
                    }
                }
            }
        }
    }
}
