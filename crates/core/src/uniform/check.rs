//! What an integration may say of itself is bounded: anybody with a token can register one.

use serde::Serialize;

use super::model::{Metadata, Subscription};

/// Longest text that an integration says of itself, in bytes.
pub const TEXT_BYTES_MAX: usize = 253;
/// Most subscriptions of an integration.
pub const SUBSCRIPTIONS_MAX: usize = 200;
/// Most projects, stages and services, each, that a subscription names.
const NAMED_MAX: usize = 200;
/// Largest integration with all that it subscribes to, in bytes of JSON.
pub const RECORD_BYTES_MAX: usize = 64 * 1024;

/// Why an integration, or what it subscribes to, is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UniformError {
    /// Keptn 1.4's sentence.
    #[error("incomplete integration ID. At least 'name','namespace' and 'nodename' must be set")]
    Incomplete,
    /// A text is longer than any name.
    #[error("{what} has {bytes} bytes; at most {TEXT_BYTES_MAX} are taken")]
    TooLong {
        /// Which one.
        what: &'static str,
        /// How long it is.
        bytes: usize,
    },
    /// A text would be an order to a terminal, or no text of one line.
    #[error("{0} holds control characters; send plain text")]
    Control(&'static str),
    /// A list is longer than anybody needs.
    #[error(
        "there are {count} {what}; at most {max} are taken. A pattern such as \
             sh.keptn.event.*.triggered stands for many, and an empty filter for all"
    )]
    TooMany {
        /// Of what.
        what: &'static str,
        /// How many.
        count: usize,
        /// How many are taken.
        max: usize,
    },
    /// `a-b` in namespace `c` has the id of `a` in namespace `b-c`.
    #[error(
        "another integration has the same id, which is made of name, namespace and hostname; choose \
             another name"
    )]
    Ambiguous,
    /// All of it together is too large.
    #[error(
        "the integration has {bytes} bytes with its subscriptions; at most {RECORD_BYTES_MAX} are taken"
    )]
    TooLarge {
        /// How large it is, as JSON.
        bytes: usize,
    },
}

/// One line of text.
pub(super) fn text(what: &'static str, text: &str) -> Result<(), UniformError> {
    if text.len() > TEXT_BYTES_MAX {
        return Err(UniformError::TooLong { what, bytes: text.len() });
    }
    if text.contains(char::is_control) {
        return Err(UniformError::Control(what));
    }
    Ok(())
}

pub(super) fn metadata(metadata: &Metadata) -> Result<(), UniformError> {
    let kubernetes = &metadata.kubernetes;
    text("metadata.hostname", &metadata.hostname)?;
    text("metadata.integrationversion", &metadata.version)?;
    text("metadata.distributorversion", &metadata.distributor_version)?;
    text("metadata.location", &metadata.location)?;
    text("metadata.kubernetesmetadata.namespace", &kubernetes.namespace)?;
    text("metadata.kubernetesmetadata.podname", &kubernetes.pod)?;
    text("metadata.kubernetesmetadata.deploymentname", &kubernetes.deployment)
}

pub(super) fn subscriptions(subscriptions: &[Subscription]) -> Result<(), UniformError> {
    count("subscriptions", subscriptions.len(), SUBSCRIPTIONS_MAX)?;
    subscriptions.iter().try_for_each(subscription)
}

pub(super) fn subscription(subscription: &Subscription) -> Result<(), UniformError> {
    // Keptn 1.4 means to refuse one without an event, and takes it; it matches nothing.
    text("the id of a subscription", &subscription.id)?;
    text("the event of a subscription", &subscription.event)?;
    let filter = &subscription.filter;
    for (what, names) in [
        ("projects of a subscription", &filter.projects),
        ("stages of a subscription", &filter.stages),
        ("services of a subscription", &filter.services),
    ] {
        count(what, names.len(), NAMED_MAX)?;
        names.iter().try_for_each(|name| text(what, name))?;
    }
    Ok(())
}

fn count(what: &'static str, count: usize, max: usize) -> Result<(), UniformError> {
    if count > max {
        return Err(UniformError::TooMany { what, count, max });
    }
    Ok(())
}

/// All of it together, as it is kept.
pub(super) fn size(whole: &impl Serialize) -> Result<(), UniformError> {
    // Texts and lists of texts always are JSON.
    let bytes = serde_json::to_string(whole).map_or(usize::MAX, |text| text.len());
    if bytes > RECORD_BYTES_MAX {
        return Err(UniformError::TooLarge { bytes });
    }
    Ok(())
}
