//! The stream that keeps pages true.

use std::time::Duration;

use axum::body::Body;
use http_body_util::BodyExt as _;
use serde_json::json;

use super::browser::{Browser, on_site};
use super::scene::person;
use crate::logs::JobLog;

const PATIENCE: Duration = Duration::from_secs(20);

/// Browsers drop a message without data.
const CHANGED: &str = "event: changed\ndata: changed\n\n";

struct Stream(Body);

impl Stream {
    async fn open(browser: &Browser, query: &str) -> Self {
        let response = browser.stream(&format!("/bridge/live?{query}")).await;
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        assert_eq!(response.headers()["x-accel-buffering"], "no");
        assert_eq!(response.headers()["cache-control"], "no-cache");
        assert!(!response.headers().contains_key("content-encoding"), "a message must not wait");
        let mut stream = Self(response.into_body());
        let hello = stream.next().await.unwrap();
        assert!(hello.contains("retry"), "{hello}");
        stream
    }

    /// The next message; none where the stream has ended.
    async fn next(&mut self) -> Option<String> {
        let frame = tokio::time::timeout(PATIENCE, self.0.frame()).await.expect("in time")?;
        let bytes = frame.unwrap().into_data().unwrap();
        Some(String::from_utf8(bytes.to_vec()).unwrap())
    }
}

#[test]
fn a_page_hears_of_its_own_delivery_and_of_no_other() {
    on_site(|site| async move {
        let mine = site.scene.deliver("hello:v1", &json!({}), &person("ci")).await;
        let task = site.scene.begin(mine, "deployment").await;
        let ada = site.sign_in("ada").await;
        let mut page = Stream::open(&ada, &format!("context={mine}")).await;
        let mut inbox = Stream::open(&ada, "inbox").await;
        // Waits in the lane: nothing about the first one changes.
        site.scene.deliver("hello:v2", &json!({}), &person("ci")).await;
        assert_eq!(inbox.next().await.unwrap(), CHANGED);
        let log = JobLog { text: "more".to_owned(), dropped_bytes: 0, running: true };
        site.logs.kept.lock().unwrap().insert(task, log);
        site.logs.grown.send(task).unwrap();
        assert_eq!(page.next().await.unwrap(), CHANGED, "its job has said more");
    });
}

#[test]
fn streams_end_when_the_server_stops() {
    on_site(|site| async move {
        let ada = site.sign_in("ada").await;
        let mut stream = Stream::open(&ada, "inbox").await;
        site.stop.send(true).unwrap();
        assert_eq!(stream.next().await, None);
    });
}

#[test]
fn a_stream_about_nothing_is_refused() {
    on_site(|site| async move {
        let mut ada = site.sign_in("ada").await;
        for query in ["", "context=x", "project=../x"] {
            assert_eq!(ada.get(&format!("/bridge/live?{query}")).await.status, 404, "{query}");
        }
    });
}
