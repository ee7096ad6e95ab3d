//! Quality gates on a real server: jobs deploy and measure, a release that meets its objectives goes on by
//! itself, one that does not stops, and a problem finds its action.

mod credentials;
mod foreign;
mod http_json;
mod integrations;
mod monitoring;
mod on_fail;
mod place;
mod prometheus;
mod remediation;
mod results;
mod revised;
mod runs;
mod shares;
#[path = "../support/mod.rs"]
mod support;
