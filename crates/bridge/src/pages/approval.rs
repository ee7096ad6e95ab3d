//! One approval: its card, and the decision.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use tidegate_core::approval::{Approval, ApprovalState, Comment, Decided, Decision, Subject};
use tidegate_core::names::EventId;
use tidegate_core::sequence::Refusal;
use tidegate_engine::{Ballot, Failure};

use crate::form::{Fields, Signed};
use crate::frame::{Frame, Place, html, waiting};
use crate::live::Topic;
use crate::problem::{Problem, see_other};
use crate::state::BridgeState;
use crate::view::{Asked, Card, Standing, Text, Who, needs_reason, seconds_between, span};
use crate::visitor::Visitor;

/// `source` of the decisions made here. Keptn 1.4: clients know the Bridge by it.
pub(super) const SOURCE: &str = "https://github.com/keptn/keptn/bridge#approval.finished";

#[derive(Template)]
#[template(path = "approval.html")]
struct ApprovalPage {
    frame: Frame,
    card: Card,
    notice: Option<Notice>,
}

/// What happened to a decision that was not used.
struct Notice {
    heading: String,
    text: Text,
}

/// `GET /bridge/approval/{id}`
pub(crate) async fn page(
    State(state): State<BridgeState>,
    visitor: Visitor,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let (asked, waiting) = read(&state, &id).await?;
    let card = Card::new(&asked, &visitor);
    show(card, None, waiting, &visitor, StatusCode::OK)
}

/// `POST /bridge/approval/{id}/decision`, with `decision`, `subject` and `comment`.
pub(crate) async fn decide(
    State(state): State<BridgeState>,
    Path(id): Path<String>,
    signed: Signed,
) -> Result<Response, Problem> {
    let Signed { visitor, fields } = signed;
    let (asked, waiting) = read(&state, &id).await?;
    let vote = match Vote::read(&fields, &asked.approval) {
        Ok(vote) => vote,
        Err(error) => {
            let typed = fields.get("comment").to_owned();
            let card = Card::new(&asked, &visitor).with_reason(typed, Some(error));
            return show(card, None, waiting, &visitor, StatusCode::UNPROCESSABLE_ENTITY);
        }
    };
    let decision = vote.decision;
    let ballot = Ballot {
        project: asked.approval.scope.project.clone(),
        approval: asked.approval.id,
        decision,
        subject: vote.subject,
        comment: vote.comment,
        source: SOURCE.to_owned(),
    };
    match state.engine.vote(ballot, &visitor.principal).await {
        Ok(decided) => Ok(see_other(&format!(
            "/bridge/project/{}/sequence/{}?outcome={}",
            asked.approval.scope.project, asked.approval.context, decided.event
        ))),
        Err(Failure::Refused(refusal)) => {
            let Some(notice) = notice(&refusal, decision, &visitor) else {
                return Err(Failure::Refused(refusal).into());
            };
            // What is there now, with the reason that was typed kept for another try.
            let (asked, waiting) = read(&state, &id).await?;
            let card =
                Card::new(&asked, &visitor).with_reason(fields.get("comment").to_owned(), None);
            show(card, Some(notice), waiting, &visitor, StatusCode::CONFLICT)
        }
        Err(failure) => Err(failure.into()),
    }
}

/// What a form says.
struct Vote {
    decision: Decision,
    subject: Option<Subject>,
    comment: Option<Comment>,
}

impl Vote {
    fn read(fields: &Fields, approval: &Approval) -> Result<Self, String> {
        let decision = match fields.get("decision") {
            "approve" => Decision::Approve,
            "decline" => Decision::Decline,
            _ => return Err("Choose Approve or Decline.".to_owned()),
        };
        // Once it is settled, who settled it is the better answer.
        let is_open = approval.state == ApprovalState::Open;
        // Every page of ours names what it shows. A form without it is none of ours.
        let subject = match fields.get("subject") {
            "" if !is_open => None,
            text => Some(text.parse::<Subject>().map_err(|error| format!("Not sent: {error}."))?),
        };
        let comment = Comment::parse(fields.get("comment")).map_err(|_| {
            "The reason is too long: 4,096 bytes at most. Link to a longer text.".to_owned()
        })?;
        if is_open && comment.is_none() && needs_reason(approval, decision) {
            return Err(match decision {
                Decision::Decline => "Say why: whoever sent this delivery reads it.".to_owned(),
                Decision::Approve if approval.overrides() => {
                    "Say why: the gate has failed, and this overrides it.".to_owned()
                }
                Decision::Approve if approval.has_invalid_evidence() => {
                    "Say why: the evaluation was declared invalid.".to_owned()
                }
                Decision::Approve => "Say why: the result was a warning.".to_owned(),
            });
        }
        Ok(Self { decision, subject, comment })
    }
}

/// A refusal in words; none where it is not about this vote.
fn notice(refusal: &Refusal, decision: Decision, visitor: &Visitor) -> Option<Notice> {
    let (heading, text) = match refusal {
        Refusal::AlreadyDecided(decided) => raced(decided, decision, visitor),
        Refusal::Closed(reason) => {
            ("Nobody has to decide this any more".to_owned(), format!("It was closed: {reason}."))
        }
        Refusal::Stale { changed, .. } => (
            format!("Not {}: this changed while you were looking", decision.done()),
            format!("{changed}. Nothing was sent. Review it again below."),
        ),
        _ => return None,
    };
    Some(Notice { heading, text: Text::line(text) })
}

/// "Grace declined this 3 s before you: 'error budget spent'. Your vote was not used."
fn raced(decided: &Decided, decision: Decision, visitor: &Visitor) -> (String, String) {
    let who = Who::new(&decided.by, &visitor.principal);
    let before = match seconds_between(decided.at, visitor.now) {
        0 => "just".to_owned(),
        seconds => span(seconds),
    };
    let why = match &decided.comment {
        Some(comment) => format!(": “{}”", comment.as_str()),
        None => String::new(),
    };
    let heading = format!("Not {}: this is decided already", decision.done());
    let done = decided.decision.done();
    let text =
        format!("{} {done} this {before} before you{why}. Your vote was not used.", who.subject());
    (heading, text)
}

async fn read(state: &BridgeState, id: &str) -> Result<(Asked, u64), Problem> {
    let missing = || Problem::NotFound("approval");
    let id: EventId = id.parse().map_err(|_| missing())?;
    let read = state.engine.read(move |reader| {
        let Some(approval) = reader.approval(id)? else { return Ok(None) };
        Ok(Some((Asked::read(reader, approval)?, waiting(reader)?)))
    });
    read.await?.ok_or_else(missing)
}

fn show(
    card: Card,
    notice: Option<Notice>,
    waiting: u64,
    visitor: &Visitor,
    status: StatusCode,
) -> Result<Response, Problem> {
    let title = Text::line(format!("{} to {}", card.what, card.stage));
    // A page that answers a form must stay as it is: asking again would answer another question.
    let is_live = matches!(&card.standing, Standing::Open(reason) if reason.error.is_none());
    let mut frame = Frame::new(visitor, title, Place::Inbox, waiting);
    if is_live && notice.is_none() {
        frame = frame.live(Topic::Context(card.context));
    }
    html(&ApprovalPage { frame, card: card.unfolded(), notice }, status)
}
