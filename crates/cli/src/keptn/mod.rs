//! The program under the name `keptn`: the commands of Keptn's own client, with its flags, its words and
//! its exit codes, so that scripts go on working. One command, one file.
//!
//! Otherwise than there: nothing is printed that was not asked for, a certificate is verified, the token
//! is kept for its owner alone, and no image is looked up in the internet.

mod add_resource;
mod auth;
mod configure;
mod create;
mod delete;
mod event;
mod git;
mod labels;
mod state;
mod trigger;
mod update;
mod version;

use std::ffi::OsString;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use tidegate_client::Client;

use crate::text;
use state::State;

/// Keptn's commands against a Tidegate server
#[derive(Debug, Parser)]
#[command(name = "keptn", version, disable_version_flag = true)]
pub struct Keptn {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

/// What every command takes.
#[derive(Debug, Args)]
struct Global {
    /// Say more
    #[arg(short, long, global = true, conflicts_with = "quiet")]
    verbose: bool,
    /// Say only what was asked for
    #[arg(short, long, global = true)]
    quiet: bool,
    /// Whose credentials
    #[arg(short, long, global = true, default_value = "keptn")]
    namespace: String,
    /// The file beside which credentials are kept [default: ~/.keptn/config]
    #[arg(long, global = true, value_name = "FILE")]
    config_file: Option<PathBuf>,
    /// Assume yes
    #[arg(short, long, global = true)]
    yes: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Keep the endpoint and the token of a server
    Auth(auth::Auth),
    /// Show which server, and whether it knows the token
    Status,
    /// Show the versions of this program and of the server
    Version,
    /// Create a project or a service
    #[command(subcommand)]
    Create(create::Create),
    /// Change where the files of a project are kept
    #[command(subcommand)]
    Update(update::Update),
    /// Delete a project or a service
    #[command(subcommand)]
    Delete(delete::Delete),
    /// Add a file to a project, a stage or a service
    AddResource(add_resource::AddResource),
    /// Trigger a delivery
    #[command(subcommand)]
    Trigger(trigger::Trigger),
    /// Choose who measures, and have a service watched
    #[command(subcommand)]
    Configure(configure::Configure),
    /// Send an event
    #[command(subcommand)]
    Send(event::Send),
    /// Show events
    #[command(subcommand)]
    Get(event::Get),
}

/// Why a command failed: Keptn's sentence, and what is behind it.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Failure(String);

impl Failure {
    /// Keptn's sentence, then the reason on a line of its own.
    fn because(sentence: &str, why: &dyn std::fmt::Display) -> Self {
        Self(format!("{sentence}\n{why}"))
    }
}

impl From<tidegate_client::ClientError> for Failure {
    fn from(error: tidegate_client::ClientError) -> Self {
        Self(error.to_string())
    }
}

/// What a command works with.
struct Context<'a> {
    state: State,
    quiet: bool,
    out: &'a mut dyn Write,
}

impl Context<'_> {
    /// A line about what is done.
    fn info(&mut self, line: &str) {
        if !self.quiet {
            self.data(line);
        }
    }

    /// A line of what was asked for. Nobody reads on where that fails.
    fn data(&mut self, line: &str) {
        for line in line.split('\n') {
            drop(writeln!(self.out, "{}", text::plain(line)));
        }
    }

    /// A client for the server whose token is kept.
    fn client(&self) -> Result<Client, Failure> {
        self.state.client()
    }
}

/// Carries out what the arguments say, the program's own name first.
#[must_use]
#[allow(clippy::print_stderr, reason = "this is where errors become text for people")]
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let keptn = match Keptn::try_parse_from(arguments) {
        Ok(keptn) => keptn,
        Err(error) => {
            drop(error.print());
            // Keptn's own ends with 1 where the arguments make no sense.
            return ExitCode::from(u8::from(error.use_stderr()));
        }
    };
    tidegate_client::init();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let mut out = std::io::stdout().lock();
    let done = match runtime {
        Ok(runtime) => runtime.block_on(carry_out(keptn, &mut out)),
        Err(error) => Err(Failure(error.to_string())),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure(why)) => {
            let lines: Vec<String> = why.split('\n').map(text::plain).collect();
            eprintln!("Error: {}", lines.join("\n"));
            ExitCode::FAILURE
        }
    }
}

async fn carry_out(keptn: Keptn, out: &mut dyn Write) -> Result<(), Failure> {
    let Keptn { global, command } = keptn;
    let state = State::find(global.config_file.as_deref(), &global.namespace)?;
    let mut context = Context { state, quiet: global.quiet, out };
    match command {
        Command::Auth(arguments) => auth::auth(arguments, &mut context).await,
        Command::Status => auth::status(&mut context).await,
        Command::Version => version::version(&mut context).await,
        Command::Create(create) => create::run(create, &mut context).await,
        Command::Update(update) => update::run(update, &mut context).await,
        Command::Delete(delete) => delete::run(delete, &mut context).await,
        Command::AddResource(arguments) => add_resource::run(arguments, &mut context).await,
        Command::Trigger(trigger) => trigger::run(trigger, &mut context).await,
        Command::Configure(configure) => configure::run(configure, &mut context).await,
        Command::Send(send) => event::send(send, &mut context).await,
        Command::Get(get) => event::get(get, &mut context).await,
    }
}
