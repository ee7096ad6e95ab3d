//! The numbers that stand for states in columns, the same in every home. They are in databases: a
//! number is never changed, and never used again.

use tidegate_core::sequence::{ContextState, Disposition, Queue};

use crate::query::{ApprovalState, Standing};

/// Keptn's datastore lists what counts and what came late; the rest is kept for the trace alone.
pub(crate) fn is_listed(disposition: Disposition) -> bool {
    match disposition {
        Disposition::Accepted | Disposition::Late => true,
        Disposition::Repeated | Disposition::Refused => false,
    }
}

/// Listed dispositions are those below 2; the schemas' partial indexes say the same.
pub(crate) fn disposition(disposition: Disposition) -> i16 {
    match disposition {
        Disposition::Accepted => 0,
        Disposition::Late => 1,
        Disposition::Repeated => 2,
        Disposition::Refused => 3,
    }
}

/// Reads it back; none where it is no disposition.
pub(crate) fn read_disposition(code: i64) -> Option<Disposition> {
    match code {
        0 => Some(Disposition::Accepted),
        1 => Some(Disposition::Late),
        2 => Some(Disposition::Repeated),
        3 => Some(Disposition::Refused),
        _ => None,
    }
}

pub(crate) fn approval_state(state: ApprovalState) -> i16 {
    match state {
        ApprovalState::Open => 0,
        ApprovalState::Decided => 1,
        ApprovalState::Closed => 2,
    }
}

pub(crate) fn context_state(state: ContextState) -> i16 {
    match state {
        ContextState::Triggered => 0,
        ContextState::Waiting => 1,
        ContextState::Started => 2,
        ContextState::Finished => 3,
        ContextState::Aborted => 4,
        ContextState::TimedOut => 5,
        ContextState::Paused => 6,
    }
}

/// Reads it back; none where it is no state.
pub(crate) fn read_context_state(code: i16) -> Option<ContextState> {
    use ContextState::{Aborted, Finished, Paused, Started, TimedOut, Triggered, Waiting};
    let all = [Triggered, Waiting, Started, Finished, Aborted, TimedOut, Paused];
    all.into_iter().find(|state| context_state(*state) == code)
}

pub(crate) fn standing(standing: Standing) -> i16 {
    match standing {
        Standing::Triggered => 0,
        Standing::Started => 1,
        Standing::WaitingForApproval => 2,
        Standing::Paused => 3,
        Standing::Finished => 4,
        Standing::TimedOut => 5,
    }
}

pub(crate) fn queue(queue: Queue) -> i16 {
    match queue {
        Queue::Ready => 0,
        Queue::Waiting => 1,
    }
}
