//! One-time links that sign a person in to the Bridge.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use tidegate_core::principal::{Principal, PrincipalName};
use tidegate_identity::{SIGN_IN_TIME, SignInCode};
use tidegate_store::{SignInRow, Write};

use crate::auth::Caller;
use crate::body;
use crate::error::ApiError;
use crate::state::ApiState;

/// Whom the link signs in.
#[derive(Debug, Deserialize)]
pub(crate) struct NewLink {
    #[serde(default)]
    name: String,
}

/// Makes a link. Only the installation's token may: whoever has the link is that person.
pub(crate) async fn create(
    State(state): State<ApiState>,
    Caller(principal): Caller,
    body::Json(new): body::Json<NewLink>,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    if principal != Principal::Shared {
        let text = format!("{principal} cannot sign in others; use the installation's token");
        return Err(ApiError::new(StatusCode::FORBIDDEN, text));
    }
    let name = PrincipalName::new(&new.name).map_err(ApiError::invalid_request)?;
    let code = SignInCode::generate();
    let expires = state.engine.now() + SIGN_IN_TIME;
    let row = SignInRow { digest: code.digest(), name: name.clone(), expires };
    state.engine.write(Write::PutSignIn(row)).await?;
    tracing::info!(%name, "a sign-in link was made");
    Ok((StatusCode::CREATED, Json(json!({"name": name, "path": code.path(), "expires": expires}))))
}
