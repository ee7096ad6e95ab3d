//! An integration that is registered, as it is kept.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::check::{self, UniformError};
use super::model::{IntegrationId, Metadata, Subscription};
use super::pattern::matches;
use super::rules::Rules;
use crate::event::{Event, EventKind, text};
use crate::names::TaskName;
use crate::principal::Principal;

/// Who has registered an integration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Registrar {
    /// Who.
    pub principal: Principal,
    /// The only tasks that their token answers; none where it may do everything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tasks: Option<Vec<TaskName>>,
}

impl Registrar {
    /// Whether they may answer what an event asks: whoever may not has nobody stand down for it.
    fn may_answer(&self, event: &Event) -> bool {
        let Some(tasks) = &self.tasks else { return true };
        matches!(event.kind.kind(), EventKind::Task { task, .. } if tasks.contains(&task))
    }
}

/// An integration that is registered. There is one of a name and namespace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Its id: that of the machine on which it registered first.
    pub id: IntegrationId,
    /// Its name.
    pub name: String,
    /// Where it runs, and what it is.
    pub metadata: Metadata,
    /// What it wants to be told of.
    pub subscriptions: Vec<Subscription>,
    /// When it was heard of last, as far as that is kept: see [`Record::is_stale`].
    pub last_seen: Timestamp,
    /// Whether it was noticed that it is not heard of any more.
    pub lapsed: bool,
    /// Who has registered it last.
    pub registrar: Registrar,
}

impl Record {
    /// Its namespace.
    #[must_use]
    pub fn namespace(&self) -> &str {
        &self.metadata.kubernetes.namespace
    }

    /// Whether it counts as one that works: heard of within the time that the rules say. After a start of the
    /// server that time begins anew for all that were alive, since nobody could be heard of before.
    #[must_use]
    pub fn is_alive(&self, rules: &Rules, now: Timestamp) -> bool {
        !self.lapsed && now < self.lapses_at(rules)
    }

    /// When it is not alive any more, if it is not heard of before.
    pub(super) fn lapses_at(&self, rules: &Rules) -> Timestamp {
        let seen = self.last_seen.max(rules.since);
        seen.saturating_add(rules.ttl).unwrap_or(Timestamp::MAX)
    }

    /// Whether it is worth a commit to keep that it was heard of at `now`: what is kept is older than a
    /// quarter of the time that it stays alive, or lies as far ahead because a clock was set back.
    #[must_use]
    pub fn is_stale(&self, rules: &Rules, now: Timestamp) -> bool {
        let age = now.duration_since(self.last_seen).abs();
        self.lapsed || age >= rules.ttl / 4
    }

    /// Whether it wants to be told of an event. Keptn 1.4: what the event does not say, no filter admits.
    #[must_use]
    pub fn wants(&self, event: &Event) -> bool {
        let of = |key: &str| text(&event.data, key);
        let admits = |names: &[String], name: &str| {
            names.is_empty() || names.iter().any(|known| known == name)
        };
        self.subscriptions.iter().any(|one| {
            matches(&one.event, event.kind.as_str())
                && admits(&one.filter.projects, of("project"))
                && admits(&one.filter.stages, of("stage"))
                && admits(&one.filter.services, of("service"))
        })
    }

    /// Whether whoever has registered it may answer what the event asks.
    pub(super) fn may_answer(&self, event: &Event) -> bool {
        self.registrar.may_answer(event)
    }

    /// Whether somebody may change it: a token that answers tasks only changes what came by it.
    #[must_use]
    pub fn may_be_changed_by(&self, caller: &Registrar) -> bool {
        caller.tasks.is_none() || self.registrar.principal == caller.principal
    }

    /// All of it together is no larger than it may be.
    pub(super) fn check(&self) -> Result<(), UniformError> {
        check::subscriptions(&self.subscriptions)?;
        check::size(self)
    }

    /// As Keptn's clients read it.
    #[must_use]
    pub fn to_value(&self) -> Value {
        let plain = "texts and lists of texts are JSON";
        let mut metadata = serde_json::to_value(&self.metadata).expect(plain);
        metadata["lastseen"] = Value::from(self.last_seen.to_string());
        let mut value = Map::new();
        value.insert("id".to_owned(), Value::from(self.id.as_str()));
        value.insert("name".to_owned(), Value::from(self.name.as_str()));
        value.insert("metadata".to_owned(), metadata);
        value.insert("subscriptions".to_owned(), self.subscriptions_value());
        Value::Object(value)
    }

    /// What it subscribes to, as Keptn's clients read it. Keptn 1.4: nothing is null.
    #[must_use]
    pub fn subscriptions_value(&self) -> Value {
        match self.subscriptions.as_slice() {
            [] => Value::Null,
            all => serde_json::to_value(all).expect("texts and lists of texts are JSON"),
        }
    }
}
