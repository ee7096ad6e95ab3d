//! Reading `job/config.yaml`, key by key. The field names here are the grammar.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::de::{Deserialize, Deserializer, Error as _};
use serde_saphyr::{Spanned, budget, options};

use super::config::{Action, EventPattern, JobConfig, JobConfigError, PropertyMatch, Task};
use super::environment::{EnvEntry, EnvSource, Format};
use crate::yaml::Place;

/// Largest file, in bytes.
const BYTES_MAX: usize = 1024 * 1024;
/// Deepest nesting.
const DEPTH_MAX: usize = 64;
/// Most nodes.
const NODES_MAX: usize = 100_000;
/// Most uses of anchors.
const ALIASES_MAX: usize = 1_000;
/// Keptn 1.4: how long a task may run unless it says otherwise.
const MAX_POLL_DEFAULT: Duration = Duration::from_secs(300);
/// Longest `maxPollDuration`: a year, in seconds.
const MAX_POLL_SECONDS_MAX: u64 = 366 * 24 * 3600;

pub(super) fn config(text: &str) -> Result<JobConfig, JobConfigError> {
    if text.len() > BYTES_MAX {
        return Err(JobConfigError::TooLarge { max: BYTES_MAX });
    }
    let options = options! {
        strict_booleans: true,
        legacy_octal_numbers: true,
        budget: budget! {
            max_depth: DEPTH_MAX,
            flow_nesting_limit: DEPTH_MAX,
            max_nodes: NODES_MAX,
            max_aliases: ALIASES_MAX,
        },
        alias_limits: serde_saphyr::alias_limits! { max_total_replayed_events: NODES_MAX },
        with_snippet: false,
    };
    let start = Place { line: 1, column: 1 };
    let file: Option<FileText> =
        serde_saphyr::from_str_with_options(text, options).map_err(|error| {
            let place = error.location().map_or(start, at);
            let whole = error.without_snippet().to_string();
            let reason = whole.lines().next().unwrap_or_default();
            // The library repeats the place at the end of its sentence.
            let reason =
                reason.split(" at line ").next().unwrap_or(reason).trim_end_matches([',', ':']);
            JobConfigError::Unreadable { place, reason: reason.to_owned() }
        })?;
    let file = file.unwrap_or_default();
    let Some(version) = file.api_version else {
        return Err(JobConfigError::NoVersion { place: start });
    };
    let place = at(version.referenced);
    match version.value.as_deref().unwrap_or_default() {
        "v2" => Ok(JobConfig { actions: file.actions.into() }),
        "" => Err(JobConfigError::NoVersion { place }),
        other => Err(JobConfigError::Version { place, found: other.to_owned() }),
    }
}

fn at(location: serde_saphyr::Location) -> Place {
    Place { line: location.line(), column: location.column() }
}

/// A list; null is an empty one, and so is a null among its items.
#[derive(Default)]
struct List<T>(Vec<T>);

impl<'de, T: Deserialize<'de> + Default> Deserialize<'de> for List<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let items = Option::<Vec<Option<T>>>::deserialize(deserializer)?.unwrap_or_default();
        Ok(Self(items.into_iter().map(Option::unwrap_or_default).collect()))
    }
}

impl<T, U: From<T>> From<List<T>> for Vec<U> {
    fn from(list: List<T>) -> Self {
        list.0.into_iter().map(U::from).collect()
    }
}

/// A text; null is an empty one. Other scalars are taken as they are spelt, as Keptn does.
#[derive(Default)]
struct Text(String);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(Option::<String>::deserialize(deserializer)?.unwrap_or_default()))
    }
}

impl From<Text> for String {
    fn from(text: Text) -> Self {
        text.0
    }
}

#[derive(Default, serde::Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
struct FileText {
    api_version: Option<Spanned<Option<String>>>,
    actions: List<ActionText>,
}

#[derive(Default, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
struct ActionText {
    name: Text,
    events: List<EventText>,
    silent: Option<bool>,
    tasks: List<TaskText>,
}

impl From<ActionText> for Action {
    fn from(text: ActionText) -> Self {
        Self {
            name: text.name.into(),
            events: text.events.into(),
            silent: text.silent.unwrap_or_default(),
            tasks: text.tasks.into(),
        }
    }
}

#[derive(Default, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
struct EventText {
    name: Text,
    jsonpath: Option<PropertyText>,
}

#[derive(Default, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
struct PropertyText {
    property: Text,
    r#match: Text,
}

impl From<EventText> for EventPattern {
    fn from(text: EventText) -> Self {
        let property = text
            .jsonpath
            .map(|p| PropertyMatch { path: p.property.into(), text: p.r#match.into() })
            // Keptn 1.4: an empty path is no condition.
            .filter(|p| !p.path.is_empty());
        Self { name: text.name.into(), property }
    }
}

#[derive(Default, serde::Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
struct TaskText {
    name: Text,
    files: List<Text>,
    image: Text,
    cmd: List<Text>,
    args: List<Text>,
    env: List<EnvText>,
    working_dir: Text,
    max_poll_duration: Option<Seconds>,
    idempotent: Option<bool>,
    #[serde(rename = "imagePullPolicy")]
    _image_pull_policy: Text,
    #[serde(rename = "namespace")]
    _namespace: Text,
    #[serde(rename = "ttlSecondsAfterFinished")]
    _ttl_seconds_after_finished: Option<i32>,
    #[serde(rename = "serviceAccount")]
    _service_account: Text,
    #[serde(rename = "annotations")]
    _annotations: Option<BTreeMap<String, Text>>,
    #[serde(rename = "resources")]
    _resources: Option<ResourcesText>,
    #[serde(rename = "securityContext")]
    _security_context: Option<SecurityText>,
}

impl From<TaskText> for Task {
    fn from(text: TaskText) -> Self {
        Self {
            name: text.name.into(),
            files: text.files.into(),
            image: text.image.into(),
            cmd: text.cmd.into(),
            args: text.args.into(),
            env: text.env.into(),
            working_dir: text.working_dir.into(),
            max_poll: text.max_poll_duration.map_or(MAX_POLL_DEFAULT, |s| s.0),
            idempotent: text.idempotent.unwrap_or_default(),
        }
    }
}

/// A whole number of seconds. Keptn 1.4 takes 0 and less too, and gives the task no time at all.
struct Seconds(Duration);

impl<'de> Deserialize<'de> for Seconds {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match u64::deserialize(deserializer)? {
            seconds @ 1..=MAX_POLL_SECONDS_MAX => Ok(Self(Duration::from_secs(seconds))),
            other => Err(D::Error::custom(format!(
                "maxPollDuration {other} is not between 1 and {MAX_POLL_SECONDS_MAX} seconds"
            ))),
        }
    }
}

#[derive(Default, serde::Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
struct EnvText {
    name: Text,
    value: Text,
    value_from: Text,
    r#as: Text,
}

impl From<EnvText> for EnvEntry {
    fn from(text: EnvText) -> Self {
        let format = match text.r#as.0.to_ascii_lowercase().as_str() {
            "yaml" => Format::Yaml,
            "json" => Format::Json,
            _ => Format::Plain,
        };
        let source = match text.value_from.0.as_str() {
            "event" => EnvSource::Event(format),
            "secret" => EnvSource::Secret,
            "string" => EnvSource::Literal,
            _ => EnvSource::Unknown(text.value_from.0),
        };
        Self { name: text.name.into(), value: text.value.into(), source }
    }
}

#[derive(Default, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
struct ResourcesText {
    #[serde(rename = "limits")]
    _limits: Option<AmountsText>,
    #[serde(rename = "requests")]
    _requests: Option<AmountsText>,
}

#[derive(Default, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
struct AmountsText {
    #[serde(rename = "cpu")]
    _cpu: Text,
    #[serde(rename = "memory")]
    _memory: Text,
}

#[derive(Default, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
struct SecurityText {
    #[serde(rename = "capabilities")]
    _capabilities: Option<CapabilitiesText>,
    #[serde(rename = "privileged")]
    _privileged: Option<bool>,
    #[serde(rename = "runAsUser")]
    _run_as_user: Option<i64>,
    #[serde(rename = "runAsGroup")]
    _run_as_group: Option<i64>,
    #[serde(rename = "runAsNonRoot")]
    _run_as_non_root: Option<bool>,
    #[serde(rename = "readOnlyRootFilesystem")]
    _read_only_root_filesystem: Option<bool>,
    #[serde(rename = "allowPrivilegeEscalation")]
    _allow_privilege_escalation: Option<bool>,
    #[serde(rename = "procMount")]
    _proc_mount: Text,
    #[serde(rename = "seccompProfile")]
    _seccomp_profile: Option<SeccompText>,
}

#[derive(Default, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
struct CapabilitiesText {
    #[serde(rename = "add")]
    _add: List<Text>,
    #[serde(rename = "drop")]
    _drop: List<Text>,
}

/// Keptn 1.4 crashes on a profile without `type`; here it is an error like any other.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct SeccompText {
    #[serde(rename = "type")]
    _type: String,
    #[serde(rename = "localhostProfile")]
    _localhost_profile: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOUR: &str = r#"
apiVersion: v2
actions:
  - name: "Deploy using helm"
    events:
      - name: "sh.keptn.event.deployment.triggered"
        jsonpath: { property: $.data.x, match: 1.10 }
    tasks:
      - name: "Run helm"
        files:
          - /charts
        env:
          - { name: IMAGE, value: $.data.image, valueFrom: event, as: JSON }
          - { name: VERSION, value: 1.10, valueFrom: string }
        image: "alpine/helm:3.7.2"
        serviceAccount: "jes-deploy-using-helm"
        cmd: ["helm"]
        args: ["upgrade", "--set", "image=$(IMAGE)"]
        resources: {}
        securityContext: { runAsUser: 1000, seccompProfile: { type: RuntimeDefault } }
        annotations: { a: b }
"#;

    #[test]
    fn every_key_is_read() {
        let config = config(TOUR).unwrap();
        let action = &config.actions[0];
        assert!(!action.silent);
        let property = PropertyMatch { path: "$.data.x".into(), text: "1.10".into() };
        assert_eq!(action.events[0].property, Some(property));
        let task = &action.tasks[0];
        assert_eq!(task.files, ["/charts"]);
        assert_eq!(task.args[2], "image=$(IMAGE)");
        assert_eq!(task.env[0].source, EnvSource::Event(Format::Json));
        // Spelt as in the file: a version is not a number.
        assert_eq!(task.env[1].value, "1.10");
        assert_eq!(task.max_poll, Duration::from_secs(300));
        assert!(!task.idempotent);
    }

    #[test]
    fn null_is_empty() {
        let text = "apiVersion: v2\nactions:\n  - name:\n    events:\n    tasks:\n      - image:\n";
        let config = config(text).unwrap();
        assert_eq!(config.actions[0].tasks[0].image, "");
        assert!(config.actions[0].events.is_empty());
        assert!(super::config("apiVersion: v2\nactions:\n").unwrap().actions.is_empty());
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        let head = "apiVersion: v2\nactions:\n  - tasks:\n      - name: t\n";
        for (text, says) in [
            ("", "1:1: apiVersion must be specified"),
            ("actions: []\n", "1:1: apiVersion must be specified"),
            ("apiVersion: \n", "1:"),
            ("apiVersion: v1\n", "1:13: apiVersion v1 is not supported, use v2"),
            ("apiVersion: v2\nactions:\n  - event: x\n", "3:5: unknown field `event`"),
            ("apiVersion: v2\napiVersion: v2\n", "2:1: duplicate"),
            (&format!("{head}        gitCommit: x\n"), "5:9: unknown field `gitCommit`"),
            (&format!("{head}        maxPollDuration: soon\n"), "5:26: "),
            (&format!("{head}        maxPollDuration: 0\n"), "5:26: maxPollDuration 0 is not"),
            (&format!("{head}        annotations: [a]\n"), "5:22: "),
            (
                &format!("{head}        securityContext: {{seccompProfile: {{}}}}\n"),
                "5:43: missing",
            ),
        ] {
            let error = config(text).unwrap_err().to_string();
            assert!(error.starts_with(says), "{text:?}: {error}");
            assert!(!error.contains('\n'), "{error:?}");
        }
    }

    #[test]
    fn bombs_are_refused() {
        let deep = format!("apiVersion: v2\nactions: {}{}", "[".repeat(1000), "]".repeat(1000));
        assert!(config(&deep).is_err());
        let wide: String = (0..NODES_MAX).map(|_| "- {}\n").collect();
        assert!(config(&format!("apiVersion: v2\nactions:\n{wide}")).is_err());
        assert!(config(&" ".repeat(BYTES_MAX + 1)).is_err());
    }
}
