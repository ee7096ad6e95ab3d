//! `keptn trigger delivery`

use clap::{Args, Subcommand};
use serde_json::json;

use super::labels::{labels, nested};
use super::{Context, Failure};

/// `source` of a delivery that this command triggers.
const SOURCE: &str = "https://github.com/keptn/keptn/cli#configuration-change";

#[derive(Debug, Subcommand)]
pub(super) enum Trigger {
    /// Deliver an image
    Delivery(Delivery),
}

#[derive(Debug, Args)]
pub(super) struct Delivery {
    /// The project
    #[arg(long, value_name = "NAME")]
    project: String,
    /// The service
    #[arg(long, value_name = "NAME")]
    service: String,
    /// The image
    #[arg(long, value_name = "IMAGE")]
    image: String,
    /// The stage [default: the first one]
    #[arg(long, value_name = "NAME")]
    stage: Option<String>,
    /// The sequence
    #[arg(long, value_name = "NAME", default_value = "delivery")]
    sequence: String,
    /// Further values: a.b=c
    #[arg(long, value_name = "PATH=VALUE", value_delimiter = ',')]
    values: Vec<String>,
    /// Labels: key=value
    #[arg(short, long, value_name = "KEY=VALUE", value_delimiter = ',')]
    labels: Vec<String>,
}

pub(super) async fn run(trigger: Trigger, context: &mut Context<'_>) -> Result<(), Failure> {
    let Trigger::Delivery(delivery) = trigger;
    let Delivery { project, service, image, stage, sequence, values, labels: pairs } = delivery;
    let client = context.client()?;
    context.info(&format!(
        "Starting to deliver the service {service} in project {project} with image: {image}"
    ));
    let known = client.project(&project).await.map_err(|error| {
        Failure(format!("error while retrieving information for project {project}: {error}"))
    })?;
    let first = known["stages"][0]["stageName"].as_str().map(str::to_owned);
    let stage = stage.or(first).ok_or_else(|| {
        let why = "could not start sequence because no stage has been found in project";
        Failure(format!("{why} {project}"))
    })?;
    let services = client.services(&project, &stage).await?;
    if !services.contains(&service) {
        return Err(Failure(format!(
            "could not start sequence because service {service} has not been found in project \
             {project}"
        )));
    }
    let mut all = json!({"image": image});
    for (key, value) in nested(&values)? {
        all[key] = value;
    }
    let mut data = json!({"project": project, "stage": stage, "service": service,
        "configurationChange": {"values": all}});
    let labels = labels(&pairs)?;
    if !labels.is_empty() {
        data["labels"] = labels.into();
    }
    let event = json!({"type": format!("sh.keptn.event.{stage}.{sequence}.triggered"),
        "source": SOURCE, "specversion": "1.0", "data": data});
    let sent = client.send_event(&event).await;
    let id =
        sent.map_err(|error| Failure(format!("trigger delivery was unsuccessful. {error}")))?;
    context.data(&format!("ID of Keptn context: {id}"));
    Ok(())
}
