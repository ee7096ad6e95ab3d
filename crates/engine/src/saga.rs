//! Changes to both Git and the store. An intent is written first; Git's part is idempotent and synced;
//! the closing commit makes the rows. What a crash interrupts is finished or undone at start.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use tidegate_core::event::{Event, EventType, Outcome};
use tidegate_core::names::{CommitId, ContextId, EventId, ProjectName, ServiceName, StageName};
use tidegate_core::principal::Principal;
use tidegate_core::shipyard::Shipyard;
use tidegate_resources::upstream::{Attempt, Upstream};
use tidegate_resources::{Branch, Repositories};
use tidegate_store::{Intent, NewProject, PAGE_MAX, ProjectRow, Write, Written};

use crate::failure::Failure;
use crate::handle::Engine;
use crate::port::Provisioner;
use crate::repository::{create_project, create_service, newest_shipyard};

/// Longest name of a new project, in bytes. Keptn 1.4's default; whoever takes the name in asks.
pub const PROJECT_NAME_BYTES_MAX: usize = 200;
/// Longest name of a new service, in bytes. Keptn 1.4's default; whoever takes the name in asks.
pub const SERVICE_NAME_BYTES_MAX: usize = 43;
/// `source` of the events that Keptn's control plane made.
const SHIPYARD_CONTROLLER: &str = "shipyard-controller";

impl Engine {
    /// Creates a project: its repository with a branch per stage, and its rows.
    ///
    /// # Errors
    /// The shipyard is not valid, the project exists, or Git says no.
    pub async fn create_project(
        &self,
        name: ProjectName,
        shipyard: String,
        by: &Principal,
    ) -> Result<(), Failure> {
        let (engine, by) = (self.clone(), by.clone());
        unhurried(async move {
            match engine.inner.ports.provisioner.clone() {
                None => engine.begin_project(name, shipyard, None, &by).await,
                Some(provisioner) => {
                    engine.provision_project(&*provisioner, name, shipyard, &by).await
                }
            }
        })
        .await
    }

    /// Whether projects that name no upstream get one.
    #[must_use]
    pub fn provisions(&self) -> bool {
        self.inner.ports.provisioner.is_some()
    }

    async fn provision_project(
        &self,
        provisioner: &dyn Provisioner,
        name: ProjectName,
        shipyard: String,
        by: &Principal,
    ) -> Result<(), Failure> {
        // Nobody is asked for what could not be used.
        Shipyard::parse(&shipyard)?;
        let known = name.clone();
        if self.read(move |reader| reader.project(&known)).await?.is_some() {
            return Err(Failure::ProjectExists(name));
        }
        let upstream = provisioner.create(&name).await.map_err(Failure::Provisioning)?;
        self.upstreams().admit(&upstream)?;
        let sealed = self.upstreams().seal(&name, &upstream.provisioned()).to_text();
        let made = self.begin_project(name.clone(), shipyard, Some(sealed), by).await;
        if made.is_err()
            && let Err(error) = provisioner.delete(&name).await
        {
            tracing::warn!(project = %name, error, "a repository that was provisioned is left over");
        }
        made
    }

    /// Creates a project whose files are kept elsewhere.
    ///
    /// # Errors
    /// As [`Self::create_project`]; or the upstream cannot be used.
    pub async fn create_project_at(
        &self,
        upstream: Upstream,
        name: ProjectName,
        shipyard: String,
        by: &Principal,
    ) -> Result<(), Failure> {
        self.upstreams().admit(&upstream)?;
        let sealed = self.upstreams().seal(&name, &upstream).to_text();
        let (engine, by) = (self.clone(), by.clone());
        unhurried(async move { engine.begin_project(name, shipyard, Some(sealed), &by).await })
            .await
    }

    async fn begin_project(
        &self,
        name: ProjectName,
        shipyard: String,
        upstream: Option<String>,
        by: &Principal,
    ) -> Result<(), Failure> {
        let parsed = Shipyard::parse(&shipyard)?;
        let stages = parsed.stages.into_iter().map(|stage| stage.name).collect();
        let new = NewProject { name: name.clone(), shipyard, stages, upstream };
        let context = ContextId::from(self.uuid());
        let data = json!({"project": name}).as_object().cloned().unwrap_or_default();
        let started = self.saga_event("sh.keptn.event.project.create.started", context, data);
        let intent = Intent::CreateProject(new);
        match self.write(Write::Begin(intent.clone(), vec![started]), by).await? {
            Written::Begun(number) => self.carry_out(number, intent, context, Attempt::First).await,
            Written::ProjectExists => Err(Failure::ProjectExists(name)),
            other => Err(Failure::Internal(format!("a saga begins with {other:?}"))),
        }
    }

    /// Creates a service in every stage of a project.
    ///
    /// # Errors
    /// No such project, the service exists, or Git says no.
    pub async fn create_service(
        &self,
        project: ProjectName,
        service: ServiceName,
        by: &Principal,
    ) -> Result<(), Failure> {
        let (kind, by) = ("sh.keptn.event.service.create.started", by.clone());
        let intent = |project, service, stages| Intent::CreateService { project, service, stages };
        let engine = self.clone();
        unhurried(async move { engine.change_service(project, service, &by, kind, intent).await })
            .await
    }

    /// Deletes a service in every stage of a project. Sequences of it that run go on; its history stays.
    ///
    /// # Errors
    /// No such project or service, or Git says no.
    pub async fn delete_service(
        &self,
        project: ProjectName,
        service: ServiceName,
        by: &Principal,
    ) -> Result<(), Failure> {
        let (kind, by) = ("sh.keptn.event.service.delete.started", by.clone());
        let intent = |project, service, stages| Intent::DeleteService { project, service, stages };
        let engine = self.clone();
        unhurried(async move { engine.change_service(project, service, &by, kind, intent).await })
            .await
    }

    /// Does something to a service in every stage of its project.
    async fn change_service(
        &self,
        project: ProjectName,
        service: ServiceName,
        by: &Principal,
        started: &str,
        intent: impl FnOnce(ProjectName, ServiceName, Vec<StageName>) -> Intent,
    ) -> Result<(), Failure> {
        let stages = self.stages(&project).await?;
        let context = ContextId::from(self.uuid());
        let data = json!({"project": project, "service": service});
        let data = data.as_object().cloned().unwrap_or_default();
        let started = self.saga_event(started, context, data);
        let intent = intent(project.clone(), service.clone(), stages);
        match self.write(Write::Begin(intent.clone(), vec![started]), by).await? {
            Written::Begun(number) => self.carry_out(number, intent, context, Attempt::First).await,
            Written::ServiceExists => Err(Failure::ServiceExists(project, service)),
            Written::NoService => Err(Failure::NoService(project, service)),
            Written::ProjectExists => Err(Failure::Busy),
            Written::NoProject => Err(Failure::NoProject(project)),
            other => Err(Failure::Internal(format!("a saga begins with {other:?}"))),
        }
    }

    async fn stages(&self, project: &ProjectName) -> Result<Vec<StageName>, Failure> {
        let name = project.clone();
        let row = self.read(move |reader| reader.project(&name)).await?;
        let Some(row) = row else { return Err(Failure::NoProject(project.clone())) };
        let shipyard = Shipyard::parse(&row.shipyard)?;
        Ok(shipyard.stages.into_iter().map(|stage| stage.name).collect())
    }

    /// Finishes what a former run began.
    pub(crate) async fn finish_sagas(&self) -> Result<(), Failure> {
        for (number, intent) in self.read(tidegate_store::Reader::intents).await? {
            let project = intent.project().clone();
            tracing::info!(%project, "finishing a change that was interrupted");
            let context = ContextId::from(self.uuid());
            if let Intent::DeleteProject { project } = intent {
                // It waits for jobs, which nobody has stopped before this returns.
                let engine = self.clone();
                tokio::spawn(async move {
                    let by = Principal::tidegate();
                    let ended = engine.end_project(number, project.clone(), context, &by).await;
                    if let Err(error) = ended {
                        tracing::error!(%project, %error, "a project is not deleted yet");
                    }
                });
                continue;
            }
            match self.carry_out(number, intent, context, Attempt::Again).await {
                Ok(()) | Err(Failure::Resource(_) | Failure::ServiceExists(..)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Takes over shipyards that changed in Git without this store hearing of it: a crash came
    /// between, or somebody else wrote there.
    pub(crate) async fn catch_up(&self) -> Result<(), Failure> {
        let mut offset = Some(0);
        while let Some(from) = offset {
            let page = self.read(move |reader| reader.projects(from, PAGE_MAX)).await?;
            offset = page.next;
            for row in page.items {
                self.take_over(row).await?;
            }
        }
        Ok(())
    }

    /// Takes over the shipyard that stands in Git, where it is another one than the store knows.
    pub(crate) async fn take_over(&self, row: ProjectRow) -> Result<(), Failure> {
        let ProjectRow { name: project, commit, .. } = row;
        let name = project.clone();
        match self.git(move |git| Ok(newest_shipyard(git, &name, &commit)?)).await {
            Ok(Some((commit, text))) => {
                let write = Write::Snapshot { project, commit, text };
                self.write_surely(write, &Principal::tidegate()).await.map(drop)
            }
            Ok(None) => Ok(()),
            Err(error) => {
                // Its sequences will say so when they are triggered; the others go on.
                tracing::error!(%project, %error, "a shipyard cannot be read");
                Ok(())
            }
        }
    }

    async fn carry_out(
        &self,
        number: i64,
        intent: Intent,
        context: ContextId,
        this: Attempt,
    ) -> Result<(), Failure> {
        let now = self.now();
        match self.git_part(&intent, now, this).await {
            Ok(commit) => {
                let events = vec![self.finished(&intent, context, Outcome::PASS, "")];
                // The store knows who has begun it.
                let write = Write::Complete { intent: number, commit, now, events };
                self.write_surely(write, &Principal::tidegate()).await?;
                Ok(())
            }
            Err(error) => {
                let text = error.to_string();
                let events = vec![self.finished(&intent, context, Outcome::ERROR, &text)];
                let write = Write::Undo { intent: number, events };
                self.write_surely(write, &Principal::tidegate()).await?;
                Err(error)
            }
        }
    }

    async fn git_part(
        &self,
        intent: &Intent,
        now: Timestamp,
        this: Attempt,
    ) -> Result<CommitId, Failure> {
        match intent {
            Intent::CreateProject(new) => {
                let (new, upstreams) = (new.clone(), self.upstreams().clone());
                self.git(move |git| Ok(create_project(git, &upstreams, &new, now, this)?)).await
            }
            Intent::DeleteProject { project } => Err(Failure::NoProject(project.clone())),
            Intent::CreateService { project, service, stages } => {
                let _turn = self.turn(project).await;
                let (name, service, stages) = (project.clone(), service.clone(), stages.clone());
                let create =
                    move |git: &Repositories| create_service(git, &name, &stages, &service, now);
                self.commit_files(project, create).await
            }
            Intent::DeleteService { project, service, stages } => {
                let _turn = self.turn(project).await;
                let (name, service, stages) = (project.clone(), service.clone(), stages.clone());
                let delete = move |git: &Repositories| {
                    git.delete_service(&name, &stages, &service, now)?;
                    git.tip(&name, Branch::Default)
                };
                self.commit_files(project, delete).await
            }
        }
    }

    pub(crate) fn finished(
        &self,
        intent: &Intent,
        context: ContextId,
        how: Outcome,
        why: &str,
    ) -> Event {
        let (kind, data) = match intent {
            Intent::CreateProject(new) => (
                "sh.keptn.event.project.create.finished",
                json!({"project": new.name, "createdProject": {
                    "projectName": new.name, "shipyard": STANDARD.encode(&new.shipyard)}}),
            ),
            Intent::CreateService { project, service, .. } => (
                "sh.keptn.event.service.create.finished",
                json!({"project": project, "service": service}),
            ),
            Intent::DeleteProject { project } => {
                ("sh.keptn.event.project.delete.finished", json!({"project": project}))
            }
            Intent::DeleteService { project, service, .. } => (
                "sh.keptn.event.service.delete.finished",
                json!({"project": project, "service": service}),
            ),
        };
        let mut data = data.as_object().cloned().unwrap_or_default();
        how.write(&mut data);
        if !why.is_empty() {
            data.insert("message".to_owned(), Value::from(why));
        }
        self.saga_event(kind, context, data)
    }

    pub(crate) fn saga_event(
        &self,
        kind: &str,
        context: ContextId,
        data: Map<String, Value>,
    ) -> Event {
        Event {
            id: EventId::from(self.uuid()),
            kind: EventType::new(kind),
            source: SHIPYARD_CONTROLLER.to_owned(),
            time: self.now(),
            context,
            triggered_id: None,
            commit: None,
            data,
            rest: Map::from_iter([("specversion".to_owned(), Value::from("1.0"))]),
        }
    }
}

/// Does something to its end, also when whoever asked for it has gone.
pub(crate) async fn unhurried<T: Send + 'static>(
    work: impl Future<Output = Result<T, Failure>> + Send + 'static,
) -> Result<T, Failure> {
    let done = tokio::spawn(work).await;
    done.unwrap_or_else(|error| Err(Failure::Internal(error.to_string())))
}
