//! Flags that say where the files of a project are kept.

use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::Args;
use serde_json::{Map, Value, json};

use super::Failure;

/// An upstream.
#[derive(Debug, Args)]
pub(super) struct Git {
    /// The upstream
    #[arg(short = 'r', long, value_name = "URL")]
    git_remote_url: Option<String>,
    /// Who signs in there
    #[arg(short = 'u', long, value_name = "NAME")]
    git_user: Option<String>,
    /// With which token
    #[arg(short = 't', long, value_name = "TOKEN")]
    git_token: Option<String>,
    /// Or with which key
    #[arg(short = 'k', long, value_name = "FILE")]
    git_private_key: Option<PathBuf>,
    /// Its passphrase
    #[arg(short = 'l', long, value_name = "TEXT")]
    git_private_key_pass: Option<String>,
    /// A proxy on the way: host:port
    #[arg(short = 'p', long, value_name = "HOST:PORT")]
    git_proxy_url: Option<String>,
    /// How to speak to it: http or https
    #[arg(short = 'j', long, value_name = "SCHEME")]
    git_proxy_scheme: Option<String>,
    /// Who signs in there
    #[arg(short = 'w', long, value_name = "NAME")]
    git_proxy_user: Option<String>,
    /// With which password
    #[arg(short = 'e', long, value_name = "TEXT")]
    git_proxy_password: Option<String>,
    /// Do not verify the upstream's certificate
    #[arg(short = 'x', long)]
    insecure_skip_tls: bool,
    /// Verify it by this certificate
    #[arg(short = 'g', long, value_name = "FILE")]
    git_pem_certificate: Option<PathBuf>,
}

impl Git {
    /// Keptn's `gitCredentials`; none where there is no upstream.
    pub(super) fn credentials(self) -> Result<Option<Value>, Failure> {
        let refuse = |why: &str| Err(Failure(why.to_owned()));
        let Some(url) = self.git_remote_url else {
            let texts = [
                &self.git_user,
                &self.git_token,
                &self.git_private_key_pass,
                &self.git_proxy_url,
                &self.git_proxy_scheme,
                &self.git_proxy_user,
                &self.git_proxy_password,
            ];
            let files = [&self.git_private_key, &self.git_pem_certificate];
            let any = texts.iter().any(|text| text.is_some())
                || files.iter().any(|file| file.is_some())
                || self.insecure_skip_tls;
            if any {
                return refuse("GIT remote URL must be set");
            }
            return Ok(None);
        };
        let mut credentials = Map::new();
        credentials.insert("remoteURL".to_owned(), json!(url));
        credentials.insert("user".to_owned(), json!(self.git_user.unwrap_or_default()));
        let read = |path: &PathBuf| {
            let content = std::fs::read(path);
            let content = content.map(|bytes| STANDARD.encode(bytes));
            content.map_err(|error| Failure(format!("cannot read {}: {error}", path.display())))
        };
        match (self.git_token, &self.git_private_key) {
            (None, None) => return refuse("GIT Access token or GIT private key must be set"),
            (Some(_), Some(_)) => {
                return refuse("GIT Access token and GIT private key cannot be set together");
            }
            (None, Some(key)) => {
                if self.git_proxy_url.is_some() {
                    return refuse("GIT Proxy cannot be set with SSH");
                }
                let pass = self.git_private_key_pass.unwrap_or_default();
                let ssh = json!({"privateKey": read(key)?, "privateKeyPass": pass});
                credentials.insert("ssh".to_owned(), ssh);
            }
            (Some(token), None) => {
                let mut https = json!({"token": token, "insecureSkipTLS": self.insecure_skip_tls});
                if let Some(file) = &self.git_pem_certificate {
                    https["certificate"] = json!(read(file)?);
                }
                if let Some(proxy) = self.git_proxy_url {
                    let Some(scheme) = self.git_proxy_scheme else {
                        return refuse("GIT Proxy cannot be set without scheme");
                    };
                    https["proxy"] = json!({"url": proxy, "scheme": scheme,
                        "user": self.git_proxy_user.unwrap_or_default(),
                        "password": self.git_proxy_password.unwrap_or_default()});
                }
                credentials.insert("https".to_owned(), https);
            }
        }
        Ok(Some(Value::Object(credentials)))
    }
}
