//! Creating a project by form.

use axum::http::StatusCode;
use tidegate_core::names::ProjectName;

use super::browser::{Browser, Page, Site, on_site, plain};

const FORM: &str = "/bridge/create/project";
const SHIPYARD: &str = include_str!("../../assets/shipyards/approval.yaml");

async fn send(browser: &mut Browser, page: &Page, fields: &[(&str, &str)]) -> Page {
    browser.submit(FORM, page, fields).await
}

async fn exists(site: &Site, name: &str) -> bool {
    let name = ProjectName::new(name).unwrap();
    site.scene.engine.read(move |reader| reader.project(&name)).await.unwrap().is_some()
}

#[test]
fn a_template_becomes_a_project_and_its_page_follows() {
    on_site(|site| async move {
        let mut ada = site.sign_in("ada").await;
        let page = ada.get(FORM).await;
        assert!(page.text.contains("- event: qa.delivery.finished"), "begins with a template");
        let other = ada.get(&format!("{FORM}?template=quality-gate")).await;
        assert!(other.text.contains("- name: rollback"));
        // Browsers send line ends as in mails.
        let typed = SHIPYARD.replace('\n', "\r\n");
        let answer = send(&mut ada, &page, &[("name", "shop"), ("shipyard", &typed)]).await;
        assert_eq!(answer.location(), "/bridge/project/shop");
        assert!(ada.get("/bridge/project/shop").await.text.contains("No service yet."));
        let name = ProjectName::new("shop").unwrap();
        let row =
            site.scene.engine.read(move |reader| reader.project(&name)).await.unwrap().unwrap();
        assert_eq!(&*row.shipyard, SHIPYARD);
    });
}

#[test]
fn a_shipyard_is_judged_before_anything_is_stored() {
    on_site(|site| async move {
        let mut ada = site.sign_in("ada").await;
        let page = ada.get(FORM).await;
        let broken = "apiVersion: spec.keptn.sh/0.2.2\nspec:\n  stages:\n    - name: Prod\n";
        let fields = [
            ("name", "shop"),
            ("shipyard", broken),
            ("url", "https://git.example/x.git"),
            ("token", "hunter2"),
        ];
        let refused = send(&mut ada, &page, &fields).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        let error = plain(refused.between("id=\"wrong-shipyard\">", "</p>"));
        assert!(error.starts_with("shipyard.yaml:4:13: Stage Prod contains upper case"), "{error}");
        let excerpt = refused.between("<pre class=\"excerpt\"", "</pre>");
        assert!(excerpt.contains("<span class=\"it\">4      - name: Prod</span>"), "{excerpt}");
        assert!(
            refused.text.contains("value=\"shop\"")
                && refused.text.contains("- name: Prod\n</textarea>")
        );
        assert!(!refused.text.contains("hunter2"), "a token never comes back");
        assert!(!exists(&site, "shop").await);
    });
}

#[test]
fn what_has_no_effect_is_named_and_taken_only_on_purpose() {
    on_site(|site| async move {
        let mut ada = site.sign_in("ada").await;
        let page = ada.get(FORM).await;
        let odd = SHIPYARD.replace("qa.delivery.finished", "qa.delivry.finished");
        let fields = [("name", "shop"), ("shipyard", odd.as_str())];
        let refused = send(&mut ada, &page, &fields).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(
            refused.text.contains("qa.delivry.finished")
                && refused.text.contains("name=\"anyway\"")
        );
        assert!(!exists(&site, "shop").await);
        let answer = send(&mut ada, &refused, &[fields[0], fields[1], ("anyway", "yes")]).await;
        assert_eq!(answer.location(), "/bridge/project/shop");
    });
}

#[test]
fn names_and_addresses_are_refused_at_their_fields() {
    on_site(|site| async move {
        let mut ada = site.sign_in("ada").await;
        let page = ada.get(FORM).await;
        let long = "x".repeat(201);
        for (name, words) in [
            ("", "Give it a name."),
            ("Shop", "must start with a lower-case letter"),
            (long.as_str(), "A name has at most 200 characters."),
            ("tour", "There is a project tour already."),
        ] {
            let refused = send(&mut ada, &page, &[("name", name), ("shipyard", SHIPYARD)]).await;
            assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{name}");
            let error = plain(refused.between("id=\"wrong-name\">", "</p>"));
            assert!(error.contains(words), "{error}");
        }
        for (url, token, words) in [
            ("ftp://git.example/x", "t", "Invalid RemoteURL"),
            ("ssh://git@git.example/x", "", "A key cannot be given here"),
            ("", "t", "Give the address, or leave user and token empty."),
        ] {
            let fields = [("name", "shop"), ("shipyard", SHIPYARD), ("url", url), ("token", token)];
            let refused = send(&mut ada, &page, &fields).await;
            let error = plain(refused.between("id=\"wrong-url\">", "</p>"));
            assert!(error.contains(words), "{url}: {error}");
        }
        assert!(!exists(&site, "shop").await);
    });
}

#[test]
fn a_shipyard_may_be_larger_than_other_forms() {
    on_site(|site| async move {
        let mut ada = site.sign_in("ada").await;
        let page = ada.get(FORM).await;
        let large = format!("{SHIPYARD}\n{}", "# a long remark\n".repeat(10_000));
        let answer = send(&mut ada, &page, &[("name", "shop"), ("shipyard", &large)]).await;
        assert_eq!(answer.location(), "/bridge/project/shop");
    });
}
