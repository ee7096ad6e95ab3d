//! The list of deliveries: what it is narrowed to, and how its pages follow each other.

use axum::http::StatusCode;
use serde_json::json;
use tidegate_core::approval::Decision;
use tidegate_core::sequence::Control;

use super::browser::{Browser, Page, Site, on_site, plain};
use super::scene::{person, tour};

const LIST: &str = "/bridge/project/tour/sequence";

fn rows(page: &Page) -> Vec<String> {
    let rows = page.text.split("<a class=\"row\"").skip(1);
    rows.map(|row| plain(&row[..row.find("</a>").unwrap()])).collect()
}

/// Where a link with these words leads.
fn link(page: &Page, words: &str) -> String {
    let before = page.text.split(&format!("\">{words}</a>")).next().unwrap();
    assert!(before.len() < page.text.len(), "no link {words}: {}", page.text);
    let href = before.rsplit("href=\"").next().unwrap().split('"').next().unwrap();
    href.replace("&#38;", "&").replace("&amp;", "&")
}

/// One delivery in each of several states.
async fn fill(site: &Site) {
    let scene = &site.scene;
    let passed = scene.to_approval("hello:v1", &json!({"build": "1", "team": "a:b"})).await;
    scene.decide(&passed, Decision::Approve, "grace", "").await;
    scene.execute(passed.context, "deployment", &json!({})).await;
    let declined = scene.to_approval("hello:v2", &json!({"build": "2"})).await;
    scene.decide(&declined, Decision::Decline, "grace", "no").await;
    let failed = scene.deliver("hello:v3", &json!({}), &person("ada")).await;
    let how =
        json!({"result": "fail", "status": "errored", "message": "pulling\nerror: no disk\n"});
    scene.execute(failed, "deployment", &how).await;
    scene.to_approval("hello:v4", &json!({})).await;
    let running = scene.deliver("hello:v5", &json!({}), &person("ada")).await;
    scene.begin(running, "deployment").await;
    scene.deliver("hello:v6", &json!({}), &person("ada")).await;
}

async fn versions(ada: &mut Browser, query: &str) -> String {
    let page = ada.get(&format!("{LIST}?{query}")).await;
    assert_eq!(page.status, StatusCode::OK, "{query}: {}", page.text);
    let version = |row: &String| {
        let at = row.find(" v").unwrap_or_else(|| panic!("{row}"));
        row[at + 1..].split(' ').next().unwrap().to_owned()
    };
    rows(&page).iter().map(version).collect::<Vec<_>>().join(" ")
}

#[test]
fn a_list_is_narrowed_by_keptns_words_and_ours() {
    on_site(|site| async move {
        fill(&site).await;
        let mut ada = site.sign_in("ada").await;
        for (query, want) in [
            ("", "v6 v5 v4 v3 v2 v1"),
            ("Status=failed", "v3"),
            ("Status=declined", "v2"),
            ("Status=Declined&Status=passed", "v2 v1"),
            ("Status=active", "v5 v4"),
            ("Status=needs-approval", "v4"),
            ("Status=waiting", "v6"),
            ("result=fail", "v3 v2"),
            ("state=started", "v5 v4"),
            ("result=pass", "v1"),
            ("Stage=production", "v4 v2 v1"),
            ("Service=hello&Sequence=delivery&Stage=production&Stage=qa", "v6 v5 v4 v3 v2 v1"),
            ("Service=other", ""),
            ("label=build:2", "v2"),
            ("label=team:a%3Ab", "v1"),
            ("label=build:1&label=build:2", ""),
            ("by=ADA", "v6 v5 v3"),
            ("q=hello%3AV4", "v4"),
            ("from=2000-01-01&to=2100-01-01", "v6 v5 v4 v3 v2 v1"),
            ("to=2000-01-01", ""),
        ] {
            assert_eq!(versions(&mut ada, query).await, want, "{query}");
        }
    });
}

#[test]
fn a_row_says_what_went_wrong_and_who_is_before() {
    on_site(|site| async move {
        fill(&site).await;
        let mut ada = site.sign_in("ada").await;
        let page = ada.get(LIST).await;
        let rows = rows(&page);
        assert!(rows[3].contains("error: no disk"), "{}", rows[3]);
        assert!(rows[4].starts_with("Declined") && rows[4].contains("qa 96.5/100"), "{}", rows[4]);
        let line = page.between("<p class=\"in-line\">", "</p>");
        assert_eq!(plain(line), "next for qa, behind delivery of hello:v5");
        assert_eq!(ada.get(&link(&page, "delivery of hello:v5")).await.status, 200);
        assert!(page.text.contains("6 sequences, newest first"));
    });
}

#[test]
fn nothing_runs_while_nobody_has_taken_its_task() {
    on_site(|site| async move {
        let context = site.scene.deliver("hello:v1", &json!({}), &person("ada")).await;
        let mut ada = site.sign_in("ada").await;
        let page = ada.get(LIST).await;
        let row = &rows(&page)[0];
        assert!(row.starts_with("Queued"), "{row}");
        assert!(row.contains("deployment in qa waits for an executor"), "{row}");
        for (query, want) in [("queued", "v1"), ("active", "v1"), ("needs-approval", "")] {
            assert_eq!(versions(&mut ada, &format!("Status={query}")).await, want, "{query}");
        }
        let environment = plain(&ada.get("/bridge/project/tour").await.text);
        assert!(environment.contains("Queued"), "{environment}");
        let path = format!("{LIST}/{context}");
        let page = ada.get(&path).await;
        let waits = "delivery of hello:v1 is waiting for an executor in qa: deployment";
        assert_eq!(page.heading(), waits);
        assert!(!page.text.contains("</svg>Running"), "no part of the page says so");
        site.scene.begin(context, "deployment").await;
        let page = ada.get(&path).await;
        assert_eq!(page.heading(), "delivery of hello:v1 is running in qa: deployment");
        assert!(rows(&ada.get(LIST).await)[0].starts_with("Running"));
        assert_eq!(versions(&mut ada, "Status=queued").await, "");
    });
}

#[test]
fn a_row_names_what_a_failed_gate_has_measured() {
    on_site(|site| async move {
        let context = site.scene.deliver("hello:v1", &json!({}), &person("ada")).await;
        site.scene.execute(context, "deployment", &json!({})).await;
        let broken = json!({"value": {"metric": "p95", "value": 0.52, "success": true},
            "status": "fail", "passTargets": [{"criteria": "<=0.4", "violated": true}]});
        let judged = json!({"result": "fail",
            "evaluation": {"result": "fail", "score": 0, "indicatorResults": [broken]}});
        site.scene.execute(context, "evaluation", &judged).await;
        let mut ada = site.sign_in("ada").await;
        let page = ada.get(LIST).await;
        assert!(rows(&page)[0].contains("p95 0.52, limit ≤ 0.4"), "{}", rows(&page)[0]);
        let page = plain(&ada.get(&format!("{LIST}/{context}")).await.text);
        assert!(page.contains("evaluation p95 0.52, limit ≤ 0.4"), "{page}");
    });
}

#[test]
fn what_the_address_says_stays_and_what_makes_no_sense_is_marked() {
    on_site(|site| async move {
        fill(&site).await;
        let mut ada = site.sign_in("ada").await;
        let page = ada.get(&format!("{LIST}?Status=odd&Service=hello&label=x")).await;
        assert_eq!(rows(&page).len(), 6, "what is not known does not narrow");
        let chosen = plain(page.between("<p class=\"chosen\">", "</p>"));
        assert_eq!(
            chosen,
            "Only Status odd unknown, so it is ignored Service hello \
             label x not key:value, so it is ignored Show all"
        );
        for kept in ["name=\"Status\" value=\"odd\"", "name=\"Service\" value=\"hello\""] {
            assert!(page.text.contains(kept), "{kept}");
        }
        // The empty fields of a form leave the address.
        let form = format!("{LIST}?Service=hello&Service=&Stage=&q=v3&by=");
        assert_eq!(ada.get(&form).await.location(), format!("{LIST}?Service=hello&q=v3"));
        let hostile = "%22%3E%3Cscript%3Ealert(1)%3C/script%3E";
        let page =
            ada.get(&format!("{LIST}?q={hostile}&by={hostile}&label={hostile}:{hostile}")).await;
        assert_eq!(page.status, StatusCode::OK);
        assert!(!page.text.contains("<script>"), "{}", page.text);
    });
}

#[test]
fn an_empty_list_says_why_and_what_to_do() {
    on_site(|site| async move {
        let mut ada = site.sign_in("ada").await;
        let page = ada.get(LIST).await;
        assert!(page.text.contains("No sequence was started in this project yet."));
        assert!(page.text.contains("keptn trigger delivery --project=tour"));
        fill(&site).await;
        let page = ada.get(&format!("{LIST}?Service=none&from=2026-01-01")).await;
        let empty = plain(page.between("<section class=\"empty\">", "</section>"));
        assert_eq!(empty, "0 of 6 sequences match. Show all · Widen to 90 d");
        assert!(link(&page, "Widen to 90 d").starts_with(&format!("{LIST}?Service=none&from=")));
    });
}

#[test]
fn pages_follow_each_other_without_gap_or_repeat_while_new_ones_come() {
    on_site(|site| async move {
        for n in 0..120 {
            site.scene.deliver(&format!("hello:v{n}"), &json!({}), &person("ci")).await;
        }
        let mut ada = site.sign_in("ada").await;
        let mut page = ada.get(&format!("{LIST}?Service=hello")).await;
        let (mut seen, mut lengths) = (rows(&page), vec![rows(&page).len()]);
        assert!(!page.text.contains("rel=\"prev\""), "the first page is the newest");
        while page.text.contains("rel=\"next\"") {
            site.scene.deliver("hello:new", &json!({}), &person("ci")).await;
            page = ada.get(&link(&page, "Older")).await;
            lengths.push(rows(&page).len());
            seen.extend(rows(&page));
        }
        assert_eq!(lengths, [50, 50, 20]);
        let versions: std::collections::BTreeSet<_> =
            seen.iter().filter_map(|row| row.split(" v").nth(1)?.split(' ').next()).collect();
        assert_eq!(versions.len(), 120);
        // Back again: the same page as on the way down, and at last the newest one, whole.
        let middle = ada.get(&link(&page, "Newer")).await;
        assert_eq!(rows(&middle).len(), 50);
        assert!(middle.text.contains("rel=\"next\""));
        let first = ada.get(&link(&middle, "Newer")).await;
        let top = ada.get(&link(&first, "Newer")).await;
        assert!(!top.text.contains("rel=\"prev\"") && rows(&top).len() == 50, "{}", top.text);
        assert!(rows(&top)[0].contains("new"));
        for odd in ["before=x", "after=1", "before=99999999999999999999.1"] {
            let page = ada.get(&format!("{LIST}?{odd}")).await;
            assert_eq!(rows(&page).len(), 50, "{odd}");
        }
    });
}

#[test]
fn a_bar_stands_beside_the_usual_once_there_is_one() {
    on_site(|site| async move {
        let mut ada = site.sign_in("ada").await;
        for n in 1..=3 {
            assert!(!ada.get(LIST).await.text.contains("class=\"usual\""), "{n}");
            let approval = site.scene.to_approval(&format!("hello:v{n}"), &json!({})).await;
            site.scene.decide(&approval, Decision::Approve, "grace", "").await;
            site.scene.execute(approval.context, "deployment", &json!({})).await;
        }
        let page = ada.get(LIST).await;
        assert_eq!(page.text.matches("class=\"usual\"").count(), 3);
        assert!(page.text.contains("<span class=\"hidden\">usually "));
    });
}

#[test]
fn a_paused_delivery_is_found_as_paused() {
    on_site(|site| async move {
        let context = site.scene.deliver("hello:v1", &json!({}), &person("ci")).await;
        site.scene.begin(context, "deployment").await;
        let by = person("eve");
        site.scene.engine.control(Control::Pause, tour(), context, None, &by).await.unwrap();
        let mut ada = site.sign_in("ada").await;
        assert_eq!(versions(&mut ada, "Status=paused").await, "v1");
        assert_eq!(versions(&mut ada, "Status=running").await, "");
    });
}
