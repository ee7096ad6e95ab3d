//! The end of a history: everybody goes on, everything is answered, and nothing is left.

use jiff::SignedDuration;

use super::case::Case;
use crate::approval::{ApprovalState, Decision};
use crate::event::Phase;
use crate::names::ProjectName;
use crate::sequence::tests::world::{grace, jobs, machine};
use crate::sequence::{Answer, Command, Control, Input, Task, TaskState};

/// Rounds that are enough for every history here.
const ROUNDS_MAX: usize = 2_000;

impl Case {
    /// Resumes what is paused, answers what is open and lets time pass, until all has ended. The
    /// shipyard that is read from now on has no sequence that follows another: loops end, too.
    pub(super) fn drain(&mut self) {
        self.unreadable = false;
        self.push_shipyard(false);
        for _ in 0..ROUNDS_MAX {
            self.settle(usize::MAX);
            let busy = self.resume_all() | self.answer_all() | self.decide_all();
            if !busy && !self.let_time_pass() && self.pending.is_empty() {
                break;
            }
        }
        self.check_summaries();
        let open: Vec<_> = self.executions().filter(|e| !e.state.is_final()).collect();
        assert!(open.is_empty(), "everything comes to an end: {open:?}");
        assert!(self.rows.holders.is_empty(), "nobody holds a lane: {:?}", self.rows.holders);
        assert!(self.rows.queues.is_empty(), "nobody waits: {:?}", self.rows.queues);
        assert!(self.rows.open.is_empty() && self.rows.timers.is_empty());
        assert!(self.pending.is_empty() && self.seen.following.is_empty());
    }

    fn resume_all(&mut self) -> bool {
        let paused = self.rows.contexts.values().filter(|context| {
            context.open > 0 && (context.paused.all || !context.paused.stages.is_empty())
        });
        let paused: Vec<_> = paused.map(|context| context.id).collect();
        for context in &paused {
            let (control, project) = (Control::Resume, ProjectName::new("tour").unwrap());
            let command = Command { control, project, context: *context, stage: None, after: 0 };
            self.send(Input::Control(command), &grace()).unwrap();
        }
        !paused.is_empty()
    }

    fn answer_all(&mut self) -> bool {
        let open = self.rows.tasks.values().filter(|task| task.state != TaskState::Over);
        let open: Vec<Task> = open.cloned().collect();
        for task in &open {
            match task.state {
                TaskState::Draining => self.answer_once(task, Phase::Finished),
                _ if task.started == 0 => self.answer_once(task, Phase::Started),
                _ if self.seen.tallies[&task.id].ours => self.answer_by_jobs(task),
                _ => self.answer_once(task, Phase::Finished),
            }
        }
        !open.is_empty()
    }

    fn answer_once(&mut self, task: &Task, phase: Phase) {
        if task.state == TaskState::Draining {
            return self.answer_by_jobs(task);
        }
        let answer = self.answer_of(task.id, task.context, &task.name, phase, &machine());
        let client_id = Some(self.fresh_client_id());
        self.send_answer(Answer { client_id, ..answer }, phase, &machine());
    }

    fn answer_by_jobs(&mut self, task: &Task) {
        let (phase, by) = (Phase::Finished, jobs());
        let answer = self.answer_of(task.id, task.context, &task.name, phase, &by);
        self.send_answer(answer, phase, &by);
    }

    fn decide_all(&mut self) -> bool {
        let open = self.rows.approvals.values();
        let open = open.filter(|approval| approval.state == ApprovalState::Open);
        let open: Vec<_> = open.map(|approval| approval.id).collect();
        for approval in &open {
            let input = Input::Vote {
                project: ProjectName::new("tour").unwrap(),
                approval: *approval,
                decision: Decision::Approve,
                subject: None,
                comment: None,
                source: "test".to_owned(),
            };
            self.send(input, &grace()).unwrap();
        }
        !open.is_empty()
    }

    /// The clock goes on to the next timer, which fires.
    fn let_time_pass(&mut self) -> bool {
        let first = self.rows.timers.iter().min_by_key(|(timer, due)| (**due, **timer));
        let Some((timer, due)) = first.map(|(timer, due)| (*timer, *due)) else { return false };
        self.pass_time(due.duration_since(self.now).max(SignedDuration::ZERO));
        self.fire(timer);
        true
    }
}
