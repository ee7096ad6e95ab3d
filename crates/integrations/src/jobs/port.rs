//! What the runner needs from the engine.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use tidegate_core::event::Scope;
use tidegate_core::names::{CommitId, ContextId, EventId};
use uuid::Uuid;

/// An event that somebody must look at: perhaps it runs a job.
#[derive(Debug, Clone)]
pub struct JobDelivery {
    /// What [`JobPort::done`] is told.
    pub id: i64,
    /// The id of the event.
    pub event_id: EventId,
    /// The context of the event.
    pub context: ContextId,
    /// The whole event as Keptn's API spells it.
    pub event: Value,
    /// Where it belongs.
    pub scope: Scope,
    /// The commit that configuration and files of the service and the stage are read at; the newest
    /// where there is none.
    pub commit: Option<CommitId>,
    /// The same for those of the project: what the sequence was resolved with.
    pub project_commit: Option<CommitId>,
    /// Whether its sequence was aborted while nobody listened: what runs is stopped, and nothing
    /// starts.
    pub cancelled: bool,
}

/// A file of the project.
#[derive(Clone, PartialEq, Eq)]
pub struct JobFile {
    /// Its path below the service's directory, without a leading slash.
    pub path: String,
    /// What it holds.
    pub content: Vec<u8>,
}

/// The engine as the runner sees it. A delivery is handed out again after a crash, so everything
/// here happens at least once; [`JobPort::started`] and [`JobPort::finished`] are made exactly-once
/// by their client id.
///
/// `started` and `finished` come back when the engine has committed them, and try again by themselves
/// until then. `done` does not wait: where a crash comes first, the delivery is handed out again.
pub trait JobPort: Send + Sync + 'static {
    /// The next delivery; waits until there is one.
    fn claim(&self) -> impl Future<Output = JobDelivery> + Send;

    /// `job/config.yaml` at the delivery's commit: of the service, else of the stage, else of the
    /// project. None where there is none.
    ///
    /// # Errors
    /// Why it could not be read, as a sentence.
    fn config(
        &self,
        delivery: &JobDelivery,
    ) -> impl Future<Output = Result<Option<String>, String>> + Send;

    /// The file of this name, or all files below the directory of this name, at the delivery's
    /// commit: of the service, else of the stage, else of the project. Empty where there is none.
    /// The name has neither a leading nor a trailing slash.
    ///
    /// # Errors
    /// Why they could not be read, as a sentence.
    fn files(
        &self,
        delivery: &JobDelivery,
        name: &str,
    ) -> impl Future<Output = Result<Vec<JobFile>, String>> + Send;

    /// A secret of the server's configuration: variables and their values.
    fn secret(&self, name: &str) -> Option<BTreeMap<String, String>>;

    /// Sends `.started` with this data, and tells whether it counts, now or since an earlier
    /// attempt. Where it does not, the task is over and nothing may run for it.
    fn started(
        &self,
        delivery: &JobDelivery,
        client_id: Uuid,
        data: Map<String, Value>,
    ) -> impl Future<Output = bool> + Send;

    /// Sends `.finished` with this data.
    fn finished(
        &self,
        delivery: &JobDelivery,
        client_id: Uuid,
        data: Map<String, Value>,
    ) -> impl Future<Output = ()> + Send;

    /// The delivery needs nothing more.
    fn done(&self, delivery: &JobDelivery) -> impl Future<Output = ()> + Send;
}
