//! Clone, fetch and push of projects: Git's smart HTTP protocol.

mod spool;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use tidegate_core::names::ProjectName;
use tidegate_engine::Failure;
use tidegate_resources::ResourceError;
use tidegate_resources::hosting::{GitService, PUSH_BYTES_MAX};
use tokio_util::io::ReaderStream;

use crate::auth::{Answers, Caller};
use crate::error::{ApiError, shown};
use crate::openapi::answers::{Error, Git, GitBody};
use crate::openapi::wire;
use crate::path::{self, Path};
use crate::query::Query;
use crate::state::ApiState;

/// Which version of the protocol a client speaks.
const PROTOCOL: HeaderName = HeaderName::from_static("git-protocol");
/// Largest negotiation of a fetch, in bytes, unpacked.
const FETCH_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// What goes wrong, as `git` shows it to people: one line of text.
pub(crate) struct GitError(StatusCode, String);

impl IntoResponse for GitError {
    fn into_response(self) -> Response {
        let mut response = (self.0, format!("{}\n", self.1)).into_response();
        if self.0 == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(AGAIN_S));
        }
        response
    }
}

/// When a server that is busy wants to be asked again, in seconds.
const AGAIN_S: u64 = 5;

impl From<Failure> for GitError {
    fn from(failure: Failure) -> Self {
        let text = failure.to_string();
        let error = ApiError::from(failure);
        Self(
            error.status(),
            if error.status().is_server_error() { error.message().to_owned() } else { text },
        )
    }
}

impl From<ResourceError> for GitError {
    fn from(error: ResourceError) -> Self {
        Failure::Resource(error).into()
    }
}

/// Tells Git which branches a project has
///
/// The first request of `git clone`, `git fetch` and `git push`.
#[utoipa::path(get, path = "/git/{repository}/info/refs", operation_id = "listRefs", tag = "Git",
    security(("basic" = []), ("token" = [])),
    params(
        ("repository" = String, Path, min_length = 1,
            description = "The name of a project; `.git` may follow.", example = "sockshop.git"),
        ("service" = String, Query, pattern = "^git-(upload|receive)-pack$",
            description = "`git-upload-pack` to fetch, `git-receive-pack` to push.",
            example = "git-upload-pack"),
        ("Git-Protocol" = Option<String>, Header, example = "version=2",
            description = "The version of the protocol."),
    ),
    responses(Git,
        (status = 200, description = "The branches, as Git tells them.", content(
            (wire::Bytes = "application/x-git-upload-pack-advertisement"),
            (wire::Bytes = "application/x-git-receive-pack-advertisement"))),
        (status = 400, description = "The path is no text.", body = Error),
    ))]
pub(crate) async fn refs(
    State(state): State<ApiState>,
    Answers(tasks): Answers,
    Path(repository): Path<String>,
    query: Query,
    headers: HeaderMap,
) -> Result<Response, GitError> {
    let project = project(&repository)?;
    let service = query.text("service").and_then(GitService::named).ok_or_else(|| {
        let text = "only the smart protocol is served; use a Git of this decade";
        GitError(StatusCode::FORBIDDEN, text.to_owned())
    })?;
    if service == GitService::ReceivePack && tasks.is_some() {
        return Err(only_answers());
    }
    match service {
        // Whoever clones gets what the upstream has.
        GitService::UploadPack => state.engine.refresh(&project).await?,
        GitService::ReceivePack => refuse_copy(&state, &project)?,
    }
    let transfer = state.hosting.advertise(&project, service, protocol(&headers)).await?;
    Ok(answer(service, "advertisement", Body::from_stream(ReaderStream::new(transfer))))
}

/// Gives Git what it lacks: a clone or a fetch
#[utoipa::path(post, path = "/git/{repository}/git-upload-pack", operation_id = "uploadPack",
    tag = "Git", security(("basic" = []), ("token" = [])),
    params(
        ("repository" = String, Path, min_length = 1,
            description = "The name of a project; `.git` may follow.", example = "sockshop.git"),
        ("Git-Protocol" = Option<String>, Header, example = "version=2",
            description = "The version of the protocol."),
    ),
    request_body(description = "What Git has and wants; gzip is understood.",
        content = wire::Bytes, content_type = "application/x-git-upload-pack-request"),
    responses(Git, GitBody,
        (status = 200, description = "What it lacks, or why it gets nothing, in Git's own words.",
            body = wire::Bytes, content_type = "application/x-git-upload-pack-result"),
        (status = 400, description = "The path is no text, or the body is not what it says it is.",
            content((Error = "application/json"), (String = "text/plain"))),
    ))]
pub(crate) async fn upload(
    State(state): State<ApiState>,
    Path(repository): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, GitError> {
    let project = project(&repository)?;
    let place = state.hosting.request_place(&project).await?;
    let file = state.hosting.request_file();
    let request = spool::to_file(file, body, &headers, FETCH_BYTES_MAX).await?;
    drop(place);
    let transfer = state.hosting.upload(&project, protocol(&headers), request).await?;
    let body = Body::from_stream(ReaderStream::new(transfer));
    Ok(answer(GitService::UploadPack, "result", body))
}

/// Takes what Git pushes
///
/// A shipyard that cannot be read is refused with its line.
#[utoipa::path(post, path = "/git/{repository}/git-receive-pack", operation_id = "receivePack",
    tag = "Git", security(("basic" = []), ("token" = [])),
    params(
        ("repository" = String, Path, min_length = 1,
            description = "The name of a project; `.git` may follow.", example = "sockshop.git"),
        ("Git-Protocol" = Option<String>, Header, example = "version=2",
            description = "The version of the protocol."),
    ),
    request_body(description = "What Git pushes; gzip is understood.",
        content = wire::Bytes, content_type = "application/x-git-receive-pack-request"),
    responses(Git, GitBody,
        (status = 200, description = "Which branches have moved, and why others have not, in Git's own \
            words.", body = wire::Bytes, content_type = "application/x-git-receive-pack-result"),
        (status = 400, description = "The path is no text, or the body is not what it says it is.",
            content((Error = "application/json"), (String = "text/plain"))),
    ))]
pub(crate) async fn receive(
    State(state): State<ApiState>,
    Caller(by): Caller,
    Answers(tasks): Answers,
    Path(repository): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, GitError> {
    if tasks.is_some() {
        return Err(only_answers());
    }
    let project = project(&repository)?;
    refuse_copy(&state, &project)?;
    // All of it is here before anybody has to wait for its turn.
    let _place = state.hosting.request_place(&project).await?;
    let file = state.hosting.request_file();
    let request = spool::to_file(file, body, &headers, PUSH_BYTES_MAX).await?;
    let said = state.engine.receive_push(state.hosting.clone(), project, request, &by).await?;
    Ok(answer(GitService::ReceivePack, "result", Body::from(said)))
}

/// What is kept elsewhere is pushed there.
fn refuse_copy(state: &ApiState, project: &ProjectName) -> Result<(), GitError> {
    match state.engine.upstreams().url(project) {
        None => Ok(()),
        Some(url) => Err(ResourceError::ReadOnly { url }.into()),
    }
}

fn only_answers() -> GitError {
    let text = "this token answers tasks and reads; it cannot push";
    GitError(StatusCode::FORBIDDEN, text.to_owned())
}

fn project(repository: &str) -> Result<ProjectName, GitError> {
    let name = repository.strip_suffix(".git").unwrap_or(repository);
    path::project(name).ok_or_else(|| {
        GitError(StatusCode::NOT_FOUND, format!("there is no project {}", shown(name)))
    })
}

/// Only what is known is handed to `git`.
fn protocol(headers: &HeaderMap) -> Option<&'static str> {
    let named = headers.get(PROTOCOL)?.to_str().ok()?;
    ["version=2", "version=1"].into_iter().find(|known| named.split(':').any(|one| one == *known))
}

fn answer(service: GitService, what: &str, body: Body) -> Response {
    let kind = format!("application/x-{}-{what}", service.name());
    ([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "no-cache".to_owned())], body)
        .into_response()
}
