//! `tidegate events send`

use std::path::PathBuf;

use clap::{Args, ValueHint};
use serde_json::{Value, json};

use crate::connection::Connection;
use crate::failure::Failure;
use crate::format::{Format, Output};
use crate::input;
use crate::screen::Screen;

const EXAMPLES: &str = "\
Examples:
  # A CloudEvent from a file
  $ tidegate events send event.json
  # From standard input
  $ cat event.json | tidegate events send -";

/// Send a CloudEvent, and print its context
///
/// Where nobody knows whether it arrived, it is sent again, and counts once.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// The file that holds the event, as JSON; - is standard input
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    file: PathBuf,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    connection: Connection,
}

pub(crate) async fn run(arguments: Arguments, screen: &mut Screen<'_>) -> Result<(), Failure> {
    let Arguments { file, output: Output { format }, connection } = arguments;
    let event: Value = serde_json::from_slice(&input::read(&file)?).map_err(|error| {
        Failure::Usage(format!("{} is no JSON: {error}; nothing was sent", file.display()))
    })?;
    let context = connection.open()?.send_event_surely(&event).await?;
    match format {
        Format::Table => screen.data(&context),
        Format::Json | Format::Yaml => screen.value(format, &json!({"context": context})),
    }
}
