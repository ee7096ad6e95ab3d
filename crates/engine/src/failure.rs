//! Why something was not done.

use tidegate_core::names::{ProjectName, ServiceName};
use tidegate_core::sequence::Refusal;
use tidegate_resources::ResourceError;
use tidegate_store::StoreError;

/// Why the engine did not do what it was asked. Each edge gives it its own form.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The rules say no; the text says why.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Too much is waiting already. Nothing was accepted; the same request may succeed later.
    #[error("too many requests are waiting; try again in a moment")]
    Busy,
    /// The server is stopping. Nothing was accepted.
    #[error("the server is stopping; try again when it is back")]
    Stopping,
    /// The commit failed half-way: it may or may not be there after a restart.
    #[error("the outcome is unknown; ask before you repeat the request")]
    OutcomeUnknown,
    /// The disk is full. Nothing was written.
    #[error("the disk is full; nothing was accepted")]
    Full,
    /// The same idempotency key came with another request.
    #[error("this Idempotency-Key was used with another request; use a new key for a new request")]
    KeyReused,
    /// A fault of ours; the log holds the details under this reference.
    #[error("internal error, reference {0}")]
    Internal(String),
    /// The project exists.
    #[error("project {0} already exists")]
    ProjectExists(ProjectName),
    /// The project does not exist.
    #[error("project {0} does not exist")]
    NoProject(ProjectName),
    /// The service does not exist.
    #[error("service {1} does not exist in project {0}")]
    NoService(ProjectName, ServiceName),
    /// The service exists.
    #[error("service {1} already exists in project {0}")]
    ServiceExists(ProjectName, ServiceName),
    /// Nobody made a repository for the project.
    #[error("Error provisioning a project instance: {0}")]
    Provisioning(String),
    /// The shipyard is not valid.
    #[error("{0}")]
    Shipyard(#[from] tidegate_core::shipyard::ShipyardError),
    /// Git says no.
    #[error(transparent)]
    Resource(#[from] ResourceError),
    /// The store says no to a reader.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Failure {
    /// One word for it, of which there are few.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Refused(refusal) => match refusal {
                Refusal::NoProject(_) => "no_project",
                Refusal::NoApproval { .. } => "no_approval",
                Refusal::AlreadyDecided(_) => "already_decided",
                Refusal::Closed(_) => "closed",
                Refusal::Stale { .. } => "stale",
                Refusal::NoVoter(_) => "no_voter",
                Refusal::Blind => "blind",
                Refusal::NoReason => "no_reason",
                Refusal::Unreadable(_) | Refusal::Inconsistent(_) => "unreadable",
            },
            Self::Busy => "busy",
            Self::Stopping => "stopping",
            Self::OutcomeUnknown => "outcome_unknown",
            Self::Full => "full",
            Self::KeyReused => "key_reused",
            Self::Internal(_) => "internal",
            Self::ProjectExists(_) | Self::ServiceExists(..) => "exists",
            Self::NoProject(_) => "no_project",
            Self::NoService(..) => "no_service",
            Self::Provisioning(_) => "provisioning",
            Self::Shipyard(_) => "shipyard",
            Self::Resource(_) => "git",
            Self::Store(_) => "store",
        }
    }
}
