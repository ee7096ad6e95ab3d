//! `keptn configure monitoring`

use std::time::{Duration, Instant};

use clap::{Args, Subcommand};
use serde_json::json;
use tidegate_client::EventQuery;

use super::{Context, Failure};

const CONFIGURE: &str = "sh.keptn.event.monitoring.configure";
const FINISHED: &str = "sh.keptn.event.configure-monitoring.finished";
/// `source` of the event that this command sends.
const SOURCE: &str = "https://github.com/keptn/keptn/cli#configuremonitoring";
/// How long whoever configures it may take, as Keptn's own client waits.
const PATIENCE: Duration = Duration::from_secs(30);
/// Between two looks.
const LOOK_AGAIN: Duration = Duration::from_millis(250);

#[derive(Debug, Subcommand)]
pub(super) enum Configure {
    /// Choose who measures the services of a project, and have one of them watched
    Monitoring(Monitoring),
}

#[derive(Debug, Args)]
pub(super) struct Monitoring {
    /// Who measures, such as prometheus
    kind: String,
    /// The project
    #[arg(long, value_name = "NAME")]
    project: String,
    /// The service; where it is missing, only who measures is chosen
    #[arg(long, value_name = "NAME", default_value = "")]
    service: String,
}

pub(super) async fn run(configure: Configure, context: &mut Context<'_>) -> Result<(), Failure> {
    let Configure::Monitoring(Monitoring { kind, project, service }) = configure;
    if kind == "prometheus" && service.is_empty() {
        return Err(Failure("Please specify a service".to_owned()));
    }
    let client = context.client()?;
    // Nobody would ever answer for a project that does not exist.
    client.project(&project).await.map_err(|error| {
        Failure(format!("error while retrieving information for project {project}: {error}"))
    })?;
    let event = json!({"type": CONFIGURE, "source": SOURCE, "specversion": "1.0",
        "data": {"type": kind, "project": project, "service": service}});
    let id = client.send_event(&event).await.map_err(|error| {
        Failure(format!("Sending configure-monitoring event was unsuccessful. {error}"))
    })?;
    context.data(&format!("ID of Keptn context: {id}"));
    let query = EventQuery { context: Some(&id), kind: Some(FINISHED), ..EventQuery::default() };
    let begun = Instant::now();
    loop {
        if let Some(event) = client.newest_events(&query, 1).await?.first() {
            let message = event["data"]["message"].as_str().unwrap_or_default().to_owned();
            if event["data"]["result"] == "fail" {
                return Err(Failure(message));
            }
            context.data(&message);
            return Ok(());
        }
        if begun.elapsed() >= PATIENCE {
            let patience = PATIENCE.as_secs();
            return Err(Failure(format!(
                "nobody has answered within {patience} s; {kind} is the SLI provider of {project} now, \
                 but is it running?"
            )));
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}
