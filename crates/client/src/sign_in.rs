//! Links that sign a person in to the Bridge.

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::client::Client;
use crate::error::ClientError;

/// A link that signs one person in, once.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
pub struct SignInLink {
    /// The whole link.
    #[serde(rename(deserialize = "path", serialize = "link"))]
    pub link: String,
    /// Until when it can be used, RFC 3339.
    pub expires: String,
}

impl std::fmt::Debug for SignInLink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SignInLink").field("expires", &self.expires).finish_non_exhaustive()
    }
}

impl Client {
    /// Makes a link that signs `name` in to the Bridge.
    ///
    /// # Errors
    /// 403 where the token is not the installation's own, 400 where the name is not one.
    pub async fn sign_in_link(&self, name: &str) -> Result<SignInLink, ClientError> {
        let request = self.post(&["api", "tidegate", "v1", "sign-in-links"]);
        let answer: SignInLink =
            self.fetch("a sign-in link", request.json(&json!({"name": name}))).await?;
        Ok(SignInLink { link: self.endpoint().link(&answer.link), ..answer })
    }
}
