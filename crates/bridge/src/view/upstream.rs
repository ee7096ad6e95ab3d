//! How a project stands to the repository elsewhere that keeps its files.

use tidegate_resources::upstream::Status;

use super::{Text, When};
use crate::visitor::Visitor;

/// What a page says of an upstream.
pub(crate) struct Upstream {
    pub(crate) url: Text,
    /// What is not as it should be, a sentence each.
    pub(crate) flags: Vec<Text>,
    /// Branches of commits that did not fit, as they are named and as they are sent back.
    pub(crate) conflicts: Vec<Text>,
}

impl Upstream {
    pub(crate) fn new(status: &Status, visitor: &Visitor) -> Self {
        let Status { upstream, unsynced, conflicts, unreachable } = status;
        let away = unreachable.iter().map(|known| {
            let since = When::new(known.since, visitor.now).relative;
            let reason = &known.reason;
            format!(
                "Out of reach, first noticed {since}: {reason}. Sequences run on what is known."
            )
        });
        let missing = unsynced.iter().map(|(branch, commits)| match commits {
            1 => format!("It does not have 1 commit of branch {branch} yet."),
            _ => format!("It does not have {commits} commits of branch {branch} yet."),
        });
        Self {
            url: Text::line(upstream.url()),
            flags: away.chain(missing).map(Text::line).collect(),
            conflicts: conflicts.iter().map(Text::line).collect(),
        }
    }

    /// Whether somebody should look at it.
    pub(crate) fn is_well(&self) -> bool {
        self.flags.is_empty() && self.conflicts.is_empty()
    }
}
