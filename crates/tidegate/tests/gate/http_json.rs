//! An API that answers JSON, and one that is down, slow, talkative, curious or leads elsewhere.

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::place::{Place, SLO, objective};
use crate::prometheus::Stub;
use crate::support::until;

/// In the configuration, a file and nothing else.
const SECRETS: [&str; 2] = ["tg-written-Hunter2", "tg-filed-Hunter2"];
const QUERY: &str =
    "metrics:v1/query?service=$SERVICE&in=$PROJECT/$STAGE&from=$START&to=$END#$.data[0].value";

/// A project whose only indicator is asked of whoever is at an address.
fn asking(address: SocketAddr, query: &str) -> Place {
    asking_with(address, query, "", None)
}

/// The same with more lines about the endpoint, on a server that logs into a file all that it can.
fn asking_with(address: SocketAddr, query: &str, lines: &str, log: Option<PathBuf>) -> Place {
    let lines = format!(
        "[gate]\nsli_provider = \"http-json\"\n\
         [sli.http-json.endpoints.metrics]\nurl = \"http://{address}/api/\"\ntimeout_s = 1\n{lines}"
    );
    let place = match log {
        Some(log) => Place::logged(&lines, log),
        None => Place::with(&lines),
    };
    place.put("qa", "http-json/sli.yaml", &sli(query));
    place.put("qa", "slo.yaml", SLO);
    place
}

fn sli(query: &str) -> String {
    format!("indicators:\n  latency: '{query}'\n")
}

/// What the gate says about the value of the only indicator.
fn said(place: &Place) -> (Value, String) {
    let (_, evaluated) = place.evaluated("hello:1");
    let message = objective(&evaluated)["value"]["message"].as_str().unwrap_or_default().to_owned();
    (evaluated, message)
}

fn silent() -> (SocketAddr, TcpListener) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    (listener.local_addr().expect("an address"), listener)
}

#[test]
fn values_come_from_the_query_that_the_file_says() {
    let stub = Stub::answers("200 OK", json!({"data": [{"value": "0.25"}]}).to_string());
    let place = asking(stub.address, QUERY);
    let (evaluated, message) = said(&place);
    assert_eq!((evaluated["data"]["result"].as_str(), message.as_str()), (Some("pass"), ""));
    assert_eq!(objective(&evaluated)["value"]["value"], 0.25);
    let asked = stub.asked();
    let [asked] = asked.as_slice() else { panic!("one question: {asked:?}") };
    let line = asked.lines().next().expect("a request");
    let rest = line.strip_prefix("GET /api/v1/query?service=hello&in=tour/qa&from=");
    let rest = rest.unwrap_or_else(|| panic!("{asked}"));
    let (from, rest) = rest.split_once("&to=").expect("two times");
    let to = rest.strip_suffix(" HTTP/1.1").expect("a request");
    let seconds = |text: &str| text.parse::<i64>().expect("seconds");
    // Five minutes, whose start is rounded down and whose end is rounded up.
    assert!((300..=301).contains(&(seconds(to) - seconds(from))), "{asked}");
    assert!(asked.to_lowercase().contains("accept: application/json"), "{asked}");
}

#[test]
fn indicators_are_asked_each_for_itself_and_one_without_a_value_leaves_the_others_theirs() {
    let stub =
        Stub::answers("200 OK", json!({"p95": 0.25, "errors": [3], "twice": [1, 2]}).to_string());
    let place = asking(stub.address, "metrics:q#$.p95");
    let files = "indicators:\n  latency: metrics:q#$.p95\n  errors: 'metrics:q?e#$.errors'\n  \
                 twice: metrics:q#$.twice\n  elsewhere: other:q#$.x\n";
    place.put("qa", "http-json/sli.yaml", files);
    let slo = "objectives: [{sli: latency}, {sli: errors}, {sli: twice}, {sli: elsewhere}, {sli: none}]\n\
               total_score: { pass: '100%' }\n";
    place.put("qa", "slo.yaml", slo);
    let (_, evaluated) = place.evaluated("hello:1");
    let results = evaluated["data"]["evaluation"]["indicatorResults"].as_array();
    let results = results.unwrap_or_else(|| panic!("{evaluated}"));
    let told = |at: usize| {
        let value = &results[at]["value"];
        (value["value"].as_f64(), value["message"].as_str().unwrap_or_default())
    };
    assert_eq!((told(0), told(1)), ((Some(0.25), ""), (Some(3.0), "")));
    assert_eq!(
        told(2).1,
        "twice: query did return multiple values: 2; write a path that finds exactly one \
         (query: metrics:q#$.twice)"
    );
    assert_eq!(
        told(3).1,
        "elsewhere: no endpoint is called other; [sli.http-json.endpoints] of the server has metrics \
         (query: other:q#$.x)"
    );
    assert!(told(4).1.starts_with("none: http-json/sli.yaml has no query for it"), "{results:?}");
    assert_eq!(stub.asked().len(), 3);
}

#[test]
fn whatever_goes_wrong_is_said_with_indicator_and_query_and_the_gate_fails() {
    let big = format!("{{\"data\": \"{}\"}}", "x".repeat(10_000_000));
    let value = |value: Value| json!({"data": [{"value": value}]}).to_string();
    for (status, body, words) in [
        ("200 OK", value(json!(null)), "query did not return a number: it is null"),
        (
            "200 OK",
            value(json!("12 ms")),
            "query did not return a number: it is the text \"12 ms\"",
        ),
        ("200 OK", value(json!("NaN")), "it is the text NaN, which is not finite"),
        ("200 OK", value(json!({})), "query did not return a number: it is an object"),
        ("200 OK", value(json!([1, 2])), "query did return multiple values: 2"),
        ("200 OK", json!({"data": []}).to_string(), "query did not return any values: index 0"),
        ("200 OK", "<html>Sign in</html>".to_owned(), "its answer is no JSON"),
        ("200 OK", big.clone(), "the answer is larger than 1024 KiB; ask for less"),
        (
            "500 Internal Server Error",
            json!({"error": "shard\n\u{1b}[2J lost"}).to_string(),
            "it answered 500 Internal Server Error: {\"error\":\"shard",
        ),
        ("503 Service Unavailable", big, "it answered 503 Service Unavailable: {\"data\": \"xxxx"),
        ("404 Not Found", String::new(), "it answered 404 Not Found (query: "),
    ] {
        let place = asking(Stub::answers(status, body).address, QUERY);
        let (evaluated, message) = said(&place);
        assert!(message.contains(words), "{words}: {message}");
        assert!(message.starts_with("latency: "), "{message}");
        assert!(
            message.contains("(query: metrics:v1/query?service=hello&in=tour/qa&from="),
            "{message}"
        );
        assert!(message.ends_with("#$.data[0].value)") && message.len() < 1_000, "{message}");
        assert_eq!(evaluated["data"]["result"], "fail", "{words}");
    }
}

#[test]
fn one_that_is_down_or_slow_is_said_to_be() {
    let (down, listener) = silent();
    drop(listener);
    let (mute, _listener) = silent();
    for (address, words) in
        [(down, "the server cannot be asked"), (mute, "nobody answered in time")]
    {
        let (evaluated, message) = said(&asking(address, QUERY));
        assert!(
            message.contains(words) && message.contains("(query: metrics:v1/query"),
            "{message}"
        );
        assert!(!message.contains(&address.to_string()), "{message}");
        assert_eq!(evaluated["data"]["result"], "fail");
    }
}

#[test]
fn what_would_leave_the_endpoint_is_never_asked() {
    let stub = Stub::answers("200 OK", json!({"v": 0.25}).to_string());
    let elsewhere = stub.address;
    let place = asking(stub.address, "metrics:q#$.v");
    for (query, says) in [
        ("metrics:../admin#$.v".to_owned(), "leads out of the endpoint"),
        ("metrics:a/%252e%252e/admin#$.v".to_owned(), "leads out of the endpoint"),
        (format!("metrics://{elsewhere}/#$.v"), "without the first /"),
        (format!("http://{elsewhere}/#$.v"), "without the first /"),
        (format!("metrics:http://{elsewhere}/#$.v"), "another address seems to begin"),
        (format!("metrics:@{elsewhere}/#$.v"), "a path cannot have"),
        // The label is the image of the delivery.
        ("metrics:$LABEL.image/admin#$.v".to_owned(), "leads out of the endpoint"),
    ] {
        place.put("qa", "http-json/sli.yaml", &sli(&query));
        let (_, evaluated) = place.evaluated("..");
        let message = &objective(&evaluated)["value"]["message"];
        let message = message.as_str().unwrap_or_default();
        assert!(message.starts_with("latency: ") && message.contains(says), "{query}: {message}");
        assert_eq!(evaluated["data"]["result"], "fail");
    }
    assert_eq!(stub.asked(), Vec::<String>::new());
}

#[test]
fn a_redirect_is_not_followed() {
    let elsewhere = Stub::answers("200 OK", json!({"v": 0.25}).to_string());
    let status = format!("302 Found\r\nlocation: http://{}/api/q", elsewhere.address);
    let stub = Stub::answers(status.leak(), String::new());
    let (evaluated, message) = said(&asking(stub.address, "metrics:q#$.v"));
    let says = "latency: unable to query the endpoint: it answered 302 Found, and no redirect is followed \
                (query: metrics:q#$.v)";
    assert_eq!((message.as_str(), &evaluated["data"]["result"]), (says, &json!("fail")));
    assert_eq!((stub.asked().len(), elsewhere.asked().len()), (1, 0));
}

#[test]
fn the_secret_of_an_endpoint_is_sent_and_never_seen_again() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("token");
    fs::write(&file, format!("{}\n", SECRETS[1])).expect("there is room");
    let private = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    fs::set_permissions(&file, private).expect("it is ours");
    let lines = format!(
        "headers = {{ x-key = \"{}\", authorization = {{ file = \"{}\", prefix = \"Bearer \" }} }}",
        SECRETS[0],
        file.display()
    );
    // It says what it was told, as some do.
    let echo = format!("no such key: {}, {}", SECRETS[0], SECRETS[1]);
    let log = directory.path().join("log");
    for (status, body) in [
        ("401 Unauthorized", echo.clone()),
        ("200 OK", echo.clone()),
        ("200 OK", json!({"data": [{"value": echo}]}).to_string()),
    ] {
        let stub = Stub::answers(status, body);
        let place = asking_with(stub.address, QUERY, &lines, Some(log.clone()));
        let (context, evaluated) = place.evaluated("hello:1");
        let message = objective(&evaluated)["value"]["message"].as_str().expect("a message");
        assert!(message.contains("no such key: ***, ***"), "{message}");
        let asked = stub.asked().remove(0).to_lowercase();
        assert!(asked.contains(&format!("x-key: {}", SECRETS[0]).to_lowercase()), "{asked}");
        let bearer = format!("authorization: bearer {}", SECRETS[1]).to_lowercase();
        assert!(asked.contains(&bearer), "{asked}");
        place.event(&context, "qa.delivery.finished");
        for kind in ["evaluation.finished", "get-sli.triggered", "get-sli.finished"] {
            assert_hidden(place.event(&context, kind).to_string().as_bytes(), kind);
        }
        let said = fs::read_to_string(&log).expect("a log");
        assert!(said.contains("evaluated"), "it logs all that it can: {}", said.len());
        assert_hidden(said.as_bytes(), "the log");
        let read = files(&place.server.data, &mut |path, bytes| {
            assert_hidden(bytes, &path.display().to_string());
        });
        assert!(read > 3, "{read} files");
    }
}

fn assert_hidden(bytes: &[u8], place: &str) {
    for secret in SECRETS {
        let found = bytes.windows(secret.len()).any(|part| part == secret.as_bytes());
        assert!(!found, "{secret} is in {place}");
    }
}

/// Looks at every file below a directory, and counts them.
fn files(directory: &Path, look: &mut impl FnMut(&Path, &[u8])) -> usize {
    let mut count = 0;
    for entry in fs::read_dir(directory).expect("a directory") {
        let path = entry.expect("an entry").path();
        let Ok(kind) = path.symlink_metadata().map(|metadata| metadata.file_type()) else {
            continue;
        };
        if kind.is_dir() {
            count += files(&path, look);
        } else if kind.is_file() {
            // A temporary file may be gone by now.
            let Ok(bytes) = fs::read(&path) else { continue };
            look(&path, &bytes);
            count += 1;
        }
    }
    count
}

#[test]
fn whoever_configures_it_for_a_project_is_answered_and_its_gates_ask_it() {
    let stub = Stub::answers("200 OK", json!({"v": 0.25}).to_string());
    let lines = format!("[sli.http-json.endpoints.metrics]\nurl = \"http://{}/api\"", stub.address);
    let place = Place::with(&lines);
    place.put("qa", "http-json/sli.yaml", &sli("metrics:q#$.v"));
    place.put("qa", "slo.yaml", SLO);
    let event = json!({"type": "sh.keptn.event.monitoring.configure", "source": "somebody",
        "data": {"type": "http-json", "project": "tour", "service": ""}});
    let (code, accepted) = place.server.post("/api/v1/event", &event);
    assert_eq!(code, 200, "{accepted}");
    let context = accepted["keptnContext"].as_str().expect("a context");
    let finished =
        until("an answer", || place.server.events(context, "configure-monitoring.finished").pop());
    assert_eq!(finished["data"]["message"], "http-json is the SLI provider now");
    assert_eq!(
        (&finished["data"]["result"], &finished["source"]),
        (&json!("pass"), &json!("http-json"))
    );
    let (_, evaluated) = place.evaluated("hello:1");
    assert_eq!(evaluated["data"]["result"], "pass", "{evaluated}");
    assert!(stub.asked()[0].starts_with("GET /api/q HTTP/1.1"), "{:?}", stub.asked());
}
