//! From a delivery to its answer.

use std::num::NonZeroUsize;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Map, Value};
use tidegate_core::event::{EventKind, Phase};
use tidegate_core::job::{
    self, CONFIG_PATH, EventObject, JobConfig, Plan, PlannedAction, PlannedTask,
};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tracing::Instrument as _;

use super::metrics::JobMetrics;
use super::port::{JobDelivery, JobPort};
use super::process::{JobId, JobResult, JobSpec, ProcessExecutor};
use super::wording;
use crate::answer_id::answer_id;

/// Tasks that somebody else answers where no job does: about these an unreadable configuration says
/// nothing, because nobody can tell that a job was meant.
const ANSWERED_ELSEWHERE: [&str; 3] = ["approval", "evaluation", "get-sli"];

/// Runs the jobs of all deliveries. Whatever crashes: a delivery that was not done is handed out
/// again, its jobs are found again, and its answers carry the same ids.
pub struct Runner<P> {
    port: Arc<P>,
    executor: Arc<ProcessExecutor>,
    concurrency: NonZeroUsize,
    metrics: JobMetrics,
}

impl<P: JobPort> Runner<P> {
    /// A runner that works on at most `concurrency` deliveries at a time.
    #[must_use]
    pub fn new(port: Arc<P>, executor: Arc<ProcessExecutor>, concurrency: NonZeroUsize) -> Self {
        Self { port, executor, concurrency, metrics: JobMetrics::default() }
    }

    /// What it counts.
    #[must_use]
    pub fn metrics(&self) -> JobMetrics {
        self.metrics.clone()
    }

    /// Works until the future is dropped. Jobs that run then go on, and are found again by the next
    /// runner.
    pub async fn run(&self) {
        let places = Arc::new(Semaphore::new(self.concurrency.get()));
        let mut deliveries = JoinSet::new();
        loop {
            let place = Arc::clone(&places).acquire_owned().await;
            let place = place.expect("nobody closes the semaphore");
            let delivery = self.port.claim().await;
            while let Some(ended) = deliveries.try_join_next() {
                if let Err(error) = ended {
                    self.metrics.delivery_failed();
                    tracing::error!(%error, "a delivery of jobs failed; it is handed out again at the next start");
                }
            }
            let work = Work {
                port: Arc::clone(&self.port),
                executor: Arc::clone(&self.executor),
                event: EventObject::of(&delivery.event),
                delivery,
                metrics: self.metrics.clone(),
            };
            let held = self.metrics.delivery();
            let scope = &work.delivery.scope;
            // Every line of the log within it says whose job it is.
            let span = tracing::info_span!(
                "jobs", project = %scope.project, stage = %scope.stage, service = %scope.service,
                sequence.context = work.delivery.event["shkeptncontext"].as_str(),
                event.r#type = %work.event.kind(), event.id = %work.delivery.event_id
            );
            let working = work.deliver().instrument(span);
            deliveries.spawn(async move {
                working.await;
                drop((held, place));
            });
        }
    }
}

/// One delivery.
struct Work<P> {
    port: Arc<P>,
    executor: Arc<ProcessExecutor>,
    event: EventObject,
    delivery: JobDelivery,
    metrics: JobMetrics,
}

/// What the tasks of all actions that are not silent have said, and when.
#[derive(Default)]
struct Passed {
    logs: Vec<(String, String)>,
    window: Option<(Timestamp, Timestamp)>,
}

impl<P: JobPort> Work<P> {
    async fn deliver(self) {
        let (plan, problem) = match self.plan().await {
            Ok(plan) => (plan, None),
            Err(problem) => {
                let answered = self.unreadable_is_answered();
                (Plan { actions: Vec::new(), answered }, Some(problem))
            }
        };
        let counts = if plan.answered {
            let id = answer_id(self.delivery.event_id, "started");
            self.port.started(&self.delivery, id, job::started(&self.event)).await
        } else {
            true
        };
        if self.delivery.cancelled || !counts {
            self.cancel();
        }
        if !counts {
            return self.port.done(&self.delivery).await;
        }
        let outcome = match problem {
            Some(problem) => Err(problem),
            None => self.run(&plan).await,
        };
        if let Err(message) = &outcome {
            let reason = message.lines().next().unwrap_or_default();
            tracing::warn!("jobs did not pass: {reason}");
        }
        if plan.answered {
            let id = answer_id(self.delivery.event_id, "finished");
            self.port.finished(&self.delivery, id, self.answer(outcome)).await;
        }
        self.port.done(&self.delivery).await;
    }

    /// Stops what an earlier attempt has started, and lets nothing start.
    fn cancel(&self) {
        let event = self.delivery.event_id;
        if let Err(error) = self.executor.cancel(event) {
            tracing::error!(event.id = %event, %error, "cannot stop the jobs of an aborted task");
        }
    }

    /// What runs; nothing where there is no configuration. The error is the answer.
    async fn plan(&self) -> Result<Plan, String> {
        let read = self.port.config(&self.delivery).await;
        let Some(text) = read.map_err(|error| wording::config_unreadable(&error))? else {
            return Ok(Plan { actions: Vec::new(), answered: false });
        };
        // A large file or a costly expression must not hold up others.
        let event = self.event.clone();
        let planned = move || JobConfig::parse(&text).map(|config| job::plan(&config, &event));
        match tokio::task::spawn_blocking(planned).await {
            Ok(Ok(plan)) => Ok(plan),
            Ok(Err(error)) => Err(wording::config_unreadable(&format!("{CONFIG_PATH}:{error}"))),
            Err(error) => Err(wording::config_unreadable(&error.to_string())),
        }
    }

    /// Whether a configuration that cannot be read is reported on this event.
    fn unreadable_is_answered(&self) -> bool {
        match self.event.kind().kind() {
            EventKind::Task { task, phase: Phase::Triggered } => {
                !ANSWERED_ELSEWHERE.contains(&task.as_str())
            }
            EventKind::Task { .. } | EventKind::Sequence { .. } | EventKind::Other => false,
        }
    }

    fn answer(&self, outcome: Result<Passed, String>) -> Map<String, Value> {
        match outcome {
            Ok(passed) => {
                let now = Timestamp::now();
                let window = passed.window.unwrap_or((now, now));
                job::succeeded(&self.event, &passed.logs, window)
            }
            Err(message) => job::failed(&self.event, &message),
        }
    }

    /// Runs all actions. The first failure ends it, unless it is that of a silent action.
    async fn run(&self, plan: &Plan) -> Result<Passed, String> {
        let mut passed = Passed::default();
        for action in &plan.actions {
            if action.silent {
                if let Err(message) = self.run_action(action, &mut Passed::default()).await {
                    let reason = message.lines().next().unwrap_or_default();
                    tracing::warn!(
                        event.id = %self.delivery.event_id, action = action.name,
                        "a silent action did not pass: {reason}"
                    );
                }
            } else {
                self.run_action(action, &mut passed).await?;
            }
        }
        Ok(passed)
    }

    async fn run_action(&self, action: &PlannedAction, passed: &mut Passed) -> Result<(), String> {
        for planned in &action.tasks {
            let id =
                JobId { event: self.delivery.event_id, action: action.index, task: planned.index };
            let running = self.metrics.job();
            let result = self.run_task(id, action, planned).await?;
            drop(running);
            self.metrics.job_ended(&result);
            let name = wording::job_name(id);
            wording::judge(&name, &planned.task, &result)?;
            let started_at = result.started_at.unwrap_or(result.ended_at);
            let begin = passed.window.map_or(started_at, |(begin, _)| begin);
            passed.window = Some((begin, result.ended_at));
            passed.logs.push((planned.task.name.clone(), wording::log_text(&result.log)));
        }
        Ok(())
    }

    async fn run_task(
        &self,
        id: JobId,
        action: &PlannedAction,
        planned: &PlannedTask,
    ) -> Result<JobResult, String> {
        let task = &planned.task;
        let name = wording::job_name(id);
        // What ran before a crash counts, whatever has become of files, secrets and images since.
        match self.executor.find(id, task.idempotent).await {
            Ok(Some(result)) => return Ok(result),
            Ok(None) => {}
            Err(error) => return Err(wording::not_created(&name, &error.to_string())),
        }
        if planned.index == 1 {
            self.check_images(action)?;
        }
        let secret = |name: &str| self.port.secret(name);
        let command = planned
            .prepare(&self.event, secret)
            .map_err(|error| format!("could not prepare env for job {name}: {error}"))?;
        let mut files = Vec::new();
        for entry in &task.files {
            let found = self.port.files(&self.delivery, entry.trim_matches('/')).await;
            let found = found.map_err(|error| wording::not_created(&name, &error))?;
            if found.is_empty() {
                let task = &task.name;
                return Err(format!("could not find file or directory {entry} for task {task}"));
            }
            files.extend(found);
        }
        let spec = JobSpec {
            task: task.name.clone(),
            image: task.image.clone(),
            command,
            files,
            working_dir: task.working_dir.clone(),
            timeout: task.max_poll,
        };
        Ok(self.executor.run(id, task.idempotent, spec).await)
    }

    /// Keptn 1.4: all images of an action are checked before its first task runs.
    fn check_images(&self, action: &PlannedAction) -> Result<(), String> {
        let images = self.executor.images();
        for PlannedTask { task, .. } in &action.tasks {
            // A command that depends on a variable is known only when its task begins.
            if task.cmd.first().is_some_and(|name| name.contains('$')) {
                continue;
            }
            let resolved = images.resolve(&task.name, &task.image, &task.cmd, &task.args);
            resolved.map_err(|refusal| refusal.to_string())?;
        }
        Ok(())
    }
}
