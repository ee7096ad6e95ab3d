//! Who gets in, and what the others are told.

use axum::body::Body;
use axum::http::Request;
use serde_json::json;

use super::server::{ADA, Answer, SHARED, Server, on_server};

async fn get(server: &Server, peer: [u8; 4], path: &str, token: Option<&str>) -> Answer {
    let request = Request::get(path);
    let request = match token {
        Some(token) => request.header("x-token", token),
        None => request,
    };
    server.send(peer, request.body(Body::empty()).unwrap()).await
}

#[test]
fn each_family_says_no_in_its_own_words() {
    on_server(|server| async move {
        let gateway = "unauthenticated or invalid credentials";
        let missing = "unauthenticated for invalid credentials";
        let wrong = "incorrect api key auth";
        for (n, (path, without, with_wrong)) in (1..).zip([
            ("/api/v1/auth", missing, wrong),
            ("/api/v1/metadata", missing, wrong),
            ("/api/controlPlane/v1/project", gateway, gateway),
            ("/api/controlPlane/v1/project/tour", gateway, gateway),
            ("/api/controlPlane/health", gateway, gateway),
            ("/api/mongodb-datastore/event", gateway, gateway),
            ("/api/tidegate/v1/approvals", gateway, gateway),
        ]) {
            let peer = [192, 0, 2, n];
            for (token, message) in
                [(None, without), (Some(""), without), (Some("guess"), with_wrong)]
            {
                let answer = get(&server, peer, path, token).await;
                let body = json!({"code": 401, "message": message});
                assert_eq!((answer.status, answer.json()), (401, body), "{path} {token:?}");
            }
        }
    });
}

#[test]
fn open_routes_need_no_token() {
    on_server(|server| async move {
        for (path, status, body) in [
            ("/health", 200, r#"{"status":"ok"}"#),
            ("/ready", 200, r#"{"status":"ok"}"#),
            ("/nginx-health", 200, "OK\n"),
            ("/", 301, ""),
        ] {
            let answer = get(&server, [192, 0, 2, 1], path, None).await;
            assert_eq!((answer.status, answer.body.as_str()), (status, body), "{path}");
        }
        let home = get(&server, [192, 0, 2, 1], "/", None).await;
        assert_eq!(home.headers["location"], "/bridge/");
    });
}

#[test]
fn the_auth_route_answers_nothing_but_200_to_every_token_that_somebody_holds() {
    on_server(|server| async move {
        for token in [SHARED, ADA] {
            let answer = get(&server, [192, 0, 2, 1], "/api/v1/auth", Some(token)).await;
            assert_eq!((answer.status, answer.body.as_str()), (200, ""));
        }
        let posted = server.post("/api/v1/auth", &json!({})).await;
        assert_eq!((posted.status, posted.body.as_str()), (200, ""));
    });
}

#[test]
fn guessers_are_slowed_down_and_those_beside_them_are_not() {
    on_server(|server| async move {
        let (guesser, other) = ([198, 51, 100, 1], [198, 51, 100, 2]);
        let path = "/api/controlPlane/v1/project";
        for _ in 0..2 {
            assert_eq!(get(&server, guesser, path, Some("guess")).await.status, 401);
        }
        let slowed = get(&server, guesser, path, Some("guess")).await;
        assert_eq!(slowed.status, 429);
        assert_eq!(slowed.json(), json!({"code": 429, "message": "too many requests"}));
        let wait: u64 = slowed.headers["retry-after"].to_str().unwrap().parse().unwrap();
        assert!((3000..=3600).contains(&wait), "{wait}");
        let auth = get(&server, guesser, "/api/v1/auth", Some("guess")).await;
        assert_eq!((auth.status, auth.body.as_str()), (429, "Too Many Requests"));
        assert!(auth.headers["content-type"].to_str().unwrap().starts_with("text/plain"));
        // No guess at all, the right token, and another peer are not slowed down.
        assert_eq!(get(&server, guesser, path, None).await.status, 401);
        assert_eq!(get(&server, guesser, path, Some(SHARED)).await.status, 200);
        assert_eq!(get(&server, other, path, Some("guess")).await.status, 401);
    });
}

#[test]
fn a_header_that_a_client_can_choose_is_not_its_address() {
    on_server(|server| async move {
        let mut last = 0;
        for n in 0..3 {
            let request = Request::get("/api/v1/metadata")
                .header("x-token", "guess")
                .header("x-forwarded-for", format!("203.0.113.{n}"))
                .body(Body::empty());
            last = server.send([198, 51, 100, 1], request.unwrap()).await.status;
        }
        assert_eq!(last, 429);
    });
}

#[test]
fn the_server_says_which_keptn_it_stands_in_for() {
    on_server(|server| async move {
        let metadata = server.get("/api/v1/metadata").await;
        assert_eq!(
            metadata.json(),
            json!({"namespace": "keptn", "keptnlabel": "keptn", "keptnversion": "1.4.5",
                "shipyardversion": "0.2.0", "bridgeversion": "9.8.7",
                "automaticprovisioning": false, "tidegateversion": "9.8.7"})
        );
    });
}

#[test]
fn only_the_installations_own_token_makes_sign_in_links() {
    on_server(|server| async move {
        let path = "/api/tidegate/v1/sign-in-links";
        let before = server.engine.now();
        let made = server.post(path, &json!({"name": "ada", "minutes": 60})).await;
        assert_eq!(made.status, 201, "{made:?}");
        let link = made.json()["path"].as_str().unwrap().to_owned();
        let code = link.strip_prefix("/bridge/login?code=").unwrap();
        let digest = tidegate_identity::SignInCode::parse(code).unwrap().digest();
        let expires: jiff::Timestamp = made.json()["expires"].as_str().unwrap().parse().unwrap();
        assert!(expires >= before + jiff::SignedDuration::from_mins(60));
        let row = server.engine.read(move |reader| reader.sign_in(&digest, before)).await.unwrap();
        assert_eq!(row.unwrap().name.as_str(), "ada");
        let ada = server.post_as(ADA, path, &json!({"name": "eve"})).await;
        assert_eq!(ada.status, 403);
        assert!(ada.message().contains("ada"), "{ada:?}");
        for bad in [
            json!({}),
            json!({"name": ""}),
            json!({"name": "a\nb"}),
            json!({"name": "ada", "minutes": 0}),
            json!({"name": "ada", "minutes": 100_000}),
            json!({"name": "ada", "role": "admin"}),
        ] {
            assert_eq!(server.post(path, &bad).await.status, 400, "{bad}");
        }
    });
}
