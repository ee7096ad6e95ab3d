//! `keptn trigger delivery`, `keptn trigger evaluation`

use clap::{Args, Subcommand};
use jiff::Timestamp;
use serde_json::json;
use tidegate_client::NewEvaluation;
use tidegate_core::quality::Timeframe;
use tidegate_core::quality::time::{Span, resolve};

use super::labels::{labels, nested};
use super::{Context, Failure};

/// `source` of a delivery that this command triggers.
const SOURCE: &str = "https://github.com/keptn/keptn/cli#configuration-change";

#[derive(Debug, Subcommand)]
pub(super) enum Trigger {
    /// Deliver an image
    Delivery(Delivery),
    /// Evaluate a service in a stage
    Evaluation(Evaluation),
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

#[derive(Debug, Args)]
pub(super) struct Evaluation {
    /// The project
    #[arg(long, value_name = "NAME")]
    project: String,
    /// The stage
    #[arg(long, value_name = "NAME")]
    stage: String,
    /// The service
    #[arg(long, value_name = "NAME")]
    service: String,
    /// How long, such as 10m, from the start or until now
    #[arg(long, value_name = "DURATION", default_value = "")]
    timeframe: String,
    /// From when, such as 2026-11-24T10:00:00.000Z
    #[arg(long, value_name = "TIME", default_value = "")]
    start: String,
    /// Until when
    #[arg(long, value_name = "TIME", default_value = "")]
    end: String,
    /// Labels: key=value
    #[arg(short, long, value_name = "KEY=VALUE", value_delimiter = ',')]
    labels: Vec<String>,
    /// The commit of the stage that files are read at [default: the newest]
    #[arg(short, long = "git-commit-id", value_name = "COMMIT", default_value = "")]
    git_commit_id: String,
}

pub(super) async fn run(trigger: Trigger, context: &mut Context<'_>) -> Result<(), Failure> {
    match trigger {
        Trigger::Delivery(delivery) => deliver(delivery, context).await,
        Trigger::Evaluation(evaluation) => evaluate(evaluation, context).await,
    }
}

async fn evaluate(evaluation: Evaluation, context: &mut Context<'_>) -> Result<(), Failure> {
    let Evaluation { project, stage, service, timeframe, start, end, .. } = evaluation;
    if !end.is_empty() && !timeframe.is_empty() {
        return Err(Failure("You can not use --end together with --timeframe".to_owned()));
    }
    let span = Span { start: &start, end: &end, timeframe: &timeframe };
    // By the clock of whoever asks, as Keptn's client does it. With nothing asked the server knows better what the
    // shipyard says; to Keptn's client it is always the last five minutes.
    let time = match span == Span::default() {
        true => Timeframe::default(),
        false => resolve(span, Timestamp::now()).map_err(|error| {
            Failure(format!("Start and end time of evaluation time frame not set: {error}"))
        })?,
    };
    let new = NewEvaluation {
        start: time.start,
        end: time.end,
        labels: labels(&evaluation.labels)?,
        commit: evaluation.git_commit_id,
    };
    let client = context.client()?;
    context.info(&format!(
        "Starting to trigger evaluation of the service {service} in project {project}"
    ));
    let id = client
        .evaluate(&project, &stage, &service, &new)
        .await
        .map_err(|error| Failure(format!("trigger evaluation was unsuccessful. {error}")))?;
    context.data(&format!("ID of Keptn context: {id}"));
    Ok(())
}

async fn deliver(delivery: Delivery, context: &mut Context<'_>) -> Result<(), Failure> {
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
