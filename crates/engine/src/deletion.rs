//! Deleting a project: what is under way is ended, jobs of ours are stopped, and then all of it goes but
//! the audit log. A crash in between is followed by the rest.

use std::time::Duration;

use serde_json::{Value, json};
use tidegate_core::event::Outcome;
use tidegate_core::names::{CommitId, ContextId, ProjectName};
use tidegate_core::principal::Principal;
use tidegate_core::sequence::{Command, Control, Input};
use tidegate_store::{ExecutionFilter, Intent, PAGE_MAX, Standing, Write, Written};

use crate::failure::Failure;
use crate::handle::Engine;
use crate::saga::unhurried;

/// Contexts that one commit forgets: nobody shall wait long behind them.
const FORGOTTEN_MAX: u64 = 50;
/// How long to wait for the end of a job before it is looked again.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

impl Engine {
    /// Deletes a project. Its open sequences are aborted, without anything that would follow; jobs of
    /// ours are stopped, and waited for. A repository elsewhere is left alone, unless it was provisioned.
    /// The name can be used again.
    ///
    /// # Errors
    /// No such project, or another change to it is under way.
    pub async fn delete_project(
        &self,
        project: ProjectName,
        by: &Principal,
    ) -> Result<(), Failure> {
        let (engine, by) = (self.clone(), by.clone());
        unhurried(async move {
            let data = json!({"project": project}).as_object().cloned().unwrap_or_default();
            let context = ContextId::from(engine.uuid());
            // The newest entry of the log, so that every other one can go.
            let started = engine.saga_event("sh.keptn.event.project.delete.started", context, data);
            let intent = Intent::DeleteProject { project: project.clone() };
            match engine.write(Write::Begin(intent, vec![started]), &by).await? {
                Written::Begun(number) => engine.end_project(number, project, context, &by).await,
                Written::ProjectExists => Err(Failure::Busy),
                Written::NoProject => Err(Failure::NoProject(project)),
                other => Err(Failure::Internal(format!("a saga begins with {other:?}"))),
            }
        })
        .await
    }

    /// Goes on until nothing is left; done again after a crash, it finds what is there.
    pub(crate) async fn end_project(
        &self,
        number: i64,
        project: ProjectName,
        context: ContextId,
        by: &Principal,
    ) -> Result<(), Failure> {
        let mut commits = self.commits();
        let intent = Intent::DeleteProject { project: project.clone() };
        loop {
            self.abort_all(&project, by).await?;
            self.remove_files(&project).await?;
            self.forget_all(&project).await?;
            let mut finished = self.finished(&intent, context, Outcome::PASS, "");
            finished.data.insert("message".to_owned(), Value::from(""));
            let complete = Write::Complete {
                intent: number,
                commit: no_commit(),
                now: self.now(),
                events: vec![finished],
            };
            match self.write_surely(complete, &Principal::tidegate()).await? {
                Written::UnderWay => {
                    // A job that ends is a commit, and so is what was triggered meanwhile.
                    drop(tokio::time::timeout(LOOK_AGAIN, commits.recv()).await);
                }
                _ => {
                    tracing::info!(%project, %by, "a project was deleted");
                    return Ok(());
                }
            }
        }
    }

    /// Aborts what is open, or a thousand of it: the rest comes with the next round.
    async fn abort_all(&self, project: &ProjectName, by: &Principal) -> Result<(), Failure> {
        let filter = ExecutionFilter {
            states: vec![
                Standing::Triggered,
                Standing::Started,
                Standing::WaitingForApproval,
                Standing::Paused,
            ],
            ..ExecutionFilter::default()
        };
        let name = project.clone();
        let page =
            self.read(move |reader| reader.all_executions(&name, &filter, 0, PAGE_MAX)).await?;
        let mut contexts: Vec<ContextId> =
            page.items.iter().map(|summary| summary.execution.context).collect();
        contexts.sort_unstable();
        contexts.dedup();
        for context in contexts {
            let (control, project) = (Control::Abort, project.clone());
            let command = Command { control, project, context, stage: None, after: 0 };
            self.step_surely(Input::Control(command), by).await?;
        }
        Ok(())
    }

    /// Removes the repository here. One that was provisioned is given back.
    async fn remove_files(&self, project: &ProjectName) -> Result<(), Failure> {
        let _turn = self.turn(project).await;
        let (upstreams, name) = (self.upstreams().clone(), project.clone());
        let upstream = self.git(move |_| Ok(upstreams.upstream(&name)?)).await;
        let name = project.clone();
        self.git(move |git| Ok(git.remove_project(&name)?)).await?;
        if let (Some(provisioner), Ok(Some(upstream))) = (&self.inner.ports.provisioner, upstream)
            && upstream.is_provisioned()
            && let Err(error) = provisioner.delete(project).await
        {
            tracing::warn!(%project, error, "a repository that was provisioned is left over");
        }
        Ok(())
    }

    async fn forget_all(&self, project: &ProjectName) -> Result<(), Failure> {
        loop {
            let write = Write::Forget { project: project.clone(), limit: FORGOTTEN_MAX };
            match self.write_surely(write, &Principal::tidegate()).await? {
                Written::Pruned { more: true, .. } => {}
                _ => return Ok(()),
            }
        }
    }
}

/// A project that goes has no commit.
fn no_commit() -> CommitId {
    CommitId::new(&"0".repeat(40)).expect("40 digits")
}
