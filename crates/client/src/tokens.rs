//! The tokens of people and programs.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::client::Client;
use crate::error::ClientError;
use crate::principal::Principal;

/// Who holds a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(test, derive(utoipa::ToSchema))]
pub enum TokenKind {
    /// A human being.
    Person,
    /// A program.
    Machine,
}

impl TokenKind {
    /// The word on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Machine => "machine",
        }
    }
}

/// Where a token is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(test, derive(utoipa::ToSchema))]
pub enum TokenOrigin {
    /// In the configuration file of the server, as a text.
    Configuration,
    /// In the store, as a digest.
    Store,
}

impl TokenOrigin {
    /// The word on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Configuration => "configuration",
            Self::Store => "store",
        }
    }
}

/// A token, without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(utoipa::ToSchema))]
pub struct NamedToken {
    /// Whose it is.
    pub name: String,
    /// A person's or a program's.
    pub kind: TokenKind,
    /// The only tasks that it answers; absent where it may do everything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tasks: Option<Vec<String>>,
    /// Where it is kept.
    pub origin: TokenOrigin,
    /// When it was created, RFC 3339; absent for those of the configuration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_at: Option<String>,
    /// By whom.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_by: Option<Principal>,
}

impl NamedToken {
    /// Whether it can be revoked while the server runs.
    #[must_use]
    pub fn is_revocable(&self) -> bool {
        self.origin == TokenOrigin::Store
    }
}

/// A token that was just made. Nobody will see its secret again.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
pub struct CreatedToken {
    /// The secret.
    pub token: String,
    /// What it is for.
    #[serde(flatten)]
    pub named: NamedToken,
}

impl fmt::Debug for CreatedToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CreatedToken").field("named", &self.named).finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
pub(crate) struct Tokens {
    tokens: Vec<NamedToken>,
}

const TOKENS: [&str; 4] = ["api", "tidegate", "v1", "tokens"];

impl Client {
    /// The tokens that have names, by name.
    ///
    /// # Errors
    /// As for every call; 403 where the token only answers tasks.
    pub async fn tokens(&self) -> Result<Vec<NamedToken>, ClientError> {
        let tokens: Tokens = self.fetch("tokens", self.get(&TOKENS)).await?;
        Ok(tokens.tokens)
    }

    /// Makes a token. It is in force at once, and its secret is answered this one time.
    ///
    /// # Errors
    /// 403 where the client's token is not the installation's own, 409 where the store has one of this
    /// name, 400 where the name is none or a person's shall answer tasks only.
    pub async fn create_token(
        &self,
        name: &str,
        kind: TokenKind,
        tasks: Option<&[String]>,
    ) -> Result<CreatedToken, ClientError> {
        let mut body = json!({"name": name, "kind": kind});
        if let Some(tasks) = tasks {
            body["tasks"] = json!(tasks);
        }
        self.fetch("a token", self.post(&TOKENS).json(&body)).await
    }

    /// Revokes a token of the store, at once.
    ///
    /// # Errors
    /// 403 where the client's token is not the installation's own, 404 where no token has this name, 409
    /// where it is one of the configuration.
    pub async fn revoke_token(&self, name: &str) -> Result<(), ClientError> {
        let [api, tidegate, v1, tokens] = TOKENS;
        self.send(self.delete(&[api, tidegate, v1, tokens, name])).await.map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_does_not_show_a_new_token() {
        let value =
            json!({"token": "tg_s3cret", "name": "ada", "kind": "person", "origin": "store"});
        let created: CreatedToken = serde_json::from_value(value.clone()).unwrap();
        assert_eq!(created.token, "tg_s3cret");
        assert!(!format!("{created:?}").contains("s3cret"));
        assert_eq!(serde_json::to_value(&created).unwrap(), value);
    }
}
