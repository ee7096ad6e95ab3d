//! Files of a project, as a delivery sees them.

use tidegate_core::event::Scope;
use tidegate_core::names::{CommitId, ContextId, EventId, ProjectName};
use tidegate_core::sli::{Level, Queries};
use tidegate_engine::{Engine, Failure};
use tidegate_resources::{Place, ResourcePath};
use tidegate_store::{ExecutionSummary, Reader};

use crate::reading::read;

/// A text file at one place; none where there is none.
///
/// # Errors
/// Why it cannot be read, as a sentence.
pub(crate) async fn text(
    engine: &Engine,
    project: &ProjectName,
    place: Place,
    path: &str,
    commit: Option<CommitId>,
) -> Result<Option<String>, String> {
    let (project, path) =
        (project.clone(), ResourcePath::new(path).map_err(|error| error.to_string())?);
    let shown = path.to_string();
    let read = engine
        .git(move |git| match git.read(&project, &place, &path, commit.as_ref()) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.is_missing() => Ok(None),
            Err(error) => Err(Failure::from(error)),
        })
        .await;
    let bytes = read.map_err(|error| error.to_string())?;
    let text = bytes.map(String::from_utf8).transpose();
    text.map_err(|_| format!("{shown} is not UTF-8 text"))
}

/// The place of a service's own files.
pub(crate) fn of_service(scope: &Scope) -> Place {
    Place::Service(scope.stage.clone(), scope.service.clone())
}

/// The queries of a service: the SLI files at the same path at each of its levels, read as one.
///
/// # Errors
/// Why one cannot be read, as a sentence.
pub(crate) async fn queries(
    engine: &Engine,
    scope: &Scope,
    path: &str,
    commits: &Commits,
) -> Result<Queries, String> {
    let found = levels(engine, scope, path, commits).await?;
    let files: Vec<_> = found.iter().map(|(level, text)| (*level, text.as_str())).collect();
    Queries::merge(path, &files).map_err(|error| error.to_string())
}

/// The SLI files of a service at a path, those of its project and stage first.
///
/// # Errors
/// Why one cannot be read, as a sentence.
pub(crate) async fn levels(
    engine: &Engine,
    scope: &Scope,
    path: &str,
    commits: &Commits,
) -> Result<Vec<(Level, String)>, String> {
    let mut found = Vec::new();
    for (level, place) in [
        (Level::Project, Place::Project),
        (Level::Stage, Place::Stage(scope.stage.clone())),
        (Level::Service, of_service(scope)),
    ] {
        let commit = commits.of(&place).cloned();
        let text = text(engine, &scope.project, place, path, commit).await?;
        found.extend(text.map(|text| (level, text)));
    }
    Ok(found)
}

/// What is read of a project, so that nothing that is pushed meanwhile changes what was approved. None stands
/// for the newest.
#[derive(Debug, Clone, Default)]
pub(crate) struct Commits {
    /// Of the stage's branch.
    pub(crate) stage: Option<CommitId>,
    /// Of the default branch.
    pub(crate) project: Option<CommitId>,
}

impl Commits {
    /// What the sequence of an open task runs on. `stage` is what its event says; without a task the project's
    /// own files are the newest.
    pub(crate) async fn of_task(
        engine: &Engine,
        scope: &Scope,
        context: ContextId,
        task: Option<EventId>,
        stage: Option<CommitId>,
    ) -> Self {
        let project = match task {
            Some(task) => project_commit(engine, scope, context, task).await,
            None => None,
        };
        Self { stage, project }
    }

    /// A project's own files are on another branch than those of its stages.
    pub(crate) fn of(&self, place: &Place) -> Option<&CommitId> {
        match place {
            Place::Project => self.project.as_ref(),
            Place::Stage(_) | Place::Service(..) => self.stage.as_ref(),
        }
    }
}

/// The commit of the default branch that the sequence of an open task was resolved with.
pub(crate) async fn project_commit(
    engine: &Engine,
    scope: &Scope,
    context: ContextId,
    task: EventId,
) -> Option<CommitId> {
    let project = scope.project.clone();
    let ask = move |reader: &dyn Reader| reader.executions(&project, context);
    let executions = read(engine, "a sequence", ask).await;
    let of_task =
        |summary: &&ExecutionSummary| summary.open.as_ref().is_some_and(|open| open.id == task);
    let found = executions.iter().find(of_task);
    found?.execution.commits.as_ref().map(|all| all.shipyard.clone())
}
