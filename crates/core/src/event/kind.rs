//! Event types. The number of segments is the only thing that tells a task event
//! (`sh.keptn.event.<task>.<phase>`) from a sequence event (`sh.keptn.event.<stage>.<sequence>.<phase>`).

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::names::{SequenceName, StageName, TaskName};

const PREFIX: &str = "sh.keptn.event.";

/// The last segment of an event type that moves sequences.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Something shall be done.
    Triggered,
    /// An executor has taken it.
    Started,
    /// An executor has done it.
    Finished,
}

impl Phase {
    /// The word on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Triggered => "triggered",
            Self::Started => "started",
            Self::Finished => "finished",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        match text {
            "triggered" => Some(Self::Triggered),
            "started" => Some(Self::Started),
            "finished" => Some(Self::Finished),
            _ => None,
        }
    }
}

/// The type of an event, as text. What it means is told by [`EventType::kind`].
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EventType(Arc<str>);

/// What an event type means to the control plane.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EventKind {
    /// `sh.keptn.event.<stage>.<sequence>.<phase>`
    Sequence {
        /// The stage in the type.
        stage: StageName,
        /// The sequence in the type.
        sequence: SequenceName,
        /// Triggered, started or finished.
        phase: Phase,
    },
    /// `sh.keptn.event.<task>.<phase>`
    Task {
        /// The task in the type.
        task: TaskName,
        /// Triggered, started or finished.
        phase: Phase,
    },
    /// Anything else: kept, and moves nothing.
    Other,
}

impl EventType {
    /// Any text; the limit on its length is checked where events are parsed.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(Arc::from(text))
    }

    /// The type of a task's event.
    #[must_use]
    pub fn task(task: &TaskName, phase: Phase) -> Self {
        Self(Arc::from(format!("{PREFIX}{task}.{}", phase.as_str())))
    }

    /// The type of a sequence's event.
    #[must_use]
    pub fn sequence(stage: &StageName, sequence: &SequenceName, phase: Phase) -> Self {
        Self(Arc::from(format!("{PREFIX}{stage}.{sequence}.{}", phase.as_str())))
    }

    /// The type as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What the type means.
    #[must_use]
    pub fn kind(&self) -> EventKind {
        self.classify().unwrap_or(EventKind::Other)
    }

    fn classify(&self) -> Option<EventKind> {
        let segments: Vec<&str> = self.0.strip_prefix(PREFIX)?.split('.').collect();
        match *segments.as_slice() {
            [task, phase] => Some(EventKind::Task {
                phase: Phase::parse(phase)?,
                task: TaskName::new(task).ok()?,
            }),
            [stage, sequence, phase] => Some(EventKind::Sequence {
                phase: Phase::parse(phase)?,
                stage: StageName::new(stage).ok()?,
                sequence: SequenceName::new(sequence).ok()?,
            }),
            _ => None,
        }
    }
}

impl fmt::Display for EventType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for EventType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_alone_tell_tasks_from_sequences() {
        let kind = |text: &str| EventType::new(text).kind();
        assert!(matches!(
            kind("sh.keptn.event.deployment.finished"),
            EventKind::Task { phase: Phase::Finished, .. }
        ));
        assert!(matches!(
            kind("sh.keptn.event.qa.delivery.triggered"),
            EventKind::Sequence { phase: Phase::Triggered, .. }
        ));
        for other in [
            "sh.keptn.event.deployment.status.changed",
            "sh.keptn.event.monitoring.configure",
            "sh.keptn.event.evaluation.invalidated",
            "sh.keptn.events.problem",
            "sh.keptn.log.error",
            "sh.keptn.event..triggered",
            "sh.keptn.event.triggered",
            "sh.keptn.event.a.b.c.triggered",
            "",
        ] {
            assert_eq!(kind(other), EventKind::Other, "{other}");
        }
    }
}
