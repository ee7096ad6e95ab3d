//! `keptn delete project` and `keptn delete service`

use clap::{Args, Subcommand};

use super::{Context, Failure};

#[derive(Debug, Subcommand)]
pub(super) enum Delete {
    /// Delete a project with all that belongs to it; a repository elsewhere stays
    Project(Project),
    /// Delete a service in every stage of a project
    Service(Service),
}

#[derive(Debug, Args)]
pub(super) struct Project {
    /// The project
    name: String,
}

#[derive(Debug, Args)]
pub(super) struct Service {
    /// The service
    name: String,
    /// Its project
    #[arg(short, long, value_name = "NAME")]
    project: String,
}

pub(super) async fn run(delete: Delete, context: &mut Context<'_>) -> Result<(), Failure> {
    match delete {
        Delete::Project(Project { name }) => project(&name, context).await,
        Delete::Service(arguments) => service(arguments, context).await,
    }
}

async fn project(name: &str, context: &mut Context<'_>) -> Result<(), Failure> {
    let client = context.client()?;
    context.info("Starting to delete project");
    let deleted = client.delete_project(name).await;
    let message =
        deleted.map_err(|error| Failure(format!("Delete project was unsuccessful. {error}")))?;
    context.info("Project deleted successfully");
    context.info(message.trim_end());
    Ok(())
}

async fn service(arguments: Service, context: &mut Context<'_>) -> Result<(), Failure> {
    let Service { name, project } = arguments;
    let client = context.client()?;
    context.info("Starting to delete service");
    let deleted = client.delete_service(&project, &name).await;
    deleted.map_err(|error| Failure(format!("Delete service was unsuccessful. {error}")))?;
    context.info("Service deleted successfully");
    Ok(())
}
