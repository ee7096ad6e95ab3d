//! Parameters that several routes share. [`Query`](crate::query::Query) and [`Path`](crate::path::Path)
//! read them.

#![allow(dead_code, reason = "these stand for what is read from paths and queries by name")]

use utoipa::IntoParams;

use super::wire;

/// A page of a list whose place is a text.
#[derive(IntoParams)]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
pub(crate) struct Paging {
    /// Most items to be given; 1,000 are given at most, and 20 where it is absent or 0.
    #[param(minimum = 0, example = 20)]
    page_size: Option<u64>,
    /// `nextPageKey` of the page before. What is no number is the beginning.
    #[param(example = "20")]
    next_page_key: Option<String>,
}

/// A page of a list whose place is a number.
#[derive(IntoParams)]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
pub(crate) struct NumberedPaging {
    /// Most items to be given; 1,000 are given at most. 0 is as good as absent.
    #[param(minimum = 0, example = 20)]
    page_size: Option<u64>,
    /// `nextPageKey` of the page before.
    #[param(minimum = 0, example = 20)]
    next_page_key: Option<u64>,
}

/// A page of Keptn's datastore, which is strict.
#[derive(IntoParams)]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
pub(crate) struct DatastorePaging {
    /// Most events to be given; 20 where it is absent.
    #[param(minimum = 1, maximum = 100, example = 20)]
    page_size: Option<u64>,
    /// `nextPageKey` of the page before. What is no number is the beginning.
    #[param(example = "20")]
    next_page_key: Option<String>,
}

/// A span of time.
#[derive(IntoParams)]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
pub(crate) struct Span {
    /// Only what came after this time.
    #[param(example = "2026-11-24T10:00:00.000Z")]
    from_time: Option<wire::Time>,
    /// Only what came before this time.
    #[param(example = "2026-11-25T10:00:00.000Z")]
    before_time: Option<wire::Time>,
}

/// The name of a project in a path.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct ProjectPath {
    /// The project.
    project: wire::ProjectName,
}

/// The name of a stage in a path.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct StagePath {
    /// The project.
    project: wire::ProjectName,
    /// The stage.
    stage: wire::StageName,
}

/// The name of a service in a path.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct ServicePath {
    /// The project.
    project: wire::ProjectName,
    /// The stage.
    stage: wire::StageName,
    /// The service.
    service: wire::ServiceName,
}
