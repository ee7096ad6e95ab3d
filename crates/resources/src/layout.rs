//! The facts of Keptn's layout: branches, files that Keptn writes itself, commit messages, author.

use jiff::Timestamp;
use tidegate_core::names::{ProjectName, ServiceName, StageName};

use crate::place::StageLayout;

/// The branch of the project itself, in a repository that Tidegate creates.
pub(crate) const DEFAULT_BRANCH: &str = "master";
/// What Keptn notes about a project or a service, at the root of the one or of the other.
pub(crate) const METADATA: &str = "metadata.yaml";
/// Where the directories of stages are, where they have no branches.
pub(crate) const STAGES: &str = ".keptn-stages";
/// The project's shipyard, on the default branch only.
pub(crate) const SHIPYARD: &str = "shipyard.yaml";

pub(crate) const PROJECT_CREATED: &str = "initialized project";
pub(crate) const STAGE_CREATED: &str = "created stage";
pub(crate) const RESOURCE_WRITTEN: &str = "Updated resource";
pub(crate) const RESOURCE_DELETED: &str = "Deleted resources";

pub(crate) fn stage_added(stage: &StageName) -> String {
    format!("Added stage: {stage}")
}

pub(crate) fn service_added(service: &ServiceName) -> String {
    format!("Added service: {service}")
}

pub(crate) fn service_removed(service: &ServiceName) -> String {
    format!("Removed service: {service}")
}

/// The full name of a branch.
pub(crate) fn reference(branch: &str) -> String {
    format!("refs/heads/{branch}")
}

/// The full name of a stage's branch.
pub(crate) fn stage_reference(stage: &StageName) -> String {
    reference(stage.as_str())
}

/// Author and committer of everything that Tidegate commits.
pub(crate) fn signature(now: Timestamp) -> Result<git2::Signature<'static>, git2::Error> {
    git2::Signature::new("keptn", "keptn@keptn.sh", &git2::Time::new(now.as_second(), 0))
}

/// `metadata.yaml` of a project. Keptn 1.4 says `false` of every new one, also where stages are
/// directories, and would move them there again.
pub(crate) fn project_metadata(
    project: &ProjectName,
    stages: StageLayout,
    now: Timestamp,
) -> String {
    format!(
        "projectName: {}\ncreationTimestamp: {}\nisUsingDirectoryStructure: {}\n",
        scalar(project.as_str()),
        go_time(now),
        stages == StageLayout::Directories
    )
}

/// `metadata.yaml` of a stage that is a directory.
pub(crate) fn stage_metadata(stage: &StageName, now: Timestamp) -> String {
    format!("stagename: {}\ncreationtimestamp: {}\n", scalar(stage.as_str()), go_time(now))
}

/// `metadata.yaml` of a service.
pub(crate) fn service_metadata(service: &ServiceName, now: Timestamp) -> String {
    format!("servicename: {}\ncreationtimestamp: {}\n", scalar(service.as_str()), go_time(now))
}

/// Go's default print of a time in UTC, as Keptn writes it.
fn go_time(now: Timestamp) -> String {
    now.strftime("%Y-%m-%d %H:%M:%S%.f +0000 UTC").to_string()
}

/// A name as a YAML scalar that every reader takes for a string. Names hold no white space, no
/// control character and no backslash, so the quote is all there is to escape.
fn scalar(name: &str) -> String {
    const OTHER_TYPES: [&str; 9] = ["y", "n", "yes", "no", "on", "off", "true", "false", "null"];
    let plain = name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
        && !OTHER_TYPES.iter().any(|word| name.eq_ignore_ascii_case(word));
    if plain { name.to_owned() } else { format!("\"{}\"", name.replace('"', "\\\"")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_print_as_go_prints_them() {
        for (time, printed) in [
            ("2023-03-01T10:11:12.123456789Z", "2023-03-01 10:11:12.123456789 +0000 UTC"),
            ("2023-03-01T10:11:12.12Z", "2023-03-01 10:11:12.12 +0000 UTC"),
            ("2023-03-01T10:11:12Z", "2023-03-01 10:11:12 +0000 UTC"),
        ] {
            assert_eq!(go_time(time.parse().unwrap()), printed);
        }
    }

    #[test]
    fn a_name_that_yaml_would_read_as_another_type_is_quoted() {
        for (name, written) in [
            ("carts", "carts"),
            ("carts-db.v1_0", "carts-db.v1_0"),
            ("true", "\"true\""),
            ("No", "\"No\""),
            ("123", "\"123\""),
            ("#a\"b", "\"#a\\\"b\""),
            ("服务", "\"服务\""),
        ] {
            assert_eq!(scalar(name), written);
        }
    }
}
