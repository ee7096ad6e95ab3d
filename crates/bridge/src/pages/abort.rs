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
use crate::view::{Text, image_of, image_or, short};
use crate::visitor::Visitor;

#[derive(Template)]
#[template(path = "abort.html")]
struct AbortPage {
    frame: Frame,
    sequence: Text,
    /// What it delivers.
    what: Text,
    href: String,
    /// What is being done now, a line each.
    runs: Vec<Text>,
    /// What does not happen any more.
    stops: Vec<Text>,
    /// What stays as it is.
    stays: Vec<Text>,
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
    let context = found.ok_or(Problem::NotFound("delivery"))?;
    let (runs, stops) = effects(&executions);
    let carried = executions.first().and_then(|first| image_of(&first.execution.carry));
    let image = context.stages.iter().find_map(|stage| stage.image.as_deref()).or(carried);
    let page = AbortPage {
        sequence: Text::line(&context.name),
        what: image_or(image, &context.service),
        href: format!("/bridge/project/{project}/sequence/{}", context.id),
        runs,
        stops,
        stays: stays(&context),
        frame: Frame::new(
            &visitor,
            Text::line("Abort"),
            Place::Project(project, Section::Sequences),
            waiting,
        ),
    };
    html(&page, StatusCode::OK)
}

/// What runs now, and what does not happen any more.
fn effects(executions: &[ExecutionSummary]) -> (Vec<Text>, Vec<Text>) {
    let (mut runs, mut stops) = (Vec::new(), Vec::new());
    for summary in executions {
        let run = &summary.execution;
        let (stage, sequence) = (&run.scope.stage, &run.sequence);
        let task = run.task().map_or("the next task", |task| task.name.as_str());
        match &run.state {
            ExecutionState::Finished { .. }
            | ExecutionState::Aborted { .. }
            | ExecutionState::TimedOut { .. } => continue,
            ExecutionState::Running { .. } => {
                let what = match &summary.open {
                    Some(open) if open.started == 0 => "nobody has taken it yet; it is taken back",
                    Some(open) if open.ours => "its job is told to stop, and ended after 10 s",
                    _ => "its executor is not told; what it answers changes nothing",
                };
                runs.push(format!("{task} in {stage}: {what}"));
            }
            ExecutionState::WaitingForApproval { .. } => {
                stops.push(format!("{sequence} in {stage}: the approval closes, undecided"));
            }
            ExecutionState::Resolving
            | ExecutionState::Throttled { .. }
            | ExecutionState::Waiting
            | ExecutionState::Paused { .. }
            | ExecutionState::Delayed { .. }
            | ExecutionState::Ready { .. } => {
                stops.push(format!("{task} in {stage} does not start"));
            }
        }
        let rest: Vec<&str> =
            run.tasks.iter().skip(run.previous.len() + 1).map(|task| task.name.as_str()).collect();
        if !rest.is_empty() {
            stops.push(format!("{sequence} in {stage} ends without {}", rest.join(", ")));
        }
        stops.push(format!("nothing follows {sequence} in {stage}"));
    }
    let lines = |texts: Vec<String>| texts.into_iter().map(Text::line).collect();
    (lines(runs), lines(stops))
}

/// An abort rolls nothing back.
fn stays(context: &Context) -> Vec<Text> {
    let asked = context.stages.iter().filter_map(|stage| Some((stage, stage.image.as_deref()?)));
    let line = |(stage, image): (&tidegate_core::sequence::StageState, &str)| {
        Text::line(format!("{} in {}, as far as its deployment has come", short(image), stage.name))
    };
    asked.map(line).collect()
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
