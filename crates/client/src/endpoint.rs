//! Where the server is.

use std::fmt;
use std::str::FromStr;

use reqwest::Url;

/// The address of an installation, without path: `http://127.0.0.1:7070`, or with the path that a
/// proxy puts before it: `https://example.org/tidegate`.
///
/// Users of Keptn write the address of the API, which ends in `/api`; both are understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint(Url);

/// The text is no endpoint.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no endpoint: {problem}; write it like http://127.0.0.1:7070")]
pub struct EndpointError {
    text: String,
    problem: String,
}

impl FromStr for Endpoint {
    type Err = EndpointError;

    fn from_str(text: &str) -> Result<Self, EndpointError> {
        let refuse = |problem: &str| EndpointError {
            // A password in a URL shall not come back in an error.
            text: text.rsplit_once('@').map_or(text, |(_, host)| host).to_owned(),
            problem: problem.to_owned(),
        };
        let mut url = Url::parse(text.trim()).map_err(|error| refuse(&error.to_string()))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(refuse("it must begin with http:// or https://"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(refuse("a name and a password have no place in it"));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(refuse("it must end before '?' and '#'"));
        }
        let path = url.path().trim_end_matches('/');
        let path = path.strip_suffix("/api").unwrap_or(path).to_owned();
        url.set_path(&path);
        Ok(Self(url))
    }
}

impl Endpoint {
    /// The address of something on this server. Segments are percent-encoded, each as a whole.
    pub(crate) fn join(&self, segments: &[&str]) -> Url {
        let mut url = self.0.clone();
        url.path_segments_mut()
            .expect("http and https addresses have paths")
            .pop_if_empty()
            .extend(segments);
        url
    }

    /// The address of a path that the server gave, such as `/bridge/login?code=…`.
    #[must_use]
    pub fn link(&self, path: &str) -> String {
        format!("{self}/{}", path.trim_start_matches('/'))
    }

    /// Whether requests leave the machine unencrypted.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        self.0.scheme() == "http"
    }

    /// Whether the server runs on this machine.
    #[must_use]
    pub fn is_local(&self) -> bool {
        let host = self.0.host_str().unwrap_or_default();
        let address = host.trim_start_matches('[').trim_end_matches(']');
        host == "localhost"
            || address.parse().is_ok_and(|address: std::net::IpAddr| address.is_loopback())
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str().trim_end_matches('/'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_the_installation_however_it_is_written() {
        for (written, meant) in [
            ("http://127.0.0.1:7070", "http://127.0.0.1:7070"),
            ("http://127.0.0.1:7070/", "http://127.0.0.1:7070"),
            ("https://example.org/api", "https://example.org"),
            ("https://example.org/cd/api/", "https://example.org/cd"),
        ] {
            let endpoint: Endpoint = written.parse().unwrap();
            assert_eq!(endpoint.to_string(), meant, "{written}");
        }
    }

    #[test]
    fn what_is_no_endpoint_is_refused_and_a_password_is_not_repeated() {
        for bad in ["", "localhost", "ftp://x", "http://h/?q", "http://h/#f", "http://ada:pw@h"] {
            let error = bad.parse::<Endpoint>().expect_err(bad).to_string();
            assert!(error.contains("is no endpoint") && !error.contains("pw"), "{error}");
        }
    }

    #[test]
    fn segments_keep_their_slashes_to_themselves() {
        let endpoint: Endpoint = "http://h/cd".parse().unwrap();
        let url = endpoint.join(&["api", "a/b c?"]);
        assert_eq!(url.as_str(), "http://h/cd/api/a%2Fb%20c%3F");
        assert_eq!(endpoint.link("/bridge/login?code=x"), "http://h/cd/bridge/login?code=x");
    }

    #[test]
    fn loopback_is_local_by_every_name() {
        for (text, local) in [
            ("http://localhost:1", true),
            ("http://127.0.0.9", true),
            ("http://[::1]:7070", true),
            ("http://10.0.0.1", false),
            ("https://example.org", false),
        ] {
            assert_eq!(text.parse::<Endpoint>().unwrap().is_local(), local, "{text}");
        }
    }
}
