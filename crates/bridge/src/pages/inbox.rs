//! The approvals that wait, oldest first, and what was decided last.

use std::collections::HashMap;

use askama::Template;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use jiff::Timestamp;
use tidegate_core::approval::Approval;
use tidegate_core::sequence::{Context, Deployed};
use tidegate_store::{ApprovalFilter, ApprovalState, Reader, SequenceFilter, StoreError};

use super::sequences::offset;
use crate::frame::{Frame, Place, html};
use crate::problem::Problem;
use crate::state::BridgeState;
use crate::view::{Card, Standing, Text, Verdict, seconds_between, span};
use crate::visitor::Visitor;

/// Cards on one page.
const PAGE: u64 = 25;
/// Former decisions below the cards.
const DECIDED: u64 = 10;

#[derive(Template)]
#[template(path = "inbox.html")]
struct InboxPage {
    frame: Frame,
    summary: String,
    cards: Vec<Card>,
    decided: Vec<Done>,
    newer: Option<u64>,
    older: Option<u64>,
}

/// A decision, on one line.
struct Done {
    id: String,
    href: String,
    what: Text,
    stage: Text,
    verdict: Verdict,
}

/// An approval with what its card needs to know beyond it.
pub(super) struct Asked {
    pub(super) approval: Approval,
    pub(super) deployed: Vec<Deployed>,
    pub(super) context: Option<Context>,
}

impl Asked {
    /// Reads what a card needs to know.
    ///
    /// # Errors
    /// The store's own.
    pub(super) fn read(reader: &dyn Reader, approval: Approval) -> Result<Self, StoreError> {
        let scope = &approval.scope;
        let deployed = reader.deployed(&scope.project, &scope.stage, &scope.service)?;
        let filter =
            SequenceFilter { contexts: vec![approval.context], ..SequenceFilter::default() };
        let context = reader.sequences(&scope.project, &filter, 0, Some(1))?;
        Ok(Self { deployed, context: context.items.into_iter().next(), approval })
    }

    /// The card.
    pub(super) fn card(&self, visitor: &Visitor) -> Card {
        Card::new(&self.approval, &self.deployed, self.context.as_ref(), visitor)
    }
}

/// `GET /bridge/inbox`, with `offset`.
pub(crate) async fn page(
    State(state): State<BridgeState>,
    visitor: Visitor,
    Query(query): Query<HashMap<String, String>>,
) -> Result<Response, Problem> {
    let offset = offset(&query);
    let read = state.engine.read(move |reader| {
        let filter = |state| ApprovalFilter { state: Some(state), ..ApprovalFilter::default() };
        let open = reader.approvals(&filter(ApprovalState::Open), offset, PAGE)?;
        let oldest = match offset {
            0 => open.items.first().map(|approval| approval.asked_at),
            _ => reader
                .approvals(&filter(ApprovalState::Open), 0, 1)?
                .items
                .first()
                .map(|a| a.asked_at),
        };
        let asked = open.items.into_iter().map(|approval| Asked::read(reader, approval));
        let asked = asked.collect::<Result<Vec<_>, _>>()?;
        let decided = reader.approvals(&filter(ApprovalState::Decided), 0, DECIDED)?.items;
        Ok((asked, open.total, open.next, oldest, decided))
    });
    let (asked, total, next, oldest, decided) = read.await?;
    let mut cards: Vec<Card> = asked.iter().map(|asked| asked.card(&visitor)).collect();
    flag_older(&asked, &mut cards);
    let summary = summary(total, oldest, &decided, &visitor);
    let page = InboxPage {
        summary,
        cards: unfold_first(cards),
        decided: decided.iter().filter_map(|approval| done(approval, &visitor)).collect(),
        newer: (offset > 0).then(|| offset.saturating_sub(PAGE)),
        older: next,
        frame: Frame::new(&visitor, Text::line("Inbox"), Place::Inbox, total)
            .live("inbox".to_owned()),
    };
    html(&page, StatusCode::OK)
}

/// The evidence of the first card is what most people came for.
fn unfold_first(cards: Vec<Card>) -> Vec<Card> {
    let unfold = |(index, card): (usize, Card)| if index == 0 { card.unfolded() } else { card };
    cards.into_iter().enumerate().map(unfold).collect()
}

/// A newer candidate for the same place is worth knowing; it does not change what this one asks.
fn flag_older(asked: &[Asked], cards: &mut [Card]) {
    for (index, card) in cards.iter_mut().enumerate() {
        let this = &asked[index].approval;
        let newer = asked[index + 1..].iter().find(|other| other.approval.scope == this.scope);
        if let Some(newer) = newer {
            let image = newer.approval.image.as_deref().map(crate::view::short);
            let text = match image {
                Some(image) => format!("A newer candidate waits, too: {image}."),
                None => "A newer candidate waits, too.".to_owned(),
            };
            card.flags.push(Text::line(text));
        }
    }
}

fn summary(
    total: u64,
    oldest: Option<Timestamp>,
    decided: &[Approval],
    visitor: &Visitor,
) -> String {
    if let Some(oldest) = oldest {
        let waits = span(seconds_between(oldest, visitor.now));
        return match total {
            1 => format!("1 delivery waits for a decision, for {waits}."),
            _ => format!("{total} deliveries wait for a decision. The oldest: {waits}."),
        };
    }
    match decided.first().and_then(Approval::decided) {
        Some(last) => {
            let ago = span(seconds_between(last.at, visitor.now));
            let by = Text::line(last.by.to_string());
            format!("Nothing waits for you. Last decision {ago} ago, by {by}.")
        }
        None => "Nothing waits for you.".to_owned(),
    }
}

fn done(approval: &Approval, visitor: &Visitor) -> Option<Done> {
    let image = approval.image.as_deref();
    Some(Done {
        id: approval.id.to_string(),
        href: format!("/bridge/approval/{}", approval.id),
        what: image.map_or_else(|| Text::line(&approval.scope.service), crate::view::short),
        stage: Text::line(&approval.scope.stage),
        verdict: Verdict::new(approval.decided()?, visitor),
    })
}
