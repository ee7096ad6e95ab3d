//! The `[jobs]` section of the server's configuration.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;

use serde::Deserialize;
use tidegate_core::names::ProjectName;
use tidegate_core::uniform::{Mode, Policy};

use super::images::ImageRule;

/// How jobs run. Every key is optional; an unknown one is an error.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct JobsConfig {
    /// Whether this server runs jobs. Default: unless a job-executor-service of one's own is there.
    pub enabled: Mode,
    /// Where that is otherwise in single projects.
    pub projects: BTreeMap<ProjectName, Mode>,
    /// Which local commands stand for which container images. What no rule names is refused.
    pub images: Vec<ImageRule>,
    /// How much output is kept of one job, in bytes: the newest. Default: 1 MiB.
    pub output_max: NonZeroUsize,
    /// How many deliveries are worked on at a time. Default: 16.
    pub concurrency: NonZeroUsize,
}

impl Default for JobsConfig {
    fn default() -> Self {
        const OUTPUT_MAX: NonZeroUsize = NonZeroUsize::new(1024 * 1024).unwrap();
        const CONCURRENCY: NonZeroUsize = NonZeroUsize::new(16).unwrap();
        Self {
            enabled: Mode::Auto,
            projects: BTreeMap::new(),
            images: Vec::new(),
            output_max: OUTPUT_MAX,
            concurrency: CONCURRENCY,
        }
    }
}

impl JobsConfig {
    /// Whether this server runs jobs, project by project.
    #[must_use]
    pub fn policy(&self) -> Policy {
        Policy { enabled: self.enabled, projects: self.projects.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_have_defaults_and_unknown_ones_are_refused() {
        let read = serde_json::from_str::<JobsConfig>;
        assert_eq!(read("{}").unwrap(), JobsConfig::default());
        let config = read(
            r#"{"output_max": 10, "images": [{"image": "a:*", "commands": {"x": ["/bin/x"]}}]}"#,
        )
        .unwrap();
        assert_eq!((config.output_max.get(), config.images.len()), (10, 1));
        let config = read(r#"{"enabled": true, "projects": {"shop": false}}"#).unwrap();
        let of = |project: &str| config.policy().of(&project.parse().unwrap());
        assert_eq!((of("shop"), of("tour")), (Mode::Off, Mode::On));
        assert!(read(r#"{"image": []}"#).is_err());
        assert!(read(r#"{"images": [{"image": "a", "cmd": []}]}"#).is_err());
        assert!(read(r#"{"concurrency": 0}"#).is_err());
    }
}
