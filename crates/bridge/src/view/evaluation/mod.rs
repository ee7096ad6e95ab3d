//! Evaluations of a quality gate, as pages show them: one alone, two, or many. What is shown is what the gate
//! has written; nothing is judged here.

mod compare;
mod heatmap;
mod judged;
mod limit;
mod objective;
mod replayed;
#[cfg(test)]
mod tests;
mod trend;
mod verdict;

use tidegate_core::event::Scope;

use crate::next::encode;

pub(crate) use compare::{Pair, Side, compare};
pub(crate) use heatmap::Heatmap;
pub(crate) use judged::{FINISHED, Judged};
pub(crate) use limit::Met;
pub(crate) use objective::{Objective, Order, objectives};
pub(crate) use replayed::{Replay, Would, history};
pub(crate) use trend::{Trend, trends};
pub(crate) use verdict::{Verdict, timeframe};

/// The page of the evaluations of a service in a stage.
pub(crate) fn quality_href(scope: &Scope) -> String {
    let Scope { project, stage, service } = scope;
    format!("/bridge/project/{project}/quality/{}/{stage}", encode(service.as_str()))
}
