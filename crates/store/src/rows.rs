//! Rows that the sequence machine does not know. Their times are kept to the microsecond.

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tidegate_core::event::Event;
use tidegate_core::names::{CommitId, ProjectName, ServiceName, StageName, TaskName};
use tidegate_core::principal::{Principal, PrincipalName};
use tidegate_core::sequence::{FollowOn, Timer};

/// A project as it is listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProjectRow {
    /// Its name.
    pub name: ProjectName,
    /// When it was created.
    pub created: Timestamp,
    /// The newest shipyard that is known, as text.
    pub shipyard: Arc<str>,
    /// The commit of the default branch that it was read from.
    pub commit: CommitId,
    /// The SLI provider that was configured for it.
    pub sli_provider: Option<String>,
}

/// A project to be created.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewProject {
    /// Its name.
    pub name: ProjectName,
    /// Its `shipyard.yaml`.
    pub shipyard: String,
    /// The stages of that file, in file order.
    pub stages: Vec<StageName>,
    /// Where its files are kept, where that is elsewhere, with sealed credentials: a text of those who
    /// keep the files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upstream: Option<String>,
}

/// Work that touches both the store and Git. Written before Git is touched, removed in the commit
/// that closes it; what is found at start is finished or undone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "intent", rename_all = "snake_case")]
pub enum Intent {
    /// Create a project.
    CreateProject(NewProject),
    /// Create a service in every stage.
    CreateService {
        /// The project.
        project: ProjectName,
        /// The service.
        service: ServiceName,
        /// The stages that get its directory.
        stages: Vec<StageName>,
    },
    /// Delete a service in every stage. What the log says of it stays.
    DeleteService {
        /// The project.
        project: ProjectName,
        /// The service.
        service: ServiceName,
        /// The stages that lose its directory.
        stages: Vec<StageName>,
    },
    /// Delete a project with all that belongs to it but the audit log. Its name can be used again.
    DeleteProject {
        /// The project.
        project: ProjectName,
    },
}

impl Intent {
    /// The project that it changes.
    #[must_use]
    pub fn project(&self) -> &ProjectName {
        match self {
            Self::CreateProject(new) => &new.name,
            Self::CreateService { project, .. }
            | Self::DeleteService { project, .. }
            | Self::DeleteProject { project } => project,
        }
    }
}

/// A session of a person in the browser.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionRow {
    /// SHA-256 of the cookie's value.
    pub digest: [u8; 32],
    /// Who is signed in.
    pub principal: Principal,
    /// Until when.
    pub expires: Timestamp,
}

/// A one-time sign-in link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignInRow {
    /// SHA-256 of the link's code.
    pub digest: [u8; 32],
    /// Who it signs in.
    pub name: PrincipalName,
    /// Until when.
    pub expires: Timestamp,
}

/// A token that was made while a server ran. The token itself is nowhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenRow {
    /// Whose it is. No two tokens have the same.
    pub name: PrincipalName,
    /// SHA-256 of the token.
    pub digest: [u8; 32],
    /// Who presents it: a person or a machine of that name.
    pub holder: Principal,
    /// The only tasks that it answers; none where it may do everything.
    pub tasks: Option<Vec<TaskName>>,
    /// When it was made.
    pub created: Timestamp,
    /// Who made it.
    pub by: Principal,
}

/// An event that waits for a part of Tidegate.
#[derive(Debug, Clone, PartialEq)]
pub struct DeliveryRow {
    /// Grows with every delivery.
    pub id: i64,
    /// The project.
    pub project: ProjectName,
    /// The whole event.
    pub event: Event,
    /// True where the task was cancelled before it was done.
    pub cancelled: bool,
}

/// A timer that is set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimerRow {
    /// When it is due.
    pub due: Timestamp,
    /// The project.
    pub project: ProjectName,
    /// Which one.
    pub timer: Timer,
}

/// A follow-on that had no room in the commit that caused it.
#[derive(Debug, Clone, PartialEq)]
pub struct Deferred {
    /// Grows with every one.
    pub id: i64,
    /// What is to be done.
    pub follow_on: FollowOn,
    /// Who is behind it.
    pub by: Principal,
}

/// An input that the machine could not step: it is kept, and nothing else came of it.
#[derive(Debug, Clone, PartialEq)]
pub struct QuarantineRow {
    /// When.
    pub at: Timestamp,
    /// Its project.
    pub project: ProjectName,
    /// One word for it.
    pub name: String,
    /// Who is behind it.
    pub by: Principal,
    /// What the caller was told to ask for.
    pub reference: String,
    /// What went wrong.
    pub cause: String,
    /// The input as JSON, the whole event included.
    pub payload: String,
}

/// The answer that was given to a request with an `Idempotency-Key`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyRow {
    /// SHA-256 of principal and key.
    pub key: [u8; 32],
    /// SHA-256 of the request.
    pub request: [u8; 32],
    /// The answer, as the edge wants to give it again.
    pub answer: String,
    /// Until when it is kept.
    pub expires: Timestamp,
}
