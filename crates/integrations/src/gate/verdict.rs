//! `get-sli.finished`: what the values mean.

use tidegate_core::built_in::BuiltIn;
use tidegate_core::event::{Event, Scope};
use tidegate_core::quality::{
    Evaluation, Question, SLO_PATH, SliAnswer, Timeframe, evaluate, lint,
};
use tidegate_store::Reader;

use super::asked::{Asked, asked};
use super::{Evaluations, past};
use crate::reading::read;

/// Most things about a file that an evaluation says.
const FINDINGS_MAX: usize = 5;

impl Evaluations {
    pub(super) async fn judge(&self, values: &Event) {
        let scope = match Scope::of(&values.data) {
            Ok(scope) => scope,
            Err(reason) => return tracing::warn!(reason, "SLI values belong nowhere"),
        };
        let Some(asked) = self.asked(&scope, values).await else {
            return tracing::warn!("nobody has asked for these SLI values");
        };
        if self.is_left(&scope, &asked.evaluation).await {
            return;
        }
        let evaluation = self.evaluated(&scope, &asked, values).await;
        self.finish(&asked.evaluation, values, &evaluation).await;
    }

    async fn asked(&self, scope: &Scope, values: &Event) -> Option<Asked> {
        let (scope, values) = (scope.clone(), values.clone());
        let ask = move |reader: &dyn Reader| asked(reader, &scope, &values);
        read(&self.engine, "an evaluation", ask).await
    }

    /// Whether the evaluation was left to a gate of somebody's own.
    async fn is_left(&self, scope: &Scope, event: &Event) -> bool {
        let (id, context, project) = (event.id, event.context, scope.project.clone());
        let ask = move |reader: &dyn Reader| reader.stood_down(&project, context);
        let left = read(&self.engine, "what was left to others", ask).await;
        left.iter().any(|one| one.event == id && one.part == BuiltIn::Gate)
    }

    async fn evaluated(&self, scope: &Scope, asked: &Asked, values: &Event) -> Evaluation {
        let mut answer = match SliAnswer::of(&values.data) {
            Ok(answer) => answer,
            Err(error) => return Evaluation::errored(&Timeframe::default(), error),
        };
        if let Some(in_vain) = &asked.in_vain {
            answer.message.push_str(&format!("; {} was asked", in_vain.provider));
            answer.timeframe = in_vain.timeframe.clone();
        }
        let timeframe = answer.timeframe.clone();
        let errored = |message: String| Evaluation::errored(&timeframe, message);
        let slo = match self.slo(scope, &asked.evaluation).await {
            Ok(slo) => slo,
            Err(error) => return errored(format!("error retrieving SLO file: {error}")),
        };
        let (scope, text) = (scope.clone(), slo.clone());
        let evaluated = self.engine.read(move |reader| {
            let earlier = past::earlier(reader, &scope, &text)?;
            let question =
                Question { scope: &scope, slo: &text, answer: &answer, earlier: &earlier };
            Ok(with_findings(evaluate(&question), &text))
        });
        match evaluated.await {
            // Keptn 1.4 has no time-out, and nothing that it would leave out here.
            Ok(evaluation) if asked.in_vain.is_some() => evaluation.of_file(&slo),
            Ok(evaluation) => evaluation,
            Err(error) => {
                let what = "could not retrieve previous evaluation.finished events";
                errored(format!("{what}: {error}")).of_file(&slo)
            }
        }
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
