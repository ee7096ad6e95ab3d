//! `GET /api/v1/metadata`: what the server says about itself.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::openapi::answers::Guarded;
use crate::state::ApiState;

/// The version of Keptn whose API this is. Keptn's command line warns about any other than its own.
const KEPTN_VERSION: &str = "1.4.5";

/// What the server says about itself: Keptn 1.4's names, and ours beside them.
#[derive(Serialize, ToSchema)]
pub(crate) struct Metadata {
    /// Always `keptn`.
    #[schema(examples("keptn"))]
    namespace: &'static str,
    /// Always `keptn`.
    #[schema(examples("keptn"))]
    keptnlabel: &'static str,
    /// The version of Keptn whose API this is.
    #[schema(examples("1.4.5"))]
    keptnversion: &'static str,
    /// The version of shipyards that Keptn's clients write.
    #[schema(examples("0.2.0"))]
    shipyardversion: &'static str,
    /// The version of the Bridge, which is that of Tidegate.
    #[schema(examples("0.1.0"))]
    bridgeversion: &'static str,
    /// Whether somebody makes an upstream for projects that name none. Where it is true, Keptn's command
    /// line drops what it was told of one; a project without an upstream can be created all the same.
    automaticprovisioning: bool,
    /// The version of Tidegate.
    #[schema(examples("0.1.0"))]
    tidegateversion: &'static str,
}

/// Says which version of Keptn this is compatible with, and its own
#[utoipa::path(get, path = "/api/v1/metadata", operation_id = "getMetadata", tag = "Server",
    responses(Guarded, (status = 200, description = "What the server says about itself.",
        body = Metadata)))]
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
