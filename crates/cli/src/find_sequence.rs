//! Which sequence is meant.

use clap::Args;
use tidegate_client::{Client, Sequence, SequenceQuery};

use crate::complete;
use crate::failure::Failure;

/// The length of a whole id.
const UUID_LENGTH: usize = 36;
/// Shortest beginning of an id that may stand for it. Shorter ones are typed by accident.
const PREFIX_MIN: usize = 4;
/// How many of those that may be meant are named.
const NAMED_MAX: u64 = 5;

/// A sequence by its id.
#[derive(Debug, Clone, Args)]
pub(crate) struct WhichSequence {
    /// The sequence: its id (Keptn's context), or the first digits of it
    #[arg(value_name = "CONTEXT", add = complete::sequences())]
    pub(crate) context: String,
}

impl WhichSequence {
    /// Asks the server for the sequence that is meant, with its runs.
    pub(crate) async fn find(&self, client: &Client) -> Result<Sequence, Failure> {
        find(client, &self.context).await
    }
}

/// The sequence that has this id or is the only one whose id begins so, with its runs.
pub(crate) async fn find(client: &Client, context: &str) -> Result<Sequence, Failure> {
    let none = || Failure::NotFound(format!("no sequence {context}; see: tidegate sequences list"));
    if context.len() == UUID_LENGTH {
        return client.sequence(context).await.map_err(|error| match error.is_not_found() {
            true => none(),
            false => error.into(),
        });
    }
    let is_id = |byte: u8| byte.is_ascii_hexdigit() || byte == b'-';
    if context.len() < PREFIX_MIN || context.len() > UUID_LENGTH || !context.bytes().all(is_id) {
        let text = format!("{context:?} is no id: give at least the first {PREFIX_MIN} digits");
        return Err(Failure::Usage(text));
    }
    let query = SequenceQuery {
        context: Some(context),
        limit: Some(NAMED_MAX),
        ..SequenceQuery::default()
    };
    let found = client.sequences(&query).await?.sequences;
    match found.as_slice() {
        [] => Err(none()),
        [one] => Ok(client.sequence(&one.context).await?),
        several => {
            let told = several.iter().map(|one| {
                format!("{} ({} of {}/{})", one.context, one.sequence, one.project, one.service)
            });
            let told: Vec<_> = told.collect();
            let text = format!("{context} may mean {}; give more digits", told.join(" or "));
            Err(Failure::Usage(text))
        }
    }
}
