//! The stream that keeps pages true.

use std::time::Duration;

use axum::body::Body;
use http_body_util::BodyExt as _;
use serde_json::json;

use super::browser::{Browser, on_site};
use super::scene::person;
use crate::logs::JobLog;

const PATIENCE: Duration = Duration::from_secs(20);

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
        assert!(hello.contains("event: open\n") && hello.contains("id: "), "{hello}");
        stream
    }

    /// The next message; none where the stream has ended.
    async fn next(&mut self) -> Option<String> {
        let frame = tokio::time::timeout(PATIENCE, self.0.frame()).await.expect("in time")?;
        let bytes = frame.unwrap().into_data().unwrap();
        Some(String::from_utf8(bytes.to_vec()).unwrap())
    }

    /// What the next message says, and its position.
    async fn news(&mut self) -> (String, String) {
        let text = self.next().await.unwrap();
        let line = |name: &str| {
            let found = text.lines().find_map(|line| line.strip_prefix(name));
            found.map(|rest| rest.trim().to_owned()).unwrap_or_default()
        };
        assert!(["changed", "reset", "over"].contains(&line("event:").as_str()), "{text}");
        (line("data:"), line("id:"))
    }
}

#[test]
fn a_page_hears_of_its_own_delivery_and_of_no_other() {
    on_site(|site| async move {
        let mine = site.scene.deliver("hello:v1", &json!({}), &person("ci")).await;
        let task = site.scene.begin(mine, "deployment").await;
        let ada = site.sign_in("ada").await;
        let topic = format!("context:{mine}");
        let mut page = Stream::open(&ada, &format!("topic={topic}")).await;
        let mut inbox = Stream::open(&ada, "topic=all").await;
        // Waits in the lane: nothing about the first one changes.
        site.scene.deliver("hello:v2", &json!({}), &person("ci")).await;
        assert_eq!(inbox.news().await.0, r#"["all"]"#);
        let log = JobLog { text: "more".to_owned(), dropped_bytes: 0, running: true };
        site.logs.kept.lock().unwrap().insert(task, log);
        site.logs.grown.send(task).unwrap();
        assert_eq!(page.news().await.0, json!([topic]).to_string(), "its job has said more");
    });
}

#[test]
fn one_stream_serves_several_pages_and_says_which_of_them_changed() {
    on_site(|site| async move {
        let mine = site.scene.deliver("hello:v1", &json!({}), &person("ci")).await;
        let ada = site.sign_in("ada").await;
        let topics = format!("topic=context:{mine}&topic=project:tour&topic=project:other");
        let mut stream = Stream::open(&ada, &topics).await;
        site.scene.deliver("hello:v2", &json!({}), &person("ci")).await;
        assert_eq!(stream.news().await.0, r#"["project:tour"]"#);
        site.scene.begin(mine, "deployment").await;
        assert_eq!(
            stream.news().await.0,
            json!([format!("context:{mine}"), "project:tour"]).to_string()
        );
    });
}

#[test]
fn who_was_away_hears_first_what_was_missed() {
    on_site(|site| async move {
        let mut ada = site.sign_in("ada").await;
        let page = ada.get("/bridge/inbox").await.text;
        let (_, rest) = page.split_once("data-at=\"").unwrap();
        let seen = rest.split_once('"').unwrap().0.to_owned();
        site.scene.deliver("hello:v1", &json!({}), &person("ci")).await;
        let mut late = Stream::open(&ada, &format!("topic=all&at={seen}")).await;
        let (news, position) = late.news().await;
        assert_eq!(news, r#"["all"]"#);
        assert_ne!(position, seen);
        // Nothing was missed since: the next message is about what comes.
        let mut again = Stream::open(&ada, &format!("topic=all&at={position}")).await;
        site.scene.deliver("hello:v2", &json!({}), &person("ci")).await;
        assert_ne!(again.news().await.1, position);
        // A server that was started anew knows nothing of it.
        let mut lost = Stream::open(&ada, "topic=all&at=7-7").await;
        assert_eq!(lost.news().await.0, "reset");
    });
}

#[test]
fn the_stream_of_a_session_ends_with_it_and_says_so() {
    on_site(|site| async move {
        let mut ada = site.sign_in("ada").await;
        let grace = site.sign_in("grace").await;
        let mut hers = Stream::open(&grace, "topic=all").await;
        let mut stream = Stream::open(&ada, "topic=all").await;
        let inbox = ada.get("/bridge/inbox").await;
        ada.submit("/bridge/logout", &inbox, &[]).await;
        assert_eq!(stream.news().await.0, "over");
        assert_eq!(stream.next().await, None);
        site.scene.deliver("hello:v1", &json!({}), &person("ci")).await;
        assert_eq!(hers.news().await.0, r#"["all"]"#, "somebody else's goes on");
    });
}

#[test]
fn streams_end_when_the_server_stops() {
    on_site(|site| async move {
        let ada = site.sign_in("ada").await;
        let mut stream = Stream::open(&ada, "topic=all").await;
        site.stop.send(true).unwrap();
        assert_eq!(stream.next().await, None);
    });
}

#[test]
fn who_is_not_signed_in_hears_that_and_nothing_else() {
    on_site(|site| async move {
        site.scene.deliver("hello:v1", &json!({}), &person("ci")).await;
        let response = site.stranger().stream("/bridge/live?topic=all").await;
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        let mut stream = Stream(response.into_body());
        assert_eq!(stream.news().await, ("over".to_owned(), String::new()));
        assert_eq!(stream.next().await, None);
    });
}

#[test]
fn a_stream_about_nothing_is_refused() {
    on_site(|site| async move {
        let mut ada = site.sign_in("ada").await;
        for query in ["", "topic=context:x", "topic=project:../x", "topic=all&topic=x"] {
            assert_eq!(ada.get(&format!("/bridge/live?{query}")).await.status, 404, "{query}");
        }
    });
}
