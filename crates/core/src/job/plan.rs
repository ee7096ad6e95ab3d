//! What runs on an event.

use super::config::{JobConfig, Task};
use super::event::EventObject;
use crate::event::{EventKind, Phase};

/// What runs on an event, and whether it is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The actions that run, one after another, in file order. Keptn 1.4 stops after the first that
    /// is not silent, against its own documentation; here all of them run.
    pub actions: Vec<PlannedAction>,
    /// Whether the event gets a `.started` and a `.finished`: it is a `.triggered` one, and not only
    /// silent actions match. Keptn 1.4 starts what only silent actions match, and never ends it.
    pub answered: bool,
}

/// One action that runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedAction {
    /// Its place in the file, counted from 0: part of the names of its jobs.
    pub index: usize,
    /// Its name.
    pub name: String,
    /// Whether its end is not reported.
    pub silent: bool,
    /// Its tasks. The first that fails is the last.
    pub tasks: Vec<PlannedTask>,
}

/// One task that runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedTask {
    /// Its place in the action, counted from 1: part of the name of its job.
    pub index: usize,
    /// What it is.
    pub task: Task,
}

impl Plan {
    /// Whether nothing runs.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.actions.is_empty()
    }
}

/// What a configuration asks for when an event arrives. Only events of tasks run anything (Keptn
/// 1.4), and none of an approval: a program must not answer what a person is asked.
#[must_use]
pub fn plan(config: &JobConfig, event: &EventObject) -> Plan {
    let (triggered, eligible) = match event.kind().kind() {
        EventKind::Task { task, phase } => (phase == Phase::Triggered, task != *"approval"),
        EventKind::Sequence { .. } | EventKind::Other => (false, false),
    };
    let mut actions = Vec::new();
    for (index, action) in config.actions.iter().enumerate() {
        if !eligible || !action.events.iter().any(|pattern| pattern.matches(event)) {
            continue;
        }
        let tasks = action.tasks.iter().zip(1..);
        actions.push(PlannedAction {
            index,
            name: action.name.clone(),
            silent: action.silent,
            tasks: tasks.map(|(task, index)| PlannedTask { index, task: task.clone() }).collect(),
        });
    }
    let answered = triggered && actions.iter().any(|action| !action.silent);
    Plan { actions, answered }
}

#[cfg(test)]
pub(super) mod tests {
    use serde_json::json;

    use super::*;

    /// An event with something of every kind in its data.
    pub(in crate::job) fn event(kind: &str) -> EventObject {
        EventObject::of(&json!({
            "id": "f2b878d3-03c0-4e8f-bc3f-454bc1b3d79b",
            "type": kind,
            "source": "shipyard-controller",
            "data": {
                "project": "p", "stage": "s", "service": "v",
                "labels": {"build-id": "17", "my key": "x"},
                "test": {"teststrategy": "locust"},
                "n": 2, "big": 1_000_000, "flag": true, "list": ["a", "b"], "map": {"k": 1},
                "nil": null
            }
        }))
    }

    fn planned(text: &str, kind: &str) -> (Vec<(usize, Vec<usize>)>, bool) {
        let plan = plan(&JobConfig::parse(text).unwrap(), &event(kind));
        let tasks = |action: &PlannedAction| action.tasks.iter().map(|task| task.index).collect();
        (plan.actions.iter().map(|a| (a.index, tasks(a))).collect(), plan.answered)
    }

    const FILE: &str = "
apiVersion: v2
actions:
  - events: [{ name: deployment.triggered }]
    tasks: [{ name: a }]
  - events: [{ name: nothing }, { name: test }]
    tasks: [{ name: b }, { name: c }]
  - events: [{ name: test.triggered }, { name: hush }]
    silent: true
    tasks: [{ name: d }]
  - events: [{ name: test.triggered }]
  - tasks: [{ name: e }]
";

    #[test]
    fn all_matching_actions_run_in_file_order() {
        let all = vec![(1, vec![1, 2]), (2, vec![1]), (3, vec![])];
        assert_eq!(planned(FILE, "sh.keptn.event.test.triggered"), (all, true));
        let one = vec![(0, vec![1])];
        assert_eq!(planned(FILE, "sh.keptn.event.deployment.triggered"), (one, true));
        assert_eq!(planned(FILE, "sh.keptn.event.release.triggered"), (vec![], false));
    }

    #[test]
    fn what_only_silent_actions_match_is_not_answered() {
        let silent = vec![(2, vec![1])];
        assert_eq!(planned(FILE, "sh.keptn.event.hush.triggered"), (silent, false));
    }

    #[test]
    fn only_triggered_events_are_answered() {
        let one = vec![(1, vec![1, 2])];
        assert_eq!(planned(FILE, "sh.keptn.event.test.finished"), (one, false));
    }

    #[test]
    fn nothing_runs_on_approvals_sequences_and_other_events() {
        let file = "apiVersion: v2\nactions:\n  - events: [{}]\n    tasks: [{ name: a }]\n";
        assert!(planned(file, "sh.keptn.event.test.triggered").1);
        for kind in [
            "sh.keptn.event.approval.triggered",
            "sh.keptn.event.approval.finished",
            "sh.keptn.event.dev.delivery.triggered",
            "sh.keptn.event.test.status.changed",
            "approval.triggered",
            "",
        ] {
            assert_eq!(planned(file, kind), (vec![], false), "{kind}");
        }
    }
}
