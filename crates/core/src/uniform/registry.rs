//! The registry: what becomes of it when somebody registers, is heard of, or changes what it subscribes to.

use jiff::Timestamp;

use super::check::{self, UniformError};
use super::model::{IntegrationId, Registration, Subscription};
use super::record::{Record, Registrar};
use super::rules::Rules;
use crate::names::TaskName;
use crate::sequence::{Env, Ids};

/// Most integrations of an installation.
pub const INTEGRATIONS_MAX: usize = 1000;

/// What somebody wants of the registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// An integration has started.
    Register(Box<Registration>),
    /// It is still there.
    Ping(IntegrationId),
    /// It will not come back.
    Unregister(IntegrationId),
    /// It wants to be told of other events, too: a new subscription where that has no id, else the one of this
    /// id, whether it is there or not.
    Subscribe(IntegrationId, Subscription),
    /// It does not want to be told of these events any more.
    Unsubscribe(IntegrationId, String),
    /// Time has passed: notice who is not heard of any more, and forget who has not been for long.
    Sweep,
}

/// A changed row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RecordChange {
    /// An integration, in place of the one with its id.
    Put(Box<Record>),
    /// There is none of this id any more.
    Remove(IntegrationId),
}

/// What a command has come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The integration is registered for the first time.
    Registered(Box<Record>),
    /// It was known, and was heard of.
    Seen(Box<Record>),
    /// It is not registered any more; none where it was not.
    Unregistered(Option<Box<Record>>),
    /// The subscription of this id is there.
    Subscribed(Box<Record>, String),
    /// The subscription is not there any more; none where it was not.
    Unsubscribed(Option<Box<Record>>),
    /// Whoever is not heard of any more was noticed.
    Swept,
    /// Not done: no such integration.
    NoIntegration,
    /// Not done: somebody else has registered it, and the caller's token answers tasks only.
    NotYours,
    /// Not done: there are [`INTEGRATIONS_MAX`].
    Full,
    /// Not done: with this it would be larger than it may be.
    Refused(UniformError),
}

/// What a command changes, and what it comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// The rows.
    pub changes: Vec<RecordChange>,
    /// What whoever asked is told.
    pub outcome: Outcome,
}

impl From<Outcome> for Decision {
    fn from(outcome: Outcome) -> Self {
        Self { changes: Vec::new(), outcome }
    }
}

/// Decides a command, by the integrations that are known. `tasks` are the only ones that the caller's token
/// answers; none where it may do everything.
#[must_use]
pub fn decide(
    known: &[Record],
    command: &Command,
    tasks: Option<&[TaskName]>,
    env: &Env,
) -> Decision {
    let caller =
        Registrar { principal: env.principal.clone(), tasks: tasks.map(<[TaskName]>::to_vec) };
    let find = |id: &IntegrationId| match known.iter().find(|record| record.id == *id) {
        Some(record) if record.may_be_changed_by(&caller) => Ok(record.clone()),
        Some(_) => Err(Decision::from(Outcome::NotYours)),
        None => Err(Decision::from(Outcome::NoIntegration)),
    };
    let decided = match command {
        Command::Register(registration) => Ok(register(known, registration, caller, env)),
        Command::Ping(id) => find(id).map(|record| seen(record, env)),
        Command::Unregister(id) => find(id).map(|record| Decision {
            changes: vec![RecordChange::Remove(record.id.clone())],
            outcome: Outcome::Unregistered(Some(Box::new(record))),
        }),
        Command::Subscribe(id, wanted) => find(id).map(|record| subscribe(record, wanted, env)),
        Command::Unsubscribe(id, unwanted) => find(id).map(|record| unsubscribe(record, unwanted)),
        Command::Sweep => Ok(sweep(known, &env.settings.integrations, env.now)),
    };
    match (command, decided) {
        // Keptn 1.4: who is not there is as good as gone.
        (Command::Unregister(_), Err(Decision { outcome: Outcome::NoIntegration, .. })) => {
            Outcome::Unregistered(None).into()
        }
        (_, Ok(decision) | Err(decision)) => decision,
    }
}

/// Keptn 1.4: an integration is known by name and namespace, wherever it runs now. What it subscribes to is
/// kept, and what it asks for this time is passed over, unless nothing is kept.
fn register(known: &[Record], new: &Registration, caller: Registrar, env: &Env) -> Decision {
    let namespace = &new.metadata.kubernetes.namespace;
    let same = |record: &&Record| record.name == new.name && record.namespace() == namespace;
    let mut same: Vec<&Record> = known.iter().filter(same).collect();
    if same.iter().any(|record| !record.may_be_changed_by(&caller)) {
        return Outcome::NotYours.into();
    }
    same.sort_by_key(|record| record.last_seen);
    let Some(newest) = same.pop() else { return first(known, new, caller, env) };
    let mut record = newest.clone();
    for other in &same {
        record.subscriptions.extend(other.subscriptions.iter().cloned());
    }
    if record.subscriptions.is_empty() {
        record.subscriptions = with_ids(&new.subscriptions, env);
    }
    record.metadata.version.clone_from(&new.metadata.version);
    record.metadata.distributor_version.clone_from(&new.metadata.distributor_version);
    record.registrar = caller;
    if let Err(error) = record.check() {
        return Outcome::Refused(error).into();
    }
    let mut decision = seen(record, env);
    decision.changes.extend(same.iter().map(|other| RecordChange::Remove(other.id.clone())));
    decision
}

/// It is not known yet.
fn first(known: &[Record], new: &Registration, registrar: Registrar, env: &Env) -> Decision {
    if known.len() >= INTEGRATIONS_MAX {
        return Outcome::Full.into();
    }
    let Registration { name, metadata, subscriptions } = new;
    let (name, metadata) = (name.clone(), metadata.clone());
    let subscriptions = with_ids(subscriptions, env);
    let (id, last_seen) = (new.id(), env.now);
    if known.iter().any(|record| record.id == id) {
        return Outcome::Refused(UniformError::Ambiguous).into();
    }
    let record = Record { id, name, metadata, subscriptions, last_seen, lapsed: false, registrar };
    match record.check() {
        Ok(()) => {
            let record = Box::new(record);
            let changes = vec![RecordChange::Put(record.clone())];
            Decision { changes, outcome: Outcome::Registered(record) }
        }
        Err(error) => Outcome::Refused(error).into(),
    }
}

/// Subscriptions of whoever registers have ids of ours, whatever they bring.
fn with_ids(subscriptions: &[Subscription], env: &Env) -> Vec<Subscription> {
    let mut ids = Ids::new(env.now, env.seed);
    let with_id =
        |one: &Subscription| Subscription { id: ids.next_uuid().to_string(), ..one.clone() };
    subscriptions.iter().map(with_id).collect()
}

fn seen(record: Record, env: &Env) -> Decision {
    let record = Box::new(Record { last_seen: env.now, lapsed: false, ..record });
    let changes = vec![RecordChange::Put(record.clone())];
    Decision { changes, outcome: Outcome::Seen(record) }
}

fn subscribe(mut record: Record, wanted: &Subscription, env: &Env) -> Decision {
    if let Err(error) = check::subscription(wanted) {
        return Outcome::Refused(error).into();
    }
    let mut wanted = wanted.clone();
    if wanted.id.is_empty() {
        wanted.id = Ids::new(env.now, env.seed).next_uuid().to_string();
    }
    let id = wanted.id.clone();
    match record.subscriptions.iter_mut().find(|one| one.id == id) {
        Some(one) => *one = wanted,
        None => record.subscriptions.push(wanted),
    }
    match record.check() {
        Ok(()) => {
            let record = Box::new(record);
            let changes = vec![RecordChange::Put(record.clone())];
            Decision { changes, outcome: Outcome::Subscribed(record, id) }
        }
        Err(error) => Outcome::Refused(error).into(),
    }
}

fn unsubscribe(mut record: Record, unwanted: &str) -> Decision {
    let before = record.subscriptions.len();
    record.subscriptions.retain(|one| one.id != unwanted);
    if record.subscriptions.len() == before {
        return Outcome::Unsubscribed(None).into();
    }
    let record = Box::new(record);
    let changes = vec![RecordChange::Put(record.clone())];
    Decision { changes, outcome: Outcome::Unsubscribed(Some(record)) }
}

fn sweep(known: &[Record], rules: &Rules, now: Timestamp) -> Decision {
    let mut changes = Vec::new();
    for record in known.iter().filter(|record| !record.is_alive(rules, now)) {
        let long = rules.ttl.saturating_add(rules.forget_after);
        if now.duration_since(record.last_seen) >= long {
            changes.push(RecordChange::Remove(record.id.clone()));
        } else if !record.lapsed {
            changes.push(RecordChange::Put(Box::new(Record { lapsed: true, ..record.clone() })));
        }
    }
    Decision { changes, outcome: Outcome::Swept }
}

/// When the next integration is not alive any more, if none is heard of before; none where none is alive.
#[must_use]
pub fn next_lapse(known: &[Record], rules: &Rules) -> Option<Timestamp> {
    known.iter().filter(|record| !record.lapsed).map(|record| record.lapses_at(rules)).min()
}
