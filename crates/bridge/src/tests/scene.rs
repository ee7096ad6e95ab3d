//! An engine on a directory of its own, and deliveries that are led to where a page is worth looking
//! at. The example `bridge` uses it as well.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tidegate_core::approval::{Approval, Comment, Decision, Subject};
use tidegate_core::event::{Draft, EventType};
use tidegate_core::names::{ContextId, EventId, ProjectName, ServiceName};
use tidegate_core::principal::{Principal, PrincipalName};
use tidegate_engine::{Ballot, Engine, Ports, RepositoryResolver};
use tidegate_resources::Repositories;
use tidegate_resources::upstream::Upstreams;
use tidegate_store::sqlite::SqliteHome;
use tidegate_store::{ApprovalFilter, ApprovalState, OpenEventFilter};

/// How long a test waits for something that must come.
const PATIENCE: Duration = Duration::from_secs(20);

const SHIPYARD: &str = "\
apiVersion: spec.keptn.sh/0.2.2
spec:
  stages:
    - name: qa
      sequences:
        - name: delivery
          tasks: [{ name: deployment }, { name: evaluation }]
    - name: production
      sequences:
        - name: delivery
          triggeredOn: [{ event: qa.delivery.finished }]
          tasks:
            - name: approval
              properties: { pass: manual, warning: manual }
            - name: deployment
";

/// An engine with the project `tour`.
#[derive(Clone)]
pub(crate) struct Scene {
    pub(crate) engine: Engine,
}

/// A person.
pub(crate) fn person(name: &str) -> Principal {
    Principal::Person(PrincipalName::new(name).expect("a plain name"))
}

/// The project.
pub(crate) fn tour() -> ProjectName {
    ProjectName::new("tour").expect("a plain name")
}

impl Scene {
    /// Starts an engine.
    pub(crate) async fn start(directory: &Path) -> Self {
        let (home, reader) = SqliteHome::open(directory).expect("a store");
        let repositories = Repositories::open(&directory.join("git")).expect("repositories");
        let upstreams = Upstreams::unkept(repositories);
        let resolver = RepositoryResolver::new(upstreams.clone());
        let ports = Ports::default();
        let fatal = |reason| panic!("{reason}");
        let engine = Engine::start(home, Arc::new(reader), upstreams, resolver, ports, fatal);
        let engine = engine.await.expect("an engine");
        engine
            .create_project(tour(), SHIPYARD.to_owned(), &Principal::Shared)
            .await
            .expect("a project");
        let service = ServiceName::new("hello").expect("a plain name");
        engine.create_service(tour(), service, &Principal::Shared).await.expect("a service");
        Self { engine }
    }

    /// Triggers a delivery.
    pub(crate) async fn deliver(&self, image: &str, labels: &Value, by: &Principal) -> ContextId {
        let body = json!({"type": "sh.keptn.event.qa.delivery.triggered", "source": "scene",
            "data": {"project": "tour", "stage": "qa", "service": "hello", "labels": labels,
                "configurationChange": {"values": {"image": image}}}});
        self.accept(body, by).await
    }

    /// Sends an event.
    pub(crate) async fn accept(&self, body: Value, by: &Principal) -> ContextId {
        let draft = Draft::from_value(body).expect("an event");
        self.engine.accept(draft, by, None).await.expect("it is accepted").context
    }

    /// Waits for a task of a delivery and says `.started`.
    pub(crate) async fn begin(&self, context: ContextId, task: &str) -> EventId {
        let (id, stage) = self.open_task(context, task).await;
        self.answer(context, id, task, "started", &json!({"stage": stage})).await;
        id
    }

    /// Waits for a task of a delivery and answers it, with more data.
    pub(crate) async fn execute(&self, context: ContextId, task: &str, more: &Value) -> EventId {
        let (id, stage) = self.open_task(context, task).await;
        self.answer(context, id, task, "started", &json!({"stage": stage})).await;
        let stage = stage.as_str().unwrap_or_default();
        self.finish(context, (id, task), stage, more).await;
        id
    }

    /// Says `.finished` for a task that was begun in a stage, with more data.
    pub(crate) async fn finish(
        &self,
        context: ContextId,
        (id, task): (EventId, &str),
        stage: &str,
        more: &Value,
    ) {
        let mut data = json!({"stage": stage, "result": "pass", "status": "succeeded"});
        if let (Some(data), Some(more)) = (data.as_object_mut(), more.as_object()) {
            data.extend(more.clone());
        }
        self.answer(context, id, task, "finished", &data).await;
    }

    async fn answer(&self, context: ContextId, id: EventId, task: &str, phase: &str, more: &Value) {
        let mut data = json!({"project": "tour", "service": "hello"});
        if let (Some(data), Some(more)) = (data.as_object_mut(), more.as_object()) {
            data.extend(more.clone());
        }
        let source =
            if task == "evaluation" { "lighthouse-service" } else { "job-executor-service" };
        let body = json!({"type": format!("sh.keptn.event.{task}.{phase}"), "source": source,
            "triggeredid": id, "shkeptncontext": context, "data": data});
        self.accept(body, &person("executor")).await;
    }

    async fn open_task(&self, context: ContextId, task: &str) -> (EventId, Value) {
        let kind = Some(EventType::new(&format!("sh.keptn.event.{task}.triggered")));
        let filter = OpenEventFilter { kind, ..OpenEventFilter::default() };
        self.until(|| async {
            let filter = filter.clone();
            let read = self.engine.read(move |reader| reader.open_events(&filter, 0, 100));
            let found = read.await.expect("the store answers").items;
            let event = found.into_iter().find(|event| event.context == context)?;
            Some((event.id, event.data["stage"].clone()))
        })
        .await
    }

    /// Waits for the approval of a delivery.
    pub(crate) async fn approval(&self, context: ContextId) -> Approval {
        let filter = ApprovalFilter {
            state: Some(ApprovalState::Open),
            context: Some(context),
            ..ApprovalFilter::default()
        };
        self.until(|| async {
            let filter = filter.clone();
            let read = self.engine.read(move |reader| reader.approvals(&filter, 0, 1));
            read.await.expect("the store answers").items.pop()
        })
        .await
    }

    /// Leads a delivery to its approval.
    pub(crate) async fn to_approval(&self, image: &str, labels: &Value) -> Approval {
        let context = self.deliver(image, labels, &person("ci-main")).await;
        self.execute(context, "deployment", &json!({})).await;
        let judged = json!({"evaluation": {"result": "pass", "score": 96.5}});
        self.execute(context, "evaluation", &judged).await;
        self.approval(context).await
    }

    /// Says of the evaluations of a task that they do not count.
    pub(crate) async fn invalidate(&self, context: ContextId, task: EventId, why: &str) {
        let data = json!({"project": "tour", "stage": "qa", "service": "hello",
            "evaluation": {"reason": why}});
        let body = json!({"type": "sh.keptn.event.evaluation.invalidated", "source": "scene",
            "triggeredid": task, "shkeptncontext": context, "data": data});
        self.accept(body, &person("ada")).await;
    }

    /// Decides an approval.
    pub(crate) async fn decide(
        &self,
        approval: &Approval,
        decision: Decision,
        by: &str,
        why: &str,
    ) {
        let ballot = Ballot {
            project: approval.scope.project.clone(),
            approval: approval.id,
            decision,
            subject: self.subject(approval).await.into(),
            comment: Comment::parse(why).expect("a short comment"),
            source: "scene".to_owned(),
        };
        self.engine.vote(ballot, &person(by)).await.expect("the vote decides");
    }

    /// The subject of an approval now.
    pub(crate) async fn subject(&self, approval: &Approval) -> Subject {
        let scope = approval.scope.clone();
        let read = self
            .engine
            .read(move |reader| reader.deployed(&scope.project, &scope.stage, &scope.service));
        Subject::of(approval, read.await.expect("the store answers").last())
    }

    /// Asks again after each commit until there is an answer.
    async fn until<T, F: Future<Output = Option<T>>>(&self, ask: impl Fn() -> F) -> T {
        let mut commits = self.engine.commits();
        let wait = async {
            loop {
                if let Some(found) = ask().await {
                    return found;
                }
                drop(commits.recv().await);
            }
        };
        tokio::time::timeout(PATIENCE, wait).await.expect("it comes in time")
    }
}
