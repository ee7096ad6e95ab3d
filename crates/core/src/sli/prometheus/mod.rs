//! SLIs from a Prometheus, as Keptn's prometheus-service 0.9 asks for them: [`Question::query`] is what to
//! ask, [`read_answer`] what came back.
//!
//! A question goes to `/api/v1/query` with the fields `query` and `time`; over which time a query looks is
//! written in it alone, as `[$DURATION_SECONDS]`.

mod answer;
mod credentials;
mod placeholders;
mod query;

pub use answer::{AnswerError, read_answer};
pub use credentials::{Credentials, CredentialsError};
pub use query::{DEFAULTS, QUERY_BYTES_MAX, QueryError, Question};

/// The `sliProvider` that a question for Prometheus names.
pub const PROVIDER: &str = "prometheus";
/// Where the SLI file lies below the directory of a service, or at the top of a stage or project.
pub const SLI_PATH: &str = "prometheus/sli.yaml";
