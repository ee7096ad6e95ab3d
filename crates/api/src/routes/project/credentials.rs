//! `gitCredentials`: where the files of a project are kept elsewhere, as Keptn 1.4 writes it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use tidegate_core::names::ProjectName;
use tidegate_resources::ResourceError;
use tidegate_resources::upstream::{Access, HttpAccess, Proxy, SshAccess, Upstream, Upstreams};

use crate::error::ApiError;

use super::invalid;

/// What a client sends. Certificates and keys come in Base64. There is no `Debug`: it holds secrets.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct GitCredentials {
    #[serde(default, rename = "remoteURL")]
    remote_url: String,
    #[serde(default)]
    user: String,
    #[serde(default)]
    https: Option<Https>,
    #[serde(default)]
    ssh: Option<Ssh>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Https {
    #[serde(default)]
    token: String,
    #[serde(default)]
    certificate: String,
    #[serde(default, rename = "insecureSkipTLS")]
    insecure_skip_tls: bool,
    #[serde(default)]
    proxy: Option<HttpsProxy>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct HttpsProxy {
    #[serde(default)]
    url: String,
    #[serde(default)]
    scheme: String,
    #[serde(default)]
    user: String,
    #[serde(default)]
    password: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Ssh {
    #[serde(default, rename = "privateKey")]
    private_key: String,
    #[serde(default, rename = "privateKeyPass")]
    private_key_pass: String,
    /// Nobody needs it: the private key holds it.
    #[serde(default, rename = "publicKey")]
    _public_key: Option<String>,
}

impl GitCredentials {
    /// The upstream; none where no address is given, which asks for nothing.
    pub(crate) fn upstream(self) -> Result<Option<Upstream>, ApiError> {
        if self.remote_url.is_empty() {
            return Ok(None);
        }
        let access = match (self.https, self.ssh) {
            (Some(_), Some(_)) => {
                return Err(invalid("a token and a private key cannot be used together"));
            }
            (None, Some(ssh)) => Access::Ssh(SshAccess {
                private_key: decoded("privateKey", &ssh.private_key)?,
                passphrase: ssh.private_key_pass,
            }),
            (https, None) => Access::Http(https.map_or_else(|| Ok(HttpAccess::default()), http)?),
        };
        let upstream = Upstream::new(&self.remote_url, &self.user, access);
        Ok(Some(upstream.map_err(ResourceError::from)?))
    }
}

fn http(https: Https) -> Result<HttpAccess, ApiError> {
    let certificate = match https.certificate.is_empty() {
        true => None,
        false => Some(decoded("certificate", &https.certificate)?),
    };
    let proxy = https.proxy.filter(|proxy| !proxy.url.is_empty()).map(|proxy| Proxy {
        scheme: proxy.scheme,
        url: proxy.url,
        user: proxy.user,
        password: proxy.password,
    });
    let insecure_skip_tls = https.insecure_skip_tls;
    Ok(HttpAccess { token: https.token, certificate, insecure_skip_tls, proxy })
}

fn decoded(what: &str, base64: &str) -> Result<String, ApiError> {
    let bytes = STANDARD.decode(base64).ok();
    bytes
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .ok_or_else(|| invalid(&format!("gitCredentials: {what} is no text encoded in base64")))
}

/// What everybody may know of it: no token, no key, no certificate.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ShownCredentials {
    #[serde(rename = "remoteURL")]
    remote_url: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    user: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    https: Option<ShownHttps>,
    #[serde(skip)]
    provisioned: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ShownHttps {
    #[serde(rename = "insecureSkipTLS")]
    insecure_skip_tls: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    proxy: Option<ShownProxy>,
}

#[derive(Serialize)]
struct ShownProxy {
    url: String,
    scheme: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    user: String,
}

impl ShownCredentials {
    /// None where the files are kept here.
    pub(crate) fn of(upstreams: &Upstreams, project: &ProjectName) -> Option<Self> {
        match upstreams.upstream(project) {
            Ok(upstream) => upstream.as_ref().map(Self::from),
            Err(error) => {
                tracing::error!(%project, %error, "an upstream cannot be shown");
                let remote_url = upstreams.url(project)?;
                let (user, https) = (String::new(), None);
                Some(Self { remote_url, user, https, provisioned: false })
            }
        }
    }

    /// Whether it was made for its project.
    pub(crate) const fn is_provisioned(&self) -> bool {
        self.provisioned
    }
}

impl From<&Upstream> for ShownCredentials {
    fn from(upstream: &Upstream) -> Self {
        let https = match upstream.access() {
            Access::Ssh(_) => None,
            Access::Http(access) => Some(ShownHttps {
                insecure_skip_tls: access.insecure_skip_tls,
                proxy: access.proxy.as_ref().map(|proxy| ShownProxy {
                    url: proxy.url.clone(),
                    scheme: proxy.scheme.clone(),
                    user: proxy.user.clone(),
                }),
            }),
        };
        let (remote_url, user) = (upstream.url().to_owned(), upstream.user().to_owned());
        Self { remote_url, user, https, provisioned: upstream.is_provisioned() }
    }
}
