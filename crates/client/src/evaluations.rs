//! How quality gates have judged.

use std::collections::HashSet;

use serde::Deserialize;

use crate::client::Client;
use crate::error::ClientError;

/// Most evaluations that are asked for at once: the server gives no more.
const PAGE: usize = 1000;

/// How a gate has judged.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(utoipa::ToSchema))]
pub struct Evaluation {
    /// The id of its `evaluation.finished` event.
    pub id: String,
    /// The delivery that it was made for.
    pub context: String,
    /// When it was made, RFC 3339.
    pub time: String,
    /// `pass`, `warning` or `fail`.
    pub result: String,
    /// In percent of what can be had.
    pub score: f64,
    /// What the evaluation says; may be empty.
    #[serde(default)]
    pub message: String,
    /// Whether somebody has declared it invalid.
    pub invalidated: bool,
    /// One for each objective; empty where nothing was judged.
    pub indicator_results: Vec<EvaluatedIndicator>,
}

/// How an objective was met.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(utoipa::ToSchema))]
pub struct EvaluatedIndicator {
    /// What people call the objective; may be empty.
    pub display_name: String,
    /// `pass`, `warning`, `fail` or `info`.
    pub status: String,
    /// What it adds to the score.
    pub score: f64,
    /// Whether all fails where it does.
    pub key_sli: bool,
    /// What was measured; none where nobody was asked.
    #[serde(default)]
    pub value: Option<MeasuredIndicator>,
}

/// What was measured.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
pub struct MeasuredIndicator {
    /// The name of the indicator.
    pub metric: String,
    /// The number.
    pub value: f64,
    /// Whether there is a number at all.
    pub success: bool,
    /// Why there is none; may be empty.
    #[serde(default)]
    pub message: String,
}

#[derive(Deserialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
pub(crate) struct EvaluationPage {
    evaluations: Vec<Evaluation>,
    #[serde(default)]
    next: Option<u64>,
}

impl Client {
    /// The newest evaluations of a service in a stage, at most so many, newest first.
    ///
    /// # Errors
    /// 404 where there is no such project.
    pub async fn evaluations(
        &self,
        project: &str,
        stage: &str,
        service: &str,
        last: usize,
    ) -> Result<Vec<Evaluation>, ClientError> {
        let path = [
            "api",
            "tidegate",
            "v1",
            "projects",
            project,
            "stages",
            stage,
            "services",
            service,
            "evaluations",
        ];
        let mut evaluations: Vec<Evaluation> = Vec::new();
        // What is made meanwhile moves the others to later pages.
        let mut seen = HashSet::new();
        let mut next = Some(0);
        while let Some(offset) = next.filter(|_| evaluations.len() < last) {
            let limit = (last - evaluations.len()).min(PAGE);
            let query = [("offset", offset.to_string()), ("limit", limit.to_string())];
            let request = self.get(&path).query(&query);
            let page: EvaluationPage = self.fetch("evaluations", request).await?;
            // Only ever forward, or a confused server could keep us here.
            next = page.next.filter(|next| *next > offset);
            let new = page.evaluations.into_iter().filter(|one| seen.insert(one.id.clone()));
            evaluations.extend(new);
        }
        evaluations.truncate(last);
        Ok(evaluations)
    }
}
