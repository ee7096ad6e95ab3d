//! One connection pool to one installation.

use std::time::Duration;

use reqwest::header::HeaderName;
use reqwest::{Method, RequestBuilder, redirect};

use crate::endpoint::Endpoint;
use crate::error::ClientError;
use crate::token::Token;

/// Where every route takes the token.
const X_TOKEN: HeaderName = HeaderName::from_static("x-token");
const CONNECT_TIME_MAX: Duration = Duration::from_secs(10);
const REQUEST_TIME_MAX: Duration = Duration::from_secs(60);

/// A client of one installation. Clones share its connections.
#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
    endpoint: Endpoint,
    token: Token,
}

impl Client {
    /// A client that shows `token` to `endpoint`. Nothing is sent yet. [`init`](crate::init) comes
    /// first.
    ///
    /// # Errors
    /// [`ClientError::Setup`] where the machine's certificates cannot be read (https only).
    pub fn new(endpoint: Endpoint, token: Token) -> Result<Self, ClientError> {
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("tidegate/", env!("CARGO_PKG_VERSION")))
            .redirect(redirect::Policy::none())
            .connect_timeout(CONNECT_TIME_MAX)
            .timeout(REQUEST_TIME_MAX);
        if endpoint.is_plain() {
            // Nothing to verify: a machine without certificates can still be asked.
            builder = builder.tls_certs_only([]);
        }
        if endpoint.is_local() {
            builder = builder.no_proxy();
        }
        let http = builder.build().map_err(ClientError::Setup)?;
        Ok(Self { http, endpoint, token })
    }

    /// The installation.
    #[must_use]
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    pub(crate) fn get(&self, segments: &[&str]) -> RequestBuilder {
        self.request(Method::GET, segments)
    }

    pub(crate) fn post(&self, segments: &[&str]) -> RequestBuilder {
        self.request(Method::POST, segments)
    }

    pub(crate) fn put(&self, segments: &[&str]) -> RequestBuilder {
        self.request(Method::PUT, segments)
    }

    pub(crate) fn delete(&self, segments: &[&str]) -> RequestBuilder {
        self.request(Method::DELETE, segments)
    }

    fn request(&self, method: Method, segments: &[&str]) -> RequestBuilder {
        self.http.request(method, self.endpoint.join(segments)).header(X_TOKEN, self.token.header())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_does_not_show_its_token() {
        crate::init();
        let endpoint = "http://127.0.0.1:1".parse().unwrap();
        let client = Client::new(endpoint, Token::new("s3cret").unwrap()).unwrap();
        let shown = format!("{client:?}");
        assert!(shown.contains("127.0.0.1") && !shown.contains("s3cret"), "{shown}");
    }
}
