//! Where a project's files are kept elsewhere, and who we are there.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Longest address, in bytes.
const URL_BYTES_MAX: usize = 2048;
/// Longest token, key, certificate or passphrase, in bytes.
const SECRET_BYTES_MAX: usize = 64 * 1024;
/// Who asks, where only a token is given. Keptn 1.4's.
const USER: &str = "keptnuser";

/// A repository elsewhere, with what it takes to be let in.
#[derive(Clone, PartialEq, Eq)]
pub struct Upstream {
    url: String,
    user: String,
    access: Access,
    provisioned: bool,
}

/// How to be let in.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Access {
    /// Over HTTP, by a token or a password.
    Http(HttpAccess),
    /// Over SSH, by a key.
    Ssh(SshAccess),
}

/// A token, and what the way there needs.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HttpAccess {
    /// The token, or a password. Without one, nobody is named.
    pub token: String,
    /// The certificates of authorities that are trusted instead of the system's, as PEM.
    pub certificate: Option<String>,
    /// Whether anybody may answer for the server.
    pub insecure_skip_tls: bool,
    /// What stands between.
    pub proxy: Option<Proxy>,
}

/// An HTTP proxy.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proxy {
    /// `http` or `https`.
    pub scheme: String,
    /// `host:port`.
    pub url: String,
    /// Who asks; nobody is named where it is empty.
    pub user: String,
    /// The password of that user.
    pub password: String,
}

/// A private key.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SshAccess {
    /// The key, as OpenSSH reads it.
    pub private_key: String,
    /// What opens the key; empty where nothing is needed.
    pub passphrase: String,
}

/// What is wrong with what was given. Messages begin with Keptn's text where Keptn has one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UpstreamProblem {
    /// No address that Git is let go to.
    #[error(
        "Invalid RemoteURL: {0}; it begins with https://, http:// or ssh:// and names no user but \
         the one of an SSH address"
    )]
    Url(String),
    /// A key where there is no SSH, or a token where there is no HTTP.
    #[error("{0} needs {1}")]
    Access(&'static str, &'static str),
    /// The proxy cannot be one.
    #[error("the proxy is {0}; its scheme is http or https, its url HOST:PORT")]
    Proxy(&'static str),
    /// Something is not what it must be.
    #[error("{0} {1}")]
    Unfit(&'static str, &'static str),
}

impl Upstream {
    /// Checks what was given, without going there.
    ///
    /// # Errors
    /// What is wrong with it. No message holds a secret.
    pub fn new(url: &str, user: &str, access: Access) -> Result<Self, UpstreamProblem> {
        let scheme = check_url(url)?;
        check_text("the user", user)?;
        match (&access, scheme) {
            (Access::Http(http), Scheme::Http) => http.check()?,
            (Access::Ssh(ssh), Scheme::Ssh) => ssh.check()?,
            (Access::Http(_), Scheme::Ssh) => {
                return Err(UpstreamProblem::Access("an ssh:// address", "a private key"));
            }
            (Access::Ssh(_), Scheme::Http) => {
                return Err(UpstreamProblem::Access("an http:// or https:// address", "a token"));
            }
        }
        Ok(Self { url: url.to_owned(), user: user.to_owned(), access, provisioned: false })
    }

    /// The same, made for its project by whoever provisions repositories.
    #[must_use]
    pub fn provisioned(self) -> Self {
        Self { provisioned: true, ..self }
    }

    /// Whether it was made for its project.
    #[must_use]
    pub const fn is_provisioned(&self) -> bool {
        self.provisioned
    }

    /// Its address.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The user as it was given, which may be empty.
    #[must_use]
    pub fn user(&self) -> &str {
        &self.user
    }

    /// How to be let in.
    #[must_use]
    pub const fn access(&self) -> &Access {
        &self.access
    }

    /// Who asks over HTTP.
    pub(super) fn http_user(&self) -> &str {
        if self.user.is_empty() { USER } else { &self.user }
    }
}

impl HttpAccess {
    fn check(&self) -> Result<(), UpstreamProblem> {
        check_text("the token", &self.token)?;
        if let Some(certificate) = &self.certificate {
            check_length("the certificate", certificate)?;
            if !certificate.contains("-----BEGIN CERTIFICATE-----") {
                return Err(UpstreamProblem::Unfit("the certificate", "is not in PEM form"));
            }
        }
        self.proxy.as_ref().map_or(Ok(()), Proxy::check)
    }
}

impl Proxy {
    fn check(&self) -> Result<(), UpstreamProblem> {
        if !["http", "https"].contains(&self.scheme.as_str()) {
            return Err(UpstreamProblem::Proxy("of no known scheme"));
        }
        let host_and_port = self.url.rsplit_once(':');
        let fits = host_and_port.is_some_and(|(host, port)| {
            !host.is_empty() && !host.contains(['/', '@', '?', '#']) && port.parse::<u16>().is_ok()
        });
        if !fits || self.url.contains(|c: char| c.is_whitespace() || c.is_control()) {
            return Err(UpstreamProblem::Proxy("at no known address"));
        }
        check_text("the user of the proxy", &self.user)?;
        check_text("the password of the proxy", &self.password)
    }
}

impl SshAccess {
    fn check(&self) -> Result<(), UpstreamProblem> {
        check_length("the private key", &self.private_key)?;
        if !self.private_key.contains("PRIVATE KEY-----") {
            return Err(UpstreamProblem::Unfit("the private key", "is not in PEM form"));
        }
        check_text("the passphrase", &self.passphrase)
    }
}

#[derive(Clone, Copy)]
enum Scheme {
    Http,
    Ssh,
}

fn check_url(url: &str) -> Result<Scheme, UpstreamProblem> {
    let wrong = || {
        // What stands before an at sign may be a secret.
        let shown: String = url.chars().filter(|c| !c.is_control()).take(200).collect();
        UpstreamProblem::Url(match shown.split_once("://").zip(shown.rsplit_once('@')) {
            Some(((scheme, _), (_, rest))) => format!("{scheme}://…@{rest}"),
            None => shown,
        })
    };
    let schemes = [("https://", Scheme::Http), ("http://", Scheme::Http), ("ssh://", Scheme::Ssh)];
    let found = schemes
        .into_iter()
        .find_map(|(start, scheme)| url.strip_prefix(start).map(|rest| (scheme, rest)));
    let (scheme, rest) = found.ok_or_else(wrong)?;
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let (user, host) = match authority.rsplit_once('@') {
        Some((user, host)) => (Some(user), host),
        None => (None, authority),
    };
    let user_fits = match (scheme, user) {
        (_, None) => true,
        // A password or a token has a place of its own, where it is sealed.
        (Scheme::Http, Some(_)) => false,
        (Scheme::Ssh, Some(user)) => {
            !user.is_empty() && !user.contains(':') && !user.starts_with('-')
        }
    };
    let fits = url.len() <= URL_BYTES_MAX
        && !url.contains(|c: char| c.is_whitespace() || c.is_control())
        && !host.is_empty()
        && !host.starts_with(['-', ':'])
        && user_fits;
    if fits { Ok(scheme) } else { Err(wrong()) }
}

/// It goes into one line of a header or of an answer.
fn check_text(what: &'static str, text: &str) -> Result<(), UpstreamProblem> {
    check_length(what, text)?;
    match text.contains(char::is_control) {
        true => Err(UpstreamProblem::Unfit(what, "holds control characters")),
        false => Ok(()),
    }
}

fn check_length(what: &'static str, text: &str) -> Result<(), UpstreamProblem> {
    match text.len() > SECRET_BYTES_MAX || text.contains('\0') {
        true => Err(UpstreamProblem::Unfit(what, "is too long, or holds a zero byte")),
        false => Ok(()),
    }
}

impl fmt::Debug for Upstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { url, user, access, provisioned: _ } = self;
        let access = match access {
            Access::Http(_) => "token",
            Access::Ssh(_) => "key",
        };
        f.debug_struct("Upstream")
            .field("url", url)
            .field("user", user)
            .field("by", &access)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn http() -> Access {
        Access::Http(HttpAccess { token: "hunter2".to_owned(), ..HttpAccess::default() })
    }

    fn ssh() -> Access {
        let private_key = "-----BEGIN OPENSSH PRIVATE KEY-----\nhunter2\n".to_owned();
        Access::Ssh(SshAccess { private_key, passphrase: String::new() })
    }

    #[test]
    fn an_address_is_one_that_git_is_let_go_to() {
        for url in
            ["https://git.example.com/a/b.git", "http://[::1]:3000/x", "http://localhost/?a=b"]
        {
            assert!(Upstream::new(url, "", http()).is_ok(), "{url}");
        }
        for url in ["ssh://git@host:22/a.git", "ssh://host/a"] {
            assert!(Upstream::new(url, "git", ssh()).is_ok(), "{url}");
        }
        for url in [
            "",
            "git://host/a",
            "file:///etc",
            "/tmp/x",
            "host:a.git",
            "ext::sh -c id",
            "https://",
            "https:///a",
            "https://-x/a",
            "HTTPS://host/a",
            "https://user:hunter2@host/a",
            "https://hunter2@host/a",
            "https://host/a b",
            "https://host/a\nb",
            "https://:80/",
        ] {
            let said = Upstream::new(url, "", http()).unwrap_err();
            assert!(matches!(said, UpstreamProblem::Url(_)), "{url}: {said}");
            assert!(!said.to_string().contains("hunter2"), "{said}");
        }
        for url in [
            "ssh://-oProxyCommand=id/a",
            "ssh://-oX@host/a",
            "ssh://a:hunter2@host/a",
            "ssh://@h/a",
        ] {
            let said = Upstream::new(url, "", ssh()).unwrap_err();
            assert!(matches!(said, UpstreamProblem::Url(_)), "{url}: {said}");
        }
    }

    #[test]
    fn a_token_goes_by_http_and_a_key_by_ssh() {
        let access = |url, access| Upstream::new(url, "", access).unwrap_err().to_string();
        assert_eq!(access("https://host/a", ssh()), "an http:// or https:// address needs a token");
        assert_eq!(access("ssh://host/a", http()), "an ssh:// address needs a private key");
    }

    #[test]
    fn secrets_are_of_one_line_and_are_never_shown() {
        let with = |change: &dyn Fn(&mut HttpAccess)| {
            let mut access = HttpAccess { token: "hunter2".to_owned(), ..HttpAccess::default() };
            change(&mut access);
            Upstream::new("https://host/a", "ada", Access::Http(access)).map(|_| ())
        };
        let proxy = |scheme: &str, url: &str| Proxy {
            scheme: scheme.to_owned(),
            url: url.to_owned(),
            user: String::new(),
            password: "hunter2".to_owned(),
        };
        assert_eq!(with(&|access| access.proxy = Some(proxy("http", "proxy:3128"))), Ok(()));
        for said in [
            with(&|access| access.token = "hunter2\r\nHost: evil".to_owned()),
            with(&|access| access.certificate = Some("hunter2".to_owned())),
            with(&|access| access.proxy = Some(proxy("socks5", "proxy:3128"))),
            with(&|access| access.proxy = Some(proxy("http", "proxy"))),
            with(&|access| access.proxy = Some(proxy("http", "a@proxy:1"))),
        ] {
            assert!(!said.unwrap_err().to_string().contains("hunter2"));
        }
        let shown = format!("{:?}", Upstream::new("https://host/a", "ada", http()).unwrap());
        assert!(shown.contains("ada") && !shown.contains("hunter2"), "{shown}");
    }
}
