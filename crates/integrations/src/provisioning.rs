//! Repositories that another service makes for projects, by Keptn's protocol: `POST` and `DELETE` of
//! `<url>/repository`.

use std::time::Duration;

use reqwest::{Method, Response, redirect};
use serde::Deserialize;
use serde_json::json;
use tidegate_core::names::ProjectName;
use tidegate_engine::{Provisioned, Provisioner};
use tidegate_resources::upstream::{Access, HttpAccess, Upstream};

const TIME_MAX: Duration = Duration::from_secs(30);
/// Largest answer, in bytes.
const ANSWER_BYTES_MAX: usize = 64 * 1024;
/// What this installation is called; Keptn's own is a namespace.
const NAMESPACE: &str = "keptn";

/// Whoever answers at an address.
#[derive(Debug, Clone)]
pub struct Provisioning {
    http: reqwest::Client,
    url: String,
}

/// The address cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct ProvisioningError(String);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Repository {
    #[serde(rename = "gitRemoteURL")]
    git_remote_url: String,
    git_token: String,
    #[serde(default)]
    git_user: String,
}

impl Provisioning {
    /// Somebody who is asked at `<url>/repository`. Nobody is asked yet. The process has a provider of
    /// TLS by then.
    ///
    /// # Errors
    /// The address is none, or the machine's certificates cannot be read.
    pub fn new(url: &str) -> Result<Self, ProvisioningError> {
        let parsed = reqwest::Url::parse(url)
            .map_err(|error| ProvisioningError(format!("{url:?} is no address: {error}")))?;
        if !["http", "https"].contains(&parsed.scheme()) {
            return Err(ProvisioningError(format!("{url:?} is neither http:// nor https://")));
        }
        let mut builder =
            reqwest::Client::builder().redirect(redirect::Policy::none()).timeout(TIME_MAX);
        if parsed.scheme() == "http" {
            builder = builder.tls_certs_only([]);
        }
        let http = builder.build().map_err(|error| ProvisioningError(error.to_string()))?;
        Ok(Self { http, url: format!("{}/repository", url.trim_end_matches('/')) })
    }

    async fn ask(&self, method: Method, project: &ProjectName) -> Result<Response, String> {
        let body = json!({"project": project, "namespace": NAMESPACE});
        let sent = self.http.request(method, &self.url).json(&body).send().await;
        let answer = sent.map_err(|error| match error.is_timeout() {
            true => "nobody answered in time".to_owned(),
            false => "nobody answers".to_owned(),
        })?;
        let status = answer.status();
        if !status.is_success() {
            return Err(status.canonical_reason().unwrap_or(status.as_str()).to_owned());
        }
        Ok(answer)
    }
}

impl Provisioner for Provisioning {
    fn create<'a>(&'a self, project: &'a ProjectName) -> Provisioned<'a, Upstream> {
        Box::pin(async move {
            let mut answer = self.ask(Method::POST, project).await?;
            let mut bytes = Vec::new();
            while let Ok(Some(piece)) = answer.chunk().await {
                bytes.extend_from_slice(&piece);
                if bytes.len() > ANSWER_BYTES_MAX {
                    return Err("the answer is too large".to_owned());
                }
            }
            // What is wrong with it may hold the token.
            let repository: Repository = serde_json::from_slice(&bytes)
                .map_err(|_| "the answer names no gitRemoteURL and gitToken".to_owned())?;
            let Repository { git_remote_url, git_token, git_user } = repository;
            let access = HttpAccess { token: git_token, ..HttpAccess::default() };
            let upstream = Upstream::new(&git_remote_url, &git_user, Access::Http(access));
            upstream.map_err(|problem| problem.to_string())
        })
    }

    fn delete<'a>(&'a self, project: &'a ProjectName) -> Provisioned<'a, ()> {
        Box::pin(async move { self.ask(Method::DELETE, project).await.map(drop) })
    }
}
