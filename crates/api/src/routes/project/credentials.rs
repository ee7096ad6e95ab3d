//! `gitCredentials`: where the files of a project are kept elsewhere, as Keptn 1.4 writes it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use tidegate_core::names::ProjectName;
use tidegate_resources::ResourceError;
use tidegate_resources::upstream::{Access, HttpAccess, Proxy, SshAccess, Upstream, Upstreams};
use utoipa::ToSchema;

use crate::error::ApiError;
use crate::openapi::wire;

use super::invalid;

/// Where files are kept elsewhere, and who is let in there: by a token or by a private key, not both.
// There is no `Debug`: it holds secrets.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct GitCredentials {
    /// The address of the repository: http, https or ssh. Without one, nothing else counts.
    #[serde(default, rename = "remoteURL")]
    #[schema(examples("https://git.example.org/sockshop.git"))]
    remote_url: String,
    /// Who signs in.
    #[serde(default)]
    #[schema(examples("tidegate"))]
    user: String,
    /// For http and https.
    #[serde(default)]
    https: Option<Https>,
    /// For ssh.
    #[serde(default)]
    ssh: Option<Ssh>,
}

/// Who is let in over http and https.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Https {
    /// The password, or a token in its place.
    #[serde(default)]
    token: String,
    /// A certificate to trust, as PEM in Base64.
    #[serde(default)]
    #[schema(value_type = wire::Base64)]
    certificate: String,
    /// Whether any certificate will do.
    #[serde(default, rename = "insecureSkipTLS")]
    insecure_skip_tls: bool,
    /// The proxy on the way there.
    #[serde(default)]
    proxy: Option<HttpsProxy>,
}

/// A proxy.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct HttpsProxy {
    /// Its host and port. Without it there is no proxy.
    #[serde(default)]
    #[schema(examples("proxy.example.org:3128"))]
    url: String,
    /// How it is spoken to: `http` or `https`.
    #[serde(default)]
    #[schema(examples("http"))]
    scheme: String,
    /// Who signs in.
    #[serde(default)]
    user: String,
    /// By which password.
    #[serde(default)]
    password: String,
}

/// Who is let in over ssh.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Ssh {
    /// A private key, as PEM in Base64.
    #[serde(default, rename = "privateKey")]
    #[schema(value_type = wire::Base64)]
    private_key: String,
    /// What opens the key.
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

/// What everybody may know of where files are kept elsewhere: no token, no key, no certificate.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ShownCredentials {
    /// The address of the repository.
    #[serde(rename = "remoteURL")]
    #[schema(examples("https://git.example.org/sockshop.git"))]
    remote_url: String,
    /// Who signs in there.
    #[serde(skip_serializing_if = "String::is_empty")]
    #[schema(examples("tidegate"))]
    user: String,
    /// How it is reached over http and https.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = ShownHttps)]
    https: Option<ShownHttps>,
    #[serde(skip)]
    provisioned: bool,
}

/// How a repository is reached over http and https.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ShownHttps {
    /// Whether any certificate will do.
    #[serde(rename = "insecureSkipTLS")]
    insecure_skip_tls: bool,
    /// The proxy on the way there.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = ShownProxy)]
    proxy: Option<ShownProxy>,
}

/// What everybody may know of a proxy.
#[derive(Serialize, ToSchema)]
struct ShownProxy {
    /// Its host and port.
    #[schema(examples("proxy.example.org:3128"))]
    url: String,
    /// How it is spoken to.
    #[schema(examples("http"))]
    scheme: String,
    /// Who signs in.
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
