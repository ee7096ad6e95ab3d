//! Approvals: asking for them, and deciding.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::client::Client;
use crate::error::ClientError;
use crate::principal::Principal;

/// What a person says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(test, derive(utoipa::ToSchema))]
pub enum Decision {
    /// Let it through.
    Approve,
    /// Stop it.
    Decline,
}

impl Decision {
    /// The word for what was done.
    #[must_use]
    pub fn done(self) -> &'static str {
        match self {
            Self::Approve => "approved",
            Self::Decline => "declined",
        }
    }
}

/// Where an approval stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(test, derive(utoipa::ToSchema))]
pub enum ApprovalState {
    /// A person must decide.
    Open,
    /// Somebody has decided.
    Decided,
    /// Nobody has to any more.
    Closed,
}

impl ApprovalState {
    /// The word on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Decided => "decided",
            Self::Closed => "closed",
        }
    }
}

/// The decision that counts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
pub struct Decided {
    /// Approved or declined.
    pub decision: Decision,
    /// By whom.
    pub by: Principal,
    /// When, RFC 3339.
    pub at: String,
    /// Why.
    #[serde(default)]
    pub comment: Option<String>,
    /// Everything else.
    #[serde(flatten)]
    #[cfg_attr(test, schema(ignore))]
    pub rest: Map<String, Value>,
}

/// What runs where the new version would go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
pub struct Replaced {
    /// The image.
    pub image: String,
    /// Since when, RFC 3339.
    pub since: String,
}

/// One approval, as the server shows it. What this version does not know is kept in `rest`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(utoipa::ToSchema))]
pub struct Approval {
    /// The id of its `approval.triggered` event.
    pub id: String,
    /// The project.
    pub project: String,
    /// The stage that waits.
    pub stage: String,
    /// The service.
    pub service: String,
    /// The delivery.
    pub context: String,
    /// What approving lets through.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// What runs there now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaces: Option<Replaced>,
    /// Since when it waits, RFC 3339.
    pub asked_at: String,
    /// Who triggered the delivery.
    pub triggered_by: Principal,
    /// The labels of the delivery.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// What led here: `pass`, `warning`, `fail` where a person may override the gate, or empty.
    #[serde(default)]
    pub result: String,
    /// What has become of the results that it is based on since it was asked, one sentence each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub revised: Vec<String>,
    /// Exactly what is approved, as a digest.
    pub subject: String,
    /// Where it stands.
    pub state: ApprovalState,
    /// The decision, once there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decided: Option<Decided>,
    /// Whether it was given although the gate had failed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub overridden: bool,
    /// Everything else.
    #[serde(flatten)]
    #[cfg_attr(test, schema(ignore))]
    pub rest: Map<String, Value>,
}

/// Which approvals. Absent fields do not narrow.
#[derive(Debug, Clone, Default, Serialize)]
pub struct ApprovalQuery<'a> {
    /// Open, decided or closed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<ApprovalState>,
    /// Of this project.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project: Option<&'a str>,
    /// Of this stage.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stage: Option<&'a str>,
    /// Of this service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<&'a str>,
    /// Of this delivery.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context: Option<&'a str>,
    /// How many to leave out.
    pub offset: u64,
    /// Most to be given; the server gives at most 1,000.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
}

/// One page of approvals: open ones oldest first, decided ones newest first.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
pub struct ApprovalPage {
    /// The approvals.
    #[serde(default)]
    pub approvals: Vec<Approval>,
    /// How many match in all.
    #[serde(default)]
    pub total: u64,
    /// The offset of the next page, where there is one.
    #[serde(default)]
    pub next: Option<u64>,
}

const APPROVALS: [&str; 4] = ["api", "tidegate", "v1", "approvals"];

impl Client {
    /// One page of the approvals that match.
    ///
    /// # Errors
    /// As for every call: nobody answers, or the token is wrong.
    pub async fn approvals(&self, query: &ApprovalQuery<'_>) -> Result<ApprovalPage, ClientError> {
        self.fetch("approvals", self.get(&APPROVALS).query(query)).await
    }

    /// All approvals that match, page by page.
    ///
    /// # Errors
    /// As for every call.
    pub async fn all_approvals(
        &self,
        query: &ApprovalQuery<'_>,
    ) -> Result<Vec<Approval>, ClientError> {
        let mut approvals = Vec::new();
        let mut next = Some(query.offset);
        while let Some(offset) = next {
            let page = self.approvals(&ApprovalQuery { offset, ..query.clone() }).await?;
            // Only ever forward, or a confused server could keep us here.
            next = page.next.filter(|next| *next > offset);
            approvals.extend(page.approvals);
        }
        Ok(approvals)
    }

    /// One approval.
    ///
    /// # Errors
    /// 404 where there is none with this id.
    pub async fn approval(&self, id: &str) -> Result<Approval, ClientError> {
        let [api, tidegate, v1, approvals] = APPROVALS;
        self.fetch("an approval", self.get(&[api, tidegate, v1, approvals, id])).await
    }

    /// Decides. `subject` is what the voter has seen; without one the vote is blind. Repeating the
    /// decision that counts succeeds.
    ///
    /// # Errors
    /// 409 where somebody decided otherwise (`decided`) or where something else than `subject` is
    /// approved now (`subject`, `changed`), 403 where the token may not vote, 404 where there is no
    /// such approval.
    pub async fn decide(
        &self,
        id: &str,
        decision: Decision,
        subject: Option<&str>,
        comment: Option<&str>,
    ) -> Result<Approval, ClientError> {
        let [api, tidegate, v1, approvals] = APPROVALS;
        let mut body = json!({"decision": decision});
        for (key, value) in [("subject", subject), ("comment", comment)] {
            if let Some(value) = value {
                body[key] = Value::from(value);
            }
        }
        let path = [api, tidegate, v1, approvals, id, "decision"];
        self.fetch("a decision", self.post(&path).json(&body)).await
    }
}
