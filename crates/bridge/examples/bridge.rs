//! The Bridge with sample deliveries in every state, for looking at its pages:
//! `cargo run -p tidegate-bridge --example bridge [PORT]`. Prints a link that signs you in.

#[allow(dead_code, reason = "the tests use more of it")]
#[path = "../src/tests/scene.rs"]
mod scene;

use std::collections::HashMap;
use std::io::Write as _;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use scene::{Scene, person, tour};
use serde_json::{Value, json};
use tidegate_bridge::{BridgeState, JobLog, JobLogs};
use tidegate_core::approval::Decision;
use tidegate_core::names::{ContextId, EventId};
use tidegate_core::principal::{Principal, PrincipalName};
use tidegate_core::sequence::Control;
use tidegate_identity::{RateLimit, Secret, SignInCode, Tokens};
use tidegate_store::{SignInRow, Write};
use tokio::sync::{broadcast, watch};

const IMAGE: &str = "ghcr.io/tidegate/hello";

type Ended = Result<(), Box<dyn std::error::Error + Send + Sync>>;

struct Logs(Mutex<HashMap<EventId, JobLog>>, broadcast::Sender<EventId>);

impl JobLogs for Logs {
    fn log(&self, task: EventId, bytes_max: usize) -> Option<JobLog> {
        Some(self.0.lock().ok()?.get(&task)?.end(bytes_max))
    }

    fn subscribe(&self) -> broadcast::Receiver<EventId> {
        self.1.subscribe()
    }
}

fn main() -> Ended {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .thread_stack_size(tidegate_core::yaml::STACK_BYTES)
        .enable_all()
        .build()?;
    runtime.block_on(runtime.spawn(run()))?
}

async fn run() -> Ended {
    let directory = tempfile::tempdir()?;
    let scene = Scene::start(directory.path()).await;
    let logs = Arc::new(Logs(Mutex::default(), broadcast::channel(16).0));
    seed(&scene, &logs).await;
    let code = SignInCode::generate();
    let engine = scene.engine.clone();
    let expires = engine.now() + std::time::Duration::from_secs(3600);
    let row = SignInRow { digest: code.digest(), name: PrincipalName::new("ada")?, expires };
    engine.write(Write::PutSignIn(row), &Principal::Shared).await?;
    let (_stop, stopping) = watch::channel(false);
    let state = BridgeState {
        engine,
        tokens: Arc::new(Tokens::new(&Secret::new("an-example-token"), &[])?),
        limits: Arc::new(Mutex::new(RateLimit::default())),
        logs,
        stopping,
    };
    let port = std::env::args().nth(1).map_or(Ok(0), |port| port.parse())?;
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
    writeln!(std::io::stdout(), "http://{}{}", listener.local_addr()?, code.path())?;
    let service =
        tidegate_bridge::router(state).into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, service).await?;
    Ok(())
}

/// What a bar shows has to take a moment.
async fn lasts(ms: u64) {
    tokio::time::sleep(std::time::Duration::from_millis(ms)).await;
}

/// Takes a task after some milliseconds, and finishes it after some more.
async fn work(
    scene: &Scene,
    context: ContextId,
    task: &str,
    stage: &str,
    (waits, works): (u64, u64),
    data: &Value,
) -> EventId {
    lasts(waits).await;
    let id = scene.begin(context, task).await;
    lasts(works).await;
    scene.finish(context, (id, task), stage, data).await;
    id
}

async fn seed(scene: &Scene, logs: &Logs) {
    let labels = |version: &str| {
        json!({"version": version, "build": "https://ci.example/tidegate/hello/builds/1187",
            "commit": "4f3434c"})
    };
    let say = |task: EventId, text: &str, running: bool| {
        let log = JobLog { text: text.to_owned(), dropped_bytes: 0, running };
        if let Ok(mut logs) = logs.0.lock() {
            logs.insert(task, log);
        }
    };
    let image = |version: &str| format!("{IMAGE}:{version}");
    let first = scene.deliver(&image("v0.1.0"), &labels("v0.1.0"), &person("ci-main")).await;
    work(scene, first, "deployment", "qa", (200, 900), &json!({})).await;
    let judged = json!({"evaluation": {"result": "pass", "score": 96.5}});
    work(scene, first, "evaluation", "qa", (0, 1700), &judged).await;
    let asked = scene.approval(first).await;
    lasts(1200).await;
    scene.decide(&asked, Decision::Approve, "grace", "").await;
    let done = json!({"message": "Task 'Deploy hello' finished successfully!"});
    let task = work(scene, first, "deployment", "production", (300, 700), &done).await;
    say(
        task,
        "stopping hello v0.0.9\nstarting hello v0.1.0 on 127.0.0.1:34871\nready after 41 ms\n",
        false,
    );

    let second = scene.to_approval(&image("v0.1.1"), &labels("v0.1.1")).await;
    scene.decide(&second, Decision::Decline, "grace", "error budget spent until Thursday").await;

    let failed = scene.deliver(&image("v0.1.2"), &labels("v0.1.2"), &person("ci-main")).await;
    let broken = json!({"result": "fail", "status": "errored",
        "message": "Task 'Deploy hello' failed: exit code 1"});
    let task = work(scene, failed, "deployment", "qa", (400, 600), &broken).await;
    say(task, "starting hello v0.1.2 on 127.0.0.1:34870\nerror: port 34870 is in use\n", false);

    let stopped = scene.deliver(&image("v0.1.3"), &labels("v0.1.3"), &person("ada")).await;
    scene.begin(stopped, "deployment").await;
    let aborted = scene.engine.control(Control::Abort, tour(), stopped, None, &person("ada")).await;
    aborted.expect("it is aborted");

    scene.to_approval(&image("v0.2.0"), &labels("v0.2.0")).await;
    let context = scene.deliver(&image("v0.2.1"), &labels("v0.2.1"), &person("ada")).await;
    scene.execute(context, "deployment", &json!({})).await;
    let judged = json!({"result": "warning",
        "evaluation": {"result": "warning", "score": 76.25, "indicatorResults": [
            {"value": {"metric": "error_rate", "value": 0.0021, "success": true}, "status": "pass",
                "passTargets": [{"criteria": "<1", "violated": false}]},
            {"value": {"metric": "response_time_p95", "value": 0.41, "success": true},
                "status": "warning", "keySli": true,
                "passTargets": [{"criteria": "<=0.4", "violated": true}]},
            {"value": {"metric": "throughput", "value": 182.5, "success": true}, "status": "pass",
                "passTargets": [{"criteria": ">=100", "violated": false}]},
            {"value": {"metric": "cpu", "value": 0.31, "success": true}, "status": "pass",
                "passTargets": [{"criteria": "<0.7", "violated": false}]}]},
        "message": "Evaluation returned a warning: the score of 76.25 is below 90"});
    scene.execute(context, "evaluation", &judged).await;
    scene.approval(context).await;

    let running = scene.deliver(&image("v0.3.0"), &labels("v0.3.0"), &person("ci-main")).await;
    let task = scene.begin(running, "deployment").await;
    let lines: String =
        (1..60).map(|n| format!("12:04:{n:02}  pulling layer {n} of 214\n")).collect();
    say(task, &lines, true);
    scene.deliver(&image("v0.3.1"), &labels("v0.3.1"), &person("ci-main")).await;
}
