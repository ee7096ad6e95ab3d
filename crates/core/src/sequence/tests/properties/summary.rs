//! Summaries, told once more from the log alone.

use std::collections::BTreeMap;

use serde_json::Value;

use super::case::Seen;
use crate::approval::Approval;
use crate::event::{Event, EventKind, EventType, Phase, Scope, text};
use crate::names::{ContextId, EventId};
use crate::sequence::tests::rows::Rows;
use crate::sequence::{
    Disposition, EventRef, Execution, LatestEvaluation, LatestEvent, LogEntry, Override, StageState,
};

#[derive(Default)]
struct Told {
    stages: BTreeMap<ContextId, Vec<StageState>>,
    latest: BTreeMap<(Scope, EventType), LatestEvent>,
}

pub(super) fn check(rows: &Rows, seen: &Seen) {
    let mut told = Told::default();
    for entry in &rows.log {
        told.tell(rows, seen, entry);
    }
    for context in rows.contexts.values() {
        let mut stages = told.stages.remove(&context.id).unwrap_or_default();
        if seen.stage_controls.contains(&context.id) {
            // Pausing and resuming stages is not in the log.
            for (stage, known) in stages.iter_mut().zip(&context.stages) {
                stage.state.clone_from(&known.state);
            }
        }
        assert_eq!(context.stages, stages, "a context's stages are what the log tells");
    }
    assert_eq!(rows.latest, told.latest, "the newest events are what the log tells");
}

impl Told {
    fn tell(&mut self, rows: &Rows, seen: &Seen, entry: &LogEntry) {
        if entry.disposition != Disposition::Accepted {
            return;
        }
        let event = &entry.event;
        match event.kind.kind() {
            EventKind::Sequence { phase: Phase::Triggered, .. } => {
                if let Some(execution) = of_trigger(rows, event.id) {
                    self.enter(execution);
                }
            }
            EventKind::Sequence { phase: Phase::Finished, .. } => {
                let trigger = event.triggered_id.unwrap();
                let execution = of_trigger(rows, trigger).unwrap();
                let stage = self.stage(execution, event);
                text(&event.data, "status").clone_into(&mut stage.state);
            }
            EventKind::Task { phase, .. } => {
                let task = match phase {
                    Phase::Triggered => event.id,
                    Phase::Started | Phase::Finished => event.triggered_id.unwrap(),
                };
                // That another service looks at an approval, too, changes nothing.
                let foreign = phase == Phase::Started
                    && rows.approvals.contains_key(&task)
                    && seen.outside.contains(&event.id);
                if !foreign {
                    self.task(of_task(rows, task), event);
                    if event.data.get("approval").is_some_and(|said| said["overridden"] == true) {
                        self.overridden(&rows.approvals[&task]);
                    }
                }
            }
            EventKind::Sequence { .. } | EventKind::Other => {}
        }
    }

    fn enter(&mut self, execution: &Execution) {
        let stages = self.stages.entry(execution.context).or_default();
        if stages.iter().all(|stage| stage.name != execution.scope.stage) {
            stages.push(StageState {
                name: execution.scope.stage.clone(),
                image: None,
                latest_evaluation: None,
                latest_event: None,
                latest_failed_event: None,
                state: String::new(),
                overridden: None,
            });
        }
    }

    fn stage(&mut self, execution: &Execution, event: &Event) -> &mut StageState {
        let stages = self.stages.get_mut(&execution.context).unwrap();
        let of = |stage: &&mut StageState| stage.name == execution.scope.stage;
        let stage = stages.iter_mut().find(of).unwrap();
        let newest = EventRef { kind: event.kind.to_string(), id: event.id, time: event.time };
        if text(&event.data, "result") == "fail" || text(&event.data, "status") == "errored" {
            stage.latest_failed_event = Some(newest.clone());
        }
        stage.latest_event = Some(newest);
        stage
    }

    fn task(&mut self, execution: &Execution, event: &Event) {
        let stage = self.stage(execution, event);
        "triggered".clone_into(&mut stage.state);
        match event.kind.as_str() {
            "sh.keptn.event.deployment.triggered" => {
                let values = event.data.get("configurationChange").and_then(|c| c.get("values"));
                let image = values.and_then(|values| values.get("image")).and_then(Value::as_str);
                if let Some(image) = image {
                    stage.image = Some(image.to_owned());
                }
            }
            "sh.keptn.event.evaluation.finished" if event.source == "lighthouse-service" => {
                if let Some(found) = event.data.get("evaluation") {
                    let result = text(found.as_object().unwrap(), "result").to_owned();
                    let score = found["score"].as_f64().unwrap();
                    stage.latest_evaluation = Some(LatestEvaluation { result, score });
                }
            }
            _ => {}
        }
        let (scope, kind) = (execution.scope.clone(), event.kind.clone());
        let newest = LatestEvent {
            scope: scope.clone(),
            kind: kind.clone(),
            event: event.id,
            context: event.context,
            time: event.time,
        };
        self.latest.insert((scope, kind), newest);
    }
}

impl Told {
    /// A failed gate was let through: in the stage that goes on, and where the gate was.
    fn overridden(&mut self, approval: &Approval) {
        let gate = &approval.failed_gate().unwrap().stage;
        for stage in self.stages.get_mut(&approval.context).unwrap() {
            if stage.name == approval.scope.stage || stage.name == *gate {
                let failed = stage.latest_failed_event.as_ref().map(|event| event.id);
                stage.overridden = Some(Override { approval: approval.id, failed });
            }
        }
    }
}

fn of_trigger(rows: &Rows, trigger: EventId) -> Option<&Execution> {
    rows.executions.values().find(|execution| execution.trigger == trigger)
}

fn of_task(rows: &Rows, task: EventId) -> &Execution {
    let execution = match rows.tasks.get(&task) {
        Some(task) => task.execution,
        None => rows.approvals[&task].execution,
    };
    &rows.executions[&execution]
}
