//! Forms count only from a page of the same session.

use axum::http::StatusCode;
use serde_json::json;

use super::browser::on_site;

#[test]
fn every_form_needs_the_token_of_its_session_and_a_page_of_ours() {
    on_site(|site| async move {
        let approval = site.scene.to_approval("hello:v1", &json!({})).await;
        let sequence = format!("/bridge/project/tour/sequence/{}", approval.context);
        let (mut ada, mut eve) = (site.sign_in("ada").await, site.sign_in("eve").await);
        let mine = ada.get("/bridge/me").await.field("csrf");
        let theirs = eve.get("/bridge/me").await.field("csrf");
        let posts = [
            (format!("/bridge/approval/{}/decision", approval.id), "decision=approve"),
            (format!("{sequence}/abort"), ""),
            (format!("{sequence}/pause"), ""),
            (format!("{sequence}/rerun"), "from=&once=1"),
            ("/bridge/project/tour/upstream/conflict".to_owned(), "branch=x"),
            ("/bridge/project/tour/services".to_owned(), "name=other"),
            (
                "/bridge/project/tour/trigger".to_owned(),
                "sequence=qa.delivery&service=hello&image=x",
            ),
            ("/bridge/create/project".to_owned(), "name=other"),
            ("/bridge/me".to_owned(), "theme=dark"),
            ("/bridge/logout".to_owned(), ""),
            ("/bridge/login".to_owned(), "token=the-shared-token"),
        ];
        for (path, fields) in &posts {
            let own = format!("{fields}&csrf={mine}");
            for (body, origin) in [
                (fields.to_string(), "http://tidegate.test"),
                (format!("{fields}&csrf={theirs}"), "http://tidegate.test"),
                (own.clone(), "http://evil.test"),
                (own.clone(), "null"),
            ] {
                let answer = ada.post(path, &body, &[("origin", origin)]).await;
                assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path} {body} {origin}");
                assert!(answer.text.contains("Nothing was changed"));
            }
            let cross = [("sec-fetch-site", "cross-site")];
            assert_eq!(ada.post(path, &own, &cross).await.status, StatusCode::FORBIDDEN, "{path}");
            let mut stranger = site.stranger();
            let answer = stranger.post(path, &own, &[]).await;
            assert!(matches!(answer.status.as_u16(), 303 | 403), "{path}");
            assert!(answer.headers.get("set-cookie").is_none());
        }
        assert_eq!(site.scene.approval(approval.context).await.id, approval.id, "still open");
        assert_eq!(ada.get("/bridge/inbox").await.status, 200, "still signed in");
    });
}

#[test]
fn nothing_changes_by_following_a_link() {
    on_site(|site| async move {
        let approval = site.scene.to_approval("hello:v1", &json!({})).await;
        let mut ada = site.sign_in("ada").await;
        let decision = format!("/bridge/approval/{}/decision?decision=approve", approval.id);
        for path in [decision.as_str(), "/bridge/logout"] {
            let page = ada.get(path).await;
            assert_eq!(page.status, StatusCode::METHOD_NOT_ALLOWED, "{path}");
            assert!(page.text.contains("<h1>"), "a page of its own");
        }
        assert_eq!(site.scene.approval(approval.context).await.id, approval.id);
    });
}

#[test]
fn a_form_that_is_too_large_is_refused_and_says_so() {
    on_site(|site| async move {
        let mut ada = site.sign_in("ada").await;
        let page = ada.get("/bridge/me").await;
        let long = "x".repeat(100_000);
        let answer = ada.submit("/bridge/me", &page, &[("theme", &long)]).await;
        assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
        assert!(answer.text.contains("Nothing was changed"));
    });
}
