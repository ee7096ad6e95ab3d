//! What is known of the problem that an alert is about.

use tidegate_core::event::{Event, EventType, Scope};
use tidegate_core::names::ContextId;
use tidegate_core::remediation;
use tidegate_core::sequence::{Before, Execution, ExecutionState};
use tidegate_core::shipyard::Shipyard;
use tidegate_engine::{Engine, Failure};
use tidegate_store::EventFilter;

/// What has become of a problem so far.
pub(super) enum Tried {
    /// A remediation was begun, or waits to begin.
    Begun,
    /// Nothing came of any of so many tries: none could start, such as because the shipyard could not be read.
    InVain(usize),
}

/// Looks at what was triggered in the context of a problem.
pub(super) async fn tried(
    engine: &Engine,
    scope: &Scope,
    context: ContextId,
) -> Result<Tried, Failure> {
    let all = executions(engine, scope, context).await?;
    Ok(match all.iter().all(could_not_start) {
        true => Tried::InVain(all.len()),
        false => Tried::Begun,
    })
}

/// One that has ended by itself has had a task, unless it could not start.
fn could_not_start(execution: &Execution) -> bool {
    matches!(execution.state, ExecutionState::Finished { .. }) && execution.previous.is_empty()
}

/// Why nothing would remedy a problem; none where a sequence can begin. An upstream is asked before something
/// is said to be missing.
pub(super) async fn unremedied(engine: &Engine, scope: &Scope) -> Result<Option<String>, Failure> {
    let reason = by_what_is_known(engine, scope).await?;
    if reason.is_none() || !engine.upstreams().has(&scope.project) {
        return Ok(reason);
    }
    if let Err(error) = engine.refresh(&scope.project).await {
        let project = &scope.project;
        tracing::warn!(%project, %error, "an alert goes by the files that are known");
    }
    by_what_is_known(engine, scope).await
}

async fn by_what_is_known(engine: &Engine, scope: &Scope) -> Result<Option<String>, Failure> {
    let project = scope.project.clone();
    let known = engine.read(move |reader| {
        let Some(row) = reader.project(&project)? else { return Ok(None) };
        Ok(Some((row, reader.services(&project)?)))
    });
    let project = &scope.project;
    let Some((row, services)) = known.await? else {
        return Ok(Some(format!("project {project} does not exist")));
    };
    Ok(match Shipyard::parse(&row.shipyard) {
        Ok(shipyard) => {
            let services = services.iter().map(|service| &service.name);
            remediation::unremedied(scope, &shipyard, services)
        }
        Err(error) => Some(format!("shipyard.yaml of project {project}:{error}")),
    })
}

/// The newest event of a type in a context.
pub(super) async fn newest(
    engine: &Engine,
    scope: &Scope,
    context: ContextId,
    kind: EventType,
) -> Result<Option<Event>, Failure> {
    let filter = EventFilter {
        project: Some(scope.project.clone()),
        context: Some(context),
        kind: Some(kind),
        ..EventFilter::default()
    };
    let page = engine.read(move |reader| reader.events(&filter, 0, 1)).await?;
    Ok(page.items.into_iter().next().map(|row| row.event))
}

/// Whether there is something of a context that has not ended, and nothing of it has begun.
pub(super) async fn only_waits(
    engine: &Engine,
    scope: &Scope,
    context: ContextId,
) -> Result<bool, Failure> {
    let all = executions(engine, scope, context).await?;
    let mut open = all.iter().map(|one| &one.state).filter(|state| !state.is_final()).peekable();
    Ok(open.peek().is_some() && open.all(has_not_begun))
}

async fn executions(
    engine: &Engine,
    scope: &Scope,
    context: ContextId,
) -> Result<Vec<Execution>, Failure> {
    let project = scope.project.clone();
    let all = engine.read(move |reader| reader.executions(&project, context)).await?;
    Ok(all.into_iter().map(|one| one.execution).collect())
}

fn has_not_begun(state: &ExecutionState) -> bool {
    match state {
        ExecutionState::Resolving
        | ExecutionState::Throttled { .. }
        | ExecutionState::Waiting
        | ExecutionState::Paused { before: Before::Start } => true,
        ExecutionState::Running { .. }
        | ExecutionState::Delayed { .. }
        | ExecutionState::WaitingForApproval { .. }
        | ExecutionState::Ready { .. }
        | ExecutionState::Paused { before: Before::Task { .. } }
        | ExecutionState::Finished { .. }
        | ExecutionState::Aborted { .. }
        | ExecutionState::TimedOut { .. } => false,
    }
}
