//! What has changed between two looks at a sequence. A pure function, so that every way of showing
//! progress tells the same story.

use serde::Serialize;
use tidegate_client::{Run, RunState, Sequence, Task, TaskState, Verdict};

use crate::text;

/// One change. Without a stage it is about the sequence as a whole, without a task about a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Change {
    /// When it happened, where that is known; else when it was noticed.
    pub(crate) time: String,
    pub(crate) context: String,
    pub(crate) project: String,
    pub(crate) service: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) stage: Option<String>,
    pub(crate) sequence: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) task: Option<String>,
    pub(crate) state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) result: Option<Verdict>,
    /// How long it took, once it is over.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) seconds: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) message: Option<String>,
    /// Where it waits for a person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) approval: Option<Gate>,
}

/// An approval that waits, and where it is decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Gate {
    pub(crate) id: String,
    pub(crate) link: String,
}

/// What has changed since `before`, in the order of the runs. `now` is the time of what carries none,
/// `link` makes the address of an approval.
pub(crate) fn changes(
    before: Option<&Sequence>,
    after: &Sequence,
    now: &str,
    link: impl Fn(&str) -> String,
) -> Vec<Change> {
    let mut changes = Vec::new();
    let known = before.map(|before| before.state);
    if known.is_none() || (known != Some(after.state) && !after.state.is_final()) {
        let time = if known.is_none() { &after.triggered_at } else { now };
        let first = whole(after, time);
        // What is over is told at the end.
        let state = if after.state.is_final() { "triggered" } else { first.state };
        changes.push(Change { state, result: None, seconds: None, message: None, ..first });
    }
    for run in &after.runs {
        let earlier = before.and_then(|before| before.runs.iter().find(|old| old.id == run.id));
        of_run(after, earlier, run, now, &link, &mut changes);
    }
    if after.state.is_final() && known != Some(after.state) {
        changes.push(whole(after, now));
    }
    changes
}

fn whole(sequence: &Sequence, time: &str) -> Change {
    let ended = sequence.runs.iter().filter_map(|run| run.ended_at.as_deref()).max();
    let time = ended.filter(|_| sequence.state.is_final()).unwrap_or(time);
    Change {
        time: time.to_owned(),
        context: sequence.context.clone(),
        project: sequence.project.clone(),
        service: sequence.service.clone(),
        stage: None,
        sequence: sequence.sequence.clone(),
        task: None,
        state: sequence.state.as_str(),
        result: sequence.result,
        seconds: sequence.result.and_then(|_| text::seconds_between(&sequence.triggered_at, time)),
        message: sequence.result.and_then(|_| overridden(sequence.is_overridden())),
        approval: None,
    }
}

/// What is said of the end of what went on although its gate had failed.
fn overridden(is_overridden: bool) -> Option<String> {
    is_overridden.then(|| "a failed gate was overridden".to_owned())
}

fn of_run(
    sequence: &Sequence,
    before: Option<&Run>,
    after: &Run,
    now: &str,
    link: &impl Fn(&str) -> String,
    changes: &mut Vec<Change>,
) {
    let blank = Change {
        time: now.to_owned(),
        context: sequence.context.clone(),
        project: sequence.project.clone(),
        service: after.service.clone(),
        stage: Some(after.stage.clone()),
        sequence: after.sequence.clone(),
        task: None,
        state: after.state.as_str(),
        result: None,
        seconds: None,
        message: None,
        approval: None,
    };
    let is_over = after.ended_at.is_some();
    let is_new = before.is_none_or(|before| before.state != after.state);
    // That a run goes on or waits for a person, its tasks say.
    let is_silent = matches!(after.state, RunState::Started | RunState::WaitingForApproval)
        && before.is_some_and(|before| before.state != RunState::Paused);
    if is_new && !is_over && !is_silent && after.state != RunState::WaitingForApproval {
        changes.push(blank.clone());
    }
    for (place, task) in after.tasks.iter().enumerate() {
        let earlier = before.and_then(|before| before.tasks.get(place));
        let is_news = earlier.map_or(TaskState::Pending, |earlier| earlier.state) != task.state;
        if is_news && task.state != TaskState::Skipped {
            changes.push(of_task(&blank, task, link));
        }
    }
    if is_new && is_over {
        let ended = after.ended_at.clone().unwrap_or_else(|| now.to_owned());
        changes.push(Change {
            seconds: text::seconds_between(&after.triggered_at, &ended),
            time: ended,
            result: after.result,
            message: after.message.clone().or_else(|| overridden(after.is_overridden())),
            ..blank
        });
    }
}

fn of_task(blank: &Change, task: &Task, link: &impl Fn(&str) -> String) -> Change {
    let (state, time) = match task.state {
        TaskState::Pending => ("pending", None),
        TaskState::Triggered => ("triggered", task.triggered_at.as_ref()),
        TaskState::Started => ("started", task.started_at.as_ref()),
        TaskState::WaitingForApproval => ("waitingForApproval", task.triggered_at.as_ref()),
        TaskState::Finished => ("finished", task.finished_at.as_ref()),
        TaskState::Stopped => ("stopped", None),
        TaskState::Skipped => ("skipped", None),
    };
    let gate = task.id.as_ref().filter(|_| task.state == TaskState::WaitingForApproval);
    Change {
        time: time.cloned().unwrap_or_else(|| blank.time.clone()),
        task: Some(task.name.clone()),
        state,
        result: task.result,
        seconds: took(task),
        message: match &task.overridden {
            Some(overridden) => Some(overridden.to_string()),
            None => task.message.clone().filter(|_| task.result == Some(Verdict::Fail)),
        },
        approval: gate.map(|id| Gate { id: id.clone(), link: link(id) }),
        ..blank.clone()
    }
}

/// How long a task took, once it is over.
pub(crate) fn took(task: &Task) -> Option<i64> {
    text::seconds_between(task.triggered_at.as_deref()?, task.finished_at.as_deref()?)
}

impl Change {
    /// The change as one line.
    pub(crate) fn sentence(&self) -> String {
        let mut line = format!("{}  ", text::moment(&self.time));
        match (&self.stage, &self.task) {
            (Some(stage), Some(task)) => {
                line.push_str(&format!("{stage}/{} {task}", self.sequence));
            }
            (Some(stage), None) => line.push_str(&format!("{stage}/{}", self.sequence)),
            (None, _) => {
                let Self { project, service, sequence, .. } = self;
                line.push_str(&format!("{sequence} of {project}/{service}"));
            }
        }
        line.push(' ');
        line.push_str(words(self.state));
        if let Some(result) = self.result {
            line.push_str(&format!(": {}", result.as_str()));
        }
        if let Some(seconds) = self.seconds {
            line.push_str(&format!(" after {}", text::span(seconds)));
        }
        if let Some(message) = &self.message {
            line.push_str(&format!(": {message}"));
        }
        if let Some(Gate { id, link }) = &self.approval {
            line.push_str(&format!(": {link} or tidegate approve {id}"));
        }
        line
    }
}

/// A state as people say it.
pub(crate) fn words(state: &str) -> &str {
    match state {
        "waitingForApproval" => "waits for approval",
        "timedOut" => "timed out",
        "triggered" => "triggered",
        "waiting" => "waits in line",
        state => state,
    }
}

#[cfg(test)]
mod tests;
