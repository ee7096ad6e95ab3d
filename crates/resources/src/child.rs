//! One `git` process with all that it starts, in an environment of ours.

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::path::Path;
use std::pin::Pin;
use std::process::{ExitStatus, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncRead, AsyncReadExt as _, ReadBuf};
use tokio::process::{Child, ChildStdout, Command};
use tokio::sync::{OwnedSemaphorePermit, oneshot};
use tokio::time::{sleep, timeout};

use crate::error::ResourceError;
use crate::hosting::{GitService, PUSH_BYTES_MAX};

/// How long a clone or a push may take once all of its request is here.
const TIME_MAX: Duration = Duration::from_secs(600);
/// Most bytes that are said to somebody who pushes.
const ANSWER_BYTES_MAX: u64 = 1024 * 1024;

/// Most bytes that are kept of why it ended.
const REASON_BYTES_MAX: u64 = 4096;

/// What `git receive-pack` says, in English, of a request that it cannot read.
const UNREADABLE: [&str; 3] =
    ["protocol error", "the remote end hung up unexpectedly", "unsupported object format"];

/// Most bytes that are kept of what a call of ours says.
const SAID_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// Calls of this process that have not ended.
static RUNNING: AtomicUsize = AtomicUsize::new(0);

/// How many calls of `git` run for this process.
#[must_use]
pub fn git_processes() -> usize {
    RUNNING.load(Ordering::Relaxed)
}

/// A call of `git` on a repository.
pub(crate) struct Git {
    command: Command,
    settings: Vec<(String, String)>,
}

/// What a call has said, whatever it ended with.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) succeeded: bool,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Git {
    pub(crate) fn new(repository: &Path, hooks: &Path, program: &Path) -> Self {
        let mut command = Command::new("git");
        // Nothing that the host or the server is told counts here, and no secret goes there.
        for (name, _) in std::env::vars_os() {
            let text = name.to_string_lossy();
            if ["GIT_", "SSH_", "TIDEGATE_", "XDG_"].iter().any(|start| text.starts_with(start)) {
                command.env_remove(&name);
            }
        }
        command.env_remove("HOME");
        command.env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_CONFIG_GLOBAL", "/dev/null");
        // What is small when it comes may be large when it is unpacked.
        command.env("GIT_ALLOC_LIMIT", "128m");
        command.env("TIDEGATE_PROGRAM", program);
        let repository_text = repository.to_string_lossy();
        let hooks = hooks.to_string_lossy();
        let bytes_max = PUSH_BYTES_MAX.to_string();
        let settings = [
            // The data may belong to another user than the one that the server runs as.
            ("safe.directory", &*repository_text),
            ("core.hooksPath", &*hooks),
            ("core.fsync", "all"),
            ("core.fsyncMethod", "fsync"),
            ("core.bigFileThreshold", "32m"),
            ("gc.auto", "0"),
            ("receive.autogc", "false"),
            ("receive.denyDeletes", "true"),
            ("receive.denyNonFastForwards", "true"),
            ("receive.maxInputSize", &bytes_max),
            // One pack for a push: one name to sync.
            ("receive.unpackLimit", "1"),
            ("transfer.fsckObjects", "true"),
            ("transfer.hideRefs", "refs/tidegate"),
            ("pack.threads", "1"),
            ("pack.windowMemory", "64m"),
        ];
        let settings = settings.map(|(key, value)| (key.to_owned(), value.to_owned())).to_vec();
        command.current_dir(repository).process_group(0).stderr(Stdio::null());
        Self { command, settings }
    }

    /// A setting of this call alone. It goes by the environment, which only this user can read.
    pub(crate) fn set(&mut self, key: impl Into<String>, value: impl Into<String>) -> &mut Self {
        self.settings.push((key.into(), value.into()));
        self
    }

    /// A variable of this call alone.
    pub(crate) fn env(&mut self, name: &str, value: impl AsRef<OsStr>) -> &mut Self {
        self.command.env(name, value);
        self
    }

    /// Says what it does; further arguments may follow. The repository is where it runs.
    pub(crate) fn speak(&mut self, service: GitService, protocol: Option<&str>) -> &mut Self {
        self.command.arg(service.name().trim_start_matches("git-"));
        self.command.args(["--stateless-rpc"]);
        if let Some(protocol) = protocol {
            self.command.env("GIT_PROTOCOL", protocol);
        }
        self
    }

    pub(crate) fn arg(&mut self, arg: &str) -> &mut Self {
        self.command.arg(arg);
        self
    }

    fn start(&mut self, request: Option<File>, output: Stdio) -> Result<Group, ResourceError> {
        let stdin = request.map_or_else(Stdio::null, Stdio::from);
        self.command.env("GIT_CONFIG_COUNT", self.settings.len().to_string());
        for (index, (key, value)) in self.settings.iter().enumerate() {
            self.command.env(format!("GIT_CONFIG_KEY_{index}"), key);
            self.command.env(format!("GIT_CONFIG_VALUE_{index}"), value);
        }
        self.command.stdin(stdin).stdout(output);
        let child = self.command.spawn();
        let child =
            child.map_err(|error| ResourceError::Program(format!("cannot start: {error}")))?;
        RUNNING.fetch_add(1, Ordering::Relaxed);
        Ok(Group(child))
    }

    /// Streams what it says, behind `first`, for as long as somebody reads, but not for ever. The place
    /// is free when the process has ended, whoever still holds what it said.
    pub(crate) fn transfer(
        mut self,
        request: Option<File>,
        first: Vec<u8>,
        place: OwnedSemaphorePermit,
    ) -> Result<Transfer, ResourceError> {
        self.arg(".");
        let mut group = self.start(request, Stdio::piped())?;
        let output = group.0.stdout.take().expect("it is piped");
        let (read, gone) = oneshot::channel::<()>();
        tokio::spawn(async move {
            let _place = place;
            tokio::select! {
                status = group.0.wait() => match status {
                    Ok(status) if status.success() => {}
                    Ok(status) => tracing::warn!(%status, "git did not serve a clone or a fetch"),
                    Err(error) => tracing::warn!(%error, "git did not serve a clone or a fetch"),
                },
                () = sleep(TIME_MAX) => tracing::warn!("a clone or a fetch took too long"),
                // Whoever read has gone.
                _ = gone => {}
            }
            group.end().await;
        });
        Ok(Transfer { first, output, _read: read })
    }

    /// Does something that has nothing to say. Blocks; there must be a runtime.
    pub(crate) fn run(mut self, arguments: &[&str]) -> Result<(), ResourceError> {
        let name = arguments.first().copied().unwrap_or_default();
        self.command.args(arguments);
        let waiting = async {
            let mut group = self.start(None, Stdio::null())?;
            let ended = timeout(TIME_MAX, group.0.wait()).await;
            group.end().await;
            match ended {
                Ok(Ok(status)) if status.success() => Ok(()),
                Ok(Ok(status)) => {
                    Err(ResourceError::Program(format!("{name} ended with {status}")))
                }
                Ok(Err(error)) => Err(ResourceError::Program(format!("{name}: {error}"))),
                Err(_) => Err(too_long(name)),
            }
        };
        tokio::runtime::Handle::current().block_on(waiting)
    }

    /// Does something, and listens to both of what it says. None where it took longer than it may.
    /// Blocks; there must be a runtime.
    pub(crate) fn ask(
        mut self,
        arguments: &[&str],
        time_max: Duration,
    ) -> Result<Option<Said>, ResourceError> {
        self.command.args(arguments).stderr(Stdio::piped());
        let waiting = async {
            let mut group = self.start(None, Stdio::piped())?;
            let out = group.0.stdout.take().expect("it is piped").take(SAID_BYTES_MAX);
            let err = group.0.stderr.take().expect("it is piped").take(SAID_BYTES_MAX);
            let all = async { tokio::join!(text_of(out), text_of(err), group.0.wait()) };
            let ended = timeout(time_max, all).await;
            group.end().await;
            let Ok((out, err, status)) = ended else { return Ok(None) };
            let status = status.map_err(|error| ResourceError::Program(error.to_string()))?;
            Ok(Some(Said { succeeded: status.success(), out, err }))
        };
        tokio::runtime::Handle::current().block_on(waiting)
    }

    /// Waits for all that it says. Blocks; there must be a runtime.
    pub(crate) fn answer(mut self, request: File) -> Result<Vec<u8>, ResourceError> {
        self.arg(".");
        self.command.env("LC_ALL", "C").stderr(Stdio::piped());
        let waiting = async {
            let mut group = self.start(Some(request), Stdio::piped())?;
            let mut output = group.0.stdout.take().expect("it is piped").take(ANSWER_BYTES_MAX);
            let errors = group.0.stderr.take().expect("it is piped").take(REASON_BYTES_MAX);
            let (mut answer, mut reason) = (Vec::new(), String::new());
            let all = async {
                let said = async {
                    let read = output.read_to_end(&mut answer).await;
                    // Where it says more than that, it ends by the broken pipe.
                    drop(output);
                    read
                };
                let (read, why) = tokio::join!(said, text_of(errors));
                reason = why;
                read?;
                group.0.wait().await
            };
            let ended: Result<io::Result<ExitStatus>, _> = timeout(TIME_MAX, all).await;
            group.end().await;
            match ended {
                // What it refuses is in the answer, whatever it ends with.
                Ok(Ok(status))
                    if status.success() || (status.code().is_some() && !answer.is_empty()) =>
                {
                    Ok(answer)
                }
                Ok(Ok(status)) => Err(not_received(status, &reason)),
                Ok(Err(error)) => Err(ResourceError::Program(error.to_string())),
                Err(_) => Err(too_long("receive-pack")),
            }
        };
        tokio::runtime::Handle::current().block_on(waiting)
    }
}

async fn text_of(mut said: impl AsyncRead + Unpin) -> String {
    let mut bytes = Vec::new();
    // What was said before it broke off is all there is.
    let _ = said.read_to_end(&mut bytes).await;
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Why a push was not even answered. The request lies on our disk as a whole, so where Git cannot read it,
/// it was sent so.
fn not_received(status: ExitStatus, reason: &str) -> ResourceError {
    let line = reason.lines().next().unwrap_or_default();
    let line = line.strip_prefix("fatal: ").unwrap_or(line);
    if status.code().is_some() && UNREADABLE.iter().any(|known| line.contains(known)) {
        return ResourceError::NotAPush;
    }
    ResourceError::Program(format!("receive-pack ended with {status}: {line}"))
}

fn too_long(name: &str) -> ResourceError {
    ResourceError::Program(format!("{name} took longer than {TIME_MAX:?}"))
}

/// The oldest `git` that can serve clients: it is asked for what the branches are in words of 2.34.
pub(crate) const VERSION_MIN: (u32, u32) = (2, 34);

/// The version of the `git` that is found, and the oldest that serves clones and pushes, each as major and
/// minor; none where there is none.
#[must_use]
pub fn git_version() -> (Option<(u32, u32)>, (u32, u32)) {
    (version(), VERSION_MIN)
}

/// The version of the `git` that is found; none where there is none.
pub(crate) fn version() -> Option<(u32, u32)> {
    let output = std::process::Command::new("git").arg("--version").output().ok()?;
    parse_version(&String::from_utf8_lossy(&output.stdout))
}

fn parse_version(text: &str) -> Option<(u32, u32)> {
    let mut numbers = text.trim().strip_prefix("git version ")?.split('.');
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

/// A process and all that it has started. Dropped, they end.
struct Group(Child);

impl Group {
    fn kill(&self) {
        // None where it has ended: then nothing says that the number is still its own.
        let pid = self.0.id().and_then(|id| Pid::from_raw(id.cast_signed()));
        if let Some(pid) = pid {
            // It may be gone already.
            let _ = kill_process_group(pid, Signal::KILL);
        }
    }

    /// Ends what still runs, and waits for it.
    async fn end(&mut self) {
        self.kill();
        drop(self.0.wait().await);
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        RUNNING.fetch_sub(1, Ordering::Relaxed);
        self.kill();
    }
}

/// What `git` says to a client, as it comes. Dropped, the process ends.
pub struct Transfer {
    first: Vec<u8>,
    output: ChildStdout,
    // Whoever waits for the process hears when this is dropped.
    _read: oneshot::Sender<()>,
}

impl std::fmt::Debug for Transfer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Transfer").finish_non_exhaustive()
    }
}

impl AsyncRead for Transfer {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.first.is_empty() {
            let length = self.first.len().min(buffer.remaining());
            let rest = self.first.split_off(length);
            buffer.put_slice(&std::mem::replace(&mut self.first, rest));
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.output).poll_read(context, buffer)
    }
}

#[cfg(test)]
mod tests {
    use super::parse_version;

    #[test]
    fn versions_of_git_are_read_whoever_has_built_it() {
        for (said, version) in [
            ("git version 2.39.5\n", Some((2, 39))),
            ("git version 2.50.1 (Apple Git-155)", Some((2, 50))),
            ("git version 2.47.windows.1", Some((2, 47))),
            ("hub version 2", None),
            ("", None),
        ] {
            assert_eq!(parse_version(said), version, "{said}");
        }
    }
}
