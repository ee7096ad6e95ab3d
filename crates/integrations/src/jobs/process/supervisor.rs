//! The process that stands between the server and the program of one job.

use std::fmt::Display;
use std::io::{self, Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::Path;
use std::process::{Child, Command, ExitCode, ExitStatus, Stdio};
use std::time::Duration;

use jiff::Timestamp;
use rustix::process::{
    Pid, PidfdFlags, Resource, Rlimit, Signal, getpid, kill_process_group, pidfd_open,
    set_child_subreaper, setrlimit, setsid,
};
use tokio::net::unix::pipe;
use tokio::signal::unix::{Signal as SignalStream, SignalKind, signal};
use tokio::time::{Instant, sleep_until};

use super::directory::JobDir;
use super::lock::Lock;
use super::output::Output;
use super::record::{Ended, Ending, RunSpec, Started};
use super::{readiness, results, session};
use crate::mask::Mask;

/// Largest specification, in bytes.
const SPEC_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// How much of the program's output is read at a time, in bytes.
const CHUNK_BYTES: usize = 64 * 1024;
/// How many such pieces are read before something else gets its turn. More than a pipe can hold.
const CHUNKS_MAX: usize = 16;
/// A time that does not come.
const NEVER: Duration = Duration::from_secs(366 * 24 * 3600);

/// Runs one job to its end: what the binary does as `job-run DIRECTORY`. The specification is read
/// from standard input, so that secrets are neither on disk nor among our arguments.
///
/// The supervisor leads a session of its own, so it outlives the server and its terminal. It stops
/// the program when it has run too long or when SIGTERM arrives, keeps the newest output, ends what
/// the program leaves behind, and writes down how it went. It does nothing where the job has been
/// started before.
///
/// Standard error says what went wrong with the supervision itself; the exit code is then not 0.
pub fn supervise(dir: &Path) -> ExitCode {
    match run(&JobDir::at(dir)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tell(&error.to_string());
            ExitCode::FAILURE
        }
    }
}

/// What went wrong with the supervision itself, and during what.
#[derive(Debug, thiserror::Error)]
#[error("{during}: {source}")]
struct SupervisionError {
    during: &'static str,
    source: io::Error,
}

fn during<E: Into<io::Error>>(during: &'static str) -> impl Fn(E) -> SupervisionError {
    move |error| SupervisionError { during, source: error.into() }
}

fn run(dir: &JobDir) -> Result<(), SupervisionError> {
    // Everything in our session is ended with the job, so the session must be ours alone.
    setsid().map_err(during("cannot lead a session (only the server starts this command)"))?;
    let spec = read_spec().map_err(during("cannot read the specification from standard input"))?;
    let lock = Lock::wait(&dir.lock()).map_err(during("cannot lock the job"))?;
    let known = dir.started().and_then(|started| Ok(started.is_some() || dir.ended()?.is_some()));
    if known.map_err(during("cannot read what is known of the job"))? {
        return Ok(());
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(during("cannot start the runtime"))?;
    let result = runtime.block_on(supervise_program(dir, &spec));
    drop(lock);
    result
}

/// A line for whoever looks into the job's directory.
fn tell(line: &str) {
    // Standard error is all there is; if it is gone, nobody can be told.
    let _ = writeln!(io::stderr(), "{line}");
}

fn read_spec() -> io::Result<RunSpec> {
    let mut text = Vec::new();
    io::stdin().take(SPEC_BYTES_MAX).read_to_end(&mut text)?;
    // The parser's own words may quote a value, and values may be secret.
    let refuse = |_| io::Error::new(io::ErrorKind::InvalidData, "it is no whole specification");
    serde_json::from_slice(&text).map_err(refuse)
}

async fn supervise_program(dir: &JobDir, spec: &RunSpec) -> Result<(), SupervisionError> {
    // Before `started.json`: from then on a server may send the signal.
    let mut terminate = signal(SignalKind::terminate()).map_err(during("cannot handle SIGTERM"))?;
    set_child_subreaper(Some(getpid())).map_err(during("cannot adopt orphans"))?;
    // A memory image would hold secrets.
    let no_core = Rlimit { current: Some(0), maximum: Some(0) };
    setrlimit(Resource::Core, no_core).map_err(during("cannot forbid memory images"))?;
    // Before `started.json`, too: what syncs its name syncs that of the log.
    let mask = Mask::new(spec.secrets.iter().map(String::as_str));
    let output = Output::create(dir.log(), mask, spec.output_max);
    let started =
        Started { at: Timestamp::now(), pid: getpid().as_raw_pid(), machine: session::machine() };
    dir.write_started(&started).map_err(during("cannot write down the start"))?;
    let ending = if spec.cancel.exists() {
        Ending::Aborted
    } else {
        run_program(spec, output, &mut terminate).await
    };
    match results::keep(dir) {
        Ok(left_out) => left_out.iter().for_each(|why| tell(&format!("result not kept: {why}"))),
        Err(error) => tell(&format!("results not kept: {error}")),
    }
    dir.remove_workspace();
    let ended = Ended { ending, started_at: Some(started.at), ended_at: Timestamp::now() };
    dir.write_ended(&ended).map_err(during("cannot write down the result"))
}

async fn run_program(
    spec: &RunSpec,
    output: io::Result<Output>,
    terminate: &mut SignalStream,
) -> Ending {
    let not_started = |what: &str, error: &dyn Display| Ending::NotStarted {
        reason: Mask::text(&spec.secrets, &format!("{what}: {error}")),
    };
    let output = match output {
        Ok(output) => output,
        Err(error) => return not_started("cannot write the log", &error),
    };
    let (child, pipe) = match start(spec) {
        Ok(started) => started,
        Err(reason) => return not_started("the program did not start", &reason),
    };
    let mut program = Program { child, pipe: Some(pipe), output: Some(output) };
    let stopped = match program.attend(spec, terminate).await {
        Ok(stopped) => stopped,
        // Without a way to wait nothing can be promised about the program, so it must not go on.
        Err(error) => Some(not_started("it could not be supervised and was killed", &error)),
    };
    let status = program.end();
    stopped.unwrap_or_else(|| match status {
        Ok(status) => by_itself(status),
        Err(error) => not_started("its exit status is not known", &error),
    })
}

fn by_itself(status: ExitStatus) -> Ending {
    match (status.code(), status.signal()) {
        (Some(code), _) => Ending::Exited { code },
        (None, signal) => Ending::Signalled { signal: signal.unwrap_or_default() },
    }
}

/// Starts the program, with one pipe for both of its outputs.
fn start(spec: &RunSpec) -> Result<(Child, pipe::Receiver), String> {
    let [program, arguments @ ..] = spec.argv.as_slice() else {
        return Err("the command is empty".to_owned());
    };
    if !spec.working_dir.is_dir() {
        let shown = spec.working_dir.display();
        return Err(format!("the working directory {shown} does not exist"));
    }
    let (reader, writer) = io::pipe().map_err(|error| error.to_string())?;
    let copy = writer.try_clone().map_err(|error| error.to_string())?;
    let reader = pipe::Receiver::from_owned_fd(OwnedFd::from(reader));
    let reader = reader.map_err(|error| error.to_string())?;
    let mut command = Command::new(program);
    command
        .args(arguments)
        .env_clear()
        .envs(&spec.env)
        .current_dir(&spec.working_dir)
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(writer)
        .stderr(copy);
    match command.spawn() {
        Ok(child) => Ok((child, reader)),
        Err(error) => Err(format!("{program}: {error}")),
    }
}

/// A program that runs.
struct Program {
    child: Child,
    /// None once the program has closed its outputs.
    pipe: Option<pipe::Receiver>,
    /// None once the log could not be written: the program goes on without.
    output: Option<Output>,
}

impl Program {
    /// Copies output until the program has ended, and stops it where it must be: SIGTERM to its
    /// group, a grace period, SIGKILL. Tells why it was stopped, if it was.
    async fn attend(
        &mut self,
        spec: &RunSpec,
        terminate: &mut SignalStream,
    ) -> io::Result<Option<Ending>> {
        let pidfd = pidfd_open(Pid::from_child(&self.child), PidfdFlags::empty())?;
        let ended = readiness::register(pidfd)?;
        let grace = Duration::from_millis(spec.grace_ms);
        let timeout = Duration::from_millis(spec.timeout_ms);
        let mut due = Instant::now() + timeout.min(NEVER);
        let mut stopped = None;
        loop {
            tokio::select! {
                ready = ended.readable() => {
                    ready?.retain_ready();
                    return Ok(stopped);
                }
                _ = terminate.recv(), if stopped.is_none() => {
                    self.signal(Signal::TERM);
                    stopped = Some(Ending::Aborted);
                    due = Instant::now() + grace;
                }
                () = sleep_until(due) => {
                    if stopped.is_none() {
                        self.signal(Signal::TERM);
                        stopped = Some(Ending::TimedOut { after_s: timeout.as_secs() });
                        due = Instant::now() + grace;
                    } else {
                        self.signal(Signal::KILL);
                        due = Instant::now() + NEVER;
                    }
                }
                () = readable(self.pipe.as_ref()) => self.copy(),
            }
        }
    }

    /// Ends what is left, collects the program's exit status, and completes the log.
    fn end(mut self) -> io::Result<ExitStatus> {
        // Until the program has been waited for, nobody else can have its number.
        self.signal(Signal::KILL);
        let status = self.child.wait();
        session::end_own();
        // Whoever still holds the pipe has left the session, and is not waited for.
        self.copy();
        if let Some(output) = self.output.take() {
            self.check_log(output.finish());
        }
        status
    }

    /// To the whole group. A group that is gone needs no signal.
    fn signal(&self, signal: Signal) {
        let _ = kill_process_group(Pid::from_child(&self.child), signal);
    }

    /// Copies the output that there is at the moment. One who never stops talking is interrupted.
    fn copy(&mut self) {
        let mut buffer = vec![0; CHUNK_BYTES];
        for _ in 0..CHUNKS_MAX {
            let Some(pipe) = &self.pipe else { return };
            match pipe.try_read(&mut buffer) {
                Ok(0) => self.pipe = None,
                Ok(length) => {
                    let written =
                        self.output.as_mut().map(|output| output.write(&buffer[..length]));
                    self.check_log(written.unwrap_or(Ok(())));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => self.pipe = None,
            }
        }
    }

    /// A full disk must not stop a deployment half-way: its output is let go instead.
    fn check_log(&mut self, written: io::Result<()>) {
        if let Err(error) = written {
            self.output = None;
            let _ = writeln!(io::stderr(), "the log is incomplete: {error}");
        }
    }
}

/// Waits for output; for ever where no more can come.
async fn readable(pipe: Option<&pipe::Receiver>) {
    match pipe {
        // An error shows itself again when we read.
        Some(pipe) => drop(pipe.readable().await),
        None => std::future::pending().await,
    }
}
