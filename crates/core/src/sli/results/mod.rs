//! SLIs from files that a job wrote, so that a gate needs no monitoring system. The query of an indicator
//! in the SLI file says which number of which file it is:
//!
//! ```yaml
//! indicators:
//!   response_time_p95: k6:summary.json#http_req_duration.p(95)
//!   slowest:           locust:run_stats.csv#Aggregated/100%
//!   checkout_p95:      jmeter:results.jtl#p95[Checkout]
//!   failed_tests:      junit:report.xml#failures
//!   coverage:          json:coverage.json#$.totals.percent_covered
//!   binary_size:       csv:sizes.csv#bytes[tidegate]
//! ```
//!
//! A query is `<format>:<file>#<selector>`. The file is a path below the directory of the job's results;
//! what a selector looks like is said by each format, in this folder: one file of code for one format.
//!
//! There is always exactly one finite number, or an error that says which file and line is meant, what is
//! wrong there, and how to mend it. What proves nothing is an error too: no failure in a report without
//! a test is not a value of 0.

mod csv;
mod jmeter;
mod json;
mod junit;
mod k6;
mod locust;
mod problem;
mod query;
mod table;
#[cfg(test)]
mod tests;

pub use problem::ReadError;
pub use query::{Query, QueryError};

/// The `sliProvider` that a question for results of jobs names.
pub const PROVIDER: &str = "job-results";
/// Where the SLI file lies below the directory of a service, or at the top of a stage or project.
pub const SLI_PATH: &str = "job/sli.yaml";
/// Largest file of results, in bytes.
pub const FILE_BYTES_MAX: usize = 15 * 1024 * 1024;
