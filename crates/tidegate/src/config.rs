//! The one configuration file, with overrides from the environment.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use jiff::{SignedDuration, Span, SpanRelativeTo, Timestamp};
use serde::Deserialize;
use tidegate_core::sequence::Settings;
use tidegate_core::uniform::{Modes, Rules};
use tidegate_engine::Retention;
use tidegate_identity::{NamedToken, Secret};
use tidegate_integrations::gate::GateConfig;
use tidegate_integrations::jobs::JobsConfig;
use tidegate_integrations::remediation::RemediationConfig;
use tidegate_integrations::sli::SliConfig;
use tidegate_resources::StageLayout;

use crate::metrics::MetricsConfig;
use crate::telemetry::TelemetryConfig;
use crate::upstreams::UpstreamConfig;

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
    /// The quality gate.
    pub(crate) gate: GateConfig,
    /// Who measures for it.
    pub(crate) sli: SliConfig,
    /// Actions against problems.
    pub(crate) remediation: RemediationConfig,
    /// Programs of one's own that take work over.
    pub(crate) integrations: IntegrationsConfig,
    /// Tasks.
    pub(crate) tasks: TasksConfig,
    /// How long what has ended is kept.
    pub(crate) retention: RetentionConfig,
    /// The audit log.
    pub(crate) audit: AuditConfig,
    /// Repositories elsewhere.
    pub(crate) upstream: UpstreamConfig,
    /// Projects.
    pub(crate) projects: ProjectsConfig,
    /// What is shown to whoever watches.
    pub(crate) metrics: MetricsConfig,
    /// Traces.
    pub(crate) telemetry: TelemetryConfig,
    /// Secrets that jobs may ask for by name; every key becomes a variable.
    pub(crate) secrets: BTreeMap<String, BTreeMap<String, Secret>>,
}

/// `[audit]`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct AuditConfig {
    /// The file with the key that signs checkpoints; it is made where it is not there.
    pub(crate) key: Option<PathBuf>,
    /// A file that every checkpoint is appended to.
    pub(crate) checkpoints: Option<PathBuf>,
}

/// `[projects]`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ProjectsConfig {
    /// How the stages of new projects are told apart.
    stages: Stages,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Stages {
    #[default]
    Branches,
    Directories,
}

impl ProjectsConfig {
    pub(crate) fn stages(&self) -> StageLayout {
        match self.stages {
            Stages::Branches => StageLayout::Branches,
            Stages::Directories => StageLayout::Directories,
        }
    }
}

/// `[tasks]`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct TasksConfig {
    /// How long a task waits for somebody to take it.
    start_within: Option<Period>,
    /// How long an evaluation waits for its SLI provider.
    values_within: Option<Period>,
}

impl TasksConfig {
    pub(crate) fn settings(&self) -> Settings {
        let default = Settings::default();
        let start_within = self.start_within.as_ref().map_or(default.start_within, |set| set.0);
        let values_within = self.values_within.as_ref().map_or(default.values_within, |set| set.0);
        Settings { start_within, values_within, ..default }
    }
}

/// `[integrations]`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct IntegrationsConfig {
    /// How long one counts as alive that is not heard of.
    ttl: Option<Period>,
    /// How long one that is not alive stays registered.
    forget_after: Option<Period>,
}

impl Config {
    /// What integrations go by from `since` on, which is when the server starts.
    pub(crate) fn integration_rules(&self, since: Timestamp) -> anyhow::Result<Rules> {
        let default = Rules::default();
        let IntegrationsConfig { ttl, forget_after } = &self.integrations;
        let ttl = ttl.as_ref().map_or(default.ttl, |set| set.0);
        if ttl.is_zero() {
            bail!(
                "[integrations] ttl: with 0s no integration is ever alive; set a part to true instead"
            );
        }
        let forget_after = forget_after.as_ref().map_or(default.forget_after, |set| set.0);
        let modes = Modes {
            jobs: self.jobs.policy(),
            gate: self.gate.policy(),
            sli: self.sli.policy(),
            remediation: self.remediation.policy(),
        };
        Ok(Rules { ttl, forget_after, since, modes })
    }
}

/// `[retention]`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RetentionConfig {
    /// Sequences that have ended; for good where it is not set.
    contexts: Option<Period>,
    /// Events of projects that do not exist.
    unmapped: Option<Period>,
}

impl RetentionConfig {
    pub(crate) fn retention(&self) -> Retention {
        let default = Retention::default();
        Retention {
            contexts: self.contexts.as_ref().map(|set| set.0),
            unmapped: self.unmapped.as_ref().map_or(default.unmapped, |set| set.0),
        }
    }
}

/// A length of time as people write it: `90s`, `10m`, `90 days`. Never negative.
#[derive(Debug, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Period(pub(crate) SignedDuration);

impl TryFrom<String> for Period {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let wrong = |why: &dyn std::fmt::Display| {
            format!("{text:?} is no length of time such as \"10m\" or \"90 days\": {why}")
        };
        let span: Span = text.parse().map_err(|error| wrong(&error))?;
        let days = SpanRelativeTo::days_are_24_hours();
        let period = span.to_duration(days).map_err(|error| wrong(&error))?;
        if period.is_negative() {
            return Err(wrong(&"it is negative"));
        }
        Ok(Self(period))
    }
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
        if let Some(key) = variable("TIDEGATE_AUDIT_KEY")? {
            config.audit.key = Some(key.into());
        }
        if let Some(key) = variable("TIDEGATE_UPSTREAM_KEY")? {
            config.upstream.key = Some(key.into());
        }
        Ok(config)
    }

    fn read(path: &Path) -> anyhow::Result<Self> {
        let shown = path.display();
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {shown}"))?;
        let config: Self = toml::from_str(&text)
            .map_err(|error| anyhow::anyhow!("{shown}:{}", place(&text, &error)))?;
        let mode = std::fs::metadata(path)?.permissions().mode();
        if config.holds_secrets() && mode & 0o077 != 0 {
            bail!("{shown} holds secrets and others can read it; run: chmod 600 {shown}");
        }
        Ok(config)
    }

    fn holds_secrets(&self) -> bool {
        self.api_token.is_some()
            || !self.tokens.is_empty()
            || !self.secrets.is_empty()
            || self.sli.holds_secrets()
            || self.telemetry.holds_secrets()
    }
}

/// Line, column and reason. The line itself is not shown: it may hold a secret.
fn place(text: &str, error: &toml::de::Error) -> String {
    let before = &text[..error.span().map_or(0, |span| span.start.min(text.len()))];
    let line = before.matches('\n').count() + 1;
    let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
    let message = error.message();
    // Serde says what it found: `invalid type: integer 5, expected a string`.
    match message.split_once(", expected ") {
        Some((found, wanted)) if found.starts_with("invalid ") => {
            format!("{line}:{column}: expected {wanted}")
        }
        _ => format!("{line}:{column}: {message}"),
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

#[cfg(test)]
mod tests {
    use tidegate_core::built_in::BuiltIn;
    use tidegate_core::uniform::Mode;

    use super::*;

    fn refusal(text: &str) -> String {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        format!("{:#}", Config::read(file.path()).unwrap_err())
    }

    #[test]
    fn a_mistake_is_placed_and_no_secret_is_shown() {
        for text in [
            "listen = \"127.0.0.1:1\"\napi_token = \"hunter2-hunter2\nx",
            "listen = \"127.0.0.1:1\"\n[secrets.db]\nPASSWORD = 8675309",
            "listen = \"127.0.0.1:1\"\n[[tokens]]\nname=\"ada\"\nkind=\"hunter2\"\ntoken=\"hunter2-hunter2\"",
            "[sli.http-json.endpoints.metrics]\nurl = \"http://x/\"\nheaders = { authorization = [\"hunter2-hunter2\"] }",
        ] {
            let refusal = refusal(text);
            assert!(
                !refusal.contains("hunter2-hunter2") && !refusal.contains("8675309"),
                "{refusal}"
            );
            assert!(
                refusal.contains(":2:") || refusal.contains(":3:") || refusal.contains(":4:"),
                "{refusal}"
            );
        }
    }

    #[test]
    fn lengths_of_time_are_read_as_people_write_them() {
        let hours = |text: &str| {
            Period::try_from(text.to_owned()).map(|period| period.0.as_secs_f64() / 3600.0)
        };
        assert_eq!(hours("90 days"), Ok(2160.0));
        assert_eq!(hours("30m"), Ok(0.5));
        for bad in ["", "soon", "-1h", "2 months", "7"] {
            let said = hours(bad).unwrap_err();
            assert!(said.contains("no length of time"), "{said}");
        }
    }

    #[test]
    fn parts_are_auto_on_or_off_and_projects_are_exceptions() {
        let text = "[integrations]\nttl = \"2m\"\n[jobs]\nenabled = true\n[gate]\nenabled = \"auto\"\n\
            [gate.projects]\nshop = false\n[sli.projects]\nshop = true\n[remediation]\nenabled = false";
        let config: Config = toml::from_str(text).unwrap();
        let rules = config.integration_rules(Timestamp::UNIX_EPOCH).unwrap();
        assert_eq!((rules.ttl, rules.since), (SignedDuration::from_mins(2), Timestamp::UNIX_EPOCH));
        assert_eq!(rules.forget_after, SignedDuration::from_hours(48));
        let mode = |part, project: &str| rules.modes.of(part, &project.parse().unwrap());
        for (part, shop, tour) in [
            (BuiltIn::Jobs, Mode::On, Mode::On),
            (BuiltIn::Gate, Mode::Off, Mode::Auto),
            (BuiltIn::Sli, Mode::On, Mode::Auto),
            (BuiltIn::Remediation, Mode::Off, Mode::Off),
        ] {
            assert_eq!((mode(part, "shop"), mode(part, "tour")), (shop, tour), "{part:?}");
        }
        let said = refusal("[gate]\nenabled = \"on\"");
        assert!(
            said.contains(":2:") && said.contains("expected true, false or \"auto\""),
            "{said}"
        );
        let zero: Config = toml::from_str("[integrations]\nttl = \"0s\"").unwrap();
        assert!(zero.integration_rules(Timestamp::UNIX_EPOCH).is_err());
    }

    #[test]
    fn a_file_with_secrets_that_others_can_read_is_refused() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let endpoint = "[sli.http-json.endpoints.metrics]\nurl = \"http://x/\"";
        let written = format!("{endpoint}\nheaders = {{ authorization = \"a-long-token\" }}");
        for secret in ["api_token = \"a-long-token\"", &written] {
            std::fs::write(file.path(), secret).unwrap();
            std::fs::set_permissions(file.path(), std::fs::Permissions::from_mode(0o644)).unwrap();
            assert!(Config::read(file.path()).unwrap_err().to_string().contains("chmod 600"));
        }
        let elsewhere = format!("{endpoint}\nheaders = {{ authorization = {{ env = \"X\" }} }}");
        std::fs::write(file.path(), elsewhere).unwrap();
        assert!(Config::read(file.path()).is_ok());
        assert!(Config::read(Path::new("/no/such/file")).is_err());
    }
}
