//! From an HTTP answer to a value.

use reqwest::RequestBuilder;
use serde::de::DeserializeOwned;

use crate::client::Client;
use crate::error::{ClientError, Refusal, Transport};

impl Client {
    /// Sends a request and gives the body of a good answer.
    pub(crate) async fn send(&self, request: RequestBuilder) -> Result<Vec<u8>, ClientError> {
        let unreachable = |source| ClientError::Unreachable {
            endpoint: self.endpoint().to_string(),
            source: Transport::from(source),
        };
        let answer = request.send().await.map_err(unreachable)?;
        let status = answer.status();
        let body = answer.bytes().await.map_err(unreachable)?;
        if status.is_success() {
            Ok(body.into())
        } else {
            Err(ClientError::Refused(Box::new(Refusal::read(status, &body))))
        }
    }

    /// Sends a request for `what` and reads the answer as JSON.
    pub(crate) async fn fetch<T: DeserializeOwned>(
        &self,
        what: &'static str,
        request: RequestBuilder,
    ) -> Result<T, ClientError> {
        let body = self.send(request).await?;
        serde_json::from_slice(&body).map_err(|error| ClientError::Unreadable {
            endpoint: self.endpoint().to_string(),
            what,
            why: error.to_string(),
        })
    }
}
