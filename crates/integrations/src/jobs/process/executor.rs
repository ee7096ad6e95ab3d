//! The server's side of jobs.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use tidegate_core::names::EventId;
use tokio::sync::oneshot;

use super::super::images::ImageMap;
use super::super::port::JobFile;
use super::directory::{Directories, JobDir};
use super::follow::LogFollower;
use super::lock::Lock;
use super::log::{self, JobLog};
use super::record::{Ended, Ending, JobId, JobResult, JobSpec, RunSpec};
use super::{files, paths, results, session};

/// How often a supervisor that ends without having begun is started anew.
const ATTEMPTS_MAX: usize = 3;
/// Where programs are looked for unless the task sets `PATH`.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// What the executor needs to know.
#[derive(Debug, Clone)]
pub struct ExecutorConfig {
    /// The directory of all jobs, `jobs` in the data directory. Made where it is missing.
    pub directory: PathBuf,
    /// The command that becomes [`super::supervise`]; the job's directory is added as its last
    /// argument.
    pub supervisor: Vec<OsString>,
    /// Which local commands stand for which images.
    pub images: ImageMap,
    /// How much output is kept of one job, in bytes.
    pub output_max: usize,
    /// How long a program that is stopped has between SIGTERM and SIGKILL.
    pub grace: Duration,
}

/// Runs jobs as processes of this machine. Everything it knows lies in the jobs' directories, so
/// several executors, one after another or at once, agree about every job.
#[derive(Debug)]
pub struct ProcessExecutor {
    config: ExecutorConfig,
    directories: Directories,
}

/// What to do about a job.
enum Step {
    /// It has ended.
    Report(Ended),
    /// Somebody holds its lock.
    Wait,
    /// It can be started by the holder of this lock.
    Start(Lock),
}

impl ProcessExecutor {
    /// An executor over a directory.
    ///
    /// # Errors
    /// The directory cannot be made.
    pub fn open(config: ExecutorConfig) -> io::Result<Self> {
        let directories = Directories::open(&config.directory)?;
        Ok(Self { config, directories })
    }

    /// Which local commands stand for which images.
    #[must_use]
    pub fn images(&self) -> &ImageMap {
        &self.config.images
    }

    /// The result of a job that has been started before, waiting for its end; none where it may be
    /// started. `idempotent` tells whether a job whose end was lost may be started again.
    ///
    /// # Errors
    /// Its directory cannot be read.
    pub async fn find(&self, id: JobId, idempotent: bool) -> io::Result<Option<JobResult>> {
        let dir = self.directories.of(id);
        if !dir.exists() {
            return Ok(None);
        }
        match self.look(id, idempotent).await? {
            Ok(result) => Ok(Some(result)),
            Err(_lock) => Ok(None),
        }
    }

    /// Runs a job, or finds the one that was started before, and waits for its end. Dropping the
    /// future stops the waiting, not the job.
    pub async fn run(&self, id: JobId, idempotent: bool, spec: JobSpec) -> JobResult {
        match self.start(id, idempotent, spec).await {
            Ok(result) => result,
            Err(error) => self.give_up(id, idempotent, error.to_string()).await,
        }
    }

    /// Starts the job, or finds it, and waits for its end. An error means that it did not begin.
    async fn start(&self, id: JobId, idempotent: bool, spec: JobSpec) -> io::Result<JobResult> {
        if let Some(result) = self.find(id, idempotent).await? {
            return Ok(result);
        }
        let command = &spec.command;
        let images = &self.config.images;
        let argv = match images.resolve(&spec.task, &spec.image, &command.cmd, &command.args) {
            Ok(argv) => argv,
            Err(refusal) => return Ok(ended_now(Ending::Refused { reason: refusal.to_string() })),
        };
        let dir = self.directories.of(id);
        let run = Arc::new(self.run_spec(&dir, id.event, &spec, &argv));
        let files: Arc<[JobFile]> = spec.files.into();
        dir.claim()?;
        for _ in 0..ATTEMPTS_MAX {
            let lock = match self.look(id, idempotent).await? {
                Ok(result) => return Ok(result),
                Err(lock) => lock,
            };
            let (job, files, written) = (dir.clone(), Arc::clone(&files), Arc::clone(&run));
            blocking(move || prepare(&job, &files, &written)).await?;
            // From here on the supervisor takes the lock.
            drop(lock);
            self.launch(&dir, serde_json::to_vec(&*run)?).await?;
        }
        if let Some(result) = self.find(id, idempotent).await? {
            return Ok(result);
        }
        let said = fs::read_to_string(dir.supervisor_log()).unwrap_or_default();
        Err(io::Error::other(format!("its supervisor ended at once: {}", said.trim())))
    }

    /// Writes down that a job was not started, so that what is reported now stays true.
    async fn give_up(&self, id: JobId, idempotent: bool, reason: String) -> JobResult {
        let result = ended_now(Ending::NotStarted { reason });
        let dir = self.directories.of(id);
        // Where even this fails, the report is all there is.
        match self.look(id, idempotent).await {
            Ok(Ok(found)) => return found,
            Ok(Err(_lock)) => {
                let (ending, ended_at) = (result.ending.clone(), result.ended_at);
                let ended = Ended { ending, started_at: None, ended_at };
                if let Err(error) = dir.write_ended(&ended) {
                    tracing::warn!(job = %id, %error, "cannot write down that a job did not start");
                }
            }
            Err(error) => tracing::warn!(job = %id, %error, "cannot read what is known of a job"),
        }
        result
    }

    /// Waits until the job has ended, or can be started: then its lock.
    async fn look(&self, id: JobId, idempotent: bool) -> io::Result<Result<JobResult, Lock>> {
        let dir = self.directories.of(id);
        loop {
            let cancelled = self.directories.cancel_mark(id.event);
            let job = dir.clone();
            match blocking(move || step(&job, &cancelled, idempotent)).await? {
                Step::Report(ended) => return self.result(&dir, ended).map(Ok),
                Step::Wait => Lock::released(&dir.lock()).await?,
                Step::Start(lock) => return Ok(Err(lock)),
            }
        }
    }

    fn result(&self, dir: &JobDir, ended: Ended) -> io::Result<JobResult> {
        let log = log::read(&dir.log(), self.config.output_max)?;
        let Ended { ending, started_at, ended_at } = ended;
        Ok(JobResult { ending, started_at, ended_at, log })
    }

    /// The specification with everything that depends on the job's directory.
    fn run_spec(&self, dir: &JobDir, event: EventId, spec: &JobSpec, argv: &[String]) -> RunSpec {
        let keptn = dir.keptn();
        let secret = |value: &String| spec.command.secrets.contains(value);
        let text = |path: PathBuf| path.to_string_lossy().into_owned();
        let mut env = BTreeMap::from([
            ("HOME".to_owned(), text(dir.home())),
            ("TMPDIR".to_owned(), text(dir.temp())),
            ("PATH".to_owned(), PATH.to_owned()),
        ]);
        env.extend(spec.command.env.iter().map(|(name, value)| {
            let local = if secret(value) { value.clone() } else { paths::localise(value, &keptn) };
            (name.clone(), local)
        }));
        RunSpec {
            task: spec.task.clone(),
            argv: argv.iter().map(|argument| paths::localise(argument, &keptn)).collect(),
            env,
            working_dir: paths::working_dir(&spec.working_dir, &keptn),
            timeout_ms: milliseconds(spec.timeout),
            grace_ms: milliseconds(self.config.grace),
            output_max: self.config.output_max,
            cancel: self.directories.cancel_mark(event),
            secrets: spec.command.secrets.clone(),
        }
    }

    /// Starts the supervisor and waits for its end. It shares nothing with this process that could
    /// end it: no pipe stays open, no signal of a terminal reaches it.
    async fn launch(&self, dir: &JobDir, spec: Vec<u8>) -> io::Result<()> {
        let [program, arguments @ ..] = self.config.supervisor.as_slice() else {
            return Err(io::Error::other("no supervisor command is configured"));
        };
        let log = File::create(dir.supervisor_log())?;
        let mut command = Command::new(program);
        command
            .args(arguments)
            .arg(dir.path())
            // The server's environment may hold secrets of its own.
            .env_clear()
            .current_dir(dir.path())
            .stdin(Stdio::piped())
            .stdout(log.try_clone()?)
            .stderr(log);
        let mut child = command.spawn()?;
        let (ended, waiting) = oneshot::channel();
        let wait = move || {
            if let Some(mut stdin) = child.stdin.take() {
                // A supervisor that does not listen says why in its own log.
                let _ = stdin.write_all(&spec);
            }
            // Nobody listens where the server has stopped waiting; the child is reaped all the same.
            let _ = ended.send(child.wait().map(drop));
        };
        std::thread::Builder::new().name("job-supervisor".into()).spawn(wait)?;
        waiting.await.map_err(io::Error::other)?
    }

    /// Aborts all jobs of an event, also those that have not started yet: SIGTERM, the grace period,
    /// SIGKILL. Their end is reported as any other. Comes back at once.
    ///
    /// # Errors
    /// The decision could not be written down; nothing has happened then.
    pub fn cancel(&self, event: EventId) -> io::Result<()> {
        self.directories.mark_cancelled(event)?;
        for dir in self.directories.of_event(event)? {
            stop(&dir)?;
        }
        Ok(())
    }

    /// What the jobs of an event have said so far, with at most as much text as is kept of one job;
    /// none where it has no job here.
    ///
    /// # Errors
    /// A log cannot be read.
    pub fn log_tail(&self, event: EventId) -> io::Result<Option<JobLog>> {
        log::of_event(&self.directories, event, self.config.output_max)
    }

    /// The newest bytes of it, at most `bytes_max`, for a page: it takes no longer the more jobs are
    /// kept.
    ///
    /// # Errors
    /// A log cannot be read.
    pub fn log_end(&self, event: EventId, bytes_max: usize) -> io::Result<Option<JobLog>> {
        let jobs = self.directories.shown_of(event);
        log::of_jobs(&jobs, self.config.output_max.min(bytes_max))
    }

    /// A file that the newest job of an event has left below `/keptn/results`, at most one byte more of it
    /// than `bytes_max`; none where none has. Blocks on files.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn result_file(
        &self,
        event: EventId,
        name: &str,
        bytes_max: u64,
    ) -> io::Result<Option<Vec<u8>>> {
        results::read(&self.directories.shown_of(event), name, bytes_max)
    }

    /// Follows what the jobs of an event say, also of jobs that start later.
    ///
    /// # Errors
    /// The system's limit on watches is reached.
    pub fn follow_log(&self, event: EventId) -> io::Result<LogFollower> {
        LogFollower::open(self.directories.clone(), event, self.config.output_max)
    }

    /// Removes everything about the jobs of an event. For retention: an event that is delivered
    /// again afterwards runs its jobs again.
    ///
    /// # Errors
    /// One of them runs, or something could not be removed.
    pub fn forget(&self, event: EventId) -> io::Result<()> {
        let jobs = self.directories.of_event(event)?;
        if jobs.iter().any(|dir| Lock::is_held(&dir.lock())) {
            return Err(io::Error::new(io::ErrorKind::ResourceBusy, "a job of this event runs"));
        }
        for dir in jobs {
            fs::remove_dir_all(dir.path())?;
        }
        match fs::remove_file(self.directories.cancel_mark(event)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

/// Judges what lies in a job's directory.
fn step(dir: &JobDir, cancelled: &Path, idempotent: bool) -> io::Result<Step> {
    if let Some(ended) = dir.ended()? {
        return Ok(Step::Report(ended));
    }
    let Some(lock) = Lock::take(&dir.lock())? else { return Ok(Step::Wait) };
    // It may have ended before the lock was ours.
    if let Some(ended) = dir.ended()? {
        return Ok(Step::Report(ended));
    }
    let started = dir.started()?;
    let ending = match &started {
        Some(started) => {
            session::end_orphans(started);
            if idempotent && !cancelled.exists() {
                dir.forget_start()?;
                return Ok(Step::Start(lock));
            }
            Ending::Lost
        }
        None if cancelled.exists() => Ending::Aborted,
        None => return Ok(Step::Start(lock)),
    };
    let started_at = started.map(|started| started.at);
    let ended = Ended { ending, started_at, ended_at: Timestamp::now() };
    dir.write_ended(&ended)?;
    Ok(Step::Report(ended))
}

/// Sends SIGTERM to the supervisor of a job that runs. One that has not begun sees the mark.
fn stop(dir: &JobDir) -> io::Result<()> {
    let Some(started) = dir.started()? else { return Ok(()) };
    let Some(pid) = Pid::from_raw(started.pid) else { return Ok(()) };
    // The handle first, then the lock: while that is held, the handle means the supervisor.
    let Ok(supervisor) = pidfd_open(pid, PidfdFlags::empty()) else { return Ok(()) };
    if dir.ended()?.is_none() && Lock::is_held(&dir.lock()) {
        // It may end at this very moment.
        let _ = pidfd_send_signal(&supervisor, Signal::TERM);
    }
    Ok(())
}

/// Lays out everything that the program needs.
fn prepare(dir: &JobDir, files: &[JobFile], run: &RunSpec) -> io::Result<()> {
    dir.make_workspace()?;
    files::lay_out(files, &dir.keptn())?;
    dir.write_spec(&run.redacted())
}

/// Work on the disk, or with processes, away from the threads that serve.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?
}

fn ended_now(ending: Ending) -> JobResult {
    let log = JobLog::default();
    JobResult { ending, started_at: None, ended_at: Timestamp::now(), log }
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
