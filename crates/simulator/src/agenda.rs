//! What happens next, in the order of virtual time.

use std::collections::BTreeMap;
use std::time::Duration;

use tidegate_core::names::EventId;
use tidegate_core::sequence::Resolve;
use tidegate_store::Intent;

use crate::request::{Answer, RequestId};

/// Something that happens at its time.
#[derive(Debug, Clone)]
pub(crate) enum Action {
    /// A person does something.
    Person(usize),
    /// An executor asks for open events.
    Executor(usize),
    /// A request is sent.
    Send(RequestId),
    /// It arrives at the server.
    Arrive(RequestId),
    /// Its answer arrives.
    Answer(RequestId, Box<Answer>),
    /// Its sender has waited long enough.
    Timeout(RequestId),
    /// The loop of the server takes a turn.
    Turn,
    /// The process starts.
    Start,
    /// A job ends.
    JobEnds(EventId),
    /// The files of a new project are written, for a saga and the request that began it.
    Files(i64, Box<Intent>, Option<RequestId>),
    /// Somebody has asked elsewhere for a shipyard.
    Fetched(Box<Resolve>),
    /// Something goes wrong.
    Fault,
    /// Something that went wrong is put right.
    Space,
    Readable,
}

/// Actions by time, and in the order they were planned where the time is the same.
#[derive(Debug, Default)]
pub(crate) struct Agenda {
    actions: BTreeMap<(Duration, u64), Action>,
    planned: u64,
}

impl Agenda {
    pub(crate) fn plan(&mut self, at: Duration, action: Action) {
        self.planned += 1;
        self.actions.insert((at, self.planned), action);
    }

    pub(crate) fn next(&mut self) -> Option<(Duration, Action)> {
        self.actions.pop_first().map(|((at, _), action)| (at, action))
    }

    /// Forgets what is not wanted any more.
    pub(crate) fn keep(&mut self, wanted: impl Fn(&Action) -> bool) {
        self.actions.retain(|_, action| wanted(action));
    }
}
