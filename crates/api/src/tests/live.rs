//! The stream that says that something has changed.

use axum::body::Body;
use axum::response::Response;
use http_body_util::BodyExt as _;

use super::server::{STREAMS, Server, on_server};

const LIVE: &str = "/api/tidegate/v1/live";

/// The names of its messages up to the first that is `last`; none where the stream ends before.
async fn until(stream: &mut Response<Body>, last: &str) -> Option<Vec<String>> {
    let mut names = Vec::new();
    while let Some(frame) = stream.body_mut().frame().await {
        let bytes = frame.unwrap().into_data().unwrap();
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        names.extend(
            text.lines().filter_map(|line| line.strip_prefix("event: ").map(str::to_owned)),
        );
        if names.last().is_some_and(|name| name == last) {
            return Some(names);
        }
    }
    None
}

async fn listen(server: &Server, query: &str) -> Response<Body> {
    let mut stream = server.stream(&format!("{LIVE}?{query}")).await;
    assert_eq!(stream.status(), 200);
    assert_eq!(stream.headers()["content-type"], "text/event-stream");
    assert_eq!(until(&mut stream, "open").await.unwrap(), ["open"]);
    stream
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
