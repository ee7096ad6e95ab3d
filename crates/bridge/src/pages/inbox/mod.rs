//! The approvals that wait, oldest first, and what was decided.

mod filter;

use askama::Template;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use jiff::Timestamp;
use tidegate_core::approval::Approval;
use tidegate_store::{ApprovalState, PAGE_MAX, Page, Reader, StoreError};

use crate::assets::Asset;
use crate::frame::{Frame, Place, html, waiting};
use crate::live::Topic;
use crate::problem::Problem;
use crate::state::BridgeState;
use crate::view::{Asked, Card, Standing, Status, Text, Verdict, image_or, seconds_between, span};
use crate::visitor::Visitor;
use filter::Filter;

/// Cards on one page.
const PAGE: u64 = 25;
/// Former decisions on one page of their own, and below the cards.
const DECIDED: u64 = 50;
const DECIDED_LAST: u64 = 10;

#[derive(Template)]
#[template(path = "inbox.html")]
struct InboxPage {
    frame: Frame,
    summary: String,
    filter: Filter,
    groups: Vec<Group>,
    decided: Vec<Done>,
    newer: Option<String>,
    older: Option<String>,
}

/// Cards that are here for the same reason.
struct Group {
    /// The reason.
    word: &'static str,
    cards: Vec<Card>,
}

/// A decision, on one line.
struct Done {
    id: String,
    href: String,
    what: Text,
    stage: Text,
    verdict: Verdict,
}

/// What the store says.
struct Found {
    cards: Vec<Asked>,
    /// How many match.
    total: u64,
    next: Option<u64>,
    oldest: Option<Timestamp>,
    decided: Vec<Approval>,
    /// How many wait in all.
    waiting: u64,
}

/// `GET /bridge/inbox`, with `view`, `project`, `stage`, `service` and `offset`.
pub(crate) async fn page(
    State(state): State<BridgeState>,
    visitor: Visitor,
    Query(filter): Query<Filter>,
) -> Result<Response, Problem> {
    let asked = filter.clone();
    let now = visitor.now;
    let found = state.engine.read(move |reader| read(reader, &asked, now)).await?;
    let title = if filter.is_decided() { "Decided" } else { "Inbox" };
    let offset = filter.offset();
    let size = if filter.is_decided() { DECIDED } else { PAGE };
    let page = InboxPage {
        summary: summary(&filter, &found, &visitor),
        groups: groups(found.cards.iter().map(|asked| Card::new(asked, &visitor)).collect()),
        decided: found.decided.iter().filter_map(|approval| done(approval, &visitor)).collect(),
        newer: (offset > 0).then(|| filter.at(offset.saturating_sub(size))),
        older: found.next.map(|offset| filter.at(offset)),
        frame: Frame::new(&visitor, Text::line(title), Place::Inbox, found.waiting)
            .live(Topic::All)
            .with(Asset::Decide),
        filter,
    };
    html(&page, StatusCode::OK)
}

fn read(reader: &dyn Reader, filter: &Filter, now: Timestamp) -> Result<Found, StoreError> {
    let list = |state, offset, limit| filter.list(reader, state, (offset, limit), now);
    let (offset, waiting) = (filter.offset(), waiting(reader)?);
    if filter.is_decided() {
        let Page { items, total, next } = list(ApprovalState::Decided, offset, DECIDED)?;
        return Ok(Found { cards: Vec::new(), total, next, oldest: None, decided: items, waiting });
    }
    let Page { items, total, next } = list(ApprovalState::Open, offset, PAGE)?;
    let first = match offset {
        0 => items.first().cloned(),
        _ => list(ApprovalState::Open, 0, 1)?.items.into_iter().next(),
    };
    let cards = items.into_iter().map(|approval| Asked::read(reader, approval));
    Ok(Found {
        cards: cards.collect::<Result<_, _>>()?,
        total,
        next,
        oldest: first.map(|approval| approval.asked_at),
        decided: list(ApprovalState::Decided, 0, DECIDED_LAST)?.items,
        waiting,
    })
}

/// The cards by what the gate says, oldest first in each group. The evidence of the first card is what
/// most people came for.
fn groups(cards: Vec<Card>) -> Vec<Group> {
    const WORDS: [&str; 3] = ["Gate passed", "Gate warning", "No gate"];
    let mut groups = WORDS.map(|word| Group { word, cards: Vec::new() });
    for card in cards {
        let index = match card.result.as_ref().map(|chip| &chip.status) {
            Some(Status::Passed) => 0,
            Some(Status::Warning) => 1,
            _ => 2,
        };
        groups[index].cards.push(card);
    }
    let mut groups: Vec<Group> =
        groups.into_iter().filter(|group| !group.cards.is_empty()).collect();
    if let Some(first) = groups.first_mut().and_then(|group| group.cards.first_mut()) {
        first.unfolded = true;
    }
    groups
}

fn summary(filter: &Filter, found: &Found, visitor: &Visitor) -> String {
    let total = found.total;
    if filter.is_decided() {
        return match total {
            1 => "1 decision.".to_owned(),
            _ => format!("{total} decisions, newest first."),
        };
    }
    if let Some(oldest) = found.oldest {
        let waits = span(seconds_between(oldest, visitor.now));
        return match total {
            1 => format!("1 needs you. It has waited {waits}."),
            _ => format!("{total} need you. The oldest has waited {waits}."),
        };
    }
    if filter.searches() && found.waiting > PAGE_MAX {
        return format!("None of the oldest {PAGE_MAX} open approvals matches.");
    }
    if filter.narrows() {
        return match found.waiting {
            1 => "No open approval matches. 1 waits in all.".to_owned(),
            all => format!("No open approval matches. {all} wait in all."),
        };
    }
    match found.decided.first().and_then(Approval::decided) {
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
        what: image_or(image, &approval.scope.service),
        stage: Text::line(&approval.scope.stage),
        verdict: Verdict::new(approval, approval.decided()?, visitor),
    })
}
