//! Stopping a delivery, after asking.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use tidegate_core::names::{ContextId, ProjectName};
use tidegate_core::sequence::{Context, Control, ExecutionState};
use tidegate_store::{ExecutionSummary, SequenceFilter};

use crate::form::Signed;
use crate::frame::{Frame, Place, Section, html, waiting};
use crate::problem::{Problem, see_other};
use crate::state::BridgeState;
use crate::view::Text;
use crate::visitor::Visitor;

#[derive(Template)]
#[template(path = "abort.html")]
struct AbortPage {
    frame: Frame,
    sequence: Text,
    service: Text,
    href: String,
    /// What stops, a line each; empty where nothing is under way any more.
    stops: Vec<Text>,
}

/// `GET …/abort`
pub(crate) async fn page(
    State(state): State<BridgeState>,
    visitor: Visitor,
    Path((project, context)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let (project, context) = parse(&project, &context)?;
    let name = project.clone();
    let read = state.engine.read(move |reader| {
        let filter = SequenceFilter { contexts: vec![context], ..SequenceFilter::default() };
        let found = reader.sequences(&name, &filter, 0, Some(1))?.items.into_iter().next();
        Ok((found, reader.executions(&name, context)?, waiting(reader)?))
    });
    let (found, executions, waiting) = read.await?;
    let Context { name, service, .. } = found.ok_or(Problem::NotFound("delivery"))?;
    let page = AbortPage {
        sequence: Text::line(&name),
        service: Text::line(&service),
        href: format!("/bridge/project/{project}/sequence/{context}"),
        stops: executions.iter().filter_map(stops).collect(),
        frame: Frame::new(
            &visitor,
            Text::line("Abort"),
            Place::Project(project, Section::Sequences),
            waiting,
        ),
    };
    html(&page, StatusCode::OK)
}

fn stops(summary: &ExecutionSummary) -> Option<Text> {
    let execution = &summary.execution;
    let (stage, sequence) = (&execution.scope.stage, &execution.sequence);
    let task = execution.task().map_or("the next task", |task| task.name.as_str());
    let text = match &execution.state {
        ExecutionState::Finished { .. }
        | ExecutionState::Aborted { .. }
        | ExecutionState::TimedOut { .. } => return None,
        ExecutionState::Running { .. } => {
            format!(
                "{sequence} in {stage}: {task} is running; a job that Tidegate runs is told to stop"
            )
        }
        ExecutionState::WaitingForApproval { .. } => {
            format!("{sequence} in {stage}: the approval closes, undecided")
        }
        ExecutionState::Resolving
        | ExecutionState::Throttled { .. }
        | ExecutionState::Waiting
        | ExecutionState::Paused { .. }
        | ExecutionState::Delayed { .. }
        | ExecutionState::Ready { .. } => {
            format!("{sequence} in {stage}: {task} does not start")
        }
    };
    Some(Text::line(text))
}

/// `POST …/abort`
pub(crate) async fn abort(
    State(state): State<BridgeState>,
    Path((project, context)): Path<(String, String)>,
    signed: Signed,
) -> Result<Response, Problem> {
    let (project, context) = parse(&project, &context)?;
    let by = &signed.visitor.principal;
    state.engine.control(Control::Abort, project.clone(), context, None, by).await?;
    Ok(see_other(&format!("/bridge/project/{project}/sequence/{context}")))
}

/// Reads the two names in a delivery's address.
pub(super) fn parse(project: &str, context: &str) -> Result<(ProjectName, ContextId), Problem> {
    let missing = || Problem::NotFound("delivery");
    let project = ProjectName::new(project).map_err(|_| missing())?;
    Ok((project, context.parse().map_err(|_| missing())?))
}
