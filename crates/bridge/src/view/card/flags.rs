//! What a careful reader should know first.

use tidegate_core::approval::Approval;
use tidegate_core::sequence::{DEPLOYED_KEPT, Deployed};

use super::asked::Asked;
use crate::view::{Text, seconds_between, short, span};
use crate::visitor::Visitor;

/// The flags of a card; `before` is what runs in the stage.
pub(super) fn flags(asked: &Asked, before: Option<&Deployed>, visitor: &Visitor) -> Vec<Text> {
    let approval = &asked.approval;
    let flags = [
        first_or_same(asked, before),
        declined(asked, visitor),
        newer(asked),
        approval
            .evidence
            .is_empty()
            .then(|| "No test or evaluation ran before this approval.".to_owned()),
        approval.overrides().then(|| {
            "The gate has failed: approving overrides it, needs a reason, and is shown as overridden."
                .to_owned()
        }),
        approval.has_invalid_evidence().then(|| {
            "An evaluation that this is based on does not count: approving needs a reason."
                .to_owned()
        }),
        (approval.result == "warning")
            .then(|| "The result is a warning: approving needs a reason.".to_owned()),
        approval.commits.stale.as_ref().map(|stale| {
            format!("The newest commits may be others: the repository elsewhere could not be asked ({stale}).")
        }),
    ];
    let revised =
        approval.revisions().into_iter().map(|what| format!("Since this was asked: {what}."));
    revised.chain(flags.into_iter().flatten()).map(Text::line).collect()
}

fn first_or_same(asked: &Asked, before: Option<&Deployed>) -> Option<String> {
    let scope = &asked.approval.scope;
    match before {
        // Only so many former deployments are kept; what is not known is not called nothing.
        None if asked.deployed.len() >= DEPLOYED_KEPT => {
            Some(format!("What ran in {} then is not kept any more.", scope.stage))
        }
        None => Some(format!(
            "First deployment of {} to {} that Tidegate knows of.",
            scope.service, scope.stage
        )),
        Some(old) if Some(&old.image) == asked.approval.image.as_ref() => {
            Some(format!("This image runs in {} already.", scope.stage))
        }
        Some(_) => None,
    }
}

/// "ada declined this image for production 2 h ago: error budget spent"
fn declined(asked: &Asked, visitor: &Visitor) -> Option<String> {
    let before = asked.declined.as_ref()?;
    let decided = before.decided()?;
    let ago = span(seconds_between(decided.at, visitor.now));
    let why = decided.comment.as_ref().map_or_else(String::new, |c| format!(": “{}”", c.as_str()));
    let stage = &before.scope.stage;
    Some(format!("{} declined this image for {stage} {ago} ago{why}.", decided.by))
}

/// A newer candidate for the same place is worth knowing; it does not change what this one asks.
fn newer(asked: &Asked) -> Option<String> {
    let is_newer = |other: &&Approval| other.n > asked.approval.n;
    let newest = asked.rivals.iter().filter(is_newer).max_by_key(|other| other.n)?;
    Some(match newest.image.as_deref() {
        Some(image) => format!("A newer candidate waits, too: {}.", short(image)),
        None => "A newer candidate waits, too.".to_owned(),
    })
}
