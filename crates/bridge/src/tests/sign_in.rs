//! Getting in and out.

use axum::http::StatusCode;

use super::browser::{BOT, on_site};

#[test]
fn a_link_signs_in_once_and_only_when_the_button_is_pressed() {
    on_site(|site| async move {
        let link = site.link("ada").await;
        let mut ada = site.stranger();
        for _ in 0..2 {
            // Looking at it, as a chat client does for a preview, uses nothing up.
            assert_eq!(ada.get(&link).await.heading(), "Sign in as ada");
        }
        let page = ada.get(&link).await;
        let before = ada.cookie.clone();
        let answer = ada.submit("/bridge/login", &page, &[]).await;
        assert_eq!(answer.location(), "/bridge/inbox");
        let cookie = answer.headers["set-cookie"].to_str().unwrap();
        assert!(cookie.contains("HttpOnly; SameSite=Lax; Path=/bridge; Max-Age=43200"), "{cookie}");
        assert_ne!(ada.cookie, before, "a session of its own");
        assert!(ada.get("/bridge/me").await.text.contains("Signed in as <b>ada</b>"));
        let mut late = site.stranger();
        let page = late.get(&link).await;
        assert_eq!(page.status, StatusCode::GONE);
        assert!(page.text.contains("used before"), "{}", page.text);
        assert!(!page.text.contains("aria-invalid"), "nobody has typed a token");
    });
}

#[test]
fn a_token_signs_in_as_its_holder_and_guesses_are_slowed_down() {
    on_site(|site| async move {
        let mut browser = site.stranger();
        let page = browser.get("/bridge/login").await;
        let mut codes = Vec::new();
        for _ in 0..4 {
            let answer = browser.submit("/bridge/login", &page, &[("token", "a-guess")]).await;
            codes.push(answer.status.as_u16());
            assert!(answer.text.contains("class=\"error\""));
            assert!(answer.text.contains("aria-invalid=\"true\""));
        }
        assert_eq!(codes, [401, 401, 429, 429]);
        let slow = browser.submit("/bridge/login", &page, &[("token", "a-guess")]).await;
        assert!(slow.headers["retry-after"].to_str().unwrap().parse::<u64>().unwrap() > 0);
        let mut other = site.stranger();
        other.peer = [10, 0, 0, 9];
        let page = other.get("/bridge/login").await;
        let answer = other.submit("/bridge/login", &page, &[("token", "a-guess")]).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "another peer is another peer");
        // The right one is never turned away.
        let page = browser.get("/bridge/login").await;
        let answer = browser.submit("/bridge/login", &page, &[("token", BOT)]).await;
        assert_eq!(answer.location(), "/bridge/inbox");
        assert!(browser.get("/bridge/me").await.text.contains("<b>bot (machine)</b>"));
    });
}

#[test]
fn signing_in_leads_back_to_the_page_and_never_elsewhere() {
    on_site(|site| async move {
        let mut stranger = site.stranger();
        let asked = stranger.get("/bridge/project/tour/sequence?state=started").await;
        let login = asked.location().to_owned();
        let expected = "/bridge/login?next=/bridge/project/tour/sequence%3Fstate%3Dstarted";
        assert_eq!(login, expected);
        let page = stranger.get(&login).await;
        let answer = stranger.submit("/bridge/login", &page, &[("token", BOT)]).await;
        assert_eq!(answer.location(), "/bridge/project/tour/sequence?state=started");
        for evil in ["https://evil.test/bridge/", "//evil.test/bridge/", "/bridge/../api", ""] {
            let mut stranger = site.stranger();
            let page = stranger.get("/bridge/login").await;
            let fields = [("token", BOT), ("next", evil)];
            let answer = stranger.submit("/bridge/login", &page, &fields).await;
            assert_eq!(answer.location(), "/bridge/inbox", "{evil}");
        }
    });
}

#[test]
fn signing_out_ends_the_session_on_the_server() {
    on_site(|site| async move {
        let mut ada = site.sign_in("ada").await;
        let mut copy = ada.clone();
        let page = ada.get("/bridge/me").await;
        let answer = ada.submit("/bridge/logout", &page, &[]).await;
        assert_eq!(answer.location(), "/bridge/login");
        assert!(answer.headers["set-cookie"].to_str().unwrap().contains("Max-Age=0"));
        assert_eq!(copy.get("/bridge/inbox").await.location(), "/bridge/login");
    });
}

#[test]
fn a_stranger_learns_nothing() {
    on_site(|site| async move {
        let mut stranger = site.stranger();
        for path in [
            "/bridge/inbox",
            "/bridge/projects",
            "/bridge/me",
            "/bridge/project/tour",
            "/bridge/project/tour/environment/stage/qa",
            "/bridge/project/tour/trigger",
            "/bridge/create/project",
            "/bridge/project/tour/sequence",
            "/bridge/approval/11111111-1111-4111-8111-111111111111",
            "/bridge/event/11111111-1111-4111-8111-111111111111",
            "/bridge/log/11111111-1111-4111-8111-111111111111",
            "/bridge/trace/11111111-1111-4111-8111-111111111111",
        ] {
            let page = stranger.get(path).await;
            assert!(page.location().starts_with("/bridge/login"), "{path}");
            assert!(page.text.is_empty(), "{path}");
        }
    });
}
