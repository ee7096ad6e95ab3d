//! What the configuration says of upstreams, and the key that seals their credentials.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use regex::Regex;
use serde::Deserialize;
use tidegate_engine::Provisioner;
use tidegate_integrations::provisioning::Provisioning;
use tidegate_resources::upstream::{SealingKey, UpstreamSettings, WhenUnreachable};

use crate::config::Period;
use crate::key_file::KeyFile;

const FILE: KeyFile = KeyFile {
    name: "upstream-key",
    does: "opens the credentials of upstreams",
    setting: "[upstream] key",
};

/// `[upstream]`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct UpstreamConfig {
    /// The file with the key that seals credentials; it is made where it is not there.
    pub(crate) key: Option<PathBuf>,
    /// Expressions that no address of an upstream may match.
    deny: Vec<String>,
    /// How long a fetch or a push may take.
    timeout: Option<Period>,
    /// What becomes of a sequence that is triggered while an upstream cannot be reached.
    when_unreachable: Unreachable,
    /// The program that speaks SSH.
    ssh: Option<String>,
    /// Who is asked for a repository where a project names none.
    provisioning: Option<String>,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Unreachable {
    #[default]
    LastKnown,
    Wait,
    Fail,
}

impl UpstreamConfig {
    /// Who makes repositories, where somebody does.
    pub(crate) fn provisioner(&self) -> anyhow::Result<Option<Arc<dyn Provisioner>>> {
        let Some(url) = &self.provisioning else { return Ok(None) };
        tidegate_client::init();
        let provisioning = Provisioning::new(url).context("[upstream] provisioning")?;
        Ok(Some(Arc::new(provisioning)))
    }

    pub(crate) fn settings(&self) -> anyhow::Result<UpstreamSettings> {
        let default = UpstreamSettings::default();
        let expression = |text: &String| {
            Regex::new(text).with_context(|| format!("[upstream] deny: {text:?} is no expression"))
        };
        let time_max = match &self.timeout {
            None => default.time_max,
            Some(Period(set)) => Duration::try_from(*set).context("[upstream] timeout")?,
        };
        if time_max.is_zero() {
            bail!("[upstream] timeout is zero, and nobody answers at once");
        }
        Ok(UpstreamSettings {
            deny: self.deny.iter().map(expression).collect::<Result<_, _>>()?,
            time_max,
            when_unreachable: match self.when_unreachable {
                Unreachable::LastKnown => WhenUnreachable::LastKnown,
                Unreachable::Wait => WhenUnreachable::Wait,
                Unreachable::Fail => WhenUnreachable::Fail,
            },
            ssh: self.ssh.clone().unwrap_or(default.ssh),
        })
    }
}

/// Reads the key, or makes one where there is none. The caller holds the data directory's lock.
pub(crate) fn key(configured: Option<&Path>, data: &Path) -> anyhow::Result<SealingKey> {
    let new = || {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).context("the operating system has no random numbers")?;
        Ok(STANDARD.encode(bytes))
    };
    let (text, path, _) = FILE.load_or_make(configured, data, new)?;
    parse(&text, &path)
}

/// The file of a key that can be used; none where there is none yet.
pub(crate) fn key_file(configured: Option<&Path>, data: &Path) -> anyhow::Result<Option<PathBuf>> {
    let Some((text, path)) = FILE.find(configured, data)? else { return Ok(None) };
    parse(&text, &path)?;
    Ok(Some(path))
}

fn parse(text: &str, path: &Path) -> anyhow::Result<SealingKey> {
    let bytes = STANDARD.decode(text.trim()).ok().and_then(|bytes| bytes.try_into().ok());
    let bytes: [u8; 32] = bytes.with_context(|| {
        let shown = path.display();
        format!("{shown} holds no key for upstreams; put back the one that was there")
    })?;
    Ok(SealingKey::new(&bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(text: &str) -> anyhow::Result<UpstreamSettings> {
        toml::from_str::<UpstreamConfig>(text)?.settings()
    }

    #[test]
    fn what_is_set_counts_and_what_makes_no_sense_is_said() {
        let set = settings("deny = [\"localhost\"]\ntimeout = \"3s\"\nwhen_unreachable = \"wait\"")
            .unwrap();
        assert!(set.deny[0].is_match("http://localhost/a"));
        assert_eq!(
            (set.time_max, set.when_unreachable),
            (Duration::from_secs(3), WhenUnreachable::Wait)
        );
        assert_eq!(settings("").unwrap().time_max, Duration::from_secs(10));
        for wrong in ["deny = [\"(\"]", "timeout = \"0s\"", "when_unreachable = \"never\"", "x = 1"]
        {
            assert!(settings(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_key_stays_the_same_and_what_is_none_is_refused() {
        let parent = tempfile::tempdir().unwrap();
        let data = parent.path().join("data");
        std::fs::create_dir(&data).unwrap();
        key(None, &data).unwrap();
        let path = parent.path().join("data.upstream-key");
        let text = std::fs::read(&path).unwrap();
        key(None, &data).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), text);
        std::fs::write(&path, "hunter2").unwrap();
        let error = key(None, &data).unwrap_err().to_string();
        assert!(error.contains("put back") && !error.contains("hunter2"), "{error}");
    }
}
