//! SLIs from any HTTP API that answers JSON. The query of an indicator in the SLI file says which endpoint is
//! asked for what, and which number of the answer is meant:
//!
//! ```yaml
//! indicators:
//!   response_time_p95: metrics:query?service=$SERVICE&from=$START&to=$END#$.data[0].value
//!   errors:            search:logs/_count?q=service:$SERVICE+AND+level:error#$.count
//! ```
//!
//! A query is `<endpoint>:<path>?<query>#<JSONPath>`. Its author may be anybody who can push to a project, and
//! the server stands where its author does not. So an endpoint is a name that the installation gives a meaning
//! to, an [`Address`], and what is asked lies below it: [`Query::target`] makes a [`Target`] that cannot lead
//! elsewhere, whatever is filled in, and [`Address::below`] is the only way from there to an address.
//!
//! [`read_answer`] reads exactly one finite number, or says what else is there.

mod address;
mod answer;
mod placeholders;
mod query;
mod target;
#[cfg(test)]
pub(crate) mod tests;

pub use address::{Address, AddressError, EndpointName, EndpointNameError, LeavesEndpoint};
pub use answer::{AnswerError, Hide, about, read_answer, refused};
pub use placeholders::Values;
pub use query::{QUERY_BYTES_MAX, Query, QueryError, TargetError};
pub use target::{TARGET_BYTES_MAX, Target};

/// The `sliProvider` that a question for HTTP APIs names.
pub const PROVIDER: &str = "http-json";
/// Where the SLI file lies below the directory of a service, or at the top of a stage or project.
pub const SLI_PATH: &str = "http-json/sli.yaml";
