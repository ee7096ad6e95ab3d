//! How a gate has judged, as the server tells it.

use clap::Args;
use tidegate_client::{EvaluatedIndicator, Evaluation};
use tidegate_core::event::TaskResult;
use tidegate_core::quality::{IndicatorResult, IndicatorStatus, Past, SliResult, reach};

use crate::complete;
use crate::connection::Connection;
use crate::failure::Failure;

/// Whose history, and how much of it.
#[derive(Debug, Args)]
pub(crate) struct Whose {
    /// The project
    #[arg(long, value_name = "NAME", add = complete::projects())]
    pub(crate) project: String,
    /// The stage
    #[arg(long, value_name = "NAME", add = complete::stages())]
    pub(crate) stage: String,
    /// The service
    #[arg(long, value_name = "NAME", add = complete::services())]
    pub(crate) service: String,
    /// How many evaluations, up to the newest
    #[arg(long, value_name = "NUMBER", default_value = "90",
        value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) last: u32,
}

/// Evaluations, oldest first.
pub(crate) struct History {
    /// As the server tells them.
    pub(crate) told: Vec<Evaluation>,
    /// As a gate reads them, one for each of these.
    pub(crate) past: Vec<Past>,
    /// How many at the beginning are there only to be compared with.
    pub(crate) before: usize,
}

impl Whose {
    /// `fulltour/qa/helloservice`
    pub(crate) fn place(&self) -> String {
        format!("{}/{}/{}", self.project, self.stage, self.service)
    }

    /// Asks for the history, with what its first evaluations are compared with.
    pub(crate) async fn ask(&self, connection: &Connection) -> Result<History, Failure> {
        let Self { project, stage, service, last } = self;
        let last = usize::try_from(*last).unwrap_or(usize::MAX);
        let client = connection.open()?;
        let mut told = client.evaluations(project, stage, service, reach(last)).await?;
        told.reverse();
        let past = told.iter().map(past).collect();
        let before = told.len().saturating_sub(last);
        Ok(History { told, past, before })
    }
}

fn past(told: &Evaluation) -> Past {
    Past {
        id: told.id.clone(),
        result: TaskResult::named(&told.result),
        score: told.score,
        invalidated: told.invalidated,
        message: told.message.clone(),
        indicators: told.indicator_results.iter().map(indicator).collect(),
    }
}

fn indicator(told: &EvaluatedIndicator) -> IndicatorResult {
    let value = told.value.as_ref().map(|value| SliResult {
        metric: value.metric.clone(),
        value: value.value,
        success: value.success,
        message: value.message.clone(),
        ..SliResult::default()
    });
    IndicatorResult {
        score: told.score,
        value,
        display_name: told.display_name.clone(),
        key_sli: told.key_sli,
        status: IndicatorStatus::named(&told.status),
        ..IndicatorResult::default()
    }
}
