//! Waiting for a file descriptor without polling it.

use std::io;
use std::os::fd::OwnedFd;

use tokio::io::unix::AsyncFd;

/// Registers a descriptor with the runtime. Its owner alone can close it, so what makes the call
/// unsound for other types (a descriptor that changes while it is registered) cannot happen.
#[allow(deprecated, reason = "the replacement is an unsafe function; an OwnedFd needs none")]
pub(super) fn register(fd: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    AsyncFd::new(fd)
}
