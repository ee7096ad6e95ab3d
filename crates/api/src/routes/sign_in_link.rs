//! `POST /api/tidegate/v1/sign-in-links`: a link that signs one person in to the Bridge, once.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use tidegate_core::principal::{Principal, PrincipalName};
use tidegate_identity::{SIGN_IN_TIME, SIGN_IN_TIME_MAX, SignInCode};
use tidegate_store::{SignInRow, Write};
use utoipa::ToSchema;

use crate::auth::Caller;
use crate::body::JsonBody;
use crate::error::ApiError;
use crate::openapi::answers::{Body, Changes, Guarded};
use crate::openapi::wire;
use crate::state::ApiState;

/// A link to be made. Other fields are refused.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewLink {
    /// Whom it signs in: 1 to 128 bytes, without control characters and without white space at its ends.
    #[schema(value_type = String, min_length = 1, max_length = 128,
        pattern = "^[A-Za-z0-9](?:[A-Za-z0-9 ._@-]*[A-Za-z0-9])?$", examples("ada"))]
    name: PrincipalName,
    /// How many minutes it can be used; 15 where it is absent.
    #[schema(minimum = 1, maximum = 1440, examples(15))]
    #[serde(default)]
    minutes: Option<u32>,
}

/// A link that signs one person in to the Bridge, once.
#[derive(Serialize, ToSchema)]
pub(crate) struct Link {
    /// The link, from the server's root. Whoever has it can sign in.
    #[schema(examples("/bridge/login?code=ZXhhbXBsZQ"))]
    path: String,
    /// Until when it can be used.
    #[schema(value_type = wire::Time)]
    expires: Timestamp,
}

/// Makes a link that signs a person in to the Bridge, once
///
/// Only the installation's own token says who people are.
#[utoipa::path(post, path = "/api/tidegate/v1/sign-in-links", operation_id = "createSignInLink",
    tag = "Sign-in", request_body = NewLink,
    responses(Guarded, Body, Changes,
        (status = 201, description = "The link.", body = Link)))]
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
