//! The page of a project: its stages, the gates between them, and what runs where.

use axum::http::StatusCode;
use serde_json::json;
use tidegate_core::approval::Decision;
use tidegate_core::names::{CommitId, ProjectName, ServiceName};
use tidegate_core::principal::Principal;
use tidegate_core::shipyard::Shipyard;
use tidegate_store::Write;

use super::browser::{Page, Site, on_site, plain};
use super::scene::{person, tour};

const HOME: &str = "/bridge/project/tour";

/// The card of a stage, in words.
fn stage(page: &Page, name: &str) -> String {
    let start = format!("aria-labelledby=\"stage-{name}\">");
    plain(page.between(&start, "</section>"))
}

/// The gate before a stage, in words.
fn gate(page: &Page, name: &str) -> String {
    plain(page.between(&format!("aria-label=\"Gate before {name}\">"), "</section>"))
}

/// The symbol of that gate.
fn paddle(page: &Page, name: &str) -> String {
    let gate = page.between(&format!("aria-label=\"Gate before {name}\">"), "</section>");
    gate.split_once("href=\"#i-").unwrap().1.split('"').next().unwrap().to_owned()
}

async fn services(site: &Site, count: usize) {
    for n in 0..count {
        let name = ServiceName::new(format!("service-{n:03}")).unwrap();
        site.scene.engine.create_service(tour(), name, &Principal::Shared).await.unwrap();
    }
}

/// Takes over a shipyard as if it had come from elsewhere.
pub(super) async fn shipyard(site: &Site, text: &str) {
    let commit = CommitId::new(&"7".repeat(40)).unwrap();
    let write = Write::Snapshot { project: tour(), commit, text: text.to_owned() };
    site.scene.engine.write(write, &Principal::Shared).await.unwrap();
}

#[test]
fn a_gate_at_rest_says_what_it_asks_and_a_stage_what_runs() {
    on_site(|site| async move {
        let mut ada = site.sign_in("ada").await;
        let page = ada.get(HOME).await;
        assert_eq!(page.heading(), "tour");
        assert!(page.text.contains("Nothing waits for a decision; nothing runs."));
        assert_eq!(paddle(&page, "production"), "paddle-closed");
        assert_eq!(gate(&page, "production"), "asks a person on pass or warning");
        assert!(!page.text.contains("Gate before qa"), "nothing leads to qa");
        assert!(stage(&page, "qa").ends_with("hello not deployed"), "{}", stage(&page, "qa"));
    });
}

#[test]
fn a_candidate_waits_on_the_gate_and_not_in_the_stage() {
    on_site(|site| async move {
        let first = site.scene.to_approval("hello:v1", &json!({})).await;
        site.scene.decide(&first, Decision::Approve, "grace", "").await;
        site.scene.execute(first.context, "deployment", &json!({})).await;
        let second = site.scene.to_approval("hello:v2", &json!({})).await;
        let mut ada = site.sign_in("ada").await;
        let page = ada.get(HOME).await;
        let gate = gate(&page, "production");
        assert!(gate.starts_with("1 waits for a decision on pass or warning hello:v2"), "{gate}");
        assert!(gate.contains("Passed 96.5/100"), "{gate}");
        assert_eq!(paddle(&page, "production"), "paddle-closed");
        let production = stage(&page, "production");
        assert!(production.starts_with("production 1 needs approval hello v1"), "{production}");
        assert!(!production.contains("v2"), "{production}");
        let decision = format!("action=\"/bridge/approval/{}/decision\"", second.id);
        assert!(page.text.contains(&decision));

        // The form on the gate is the card's: with the subject, and a reason where one is needed.
        let path = format!("/bridge/approval/{}/decision", second.id);
        let refused = ada.submit(&path, &page, &[("decision", "decline"), ("comment", "")]).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        let fields = [("decision", "decline"), ("comment", "budget spent")];
        let answer = ada.submit(&path, &page, &fields).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER);
        let page = ada.get(HOME).await;
        assert_eq!(paddle(&page, "production"), "paddle-barred");
        let gate = self::gate(&page, "production");
        assert!(
            gate.starts_with("You declined hello:v2") && gate.contains("budget spent"),
            "{gate}"
        );
        let production = stage(&page, "production");
        assert!(!production.contains("failed in 24 h"), "declined is not failed: {production}");
        assert!(production.contains("Declined"), "{production}");
    });
}

#[test]
fn a_gate_says_who_let_the_last_one_through() {
    on_site(|site| async move {
        let approval = site.scene.to_approval("hello:v1", &json!({})).await;
        site.scene.decide(&approval, Decision::Approve, "grace", "looks fine").await;
        let mut ada = site.sign_in("ada").await;
        let page = ada.get(HOME).await;
        assert_eq!(paddle(&page, "production"), "paddle-open");
        let gate = gate(&page, "production");
        assert!(
            gate.starts_with("grace approved hello:v1") && gate.contains("looks fine"),
            "{gate}"
        );
    });
}

#[test]
fn what_fails_before_a_gate_bars_it_and_is_counted_for_a_day() {
    on_site(|site| async move {
        let failed = site.scene.deliver("hello:v1", &json!({}), &person("ci")).await;
        let how = json!({"result": "fail", "status": "errored", "message": "port in use"});
        site.scene.execute(failed, "deployment", &how).await;
        let mut ada = site.sign_in("ada").await;
        let page = ada.get(HOME).await;
        assert_eq!(paddle(&page, "production"), "paddle-barred");
        assert!(gate(&page, "production").starts_with("hello:v1 failed in qa"));
        let qa = stage(&page, "qa");
        assert!(qa.contains("1 failed in 24 h") && qa.contains("Failed"), "{qa}");
    });
}

#[test]
fn a_service_shows_its_version_its_evaluations_and_where_it_can_be_reached() {
    on_site(|site| async move {
        for (version, result, score) in
            [("v1", "pass", 96.5), ("v2", "fail", 41.0), ("v3", "warning", 80.0)]
        {
            let image = format!("ghcr.io/acme/hello:{version}");
            let context = site.scene.deliver(&image, &json!({}), &person("ci")).await;
            let uris = ["javascript:alert(1)", "https://hello.example:8080/x"];
            let at = json!({"deployment": {"deploymentURIsPublic": uris}});
            site.scene.execute(context, "deployment", &at).await;
            let judged =
                json!({"result": result, "evaluation": {"result": result, "score": score}});
            site.scene.execute(context, "evaluation", &judged).await;
        }
        let mut ada = site.sign_in("ada").await;
        let page = ada.get(HOME).await;
        let qa = stage(&page, "qa");
        assert!(qa.contains("hello v3"), "{qa}");
        assert!(qa.contains("Warning 80/100") && qa.ends_with("hello.example:8080"), "{qa}");
        assert!(page.text.contains("href=\"https://hello.example:8080/x\""));
        assert!(!page.text.contains("javascript:"));
        let judged = "Last 3 evaluations, oldest first: Passed, Failed, Warning";
        assert!(page.text.contains(judged), "{}", page.text);
        assert!(page.text.contains("title=\"ghcr.io/acme/hello:v3\""));
    });
}

#[test]
fn a_selected_stage_says_its_policy_and_what_happened_in_it() {
    on_site(|site| async move {
        let approval = site.scene.to_approval("hello:v1", &json!({})).await;
        let mut ada = site.sign_in("ada").await;
        let path = format!("{HOME}/environment/stage/production");
        let page = ada.get(&path).await;
        let aside = plain(page.between("<aside", "</aside>"));
        assert!(aside.contains("production asks a person before deployment."), "{aside}");
        assert!(aside.contains("Open approvals · 1 Needs approval hello:v1 delivery"), "{aside}");
        assert!(aside.contains("Nothing is under way here."), "{aside}");
        let qa = ada.get(&format!("{HOME}/environment/stage/qa")).await;
        let aside = plain(qa.between("<aside", "</aside>"));
        assert!(aside.contains("qa asks nobody."), "{aside}");
        assert!(aside.contains("Ended last Passed hello:v1 delivery"), "{aside}");
        site.scene.decide(&approval, Decision::Decline, "grace", "no").await;
        let page = ada.get(&path).await;
        let aside = plain(page.between("<aside", "</aside>"));
        assert!(aside.contains("Ended last Declined"), "{aside}");
        for missing in ["nowhere", "%3Cscript%3E"] {
            let page = ada.get(&format!("{HOME}/environment/stage/{missing}")).await;
            assert_eq!(page.status, StatusCode::NOT_FOUND);
        }
    });
}

#[test]
fn keptns_filter_narrows_the_services_of_a_stage() {
    on_site(|site| async move {
        services(&site, 2).await;
        site.scene.to_approval("hello:v1", &json!({})).await;
        let mut ada = site.sign_in("ada").await;
        for (filter, sentence, shown) in [
            ("approval", "Services that wait before production.", "1–1 of 1"),
            (
                "evaluation",
                "Services whose last evaluation in production has failed.",
                "None matches",
            ),
            (
                "problem",
                "Services with an open problem in production: none is known.",
                "None matches",
            ),
        ] {
            let path = format!("{HOME}/environment/stage/production?filterType={filter}");
            let page = ada.get(&path).await;
            assert!(page.text.contains(sentence) && page.text.contains(shown), "{filter}");
        }
        let all = ada.get(&format!("{HOME}/environment/stage/production?filterType=else")).await;
        assert!(all.text.contains("1–3 of 3"));
    });
}

#[test]
fn services_come_in_pages_and_are_found_by_a_part_of_their_name() {
    on_site(|site| async move {
        services(&site, 30).await;
        let mut ada = site.sign_in("ada").await;
        let page = ada.get(HOME).await;
        assert!(page.text.contains("1–25 of 31"));
        assert!(stage(&page, "qa").contains("hello not deployed service-000 not deployed"));
        assert!(!page.text.contains("service-029"));
        let next = format!("{HOME}?service=&offset=25");
        assert!(page.text.contains(&next.replace('&', "&#38;")), "{}", page.text);
        assert!(ada.get(&next).await.text.contains("service-029"));
        let found = ada.get(&format!("{HOME}?service=-02")).await;
        assert!(found.text.contains("1–10 of 10") && !found.text.contains("service-019"));
        let none = ada.get(&format!("{HOME}?service=%3Cscript%3E")).await;
        assert!(none.text.contains("None matches") && !none.text.contains("<script>"));
    });
}

#[test]
fn a_project_without_services_gets_its_first_on_its_page() {
    on_site(|site| async move {
        let engine = &site.scene.engine;
        let (name, by) = (ProjectName::new("empty").unwrap(), person("ada"));
        let text = include_str!("../../assets/shipyards/one-stage.yaml");
        engine.create_project(name, text.to_owned(), &by).await.unwrap();
        let mut ada = site.sign_in("ada").await;
        let page = ada.get("/bridge/project/empty").await;
        assert!(page.text.contains("No service yet."));
        assert!(page.text.contains("keptn create service NAME --project=empty"));
        let path = "/bridge/project/empty/services";
        for bad in ["", "a b", "../x", &"x".repeat(44)] {
            let answer = ada.submit(path, &page, &[("name", bad)]).await;
            assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{bad}");
        }
        let answer = ada.submit(path, &page, &[("name", "carts")]).await;
        assert_eq!(answer.location(), "/bridge/project/empty");
        assert!(stage(&ada.get("/bridge/project/empty").await, "dev").contains("carts"));
    });
}

#[test]
fn a_shipyard_that_cannot_be_read_is_named_with_its_place() {
    on_site(|site| async move {
        shipyard(&site, "apiVersion: spec.keptn.sh/0.2.2\nspec:\n  stages:\n    - name: QA\n")
            .await;
        let mut ada = site.sign_in("ada").await;
        let page = ada.get(HOME).await;
        assert_eq!(page.status, StatusCode::OK);
        assert!(
            page.text.contains("shipyard.yaml:4:13: Stage QA contains upper case"),
            "{}",
            page.text
        );
    });
}

#[test]
fn stages_that_are_no_chain_get_a_map() {
    on_site(|site| async move {
        let mut ada = site.sign_in("ada").await;
        assert!(!ada.get(HOME).await.text.contains("class=\"map\""));
        let stage = |name: &str, after: &str| {
            format!(
                "    - name: {name}\n      sequences:\n        - name: delivery\n          triggeredOn: \
                 [{after}]\n          tasks: [{{ name: deployment }}]\n"
            )
        };
        let on_qa = "{ event: qa.delivery.finished }";
        let text = format!(
            "apiVersion: spec.keptn.sh/0.2.2\nspec:\n  stages:\n{}{}{}",
            stage("qa", ""),
            stage("europe", on_qa),
            stage("asia", on_qa)
        );
        assert!(Shipyard::parse(&text).is_ok(), "{text}");
        shipyard(&site, &text).await;
        let page = ada.get(HOME).await;
        let map = page.between("class=\"map\"", "</nav>");
        for part in [
            "<title>qa to europe, on pass or warning</title>",
            "<a href=\"/bridge/project/tour/environment/stage/asia\"><title>asia</title>",
        ] {
            assert!(map.contains(part), "{map}");
        }
        assert_eq!(gate(&page, "asia"), "no approval from qa, on pass or warning");
        assert_eq!(paddle(&page, "asia"), "paddle-missing");
    });
}

#[test]
fn the_page_follows_its_project_and_is_the_same_without_its_frame() {
    on_site(|site| async move {
        let mut ada = site.sign_in("ada").await;
        let (whole, part) = (ada.get(HOME).await, ada.get(&format!("{HOME}?part=main")).await);
        assert!(whole.text.contains("project:tour"), "{}", whole.text);
        let inner = part.text.trim();
        assert!(inner.starts_with("<main") && inner.ends_with("</main>"));
        assert_eq!(ada.get("/bridge/project/nowhere").await.status, StatusCode::NOT_FOUND);
    });
}
