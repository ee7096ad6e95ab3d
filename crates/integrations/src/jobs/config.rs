//! The `[jobs]` section of the server's configuration.

use std::num::NonZeroUsize;

use serde::Deserialize;

use super::images::ImageRule;

/// How jobs run. Every key is optional; an unknown one is an error.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct JobsConfig {
    /// Whether this server runs jobs at all. Default: yes.
    pub enabled: bool,
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
        Self { enabled: true, images: Vec::new(), output_max: OUTPUT_MAX, concurrency: CONCURRENCY }
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
        assert!(read(r#"{"image": []}"#).is_err());
        assert!(read(r#"{"images": [{"image": "a", "cmd": []}]}"#).is_err());
        assert!(read(r#"{"concurrency": 0}"#).is_err());
    }
}
