//! The list of projects, and what runs where.

use axum::http::StatusCode;
use serde_json::json;
use tidegate_core::approval::Decision;
use tidegate_core::names::ProjectName;
use tidegate_core::principal::Principal;

use super::browser::{Page, Site, on_site, plain};
use super::environment::shipyard;
use super::scene::person;

async fn project(site: &Site, name: &str) {
    let text = include_str!("../../assets/shipyards/approval.yaml").to_owned();
    let name = ProjectName::new(name).unwrap();
    site.scene.engine.create_project(name, text, &Principal::Shared).await.unwrap();
}

/// The rows, in words.
fn rows(page: &Page) -> Vec<String> {
    page.text
        .split("<a class=\"row\"")
        .skip(1)
        .map(|row| plain(&format!("<a{}", row.split("</li>").next().unwrap())))
        .collect()
}

#[test]
fn a_project_shows_its_stages_and_what_needs_somebody() {
    on_site(|site| async move {
        project(&site, "idle").await;
        let mut ada = site.sign_in("ada").await;
        let quiet = rows(&ada.get("/bridge/projects").await);
        assert_eq!(
            quiet,
            [
                "idle qa 0 services production 0 services no delivery yet",
                "tour qa 0 services production 0 services no delivery yet"
            ]
        );
        let failed = site.scene.deliver("hello:v0", &json!({}), &person("ci")).await;
        let how = json!({"result": "fail", "status": "errored"});
        site.scene.execute(failed, "deployment", &how).await;
        site.scene.to_approval("hello:v1", &json!({})).await;
        let running = site.scene.deliver("hello:v2", &json!({}), &person("ci")).await;
        site.scene.begin(running, "deployment").await;
        let page = ada.get("/bridge/projects").await;
        let rows = rows(&page);
        // What waits for somebody comes first.
        assert!(
            rows[0]
                .starts_with("tour qa 1 service production 0 services Needs approval 1 1 failed in 24 h 1 running"),
            "{rows:?}"
        );
        assert!(
            page.text.contains("aria-label=\"Failed\"")
                && page.text.contains("aria-label=\"Needs approval\"")
        );
        assert!(page.text.contains("href=\"/bridge/project/tour\""));
    });
}

#[test]
fn projects_are_found_by_a_part_of_their_name_and_sorted() {
    on_site(|site| async move {
        project(&site, "alpha").await;
        site.scene.to_approval("hello:v1", &json!({})).await;
        let mut ada = site.sign_in("ada").await;
        let first = |page: &Page| rows(page)[0].split(' ').next().unwrap().to_owned();
        assert_eq!(first(&ada.get("/bridge/projects").await), "tour");
        assert_eq!(first(&ada.get("/bridge/projects?sort=name").await), "alpha");
        let found = ada.get("/bridge/projects?q=lph&sort=name").await;
        assert_eq!(rows(&found).len(), 1);
        assert!(found.text.contains("value=\"lph\"") && found.text.contains("1–1 of 1"));
        let none = ada.get("/bridge/projects?q=%22%3E%3Cscript%3E").await;
        assert!(none.text.contains("No project has this in its name."));
        assert!(!none.text.contains("\"><script>"));
    });
}

#[test]
fn what_was_declined_is_not_counted_as_failed() {
    on_site(|site| async move {
        let approval = site.scene.to_approval("hello:v1", &json!({})).await;
        site.scene.decide(&approval, Decision::Decline, "grace", "not today").await;
        let mut ada = site.sign_in("ada").await;
        let page = ada.get("/bridge/projects").await;
        assert!(!page.text.contains("failed in 24 h"), "{:?}", rows(&page));
    });
}

#[test]
fn versions_are_shown_against_the_stage_before() {
    on_site(|site| async move {
        let first = site.scene.to_approval("ghcr.io/acme/hello:v1", &json!({})).await;
        site.scene.decide(&first, Decision::Approve, "grace", "").await;
        site.scene.execute(first.context, "deployment", &json!({})).await;
        let mut ada = site.sign_in("ada").await;
        let same = ada.get("/bridge/projects?view=versions").await;
        let table = plain(same.between("<tbody>", "</tbody>"));
        assert!(table.starts_with("hello v1") && !table.contains("behind"), "{table}");
        site.scene.to_approval("ghcr.io/acme/hello:v2", &json!({})).await;
        site.scene.to_approval("ghcr.io/acme/hello:v3", &json!({})).await;
        let page = ada.get("/bridge/projects?view=versions").await;
        let table = plain(page.between("<tbody>", "</tbody>"));
        assert!(table.starts_with("hello v3") && table.contains("2 behind"), "{table}");
        assert_eq!(plain(page.between("<thead>", "</thead>")), "Service qa production");
        let none = ada.get("/bridge/projects?view=versions&q=nothing").await;
        assert!(none.text.contains("No project or service has this in its name."));
    });
}

#[test]
fn a_project_whose_shipyard_cannot_be_read_keeps_its_row_and_names_the_place() {
    on_site(|site| async move {
        site.scene.to_approval("hello:v1", &json!({})).await;
        shipyard(&site, "apiVersion: spec.keptn.sh/0.2.2\nspec:\n  stages:\n    - name: QA\n")
            .await;
        let mut ada = site.sign_in("ada").await;
        let row = rows(&ada.get("/bridge/projects").await).remove(0);
        assert!(row.starts_with("tour shipyard.yaml:4:13: Stage QA"), "{row}");
        assert!(!row.contains('␊'), "no mark of a line's end in a row: {row}");
        assert!(
            row.contains("production 0 services qa 1 service"),
            "what ran is known all the same: {row}"
        );
        let versions = ada.get("/bridge/projects?view=versions").await;
        assert!(plain(versions.between("<tbody>", "</tbody>")).contains("v1"));
    });
}

#[test]
fn without_a_project_three_steps_are_named() {
    on_site(|site| async move {
        let tour = super::scene::tour();
        site.scene.engine.delete_project(tour, &Principal::Shared).await.unwrap();
        let mut ada = site.sign_in("ada").await;
        let page = ada.get("/bridge/projects").await;
        assert_eq!(page.status, StatusCode::OK);
        let steps = page.between("<ol class=\"steps\">", "</ol>");
        assert_eq!(steps.matches("<li>").count(), 3);
        assert!(steps.contains("/bridge/create/project"));
    });
}
