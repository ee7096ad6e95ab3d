//! The audit log: who decided, controlled or signed in, when. What is recorded here is kept for good,
//! in one hash chain per project and one for the installation.
//!
//! Invariants: an entry's hash covers its chain, its number, the entry before it and its record; texts
//! of people enter the record as salted digests only, so that they can be erased without breaking the
//! chain; the same record, seed and head give the same entry, byte for byte.

mod checkpoint;
mod entry;
mod hex;
mod seal;
#[cfg(test)]
mod tests;
mod verify;

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;

use crate::approval::Decided;
use crate::names::{
    CommitId, ContextId, EventId, NameError, ProjectName, ServiceName, StageName, TaskName,
};
use crate::principal::{Principal, PrincipalName};
use crate::sequence::Control;

pub use checkpoint::{
    Checkpoint, KeyError, PublicKey, SignatureFault, SignedCheckpoint, SigningKey,
};
pub use entry::{Entry, Hash, Link};
pub use hex::HexError;
pub use seal::Salts;
pub use verify::{Broken, Fault, Verifier};

/// One thing that somebody did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditRecord {
    /// When.
    pub at: Timestamp,
    /// Who.
    pub by: Principal,
    /// What.
    pub action: Action,
}

/// What somebody did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// An approval was decided, by a vote or by its strategy.
    Decided {
        /// The approval.
        approval: EventId,
        /// The decision that counts.
        decided: Decided,
    },
    /// A vote that came as an event had no effect.
    VoteRefused {
        /// The approval.
        approval: EventId,
        /// The event.
        event: EventId,
        /// Why.
        reason: String,
    },
    /// A context, or one stage of it, was paused, resumed or aborted.
    Controlled {
        /// What was done.
        control: Control,
        /// The context.
        context: ContextId,
        /// Only this stage.
        stage: Option<StageName>,
    },
    /// An `Idempotency-Key` came again with another request, which was refused.
    KeyReused {
        /// One word for the input that was refused.
        input: String,
        /// The answer to the request that had the key first.
        first: String,
    },
    /// The shipyard of a project was changed.
    ShipyardChanged {
        /// The commit that brought it.
        commit: CommitId,
    },
    /// A push moved a branch of a project.
    Pushed {
        /// The branch.
        branch: String,
        /// Its newest commit from then on.
        commit: CommitId,
    },
    /// A project was created.
    ProjectCreated {
        /// The project.
        project: ProjectName,
        /// The first commit of its default branch.
        commit: CommitId,
    },
    /// A project was to be created, and was not.
    ProjectUndone {
        /// The project.
        project: ProjectName,
    },
    /// A project was deleted, with all that belonged to it but this log.
    ProjectDeleted {
        /// The project.
        project: ProjectName,
    },
    /// A project was to be deleted, and was not.
    ProjectKept {
        /// The project.
        project: ProjectName,
    },
    /// A service was created.
    ServiceCreated {
        /// The service.
        service: ServiceName,
    },
    /// A service was to be created, and was not.
    ServiceUndone {
        /// The service.
        service: ServiceName,
    },
    /// A service was deleted.
    ServiceDeleted {
        /// The service.
        service: ServiceName,
    },
    /// A service was to be deleted, and was not.
    ServiceKept {
        /// The service.
        service: ServiceName,
    },
    /// The files of a project are kept elsewhere from then on, or whoever keeps them is told otherwise
    /// who we are.
    UpstreamSet {
        /// Where; without any secret.
        url: String,
    },
    /// A sign-in link was made.
    SignInLinkMade {
        /// Whom it signs in.
        person: PrincipalName,
        /// Until when it can be used.
        expires: Timestamp,
    },
    /// A token was made.
    TokenCreated {
        /// Who holds it.
        holder: Principal,
        /// The only tasks that it answers; none where it may do everything.
        tasks: Option<Vec<TaskName>>,
    },
    /// A token was revoked.
    TokenRevoked {
        /// Who held it.
        holder: Principal,
    },
    /// An integration was registered for the first time: a part of Tidegate may stand down for it from then on.
    IntegrationRegistered {
        /// Its name.
        name: String,
        /// Its namespace.
        namespace: String,
    },
    /// What an integration subscribes to was changed.
    SubscriptionChanged {
        /// Its name.
        name: String,
        /// Its namespace.
        namespace: String,
        /// The id of the subscription that was made, changed or removed.
        subscription: String,
    },
    /// An integration is not registered any more.
    IntegrationUnregistered {
        /// Its name.
        name: String,
        /// Its namespace.
        namespace: String,
    },
    /// Somebody signed in.
    SignedIn {
        /// How.
        way: SignInWay,
        /// Until when.
        expires: Timestamp,
    },
    /// Somebody signed out.
    SignedOut,
    /// Checkpoints are signed with another key from now on.
    SigningKeyChanged {
        /// The key of the newest checkpoint so far.
        from: PublicKey,
        /// The new one.
        to: PublicKey,
    },
}

/// How somebody signed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignInWay {
    /// By a one-time link.
    Link,
    /// By a token.
    Token,
}

impl SignInWay {
    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Link => "link",
            Self::Token => "token",
        }
    }
}

/// One of the hash chains.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Chain {
    /// What concerns the installation as a whole: projects and people.
    Installation,
    /// What concerns one project. A project that is created anew goes on with its chain.
    Project(ProjectName),
}

/// No project can have this name.
const INSTALLATION: &str = "_installation";

impl Chain {
    /// The chain of a project; what belongs to none goes to the installation's.
    #[must_use]
    pub fn of(project: &ProjectName) -> Self {
        if project.is_unmapped() { Self::Installation } else { Self::Project(project.clone()) }
    }

    /// Its name: that of the project, or `_installation`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Installation => INSTALLATION,
            Self::Project(project) => project.as_str(),
        }
    }
}

impl FromStr for Chain {
    type Err = NameError;
    fn from_str(text: &str) -> Result<Self, NameError> {
        if text == INSTALLATION {
            return Ok(Self::Installation);
        }
        ProjectName::new(text).map(Self::Project)
    }
}

/// "the installation", "project tour"
impl fmt::Display for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Installation => f.write_str("the installation"),
            Self::Project(project) => write!(f, "project {project}"),
        }
    }
}
