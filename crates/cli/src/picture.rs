//! A sequence on a screen: its stages, their tasks, how long each took, and the gate that waits.

use jiff::Timestamp;
use tidegate_client::{Run, RunState, Sequence, SequenceState, Task, TaskState, Verdict};

use crate::progress::{took, words};
use crate::text;
use crate::tone::{Span, Tone};

/// Columns before the state of a task.
const NAME_WIDTH: usize = 22;

/// The lines of a sequence. `link` makes the address of an approval.
pub(crate) fn lines(
    sequence: &Sequence,
    now: Timestamp,
    link: impl Fn(&str) -> String,
) -> Vec<Vec<Span>> {
    let place = format!("{} of {}/{}", sequence.sequence, sequence.project, sequence.service);
    let (state, tone) = standing(sequence);
    let mut lines = vec![vec![
        Span::new(place, Tone::Strong),
        Span::from("  "),
        Span::new(state, tone),
        Span::new(format!("  {}", sequence.context), Tone::Muted),
    ]];
    for run in &sequence.runs {
        lines.push(head(run, now));
        for task in &run.tasks {
            lines.push(of_task(task, now));
            if let Some(overridden) = &task.overridden {
                let who =
                    vec![Span::from("      "), Span::new(overridden.to_string(), Tone::Attention)];
                lines.push(who);
            }
            if task.state == TaskState::WaitingForApproval
                && let Some(id) = &task.id
            {
                lines.extend(decide(id, &link));
            }
        }
        if let Some(message) = run.message.as_deref().filter(|_| run.result == Some(Verdict::Fail))
        {
            lines.push(vec![Span::from("    "), Span::new(message, Tone::Bad)]);
        }
    }
    lines
}

/// As many lines as fit: the first, then the last.
pub(crate) fn fitting(mut lines: Vec<Vec<Span>>, height: Option<usize>) -> Vec<Vec<Span>> {
    // The cursor stands below the last one.
    let Some(rows) = height.map(|height| height.saturating_sub(1)) else { return lines };
    if lines.len() > rows {
        let surplus = lines.len() - rows;
        lines.drain(1..(1 + surplus).min(lines.len()));
    }
    lines
}

/// The word for what went on although its gate had failed.
pub(crate) const OVERRIDDEN: &str = "overridden";

/// Where a sequence stands, in words. One whose failed gate was overridden has not simply passed.
pub(crate) fn standing(sequence: &Sequence) -> (String, Tone) {
    let (state, tone) = state(sequence);
    match sequence.result {
        _ if !sequence.is_overridden() => (state, tone),
        Some(Verdict::Pass | Verdict::Warning) => (OVERRIDDEN.to_owned(), Tone::Attention),
        Some(Verdict::Fail) | None => (format!("{state}, {OVERRIDDEN}"), tone),
    }
}

fn state(sequence: &Sequence) -> (String, Tone) {
    match (sequence.state, sequence.result) {
        (SequenceState::Finished, Some(result)) => (result.as_str().to_owned(), tone(result)),
        (SequenceState::Aborted | SequenceState::TimedOut, _) => {
            (words(sequence.state.as_str()).to_owned(), Tone::Bad)
        }
        (SequenceState::Started, _) if !sequence.approvals.is_empty() => {
            ("waits for approval".to_owned(), Tone::Attention)
        }
        (SequenceState::Paused, _) => ("paused".to_owned(), Tone::Attention),
        (state, _) => (words(state.as_str()).to_owned(), Tone::Busy),
    }
}

pub(crate) fn tone(result: Verdict) -> Tone {
    match result {
        Verdict::Pass => Tone::Good,
        Verdict::Warning => Tone::Attention,
        Verdict::Fail => Tone::Bad,
    }
}

fn head(run: &Run, now: Timestamp) -> Vec<Span> {
    let (state, tone) = match (run.state, run.result) {
        (RunState::Finished, Some(Verdict::Pass | Verdict::Warning)) if run.is_overridden() => {
            (OVERRIDDEN, Tone::Attention)
        }
        (RunState::Finished, Some(result)) => (result.as_str(), tone(result)),
        (RunState::Aborted | RunState::TimedOut | RunState::Finished, _) => {
            (words(run.state.as_str()), Tone::Bad)
        }
        (RunState::WaitingForApproval | RunState::Paused, _) => {
            (words(run.state.as_str()), Tone::Attention)
        }
        (RunState::Waiting | RunState::Started, _) => (words(run.state.as_str()), Tone::Busy),
    };
    let ended = run.ended_at.clone().unwrap_or_else(|| now.to_string());
    let took = text::seconds_between(&run.triggered_at, &ended).map(text::span);
    let name = format!("  {}/{}", run.stage, run.sequence);
    vec![
        Span::new(pad(&name, 4 + NAME_WIDTH), Tone::Strong),
        Span::new(state, tone),
        Span::new(format!("  {}", took.unwrap_or_default()), Tone::Muted),
    ]
}

fn of_task(task: &Task, now: Timestamp) -> Vec<Span> {
    let waited = task.triggered_at.as_deref();
    let waited = waited.and_then(|since| text::seconds_between(since, &now.to_string()));
    let (icon, state, tone, seconds) = match (task.state, task.result) {
        (TaskState::Finished, _) if task.overridden.is_some() => {
            ("!", OVERRIDDEN, Tone::Attention, took(task))
        }
        (TaskState::Finished, Some(Verdict::Pass)) => ("✓", "pass", Tone::Good, took(task)),
        (TaskState::Finished, Some(Verdict::Warning)) => {
            ("!", "warning", Tone::Attention, took(task))
        }
        (TaskState::Finished, _) => ("✗", "fail", Tone::Bad, took(task)),
        (TaskState::Started, _) => ("▸", "runs", Tone::Busy, waited),
        (TaskState::Triggered, _) => ("▹", "waits for an executor", Tone::Busy, waited),
        (TaskState::WaitingForApproval, _) => ("◆", "waits for approval", Tone::Attention, waited),
        (TaskState::Pending, _) => ("·", "", Tone::Muted, None),
        (TaskState::Stopped, _) => ("■", "stopped", Tone::Bad, None),
        (TaskState::Skipped, _) => ("–", "skipped", Tone::Muted, None),
    };
    let name = pad(&task.name, NAME_WIDTH - 2);
    vec![
        Span::from("    "),
        Span::new(icon, tone),
        Span::new(format!(" {name}"), if seconds.is_some() { Tone::Plain } else { Tone::Muted }),
        Span::from(" "),
        Span::new(state, tone),
        Span::new(
            seconds.map(text::span).map_or(String::new(), |took| format!("  {took}")),
            Tone::Muted,
        ),
    ]
}

/// Where an approval is decided.
fn decide(id: &str, link: &impl Fn(&str) -> String) -> [Vec<Span>; 2] {
    [
        vec![Span::from("      "), Span::new(link(id), Tone::Plain)],
        vec![Span::from("      "), Span::new(format!("tidegate approve {id}"), Tone::Plain)],
    ]
}

fn pad(text: &str, width: usize) -> String {
    format!("{text:<width$}")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn text(lines: &[Vec<Span>]) -> String {
        let lines = lines.iter().map(|line| crate::tone::line(line, false, None));
        lines.collect::<Vec<_>>().join("\n")
    }

    fn waiting() -> Sequence {
        serde_json::from_value(json!({
            "context": "4f2c", "project": "tour", "service": "hello", "sequence": "delivery",
            "state": "started", "triggeredAt": "2026-11-24T12:00:00Z",
            "triggeredBy": {"kind": "shared"}, "approvals": ["0199"],
            "runs": [
                {"id": "1", "stage": "qa", "service": "hello", "sequence": "delivery",
                 "state": "finished", "result": "pass", "triggeredAt": "2026-11-24T12:00:00Z",
                 "endedAt": "2026-11-24T12:00:12Z", "tasks": [
                    {"name": "deployment", "id": "d", "state": "finished", "result": "pass",
                     "triggeredAt": "2026-11-24T12:00:00Z", "finishedAt": "2026-11-24T12:00:08Z"}]},
                {"id": "2", "stage": "production", "service": "hello", "sequence": "delivery",
                 "state": "waitingForApproval", "triggeredAt": "2026-11-24T12:00:12Z", "tasks": [
                    {"name": "approval", "id": "0199", "state": "waitingForApproval",
                     "triggeredAt": "2026-11-24T12:00:12Z"},
                    {"name": "deployment", "state": "pending"}]},
            ],
        }))
        .unwrap()
    }

    #[test]
    fn stages_tasks_and_the_gate_are_shown_with_how_long_each_took() {
        let now = "2026-11-24T12:03:12Z".parse().unwrap();
        let lines = lines(&waiting(), now, |id| format!("http://h/{id}"));
        let shown = "\
delivery of tour/hello  waits for approval  4f2c
  qa/delivery             pass  12 s
    ✓ deployment           pass  8 s
  production/delivery     waits for approval  3 min
    ◆ approval             waits for approval  3 min
      http://h/0199
      tidegate approve 0199
    · deployment";
        assert_eq!(text(&lines), shown);
    }

    #[test]
    fn a_failed_gate_that_was_overridden_is_no_plain_pass() {
        let mut sequence = waiting();
        sequence.state = SequenceState::Finished;
        sequence.result = Some(Verdict::Pass);
        sequence.runs.truncate(1);
        let stages = json!([{"name": "qa", "overridden": "a"}]);
        sequence.stages = serde_json::from_value(stages).unwrap();
        let approval = json!({"name": "approval", "id": "a", "state": "finished", "result": "pass",
            "triggeredAt": "2026-11-24T12:00:08Z", "finishedAt": "2026-11-24T12:00:12Z",
            "overridden": {"by": {"kind": "person", "name": "ada"}, "comment": "the probe was broken"}});
        sequence.runs[0].tasks.push(serde_json::from_value(approval).unwrap());
        let now = "2026-11-24T12:03:12Z".parse().unwrap();
        let shown = "\
delivery of tour/hello  overridden  4f2c
  qa/delivery             overridden  12 s
    ✓ deployment           pass  8 s
    ! approval             overridden  4 s
      overridden by ada: the probe was broken";
        assert_eq!(text(&lines(&sequence, now, str::to_owned)), shown);
        assert_eq!(standing(&sequence), ("overridden".to_owned(), Tone::Attention));
        sequence.result = Some(Verdict::Fail);
        assert_eq!(standing(&sequence), ("fail, overridden".to_owned(), Tone::Bad));
    }

    #[test]
    fn what_does_not_fit_on_the_screen_leaves_the_middle_out() {
        let now = "2026-11-24T12:03:12Z".parse().unwrap();
        let all = lines(&waiting(), now, str::to_owned);
        let fits = fitting(all.clone(), Some(5));
        assert_eq!(fits.len(), 4);
        assert_eq!((&fits[0], &fits[3]), (&all[0], &all[7]));
        assert_eq!(fitting(all.clone(), None).len(), all.len());
        assert!(fitting(all, Some(0)).len() <= 1);
    }
}
