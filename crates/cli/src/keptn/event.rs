//! `keptn send event` and `keptn get event`

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde::Serialize as _;
use serde_json::ser::PrettyFormatter;
use serde_json::{Serializer, Value, json};
use tidegate_client::EventQuery;

use super::{Context, Failure};

const APPROVAL_TRIGGERED: &str = "sh.keptn.event.approval.triggered";
const APPROVAL_FINISHED: &str = "sh.keptn.event.approval.finished";
/// `source` of a vote that this command sends.
const SOURCE: &str = "https://github.com/keptn/keptn/cli#sh.keptn.event.approval.finished";
/// What the API knows of an event; the rest of a file is dropped, as Keptn's client does.
const FIELDS: [&str; 12] = [
    "contenttype",
    "data",
    "extensions",
    "id",
    "shkeptncontext",
    "shkeptnspecversion",
    "source",
    "specversion",
    "time",
    "triggeredid",
    "gitcommitid",
    "type",
];

#[derive(Debug, Subcommand)]
pub(super) enum Send {
    /// Send an event from a file, or approve what waits
    Event(SendEvent),
}

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(super) struct SendEvent {
    /// The event, as JSON
    #[arg(short, long, value_name = "FILE", required = true)]
    file: Option<PathBuf>,
    #[command(subcommand)]
    kind: Option<Kind>,
}

#[derive(Debug, Subcommand)]
enum Kind {
    /// Approve what waits
    #[command(name = "approval.finished")]
    ApprovalFinished(ApprovalFinished),
}

#[derive(Debug, Args)]
struct ApprovalFinished {
    /// The project
    #[arg(long, value_name = "NAME")]
    project: String,
    /// The stage
    #[arg(long, value_name = "NAME")]
    stage: String,
    /// The id of the approval.triggered event
    #[arg(
        long,
        value_name = "ID",
        conflicts_with = "service",
        required_unless_present = "service"
    )]
    id: Option<String>,
    /// The service whose one approval waits
    #[arg(long, value_name = "NAME")]
    service: Option<String>,
    /// Taken and of no effect
    #[arg(short, long, value_name = "KEY=VALUE", value_delimiter = ',')]
    labels: Vec<String>,
}

#[derive(Debug, Subcommand)]
pub(super) enum Get {
    /// Show events of a type, newest first
    #[command(alias = "events")]
    Event(GetEvent),
}

#[derive(Debug, Args)]
pub(super) struct GetEvent {
    /// The type, with or without sh.keptn.event. before it
    kind: String,
    /// The project
    #[arg(short, long, value_name = "NAME")]
    project: String,
    /// The delivery
    #[arg(long, value_name = "ID")]
    keptn_context: Option<String>,
    /// The stage
    #[arg(short, long, value_name = "NAME")]
    stage: Option<String>,
    /// The service
    #[arg(long, value_name = "NAME")]
    service: Option<String>,
}

pub(super) async fn send(send: Send, context: &mut Context<'_>) -> Result<(), Failure> {
    let Send::Event(SendEvent { file, kind }) = send;
    match (kind, file) {
        (Some(Kind::ApprovalFinished(arguments)), _) => approve(arguments, context).await,
        (None, Some(file)) => send_file(&file, context).await,
        (None, None) => Err(Failure("required flag(s) \"file\" not set".to_owned())),
    }
}

async fn send_file(file: &PathBuf, context: &mut Context<'_>) -> Result<(), Failure> {
    let client = context.client()?;
    let unsuccessful =
        |why: &dyn std::fmt::Display| Failure(format!("Send event was unsuccessful. {why}"));
    let text = std::fs::read(file)
        .map_err(|error| Failure(format!("cannot read {}: {error}", file.display())))?;
    let event: Value = serde_json::from_slice(&text)
        .map_err(|error| Failure(format!("Failed to map event to API event model. {error}")))?;
    let Value::Object(fields) = event else {
        let why = "Failed to map event to API event model. An event is a JSON object";
        return Err(Failure(why.to_owned()));
    };
    let known = fields.into_iter().filter(|(key, _)| FIELDS.contains(&key.as_str()));
    let event = Value::Object(known.collect());
    let id = client.send_event(&event).await.map_err(|error| unsuccessful(&error))?;
    context.data(&format!("ID of Keptn context: {id}"));
    Ok(())
}

async fn approve(arguments: ApprovalFinished, context: &mut Context<'_>) -> Result<(), Failure> {
    let ApprovalFinished { project, stage, id, service, .. } = arguments;
    let client = context.client()?;
    context.info("Starting to send approval.finished event");
    let open = client.open_events(APPROVAL_TRIGGERED, &project).await?;
    let mine = |event: &&Value| {
        event["data"]["stage"] == *stage
            && id.as_ref().is_none_or(|id| event["id"] == **id)
            && service.as_ref().is_none_or(|service| event["data"]["service"] == **service)
    };
    let waiting: Vec<&Value> = open.iter().filter(mine).collect();
    let approval = match (waiting.as_slice(), &id) {
        ([approval], _) => approval,
        ([], Some(id)) => {
            let what = "No open approval.triggered event with the ID";
            context.data(&format!("{what} {id} has been found"));
            return Ok(());
        }
        ([], None) => {
            context.data("No open approval.triggered event has been found");
            return Ok(());
        }
        (several, _) => {
            let ids: Vec<_> = several.iter().filter_map(|event| event["id"].as_str()).collect();
            return Err(Failure(format!(
                "{} approvals wait; name one of them with --id: {}",
                ids.len(),
                ids.join(", ")
            )));
        }
    };
    let data = json!({"project": project, "stage": stage, "service": approval["data"]["service"],
        "labels": approval["data"]["labels"], "status": "succeeded", "result": "pass"});
    let event = json!({"type": APPROVAL_FINISHED, "source": SOURCE, "specversion": "1.0",
        "shkeptncontext": approval["shkeptncontext"], "triggeredid": approval["id"], "data": data});
    client.send_event(&event).await?;
    Ok(())
}

pub(super) async fn get(get: Get, context: &mut Context<'_>) -> Result<(), Failure> {
    let Get::Event(GetEvent { kind, project, keptn_context, stage, service }) = get;
    let client = context.client()?;
    let kind = match kind.starts_with("sh.keptn.") {
        true => kind,
        false => format!("sh.keptn.event.{kind}"),
    };
    let of = |event: &Value| {
        stage.as_ref().is_none_or(|stage| event["data"]["stage"] == **stage)
            && service.as_ref().is_none_or(|service| event["data"]["service"] == **service)
    };
    // What waits is asked for what waits; everything else for all that was.
    let open = kind == APPROVAL_TRIGGERED && keptn_context.is_none();
    let mut events = match open {
        true => client.open_events(&kind, &project).await?,
        false => {
            let query = EventQuery {
                context: keptn_context.as_deref(),
                project: Some(&project),
                stage: stage.as_deref(),
                service: service.as_deref(),
                kind: Some(&kind),
            };
            client.events(&query).await?
        }
    };
    events.retain(of);
    match events.as_slice() {
        [] if open => context.data("No approval.triggered events have been found"),
        [] => context.data("No event returned"),
        [one] => print(context, one),
        many => print(context, &Value::from(many.to_vec())),
    }
    Ok(())
}

/// JSON with four spaces, as Keptn's client prints it. It escapes control characters itself.
fn print(context: &mut Context<'_>, value: &Value) {
    let mut text = Vec::new();
    let mut serializer =
        Serializer::with_formatter(&mut text, PrettyFormatter::with_indent(b"    "));
    value.serialize(&mut serializer).expect("a value is JSON");
    text.push(b'\n');
    drop(context.out.write_all(&text));
}
