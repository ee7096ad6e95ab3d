//! From a delivery to its answer, over a port that remembers.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex};

use serde_json::{Map, Value, json};
use tempfile::TempDir;
use tidegate_core::event::Scope;
use tidegate_core::names::{ContextId, EventId};
use tidegate_integrations::jobs::{JobDelivery, JobFile, JobPort, ProcessExecutor, Runner};
use tokio::sync::mpsc;
use tokio::time::timeout;
use uuid::Uuid;

use super::support::{DEADLINE, executor, file, lines, world};

/// What the runner told the engine.
#[derive(Debug, Clone, PartialEq)]
enum Told {
    Started(Uuid, Value),
    Finished(Uuid, Value),
    Done,
}

/// An engine with one configuration, one secret and some files.
struct Port {
    config: Result<Option<String>, String>,
    files: Vec<JobFile>,
    /// Whether a start counts.
    open: bool,
    waiting: tokio::sync::Mutex<mpsc::UnboundedReceiver<JobDelivery>>,
    told: mpsc::UnboundedSender<Told>,
    asked: Mutex<Vec<String>>,
}

impl JobPort for Port {
    async fn claim(&self) -> JobDelivery {
        match self.waiting.lock().await.recv().await {
            Some(delivery) => delivery,
            None => std::future::pending().await,
        }
    }

    async fn config(&self, _: &JobDelivery) -> Result<Option<String>, String> {
        self.config.clone()
    }

    async fn files(&self, _: &JobDelivery, name: &str) -> Result<Vec<JobFile>, String> {
        self.asked.lock().unwrap().push(name.to_owned());
        let below = format!("{name}/");
        let wanted = |file: &&JobFile| file.path == name || file.path.starts_with(&below);
        Ok(self.files.iter().filter(wanted).cloned().collect())
    }

    fn secret(&self, name: &str) -> Option<BTreeMap<String, String>> {
        (name == "vault").then(|| BTreeMap::from([("TOKEN".to_owned(), "hunter2".to_owned())]))
    }

    async fn started(&self, _: &JobDelivery, id: Uuid, data: Map<String, Value>) -> bool {
        self.told.send(Told::Started(id, data.into())).unwrap();
        self.open
    }

    async fn finished(&self, _: &JobDelivery, id: Uuid, data: Map<String, Value>) {
        self.told.send(Told::Finished(id, data.into())).unwrap();
    }

    async fn done(&self, _: &JobDelivery) {
        self.told.send(Told::Done).unwrap();
    }
}

fn delivery(kind: &str) -> JobDelivery {
    let event_id = EventId::from_bytes([9; 16]);
    let data = json!({"project": "p", "stage": "s", "service": "v", "labels": {"a": "b"}, "n": 2});
    JobDelivery {
        id: 1,
        event_id,
        context: ContextId::from_bytes([8; 16]),
        scope: Scope::of(data.as_object().unwrap()).unwrap(),
        event: json!({"id": event_id, "type": kind, "source": "x", "data": data}),
        commit: None,
        project_commit: None,
        cancelled: false,
    }
}

/// One runner over one directory.
struct World {
    deliveries: mpsc::UnboundedSender<JobDelivery>,
    told: mpsc::UnboundedReceiver<Told>,
    port: Arc<Port>,
    executor: Arc<ProcessExecutor>,
    runner: tokio::task::JoinHandle<()>,
}

impl World {
    fn new(dir: &TempDir, config: Result<Option<&str>, &str>, files: Vec<JobFile>) -> Self {
        Self::with(dir, config, files, true)
    }

    fn with(
        dir: &TempDir,
        config: Result<Option<&str>, &str>,
        files: Vec<JobFile>,
        open: bool,
    ) -> Self {
        let (deliveries, waiting) = mpsc::unbounded_channel();
        let (tell, told) = mpsc::unbounded_channel();
        let port = Arc::new(Port {
            config: config.map(|text| text.map(str::to_owned)).map_err(str::to_owned),
            files,
            open,
            waiting: waiting.into(),
            told: tell,
            asked: Mutex::default(),
        });
        let executor = Arc::new(executor(dir.path()));
        let two = NonZeroUsize::new(2).unwrap();
        let runner = Runner::new(Arc::clone(&port), Arc::clone(&executor), two);
        let runner = tokio::spawn(async move { runner.run().await });
        Self { deliveries, told, port, executor, runner }
    }

    /// Delivers an event and gives everything that is told until it is done.
    async fn deliver(&mut self, kind: &str) -> Vec<Told> {
        self.hand_over(delivery(kind)).await
    }

    async fn hand_over(&mut self, delivery: JobDelivery) -> Vec<Told> {
        self.deliveries.send(delivery).unwrap();
        let mut all = Vec::new();
        while all.last() != Some(&Told::Done) {
            all.push(timeout(DEADLINE, self.told.recv()).await.unwrap().unwrap());
        }
        all
    }

    /// Delivers an event that is answered, and gives the data of the end.
    async fn answer(&mut self, kind: &str) -> Value {
        match self.deliver(kind).await.as_slice() {
            [Told::Started(first, _), Told::Finished(second, data), Told::Done] => {
                assert_ne!(first, second);
                data.clone()
            }
            other => panic!("{other:?}"),
        }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.runner.abort();
    }
}

const TEST: &str = "sh.keptn.event.test.triggered";

fn message(data: &Value) -> &str {
    data["message"].as_str().unwrap()
}

#[tokio::test]
async fn tasks_run_in_order_and_are_answered_once() {
    let (dir, _) = world();
    let config = r#"
apiVersion: v2
actions:
  - events: [{ name: test.triggered }]
    tasks:
      - name: One
        image: shell:1
        files: [/charts, b]
        cmd: [sh, -c, 'cat /keptn/charts/v.yaml /keptn/b; echo $(N) $TOKEN']
        env:
          - { name: N, value: $.data.n, valueFrom: event }
          - { name: vault, valueFrom: secret }
      - { name: Two, image: "shell:1", cmd: [sh], args: [-c, "echo $(KEPTN_STAGE) $LABELS_A"] }
  - events: [{ name: test.triggered }]
    tasks: [{ name: Three, image: "shell:1", cmd: [sh, -c, "exit 0"] }]
"#;
    let files = vec![file("charts/v.yaml", "chart\n"), file("b", "file\n"), file("c", "not\n")];
    let mut world = World::new(&dir, Ok(Some(config)), files);
    let told = world.deliver(TEST).await;
    let [Told::Started(_, started), Told::Finished(_, finished), Told::Done] = &told[..] else {
        panic!("{told:?}")
    };
    let scope = json!({"project": "p", "stage": "s", "service": "v", "labels": {"a": "b"}});
    assert_eq!(*started, scope);
    let expected = "Task 'One' finished successfully!\n\nLogs:\nchart\nfile\n2 ***\n\n\n\
                    Task 'Two' finished successfully!\n\nLogs:\ns b\n\n\n\
                    Task 'Three' finished successfully!\n\nLogs:\n\n\n";
    assert_eq!(message(finished), expected);
    assert_eq!((&finished["result"], &finished["status"]), (&json!("pass"), &json!("succeeded")));
    assert!(finished["test"]["start"].is_string());
    assert_eq!(*world.port.asked.lock().unwrap(), ["charts", "b"]);
}

#[tokio::test]
async fn what_nothing_matches_is_done_silently() {
    let (dir, _) = world();
    let config = "apiVersion: v2\nactions: [{ events: [{ name: deployment }] }]\n";
    let mut world = World::new(&dir, Ok(Some(config)), Vec::new());
    assert_eq!(world.deliver(TEST).await, [Told::Done]);
    let (dir, _) = super::support::world();
    let mut world = World::new(&dir, Ok(None), Vec::new());
    assert_eq!(world.deliver(TEST).await, [Told::Done]);
}

#[tokio::test]
async fn silent_actions_run_without_an_answer() {
    let (dir, _) = world();
    let ran = dir.path().join("ran");
    let config = format!(
        "apiVersion: v2\nactions: [{{ events: [{{}}], silent: true, tasks: [
            {{ image: 'shell:1', cmd: [sh, -c, 'echo x > {}; exit 1'] }}] }}]\n",
        ran.display()
    );
    let mut world = World::new(&dir, Ok(Some(&config)), Vec::new());
    assert_eq!(world.deliver(TEST).await, [Told::Done]);
    assert_eq!(lines(&ran), 1);
}

#[tokio::test]
async fn an_unreadable_configuration_is_answered_with_its_place() {
    let (dir, _) = world();
    let config = "apiVersion: v2\nactions:\n  - event: x\n";
    let mut world = World::new(&dir, Ok(Some(config)), Vec::new());
    let data = world.answer(TEST).await;
    let start = "could not retrieve config for job-executor-service: job/config.yaml:3:5: unknown";
    assert!(message(&data).starts_with(start), "{data}");
    assert_eq!((&data["result"], &data["status"]), (&json!("fail"), &json!("errored")));
    assert_eq!(data["labels"], json!({"a": "b"}));
    // Others answer these.
    assert_eq!(world.deliver("sh.keptn.event.evaluation.triggered").await, [Told::Done]);
    assert_eq!(world.deliver("sh.keptn.event.test.finished").await, [Told::Done]);

    let (dir, _) = super::support::world();
    let mut world = World::new(&dir, Err("the repository is damaged"), Vec::new());
    assert!(message(&world.answer(TEST).await).ends_with("the repository is damaged"));
}

#[tokio::test]
async fn the_first_failure_ends_it_and_shows_its_log() {
    let (dir, _) = world();
    let ran = dir.path().join("ran");
    let config = format!(
        "apiVersion: v2\nactions:\n  - events: [{{}}]\n    tasks:
      - {{ image: 'shell:1', cmd: [sh, -c, 'echo boom >&2; exit 7'] }}
      - {{ image: 'shell:1', cmd: [sh, -c, 'echo x > {0}'] }}
  - events: [{{}}]\n    tasks: [{{ image: 'shell:1', cmd: [sh, -c, 'echo x > {0}'] }}]\n",
        ran.display()
    );
    let mut world = World::new(&dir, Ok(Some(&config)), Vec::new());
    let data = world.answer(TEST).await;
    let expected = "job job-executor-service-job-09090909-0909-0909-0909--000-001 failed. Reason: \
                    Error, Message: the program ended with exit code 7\n\nLogs:\nboom\n";
    assert_eq!(message(&data), expected);
    assert!(!ran.exists());
}

#[tokio::test]
async fn what_is_missing_is_said_before_anything_runs() {
    let task =
        |rest: &str| format!("{{ name: T, image: 'shell:1', cmd: [sh, -c, 'exit 0'] {rest} }}");
    let missing_image = "{ name: Helm, image: 'alpine/helm:3', cmd: [helm] }";
    let env = "env: [{ name: X, value: $.data.nope, valueFrom: event }]";
    for (tasks, says) in [
        (format!("{}, {missing_image}", task("")), "Task 'Helm' was not run"),
        (task(", files: [/charts/]"), "could not find file or directory /charts/ for task T"),
        (task(&format!(", {env}")), "could not prepare env for job job-executor-service-job-0909"),
    ] {
        let (dir, _) = world();
        let config = format!("apiVersion: v2\nactions: [{{ events: [{{}}], tasks: [{tasks}] }}]\n");
        let mut world = World::new(&dir, Ok(Some(&config)), Vec::new());
        let data = world.answer(TEST).await;
        assert!(message(&data).starts_with(says), "{data}");
        assert_eq!(std::fs::read_dir(dir.path().join("jobs")).unwrap().count(), 0, "{says}");
    }
}

#[tokio::test]
async fn a_delivery_that_comes_again_is_answered_with_the_same_ids_and_runs_nothing() {
    let (dir, _) = world();
    let ran = dir.path().join("ran");
    let config = format!(
        "apiVersion: v2\nactions: [{{ events: [{{}}], tasks: [
            {{ name: T, image: 'shell:1', cmd: [sh, -c, 'echo x >> {}'] }}] }}]\n",
        ran.display()
    );
    let first = World::new(&dir, Ok(Some(&config)), Vec::new()).deliver(TEST).await;
    let again = World::new(&dir, Ok(Some(&config)), Vec::new()).deliver(TEST).await;
    assert_eq!(first, again);
    assert_eq!(lines(&ran), 1);
}

#[tokio::test]
async fn an_aborted_delivery_is_still_answered_and_its_later_tasks_do_not_run() {
    let (dir, _) = world();
    let ran = dir.path().join("ran");
    let config = format!(
        "apiVersion: v2\nactions: [{{ events: [{{}}], tasks: [
            {{ image: 'shell:1', cmd: [sh, -c, 'echo ready; sleep 1000'] }},
            {{ image: 'shell:1', cmd: [sh, -c, 'echo x > {}'] }}] }}]\n",
        ran.display()
    );
    let mut world = World::new(&dir, Ok(Some(&config)), Vec::new());
    let executor = Arc::clone(&world.executor);
    let event = delivery(TEST).event_id;
    let mut log = executor.follow_log(event).unwrap();
    let abort = async {
        while log.changed().await.unwrap().text != "ready\n" {}
        executor.cancel(event).unwrap();
    };
    let (data, aborted) = tokio::join!(world.answer(TEST), timeout(DEADLINE, abort));
    aborted.unwrap();
    assert!(message(&data).ends_with("-000-001 was aborted\n\nLogs:\nready\n"), "{data}");
    assert!(!ran.exists());
}

#[tokio::test]
async fn nothing_runs_for_a_task_that_is_over() {
    let (dir, _) = world();
    let ran = dir.path().join("ran");
    let config = format!(
        "apiVersion: v2\nactions: [{{ events: [{{}}], tasks: [
            {{ image: 'shell:1', cmd: [sh, -c, 'echo x > {}'] }}] }}]\n",
        ran.display()
    );
    let told = World::with(&dir, Ok(Some(&config)), Vec::new(), false).deliver(TEST).await;
    assert!(matches!(told[..], [Told::Started(..), Told::Done]), "{told:?}");

    let (dir, _) = world();
    let cancelled = JobDelivery { cancelled: true, ..delivery(TEST) };
    let told = World::new(&dir, Ok(Some(&config)), Vec::new()).hand_over(cancelled).await;
    let [Told::Started(..), Told::Finished(_, data), Told::Done] = &told[..] else {
        panic!("{told:?}")
    };
    assert!(message(data).ends_with(" was aborted"), "{data}");
    assert!(!ran.exists());
}
