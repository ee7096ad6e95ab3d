//! Jobs as a part of a server: the runner on the engine, aborts, and the logs.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tidegate_core::built_in::BuiltIn;
use tidegate_core::names::EventId;
use tidegate_engine::Engine;
use tidegate_store::PAGE_MAX;
use tokio::sync::{broadcast, mpsc};
use tokio_util::task::AbortOnDropHandle;

use super::engine_port::{EnginePort, Progress, Secrets};
use super::{ExecutorConfig, ImageMap, JobLog, JobMetrics, JobsConfig, ProcessExecutor, Runner};

/// How long a program has between SIGTERM and SIGKILL.
const GRACE: Duration = Duration::from_secs(10);
/// Changes of logs that a slow page may fall behind before it must read anew.
const CHANGES_KEPT: usize = 1024;

const UNPOISONED: &str = "nobody panics while holding it";

/// Tasks between their `.started` and their `.finished`.
type Running = Arc<Mutex<BTreeSet<EventId>>>;

/// What jobs need beside the engine.
pub struct JobsSetup {
    /// The `[jobs]` section.
    pub config: JobsConfig,
    /// The `[secrets]` section.
    pub secrets: Secrets,
    /// Where the directories of jobs are.
    pub directory: PathBuf,
    /// The command that supervises one job; the job's directory becomes its last argument.
    pub supervisor: Vec<OsString>,
}

/// Jobs of a server. Dropped or stopped, it starts no more; what runs goes on.
pub struct Jobs {
    executor: Arc<ProcessExecutor>,
    changes: broadcast::Sender<EventId>,
    running: Running,
    port: Arc<EnginePort>,
    metrics: JobMetrics,
    tasks: Vec<AbortOnDropHandle<()>>,
}

impl Jobs {
    /// Takes up deliveries from now on, those of a former run first. With jobs switched off nothing new
    /// is started; what a former run has begun is brought to its end.
    ///
    /// # Errors
    /// The directory of jobs cannot be made.
    pub fn start(engine: Engine, setup: JobsSetup) -> io::Result<Self> {
        let JobsSetup { config, secrets, directory, supervisor } = setup;
        let policy = config.policy();
        let executor = Arc::new(ProcessExecutor::open(ExecutorConfig {
            directory,
            supervisor,
            images: ImageMap::new(config.images),
            output_max: config.output_max.get(),
            grace: GRACE,
        })?);
        let (changes, _) = broadcast::channel(CHANGES_KEPT);
        let running = Running::default();
        let (tell, progress) = mpsc::unbounded_channel();
        // Listened to before the first job runs, so that no abort is missed.
        let cancelled = engine.cancellations();
        let port =
            Arc::new(EnginePort::new(engine.clone(), Arc::clone(&executor), policy, secrets, tell));
        let runner = Runner::new(Arc::clone(&port), Arc::clone(&executor), config.concurrency);
        let metrics = runner.metrics();
        let tasks = [
            tokio::spawn(forget(Arc::clone(&executor), engine.forgotten())),
            tokio::spawn(abort(engine, Arc::clone(&executor), cancelled)),
            tokio::spawn(follow_all(
                Arc::clone(&executor),
                progress,
                changes.clone(),
                Arc::clone(&running),
            )),
            tokio::spawn(async move { runner.run().await }),
        ];
        let tasks = tasks.into_iter().map(AbortOnDropHandle::new).collect();
        Ok(Self { executor, changes, running, port, metrics, tasks })
    }

    /// What jobs count.
    #[must_use]
    pub fn metrics(&self) -> &JobMetrics {
        &self.metrics
    }

    /// Reads logs without holding on to the server.
    #[must_use]
    pub fn logs(&self) -> Logs {
        Logs { executor: Arc::clone(&self.executor), changes: self.changes.clone() }
    }

    /// Reads what jobs have left, without holding on to the server.
    #[must_use]
    pub fn results(&self) -> ResultFiles {
        ResultFiles(Arc::clone(&self.executor))
    }

    /// Starts no more jobs. Those that run go on under their supervisors.
    pub async fn stop(self) {
        for task in self.tasks {
            task.abort();
            // Aborted is how it shall end.
            drop(task.await);
        }
    }

    /// Stops all jobs that run, waits until they have ended, and starts no more.
    pub async fn stop_all(self) {
        // The end of one job may trigger the next task: nothing more is taken up.
        self.port.close();
        let mut changes = self.changes.subscribe();
        let mut cancelled = BTreeSet::new();
        loop {
            let running = self.running.lock().expect(UNPOISONED).clone();
            if running.is_empty() {
                break;
            }
            for task in running.difference(&cancelled) {
                if let Err(error) = self.executor.cancel(*task) {
                    tracing::error!(%error, event.id = %task, "a job could not be stopped");
                }
            }
            cancelled.extend(running);
            // Each reports its end, and that is a change of its log.
            if let Err(broadcast::error::RecvError::Closed) = changes.recv().await {
                break;
            }
        }
        self.stop().await;
    }
}

/// Files that jobs have left below `/keptn/results`.
#[derive(Clone)]
pub struct ResultFiles(Arc<ProcessExecutor>);

impl ResultFiles {
    /// The one that the newest job of a task has left under that name, at most one byte more of it than
    /// `bytes_max`; none where none has. Blocks on files.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn read(&self, task: EventId, name: &str, bytes_max: u64) -> io::Result<Option<Vec<u8>>> {
        self.0.result_file(task, name, bytes_max)
    }
}

/// The output of jobs.
#[derive(Clone)]
pub struct Logs {
    executor: Arc<ProcessExecutor>,
    changes: broadcast::Sender<EventId>,
}

impl Logs {
    /// The newest `bytes_max` bytes of what the jobs of a task have said so far; none where no job of
    /// ours runs it. Blocks on files.
    #[must_use]
    pub fn log(&self, task: EventId, bytes_max: usize) -> Option<JobLog> {
        self.executor.log_end(task, bytes_max).unwrap_or_else(|error| {
            tracing::error!(%error, event.id = %task, "a job's log could not be read");
            None
        })
    }

    /// Tasks whose output has changed, from now on.
    #[must_use]
    pub fn subscribe(&self) -> broadcast::Receiver<EventId> {
        self.changes.subscribe()
    }
}

/// Passes aborts on.
async fn abort(
    engine: Engine,
    executor: Arc<ProcessExecutor>,
    mut cancelled: broadcast::Receiver<EventId>,
) {
    let cancel = |task: EventId| {
        if let Err(error) = executor.cancel(task) {
            tracing::error!(%error, event.id = %task, "a job could not be aborted");
        }
    };
    loop {
        match cancelled.recv().await {
            Ok(task) => cancel(task),
            // The deliveries of those that were missed are marked as cancelled, too.
            Err(broadcast::error::RecvError::Lagged(_)) => {
                match engine.read(|reader| reader.deliveries(BuiltIn::Jobs, -1, PAGE_MAX)).await {
                    Ok(rows) => {
                        rows.iter()
                            .filter(|row| row.cancelled)
                            .for_each(|row| cancel(row.event.id));
                    }
                    Err(error) => tracing::error!(%error, "aborts of jobs were missed"),
                }
            }
            Err(broadcast::error::RecvError::Closed) => return,
        }
    }
}

/// Removes what the jobs of forgotten tasks have left. What is missed here only takes up space.
async fn forget(executor: Arc<ProcessExecutor>, mut forgotten: broadcast::Receiver<EventId>) {
    loop {
        match forgotten.recv().await {
            Ok(task) => {
                let executor = Arc::clone(&executor);
                let removed = tokio::task::spawn_blocking(move || executor.forget(task)).await;
                if let Ok(Err(error)) = removed {
                    tracing::warn!(%error, event.id = %task, "what its job has left stays");
                }
            }
            Err(broadcast::error::RecvError::Lagged(missed)) => {
                tracing::warn!(missed, "what the jobs of some forgotten tasks have left stays");
            }
            Err(broadcast::error::RecvError::Closed) => return,
        }
    }
}

/// Follows the log of every task from its `.started` to its `.finished`.
async fn follow_all(
    executor: Arc<ProcessExecutor>,
    mut progress: mpsc::UnboundedReceiver<Progress>,
    changes: broadcast::Sender<EventId>,
    running: Running,
) {
    let mut followers = BTreeMap::new();
    while let Some(progress) = progress.recv().await {
        match progress {
            Progress::Began(task) => {
                running.lock().expect(UNPOISONED).insert(task);
                let (executor, changes) = (Arc::clone(&executor), changes.clone());
                followers.insert(
                    task,
                    AbortOnDropHandle::new(tokio::spawn(follow(executor, task, changes))),
                );
            }
            Progress::Ended(task) => {
                running.lock().expect(UNPOISONED).remove(&task);
                followers.remove(&task);
                // Nobody looking is fine.
                drop(changes.send(task));
            }
        }
    }
}

async fn follow(
    executor: Arc<ProcessExecutor>,
    task: EventId,
    changes: broadcast::Sender<EventId>,
) {
    let followed = async {
        let mut follower = executor.follow_log(task)?;
        loop {
            follower.changed().await?;
            drop(changes.send(task));
        }
    };
    let ended: io::Result<std::convert::Infallible> = followed.await;
    let Err(error) = ended;
    tracing::warn!(%error, event.id = %task, "a job's log cannot be followed");
}
