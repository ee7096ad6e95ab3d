//! A server process of our own.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, Result};

use crate::connection::Connection;

/// The token of every server that is started here.
pub(crate) const TOKEN: &str = "a-token-for-xtask-only";

/// A server that is killed when it is dropped.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: SocketAddr,
}

impl Drop for Server {
    fn drop(&mut self) {
        // SIGKILL; it may have ended by itself.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Server {
    /// Returns when it listens.
    pub(crate) fn start(binary: &Path, directory: &Path) -> Result<Self> {
        Self::configured(binary, directory, None)
    }

    /// The same with a configuration file.
    pub(crate) fn configured(
        binary: &Path,
        directory: &Path,
        config: Option<&Path>,
    ) -> Result<Self> {
        let mut command = Command::new(binary);
        command.args(["serve", "--listen", "127.0.0.1:0", "--data-dir"]).arg(directory);
        if let Some(config) = config {
            command.arg("--config").arg(config);
        }
        let mut child = command
            .env("TIDEGATE_API_TOKEN", TOKEN)
            // Or they would lie beside the directory, and stay there.
            .env("TIDEGATE_AUDIT_KEY", directory.join("audit-key"))
            .env("TIDEGATE_UPSTREAM_KEY", directory.join("upstream-key"))
            .env("TIDEGATE_LOG", "error")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {}", binary.display()))?;
        let mut lines = BufReader::new(child.stdout.take().context("it was piped")?).lines();
        let mut server = Self { child, address: SocketAddr::from(([127, 0, 0, 1], 0)) };
        let address = lines
            .by_ref()
            .map_while(Result::ok)
            .find_map(|line| line.split_once("http://")?.1.split(['/', ' ']).next()?.parse().ok());
        std::thread::spawn(move || lines.for_each(drop));
        server.address = address.context("the server did not say where it listens")?;
        Ok(server)
    }

    pub(crate) fn connect(&self) -> Result<Connection> {
        Connection::open(self.address)
    }

    /// Resident memory, in MB.
    pub(crate) fn resident(&self) -> Result<f64> {
        let path = PathBuf::from(format!("/proc/{}/status", self.child.id()));
        let status = fs::read_to_string(path).context("memory can be read on Linux only")?;
        resident(&status).context("VmRSS is not there")
    }
}

fn resident(status: &str) -> Option<f64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: f64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kib * 1024.0 / 1e6)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resident_memory_is_read_in_megabytes() {
        assert_eq!(resident("Name:\tx\nVmRSS:\t   15625 kB\nVmData: 1 kB\n"), Some(16.0));
        assert_eq!(resident("Name:\tx\n"), None);
    }
}
