//! Service level indicators: what a quality gate is told about a service, and where the numbers come
//! from. [`GetSli`] is a provider's question, [`finished`] its answer; [`prometheus`] asks a Prometheus,
//! [`http_json`] any API that answers JSON, [`results`] reads what a job wrote, [`monitoring`] says what a
//! Prometheus must watch, and [`alertmanager`] hears of indicators that an alert watches.
//!
//! Nothing here calls anybody: a provider brings the bytes, and is told what they mean.

pub mod alertmanager;
mod answer;
mod file;
pub mod http_json;
pub mod monitoring;
pub mod prometheus;
mod request;
pub mod results;
#[cfg(test)]
mod tests;
mod window;

pub use answer::{MESSAGE_BYTES_MAX, Measurement, errored, finished, started};
pub use file::{Indicator, Level, Queries, SliFile, SliFileError};
pub use request::{FILTERS_MAX, Filter, GetSli, GetSliError, INDICATORS_MAX};
pub use window::{Window, WindowError};
