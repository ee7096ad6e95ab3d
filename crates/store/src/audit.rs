//! What the audit log keeps of a change that no step makes. Every home asks here, so that none forgets.

use tidegate_core::audit::{Action, AuditRecord, Chain, Link, SignInWay};
use tidegate_core::principal::Principal;
use tidegate_core::sequence::Env;
use tidegate_core::uniform::{Command, Outcome, Record};

use crate::contract::{Write, Written};
use crate::rows::Intent;

/// Where a chain of the audit log stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditHead {
    /// The chain.
    pub chain: Chain,
    /// Its newest entry.
    pub link: Link,
    /// The number of the newest entry that a checkpoint covers; 0 before the first checkpoint.
    pub checkpointed: u64,
}

impl Write {
    /// Whether the audit log may keep something of it.
    #[must_use]
    pub fn may_be_recorded(&self) -> bool {
        match self {
            Self::Record(..)
            | Self::Complete { .. }
            | Self::Undo { .. }
            | Self::Snapshot { .. }
            | Self::PutSession(_)
            | Self::DropSession(_)
            | Self::PutSignIn(_)
            | Self::UseSignIn { .. }
            | Self::PutToken(_)
            | Self::DropToken(_) => true,
            Self::Integration { command, .. } => match command {
                Command::Register(_)
                | Command::Unregister(_)
                | Command::Subscribe(..)
                | Command::Unsubscribe(..) => true,
                Command::Ping(_) | Command::Sweep => false,
            },
            Self::Checkpoint(_)
            | Self::Begin(..)
            | Self::DeliveryDone(_)
            | Self::Idempotency(_)
            | Self::Expire(_)
            | Self::Quarantine(_)
            | Self::DropTimer(_)
            | Self::Prune { .. }
            | Self::Forget { .. } => false,
        }
    }
}

/// A saga that a change has closed, and who began it.
pub(crate) type Closed = (Intent, Principal);

/// The record of a change, written in the same transaction. `closed` is the saga that it has closed.
/// None where nothing was done, or nobody did it.
pub(crate) fn deed(
    write: &Write,
    written: &Written,
    closed: Option<&Closed>,
    env: &Env,
) -> Option<(Chain, AuditRecord)> {
    let done = matches!(written, Written::Done);
    let (chain, by, action) = match write {
        Write::Record(chain, action) => (chain.clone(), &env.principal, (**action).clone()),
        Write::Complete { commit, .. } => {
            let (intent, by) = closed?;
            let (chain, action) = match intent {
                Intent::CreateProject(new) => {
                    let (project, commit) = (new.name.clone(), commit.clone());
                    (Chain::Installation, Action::ProjectCreated { project, commit })
                }
                Intent::CreateService { project, service, .. } => {
                    let action = Action::ServiceCreated { service: service.clone() };
                    (Chain::of(project), action)
                }
                Intent::DeleteService { project, service, .. } => {
                    let action = Action::ServiceDeleted { service: service.clone() };
                    (Chain::of(project), action)
                }
                Intent::DeleteProject { project } => {
                    let project = project.clone();
                    (Chain::Installation, Action::ProjectDeleted { project })
                }
            };
            (chain, by, action)
        }
        Write::Undo { .. } => {
            let (intent, by) = closed?;
            let (chain, action) = match intent {
                Intent::CreateProject(new) => {
                    let project = new.name.clone();
                    (Chain::Installation, Action::ProjectUndone { project })
                }
                Intent::CreateService { project, service, .. } => {
                    let action = Action::ServiceUndone { service: service.clone() };
                    (Chain::of(project), action)
                }
                Intent::DeleteService { project, service, .. } => {
                    let action = Action::ServiceKept { service: service.clone() };
                    (Chain::of(project), action)
                }
                Intent::DeleteProject { project } => {
                    let project = project.clone();
                    (Chain::Installation, Action::ProjectKept { project })
                }
            };
            (chain, by, action)
        }
        Write::Snapshot { project, commit, .. } if done => {
            let action = Action::ShipyardChanged { commit: commit.clone() };
            (Chain::of(project), &env.principal, action)
        }
        Write::PutSession(session) => {
            let (way, expires) = (SignInWay::Token, session.expires);
            (Chain::Installation, &session.principal, Action::SignedIn { way, expires })
        }
        Write::UseSignIn { .. } => {
            // Nobody was known before; who it is says the link.
            let Written::SignedIn(Some(session)) = written else { return None };
            let (way, expires) = (SignInWay::Link, session.expires);
            (Chain::Installation, &session.principal, Action::SignedIn { way, expires })
        }
        Write::DropSession(_) => (Chain::Installation, &env.principal, Action::SignedOut),
        Write::PutSignIn(link) => {
            let (person, expires) = (link.name.clone(), link.expires);
            let action = Action::SignInLinkMade { person, expires };
            (Chain::Installation, &env.principal, action)
        }
        Write::PutToken(token) if done => {
            let (holder, tasks) = (token.holder.clone(), token.tasks.clone());
            (Chain::Installation, &env.principal, Action::TokenCreated { holder, tasks })
        }
        Write::DropToken(_) => {
            let Written::TokenRevoked(token) = written else { return None };
            let holder = token.holder.clone();
            (Chain::Installation, &env.principal, Action::TokenRevoked { holder })
        }
        Write::Integration { command, .. } => {
            let action = registered(command, written)?;
            (Chain::Installation, &env.principal, action)
        }
        // A saga is recorded when it is known what has become of it. The others are nobody's deeds,
        // and a checkpoint must not ask for another one.
        Write::Begin(..)
        | Write::Snapshot { .. }
        | Write::PutToken(_)
        | Write::Checkpoint(_)
        | Write::DeliveryDone(_)
        | Write::Idempotency(_)
        | Write::Expire(_)
        | Write::Quarantine(_)
        | Write::DropTimer(_)
        | Write::Prune { .. }
        | Write::Forget { .. } => return None,
    };
    Some((chain, AuditRecord { at: env.now, by: by.clone(), action }))
}

/// What is kept of a change to the integrations. That one is still there is nobody's deed.
fn registered(command: &Command, written: &Written) -> Option<Action> {
    let Written::Integration(outcome) = written else { return None };
    let of = |record: &Record| (record.name.clone(), record.namespace().to_owned());
    match outcome {
        Outcome::Registered(record) => {
            let (name, namespace) = of(record);
            Some(Action::IntegrationRegistered { name, namespace })
        }
        Outcome::Unregistered(record) => {
            let (name, namespace) = of(record.as_deref()?);
            Some(Action::IntegrationUnregistered { name, namespace })
        }
        Outcome::Subscribed(record, subscription) => {
            let ((name, namespace), subscription) = (of(record), subscription.clone());
            Some(Action::SubscriptionChanged { name, namespace, subscription })
        }
        Outcome::Unsubscribed(record) => {
            let Command::Unsubscribe(_, subscription) = command else { return None };
            let ((name, namespace), subscription) = (of(record.as_deref()?), subscription.clone());
            Some(Action::SubscriptionChanged { name, namespace, subscription })
        }
        Outcome::Seen(_)
        | Outcome::Swept
        | Outcome::NoIntegration
        | Outcome::NotYours
        | Outcome::Full
        | Outcome::Refused(_) => None,
    }
}
