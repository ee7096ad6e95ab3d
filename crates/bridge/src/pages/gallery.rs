//! Every component in every state, in debug builds only: what style changes are checked against.

use std::collections::BTreeMap;

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;
use jiff::{SignedDuration, Timestamp};
use tidegate_core::approval::{Approval, ApprovalState, Comment, Decided, Decision};
use tidegate_core::event::Scope;
use tidegate_core::names::{
    CommitId, ContextId, EventId, ExecutionId, ProjectName, SequenceName, ServiceName, StageName,
    TaskName,
};
use tidegate_core::principal::{Principal, PrincipalName};
use tidegate_core::sequence::{Commits, Deployed, Evidence};
use tidegate_engine::Failure;

use crate::frame::{Frame, Place, html};
use crate::problem::Problem;
use crate::view::{Asked, Card, Chip, Paddle, Standing, Status, Text, When, Who};
use crate::visitor::{Taste, Visitor};

#[derive(Template)]
#[template(path = "gallery.html")]
pub(crate) struct GalleryPage {
    pub(crate) frame: Frame,
    pub(crate) chips: Vec<Chip>,
    pub(crate) paddles: [Paddle; 5],
    pub(crate) cards: Vec<Card>,
    pub(crate) by: Who,
    pub(crate) when: When,
}

/// `GET /bridge/dev/gallery`
pub(crate) async fn page(taste: Taste) -> Result<Response, Problem> {
    let visitor = Visitor { taste, ..visitor() };
    html(&gallery(&visitor, &BTreeMap::new()), StatusCode::OK)
}

/// `GET /bridge/dev/failure`: what a mistake of the server looks like.
pub(crate) async fn failure() -> Problem {
    Problem::Failed(Failure::Internal("0123456789ab".to_owned()))
}

/// The page, with more labels on its cards.
pub(crate) fn gallery(visitor: &Visitor, labels: &BTreeMap<String, String>) -> GalleryPage {
    let mut number = 0;
    let mut asked = |state| {
        number += 1;
        let mut approval = approval(number, visitor.now, state);
        approval.labels.extend(labels.clone());
        approval
    };
    let card = |approval: &Approval| {
        let deployed = deployed(visitor.now);
        Card::new(&Asked { deployed, ..Asked::alone(approval.clone()) }, visitor)
    };
    let warning = Approval { result: "warning".to_owned(), ..asked(ApprovalState::Open) };
    let error = "Say why: whoever sent this delivery reads it.".to_owned();
    let first =
        Approval { evidence: Vec::new(), result: String::new(), ..asked(ApprovalState::Open) };
    let closed =
        ApprovalState::Closed { reason: "aborted by ada".to_owned(), at: ago(visitor.now, 30) };
    GalleryPage {
        frame: Frame::new(visitor, Text::line("Gallery"), Place::Nowhere, 3),
        by: Who::new(&person("grace"), &visitor.principal),
        when: When::new(ago(visitor.now, 750), visitor.now),
        chips: Status::ALL.into_iter().map(Chip::plain).collect(),
        paddles: Paddle::ALL,
        cards: vec![
            card(&asked(ApprovalState::Open)).unfolded(),
            card(&warning),
            card(&asked(ApprovalState::Open)).with_reason(String::new(), Some(error)),
            Card::new(&Asked::alone(first), visitor),
            card(&asked(decided(visitor.now, Decision::Approve, ""))),
            card(&asked(decided(visitor.now, Decision::Decline, "error budget spent"))),
            card(&asked(closed)),
        ],
    }
}

/// Somebody who looks at the gallery.
pub(crate) fn visitor() -> Visitor {
    let now = Timestamp::from_second(1_795_528_800).expect("a time in 2026");
    Visitor {
        principal: person("ada"),
        csrf: "csrf-token".to_owned(),
        now,
        expires: now + SignedDuration::from_hours(12),
        position: "0-0".parse().expect("a position"),
        session: [0; 32],
        taste: Taste { theme: crate::visitor::Theme::System, keys: true },
        whole: true,
    }
}

fn person(name: &str) -> Principal {
    Principal::Person(PrincipalName::new(name).expect("a plain name"))
}

fn ago(now: Timestamp, seconds: i64) -> Timestamp {
    now - SignedDuration::from_secs(seconds)
}

fn decided(now: Timestamp, decision: Decision, why: &str) -> ApprovalState {
    ApprovalState::Decided(Decided {
        decision,
        by: person("grace"),
        at: ago(now, 400),
        comment: Comment::parse(why).expect("a short comment"),
        seen: None,
        event: EventId::from_bytes([9; 16]),
    })
}

fn deployed(now: Timestamp) -> Vec<Deployed> {
    vec![Deployed {
        image: "ghcr.io/tidegate/hello:v0.1.0".to_owned(),
        context: ContextId::from_bytes([3; 16]),
        event: EventId::from_bytes([4; 16]),
        at: ago(now, 6 * 86_400),
        overridden: None,
    }]
}

fn approval(number: u8, now: Timestamp, state: ApprovalState) -> Approval {
    let commit = CommitId::new(&"4f".repeat(20)).expect("40 digits");
    let stage = StageName::new("production").expect("a plain name");
    let evidence = |task: &str, digit: u8| Evidence {
        stage: StageName::new("qa").expect("a plain name"),
        task: TaskName::new(task).expect("a plain name"),
        result: "pass".to_owned(),
        event: EventId::from_bytes([digit; 16]),
        digest: format!("{digit:x}").repeat(64),
        asked: None,
        score: None,
        invalid: None,
    };
    let labels =
        [("build", "https://ci.example/tidegate/hello/builds/1187"), ("version", "v0.1.1")];
    Approval {
        id: EventId::from_bytes([number; 16]),
        n: number.into(),
        scope: Scope {
            project: ProjectName::new("tour").expect("a plain name"),
            stage,
            service: ServiceName::new("hello").expect("a plain name"),
        },
        sequence: SequenceName::new("delivery").expect("a plain name"),
        execution: ExecutionId::from_bytes([2; 16]),
        context: ContextId::from_bytes([3; 16]),
        asked_at: ago(now, 720),
        triggered_by: Principal::Machine(PrincipalName::new("ci-main").expect("a plain name")),
        image: Some("ghcr.io/tidegate/hello:v0.1.1".to_owned()),
        change: "0".repeat(64),
        commits: Commits { shipyard: commit.clone(), stage: Some(commit), stale: None },
        evidence: vec![evidence("test", 5), evidence("evaluation", 6)],
        former: Vec::new(),
        labels: labels.map(|(key, value)| (key.to_owned(), value.to_owned())).into(),
        result: "pass".to_owned(),
        policy: None,
        then: vec!["deployment".to_owned(), "release".to_owned()],
        state,
    }
}
