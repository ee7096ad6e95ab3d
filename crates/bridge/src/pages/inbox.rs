//! The approvals that wait, oldest first, and what was decided.

use askama::Template;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use jiff::Timestamp;
use tidegate_core::approval::Approval;
use tidegate_core::names::{ProjectName, ServiceName, StageName};
use tidegate_store::{ApprovalFilter, ApprovalState, Page, Reader, StoreError};

use crate::frame::{Frame, Place, html, waiting};
use crate::live::Topic;
use crate::next::encode;
use crate::problem::Problem;
use crate::state::BridgeState;
use crate::view::{Asked, Card, Standing, Status, Text, Verdict, seconds_between, span};
use crate::visitor::Visitor;

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

/// What the address asks for. What cannot be a name matches nothing, and is shown as it was given.
#[derive(Debug, Clone, Default, serde::Deserialize)]
pub(crate) struct Filter {
    #[serde(default)]
    view: View,
    #[serde(default)]
    project: String,
    #[serde(default)]
    stage: String,
    #[serde(default)]
    service: String,
    #[serde(default)]
    offset: String,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
enum View {
    /// Somebody has decided.
    Decided,
    /// A person must decide.
    #[default]
    #[serde(other)]
    Open,
}

impl Filter {
    /// The filter of the store; none where a name cannot be one.
    fn store(&self, state: ApprovalState) -> Option<ApprovalFilter> {
        let given = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Some(ApprovalFilter {
            state: Some(state),
            project: given(&self.project).map(ProjectName::new).transpose().ok()?,
            stage: given(&self.stage).map(StageName::new).transpose().ok()?,
            service: given(&self.service).map(ServiceName::new).transpose().ok()?,
            ..ApprovalFilter::default()
        })
    }

    fn offset(&self) -> u64 {
        self.offset.parse().unwrap_or(0)
    }

    /// Whether it leaves anything out.
    fn narrows(&self) -> bool {
        [&self.project, &self.stage, &self.service].iter().any(|text| !text.is_empty())
    }

    /// The address of the same, elsewhere in the list.
    fn at(&self, offset: u64) -> String {
        let offset = offset.to_string();
        let view = if self.view == View::Decided { "decided" } else { "" };
        let pairs = [
            ("view", view),
            ("project", &self.project),
            ("stage", &self.stage),
            ("service", &self.service),
            ("offset", if offset == "0" { "" } else { &offset }),
        ];
        let given = pairs.iter().filter(|(_, value)| !value.is_empty());
        let query: Vec<_> = given.map(|(key, value)| format!("{key}={}", encode(value))).collect();
        let question = if query.is_empty() { "" } else { "?" };
        format!("/bridge/inbox{question}{}", query.join("&"))
    }

    fn is_decided(&self) -> bool {
        self.view == View::Decided
    }
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
    let found = state.engine.read(move |reader| read(reader, &asked)).await?;
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
            .live(Topic::All),
        filter,
    };
    html(&page, StatusCode::OK)
}

fn read(reader: &dyn Reader, filter: &Filter) -> Result<Found, StoreError> {
    let list = |state, offset, limit| match filter.store(state) {
        Some(filter) => reader.approvals(&filter, offset, limit),
        None => Ok(Page { items: Vec::new(), total: 0, next: None }),
    };
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
            1 => format!("1 needs you, for {waits}."),
            _ => format!("{total} need you. The oldest waits for {waits}."),
        };
    }
    if filter.narrows() {
        return format!("Nothing that matches waits. {} in all.", found.waiting);
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
        what: image.map_or_else(|| Text::line(&approval.scope.service), crate::view::short),
        stage: Text::line(&approval.scope.stage),
        verdict: Verdict::new(approval.decided()?, visitor),
    })
}
