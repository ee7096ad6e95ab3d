//! What another `slo.yaml` would have decided over the evaluations that have been, before it is pushed.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use tidegate_core::event::Scope;
use tidegate_core::quality::{Slo, lint, reach, replay};

use super::{Judged, quality_href, scope};
use crate::form::Signed;
use crate::frame::{Frame, Place, Section, html, waiting};
use crate::pages::evaluation::current;
use crate::problem::Problem;
use crate::state::BridgeState;
use crate::view::evaluation::{Replay, Would, history};
use crate::view::{Excerpt, Text, excerpt};
use crate::visitor::Visitor;

/// Longest form, in bytes: a long file, encoded.
pub(crate) const FORM_BYTES_MAX: usize = 512 * 1024;
/// Evaluations that are judged again.
const JUDGED_AGAIN: usize = 90;

#[derive(Template)]
#[template(path = "replay.html")]
struct ReplayPage {
    frame: Frame,
    project: Text,
    service: Text,
    stage: Text,
    path: String,
    /// How many evaluations there are to judge again.
    count: usize,
    /// The file, as it was typed.
    slo: String,
    error: Option<String>,
    /// The lines around the place that is wrong.
    excerpt: Option<Excerpt>,
    /// What the file does otherwise than it reads.
    findings: Vec<Text>,
    replay: Option<Replay>,
}

/// What was found wrong with a file, or what it would have decided.
#[derive(Default)]
struct Answer {
    error: Option<String>,
    excerpt: Option<Excerpt>,
    findings: Vec<Text>,
    replay: Option<Replay>,
}

/// `GET …/replay`: with the file that is in force, or the one that was judged by last.
pub(crate) async fn page(
    State(state): State<BridgeState>,
    visitor: Visitor,
    Path(path): Path<(String, String, String)>,
) -> Result<Response, Problem> {
    let scope = scope(path)?;
    let (newest, waiting) = read(&state, &scope, JUDGED_AGAIN).await?;
    let in_force = current(&state, &scope).await.flatten();
    let judged_by = || newest.iter().find_map(|judged| judged.details()?.slo());
    let slo = in_force.or_else(judged_by).unwrap_or_default();
    show(&scope, &newest, slo, Answer::default(), waiting, &visitor, StatusCode::OK)
}

/// `POST …/replay`, with `slo`. Nothing is written.
pub(crate) async fn run(
    State(state): State<BridgeState>,
    Path(path): Path<(String, String, String)>,
    signed: Signed,
) -> Result<Response, Problem> {
    let Signed { visitor, fields } = signed;
    let scope = scope(path)?;
    let (newest, waiting) = read(&state, &scope, reach(JUDGED_AGAIN)).await?;
    // Browsers send line ends as they are in mails.
    let slo = fields.get("slo").replace("\r\n", "\n");
    let answer = judge_again(&slo, &newest, &visitor);
    let status = match answer.error {
        Some(_) => StatusCode::UNPROCESSABLE_ENTITY,
        None => StatusCode::OK,
    };
    show(&scope, &newest, slo, answer, waiting, &visitor, status)
}

async fn read(
    state: &BridgeState,
    scope: &Scope,
    count: usize,
) -> Result<(Vec<Judged>, u64), Problem> {
    let place = scope.clone();
    let count = u64::try_from(count).unwrap_or(u64::MAX);
    let read = state.engine.read(move |reader| {
        if reader.project(&place.project)?.is_none() {
            return Ok(None);
        }
        Ok(Some((Judged::read(reader, &place, 0, count)?.items, waiting(reader)?)))
    });
    read.await?.ok_or(Problem::NotFound("project"))
}

fn judge_again(text: &str, newest: &[Judged], visitor: &Visitor) -> Answer {
    let wrong = |error: String| Answer {
        excerpt: excerpt(text, &error),
        error: Some(format!("slo.yaml:{error}")),
        ..Answer::default()
    };
    if text.trim().is_empty() {
        let error = Some("Write an slo.yaml: without one, everything passes.".to_owned());
        return Answer { error, ..Answer::default() };
    }
    let slo = match Slo::parse(text) {
        Ok(slo) => slo,
        Err(error) => return wrong(error.to_string()),
    };
    let findings = lint(text).iter().map(|finding| Text::line(finding.to_string())).collect();
    match replay(&slo, &history(newest)) {
        Ok(replayed) => {
            let replay = Some(Replay::new(&replayed, last(newest), visitor));
            Answer { findings, replay, ..Answer::default() }
        }
        Err(error) => {
            Answer { error: Some(format!("slo.yaml: {error}.")), findings, ..Answer::default() }
        }
    }
}

/// Those that are judged again, without those that they are compared with only.
fn last(newest: &[Judged]) -> &[Judged] {
    &newest[..newest.len().min(JUDGED_AGAIN)]
}

fn show(
    scope: &Scope,
    newest: &[Judged],
    slo: String,
    answer: Answer,
    waiting: u64,
    visitor: &Visitor,
    status: StatusCode,
) -> Result<Response, Problem> {
    let Answer { error, excerpt, findings, replay } = answer;
    let title = Text::line(format!("Replay of {} in {}", scope.service, scope.stage));
    let page = ReplayPage {
        count: last(newest).len(),
        path: quality_href(scope),
        project: Text::line(&scope.project),
        service: Text::line(&scope.service),
        stage: Text::line(&scope.stage),
        slo,
        error,
        excerpt,
        findings,
        replay,
        frame: Frame::new(
            visitor,
            title,
            Place::Project(scope.project.clone(), Section::Quality),
            waiting,
        ),
    };
    html(&page, status)
}
