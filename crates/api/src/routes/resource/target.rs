//! What a path below `/api/resource-service/v1` names.
//!
//! Keptn's gateway decodes a path once and encodes it again, and the service behind it decodes what is
//! left. So clients encode the name of a resource twice where they go through the gateway and once where
//! they do not; both are taken here.

use tidegate_core::names::{NameError, ProjectName, ServiceName, StageName};
use tidegate_resources::{Place, ResourcePath};

use crate::error::{ApiError, shown};
use crate::path;

/// What a request is about.
#[derive(Debug)]
pub(crate) enum Target {
    /// All files of a place.
    Files(Location),
    /// One file of it, and its name as it came.
    File(Location, ResourcePath, String),
}

/// A place in a project.
#[derive(Debug, Clone)]
pub(crate) struct Location {
    pub(crate) project: ProjectName,
    pub(crate) place: Place,
}

impl Target {
    /// Reads the part of a path behind `/v1`, as it was sent.
    pub(crate) fn read(raw: &str) -> Result<Self, ApiError> {
        let unknown = || ApiError::not_found(format!("path {} was not found", shown(raw)));
        if raw.ends_with('/') {
            return Err(unknown());
        }
        // Keptn's CLI sends `//resource` for the files of a project, which the gateway makes one.
        let segments: Vec<&str> = raw.split('/').filter(|segment| !segment.is_empty()).collect();
        let lower: Vec<String> = segments.iter().map(|word| word.to_ascii_lowercase()).collect();
        let lower: Vec<&str> = lower.iter().map(String::as_str).collect();
        if is_internal(&lower) {
            return Err(internal());
        }
        let (names, rest) = match segments.as_slice() {
            ["project", project, "resource", rest @ ..] => ((project, None), rest),
            ["project", project, "stage", stage, "resource", rest @ ..] => {
                ((project, Some((stage, None))), rest)
            }
            ["project", project, "stage", stage, "service", service, "resource", rest @ ..] => {
                ((project, Some((stage, Some(service)))), rest)
            }
            _ => return Err(unknown()),
        };
        let (project, below) = names;
        let project = decoded(project);
        let project = path::project(&project)
            .ok_or_else(|| refused(&project, "Project not found", &ProjectName::new(&project)))?;
        let place = match below {
            None => Place::Project,
            Some((stage, service)) => {
                let stage = name(stage, "Stage not found", StageName::new)?;
                match service {
                    None => Place::Stage(stage),
                    Some(service) => {
                        Place::Service(stage, name(service, "Service not found", ServiceName::new)?)
                    }
                }
            }
        };
        let location = Location { project, place };
        if rest.is_empty() {
            return Ok(Self::Files(location));
        }
        let sent = rest.join("/");
        let path = ResourcePath::new(&resource_name(&sent));
        Ok(Self::File(
            location,
            path.map_err(|error| ApiError::bad_request(error.to_string()))?,
            sent,
        ))
    }
}

/// The routes of Keptn's own services, which its gateway closes.
fn is_internal(lower: &[&str]) -> bool {
    matches!(
        lower,
        ["project"]
            | ["project", _]
            | ["project", _, "stage"]
            | ["project", _, "stage", _]
            | ["project", _, "stage", _, "service"]
            | ["project", _, "stage", _, "service", _]
            | ["project", _, "service", _, "resource", ..]
    )
}

fn internal() -> ApiError {
    let message = "projects, stages and services are managed by /api/controlPlane/v1; only their \
                   resources are here";
    ApiError::new(axum::http::StatusCode::FORBIDDEN, message)
}

fn name<T>(
    raw: &str,
    missing: &str,
    check: impl Fn(String) -> Result<T, NameError>,
) -> Result<T, ApiError> {
    let text = decoded(raw);
    let checked = check(text.clone());
    checked.map_err(|error| refused::<T>(&text, missing, &Err(error)))
}

/// Keptn 1.4 refuses white space and slashes in names, and does not find what nothing can be called.
fn refused<T>(text: &str, missing: &str, checked: &Result<T, NameError>) -> ApiError {
    if text.contains('/') {
        return ApiError::bad_request("name must not contain '/'");
    }
    if text.contains(char::is_whitespace) {
        return ApiError::bad_request("name must not contain whitespaces");
    }
    match checked {
        Err(error) => ApiError::not_found(format!("{missing}: {error}")),
        Ok(_) => ApiError::not_found(format!("{missing}: {}", shown(text))),
    }
}

/// Percent signs decoded once. What is no escape stays as it is.
fn decoded(text: &str) -> String {
    percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// The name of a resource: decoded by the gateway where it was encoded twice, then as in a query, where
/// `+` is a space.
fn resource_name(sent: &str) -> String {
    let once = match sent.contains("%25") {
        true => decoded(sent),
        false => sent.to_owned(),
    };
    decoded(&once.replace('+', " "))
}

#[cfg(test)]
mod tests {
    use axum::response::IntoResponse as _;

    use super::*;

    fn file(raw: &str) -> String {
        match Target::read(raw) {
            Ok(Target::File(_, path, _)) => path.to_string(),
            other => panic!("{raw}: {other:?}"),
        }
    }

    fn status(raw: &str) -> u16 {
        Target::read(raw).expect_err(raw).into_response().status().as_u16()
    }

    #[test]
    fn a_name_is_the_same_encoded_once_twice_or_not_at_all() {
        for name in [
            "job/config.yaml",
            "job%2Fconfig.yaml",
            "job%252Fconfig.yaml",
            "job%252fconfig.yaml",
            "%2Fjob%2Fconfig.yaml",
            ".%252Fjob%252Fconfig.yaml",
        ] {
            let raw = format!("/project/p/stage/s/service/v/resource/{name}");
            assert_eq!(file(&raw), "job/config.yaml", "{name}");
        }
        for (sent, meant) in [
            ("a+b.txt", "a b.txt"),
            ("a%20b.txt", "a b.txt"),
            ("a%2520b.txt", "a b.txt"),
            ("a%2Bb.txt", "a+b.txt"),
            ("a%252Bb.txt", "a+b.txt"),
            ("100%25.txt", "100%.txt"),
            ("100%2525.txt", "100%.txt"),
            ("a%25252Fb", "a%2Fb"),
            ("%C3%BC.txt", "ü.txt"),
        ] {
            assert_eq!(file(&format!("/project/p/resource/{sent}")), meant, "{sent}");
        }
    }

    #[test]
    fn places_are_told_apart_and_doubled_slashes_count_once() {
        let place = |raw| match Target::read(raw) {
            Ok(Target::Files(Location { place, .. })) => place.to_string(),
            other => panic!("{raw}: {other:?}"),
        };
        assert_eq!(place("/project/p//resource"), "the default branch");
        assert_eq!(place("/project/p/stage/qa/resource"), "stage qa");
        let service = "/project/p/stage/qa/service/a%2Db/resource";
        assert_eq!(place(service), "service a-b in stage qa");
    }

    #[test]
    fn what_leads_out_of_a_place_is_refused_however_it_is_encoded() {
        for name in [
            "..",
            "%2e%2e",
            "%252e%252e",
            "%2e%2e%2fx",
            "%252e%252e%252fx",
            "a/%2E%2E/b",
            "..%5cx",
            "a%00b",
            "a%2500b",
            "%2egit/config",
            ".GIT%2Fconfig",
            "~root",
            "%7Eroot",
            "a%0Ab",
            "%2F",
        ] {
            assert_eq!(status(&format!("/project/p/resource/{name}")), 400, "{name}");
        }
    }

    #[test]
    fn names_are_checked_after_they_were_decoded() {
        for (raw, expected) in [
            ("/project/a%20b/resource", 400),
            ("/project/a%2Fb/resource", 400),
            ("/project/p/stage/a%20b/resource", 400),
            ("/project/%2e%2e/resource", 404),
            ("/project/../resource", 404),
            ("/project/.git/resource", 404),
            ("/project/p/stage/%2e%2e/resource", 404),
            ("/project/p/stage/qa/service/%2e%2e/resource", 404),
            ("/project/p/stage/qa/service/.git/resource", 404),
            ("/project/_unmapped/resource", 404),
        ] {
            assert_eq!(status(raw), expected, "{raw}");
        }
    }

    #[test]
    fn what_belongs_to_the_control_plane_is_closed_here() {
        for raw in [
            "/project",
            "/project/p",
            "/Project/P",
            "/project/p/stage",
            "/project/p/stage/qa",
            "/project/p/stage/qa/service",
            "/project/p/stage/qa/service/v",
            "/project/p/service/v/resource",
            "/project/p/service/v/resource/slo.yaml",
        ] {
            assert_eq!(status(raw), 403, "{raw}");
        }
        for raw in ["", "/", "/nothing", "/project/p/resource/", "/project/p/stage/qa/service/v/x"]
        {
            assert_eq!(status(raw), 404, "{raw}");
        }
    }
}
