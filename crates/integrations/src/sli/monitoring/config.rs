//! `[sli.prometheus.monitoring]`

use std::path::PathBuf;
use std::time::Duration;

use jiff::SignedDuration;
use serde::Deserialize;
use tidegate_core::sli::monitoring::Settings;

/// Longest of all lengths of time here.
const LENGTH_MAX: Duration = Duration::from_hours(24);

/// What `keptn configure monitoring prometheus` writes, and where.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MonitoringConfig {
    /// The directory that Prometheus reads `targets/*.json` and `rules/*.yaml` of.
    pub directory: PathBuf,
    /// The address that makes it read its rules again; none where somebody else does.
    #[serde(default)]
    pub reload: Option<String>,
    /// The path under which services show their metrics.
    #[serde(default)]
    pub metrics_path: Option<String>,
    /// How often metrics are read.
    #[serde(default)]
    pub scrape_interval: Option<Length>,
    /// Over which time an alert looks.
    #[serde(default)]
    pub alert_window: Option<Length>,
    /// How long a value must be bad before it is an alert.
    #[serde(default)]
    pub alert_after: Option<Length>,
}

/// A length of time as people write it, such as `5s` or `10m`: a millisecond at least, a day at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Length(Duration);

impl TryFrom<String> for Length {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let wrong = || format!("{text:?} is no length of time between 1ms and 24h, such as \"5s\"");
        let length: SignedDuration = text.parse().map_err(|_| wrong())?;
        let length = Duration::try_from(length).map_err(|_| wrong())?;
        let fits = (Duration::from_millis(1)..=LENGTH_MAX).contains(&length);
        fits.then_some(Self(length)).ok_or_else(wrong)
    }
}

impl MonitoringConfig {
    /// What is planned by; Keptn's where nothing is said.
    pub(super) fn settings(&self) -> Settings {
        let keptn = Settings::default();
        let or = |set: Option<Length>, else_: Duration| set.map_or(else_, |length| length.0);
        Settings {
            scrape_interval: or(self.scrape_interval, keptn.scrape_interval),
            metrics_path: self.metrics_path.clone().unwrap_or(keptn.metrics_path),
            alert_window: or(self.alert_window, keptn.alert_window),
            alert_after: or(self.alert_after, keptn.alert_after),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_of_time_is_between_a_millisecond_and_a_day() {
        for (text, millis) in [("5s", 5_000), ("250ms", 250), ("10m", 600_000), ("24h", 86_400_000)]
        {
            let length = Length::try_from(text.to_owned()).unwrap();
            assert_eq!(length, Length(Duration::from_millis(millis)), "{text}");
        }
        for text in ["", "5", "soon", "0s", "-5s", "25h", "10us"] {
            let why = Length::try_from(text.to_owned()).unwrap_err();
            assert!(why.contains("no length of time"), "{text}: {why}");
        }
    }
}
