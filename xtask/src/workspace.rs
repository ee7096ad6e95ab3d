//! Where the repository and Cargo's target directory are.

use std::env;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

/// The two directories every command starts from, both absolute.
#[derive(Debug, Deserialize)]
pub(crate) struct Workspace {
    /// The root of the repository.
    #[serde(rename = "workspace_root")]
    pub(crate) root: PathBuf,
    /// Cargo's target directory, wherever the configuration puts it.
    #[serde(rename = "target_directory")]
    pub(crate) target: PathBuf,
}

impl Workspace {
    /// Asks Cargo, so that `CARGO_TARGET_DIR` and Cargo's configuration count.
    pub(crate) fn locate() -> Result<Self> {
        let output = cargo()
            .args(["metadata", "--no-deps", "--format-version", "1"])
            .output()
            .context("cannot start cargo: run this as `cargo xtask`")?;
        ensure!(
            output.status.success(),
            "`cargo metadata` failed: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        serde_json::from_slice(&output.stdout).context("`cargo metadata` answered no metadata")
    }

    /// Cargo, to be run at the root.
    pub(crate) fn cargo(&self) -> Command {
        let mut cargo = cargo();
        cargo.current_dir(&self.root);
        cargo
    }

    /// The folder of the browser checks.
    pub(crate) fn browser_checks(&self) -> PathBuf {
        self.root.join("tests/browser")
    }

    /// The folder of what the API is fuzzed with.
    pub(crate) fn api_checks(&self) -> PathBuf {
        self.root.join("tests/api")
    }
}

/// The Cargo that started us, without the variables it set about *this* package: build scripts that
/// watch those would run again, and their crates be compiled again, on every change between
/// `cargo test` and `cargo xtask test`.
fn cargo() -> Command {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    for (name, _) in env::vars_os() {
        let ours = name.to_str().is_some_and(|name| {
            name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_")
        });
        if ours {
            cargo.env_remove(name);
        }
    }
    cargo
}
