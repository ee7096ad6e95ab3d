//! `POST /api/tidegate/v1/sign-in-links`: a link that signs one person in to the Bridge, once.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use tidegate_core::principal::{Principal, PrincipalName};
use tidegate_identity::{SIGN_IN_TIME, SIGN_IN_TIME_MAX, SignInCode};
use tidegate_store::{SignInRow, Write};

use crate::auth::Caller;
use crate::body::JsonBody;
use crate::error::ApiError;
use crate::state::ApiState;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewLink {
    /// Whom it signs in.
    name: PrincipalName,
    /// How long it can be used.
    #[serde(default)]
    minutes: Option<u32>,
}

/// The link, from the server's root, and until when it can be used.
#[derive(Serialize)]
pub(crate) struct Link {
    path: String,
    expires: Timestamp,
}

/// Only the installation's own token says who people are.
pub(crate) async fn create(
    State(state): State<ApiState>,
    Caller(by): Caller,
    JsonBody(new): JsonBody<NewLink>,
) -> Result<(StatusCode, Json<Link>), ApiError> {
    if by != Principal::Shared {
        let message = format!("{by} cannot sign people in; use the installation's API token");
        return Err(ApiError::new(StatusCode::FORBIDDEN, message));
    }
    let expires = state.engine.now() + lifetime(new.minutes)?;
    let code = SignInCode::generate();
    let row = SignInRow { digest: code.digest(), name: new.name.clone(), expires };
    state.engine.write(Write::PutSignIn(row), &by).await?;
    tracing::info!(person = %new.name, %expires, "a sign-in link was made");
    Ok((StatusCode::CREATED, Json(Link { path: code.path(), expires })))
}

fn lifetime(minutes: Option<u32>) -> Result<SignedDuration, ApiError> {
    let longest = SIGN_IN_TIME_MAX.as_secs() / 60;
    let default = SIGN_IN_TIME.as_secs() / 60;
    let minutes = minutes.map_or(default, u64::from);
    if minutes == 0 || minutes > longest {
        return Err(ApiError::format(format!("minutes must be between 1 and {longest}")));
    }
    let seconds = i64::try_from(minutes * 60).expect("a day has fewer seconds than that");
    Ok(SignedDuration::from_secs(seconds))
}
