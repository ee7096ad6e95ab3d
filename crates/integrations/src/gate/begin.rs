//! `evaluation.triggered`: who is asked for which values.

use serde_json::{Map, Value};
use tidegate_core::built_in::BuiltIn;
use tidegate_core::event::{Event, EventType, Phase, Scope, Status, answer_to};
use tidegate_core::names::TaskName;
use tidegate_core::quality::{Ask, Begin, Evaluation, SLO_PATH, Timeframe, ask, time};
use tidegate_core::sli::results;

use super::{Evaluations, of_evaluation};
use crate::answer_id::answer_id;
use crate::files::{self, Commits};
use crate::outbox::{Answer, Asked};

impl Evaluations {
    pub(super) async fn begin(&self, event: &Event) {
        let scope = match Scope::of(&event.data) {
            Ok(scope) => scope,
            Err(reason) => return tracing::error!(reason, "an evaluation has no scope"),
        };
        if !self.started(event).await {
            // Nobody waits for it any more.
            return;
        }
        let slo = self.slo(&scope, event).await;
        let provider = match self.provider(&scope, event).await {
            Ok(provider) => provider,
            Err(error) => {
                let message = format!("the SLI provider cannot be looked up: {error}");
                let timeframe = time::of_event(&event.data, self.engine.now()).unwrap_or_default();
                let evaluation = Evaluation::errored(&timeframe, message)
                    .of_file(slo.as_deref().unwrap_or_default());
                return self.finish(event, event, &evaluation).await;
            }
        };
        let next = ask(&Begin {
            scope: &scope,
            data: &event.data,
            slo: slo.as_deref().map_err(String::as_str),
            provider: provider.as_deref(),
            now: self.engine.now(),
        });
        match next {
            Ask::Values(data) => self.question(event, data).await,
            Ask::Over(evaluation) => self.finish(event, event, &evaluation).await,
        }
    }

    /// Keptn 1.4: `.started` comes before anything is looked at. Whether the task is still there.
    async fn started(&self, event: &Event) -> bool {
        let mut data = answer_to(&event.data);
        data.insert("status".to_owned(), Value::from(Status::Succeeded.as_str()));
        self.answer(event, event, Phase::Started, data).await
    }

    /// `slo.yaml` at the commit that the sequence runs on; empty where there is none.
    pub(super) async fn slo(&self, scope: &Scope, event: &Event) -> Result<String, String> {
        let (place, commit) = (files::of_service(scope), event.commit.clone());
        let text = files::text(&self.engine, &scope.project, place, SLO_PATH, commit).await;
        text.map(Option::unwrap_or_default)
    }

    /// Who measures: what was configured for the project, or else for the installation, or else the results
    /// of jobs where the files say how to read them.
    async fn provider(&self, scope: &Scope, event: &Event) -> Result<Option<String>, String> {
        let project = scope.project.clone();
        let row = self.engine.read(move |reader| reader.project(&project)).await;
        let configured = row.map_err(|error| error.to_string())?.and_then(|row| row.sli_provider);
        if let Some(name) = configured.or_else(|| self.sli_provider.clone()) {
            return Ok(Some(name));
        }
        let (task, stage) = (Some(event.id), event.commit.clone());
        let commits = Commits::of_task(&self.engine, scope, event.context, task, stage).await;
        // Where they are read when it is asked.
        let found = files::levels(&self.engine, scope, results::SLI_PATH, &commits).await?;
        Ok((!found.is_empty()).then(|| results::PROVIDER.to_owned()))
    }

    async fn question(&self, event: &Event, data: Map<String, Value>) {
        let get_sli = TaskName::new("get-sli").expect("a plain word");
        let answer = Answer {
            kind: EventType::task(&get_sli, Phase::Triggered),
            source: BuiltIn::Gate.source(),
            id: answer_id(event.id, "get-sli"),
            commit: event.commit.clone(),
            data,
        };
        if let Err(error) = self.outbox.record(Asked::from(event), answer).await {
            let evaluation = Evaluation::errored(&Timeframe::default(), error);
            self.finish(event, event, &evaluation).await;
        }
    }

    /// Ends an evaluation. What it was made of gives the answer its id, so that each counts once.
    pub(super) async fn finish(&self, event: &Event, made_of: &Event, evaluation: &Evaluation) {
        let mut data = answer_to(&event.data);
        evaluation.write(&mut data);
        tracing::info!(
            evaluation.result = evaluation.outcome.result.as_str(),
            evaluation.score = evaluation.details.score,
            "evaluated"
        );
        self.answer(event, made_of, Phase::Finished, data).await;
    }

    async fn answer(
        &self,
        event: &Event,
        made_of: &Event,
        phase: Phase,
        data: Map<String, Value>,
    ) -> bool {
        let answer = Answer {
            kind: of_evaluation(phase),
            source: BuiltIn::Gate.source(),
            id: answer_id(made_of.id, phase.as_str()),
            commit: event.commit.clone(),
            data,
        };
        let errored = |error| {
            let mut data = answer_to(&event.data);
            Evaluation::errored(&Timeframe::default(), error).write(&mut data);
            data
        };
        self.outbox.answer_or(Asked::from(event), answer, errored).await
    }
}
