//! `tidegate tokens create`

use clap::{Args, ValueEnum};
use tidegate_client::TokenKind;

use crate::connection::Connection;
use crate::failure::Failure;
use crate::format::{Format, Output};
use crate::screen::Screen;

const EXAMPLES: &str = "\
Examples:
  # For a person: decisions will carry the name
  $ tidegate tokens create ada --kind person
  # For an integration that answers one task and does nothing else
  $ tidegate tokens create helm-service --kind machine --task deployment";

/// Make a token, and print it this one time
///
/// It is in force at once. The server keeps its SHA-256 only: who loses the token needs a new one. Needs
/// the installation's own token.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// Whose it is
    #[arg(value_name = "NAME")]
    name: String,
    /// A person's or a program's
    #[arg(long, value_enum)]
    kind: Kind,
    /// A task that it answers; where one is given, it does nothing else but read. May be given again
    #[arg(long = "task", value_name = "TASK")]
    tasks: Vec<String>,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    connection: Connection,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Kind {
    Person,
    Machine,
}

impl From<Kind> for TokenKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Person => Self::Person,
            Kind::Machine => Self::Machine,
        }
    }
}

pub(crate) async fn run(arguments: Arguments, screen: &mut Screen<'_>) -> Result<(), Failure> {
    let Arguments { name, kind, tasks, output: Output { format }, connection } = arguments;
    let tasks = Some(tasks).filter(|tasks| !tasks.is_empty());
    let created = connection.open()?.create_token(&name, kind.into(), tasks.as_deref()).await?;
    if format != Format::Table {
        return screen.value(format, &created);
    }
    screen.note(&format!("The token of {name}; it is not shown again:"))?;
    screen.data(&created.token)
}
