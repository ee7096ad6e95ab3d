//! `get-sli.finished`: what the values mean.

use tidegate_core::built_in::BuiltIn;
use tidegate_core::event::{Event, Phase, Scope};
use tidegate_core::quality::{
    Evaluation, Question, SLO_PATH, SliAnswer, Timeframe, evaluate, lint,
};
use tidegate_store::EventFilter;

use super::{Evaluations, of_evaluation, past};
use crate::outbox::AGAIN;

/// Most things about a file that an evaluation says.
const FINDINGS_MAX: usize = 5;

impl Evaluations {
    pub(super) async fn judge(&self, values: &Event) {
        let scope = match Scope::of(&values.data) {
            Ok(scope) => scope,
            Err(reason) => return tracing::warn!(reason, "SLI values belong nowhere"),
        };
        let Some(event) = self.asked(&scope, values).await else {
            return tracing::warn!("nobody has asked for these SLI values");
        };
        if self.is_left(&scope, &event).await {
            return;
        }
        let evaluation = self.evaluated(&scope, &event, values).await;
        self.finish(&event, values, &evaluation).await;
    }

    /// The evaluation that the values are for. Keptn 1.4: the newest of the context there.
    async fn asked(&self, scope: &Scope, values: &Event) -> Option<Event> {
        let filter = EventFilter {
            context: Some(values.context),
            ..EventFilter::of(scope, of_evaluation(Phase::Triggered))
        };
        loop {
            let filter = filter.clone();
            match self.engine.read(move |reader| reader.events(&filter, 0, 1)).await {
                Ok(page) => return page.items.into_iter().next().map(|row| row.event),
                Err(error) => {
                    tracing::error!(%error, "an evaluation could not be read; trying again");
                    tokio::time::sleep(AGAIN).await;
                }
            }
        }
    }

    /// Whether the evaluation was left to a gate of somebody's own.
    async fn is_left(&self, scope: &Scope, event: &Event) -> bool {
        let (id, context) = (event.id, event.context);
        loop {
            let project = scope.project.clone();
            match self.engine.read(move |reader| reader.stood_down(&project, context)).await {
                Ok(left) => {
                    return left.iter().any(|one| one.event == id && one.part == BuiltIn::Gate);
                }
                Err(error) => {
                    tracing::error!(%error, "what was left to others could not be read; trying again");
                    tokio::time::sleep(AGAIN).await;
                }
            }
        }
    }

    async fn evaluated(&self, scope: &Scope, event: &Event, values: &Event) -> Evaluation {
        let errored = |message: String| Evaluation::errored(&Timeframe::default(), message);
        let answer = match SliAnswer::of(&values.data) {
            Ok(answer) => answer,
            Err(error) => return errored(error),
        };
        let slo = match self.slo(scope, event).await {
            Ok(slo) => slo,
            Err(error) => return errored(format!("error retrieving SLO file: {error}")),
        };
        let scope = scope.clone();
        let evaluated = self.engine.read(move |reader| {
            let earlier = past::earlier(reader, &scope, &slo)?;
            let question =
                Question { scope: &scope, slo: &slo, answer: &answer, earlier: &earlier };
            Ok(with_findings(evaluate(&question), &slo))
        });
        evaluated.await.unwrap_or_else(|error| {
            errored(format!("could not retrieve previous evaluation.finished events: {error}"))
        })
    }
}

/// What the file does otherwise than it reads is said where people look for the verdict.
fn with_findings(mut evaluation: Evaluation, slo: &str) -> Evaluation {
    let findings = lint(slo);
    for finding in findings.iter().take(FINDINGS_MAX) {
        if !evaluation.message.is_empty() {
            evaluation.message.push('\n');
        }
        evaluation.message.push_str(&format!("{SLO_PATH}:{finding}"));
    }
    if let Some(more) = findings.len().checked_sub(FINDINGS_MAX).filter(|more| *more > 0) {
        evaluation.message.push_str(&format!("\n{SLO_PATH}: and {more} more"));
    }
    evaluation
}
