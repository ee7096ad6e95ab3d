//! Traces, as a collector receives them: one for a delivery, whole and with the right parents, also where
//! the server is killed or the collector is away.

mod support;

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;
use serde_json::{Value, json};
use support::{Server, answer, pass, until};

/// A collector of OTLP over HTTP. It goes with the test's process.
struct Collector {
    address: SocketAddr,
    spans: Arc<Mutex<Vec<Span>>>,
    is_away: Arc<AtomicBool>,
}

impl Collector {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let spans = Arc::new(Mutex::new(Vec::new()));
        let is_away = Arc::new(AtomicBool::new(false));
        let (kept, away) = (Arc::clone(&spans), Arc::clone(&is_away));
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                // One connection after another: the server opens a new one where it is closed.
                drop(take(&stream, &kept, &away));
            }
        });
        Self { address, spans, is_away }
    }

    /// What has come so far, each span by its id. The same one may come twice, and is the same then.
    fn spans(&self) -> BTreeMap<Vec<u8>, Span> {
        let mut found: BTreeMap<Vec<u8>, Span> = BTreeMap::new();
        for span in &*self.spans.lock().expect("no poison") {
            if let Some(before) = found.insert(span.span_id.clone(), span.clone()) {
                assert_eq!(before, *span, "a span that is told again is the same");
            }
        }
        found
    }
}

/// One request, answered. Whoever sends another one opens a new connection.
fn take(stream: &TcpStream, spans: &Mutex<Vec<Span>>, is_away: &AtomicBool) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    let (mut length, mut first) = (0, String::new());
    reader.read_line(&mut first)?;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.split_once(':') else { break };
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse().expect("a number");
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    assert!(first.starts_with("POST /v1/traces "), "{first}");
    let status = match is_away.load(Ordering::SeqCst) {
        true => "503 Service Unavailable",
        false => {
            let request = ExportTraceServiceRequest::decode(&*body).expect("it is OTLP");
            let told = request.resource_spans.into_iter().flat_map(|of| of.scope_spans);
            spans.lock().expect("no poison").extend(told.flat_map(|of| of.spans));
            "200 OK"
        }
    };
    let mut stream = stream;
    write!(stream, "HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
}

fn server(directory: &Path, collector: &Collector) -> Server {
    let config = directory.join("tidegate.toml");
    let text = format!("[telemetry]\notlp_endpoint = \"http://{}\"\n", collector.address);
    std::fs::write(&config, text).expect("there is room");
    let server = Server::configured(&directory.join("data"), Some(config));
    server.create_tour();
    server
}

/// Answers the open task of a delivery, and returns its `.triggered` event.
fn execute(server: &Server, context: &str, task: &str, more: &Value) -> Value {
    let open = server.open(task).into_iter().find(|event| event["shkeptncontext"] == *context);
    let open = open.unwrap_or_else(|| panic!("{task} is open"));
    for phase in ["started", "finished"] {
        let mut event = answer(&open, phase, &pass());
        for (key, value) in more.as_object().cloned().unwrap_or_default() {
            event[key] = value;
        }
        assert_eq!(server.post("/api/v1/event", &event).0, 200);
    }
    open
}

fn approve(server: &Server) {
    let approval = server.approvals().remove(0);
    let path =
        format!("/api/tidegate/v1/approvals/{}/decision", approval["id"].as_str().expect("id"));
    let vote = json!({"decision": "approve", "subject": approval["subject"]});
    assert_eq!(server.post(&path, &vote).0, 200);
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The one trace of the tour's delivery: two stages below it, and their tasks below those.
fn expect_the_delivery(collector: &Collector, context: &str) -> BTreeMap<String, Span> {
    let spans = until("all spans", || {
        let spans = collector.spans();
        (spans.len() >= 7).then_some(spans)
    });
    let trace = context.replace('-', "");
    let mut tree = BTreeMap::new();
    for span in spans.values() {
        assert_eq!(hex(&span.trace_id), trace, "{}", span.name);
        let above = spans.get(&span.parent_span_id).map_or("", |parent| &parent.name);
        assert!(span.parent_span_id.is_empty() || !above.is_empty(), "{} hangs on", span.name);
        assert!(span.start_time_unix_nano <= span.end_time_unix_nano, "{}", span.name);
        tree.insert(format!("{above}/{}", span.name), span.clone());
    }
    let names: Vec<&str> = tree.keys().map(String::as_str).collect();
    let want = [
        "/delivery",
        "delivery/production.delivery",
        "delivery/qa.delivery",
        "production.delivery/approval",
        "production.delivery/deployment",
        "qa.delivery/deployment",
        "qa.delivery/test",
    ];
    assert_eq!(names, want);
    tree
}

#[test]
fn a_delivery_is_one_trace_through_kills_of_the_server() {
    let directory = tempfile::tempdir().expect("a directory");
    let collector = Collector::start();
    let mut server = server(directory.path(), &collector);
    let context = server.deliver("hello:v1");
    server.crash();
    let theirs = "00-11111111111111111111111111111111-2222222222222222-01";
    let deployment = execute(&server, &context, "deployment", &json!({"traceparent": theirs}));
    server.crash();
    execute(&server, &context, "test", &json!({}));
    approve(&server);
    server.crash();
    execute(&server, &context, "deployment", &json!({}));
    // Whether the last of it was told or not: it was acknowledged, so it is told.
    server.crash();
    let tree = expect_the_delivery(&collector, &context);
    // An executor that goes on with what the event says stands below the task.
    let span = &tree["qa.delivery/deployment"];
    let want = format!("00-{}-{}-01", hex(&span.trace_id), hex(&span.span_id));
    assert_eq!(deployment["traceparent"], want);
    // What it says of itself is kept in the event, and linked.
    assert_eq!(hex(&span.links[0].trace_id), "11111111111111111111111111111111");
    let finished = server.events(&context, "deployment.finished");
    assert!(finished.iter().any(|event| event["traceparent"] == theirs), "{finished:?}");
}

#[test]
fn what_a_collector_missed_while_it_was_away_is_told_after_the_restart() {
    let directory = tempfile::tempdir().expect("a directory");
    let collector = Collector::start();
    let mut server = server(directory.path(), &collector);
    collector.is_away.store(true, Ordering::SeqCst);
    let context = server.deliver("hello:v1");
    execute(&server, &context, "deployment", &json!({}));
    execute(&server, &context, "test", &json!({}));
    assert_eq!(server.terminate(), Some(0), "it does not wait for a collector that is away");
    assert!(collector.spans().is_empty());
    collector.is_away.store(false, Ordering::SeqCst);
    server.restart();
    approve(&server);
    execute(&server, &context, "deployment", &json!({}));
    expect_the_delivery(&collector, &context);
    // A clean stop tells what is left, and nothing is told twice after it.
    assert_eq!(server.terminate(), Some(0));
    let told = collector.spans.lock().expect("no poison").len();
    assert_eq!(told, 7);
    server.restart();
    assert_eq!(server.terminate(), Some(0));
    assert_eq!(collector.spans.lock().expect("no poison").len(), told);
}

#[test]
fn without_a_collector_events_are_as_keptn_writes_them() {
    let directory = tempfile::tempdir().expect("a directory");
    let server = Server::start(directory.path());
    server.create_tour();
    server.deliver("hello:v1");
    assert!(server.open("deployment")[0].get("traceparent").is_none());
    assert!(!directory.path().join("telemetry").exists());
}
