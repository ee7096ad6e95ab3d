//! The one configuration file, with overrides from the environment.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use serde::Deserialize;
use tidegate_identity::{NamedToken, Secret};
use tidegate_integrations::jobs::JobsConfig;

/// Where the server listens unless told otherwise.
pub(crate) const LISTEN: &str = "127.0.0.1:7070";

/// `tidegate.toml`. Every key is optional; an unknown one is an error.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Config {
    /// The data directory.
    pub(crate) data_dir: Option<PathBuf>,
    /// Address and port.
    pub(crate) listen: Option<SocketAddr>,
    /// The installation's token (`x-token`).
    pub(crate) api_token: Option<Secret>,
    /// Tokens of people and machines, each with a name.
    pub(crate) tokens: Vec<NamedToken>,
    /// How people reach this server, for links.
    pub(crate) public_url: Option<String>,
    /// Jobs.
    pub(crate) jobs: JobsConfig,
    /// Secrets that jobs may ask for by name; every key becomes a variable.
    pub(crate) secrets: BTreeMap<String, BTreeMap<String, Secret>>,
}

impl Config {
    /// Reads the file, if there is one, and applies `TIDEGATE_*`.
    pub(crate) fn load(file: Option<&Path>) -> anyhow::Result<Self> {
        let mut config = match file {
            Some(path) => Self::read(path)?,
            None => Self::default(),
        };
        if let Some(token) = variable("TIDEGATE_API_TOKEN")? {
            config.api_token = Some(Secret::new(token));
        }
        if let Some(listen) = variable("TIDEGATE_LISTEN")? {
            config.listen = Some(listen.parse().context("TIDEGATE_LISTEN is not ADDRESS:PORT")?);
        }
        Ok(config)
    }

    fn read(path: &Path) -> anyhow::Result<Self> {
        let shown = path.display();
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {shown}"))?;
        let config: Self =
            toml::from_str(&text).map_err(|error| anyhow::anyhow!("{shown}: {error}"))?;
        let mode = std::fs::metadata(path)?.permissions().mode();
        if config.holds_secrets() && mode & 0o077 != 0 {
            bail!("{shown} holds secrets and others can read it; run: chmod 600 {shown}");
        }
        Ok(config)
    }

    fn holds_secrets(&self) -> bool {
        self.api_token.is_some() || !self.tokens.is_empty() || !self.secrets.is_empty()
    }
}

/// A variable that is set and not empty.
fn variable(name: &str) -> anyhow::Result<Option<String>> {
    match std::env::var(name) {
        Ok(text) if text.is_empty() => Ok(None),
        Ok(text) => Ok(Some(text)),
        Err(std::env::VarError::NotPresent) => Ok(None),
        Err(std::env::VarError::NotUnicode(_)) => bail!("{name} is not UTF-8"),
    }
}
