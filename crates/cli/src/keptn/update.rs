//! `keptn update project`

use clap::{Args, Subcommand};

use super::git::Git;
use super::{Context, Failure};

#[derive(Debug, Subcommand)]
pub(super) enum Update {
    /// Keep the files of a project elsewhere, or sign in there otherwise
    Project(Box<Project>),
}

#[derive(Debug, Args)]
pub(super) struct Project {
    /// The project
    name: String,
    #[command(flatten)]
    git: Git,
}

pub(super) async fn run(update: Update, context: &mut Context<'_>) -> Result<(), Failure> {
    let Update::Project(arguments) = update;
    let Project { name, git } = *arguments;
    let client = context.client()?;
    let credentials = git.credentials()?;
    context.info("Starting to update project");
    let updated = client.update_project(&name, credentials.as_ref()).await;
    updated.map_err(|error| Failure(format!("Update project was unsuccessful. {error}")))?;
    context.info("Project updated successfully");
    Ok(())
}
