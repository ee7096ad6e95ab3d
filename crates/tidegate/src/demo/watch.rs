//! After the setup: tells what people decide and what becomes of it.

use std::collections::{BTreeMap, BTreeSet};
use std::process::ExitCode;

use anyhow::bail;
use tidegate_core::names::{ContextId, EventId};
use tidegate_engine::Engine;

use super::ExitAfter;
use super::lookout::{Seen, approval, change, complaint, look};
use super::project::{FIRST, image};
use super::story::{Story, say};
use crate::hello::State;

/// Watches until the point that `exit_after` names; without one, for ever.
pub(super) async fn watch(
    engine: &Engine,
    state: &State,
    story: &Story,
    exit_after: Option<ExitAfter>,
) -> anyhow::Result<ExitCode> {
    let mut commits = engine.commits();
    let mut watch = Watch { engine, state, story, asked: BTreeSet::new(), under_way: None };
    loop {
        let seen = look(engine).await?;
        let ended = watch.tell(&seen).await?;
        if let Some(point) = exit_after
            && is_over(point, &seen, &ended)?
        {
            return Ok(ExitCode::SUCCESS);
        }
        change(&mut commits).await?;
    }
}

/// Deliveries that ended since the last look, and whether production runs what they brought.
type Ended = BTreeMap<ContextId, bool>;

struct Watch<'a> {
    engine: &'a Engine,
    state: &'a State,
    story: &'a Story,
    /// Approvals that were told and not yet decided.
    asked: BTreeSet<EventId>,
    /// Deliveries that were on their way at the last look; none before the first.
    under_way: Option<BTreeSet<ContextId>>,
}

impl Watch<'_> {
    /// Tells what has changed since the last look.
    async fn tell(&mut self, seen: &Seen) -> anyhow::Result<Ended> {
        let waiting: BTreeSet<EventId> = seen.waiting.iter().map(|approval| approval.id).collect();
        for id in self.asked.difference(&waiting) {
            if let Some(approval) = approval(self.engine, *id).await? {
                self.story.outcome(&approval);
            }
        }
        for approval in seen.waiting.iter().filter(|approval| !self.asked.contains(&approval.id)) {
            let runs = seen.runs.as_ref().map(|runs| runs.image.as_str());
            self.story.waits(approval, runs);
        }
        self.asked = waiting;
        let now: BTreeSet<ContextId> = seen.under_way.iter().map(|delivery| delivery.id).collect();
        let first = self.under_way.is_none();
        let before = self.under_way.replace(now.clone()).unwrap_or_default();
        let mut ended = Ended::new();
        for delivery in before.difference(&now) {
            let delivered = seen.runs.as_ref().is_some_and(|runs| runs.context == *delivery);
            if !delivered {
                say(&format!("  the delivery ended: {}", complaint(self.engine, *delivery).await?));
            }
            self.story.ended(delivered, self.state).await?;
            ended.insert(*delivery, delivered);
        }
        if now.is_empty() && (first || !ended.is_empty()) {
            self.story.once_more();
        }
        Ok(ended)
    }
}

/// Whether a script has what it wanted.
fn is_over(point: ExitAfter, seen: &Seen, ended: &Ended) -> anyhow::Result<bool> {
    let idle = seen.under_way.is_empty();
    match point {
        ExitAfter::ApprovalOpen if !seen.waiting.is_empty() => Ok(true),
        ExitAfter::ApprovalOpen if idle => bail!("nothing waits for a decision any more"),
        ExitAfter::Delivered if ended.values().any(|delivered| *delivered) => Ok(true),
        // Nothing more will happen by itself: what runs decides, also after a start on a
        // directory where everything was over.
        ExitAfter::Delivered if idle => {
            let runs = seen.runs.as_ref().map(|runs| runs.image.as_str());
            match runs {
                Some(runs) if runs != image(FIRST) => Ok(true),
                _ => bail!("nothing was delivered to production after {FIRST}"),
            }
        }
        ExitAfter::ApprovalOpen | ExitAfter::Delivered => Ok(false),
    }
}

#[cfg(test)]
mod tests {
    use tidegate_core::sequence::Deployed;

    use super::*;

    fn runs(version: &str) -> Seen {
        let runs = Deployed {
            image: image(version),
            context: ContextId::from_bytes([1; 16]),
            event: EventId::from_bytes([2; 16]),
            at: jiff::Timestamp::UNIX_EPOCH,
            overridden: None,
        };
        Seen { runs: Some(runs), ..Seen::default() }
    }

    #[test]
    fn a_script_ends_well_when_something_newer_runs_and_badly_when_nothing_will() {
        let none = Ended::new();
        assert!(is_over(ExitAfter::Delivered, &runs("v0.1.1"), &none).unwrap());
        assert!(is_over(ExitAfter::Delivered, &runs(FIRST), &none).is_err());
        assert!(is_over(ExitAfter::ApprovalOpen, &runs("v0.1.1"), &none).is_err());
        let delivered = Ended::from([(ContextId::from_bytes([1; 16]), true)]);
        assert!(is_over(ExitAfter::Delivered, &runs(FIRST), &delivered).unwrap());
    }
}
