//! How quality gates have judged.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

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

/// An evaluation that is asked for. What is empty is left to the server.
#[derive(Debug, Clone, Default, Serialize)]
pub struct NewEvaluation {
    /// From when, such as `2026-11-24T10:00:00.000Z`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub start: String,
    /// Until when, at least a minute later.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub end: String,
    /// Its labels.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub labels: Map<String, Value>,
    /// The commit of the stage that files are read at.
    #[serde(rename = "gitcommitid", skip_serializing_if = "String::is_empty")]
    pub commit: String,
}

/// The answer to it.
#[derive(Deserialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub(crate) struct Evaluating {
    keptn_context: String,
}

impl Client {
    /// Has a service evaluated in a stage, by Keptn's route, and answers the id of the sequence that does it.
    ///
    /// # Errors
    /// 400 where there is no such place, or the time is none.
    pub async fn evaluate(
        &self,
        project: &str,
        stage: &str,
        service: &str,
        new: &NewEvaluation,
    ) -> Result<String, ClientError> {
        let path = [
            "api",
            "controlPlane",
            "v1",
            "project",
            project,
            "stage",
            stage,
            "service",
            service,
            "evaluation",
        ];
        let triggered: Evaluating = self.fetch("an evaluation", self.post(&path).json(new)).await?;
        Ok(triggered.keptn_context)
    }

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
