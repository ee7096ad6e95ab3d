//! The built-in executor: it takes deliveries from the outbox, and each of its programs runs at most
//! once, whatever happens to the server.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tidegate_core::built_in::BuiltIn;
use tidegate_core::event::{Event, EventKind};
use tidegate_core::names::EventId;
use tidegate_core::principal::{Principal, PrincipalName};
use tidegate_core::sequence::Reply;
use tidegate_store::{DeliveryRow, Reader as _, Write};
use uuid::Uuid;

use crate::agenda::Action;
use crate::request::{Answer, JobStep, Op, Owner};
use crate::shipyards::JOBS;
use crate::world::{Checked, World};

const SOURCE: &str = "job-executor-service";

/// A delivery that this process works on.
#[derive(Debug, Clone)]
pub(crate) struct Claim {
    delivery: i64,
    event: Event,
    cancelled: bool,
    waits: bool,
}

/// A program. It outlives the server.
#[derive(Debug, Clone, Default)]
pub(crate) struct Job {
    starts: u32,
    /// How it ended; none while it runs.
    ended: Option<&'static str>,
}

/// All programs that were ever started, or must never be, by task.
pub(crate) type Jobs = BTreeMap<EventId, Job>;

impl World {
    /// Takes up the deliveries that are new to this process.
    pub(crate) fn take_deliveries(&mut self) -> Checked {
        BuiltIn::ALL.into_iter().try_for_each(|to| self.take_deliveries_to(to))
    }

    fn take_deliveries_to(&mut self, to: BuiltIn) -> Checked {
        loop {
            let Some(server) = &mut self.server else { return Ok(()) };
            let delivered = &mut server.delivered[to as usize];
            let rows = server.reader.deliveries(to, *delivered, 64).map_err(|e| e.to_string())?;
            let Some(last) = rows.last() else { return Ok(()) };
            *delivered = last.id;
            for row in rows {
                self.take(to, row)?;
            }
        }
    }

    fn take(&mut self, to: BuiltIn, row: DeliveryRow) -> Checked {
        let DeliveryRow { id, event, cancelled, .. } = row;
        let of = event.id;
        let ours = match event.kind.kind() {
            // The other parts have nothing to say here: executors answer instead of them.
            EventKind::Task { task, .. } => to == BuiltIn::Jobs && JOBS.contains(&task.as_str()),
            EventKind::Sequence { .. } | EventKind::Other => false,
        };
        if !ours {
            self.checker.delivery_done(of);
            return self.submit(Op::Write(Write::DeliveryDone(id)), Owner::Job(of, JobStep::Done));
        }
        let body = answer_of(&event, "started", None);
        if let Some(server) = &mut self.server {
            server.claims.insert(of, Claim { delivery: id, event, cancelled, waits: false });
        }
        self.submit(Op::Event { body, key: None }, Owner::Job(of, JobStep::Started))
    }

    /// The server has answered its own executor.
    pub(crate) fn job_answered(
        &mut self,
        task: EventId,
        step: JobStep,
        answer: &Answer,
    ) -> Checked {
        match step {
            JobStep::Started => {
                let counts = matches!(
                    answer,
                    Answer::Accepted { reply: Reply::Accepted | Reply::Repeated, .. }
                );
                self.run_job(task, counts)
            }
            JobStep::Finished => self.delivery_done(task),
            JobStep::Done => {
                if let Some(server) = &mut self.server {
                    server.claims.remove(&task);
                }
                Ok(())
            }
        }
    }

    fn run_job(&mut self, task: EventId, counts: bool) -> Checked {
        let claims = self.server.as_mut().map(|server| &mut server.claims);
        let Some(claim) = claims.and_then(|claims| claims.get_mut(&task)) else { return Ok(()) };
        claim.waits = counts;
        if claim.cancelled || !counts {
            self.cancel_job(task);
        }
        if !counts {
            return self.delivery_done(task);
        }
        match self.jobs.get(&task) {
            Some(Job { ended: Some(_), .. }) => self.finish_job(task),
            // It runs since before a crash.
            Some(Job { ended: None, .. }) => Ok(()),
            None => self.start_job(task),
        }
    }

    fn start_job(&mut self, task: EventId) -> Checked {
        let job = self.jobs.entry(task).or_default();
        job.starts += 1;
        if job.starts > 1 {
            return Err(format!("the job of task {task} runs a second time"));
        }
        let takes = self.random.seconds(1, 90);
        self.note(format_args!("a job starts for {task}"));
        self.agenda.plan(self.now + takes, Action::JobEnds(task));
        Ok(())
    }

    /// A program ends by itself.
    pub(crate) fn job_ends(&mut self, task: EventId) -> Checked {
        let how = if self.random.chance(850) { "pass" } else { "fail" };
        let job = self.jobs.entry(task).or_default();
        if job.ended.is_none() {
            job.ended = Some(how);
            self.note(format_args!("the job of {task} ends: {how}"));
        }
        self.finish_job(task)
    }

    /// What runs is stopped, and what does not run must not start.
    pub(crate) fn cancel_job(&mut self, task: EventId) {
        let job = self.jobs.entry(task).or_default();
        if job.ended.is_none() {
            job.ended = Some("aborted");
            if job.starts > 0 {
                self.agenda.plan(self.now, Action::JobEnds(task));
            }
            self.note(format_args!("the job of {task} is stopped"));
        }
    }

    /// A part of the server that waited for the end of a job reports it.
    pub(crate) fn finish_job(&mut self, task: EventId) -> Checked {
        let Some(how) = self.jobs.get(&task).and_then(|job| job.ended) else { return Ok(()) };
        let claims = self.server.as_mut().map(|server| &mut server.claims);
        let Some(claim) = claims.and_then(|claims| claims.get_mut(&task)) else { return Ok(()) };
        if !std::mem::take(&mut claim.waits) {
            return Ok(());
        }
        let body = answer_of(&claim.event, "finished", Some(how));
        self.submit(Op::Event { body, key: None }, Owner::Job(task, JobStep::Finished))
    }

    fn delivery_done(&mut self, task: EventId) -> Checked {
        let claims = self.server.as_ref().map(|server| &server.claims);
        let Some(claim) = claims.and_then(|claims| claims.get(&task)) else { return Ok(()) };
        let done = Op::Write(Write::DeliveryDone(claim.delivery));
        self.checker.delivery_done(task);
        self.submit(done, Owner::Job(task, JobStep::Done))
    }
}

/// Who the built-in executor is.
pub(crate) fn principal() -> Principal {
    Principal::Builtin(PrincipalName::new(SOURCE).expect("a short plain text"))
}

/// The same for the same task and phase, so that an answer that is sent again is known.
fn answer_of(event: &Event, phase: &str, result: Option<&str>) -> Value {
    let id = Uuid::from_u128(event.id.uuid().as_u128().rotate_left(if result.is_some() {
        7
    } else {
        3
    }));
    let task = match event.kind.kind() {
        EventKind::Task { task, .. } => task.to_string(),
        EventKind::Sequence { .. } | EventKind::Other => String::new(),
    };
    let mut data = json!({"project": event.data["project"], "stage": event.data["stage"],
        "service": event.data["service"], "status": "succeeded"});
    if let Some(result) = result {
        data["result"] = Value::from(if result == "pass" { "pass" } else { "fail" });
    }
    json!({"id": id, "type": format!("sh.keptn.event.{task}.{phase}"), "source": SOURCE,
        "shkeptncontext": event.context, "triggeredid": event.id, "data": data})
}
