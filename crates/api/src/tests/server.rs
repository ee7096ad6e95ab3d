//! A router on an engine of its own.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{HeaderMap, Request, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tidegate_core::names::{ProjectName, TaskName};
use tidegate_core::principal::PrincipalName;
use tidegate_engine::{Engine, Ports, RepositoryResolver};
use tidegate_identity::{NamedToken, RateLimit, Secret, TokenKind, Tokens};
use tidegate_resources::Repositories;
use tidegate_resources::hosting::Hosting;
use tidegate_resources::upstream::Upstreams;
use tidegate_store::sqlite::SqliteHome;
use tokio::sync::watch;
use tower::ServiceExt as _;

use super::conformance;
use crate::{ApiState, Streams, router};

pub(super) const SHARED: &str = "the-shared-token";
pub(super) const ADA: &str = "the-token-of-ada";
pub(super) const BOT: &str = "the-token-of-bot";
/// An integration's: it answers deployments only.
pub(super) const HELM: &str = "the-token-of-helm";

/// Long enough that no test sees a wrong token forgiven, however slow the machine is.
const ATTEMPTS_EVERY: std::time::Duration = std::time::Duration::from_secs(3600);

/// How many streams it has places for.
pub(super) const STREAMS: usize = 2;

pub(super) const SHIPYARD: &str = "\
apiVersion: spec.keptn.sh/0.2.2
spec:
  stages:
    - name: qa
      sequences:
        - name: delivery
          tasks: [{ name: deployment }]
    - name: production
      sequences:
        - name: delivery
          triggeredOn: [{ event: qa.delivery.finished }]
          tasks: [{ name: approval }, { name: deployment }]
";

pub(super) const PROJECT: &str = "/api/controlPlane/v1/project";
pub(super) const EVENT: &str = "/api/v1/event";

/// Runs a test on the kind of runtime that the server has: reading YAML needs its stack.
pub(super) fn on_server<F: Future<Output = ()> + Send + 'static>(
    test: impl FnOnce(Server) -> F + Send + 'static,
) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_stack_size(tidegate_core::yaml::STACK_BYTES)
        .enable_all()
        .build()
        .unwrap();
    let run = async {
        let directory = tempfile::tempdir().unwrap();
        let server = Server::start(&directory).await;
        let engine = server.engine.clone();
        test(server).await;
        engine.stop().await;
    };
    let ended = runtime.block_on(runtime.spawn(run));
    if let Err(error) = ended {
        std::panic::resume_unwind(error.into_panic());
    }
}

#[derive(Clone)]
pub(super) struct Server {
    pub(super) engine: Engine,
    router: Router,
    /// Says that it stops.
    pub(super) stop: watch::Sender<bool>,
}

impl Server {
    pub(super) async fn start(directory: &tempfile::TempDir) -> Self {
        let (home, reader) = SqliteHome::open(directory.path()).unwrap();
        let repositories = Repositories::open(&directory.path().join("git")).unwrap();
        let program = std::env::current_exe().unwrap();
        let hosting = Hosting::new(repositories.clone(), program).unwrap();
        let upstreams = Upstreams::unkept(repositories);
        let resolver = RepositoryResolver::new(upstreams.clone());
        let ports = Ports::default();
        let fatal = |reason| panic!("{reason}");
        let engine = Engine::start(home, Arc::new(reader), upstreams, resolver, ports, fatal);
        let engine = engine.await.unwrap();
        let helm = Some(vec![TaskName::new("deployment").unwrap()]);
        let named = [
            ("ada", TokenKind::Person, ADA, None),
            ("bot", TokenKind::Machine, BOT, None),
            ("helm", TokenKind::Machine, HELM, helm),
        ];
        let named = named.map(|(name, kind, token, tasks)| NamedToken {
            name: PrincipalName::new(name).unwrap(),
            kind,
            token: Secret::new(token),
            tasks,
        });
        let (stop, stopping) = watch::channel(false);
        let state = ApiState {
            engine: engine.clone(),
            hosting,
            tokens: Arc::new(Tokens::new(&Secret::new(SHARED), &named).unwrap()),
            limits: Arc::new(Mutex::new(RateLimit::new(ATTEMPTS_EVERY, 2))),
            token_changes: Arc::default(),
            stopping,
            streams: Streams::new(STREAMS),
            version: "9.8.7",
        };
        Self { engine, router: router(state), stop }
    }

    /// Sends a request from a peer. What comes back must be as the document of the API says.
    pub(super) async fn send(&self, peer: [u8; 4], request: Request<Body>) -> Answer {
        let (method, path) = (request.method().to_string(), request.uri().path().to_owned());
        let (status, headers, body) = self.send_for_bytes(peer, request).await;
        let body = String::from_utf8(body).unwrap();
        conformance::check((&method, &path), status, &headers, &body);
        Answer { status, headers, body }
    }

    /// The same, for a body that is no text.
    pub(super) async fn send_for_bytes(
        &self,
        peer: [u8; 4],
        mut request: Request<Body>,
    ) -> (u16, HeaderMap, Vec<u8>) {
        let peer = SocketAddr::from((IpAddr::from(peer), 4242));
        request.extensions_mut().insert(ConnectInfo(peer));
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        (status, headers, bytes.to_vec())
    }

    /// Opens a stream, of which nothing is read yet.
    pub(super) async fn stream(&self, mut request: Request<Body>) -> Response<Body> {
        request.extensions_mut().insert(ConnectInfo(SocketAddr::from(([127, 0, 0, 1], 4242))));
        self.router.clone().oneshot(request).await.unwrap()
    }

    /// Listens on a port of its own for the rest of the test.
    pub(super) async fn listen(&self) -> SocketAddr {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let service = self.router.clone().into_make_service_with_connect_info::<SocketAddr>();
        tokio::spawn(axum::serve(listener, service).into_future());
        address
    }

    /// A request of any method, with a body of JSON.
    pub(super) async fn call(&self, method: &str, path: &str, body: &Value) -> Answer {
        let body = if body.is_null() { Body::empty() } else { Body::from(body.to_string()) };
        self.call_as(SHARED, method, path, body).await
    }

    async fn call_as(&self, token: &str, method: &str, path: &str, body: Body) -> Answer {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("x-token", token)
            .header("content-type", "application/json")
            .body(body);
        self.send([127, 0, 0, 1], request.unwrap()).await
    }

    pub(super) async fn get_as(&self, token: &str, path: &str) -> Answer {
        self.call_as(token, "GET", path, Body::empty()).await
    }

    pub(super) async fn delete_as(&self, token: &str, path: &str) -> Answer {
        self.call_as(token, "DELETE", path, Body::empty()).await
    }

    pub(super) async fn get(&self, path: &str) -> Answer {
        self.call_as(SHARED, "GET", path, Body::empty()).await
    }

    pub(super) async fn post(&self, path: &str, body: &Value) -> Answer {
        self.post_as(SHARED, path, body).await
    }

    pub(super) async fn post_as(&self, token: &str, path: &str, body: &Value) -> Answer {
        self.call_as(token, "POST", path, Body::from(body.to_string())).await
    }

    pub(super) async fn post_bytes(&self, path: &str, body: impl Into<Body>) -> Answer {
        self.call_as(SHARED, "POST", path, body.into()).await
    }

    /// Creates a project with the service `carts`.
    pub(super) async fn create(&self, project: &str) {
        self.create_with(project, SHIPYARD).await;
    }

    /// The same with another shipyard.
    pub(super) async fn create_with(&self, project: &str, shipyard: &str) {
        let body = json!({"name": project, "shipyard": STANDARD.encode(shipyard)});
        assert_eq!(self.post(PROJECT, &body).await.status, 201);
        let service = json!({"serviceName": "carts"});
        let path = format!("{PROJECT}/{project}/service");
        assert_eq!(self.post(&path, &service).await.status, 200);
    }

    /// Delivers an image to `qa` and answers the context.
    pub(super) async fn deliver(&self, project: &str, image: &str) -> String {
        let sent = self.post_as(ADA, EVENT, &delivery(project, image)).await;
        assert_eq!(sent.status, 200, "{sent:?}");
        sent.json()["keptnContext"].as_str().unwrap().to_owned()
    }

    /// The open event of a task.
    pub(super) async fn open(&self, task: &str) -> Value {
        let kind = format!("sh.keptn.event.{task}.triggered");
        let path = format!("/api/controlPlane/v1/event/triggered/{kind}");
        self.get(&path).await.json()["events"][0].clone()
    }

    /// Answers an open task with `pass`.
    pub(super) async fn execute(&self, task: &str) {
        let open = self.open(task).await;
        for phase in ["started", "finished"] {
            let body = json!({"type": format!("sh.keptn.event.{task}.{phase}"), "source": "test",
                "triggeredid": open["id"], "shkeptncontext": open["shkeptncontext"],
                "data": {"project": open["data"]["project"], "stage": open["data"]["stage"],
                    "service": "carts", "result": "pass", "status": "succeeded"}});
            assert_eq!(self.post(EVENT, &body).await.status, 200);
        }
    }

    /// Delivers an image up to production's approval and answers the approval's id.
    pub(super) async fn wait_at_approval(&self, project: &str, image: &str) -> String {
        self.deliver(project, image).await;
        self.execute("deployment").await;
        self.open("approval").await["id"].as_str().unwrap().to_owned()
    }

    pub(super) fn project(name: &str) -> ProjectName {
        ProjectName::new(name).unwrap()
    }
}

pub(super) fn delivery(project: &str, image: &str) -> Value {
    json!({"type": "sh.keptn.event.qa.delivery.triggered", "source": "test",
        "data": {"project": project, "stage": "qa", "service": "carts",
            "labels": {"build": "17"}, "configurationChange": {"values": {"image": image}}}})
}

/// What came back.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: String,
}

impl Answer {
    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    pub(super) fn message(&self) -> String {
        self.json()["message"].as_str().unwrap_or_else(|| panic!("{self:?}")).to_owned()
    }
}
