//! What the webhook of an Alertmanager says: which problems have begun, and which are over.
//!
//! Keptn's prometheus-service looks at the first alert of a message alone, drops the end of a problem, and
//! writes texts into its JSON without escaping them. Here every alert counts, and its end is told too.
//! Alertmanager repeats itself as long as an alert lasts: the context of the repetition is the same.

mod body;
mod context;
mod problem;

pub use body::{ALERTS_MAX, BodyError};
pub use problem::{AlertError, Notice, Problem, SOURCE, begins, left_open, read, resolved};
