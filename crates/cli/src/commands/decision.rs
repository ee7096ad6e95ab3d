//! What `approve` and `decline` share: show, vote, tell.

use jiff::Timestamp;
use tidegate_client::{Approval, ApprovalState, Client, ClientError, Decided, Decision, Refusal};

use crate::failure::Failure;
use crate::find::Which;
use crate::format::Format;
use crate::screen::Screen;
use crate::text;

pub(super) struct Vote {
    pub(super) decision: Decision,
    pub(super) comment: Option<String>,
    pub(super) blind: bool,
}

/// Shows an approval and votes on what was shown.
pub(super) async fn cast(
    client: &Client,
    which: &Which,
    vote: &Vote,
    output: Format,
    screen: &mut Screen<'_>,
) -> Result<(), Failure> {
    let shown = which.find(client).await?;
    show(&shown, screen)?;
    let subject = if vote.blind { None } else { Some(shown.subject.as_str()) };
    let comment = vote.comment.as_deref();
    let decided = client.decide(&shown.id, vote.decision, subject, comment).await;
    let approval = decided.map_err(|error| explain(error, &shown, vote.decision))?;
    if shown.decided.is_some() {
        let done = vote.decision.done();
        screen
            .note(&format!("it was {done} before; nothing was changed, and no comment was kept"))?;
    }
    match output {
        Format::Table => screen.data(&outcome(&approval, vote.decision)),
        Format::Json | Format::Yaml => screen.value(output, &approval),
    }
}

/// What is asked, in a few lines.
fn show(approval: &Approval, screen: &mut Screen<'_>) -> Result<(), Failure> {
    screen.note(&headline(approval))?;
    screen.note_facts(&facts(approval, Timestamp::now()))
}

/// Which approval it is, and where it stands.
pub(super) fn headline(approval: &Approval) -> String {
    format!("{} {}", text::place(approval), standing(approval))
}

/// What would change, who asks, and exactly what a vote is about.
pub(super) fn facts(approval: &Approval, now: Timestamp) -> Vec<(&'static str, String)> {
    let image = approval.image.as_deref().unwrap_or("no image");
    let release = match &approval.replaces {
        Some(replaced) => format!("{} → {image}", replaced.image),
        None => format!("nothing → {image}"),
    };
    let age = text::age(&approval.asked_at, now);
    let asked = format!("{age} ago, triggered by {}", approval.triggered_by);
    let mut facts = vec![("release", release), ("asked", asked)];
    if approval.result == "fail" {
        let gate = "has failed; approving overrides it and needs a reason";
        facts.push(("gate", gate.to_owned()));
    }
    for what in &approval.revised {
        facts.push(("changed", format!("{what}, since this was asked")));
    }
    if !approval.labels.is_empty() {
        let labels: Vec<_> =
            approval.labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
        facts.push(("labels", labels.join(", ")));
    }
    facts.push(("id", approval.id.clone()));
    facts.push(("subject", text::fingerprint(&approval.subject)));
    facts
}

/// Where it stands, before the vote.
fn standing(approval: &Approval) -> String {
    match (approval.state, &approval.decided) {
        (_, Some(decided)) => {
            let past = if approval.overridden { ", its failed gate overridden" } else { "" };
            format!("was {} by {}{past}", decided.decision.done(), decided.by)
        }
        (ApprovalState::Closed, None) => "does not wait any more".to_owned(),
        (ApprovalState::Open | ApprovalState::Decided, None) => "waits for a decision".to_owned(),
    }
}

/// "approved fulltour/production/helloservice hello:v2 (ada, 2026-11-24T18:00:00Z)"
fn outcome(approval: &Approval, decision: Decision) -> String {
    let mut line = format!("{} {}", decision.done(), text::place(approval));
    if let Some(image) = &approval.image {
        line.push(' ');
        line.push_str(image);
    }
    // The first of those who said the same, which need not be us.
    if let Some(Decided { by, at, .. }) = &approval.decided {
        line.push_str(&format!(" ({by}, {})", text::moment(at)));
    }
    if approval.overridden {
        line.push_str(", its failed gate overridden");
    }
    line
}

fn verb(decision: Decision) -> &'static str {
    match decision {
        Decision::Approve => "approve",
        Decision::Decline => "decline",
    }
}

/// Who was first, or what has changed; other errors as they are.
fn explain(error: ClientError, shown: &Approval, wanted: Decision) -> Failure {
    let Some(refusal) = error.refusal().filter(|refusal| refusal.status == 409) else {
        return error.into();
    };
    Failure::Refused(match refusal {
        Refusal { decided: Some(decided), .. } => {
            let Decided { decision, by, at, comment, .. } = decided;
            let why = comment.as_ref().map_or(String::new(), |comment| format!(": {comment}"));
            format!("refused: {by} {} this at {}{why}", decision.done(), text::moment(at))
        }
        Refusal { subject: Some(subject), changed, message, .. } => format!(
            "refused: {}. You saw {}, now it is {}; look again and decide: tidegate {} {}",
            changed.as_ref().unwrap_or(message).trim_end_matches('.'),
            text::fingerprint(&shown.subject),
            text::fingerprint(subject),
            verb(wanted),
            shown.id,
        ),
        Refusal { message, .. } => format!("refused: {message}"),
    })
}
