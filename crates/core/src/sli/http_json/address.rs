//! Endpoints: what may be asked at all. The installation names them, a query chooses one by its name.

use std::fmt;

use url::Url;

use super::target::Target;
use crate::excerpt::excerpt;

/// Longest name of an endpoint, in bytes.
const NAME_BYTES_MAX: usize = 64;

/// The name of an endpoint: letters and digits of ASCII, `-` and `_`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, serde::Deserialize)]
#[serde(try_from = "String")]
pub struct EndpointName(String);

/// A text that is no name of an endpoint.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no name of an endpoint, which is 1 to {NAME_BYTES_MAX} letters (a-z, A-Z), digits, - and _"
)]
pub struct EndpointNameError(String);

impl EndpointName {
    /// Checks a name.
    ///
    /// # Errors
    /// It is empty, too long, or has another character.
    pub fn new(text: impl Into<String>) -> Result<Self, EndpointNameError> {
        let text = text.into();
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        if (1..=NAME_BYTES_MAX).contains(&text.len()) && text.chars().all(plain) {
            Ok(Self(text))
        } else {
            Err(EndpointNameError(excerpt(&text, NAME_BYTES_MAX).into_owned()))
        }
    }

    /// The text of the name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for EndpointName {
    type Error = EndpointNameError;

    fn try_from(text: String) -> Result<Self, EndpointNameError> {
        Self::new(text)
    }
}

impl fmt::Display for EndpointName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where an endpoint is. It holds no password: one in an address ends in messages and logs of others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address(Url);

/// Why a text is no address of an endpoint. It never shows the text, which may hold a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// No address at all.
    #[error("is no address: {0}; write it like https://metrics.example/api/")]
    Malformed(url::ParseError),
    /// Another scheme.
    #[error("is neither http:// nor https://")]
    Scheme,
    /// A user or a password in it.
    #[error("holds a user or a password; say it by a header, such as authorization")]
    Login,
    /// A query or a fragment in it.
    #[error(
        "has a ? or a #; what is asked is said by the queries of SLI files, and a key by a header"
    )]
    Query,
}

/// An address that would not be one below its endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the address would lead out of the endpoint")]
pub struct LeavesEndpoint;

impl Address {
    /// Reads an address, such as `https://metrics.example/api/`.
    ///
    /// # Errors
    /// [`AddressError`]
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        let url = Url::parse(text).map_err(AddressError::Malformed)?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(AddressError::Scheme);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(AddressError::Login);
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(AddressError::Query);
        }
        Ok(Self(url))
    }

    /// The address that a target has below this one.
    ///
    /// # Errors
    /// Whoever parses addresses makes something else of the path than was checked. No target is known that
    /// this happens with; one that nobody thought of must not be asked.
    pub fn below(&self, target: &Target) -> Result<Url, LeavesEndpoint> {
        let mut url = self.0.clone();
        if !target.path().is_empty() {
            let path = format!("{}/{}", url.path().trim_end_matches('/'), target.path());
            url.set_path(&path);
            if url.path() != path {
                return Err(LeavesEndpoint);
            }
        }
        url.set_query(target.query());
        Ok(url)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn below(address: &str, target: &str) -> String {
        let target = Target::parse(target).unwrap();
        Address::parse(address).unwrap().below(&target).unwrap().to_string()
    }

    #[test]
    fn a_target_lies_below_its_endpoint() {
        for (address, target, url) in [
            ("https://h/api/", "query?a=1", "https://h/api/query?a=1"),
            ("https://h/api", "v1/query", "https://h/api/v1/query"),
            ("https://h", "query", "https://h/query"),
            ("https://h:8443/", "query/", "https://h:8443/query/"),
            ("http://[::1]:9200/x", "a%2Fb", "http://[::1]:9200/x/a%2Fb"),
            ("https://h/api", "", "https://h/api"),
            ("https://h/api/", "?a=1", "https://h/api/?a=1"),
            ("https://h/api", "series:query?", "https://h/api/series:query?"),
        ] {
            let target = target.replace("series:", "v1/series:");
            let url = url.replace("series:", "v1/series:");
            assert_eq!(below(address, &target), url, "{address} {target}");
        }
    }

    #[test]
    fn an_address_is_one_of_http_and_holds_no_secret() {
        for (address, says) in [
            ("", "is no address"),
            ("metrics", "is no address"),
            ("https://", "is no address"),
            ("ftp://h/", "is neither http:// nor https://"),
            ("file:///etc/passwd", "is neither http:// nor https://"),
            ("https://ada:hunter2@h/", "holds a user or a password"),
            ("https://hunter2@h/", "holds a user or a password"),
            ("https://h/?api_key=hunter2", "has a ? or a #"),
            ("https://h/#hunter2", "has a ? or a #"),
        ] {
            let error = Address::parse(address).unwrap_err().to_string();
            assert!(error.starts_with(says) && !error.contains("hunter2"), "{address}: {error}");
        }
    }

    #[test]
    fn a_name_is_plain() {
        for name in ["metrics", "Data-dog_2", "x", &"x".repeat(NAME_BYTES_MAX)] {
            assert_eq!(EndpointName::new(name).unwrap().as_str(), name);
        }
        for name in ["", "a b", "a.b", "a/b", "a@b", "é", "a\n", &"x".repeat(NAME_BYTES_MAX + 1)] {
            let error = EndpointName::new(name).unwrap_err().to_string();
            assert!(error.contains("is no name of an endpoint"), "{error}");
        }
    }
}
