//! The end of a run: everything is healed, and whatever is open comes to its end.

use std::time::Duration;

use serde_json::Value;
use tidegate_core::approval::{ApprovalState, Decision};
use tidegate_core::principal::Principal;
use tidegate_core::sequence::{
    Command, Control, Execution, ExecutionState, Pauses, Task, TaskState,
};
use tidegate_store::Reader as _;
use tidegate_store::memory::Contents;

use crate::executors::answer_to;
use crate::request::{Op, Owner};
use crate::shipyards::JOBS;
use crate::world::{Checked, World};

/// Rounds until nothing may be left.
const ROUNDS: u32 = 160;
/// Rounds that the built-in executor has before somebody else ends its tasks.
const PATIENCE: u32 = 20;
/// Rounds after which what hangs on a planned fault is aborted.
const GIVE_UP: u32 = 100;

impl World {
    /// Brings everything to its end.
    pub(crate) fn drain(&mut self) -> Checked {
        self.heal()?;
        for round in 0..ROUNDS {
            // Longer and longer, so that every delay passes.
            let until = self.now + Duration::from_secs(10 + u64::from(round) * 15);
            while self.now < until {
                if !self.step()? {
                    self.now = until;
                }
            }
            if !self.is_quiet() {
                continue;
            }
            let Some(server) = &self.server else { continue };
            let contents = server.reader.contents().map_err(|error| error.to_string())?;
            let work = server.has_work() || server.has_backlog();
            if is_over(&contents) && !work {
                return Ok(());
            }
            self.end_all(&contents, round)?;
        }
        let Some(server) = &self.server else { return Err("the server is gone".to_owned()) };
        let contents = server.reader.contents().map_err(|error| error.to_string())?;
        let open: Vec<_> = contents.executions.iter().filter(|one| !one.state.is_final()).collect();
        Err(format!("it does not come to its end: {open:?}, lanes {:?}", contents.lanes))
    }

    /// Whether every client that still asks was answered.
    fn is_quiet(&self) -> bool {
        let waits = |request: &crate::request::Request| {
            request.owner == Owner::Client
                && request.sent > 0
                && request.sent < 8
                && request.settled.is_none()
                && request.may_repeat()
        };
        !self.requests.iter().any(waits)
    }

    fn end_all(&mut self, contents: &Contents, round: u32) -> Checked {
        for context in &contents.contexts {
            let (project, context_id) = (&context.project, context.id);
            let hangs = round > GIVE_UP && self.checker.has_struck() && context.open > 0;
            let control = match (hangs, context.paused == Pauses::default()) {
                (true, _) => Control::Abort,
                (false, false) => Control::Resume,
                (false, true) => continue,
            };
            let (project, context) = (project.clone(), context_id);
            let command = Command { control, project, context, stage: None, after: 0 };
            self.ask(Op::Control(command), &Principal::Shared);
        }
        for execution in &contents.executions {
            self.end_task(execution, contents, round)?;
        }
        for approval in &contents.approvals {
            if approval.state == ApprovalState::Open {
                let (project, id) = (approval.scope.project.clone(), approval.id);
                let subject = Some(self.subject(approval)?);
                let decision = Decision::Approve;
                let op = Op::Vote { project, approval: id, decision, subject };
                let by = self.people[0].principal();
                self.ask(op, &by);
            }
        }
        Ok(())
    }

    /// Somebody looks after a task whose executor does not come back.
    fn end_task(&mut self, execution: &Execution, contents: &Contents, round: u32) -> Checked {
        let ExecutionState::Running { task: id } = execution.state else { return Ok(()) };
        let found = contents.tasks.iter().find(|task| task.id == id);
        let Some(Task { name, started, finished, state, .. }) = found else { return Ok(()) };
        if *state != TaskState::Open || (JOBS.contains(&name.as_str()) && round < PATIENCE) {
            return Ok(());
        }
        let Some(server) = &self.server else { return Ok(()) };
        let event = server.reader.event(id).map_err(|error| error.to_string())?;
        let Some((_, row)) = event else { return Err(format!("task {id} has no event")) };
        let wanted = (*started).max(1);
        let missing = wanted.saturating_sub(u32::try_from(finished.len()).unwrap_or(u32::MAX));
        let starts = u32::from(*started == 0);
        let phases = (0..starts).map(|_| "started").chain((0..missing).map(|_| "finished"));
        for phase in phases {
            let mut body = answer_to(&row.event, phase, "operator", "pass", "succeeded");
            body["id"] = Value::from(self.uuid().to_string());
            self.ask(Op::Event { body, key: None }, &Principal::Shared);
        }
        Ok(())
    }
}

fn is_over(contents: &Contents) -> bool {
    contents.executions.iter().all(|one| one.state.is_final())
        && contents.deliveries.is_empty()
        && contents.timers.is_empty()
}
