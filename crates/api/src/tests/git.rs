//! Clones and pushes that are none.

use axum::body::Body;
use axum::http::Request;

use super::server::{Answer, SHARED, Server, on_server};

async fn post(server: &Server, service: &str, body: &'static [u8]) -> Answer {
    let request = Request::post(format!("/git/tour.git/git-{service}-pack"))
        .header("x-token", SHARED)
        .header("content-type", format!("application/x-git-{service}-pack-request"));
    server.send([127, 0, 0, 1], request.body(Body::from(body)).unwrap()).await
}

#[test]
fn what_is_no_push_is_refused_in_one_line_and_is_no_fault_of_the_server() {
    on_server(|server| async move {
        server.create("tour").await;
        for garbage in [&b"\x89PNG\r\n\x1a\n"[..], b"", b"0032", b"0009push0000"] {
            let answer = post(&server, "receive", garbage).await;
            assert_eq!(answer.status, 400, "{garbage:?}: {answer:?}");
            assert_eq!(answer.body.lines().count(), 1, "{answer:?}");
            assert!(answer.body.contains("is no push"), "{answer:?}");
        }
        // The probe that `git` sends before a large push.
        assert_eq!(post(&server, "receive", b"0000").await.status, 200);
    });
}

#[test]
fn what_is_no_fetch_gets_nothing() {
    on_server(|server| async move {
        server.create("tour").await;
        for garbage in [&b"\x89PNG"[..], b"", b"0032"] {
            let answer = post(&server, "upload", garbage).await;
            assert_eq!(answer.status, 200, "{garbage:?}: {answer:?}");
        }
    });
}
