//! A browser without scripts: cookies, forms, and nothing else.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt as _;
use tidegate_core::names::EventId;
use tidegate_core::principal::{Principal, PrincipalName};
use tidegate_identity::{NamedToken, RateLimit, Secret, SignInCode, TokenKind, Tokens};
use tidegate_store::{SignInRow, Write};
use tokio::sync::{broadcast, watch};
use tower::ServiceExt as _;

use super::scene::Scene;
use crate::logs::{JobLog, JobLogs};
use crate::{BridgeState, router};

pub(super) const BOT: &str = "the-token-of-bot";

/// Output of jobs that never ran.
pub(super) struct Logs {
    pub(super) kept: Mutex<HashMap<EventId, JobLog>>,
    pub(super) grown: broadcast::Sender<EventId>,
}

impl JobLogs for Logs {
    fn log(&self, task: EventId, bytes_max: usize) -> Option<JobLog> {
        Some(self.kept.lock().unwrap().get(&task)?.end(bytes_max))
    }

    fn subscribe(&self) -> broadcast::Receiver<EventId> {
        self.grown.subscribe()
    }
}

/// The Bridge on an engine of its own.
#[derive(Clone)]
pub(super) struct Site {
    pub(super) scene: Scene,
    pub(super) logs: Arc<Logs>,
    pub(super) stop: watch::Sender<bool>,
    router: Router,
}

/// Runs a test on the kind of runtime that the server has: reading YAML needs its stack.
pub(super) fn on_site<F: Future<Output = ()> + Send + 'static>(
    test: impl FnOnce(Site) -> F + Send + 'static,
) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_stack_size(tidegate_core::yaml::STACK_BYTES)
        .enable_all()
        .build()
        .unwrap();
    let run = async {
        let directory = tempfile::tempdir().unwrap();
        let site = Site::new(Scene::start(directory.path()).await);
        let engine = site.scene.engine.clone();
        test(site).await;
        engine.stop().await;
    };
    if let Err(error) = runtime.block_on(runtime.spawn(run)) {
        std::panic::resume_unwind(error.into_panic());
    }
}

impl Site {
    fn new(scene: Scene) -> Self {
        let (stop, stopping) = watch::channel(false);
        let logs = Logs { kept: Mutex::default(), grown: broadcast::channel(16).0 };
        let logs = Arc::new(logs);
        let bot = NamedToken {
            name: PrincipalName::new("bot").unwrap(),
            kind: TokenKind::Machine,
            token: Secret::new(BOT),
            tasks: None,
        };
        let state = BridgeState {
            engine: scene.engine.clone(),
            tokens: Arc::new(Tokens::new(&Secret::new("the-shared-token"), &[bot]).unwrap()),
            // Long enough that no test sees a wrong token forgiven, however slow the machine is.
            limits: Arc::new(Mutex::new(RateLimit::new(Duration::from_secs(3600), 2))),
            logs: Arc::clone(&logs) as _,
            stopping,
        };
        Self { scene, logs, stop, router: router(state) }
    }

    /// The path of a sign-in link.
    pub(super) async fn link(&self, name: &str) -> String {
        let code = SignInCode::generate();
        let name = PrincipalName::new(name).unwrap();
        let expires = self.scene.engine.now() + Duration::from_secs(60);
        let row = SignInRow { digest: code.digest(), name, expires };
        self.scene.engine.write(Write::PutSignIn(row), &Principal::Shared).await.unwrap();
        code.path()
    }

    /// A browser that nobody is signed in with.
    pub(super) fn stranger(&self) -> Browser {
        Browser { router: self.router.clone(), cookie: String::new(), peer: [127, 0, 0, 1] }
    }

    /// A browser that somebody has signed in with by a link.
    pub(super) async fn sign_in(&self, name: &str) -> Browser {
        let mut browser = self.stranger();
        let page = browser.get(&self.link(name).await).await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.text);
        let answer = browser.submit("/bridge/login", &page, &[]).await;
        assert_eq!(answer.location(), "/bridge/inbox", "{}", answer.text);
        browser
    }
}

/// One browser.
#[derive(Clone)]
pub(super) struct Browser {
    router: Router,
    pub(super) cookie: String,
    pub(super) peer: [u8; 4],
}

/// What the server answers.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) text: String,
}

impl Page {
    /// Where a redirect leads.
    pub(super) fn location(&self) -> &str {
        assert_eq!(self.status, StatusCode::SEE_OTHER, "{}", self.text);
        self.headers["location"].to_str().unwrap()
    }

    /// The value of the first hidden field of that name.
    pub(super) fn field(&self, name: &str) -> String {
        let tag = self.text.split(&format!("name=\"{name}\" value=\"")).nth(1);
        tag.unwrap_or_else(|| panic!("no {name}: {}", self.text))
            .split('"')
            .next()
            .unwrap()
            .to_owned()
    }

    /// The text between two marks.
    pub(super) fn between(&self, start: &str, end: &str) -> &str {
        let rest =
            self.text.split_once(start).unwrap_or_else(|| panic!("{start}: {}", self.text)).1;
        rest.split_once(end).unwrap().0
    }

    /// The first heading, without markup.
    pub(super) fn heading(&self) -> String {
        plain(self.between("<h1>", "</h1>"))
    }
}

/// Markup without its tags.
pub(super) fn plain(markup: &str) -> String {
    let mut text = String::new();
    for part in markup.split('<') {
        text.push_str(part.split_once('>').map_or(part, |(_, rest)| rest));
        text.push(' ');
    }
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

impl Browser {
    /// Loads a page.
    pub(super) async fn get(&mut self, path: &str) -> Page {
        self.send(Request::get(path).header("cookie", &self.cookie).body(Body::empty()).unwrap())
            .await
    }

    /// Loads a page with more headers.
    pub(super) async fn get_with(&mut self, path: &str, headers: &[(&str, &str)]) -> Page {
        let mut request = Request::get(path).header("cookie", &self.cookie);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request.body(Body::empty()).unwrap()).await
    }

    /// Sends a form that the page holds, with other fields set.
    pub(super) async fn submit(&mut self, path: &str, page: &Page, set: &[(&str, &str)]) -> Page {
        let mut fields = vec![("csrf", page.field("csrf"))];
        for name in ["code", "next", "subject"] {
            if page.text.contains(&format!("name=\"{name}\" value=")) {
                fields.push((name, page.field(name)));
            }
        }
        fields.retain(|(name, _)| !set.iter().any(|(other, _)| other == name));
        for (name, value) in set {
            fields.push((name, (*value).to_owned()));
        }
        let body: Vec<String> = fields
            .iter()
            .map(|(name, value)| format!("{name}={}", crate::next::encode(value)))
            .collect();
        self.post(path, &body.join("&"), &[("origin", "http://tidegate.test")]).await
    }

    /// Sends a form as it stands.
    pub(super) async fn post(&mut self, path: &str, body: &str, headers: &[(&str, &str)]) -> Page {
        let mut request = Request::post(path)
            .header("cookie", &self.cookie)
            .header("host", "tidegate.test")
            .header("content-type", "application/x-www-form-urlencoded");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request.body(Body::from(body.to_owned())).unwrap()).await
    }

    /// Opens a stream, or a page as it is sent.
    pub(super) async fn stream(&self, path: &str) -> axum::response::Response {
        let request = Request::get(path)
            .header("cookie", &self.cookie)
            .header("accept-encoding", "gzip")
            .body(Body::empty());
        self.router.clone().oneshot(request.unwrap()).await.unwrap()
    }

    async fn send(&mut self, mut request: Request<Body>) -> Page {
        let peer = SocketAddr::from((IpAddr::from(self.peer), 4242));
        request.extensions_mut().insert(ConnectInfo(peer));
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        for cookie in parts.headers.get_all("set-cookie") {
            let pair = cookie.to_str().unwrap().split(';').next().unwrap();
            if pair.starts_with("tidegate_session=") {
                pair.clone_into(&mut self.cookie);
            }
        }
        let bytes = body.collect().await.unwrap().to_bytes();
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        Page { status: parts.status, headers: parts.headers, text }
    }
}
