//! The audit log: who decided, controlled or signed in, when. What is recorded here is kept for good,
//! in one hash chain per project and one for the installation.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::approval::Decided;
use crate::names::{ContextId, EventId, StageName};
use crate::principal::Principal;
use crate::sequence::Control;

/// One thing that somebody did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditRecord {
    /// When.
    pub at: Timestamp,
    /// Who.
    pub by: Principal,
    /// What.
    #[serde(flatten)]
    pub action: Action,
}

/// What somebody did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "snake_case")]
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
}
