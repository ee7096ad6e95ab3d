//! `keptn delete service`

use clap::{Args, Subcommand};

use super::{Context, Failure};

#[derive(Debug, Subcommand)]
pub(super) enum Delete {
    /// Delete a service in every stage of a project
    Service(Service),
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
    let Delete::Service(Service { name, project }) = delete;
    let client = context.client()?;
    context.info("Starting to delete service");
    let deleted = client.delete_service(&project, &name).await;
    deleted.map_err(|error| Failure(format!("Delete service was unsuccessful. {error}")))?;
    context.info("Service deleted successfully");
    Ok(())
}
