//! What pages show, and where old addresses lead.

use axum::http::StatusCode;
use http_body_util::BodyExt as _;
use serde_json::json;
use tidegate_core::approval::Decision;
use tidegate_core::sequence::Control;
use tidegate_core::uniform::{Command, Sent};

use super::browser::{on_site, plain};
use super::scene::{Scene, person};
use crate::logs::JobLog;

#[test]
fn every_page_carries_the_security_headers() {
    on_site(|site| async move {
        let mut ada = site.sign_in("ada").await;
        let style = crate::assets::Asset::Style.path();
        for path in ["/bridge/inbox", "/bridge/login", "/bridge/nowhere", "/bridge/me", style] {
            let page = ada.get(path).await;
            let policy = page.headers["content-security-policy"].to_str().unwrap();
            assert!(policy.starts_with("default-src 'none'; script-src 'self'"), "{path}");
            assert!(policy.contains("require-trusted-types-for 'script'"));
            assert!(!policy.contains("unsafe"));
            assert_eq!(page.headers["x-content-type-options"], "nosniff");
            assert_eq!(page.headers["referrer-policy"], "same-origin");
            let cache = page.headers["cache-control"].to_str().unwrap();
            let expected = if path == style { "immutable" } else { "no-store" };
            assert!(cache.contains(expected), "{path}: {cache}");
        }
    });
}

#[test]
fn pages_and_their_files_are_compressed_for_whoever_takes_it() {
    on_site(|site| async move {
        let mut ada = site.sign_in("ada").await;
        for path in ["/bridge/inbox", crate::assets::Asset::Style.path()] {
            let plain = ada.get(path).await;
            assert!(!plain.headers.contains_key("content-encoding"), "{path}");
            let packed = ada.stream(path).await;
            assert_eq!(packed.headers()["content-encoding"], "gzip", "{path}");
            assert_eq!(packed.headers()["vary"], "accept-encoding", "{path}");
            let bytes = packed.into_body().collect().await.unwrap().to_bytes();
            assert!(bytes.starts_with(&[0x1f, 0x8b]) && bytes.len() < plain.text.len(), "{path}");
        }
    });
}

#[test]
fn only_the_files_of_this_build_are_served() {
    on_site(|site| async move {
        let mut stranger = site.stranger();
        for path in ["bridge.css", "bridge.000000000000.css", "..%2F..%2Fetc%2Fpasswd", "%00"] {
            let page = stranger.get(&format!("/bridge/assets/{path}")).await;
            assert_eq!(page.status, StatusCode::NOT_FOUND, "{path}");
        }
    });
}

#[test]
fn a_delivery_shows_its_tasks_their_output_and_what_waits() {
    on_site(|site| async move {
        let context = site.scene.deliver("hello:v1", &json!({"v": "1"}), &person("ci")).await;
        let mut ada = site.sign_in("ada").await;
        let path = format!("/bridge/project/tour/sequence/{context}");
        let task = site.scene.begin(context, "deployment").await;
        let text = (1..=3000).map(|n| format!("line {n}\n")).collect();
        let log = JobLog { text, dropped_bytes: 7, running: true };
        site.logs.kept.lock().unwrap().insert(task, log);
        let page = ada.get(&path).await;
        assert_eq!(page.heading(), "delivery of hello:v1 is running in qa: deployment");
        assert!(page.text.contains("line 3000") && !page.text.contains("line 1000\n"));
        assert!(page.text.contains("Only the end is shown"));
        let whole = ada.get(&format!("/bridge/log/{task}")).await;
        assert!(whole.text.starts_with("[7 bytes before this were dropped]\nline 1\n"));
        site.scene.execute(context, "deployment", &json!({})).await;
        site.scene.execute(context, "evaluation", &json!({})).await;
        let approval = site.scene.approval(context).await;
        let page = ada.get(&path).await;
        assert_eq!(page.heading(), "delivery of hello:v1 is waiting for approval in production");
        assert!(
            page.text.contains(&format!("action=\"/bridge/approval/{}/decision\"", approval.id))
        );
        site.scene.decide(&approval, Decision::Approve, "grace", "").await;
        site.scene.execute(context, "deployment", &json!({})).await;
        let page = ada.get(&path).await;
        assert_eq!(page.heading(), "delivery of hello:v1 has passed in production");
    });
}

#[test]
fn a_failed_task_opens_itself_and_an_aborted_one_keeps_its_events() {
    on_site(|site| async move {
        let mut ada = site.sign_in("ada").await;
        let failed = site.scene.deliver("hello:v1", &json!({}), &person("ci")).await;
        let how = json!({"result": "fail", "status": "errored", "message": "port in use"});
        site.scene.execute(failed, "deployment", &how).await;
        let page = ada.get(&format!("/bridge/project/tour/sequence/{failed}")).await;
        assert_eq!(page.heading(), "delivery of hello:v1 has failed in qa: deployment");
        let row = page.between("<details class=\"opens\"", "</summary>");
        assert!(
            row.starts_with(" open") && row.contains("<span class=\"fault\">port in use"),
            "{row}"
        );
        let aborted = site.scene.deliver("hello:v2", &json!({}), &person("ci")).await;
        site.scene.begin(aborted, "deployment").await;
        site.scene
            .engine
            .control(Control::Abort, super::scene::tour(), aborted, None, &person("eve"))
            .await
            .unwrap();
        let page = ada.get(&format!("/bridge/project/tour/sequence/{aborted}")).await;
        assert!(page.heading().ends_with("was aborted in qa by eve"), "{}", page.heading());
        let task = plain(page.between("<ol class=\"tasks\">", "</ol>"));
        assert!(task.starts_with("Aborted deployment"), "{task}");
        assert!(task.contains("deployment.triggered") && task.contains("deployment.started"));
    });
}

#[test]
fn a_delivery_is_paused_and_resumed_with_one_press_each() {
    on_site(|site| async move {
        let mut ada = site.sign_in("ada").await;
        let id = site.scene.deliver("hello:v1", &json!({}), &person("ci")).await;
        let path = format!("/bridge/project/tour/sequence/{id}");
        let page = ada.get(&path).await;
        assert!(page.text.contains("/pause\"") && !page.text.contains("/resume\""));
        let done = ada.submit(&format!("{path}/pause"), &page, &[]).await;
        assert_eq!(done.status, StatusCode::SEE_OTHER);
        site.scene
            .execute(id, "deployment", &json!({"result": "pass", "status": "succeeded"}))
            .await;
        let page = ada.get(&path).await;
        assert_eq!(page.heading(), "delivery of hello:v1 is paused before evaluation in qa");
        assert!(plain(page.between("<p class=\"meta\">", "</p>")).starts_with("Paused"));
        assert!(ada.get("/bridge/project/tour/sequence").await.text.contains("Paused"));
        ada.submit(&format!("{path}/resume"), &page, &[]).await;
        let page = ada.get(&path).await;
        let now = "delivery of hello:v1 is waiting for an executor in qa: evaluation";
        assert_eq!(page.heading(), now);
    });
}

#[test]
fn a_part_is_the_same_page_without_its_frame() {
    on_site(|site| async move {
        let mut ada = site.sign_in("ada").await;
        let (whole, part) =
            (ada.get("/bridge/projects").await, ada.get("/bridge/projects?part=main").await);
        let start = part.text.trim_start();
        assert!(start.starts_with("<main id=\"main\"") && !start.contains("<html"), "{start}");
        let rows = |text: &str| {
            text.split_once("<ul").unwrap().1.split_once("</main>").unwrap().0.to_owned()
        };
        assert_eq!(rows(&whole.text), rows(&part.text));
    });
}

#[test]
fn addresses_of_keptns_bridge_lead_to_the_same_thing() {
    on_site(|site| async move {
        let approval = site.scene.to_approval("hello:v1", &json!({})).await;
        let (context, event) = (approval.context, approval.id);
        let mut ada = site.sign_in("ada").await;
        let sequence = format!("/bridge/project/tour/sequence/{context}");
        for (old, new) in [
            ("/bridge".to_owned(), "/bridge/inbox".to_owned()),
            ("/bridge/".to_owned(), "/bridge/inbox".to_owned()),
            ("/bridge/dashboard".to_owned(), "/bridge/projects".to_owned()),
            (
                "/bridge/project/tour/environment?service=a".to_owned(),
                "/bridge/project/tour?service=a".to_owned(),
            ),
            (format!("/bridge/trace/{context}"), sequence.clone()),
            (
                format!("/bridge/trace/{context}/production"),
                format!("{sequence}?stage=production#stage-production"),
            ),
            (
                format!("{sequence}/stage/production"),
                format!("{sequence}?stage=production#stage-production"),
            ),
            (format!("{sequence}/event/{event}"), format!("{sequence}?open={event}#e-{event}")),
            (
                format!("/bridge/trace/{context}/sh.keptn.event.approval.triggered"),
                format!("{sequence}?open={event}#e-{event}"),
            ),
        ] {
            assert_eq!(ada.get(&old).await.location(), new, "{old}");
        }
        let page = ada.get(&format!("{sequence}?open={event}")).await;
        assert!(page.text.contains(&format!("id=\"e-{event}\"")));
    });
}

#[test]
fn what_is_not_there_is_not_found_whatever_it_is_called() {
    on_site(|site| async move {
        let mut ada = site.sign_in("ada").await;
        let id = "11111111-1111-4111-8111-111111111111";
        for path in [
            format!("/bridge/approval/{id}"),
            "/bridge/approval/x".to_owned(),
            format!("/bridge/event/{id}"),
            format!("/bridge/log/{id}"),
            format!("/bridge/trace/{id}"),
            "/bridge/project/nowhere/sequence".to_owned(),
            "/bridge/project/..%2Ftour/sequence".to_owned(),
            format!("/bridge/project/tour/sequence/{id}"),
            format!("/bridge/project/nowhere/sequence/{id}/abort"),
            "/bridge/nowhere/at/all".to_owned(),
        ] {
            let page = ada.get(&path).await;
            assert_eq!(page.status, StatusCode::NOT_FOUND, "{path}");
            assert!(page.text.contains("There is no such"), "{path}");
        }
    });
}

#[test]
fn taste_is_kept_in_cookies_and_shapes_the_page() {
    on_site(|site| async move {
        let mut ada = site.sign_in("ada").await;
        let page = ada.get("/bridge/me").await;
        assert!(page.text.contains("data-theme=\"system\" data-keys"));
        let answer = ada.submit("/bridge/me", &page, &[("theme", "dark\"><script>")]).await;
        let cookies: Vec<_> = answer.headers.get_all("set-cookie").iter().collect();
        assert!(cookies[0].to_str().unwrap().starts_with("tidegate_theme=system;"), "{cookies:?}");
        assert!(cookies[1].to_str().unwrap().starts_with("tidegate_keys=off;"));
        ada.cookie.push_str("; tidegate_theme=dark; tidegate_keys=off");
        let page = ada.get("/bridge/me").await;
        assert!(page.text.contains("<html lang=\"en\" data-theme=\"dark\">"));
        assert!(!page.text.contains("/bridge/assets/keys."));
    });
}

/// The scene is the same one that the example shows.
#[test]
fn a_scene_starts_with_a_project() {
    on_site(|site| async move {
        let Scene { engine } = site.scene.clone();
        let read = engine.read(|reader| reader.projects(0, 10)).await.unwrap();
        assert_eq!(read.total, 1);
    });
}

#[test]
fn integrations_stand_with_what_they_are_told_of_and_whether_they_are_alive() {
    on_site(|site| async move {
        let mut ada = site.sign_in("ada").await;
        let path = "/bridge/project/tour/settings/uniform/integrations";
        assert!(ada.get(path).await.text.contains("None has registered."));
        let nowhere = path.replace("tour", "nowhere");
        assert_eq!(ada.get(&nowhere).await.status, StatusCode::NOT_FOUND);
        let sent: Sent = serde_json::from_value(json!({
            "name": "<b>job-executor-service",
            "metadata": {"hostname": "n1", "integrationversion": "0.3.0", "location": "control-plane",
                "kubernetesmetadata": {"namespace": "keptn-jes"}},
            "subscriptions": [{"event": "sh.keptn.event.*.triggered",
                "filter": {"projects": ["tour"], "stages": ["qa", "dev"]}}],
        }))
        .unwrap();
        let command = Command::Register(Box::new(sent.try_into().unwrap()));
        site.scene.engine.change_integrations(command, None, &person("ci")).await.unwrap();
        let page = ada.get(path).await;
        assert_eq!(page.heading(), "Integrations");
        assert!(!page.text.contains("<b>job"), "what it says of itself is text");
        let text = plain(page.between("<section class=\"integration\">", "</section>"));
        for part in [
            "job-executor-service",
            "Alive",
            "0.3.0",
            "n1",
            "keptn-jes",
            "control-plane",
            "sh.keptn.event.*.triggered in stage qa or dev of project tour",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
    });
}
