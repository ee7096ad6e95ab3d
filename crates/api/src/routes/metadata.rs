//! `GET /api/v1/metadata`: what the server says about itself.

use axum::Json;
use axum::extract::State;
use serde::Serialize;

use crate::state::ApiState;

/// The version of Keptn whose API this is. Keptn's command line warns about any other than its own.
const KEPTN_VERSION: &str = "1.4.5";

/// Keptn 1.4's names, and ours beside them.
#[derive(Serialize)]
pub(crate) struct Metadata {
    namespace: &'static str,
    keptnlabel: &'static str,
    keptnversion: &'static str,
    shipyardversion: &'static str,
    bridgeversion: &'static str,
    /// Whether somebody makes an upstream for projects that name none. Where it is true, Keptn's command
    /// line drops what it was told of one; a project without an upstream can be created all the same.
    automaticprovisioning: bool,
    tidegateversion: &'static str,
}

pub(crate) async fn get(State(state): State<ApiState>) -> Json<Metadata> {
    Json(Metadata {
        namespace: "keptn",
        keptnlabel: "keptn",
        keptnversion: KEPTN_VERSION,
        shipyardversion: "0.2.0",
        bridgeversion: state.version,
        automaticprovisioning: state.engine.provisions(),
        tidegateversion: state.version,
    })
}
