//! The problem that a context remedies is over.
//!
//! Keptn 1.4 has no such end: a remediation goes on as long as evaluations fail. Half an action is worse than a
//! whole one, so what is under way ends as it would; but another round of it is for nothing.

use super::context::Context;
use super::effects::Refusal;
use super::work::Work;
use crate::event::Event;
use crate::names::SequenceName;
use crate::remediation::{self, RESOLVED};

/// Marks the context of a problem that an event says is over. One that nothing was ever triggered in has no
/// row, and nothing to end.
pub(super) fn over(work: &mut Work<'_>, event: &Event) -> Result<(), Refusal> {
    if event.kind.as_str() != RESOLVED {
        return Ok(());
    }
    if let Some(context) = work.context(event.context)? {
        work.put_context(Context { problem_over: true, ..context });
    }
    Ok(())
}

/// Whether a sequence that follows in a context is a further round against a problem that is over. What follows
/// under another name, such as telling somebody, is part of how the remediation ends.
pub(super) fn is_needless(context: &Context, sequence: &SequenceName) -> bool {
    context.problem_over && *sequence == remediation::sequence()
}
