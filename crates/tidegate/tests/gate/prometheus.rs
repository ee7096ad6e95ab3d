//! A Prometheus that is well, and one that is down, slow, mute or talkative.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::place::{Place, SLO, objective};

const SLI: &str = "indicators:\n  latency: avg(latency_seconds{job=\"$SERVICE-$PROJECT-$STAGE\"}[$DURATION_SECONDS])\n";

/// Answers every query with the same body. It goes with the test's process.
pub(crate) struct Stub {
    pub(crate) address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Stub {
    pub(crate) fn answers(status: &'static str, body: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let asked = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&asked);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                drop(take(&stream, status, &body, &kept));
            }
        });
        Self { address, asked }
    }

    /// What it was asked so far: head and body of each.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().expect("no poison").clone()
    }

    /// One that takes questions, and never says anything.
    fn silent() -> (SocketAddr, TcpListener) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        (listener.local_addr().expect("an address"), listener)
    }
}

fn take(
    stream: &TcpStream,
    status: &str,
    body: &str,
    asked: &Mutex<Vec<String>>,
) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    let (mut length, mut head) = (0, String::new());
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().expect("a number");
        }
        if line.trim().is_empty() {
            break;
        }
        head.push_str(&line);
    }
    let mut form = vec![0; length];
    reader.read_exact(&mut form)?;
    asked.lock().expect("no poison").push(format!("{head}\n{}", String::from_utf8_lossy(&form)));
    let mut stream = stream;
    write!(
        stream,
        "HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
}

pub(crate) fn vector(values: &[&str]) -> String {
    let series: Vec<Value> =
        values.iter().map(|value| json!({"metric": {}, "value": [1_700_000_000, value]})).collect();
    json!({"status": "success", "data": {"resultType": "vector", "result": series}}).to_string()
}

/// A project that is measured by whoever is at an address.
fn measured_by(address: SocketAddr, lines: &str) -> Place {
    let place = Place::with(&format!(
        "{lines}\n[sli.prometheus]\nendpoint = \"http://{address}\"\ntimeout_s = 1\n\
        [gate]\nsli_provider = \"prometheus\""
    ));
    place.put("qa", "prometheus/sli.yaml", SLI);
    place.put("qa", "slo.yaml", SLO);
    place
}

/// What the gate says about the value of the only indicator.
fn said(place: &Place) -> (Value, String) {
    let (_, evaluated) = place.evaluated("hello:1");
    let message = objective(&evaluated)["value"]["message"].as_str().unwrap_or_default().to_owned();
    (evaluated, message)
}

#[test]
fn values_come_from_the_query_that_the_file_says() {
    let stub = Stub::answers("200 OK", vector(&["0.25"]));
    let secret = format!(
        "[secrets.prometheus-credentials-tour]\nPROMETHEUS_URL = \"http://{}\"\n\
         PROMETHEUS_USER = \"ada\"\nPROMETHEUS_PASSWORD = \"hunter2\"",
        stub.address
    );
    let place = measured_by(stub.address, &secret);
    let (evaluated, message) = said(&place);
    assert_eq!((evaluated["data"]["result"].as_str(), message.as_str()), (Some("pass"), ""));
    assert_eq!(objective(&evaluated)["value"]["value"], 0.25);
    let asked = stub.asked();
    let [asked] = asked.as_slice() else { panic!("one question: {asked:?}") };
    assert!(asked.starts_with("POST /api/v1/query HTTP/1.1"), "{asked}");
    assert!(asked.to_lowercase().contains("authorization: basic ywrhomh1bnrlcji="), "{asked}");
    assert!(asked.contains("job%3D%22hello-tour-qa%22") && asked.contains("%5B300s%5D"), "{asked}");
    assert!(!evaluated.to_string().contains("hunter2"));
}

#[test]
fn whatever_goes_wrong_is_said_with_the_query_and_the_gate_fails() {
    let big = format!("{{\"status\": \"{}\"}}", "x".repeat(10_000_000));
    for (status, body, words) in [
        ("200 OK", vector(&["NaN"]), "query did not return valid values"),
        ("200 OK", vector(&["+Inf"]), "query did not return a finite value"),
        ("200 OK", vector(&[]), "query did not return any values"),
        ("200 OK", vector(&["1", "2"]), "query did return multiple values"),
        ("200 OK", big, "the answer is larger than"),
        ("502 Bad Gateway", "<html>".to_owned(), "the server answered 502 Bad Gateway"),
        (
            "400 Bad Request",
            json!({"status": "error", "errorType": "bad_data",
            "error": "parse error"})
            .to_string(),
            "bad_data: parse error",
        ),
    ] {
        let place = measured_by(Stub::answers(status, body).address, "");
        let (evaluated, message) = said(&place);
        assert!(
            message.contains(words) && message.contains("avg(latency_seconds"),
            "{words}: {message}"
        );
        assert_eq!(evaluated["data"]["result"], "fail", "{words}");
    }
}

#[test]
fn one_that_is_down_or_slow_is_said_to_be() {
    let (down, listener) = Stub::silent();
    drop(listener);
    let (silent, _listener) = Stub::silent();
    for (address, words) in
        [(down, "the server cannot be asked"), (silent, "nobody answered in time")]
    {
        let place = measured_by(address, "");
        let (_, message) = said(&place);
        assert!(message.contains(words) && message.contains("avg(latency_seconds"), "{message}");
    }
}
