//! What an integration says of itself. Keptn 1.4: all keys in lower case, and what is null is as good as
//! absent.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};
use sha1::{Digest as _, Sha1};

use super::check::{self, UniformError};

/// What Keptn's clients send as null, they mean as nothing.
pub(super) fn or_nothing<'de, D, T>(value: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Option::deserialize(value).map(Option::unwrap_or_default)
}

/// The id of an integration: 40 digits in lower case.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct IntegrationId(String);

impl IntegrationId {
    /// Keptn 1.4: SHA-1 of `<name>-<namespace>-<hostname>`, in hexadecimal. It names, and protects nothing.
    #[must_use]
    pub fn of(name: &str, namespace: &str, hostname: &str) -> Self {
        let digest = Sha1::digest(format!("{name}-{namespace}-{hostname}"));
        Self(digest.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// An id that somebody names; none where no integration can have it.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        (text.len() == 40 && text.bytes().all(is_digit)).then(|| Self(text.to_owned()))
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for IntegrationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for IntegrationId {
    type Error = &'static str;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
            .ok_or("the id of an integration has 40 digits from 0 to f, in lower case")
    }
}

/// Which events of a type an integration wants: those of any of the projects, and of any of the stages, and
/// of any of the services. An empty list means all.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Filter {
    /// Projects by name.
    #[serde(deserialize_with = "or_nothing")]
    pub projects: Vec<String>,
    /// Stages by name.
    #[serde(deserialize_with = "or_nothing")]
    pub stages: Vec<String>,
    /// Services by name.
    #[serde(deserialize_with = "or_nothing")]
    pub services: Vec<String>,
}

/// Events that an integration wants to be told of.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Subscription {
    /// Its id; given by the server where whoever sends it has none.
    #[serde(deserialize_with = "or_nothing")]
    pub id: String,
    /// A type of event, or a pattern of NATS such as `sh.keptn.event.*.triggered`.
    #[serde(deserialize_with = "or_nothing")]
    pub event: String,
    /// Which of them.
    #[serde(deserialize_with = "or_nothing")]
    pub filter: Filter,
}

/// Where in a Kubernetes an integration runs.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Kubernetes {
    /// The namespace; a part of the id. Those outside of a Kubernetes send some other word for their place.
    #[serde(deserialize_with = "or_nothing")]
    pub namespace: String,
    /// The pod.
    #[serde(rename = "podname", deserialize_with = "or_nothing")]
    pub pod: String,
    /// The deployment.
    #[serde(rename = "deploymentname", deserialize_with = "or_nothing")]
    pub deployment: String,
}

/// Where an integration runs, and what it is.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Metadata {
    /// The machine, for Kubernetes the node; a part of the id.
    #[serde(deserialize_with = "or_nothing")]
    pub hostname: String,
    /// Its version.
    #[serde(rename = "integrationversion", deserialize_with = "or_nothing")]
    pub version: String,
    /// The version of the distributor beside it, or of the SDK within.
    #[serde(rename = "distributorversion", deserialize_with = "or_nothing")]
    pub distributor_version: String,
    /// `control-plane`, or `remote-execution-plane`.
    #[serde(deserialize_with = "or_nothing")]
    pub location: String,
    /// Where in a Kubernetes.
    #[serde(rename = "kubernetesmetadata", deserialize_with = "or_nothing")]
    pub kubernetes: Kubernetes,
}

/// What an integration sends to be registered. It has been checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registration {
    pub(super) name: String,
    pub(super) metadata: Metadata,
    pub(super) subscriptions: Vec<Subscription>,
}

/// The same as it comes. Keptn 1.4 makes the id and the time by itself, whatever is sent.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Sent {
    /// Its name.
    #[serde(deserialize_with = "or_nothing")]
    pub name: String,
    /// Where it runs, and what it is.
    #[serde(deserialize_with = "or_nothing")]
    pub metadata: Metadata,
    /// What it wants to be told of.
    #[serde(deserialize_with = "or_nothing")]
    pub subscriptions: Vec<Subscription>,
}

impl TryFrom<Sent> for Registration {
    type Error = UniformError;
    /// Something is absent that its id is made of, or is larger than anything that means well.
    fn try_from(sent: Sent) -> Result<Self, UniformError> {
        let Sent { name, metadata, subscriptions } = sent;
        let namespace = &metadata.kubernetes.namespace;
        if name.is_empty() || namespace.is_empty() || metadata.hostname.is_empty() {
            return Err(UniformError::Incomplete);
        }
        check::text("name", &name)?;
        check::metadata(&metadata)?;
        check::subscriptions(&subscriptions)?;
        let registration = Self { name, metadata, subscriptions };
        check::size(&(&registration.metadata, &registration.subscriptions))?;
        Ok(registration)
    }
}

impl Registration {
    /// Its id.
    #[must_use]
    pub fn id(&self) -> IntegrationId {
        let namespace = &self.metadata.kubernetes.namespace;
        IntegrationId::of(&self.name, namespace, &self.metadata.hostname)
    }
}
