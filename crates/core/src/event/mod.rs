//! CloudEvents as Keptn speaks them: the envelope, the types that mean something, the data fields
//! that every event shares, and the parsing of what clients send.

mod data;
mod draft;
mod envelope;
mod kind;
mod trace;

pub use data::{
    LABEL_BYTES_MAX, LABELS_MAX, Outcome, Scope, Status, TaskResult, answer_to, labels, text,
};
pub use draft::{Draft, DraftError, NODES_MAX, within_nodes};
pub use envelope::{CONTENT_TYPE, Event, SPEC_VERSION};
pub use kind::{EventKind, EventType, Phase};
pub use trace::{SpanId, TRACEPARENT, TraceId, TraceParent};
