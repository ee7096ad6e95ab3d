//! Search, from the page and from the dialog.

use serde_json::json;

use super::browser::{on_site, plain};

#[test]
fn an_id_leads_straight_to_what_it_names() {
    on_site(|site| async move {
        let approval = site.scene.to_approval("hello:v1", &json!({})).await;
        let (context, event) = (approval.context, approval.evidence[0].event);
        let mut ada = site.sign_in("ada").await;
        let sequence = format!("/bridge/project/tour/sequence/{context}");
        for (id, place) in [
            (approval.id.to_string(), format!("/bridge/approval/{}", approval.id)),
            (event.to_string().to_uppercase(), format!("{sequence}?open={event}#e-{event}")),
            (format!(" {context} "), sequence.clone()),
        ] {
            let query = id.replace(' ', "+");
            assert_eq!(
                ada.get(&format!("/bridge/search?q={query}")).await.location(),
                place,
                "{id}"
            );
            // The dialog shows it instead.
            let part = ada.get(&format!("/bridge/search?q={query}&part=main")).await;
            assert!(part.text.contains(&place), "{id}");
        }
    });
}

#[test]
fn names_are_found_by_any_part_of_them() {
    on_site(|site| async move {
        let mut ada = site.sign_in("ada").await;
        let mut found = async |q: &str| {
            let page = ada.get(&format!("/bridge/search?q={q}")).await;
            plain(page.between("id=\"results\"", "</div>"))
        };
        assert!(found("OU").await.contains("Project tour"));
        assert!(found("ell").await.contains("Service hello tour"));
        assert!(found("inb").await.contains("Page Inbox"));
        assert!(found("%3Cscript%3Ex").await.contains("Nothing here is called"));
        assert!(found(&"x".repeat(2000)).await.contains("Nothing here is called"));
        let empty = ada.get("/bridge/search?q=+").await;
        assert!(!empty.text.contains("id=\"results\""));
    });
}
