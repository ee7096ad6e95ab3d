//! Pages for what did not work.

use axum::http::StatusCode;

use super::browser::{on_site, plain};

#[test]
fn a_page_that_is_not_there_keeps_the_navigation_and_says_what_may_have_been_meant() {
    on_site(|site| async move {
        let mut ada = site.sign_in("ada").await;
        let page = ada.get("/bridge/project/tuor/sequence").await;
        assert_eq!(page.status, StatusCode::NOT_FOUND);
        assert!(plain(&page.text).contains("Did you mean tour"), "{}", page.text);
        assert!(page.text.contains("href=\"/bridge/project/tour\""));
        assert!(page.text.contains("aria-label=\"Main\""));
        let page = ada.get("/bridge/project/something-else/sequence").await;
        assert!(!page.text.contains("Did you mean"));
    });
}

#[test]
fn a_problem_is_shown_in_the_colours_that_were_chosen() {
    on_site(|site| async move {
        let mut stranger = site.stranger();
        stranger.cookie.push_str("tidegate_theme=dark");
        let page = stranger.get("/bridge/assets/nothing.css").await;
        assert_eq!(page.status, StatusCode::NOT_FOUND);
        assert!(page.text.contains("data-theme=\"dark\""));
        assert!(!page.text.contains("aria-label=\"Main\""), "nobody is signed in");
    });
}

#[test]
fn the_error_addresses_of_keptns_bridge_say_what_they_said() {
    on_site(|site| async move {
        let mut ada = site.sign_in("ada").await;
        for (status, code, words) in [
            ("403", 403, "You may not see or do this"),
            ("405", 405, "does not take that method"),
            ("500", 404, "There is no such page"),
            ("1001", 404, "There is no such delivery"),
            ("%3Cscript%3E", 404, "There is no such page"),
        ] {
            let page = ada.get(&format!("/bridge/error?status={status}")).await;
            assert_eq!(page.status, code, "{status}");
            assert!(page.text.contains(words), "{status}: {}", page.text);
        }
    });
}

#[test]
fn addresses_without_the_prefix_lead_below_it_for_good_and_nowhere_else() {
    on_site(|site| async move {
        let mut stranger = site.stranger();
        for path in [
            "/dashboard",
            "/create/project",
            "/project/tour/sequence/x?Service=hello&Stage=qa",
            "/project//evil.example/",
            "/trace/x/sh.keptn.event.test.finished",
            "/evaluation/x/qa",
            "/error?status=403",
            "/oauth/login",
        ] {
            let answer = stranger.get(path).await;
            assert_eq!(answer.status, StatusCode::PERMANENT_REDIRECT, "{path}");
            assert_eq!(answer.headers["location"], format!("/bridge{path}"));
        }
    });
}
