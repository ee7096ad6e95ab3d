//! The body of a webhook: JSON, version 4 of its format.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::excerpt::sentence;

/// Most alerts of one message.
pub const ALERTS_MAX: usize = 1_000;
/// The only version of the format.
const VERSION: &str = "4";

/// Why a body is no message of Alertmanager's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the body is no webhook message of Alertmanager's: {0}")]
pub struct BodyError(String);

/// One alert.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Alert {
    pub(super) status: String,
    pub(super) labels: BTreeMap<String, String>,
    pub(super) annotations: BTreeMap<String, String>,
    pub(super) starts_at: String,
    #[serde(rename = "generatorURL")]
    pub(super) generator_url: String,
    pub(super) fingerprint: String,
}

#[derive(Deserialize)]
struct Body {
    version: Option<String>,
    alerts: Vec<Alert>,
}

/// Reads a body. How large it may be is for the caller to say.
pub(super) fn alerts(body: &[u8]) -> Result<Vec<Alert>, BodyError> {
    let body: Body =
        serde_json::from_slice(body).map_err(|error| BodyError(sentence(error.to_string())))?;
    match body.version {
        Some(version) if version != VERSION => {
            Err(BodyError(sentence(format!("it is of version {version:?}, not {VERSION}"))))
        }
        _ if body.alerts.len() > ALERTS_MAX => {
            let hint = "set max_alerts of the webhook, or group alerts by more labels";
            Err(BodyError(format!("it has more than {ALERTS_MAX} alerts; {hint}")))
        }
        _ => Ok(body.alerts),
    }
}
