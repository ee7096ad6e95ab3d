//! Changes to the files of projects. Whoever makes one takes turns with whoever else does to the same
//! project, so that the newest file is the one in force.

use std::fs::File;

use tidegate_core::audit::{Action, Chain};
use tidegate_core::names::{CommitId, ProjectName};
use tidegate_core::principal::Principal;
use tidegate_resources::hosting::{Hosting, Moved, Received};
use tidegate_resources::{Place, Repositories, ResourcePath};
use tidegate_store::Write;

use crate::failure::Failure;
use crate::handle::Engine;
use crate::metrics::GitOperation;
use crate::repository::{shipyard_at, shipyard_in};
use crate::saga::unhurried;

impl Engine {
    /// Writes project files as one commit. A new `shipyard.yaml` is checked first and is in force for
    /// every sequence that is triggered or ends afterwards.
    ///
    /// # Errors
    /// The shipyard is not valid, or Git says no.
    pub async fn write_files(
        &self,
        project: ProjectName,
        place: Place,
        files: Vec<(ResourcePath, Vec<u8>)>,
        by: &Principal,
    ) -> Result<CommitId, Failure> {
        let (engine, by) = (self.clone(), by.clone());
        unhurried(async move {
            let _turn = engine.turn(&project).await;
            let now = engine.now();
            let shipyard = shipyard_in(&place, &files)?;
            let name = project.clone();
            let write = move |git: &Repositories| git.write(&name, &place, &files, now);
            let commit = engine.commit_files(&project, write).await?;
            if let Some(text) = shipyard {
                let commit = commit.clone();
                engine.write_surely(Write::Snapshot { project, commit, text }, &by).await?;
            }
            Ok(commit)
        })
        .await
    }

    /// Receives a push, which takes turns with whoever else writes files of the project, and says what
    /// Git answers. A shipyard that it brings is in force for every sequence that is triggered or ends
    /// afterwards; the audit log keeps which branches moved.
    ///
    /// # Errors
    /// There is no such project, or Git fails. A push that is refused is none: the answer says so.
    pub async fn receive_push(
        &self,
        hosting: Hosting,
        project: ProjectName,
        request: File,
        by: &Principal,
    ) -> Result<Vec<u8>, Failure> {
        let (engine, by) = (self.clone(), by.clone());
        unhurried(async move {
            let _turn = engine.turn(&project).await;
            let name = project.clone();
            let Received { answer, moved } =
                engine.git(move |_| Ok(hosting.receive(&name, request)?)).await?;
            let outcome = if answer.is_ok() { "done" } else { "failed" };
            engine.metrics().git(GitOperation::Receive, outcome);
            let mut recorded = Ok(());
            for moved in moved {
                recorded = recorded.and(engine.pushed(&project, moved, &by).await);
            }
            recorded?;
            Ok(answer?)
        })
        .await
    }

    /// Takes note of a branch that a push has moved.
    async fn pushed(
        &self,
        project: &ProjectName,
        Moved { branch, tip, is_default }: Moved,
        by: &Principal,
    ) -> Result<(), Failure> {
        tracing::info!(%project, branch, commit = %tip, %by, "a push moved a branch");
        let action = Action::Pushed { branch, commit: tip.clone() };
        let record = Write::Record(Chain::of(project), Box::new(action));
        self.write_surely(record, by).await?;
        if !is_default {
            return Ok(());
        }
        let (name, at) = (project.clone(), tip.clone());
        let text = self.git(move |git| Ok(shipyard_at(git, &name, &at)?)).await?;
        if let Some(text) = text {
            let snapshot = Write::Snapshot { project: project.clone(), commit: tip, text };
            self.write_surely(snapshot, by).await?;
        }
        Ok(())
    }

    /// Deletes a project file in a commit of its own. The shipyard in force stays so until a sequence is
    /// triggered, which then says what is missing.
    ///
    /// # Errors
    /// There is no such file, or Git says no.
    pub async fn delete_file(
        &self,
        project: ProjectName,
        place: Place,
        path: ResourcePath,
    ) -> Result<CommitId, Failure> {
        let engine = self.clone();
        unhurried(async move {
            let _turn = engine.turn(&project).await;
            let now = engine.now();
            let name = project.clone();
            let delete = move |git: &Repositories| git.delete(&name, &place, &path, now);
            engine.commit_files(&project, delete).await
        })
        .await
    }
}
