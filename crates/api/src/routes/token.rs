//! `/api/tidegate/v1/tokens`: the tokens of people and programs that have names.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tidegate_core::names::TaskName;
use tidegate_core::principal::{Principal, PrincipalName};
use tidegate_engine::{Engine, Failure};
use tidegate_identity::{Holder, Secret, TokenKind, TokenProblem, Tokens};
use tidegate_store::{Reader, TokenRow, Write, Written};
use utoipa::ToSchema;

use crate::auth::{Answers, Caller};
use crate::body::JsonBody;
use crate::error::{ApiError, shown};
use crate::openapi::answers::{Body, Changes, Error, Guarded, Parsed};
use crate::openapi::wire;
use crate::path::Path;
use crate::state::ApiState;

/// Most tokens that the store takes.
const TOKENS_MAX: usize = 1000;
/// Most tasks of one token.
const TASKS_MAX: usize = 100;

/// Makes the store's tokens those that are in force. Called before the first request, and after every
/// change.
///
/// # Errors
/// The store's own.
pub async fn load_tokens(engine: &Engine, tokens: &Tokens) -> Result<(), Failure> {
    let rows = engine.read(Reader::tokens).await?;
    let holder = |row: TokenRow| {
        (row.digest, Holder { principal: row.holder, tasks: row.tasks.map(Arc::from) })
    };
    tokens.replace_stored(rows.into_iter().map(holder));
    Ok(())
}

/// Tokens by name; those of the configuration first.
#[derive(Serialize, ToSchema)]
#[schema(as = Tokens)]
pub(crate) struct Listed {
    /// The tokens.
    tokens: Vec<Token>,
}

/// A token, without its secret.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Token {
    /// Whose it is.
    #[schema(value_type = String, examples("ada"))]
    name: PrincipalName,
    /// `person` or `machine`.
    #[schema(examples("person"))]
    kind: &'static str,
    /// The only tasks that it answers; absent where it may do everything.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Vec<wire::TaskName>)]
    tasks: Option<Vec<TaskName>>,
    /// `configuration` or `store`.
    #[schema(examples("store"))]
    origin: &'static str,
    /// When it was created; absent for those of the configuration.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = wire::Time)]
    created_at: Option<Timestamp>,
    /// By whom.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = wire::Principal)]
    created_by: Option<Principal>,
}

impl Token {
    fn configured(holder: &Holder) -> Option<Self> {
        Some(Self {
            name: holder.principal.name()?.clone(),
            kind: kind(&holder.principal),
            tasks: holder.tasks.as_deref().map(<[TaskName]>::to_vec),
            origin: "configuration",
            created_at: None,
            created_by: None,
        })
    }

    fn stored(row: TokenRow) -> Self {
        Self {
            name: row.name,
            kind: kind(&row.holder),
            tasks: row.tasks,
            origin: "store",
            created_at: Some(row.created),
            created_by: Some(row.by),
        }
    }
}

fn kind(holder: &Principal) -> &'static str {
    match holder {
        Principal::Person(_) => "person",
        Principal::Machine(_) | Principal::Shared | Principal::Wire | Principal::Builtin(_) => {
            "machine"
        }
    }
}

/// Lists the tokens that have names, without their secrets
#[utoipa::path(get, path = "/api/tidegate/v1/tokens", operation_id = "listTokens", tag = "Tokens",
    responses(Guarded,
        (status = 200, description = "The tokens.", body = Listed),
        (status = 403, description = "This token answers tasks only.", body = Error),
    ))]
pub(crate) async fn list(
    State(state): State<ApiState>,
    Answers(only): Answers,
) -> Result<Json<Listed>, ApiError> {
    if only.is_some() {
        let message = "this token answers tasks; it is not told who else has one";
        return Err(ApiError::new(StatusCode::FORBIDDEN, message));
    }
    let stored = state.engine.read(Reader::tokens).await?;
    let configured = state.tokens.configured();
    let tokens = configured.iter().filter_map(Token::configured);
    let tokens = tokens.chain(stored.into_iter().map(Token::stored)).collect();
    Ok(Json(Listed { tokens }))
}

/// A token to be made. Other fields are refused.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewToken, examples(json!({"name": "helm", "kind": "machine", "tasks": ["deployment"]})))]
pub(crate) struct New {
    /// Whose it is: 1 to 128 bytes, without control characters and without white space at its ends.
    #[schema(value_type = String, min_length = 1, max_length = 128,
        pattern = "^[A-Za-z0-9](?:[A-Za-z0-9 ._@-]*[A-Za-z0-9])?$", examples("ada"))]
    name: PrincipalName,
    /// A person's or a program's: `person` or `machine`.
    #[schema(value_type = String, pattern = "^(person|machine)$", examples("machine"))]
    kind: TokenKind,
    /// The only tasks that it answers, where it is an integration's: a machine's.
    #[serde(default)]
    #[schema(value_type = Option<Vec<wire::TaskName>>, min_items = 1, max_items = 100)]
    tasks: Option<Vec<TaskName>>,
}

impl New {
    /// Who will hold it.
    fn holder(&self) -> Result<Principal, ApiError> {
        let tasks = self.tasks.as_ref().map_or(1, Vec::len);
        if tasks == 0 || tasks > TASKS_MAX {
            let message = format!("tasks names 1 to {TASKS_MAX} tasks, or is left out");
            return Err(ApiError::format(message));
        }
        match self.kind {
            TokenKind::Person if self.tasks.is_some() => {
                let why = TokenProblem::PersonAnswersTasks;
                Err(ApiError::format(format!("the token of {} {why}", self.name)))
            }
            TokenKind::Person => Ok(Principal::Person(self.name.clone())),
            TokenKind::Machine => Ok(Principal::Machine(self.name.clone())),
        }
    }
}

/// A new token, and its secret this one time.
#[derive(Serialize, ToSchema)]
#[schema(as = CreatedToken)]
pub(crate) struct Created {
    /// What to send as `x-token`. Nobody will see it again.
    #[schema(examples("tg_ZXhhbXBsZSBvZiBhIHRva2Vu"))]
    token: String,
    #[serde(flatten)]
    named: Token,
}

/// Makes a token, and gives its secret this one time
///
/// It is in force at once. Only the installation's own token makes others.
#[utoipa::path(post, path = "/api/tidegate/v1/tokens", operation_id = "createToken", tag = "Tokens",
    request_body = New,
    responses(Guarded, Body, Changes,
        (status = 201, description = "The token.", body = Created),
        (status = 409, description = "The store has a token of that name, or as many as it takes.",
            body = Error),
    ))]
pub(crate) async fn create(
    State(state): State<ApiState>,
    Caller(by): Caller,
    JsonBody(new): JsonBody<New>,
) -> Result<(StatusCode, Json<Created>), ApiError> {
    only_shared(&by)?;
    let holder = new.holder()?;
    if state.engine.read(Reader::tokens).await?.len() >= TOKENS_MAX {
        let message = format!("there are {TOKENS_MAX} tokens; revoke one first");
        return Err(ApiError::conflict(message));
    }
    let token = Secret::generate();
    let row = TokenRow {
        name: new.name,
        digest: token.digest(),
        holder,
        tasks: new.tasks,
        created: state.engine.now(),
        by: by.clone(),
    };
    match change(&state, Write::PutToken(row.clone()), by).await? {
        Written::TokenExists => {
            let message =
                format!("{} has a token; revoke it first, or choose another name", row.name);
            Err(ApiError::conflict(message))
        }
        _ => {
            tracing::info!(holder = %row.holder, "a token was created");
            let created = Created { token: token.expose().to_owned(), named: Token::stored(row) };
            Ok((StatusCode::CREATED, Json(created)))
        }
    }
}

/// Revokes a token, at once
///
/// Only the installation's own token revokes others.
#[utoipa::path(delete, path = "/api/tidegate/v1/tokens/{name}", operation_id = "revokeToken",
    tag = "Tokens", params(("name" = String, Path, description = "Whose it is.", example = "ada")),
    responses(Guarded, Parsed, Changes,
        (status = 204, description = "It is revoked."),
        (status = 404, description = "Nobody of that name has a token.", body = Error),
        (status = 409, description = "It stands in the server's configuration.", body = Error),
    ))]
pub(crate) async fn revoke(
    State(state): State<ApiState>,
    Caller(by): Caller,
    Path(name): Path<String>,
) -> Result<StatusCode, ApiError> {
    only_shared(&by)?;
    let missing = || ApiError::not_found(format!("{} has no token", shown(&name)));
    let known = PrincipalName::new(&name).map_err(|_| missing())?;
    match change(&state, Write::DropToken(known.clone()), by).await? {
        Written::TokenRevoked(row) => {
            tracing::info!(holder = %row.holder, "a token was revoked");
            Ok(StatusCode::NO_CONTENT)
        }
        _ => {
            let configured = state.tokens.configured();
            let is_configured = |holder: &Holder| holder.principal.name() == Some(&known);
            if !configured.iter().any(is_configured) {
                return Err(missing());
            }
            let message = format!(
                "the token of {known} stands in the server's configuration; remove it there, and start \
                 the server again"
            );
            Err(ApiError::conflict(message))
        }
    }
}

/// Only the installation's own token says who else has one.
fn only_shared(by: &Principal) -> Result<(), ApiError> {
    if *by == Principal::Shared {
        return Ok(());
    }
    let message = format!("{by} cannot change tokens; use the installation's API token");
    Err(ApiError::new(StatusCode::FORBIDDEN, message))
}

/// Changes the store, then what is in force. A caller who goes away meanwhile does not end it half-way.
async fn change(state: &ApiState, write: Write, by: Principal) -> Result<Written, ApiError> {
    let ApiState { engine, tokens, token_changes, .. } = state.clone();
    let changed = tokio::spawn(async move {
        let _turn = token_changes.lock().await;
        let written = engine.write(write, &by).await;
        // Also where nobody knows whether it was written.
        load_tokens(&engine, &tokens).await?;
        written
    });
    Ok(changed.await.map_err(|error| ApiError::internal(&error))??)
}
