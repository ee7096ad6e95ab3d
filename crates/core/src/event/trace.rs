//! W3C Trace Context: one trace for each Keptn context, whose ids follow from those of its events. Whoever
//! knows a context knows its trace, before and after a restart.

use std::fmt;

use uuid::Uuid;

use crate::names::{ContextId, EventId};

/// The field of an event's envelope: CloudEvents' distributed tracing extension.
pub const TRACEPARENT: &str = "traceparent";

/// A trace: the bytes of a context.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TraceId([u8; 16]);

impl TraceId {
    /// The trace of a context.
    #[must_use]
    pub fn of(context: ContextId) -> Self {
        Self(*context.as_bytes())
    }

    /// The bytes.
    #[must_use]
    pub fn bytes(self) -> [u8; 16] {
        self.0
    }
}

/// A span of a trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SpanId([u8; 8]);

impl SpanId {
    /// The span that a `.triggered` event begins: that of a task, or of a sequence in a stage.
    #[must_use]
    pub fn of(triggered: EventId) -> Self {
        let mut bytes = [0; 8];
        // These are random but for two bits, which are never both zero.
        bytes.copy_from_slice(&triggered.as_bytes()[8..]);
        Self(bytes)
    }

    /// The span of everything that follows from a trigger from outside: another one than that of the
    /// sequence that it triggers.
    #[must_use]
    pub fn of_all(triggered: EventId) -> Self {
        let Self(mut bytes) = Self::of(triggered);
        // The variant of a UUID is `10` here.
        bytes[0] ^= 0b1100_0000;
        Self(bytes)
    }

    /// The bytes, never all zero.
    #[must_use]
    pub fn bytes(self) -> [u8; 8] {
        self.0
    }
}

/// Where a span stands, as it is passed on: version 00, always sampled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TraceParent {
    /// The trace.
    pub trace: TraceId,
    /// The span.
    pub span: SpanId,
}

impl TraceParent {
    /// Reads what somebody has sent; none where it is none that counts.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('-');
        let (version, trace, span) = (parts.next()?, parts.next()?, parts.next()?);
        let flags = parts.next()?;
        // A later version may have more behind these.
        let is_known = version.len() == 2 && version != "ff" && flags.len() == 2;
        if !is_known || (version == "00" && parts.next().is_some()) {
            return None;
        }
        let lower =
            |text: &str| text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        if trace.len() != 32 || span.len() != 16 || !lower(trace) || !lower(span) {
            return None;
        }
        let trace = Uuid::try_parse(trace).ok()?.into_bytes();
        let span = u64::from_str_radix(span, 16).ok()?.to_be_bytes();
        let is_some = trace != [0; 16] && span != [0; 8];
        is_some.then_some(Self { trace: TraceId(trace), span: SpanId(span) })
    }
}

impl fmt::Display for TraceParent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let trace = Uuid::from_bytes(self.trace.0);
        write!(f, "00-{}-{:016x}-01", trace.simple(), u64::from_be_bytes(self.span.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_follow_from_those_of_events_and_differ_from_each_other() {
        let event = EventId::from_bytes([0x8f; 16]);
        let parent = TraceParent {
            trace: TraceId::of(ContextId::from_bytes([0xab; 16])),
            span: SpanId::of(event),
        };
        let text = "00-abababababababababababababababab-8f8f8f8f8f8f8f8f-01";
        assert_eq!(parent.to_string(), text);
        assert_eq!(TraceParent::parse(text), Some(parent));
        assert_ne!(SpanId::of(event), SpanId::of_all(event));
        assert_ne!(SpanId::of_all(event).bytes(), [0; 8]);
    }

    #[test]
    fn what_is_no_traceparent_is_none() {
        for text in [
            "",
            "00-1-2-3",
            "ff-abababababababababababababababab-8f8f8f8f8f8f8f8f-01",
            "00-ABababababababababababababababab-8f8f8f8f8f8f8f8f-01",
            "00-abababababababababababababababab-8f8f8f8f8f8f8f8f-01-more",
            "00-00000000000000000000000000000000-8f8f8f8f8f8f8f8f-01",
            "00-abababababababababababababababab-0000000000000000-01",
            "00-abababab-abab-abab-abab-abababab-8f8f8f8f8f8f8f8f-01",
        ] {
            assert_eq!(TraceParent::parse(text), None, "{text}");
        }
        let later = "01-abababababababababababababababab-8f8f8f8f8f8f8f8f-01-more";
        assert!(TraceParent::parse(later).is_some());
    }
}
