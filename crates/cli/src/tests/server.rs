//! A server that knows a few approvals and answers votes as told.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};

pub(super) const TOKEN: &str = "a-token-for-tests";

/// What the server holds, and the votes it got.
pub(super) struct Fake {
    pub(super) approvals: Vec<Value>,
    pub(super) vote: (u16, Value),
    pub(super) votes: Vec<Value>,
    /// How many approvals fit on a page.
    pub(super) page: usize,
    /// How a sequence stands each time it is asked for; the last answer stays.
    pub(super) readings: Vec<Value>,
}

pub(super) type Shared = Arc<Mutex<Fake>>;

type Answer = (StatusCode, Json<Value>);

/// Starts it on a port of its own; it ends with the test's runtime.
pub(super) async fn start(fake: Fake) -> (SocketAddr, Shared) {
    let shared = Arc::new(Mutex::new(fake));
    let router = Router::new()
        .route("/api/tidegate/v1/approvals", get(list))
        .route("/api/tidegate/v1/approvals/{id}", get(one))
        .route("/api/tidegate/v1/approvals/{id}/decision", post(decide))
        .route("/api/tidegate/v1/sequences/{context}", get(reading))
        .route("/api/tidegate/v1/sign-in-links", post(link))
        .with_state(Arc::clone(&shared));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    (address, shared)
}

fn answer(status: u16, body: Value) -> Answer {
    (StatusCode::from_u16(status).unwrap(), Json(body))
}

fn refused(headers: &HeaderMap) -> Option<Answer> {
    let token = headers.get("x-token").and_then(|value| value.to_str().ok());
    let message = "unauthenticated or invalid credentials";
    (token != Some(TOKEN)).then(|| answer(401, json!({"code": 401, "message": message})))
}

#[derive(serde::Deserialize)]
struct Filter {
    state: Option<String>,
    project: Option<String>,
    context: Option<String>,
    #[serde(default)]
    offset: usize,
}

async fn list(
    State(fake): State<Shared>,
    headers: HeaderMap,
    Query(filter): Query<Filter>,
) -> Answer {
    if let Some(refusal) = refused(&headers) {
        return refusal;
    }
    let fake = fake.lock().unwrap();
    let wanted = |approval: &&Value| {
        [("state", &filter.state), ("project", &filter.project), ("context", &filter.context)]
            .iter()
            .all(|(key, value)| value.as_ref().is_none_or(|value| approval[key] == **value))
    };
    let matching: Vec<&Value> = fake.approvals.iter().filter(wanted).collect();
    let page: Vec<_> = matching.iter().skip(filter.offset).take(fake.page).collect();
    let end = filter.offset + page.len();
    let next = (end < matching.len()).then_some(end);
    answer(200, json!({"approvals": page, "total": matching.len(), "next": next}))
}

async fn one(State(fake): State<Shared>, Path(id): Path<String>) -> Answer {
    let fake = fake.lock().unwrap();
    match fake.approvals.iter().find(|approval| approval["id"] == *id) {
        Some(approval) => answer(200, approval.clone()),
        None => answer(404, json!({"code": 404, "message": format!("no approval {id}")})),
    }
}

async fn reading(State(fake): State<Shared>) -> Answer {
    let mut fake = fake.lock().unwrap();
    match fake.readings.len() {
        0 => answer(404, json!({"code": 404, "message": "no such sequence"})),
        1 => answer(200, fake.readings[0].clone()),
        _ => answer(200, fake.readings.remove(0)),
    }
}

async fn decide(
    State(fake): State<Shared>,
    Path(id): Path<String>,
    Json(mut vote): Json<Value>,
) -> Answer {
    let mut fake = fake.lock().unwrap();
    vote["id"] = Value::from(id);
    fake.votes.push(vote);
    let (status, body) = fake.vote.clone();
    answer(status, body)
}

async fn link(headers: HeaderMap, Json(body): Json<Value>) -> Answer {
    if let Some(refusal) = refused(&headers) {
        return refusal;
    }
    let path = format!("/bridge/login?code={}", body["name"].as_str().unwrap());
    answer(201, json!({"path": path, "expires": "2026-11-24T12:15:00Z"}))
}
