//! The stream that says that something has changed.

use axum::body::Body;
use axum::http::Request;
use axum::response::Response;
use http_body_util::BodyExt as _;
use serde_json::{Value, json};

use super::server::{SHARED, STREAMS, Server, on_server};

const LIVE: &str = "/api/tidegate/v1/live";

/// A message: its name, and how far the stream has come with it.
#[derive(Debug, PartialEq, Eq)]
struct Message(String, String);

/// Its messages up to the first that is `last`; none where the stream ends before.
async fn messages(stream: &mut Response<Body>, last: &str) -> Option<Vec<Message>> {
    let mut messages = Vec::new();
    while let Some(frame) = stream.body_mut().frame().await {
        let bytes = frame.unwrap().into_data().unwrap();
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        let field = |name: &str| text.lines().find_map(|line| line.strip_prefix(name));
        if let Some(name) = field("event: ") {
            messages.push(Message(name.to_owned(), field("id: ").unwrap().to_owned()));
            if name == last {
                return Some(messages);
            }
        }
    }
    None
}

/// The names of its messages up to the first that is `last`; none where the stream ends before.
async fn until(stream: &mut Response<Body>, last: &str) -> Option<Vec<String>> {
    let messages = messages(stream, last).await?;
    Some(messages.into_iter().map(|Message(name, _)| name).collect())
}

/// Opens a stream with a token, for a listener that was cut off after a message.
async fn open(server: &Server, query: &str, token: &str, last: Option<&str>) -> Response<Body> {
    let mut request = Request::get(format!("{LIVE}?{query}")).header("x-token", token);
    if let Some(last) = last {
        request = request.header("last-event-id", last);
    }
    let stream = server.stream(request.body(Body::empty()).unwrap()).await;
    assert_eq!(stream.status(), 200);
    assert_eq!(stream.headers()["content-type"], "text/event-stream");
    stream
}

async fn listen(server: &Server, query: &str) -> Response<Body> {
    let mut stream = open(server, query, SHARED, None).await;
    assert_eq!(until(&mut stream, "open").await.unwrap(), ["open"]);
    stream
}

#[test]
fn who_was_cut_off_hears_what_was_missed() {
    on_server(|server| async move {
        server.create("tour").await;
        server.create("twin").await;
        let mut before = open(&server, "project=tour", SHARED, None).await;
        let heard = messages(&mut before, "open").await.unwrap();
        let [Message(_, position)] = heard.as_slice() else { panic!("{heard:?}") };
        drop(before);
        server.deliver("tour", "carts:1").await;
        let mut after = open(&server, "project=tour", SHARED, Some(position)).await;
        let heard = messages(&mut after, "changed").await.unwrap();
        let [Message(first, from), Message(_, to)] = heard.as_slice() else { panic!("{heard:?}") };
        assert_eq!((first.as_str(), from), ("open", position));
        assert_ne!(to, position);
        let mut twin = open(&server, "project=twin", SHARED, Some(position)).await;
        server.deliver("twin", "carts:1").await;
        assert_eq!(until(&mut twin, "changed").await.unwrap(), ["open", "changed"]);
    });
}

#[test]
fn who_comes_from_another_start_of_the_server_reads_everything_anew() {
    on_server(|server| async move {
        let mut stream = open(&server, "project=tour", SHARED, Some("0-0")).await;
        assert_eq!(until(&mut stream, "reset").await.unwrap(), ["open", "reset"]);
        server.create("tour").await;
        let mut stream = open(&server, "project=tour", SHARED, Some("gossip")).await;
        server.deliver("tour", "carts:1").await;
        assert_eq!(until(&mut stream, "changed").await.unwrap(), ["open", "changed"]);
    });
}

#[test]
fn a_token_that_was_revoked_hears_nothing_more() {
    on_server(|server| async move {
        server.create("tour").await;
        let tokens = "/api/tidegate/v1/tokens";
        let made = server.post(tokens, &json!({"name": "grace", "kind": "person"})).await.json();
        let token = made["token"].as_str().unwrap();
        let mut stream = open(&server, "project=tour", token, None).await;
        assert!(until(&mut stream, "open").await.is_some());
        server.call("DELETE", &format!("{tokens}/grace"), &Value::Null).await;
        server.deliver("tour", "carts:1").await;
        assert_eq!(until(&mut stream, "changed").await, None);
    });
}

#[tokio::test(start_paused = true)]
async fn a_stream_ends_after_its_time() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(&directory).await;
    let mut stream = listen(&server, "project=tour").await;
    assert_eq!(until(&mut stream, "changed").await, None);
    server.engine.stop().await;
}

#[test]
fn a_stream_tells_of_its_own_topic_and_of_no_other() {
    on_server(|server| async move {
        server.create("tour").await;
        server.create("twin").await;
        let mut one = listen(&server, "context=6f9619ff-8b86-4011-b42d-00cf4fc964ff").await;
        let mut project = listen(&server, "project=twin").await;
        server.deliver("tour", "carts:1").await;
        server.deliver("twin", "carts:1").await;
        assert_eq!(until(&mut project, "changed").await.unwrap(), ["changed"]);
        server.stop.send_replace(true);
        assert_eq!(until(&mut one, "changed").await, None, "it ends without a word");
    });
}

#[test]
fn a_change_of_a_sequence_is_told_and_a_stop_ends_the_stream() {
    on_server(|server| async move {
        server.create("tour").await;
        let context = server.deliver("tour", "carts:1").await;
        let mut stream = listen(&server, &format!("context={context}")).await;
        server.execute("deployment").await;
        assert!(until(&mut stream, "changed").await.is_some());
        server.stop.send_replace(true);
        while let Some(frame) = stream.body_mut().frame().await {
            frame.unwrap();
        }
    });
}

#[test]
fn there_are_only_so_many_places_and_who_leaves_makes_room() {
    on_server(|server| async move {
        let mut streams = Vec::new();
        for _ in 0..STREAMS {
            streams.push(listen(&server, "project=tour").await);
        }
        let refused = server.get(&format!("{LIVE}?project=tour")).await;
        assert_eq!(refused.status, 503, "{refused:?}");
        assert!(refused.headers.contains_key("retry-after"));
        streams.pop();
        listen(&server, "project=tour").await;
    });
}

#[test]
fn a_stream_about_nothing_is_refused() {
    on_server(|server| async move {
        for query in ["", "context=x", "project=No!", "context=x&project=tour", "inbox"] {
            let refused = server.get(&format!("{LIVE}?{query}")).await;
            assert_eq!(refused.status, 400, "{query}: {refused:?}");
        }
    });
}
