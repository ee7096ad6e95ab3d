//! One `git` process, in an environment of ours.

use std::fs::File;
use std::io;
use std::path::Path;
use std::pin::Pin;
use std::process::Stdio;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, ReadBuf};
use tokio::process::{Child, ChildStdout, Command};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, Sleep, sleep_until, timeout};

use super::{GitService, PUSH_BYTES_MAX};
use crate::error::ResourceError;

/// How long a clone or a push may take once all of its request is here.
const TIME_MAX: Duration = Duration::from_secs(600);
/// Most bytes that are said to somebody who pushes.
const ANSWER_BYTES_MAX: u64 = 1024 * 1024;

/// A call of `git` on a repository.
pub(super) struct Git {
    command: Command,
}

impl Git {
    pub(super) fn new(repository: &Path, hooks: &Path, program: &Path) -> Self {
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
        command.env("TIDEGATE_PROGRAM", program);
        let repository_text = repository.to_string_lossy();
        let hooks = hooks.to_string_lossy();
        let bytes_max = PUSH_BYTES_MAX.to_string();
        let settings: [(&str, &str); 14] = [
            // The data may belong to another user than the one that the server runs as.
            ("safe.directory", &repository_text),
            ("core.hooksPath", &hooks),
            ("core.fsync", "all"),
            ("core.fsyncMethod", "fsync"),
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
        command.env("GIT_CONFIG_COUNT", settings.len().to_string());
        for (index, (key, value)) in settings.iter().enumerate() {
            command.env(format!("GIT_CONFIG_KEY_{index}"), key);
            command.env(format!("GIT_CONFIG_VALUE_{index}"), value);
        }
        command.current_dir(repository).kill_on_drop(true).stderr(Stdio::null());
        Self { command }
    }

    /// Says what it does; further arguments may follow. The repository is where it runs.
    pub(super) fn speak(&mut self, service: GitService, protocol: Option<&str>) -> &mut Self {
        self.command.arg(service.name().trim_start_matches("git-"));
        self.command.args(["--stateless-rpc"]);
        if let Some(protocol) = protocol {
            self.command.env("GIT_PROTOCOL", protocol);
        }
        self
    }

    pub(super) fn arg(&mut self, arg: &str) -> &mut Self {
        self.command.arg(arg);
        self
    }

    fn start(&mut self, request: Option<File>) -> Result<Child, ResourceError> {
        let stdin = request.map_or_else(Stdio::null, Stdio::from);
        self.command.arg(".").stdin(stdin).stdout(Stdio::piped());
        self.command
            .spawn()
            .map_err(|error| ResourceError::Program(format!("cannot start: {error}")))
    }

    /// Streams what it says, behind `first`, for as long as somebody reads.
    pub(super) fn transfer(
        mut self,
        request: Option<File>,
        first: Vec<u8>,
        place: OwnedSemaphorePermit,
    ) -> Result<Transfer, ResourceError> {
        let mut child = self.start(request)?;
        let output = child.stdout.take().expect("it is piped");
        let end = Box::pin(sleep_until(Instant::now() + TIME_MAX));
        Ok(Transfer { first, output, end, _child: child, _place: place })
    }

    /// Does something that has nothing to say. Blocks; there must be a runtime.
    pub(super) fn run(mut self, arguments: &[&str]) -> Result<(), ResourceError> {
        let name = arguments.first().copied().unwrap_or_default();
        self.command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null());
        let waiting = async {
            let ended = timeout(TIME_MAX, self.command.status()).await;
            match ended {
                Ok(Ok(status)) if status.success() => Ok(()),
                Ok(Ok(status)) => Err(format!("{name} ended with {status}")),
                Ok(Err(error)) => Err(format!("{name}: {error}")),
                Err(_) => Err(format!("{name} took longer than {TIME_MAX:?}")),
            }
        };
        tokio::runtime::Handle::current().block_on(waiting).map_err(ResourceError::Program)
    }

    /// Waits for all that it says. Blocks; there must be a runtime.
    pub(super) fn answer(mut self, request: File) -> Result<Vec<u8>, ResourceError> {
        let fail = |why: String| Err(ResourceError::Program(why));
        let waiting = async {
            let mut child = self.start(Some(request))?;
            let mut output = child.stdout.take().expect("it is piped").take(ANSWER_BYTES_MAX);
            let mut answer = Vec::new();
            let all = async {
                output.read_to_end(&mut answer).await?;
                // Where it says more than that, it ends by the broken pipe.
                drop(output);
                child.wait().await
            };
            match timeout(TIME_MAX, all).await {
                // What it refuses is in the answer, whatever it ends with.
                Ok(Ok(_)) if !answer.is_empty() => Ok(answer),
                Ok(Ok(status)) if status.success() => Ok(answer),
                Ok(Ok(status)) => fail(format!("ended with {status}")),
                Ok(Err(error)) => fail(error.to_string()),
                Err(_) => fail(format!("took longer than {TIME_MAX:?}")),
            }
        };
        tokio::runtime::Handle::current().block_on(waiting)
    }
}

/// What `git` says to a client, as it comes. Dropped, the process ends.
pub struct Transfer {
    first: Vec<u8>,
    output: ChildStdout,
    end: Pin<Box<Sleep>>,
    // Killed when dropped.
    _child: Child,
    _place: OwnedSemaphorePermit,
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
        if self.end.as_mut().poll(context).is_ready() {
            let text = format!("it took longer than {TIME_MAX:?}");
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, text)));
        }
        Pin::new(&mut self.output).poll_read(context, buffer)
    }
}
