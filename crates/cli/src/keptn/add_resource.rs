//! `keptn add-resource`

use std::path::PathBuf;

use clap::Args;
use tidegate_client::ResourcePlace;

use super::{Context, Failure};

#[derive(Debug, Args)]
pub(super) struct AddResource {
    /// The project
    #[arg(short, long, value_name = "NAME")]
    project: String,
    /// The stage
    #[arg(short, long, value_name = "NAME")]
    stage: Option<String>,
    /// Every stage
    #[arg(long)]
    all_stages: bool,
    /// The service
    #[arg(long, value_name = "NAME")]
    service: Option<String>,
    /// The file
    #[arg(short, long, value_name = "FILE")]
    resource: String,
    /// Its path in the project [default: as the file is given]
    #[arg(long = "resourceUri", alias = "resource-uri", value_name = "PATH")]
    resource_uri: Option<String>,
}

pub(super) async fn run(arguments: AddResource, context: &mut Context<'_>) -> Result<(), Failure> {
    let AddResource { project, stage, all_stages, service, resource, resource_uri } = arguments;
    if all_stages && stage.is_some() {
        let why = "Cannot use --stage and --all-stages at the same time";
        return Err(Failure(why.to_owned()));
    }
    if service.is_some() && stage.is_none() && !all_stages {
        return Err(Failure("Flag 'stage' is missing".to_owned()));
    }
    let client = context.client()?;
    let file = expanded(&resource);
    if !file.exists() {
        return Err(Failure(format!("File {resource} not found on local file system")));
    }
    let content = std::fs::read(&file)
        .map_err(|error| Failure(format!("cannot read {}: {error}", file.display())))?;
    let uri = resource_uri.unwrap_or_else(|| resource.clone());
    let stages = match (stage, all_stages) {
        (Some(stage), _) => vec![stage],
        (None, true) => client.stages(&project).await?,
        (None, false) => Vec::new(),
    };
    if all_stages && stages.is_empty() {
        return Err(Failure("No stages found".to_owned()));
    }
    let places: Vec<ResourcePlace<'_>> = match (stages.as_slice(), &service) {
        ([], _) => vec![ResourcePlace::Project],
        (stages, Some(service)) => {
            stages.iter().map(|stage| ResourcePlace::Service(stage, service)).collect()
        }
        (stages, None) => stages.iter().map(|stage| ResourcePlace::Stage(stage)).collect(),
    };
    for place in places {
        let what = described(place, &project);
        context.info(&format!("Adding resource {resource} {what}"));
        let added = client.add_resource(&project, place, &uri, &content).await;
        added.map_err(|error| {
            Failure(format!("Resource {resource} could not be uploaded {what}: {error}"))
        })?;
        context.info(&format!("Adding resource {resource} {what} was successful"));
    }
    context.info("Resource has been uploaded.");
    Ok(())
}

fn described(place: ResourcePlace<'_>, project: &str) -> String {
    match place {
        ResourcePlace::Project => format!("as a project resource to project {project}"),
        ResourcePlace::Stage(stage) => {
            format!("as a stage resource to stage {stage} for project {project}")
        }
        ResourcePlace::Service(stage, service) => format!(
            "as a service resource to service {service} for stage {stage} for project {project}"
        ),
    }
}

/// `~` is the user's directory also where no shell has said so.
fn expanded(path: &str) -> PathBuf {
    match (path.strip_prefix("~/"), std::env::var_os("HOME")) {
        (Some(rest), Some(home)) => PathBuf::from(home).join(rest),
        _ => PathBuf::from(path),
    }
}
