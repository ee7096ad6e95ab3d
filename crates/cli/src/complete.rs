//! Names from the server, for the shell that completes a word. Where there is no server, no token or no
//! answer within a moment, there are none, and nothing is said about it.

mod words;

use std::ffi::OsStr;
use std::time::Duration;

use clap_complete::CompletionCandidate;
use clap_complete::engine::ArgValueCompleter;
use tidegate_client::{ApprovalQuery, ApprovalState, Client, ClientError, SequenceQuery};

use crate::text::place;
use words::Words;

/// How long somebody who pressed the tabulator waits.
const PATIENCE: Duration = Duration::from_millis(700);
/// Most names that are offered.
const OFFERED_MAX: u64 = 100;

/// What is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Names {
    Projects,
    Stages,
    Services,
    /// Sequences that are under way first, by their ids.
    Sequences,
    /// Open approvals, by their ids.
    Approvals,
    Tokens,
}

/// Projects.
pub(crate) fn projects() -> ArgValueCompleter {
    completer(Names::Projects)
}

/// Stages of the project that the command line names, or of all.
pub(crate) fn stages() -> ArgValueCompleter {
    completer(Names::Stages)
}

/// Services of the project that the command line names, or of all.
pub(crate) fn services() -> ArgValueCompleter {
    completer(Names::Services)
}

/// Sequences.
pub(crate) fn sequences() -> ArgValueCompleter {
    completer(Names::Sequences)
}

/// Open approvals.
pub(crate) fn approvals() -> ArgValueCompleter {
    completer(Names::Approvals)
}

/// Tokens that can be revoked.
pub(crate) fn tokens() -> ArgValueCompleter {
    completer(Names::Tokens)
}

fn completer(names: Names) -> ArgValueCompleter {
    ArgValueCompleter::new(move |current: &OsStr| offer(names, current).unwrap_or_default())
}

/// A name and what to say about it.
type Offer = (String, String);

fn offer(names: Names, current: &OsStr) -> Option<Vec<CompletionCandidate>> {
    let begun = current.to_str()?;
    let words = Words::of(std::env::args());
    tidegate_client::init();
    let client = words.connection().open().ok()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().ok()?;
    let asked = async { tokio::time::timeout(PATIENCE, ask(&client, names, &words)).await };
    let offers = runtime.block_on(asked).ok()?.ok()?;
    let mut seen = std::collections::BTreeSet::new();
    let fits = |(name, _): &Offer| name.starts_with(begun) && seen.insert(name.clone());
    let candidate = |(name, help): Offer| {
        CompletionCandidate::new(name)
            .help(Some(help).filter(|help| !help.is_empty()).map(Into::into))
    };
    Some(offers.into_iter().filter(fits).map(candidate).collect())
}

async fn ask(client: &Client, names: Names, words: &Words) -> Result<Vec<Offer>, ClientError> {
    let plain = |name: String| (name, String::new());
    match names {
        Names::Projects => {
            let projects = client.inventory().await?.into_iter();
            Ok(projects.map(|project| plain(project.name)).collect())
        }
        Names::Stages => {
            let stages = scope(client, words).await?.into_iter().flat_map(|project| project.stages);
            Ok(stages.map(|stage| plain(stage.name)).collect())
        }
        Names::Services => {
            let stages = scope(client, words).await?.into_iter().flat_map(|project| project.stages);
            let services = stages.flat_map(|stage| stage.services);
            Ok(services.map(|service| plain(service.name)).collect())
        }
        Names::Sequences => {
            let query = SequenceQuery {
                project: words.project(),
                limit: Some(OFFERED_MAX),
                ..SequenceQuery::default()
            };
            let mut sequences = client.sequences(&query).await?.sequences;
            sequences.sort_by_key(|sequence| sequence.state.is_final());
            let told = |sequence: tidegate_client::Sequence| {
                let place = format!("{}/{}", sequence.project, sequence.service);
                let help = format!("{place} {} {}", sequence.sequence, sequence.state.as_str());
                (sequence.context, help)
            };
            Ok(sequences.into_iter().map(told).collect())
        }
        Names::Approvals => {
            let query = ApprovalQuery {
                state: Some(ApprovalState::Open),
                limit: Some(OFFERED_MAX),
                ..ApprovalQuery::default()
            };
            let open = client.approvals(&query).await?.approvals.into_iter();
            let told = |approval: tidegate_client::Approval| {
                let image = approval.image.as_deref().unwrap_or_default();
                let help = format!("{} {image}", place(&approval));
                (approval.id, help)
            };
            Ok(open.map(told).collect())
        }
        Names::Tokens => {
            let tokens = client.tokens().await?.into_iter();
            Ok(tokens
                .filter(tidegate_client::NamedToken::is_revocable)
                .map(|token| plain(token.name))
                .collect())
        }
    }
}

/// The project that the command line names, or all.
async fn scope(
    client: &Client,
    words: &Words,
) -> Result<Vec<tidegate_client::Project>, ClientError> {
    match words.project() {
        Some(name) => Ok(vec![client.project_inventory(name).await?]),
        None => client.inventory().await,
    }
}
