//! Which approval is meant.

use clap::Args;
use tidegate_client::{Approval, ApprovalQuery, ApprovalState, Client};

use crate::failure::Failure;
use crate::text::place;
use crate::{complete, find_sequence};

/// Shortest beginning of an id that may stand for it. Shorter ones are typed by accident.
const PREFIX_MIN: usize = 4;
const UUID_LENGTH: usize = 36;
/// How many of the newest decisions a short id may also mean.
const DECIDED_MAX: u64 = 100;

/// An id, or the delivery that waits.
#[derive(Debug, Clone, Default, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct Which {
    /// The approval: its id, or the first digits of it
    #[arg(value_name = "ID", add = complete::approvals())]
    pub(crate) id: Option<String>,
    /// The approval that this delivery waits for: its id, or the first digits of it
    #[arg(long, value_name = "CONTEXT", add = complete::sequences())]
    pub(crate) context: Option<String>,
}

impl Which {
    /// Asks the server for the approval that is meant.
    pub(crate) async fn find(&self, client: &Client) -> Result<Approval, Failure> {
        match (&self.id, &self.context) {
            (Some(id), _) if id.len() == UUID_LENGTH => Ok(client.approval(id).await?),
            (Some(id), _) => by_prefix(client, id).await,
            (None, Some(context)) if context.len() == UUID_LENGTH => {
                by_context(client, context).await
            }
            (None, Some(context)) => {
                let sequence = find_sequence::find(client, context).await?;
                by_context(client, &sequence.context).await
            }
            (None, None) => Err(Failure::Usage("name an approval, or give --context".to_owned())),
        }
    }
}

async fn by_prefix(client: &Client, prefix: &str) -> Result<Approval, Failure> {
    if prefix.len() < PREFIX_MIN {
        let text = format!("{prefix:?} is too short: give at least {PREFIX_MIN} digits of the id");
        return Err(Failure::Usage(text));
    }
    let open = ApprovalQuery { state: Some(ApprovalState::Open), ..ApprovalQuery::default() };
    let open = client.all_approvals(&open).await?;
    if let Some(found) = the_one(open, prefix)? {
        return Ok(found);
    }
    // Whoever votes late shall learn who was first, not that there is nothing.
    let query = ApprovalQuery {
        state: Some(ApprovalState::Decided),
        limit: Some(DECIDED_MAX),
        ..ApprovalQuery::default()
    };
    let decided = client.approvals(&query).await?.approvals;
    the_one(decided, prefix)?.ok_or_else(|| {
        let text = format!("no approval begins with {prefix}; see: tidegate approvals");
        Failure::NotFound(text)
    })
}

fn the_one(approvals: Vec<Approval>, prefix: &str) -> Result<Option<Approval>, Failure> {
    let prefix = prefix.to_ascii_lowercase();
    let mut matching = approvals.into_iter().filter(|approval| approval.id.starts_with(&prefix));
    let first = matching.next();
    match matching.next() {
        None => Ok(first),
        Some(second) => {
            let ids = [first.as_ref(), Some(&second)].into_iter().flatten();
            let ids: Vec<_> = ids.map(|one| format!("{} ({})", one.id, place(one))).collect();
            let text = format!("{prefix} may mean {}; give more digits", ids.join(" or "));
            Err(Failure::Usage(text))
        }
    }
}

async fn by_context(client: &Client, context: &str) -> Result<Approval, Failure> {
    let query = ApprovalQuery {
        state: Some(ApprovalState::Open),
        context: Some(context),
        ..ApprovalQuery::default()
    };
    let mut open = client.all_approvals(&query).await?;
    match open.len() {
        0 => Err(Failure::NotFound(format!("delivery {context} waits for nobody"))),
        1 => Ok(open.remove(0)),
        _ => {
            let ids: Vec<_> =
                open.iter().map(|one| format!("{} ({})", one.id, place(one))).collect();
            let text = format!("delivery {context} waits for {}; name one", ids.join(" and "));
            Err(Failure::Usage(text))
        }
    }
}
