//! Pausing a delivery, and going on with it: one press each, since either takes the other back.

use axum::extract::{Path, State};
use axum::response::Response;
use tidegate_core::sequence::Control;

use super::abort::parse;
use crate::form::Signed;
use crate::problem::{Problem, see_other};
use crate::state::BridgeState;

/// `POST …/pause`
pub(crate) async fn pause(
    state: State<BridgeState>,
    path: Path<(String, String)>,
    signed: Signed,
) -> Result<Response, Problem> {
    control(state, path, signed, Control::Pause).await
}

/// `POST …/resume`
pub(crate) async fn resume(
    state: State<BridgeState>,
    path: Path<(String, String)>,
    signed: Signed,
) -> Result<Response, Problem> {
    control(state, path, signed, Control::Resume).await
}

async fn control(
    State(state): State<BridgeState>,
    Path((project, context)): Path<(String, String)>,
    signed: Signed,
    control: Control,
) -> Result<Response, Problem> {
    let (project, context) = parse(&project, &context)?;
    let by = &signed.visitor.principal;
    state.engine.control(control, project.clone(), context, None, by).await?;
    Ok(see_other(&format!("/bridge/project/{project}/sequence/{context}")))
}
