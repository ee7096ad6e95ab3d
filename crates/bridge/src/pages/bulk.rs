//! Several approvals approved at once: each is judged alone, and each says what came of it.

use askama::Template;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use tidegate_core::approval::{Approval, ApprovalState, Decision, Subject};
use tidegate_core::names::EventId;
use tidegate_engine::{Ballot, Failure};

use super::approval::SOURCE;
use crate::form::Signed;
use crate::frame::{Frame, Place, html, waiting};
use crate::problem::{Problem, see_other};
use crate::state::BridgeState;
use crate::view::{Status, Text, Verdict, image_or, needs_reason};
use crate::visitor::Visitor;

/// Most approvals of one form: a page of cards.
const PICKED_MAX: usize = 25;

#[derive(Template)]
#[template(path = "bulk.html")]
struct BulkPage {
    frame: Frame,
    heading: String,
    outcomes: Vec<Outcome>,
}

/// What came of one of them.
struct Outcome {
    id: String,
    what: Text,
    stage: Text,
    status: Status,
    /// Who decided, or why nothing was done.
    text: Text,
}

/// `POST /bridge/approvals/decide`, with `pick=<id>:<subject>` for each: approves those whose gate has
/// passed and that are still what was seen.
pub(crate) async fn decide(
    State(state): State<BridgeState>,
    signed: Signed,
) -> Result<Response, Problem> {
    let Signed { visitor, fields } = signed;
    let picked: Vec<(EventId, Subject)> =
        fields.all("pick").filter_map(parse).take(PICKED_MAX).collect();
    for (id, subject) in &picked {
        let (id, subject) = (*id, *subject);
        let Some(approval) = state.engine.read(move |reader| reader.approval(id)).await? else {
            continue;
        };
        if needs_a_look(&approval).is_some() {
            continue;
        }
        let ballot = Ballot {
            project: approval.scope.project.clone(),
            approval: approval.id,
            decision: Decision::Approve,
            subject: Some(subject),
            comment: None,
            source: SOURCE.to_owned(),
        };
        match state.engine.vote(ballot, &visitor.principal).await {
            // The page that follows reads what is there now, and so says why.
            Ok(_) | Err(Failure::Refused(_)) => {}
            Err(failure) => return Err(failure.into()),
        }
    }
    let ids: Vec<String> = picked.iter().map(|(id, _)| format!("id={id}")).collect();
    Ok(see_other(&format!("/bridge/approvals/decided?{}", ids.join("&"))))
}

/// `GET /bridge/approvals/decided?id=…`: how each of them stands.
pub(crate) async fn page(
    State(state): State<BridgeState>,
    visitor: Visitor,
    Query(query): Query<Vec<(String, String)>>,
) -> Result<Response, Problem> {
    let ids: Vec<EventId> = query
        .iter()
        .filter(|(key, _)| key == "id")
        .filter_map(|(_, id)| id.parse().ok())
        .take(PICKED_MAX)
        .collect();
    let read = state.engine.read(move |reader| {
        let found = ids.into_iter().map(|id| reader.approval(id));
        let found: Vec<Option<Approval>> = found.collect::<Result<_, _>>()?;
        Ok((found, waiting(reader)?))
    });
    let (found, waiting) = read.await?;
    let found: Vec<Approval> = found.into_iter().flatten().collect();
    let mine = |approval: &&Approval| {
        let decided = approval.decided();
        decided.is_some_and(|d| d.by == visitor.principal && d.decision == Decision::Approve)
    };
    let done = found.iter().filter(mine).count();
    let heading = match found.len() - done {
        0 if done == 0 => "Nothing was selected".to_owned(),
        0 => format!("{done} approved"),
        left => format!("{done} approved, {left} not"),
    };
    let page = BulkPage {
        outcomes: found.iter().map(|approval| outcome(approval, &visitor)).collect(),
        frame: Frame::new(&visitor, Text::line(&heading), Place::Inbox, waiting),
        heading,
    };
    html(&page, StatusCode::OK)
}

/// `<id>:<subject>`
fn parse(text: &str) -> Option<(EventId, Subject)> {
    let (id, subject) = text.split_once(':')?;
    Some((id.parse().ok()?, subject.parse().ok()?))
}

/// Why an approval is not approved beside others; none where it may be.
fn needs_a_look(approval: &Approval) -> Option<&'static str> {
    if needs_reason(approval, Decision::Approve) {
        return Some(match approval.result.as_str() {
            "warning" => "Not approved: the result was a warning, which needs a reason.",
            "fail" => "Not approved: the gate has failed, and overriding it needs a reason.",
            _ => "Not approved: an evaluation was declared invalid, which needs a reason.",
        });
    }
    (approval.result != "pass").then_some("Not approved: no gate has passed before it.")
}

fn outcome(approval: &Approval, visitor: &Visitor) -> Outcome {
    let (status, text) = match &approval.state {
        ApprovalState::Decided(decided) => {
            let verdict = Verdict::new(approval, decided, visitor);
            let why = verdict.comment.map(|why| format!(": “{why}”")).unwrap_or_default();
            let text = format!("{} {} it{why}.", verdict.by.subject(), verdict.done);
            (verdict.status, text)
        }
        ApprovalState::Closed { reason, .. } => {
            (Status::Aborted, format!("Nobody has to decide it any more: {reason}."))
        }
        ApprovalState::Open => {
            let stale = "Not approved: it changed while you were looking.";
            (Status::NeedsApproval, needs_a_look(approval).unwrap_or(stale).to_owned())
        }
    };
    Outcome {
        id: approval.id.to_string(),
        what: image_or(approval.image.as_deref(), &approval.scope.service),
        stage: Text::line(&approval.scope.stage),
        status,
        text: Text::line(text),
    }
}
