//! `keptn create project` and `keptn create service`

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::git::Git;
use super::{Context, Failure};

#[derive(Debug, Subcommand)]
pub(super) enum Create {
    /// Create a project from its shipyard
    Project(Box<Project>),
    /// Create a service in every stage of a project
    Service(Service),
}

#[derive(Debug, Args)]
pub(super) struct Project {
    /// The project
    name: String,
    /// Its shipyard
    #[arg(short, long, value_name = "FILE")]
    shipyard: PathBuf,
    /// Without a URL the server keeps the files itself.
    #[command(flatten)]
    git: Git,
}

#[derive(Debug, Args)]
pub(super) struct Service {
    /// The service
    name: String,
    /// Its project
    #[arg(short, long, value_name = "NAME")]
    project: String,
}

pub(super) async fn run(create: Create, context: &mut Context<'_>) -> Result<(), Failure> {
    match create {
        Create::Project(arguments) => project(*arguments, context).await,
        Create::Service(arguments) => service(arguments, context).await,
    }
}

async fn project(arguments: Project, context: &mut Context<'_>) -> Result<(), Failure> {
    let Project { name, shipyard, git } = arguments;
    let client = context.client()?;
    let text = std::fs::read(&shipyard).map_err(|error| {
        let file = shipyard.display();
        Failure(format!("Failed to read and parse shipyard file - {file}: {error}"))
    })?;
    let credentials = git.credentials()?;
    context.info("Starting to create project");
    let created = client.create_project_with(&name, &text, credentials.as_ref()).await;
    created.map_err(|error| Failure::because("Create project was unsuccessful.", &error))?;
    context.info("Project created successfully");
    Ok(())
}

async fn service(arguments: Service, context: &mut Context<'_>) -> Result<(), Failure> {
    let Service { name, project } = arguments;
    let client = context.client()?;
    context.info("Starting to create service");
    let created = client.create_service(&project, &name).await;
    created.map_err(|error| Failure::because("Create service was unsuccessful.", &error))?;
    context.info("Service created successfully");
    Ok(())
}
