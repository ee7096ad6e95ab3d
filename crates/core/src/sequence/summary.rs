//! The summary of a context that Keptn calls sequence state.

use serde_json::Value;

use super::context::{EventRef, LatestEvaluation, StageState};
use super::effects::Refusal;
use super::rows::Execution;
use super::triggered::image;
use super::work::Work;
use crate::event::{Event, text};

/// A task was triggered, started or finished.
pub(super) fn task_event(
    work: &mut Work<'_>,
    execution: &Execution,
    event: &Event,
) -> Result<(), Refusal> {
    work.latest(&execution.scope, event);
    change(work, execution, event, |stage| {
        "triggered".clone_into(&mut stage.state);
        match event.kind.as_str() {
            "sh.keptn.event.deployment.triggered" => {
                stage.image = image(&event.data).or(stage.image.take());
            }
            // Keptn 1.4 reads evaluations of this source only.
            "sh.keptn.event.evaluation.finished" if event.source == "lighthouse-service" => {
                stage.latest_evaluation = evaluation(event).or(stage.latest_evaluation.take());
            }
            _ => {}
        }
    })
}

/// A sequence has finished: its stage takes over the status.
pub(super) fn sequence_event(
    work: &mut Work<'_>,
    execution: &Execution,
    event: &Event,
) -> Result<(), Refusal> {
    change(work, execution, event, |stage| {
        text(&event.data, "status").clone_into(&mut stage.state);
    })
}

fn change(
    work: &mut Work<'_>,
    execution: &Execution,
    event: &Event,
    more: impl FnOnce(&mut StageState),
) -> Result<(), Refusal> {
    let newest = EventRef { kind: event.kind.to_string(), id: event.id, time: event.time };
    let failed = text(&event.data, "result") == "fail" || text(&event.data, "status") == "errored";
    work.change_context(execution.context, |context| {
        let name = &execution.scope.stage;
        if let Some(stage) = context.stages.iter_mut().find(|stage| stage.name == *name) {
            if failed {
                stage.latest_failed_event = Some(newest.clone());
            }
            stage.latest_event = Some(newest);
            more(stage);
        }
    })
}

fn evaluation(event: &Event) -> Option<LatestEvaluation> {
    let found = event.data.get("evaluation")?;
    let result = found.get("result").and_then(Value::as_str)?.to_owned();
    let score = found.get("score").and_then(Value::as_f64).unwrap_or_default();
    Some(LatestEvaluation { result, score })
}
