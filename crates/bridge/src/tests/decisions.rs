//! Decisions, as people make them.

use axum::http::StatusCode;
use serde_json::json;
use tidegate_core::approval::{Approval, Decision};
use tidegate_core::event::EventType;
use tidegate_store::EventFilter;

use super::browser::{Browser, Page, Site, on_site, plain};

async fn finished(site: &Site, approval: &Approval) -> Vec<tidegate_core::event::Event> {
    let filter = EventFilter {
        context: Some(approval.context),
        kind: Some(EventType::new("sh.keptn.event.approval.finished")),
        ..EventFilter::default()
    };
    let read = site.scene.engine.read(move |reader| reader.events(&filter, 0, 10));
    read.await.unwrap().items.into_iter().map(|row| row.event).collect()
}

fn path(approval: &Approval) -> String {
    format!("/bridge/approval/{}", approval.id)
}

async fn decide(browser: &mut Browser, approval: &Approval, page: &Page, how: [&str; 2]) -> Page {
    let fields = [("decision", how[0]), ("comment", how[1])];
    browser.submit(&format!("{}/decision", path(approval)), page, &fields).await
}

#[test]
fn approving_goes_on_and_the_next_page_says_so() {
    on_site(|site| async move {
        let approval = site.scene.to_approval("ghcr.io/t/hello:v1", &json!({})).await;
        let mut ada = site.sign_in("ada").await;
        let inbox = ada.get("/bridge/inbox").await;
        assert!(inbox.text.contains("1 needs you"), "{}", inbox.text);
        assert!(inbox.text.contains("<title>(1) Inbox · Tidegate</title>"));
        let answer = decide(&mut ada, &approval, &inbox, ["approve", ""]).await;
        let page = ada.get(answer.location()).await;
        assert_eq!(page.heading(), "You approved hello:v1 for production");
        site.scene.execute(approval.context, "deployment", &json!({})).await;
        let events = finished(&site, &approval).await;
        assert_eq!(events.len(), 1);
        assert_eq!(events[0].data["result"], "pass");
        assert_eq!(events[0].data["approval"]["by"]["name"], "ada");
        assert_eq!(events[0].data["approval"]["blind"], false);
        assert_eq!(events[0].source, "https://github.com/keptn/keptn/bridge#approval.finished");
        let inbox = ada.get("/bridge/inbox").await;
        assert!(inbox.text.contains("Nothing waits for you. Last decision"), "{}", inbox.text);
    });
}

#[test]
fn declining_needs_a_reason_and_keeps_what_was_typed() {
    on_site(|site| async move {
        let approval = site.scene.to_approval("hello:v1", &json!({})).await;
        let mut ada = site.sign_in("ada").await;
        let page = ada.get(&path(&approval)).await;
        let refused = decide(&mut ada, &approval, &page, ["decline", "  "]).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(refused.text.contains("Say why") && refused.text.contains("aria-invalid=\"true\""));
        assert_eq!(finished(&site, &approval).await.len(), 0);
        let answer = decide(&mut ada, &approval, &refused, ["decline", "budget spent"]).await;
        let page = ada.get(answer.location()).await;
        assert_eq!(page.heading(), "You declined hello:v1 for production");
        assert!(page.text.contains("budget spent"));
        assert_eq!(finished(&site, &approval).await[0].data["result"], "fail");
        let list = ada.get("/bridge/project/tour/sequence").await;
        assert!(list.text.contains("Declined"), "{}", list.text);
        let neither = decide(&mut ada, &approval, &refused, ["maybe", "x"]).await;
        assert_eq!(neither.status, StatusCode::UNPROCESSABLE_ENTITY);
    });
}

#[test]
fn approving_on_a_warning_needs_a_reason() {
    on_site(|site| async move {
        let context = site.scene.deliver("hello:v1", &json!({}), &super::scene::person("ci")).await;
        site.scene.execute(context, "deployment", &json!({})).await;
        let judged = json!({"result": "warning",
            "evaluation": {"result": "warning", "score": 76.25}});
        site.scene.execute(context, "evaluation", &judged).await;
        let approval = site.scene.approval(context).await;
        let mut ada = site.sign_in("ada").await;
        let page = ada.get(&path(&approval)).await;
        assert!(page.text.contains("76.25/100"), "{}", page.text);
        let refused = decide(&mut ada, &approval, &page, ["approve", ""]).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        let answer = decide(&mut ada, &approval, &page, ["approve", "known flake"]).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER);
    });
}

#[test]
fn the_second_decision_is_refused_and_names_the_first() {
    on_site(|site| async move {
        let approval = site.scene.to_approval("hello:v1", &json!({})).await;
        let mut ada = site.sign_in("ada").await;
        let page = ada.get("/bridge/inbox").await;
        site.scene.decide(&approval, Decision::Decline, "grace", "error budget spent").await;
        let raced = decide(&mut ada, &approval, &page, ["approve", ""]).await;
        assert_eq!(raced.status, StatusCode::CONFLICT);
        assert_eq!(raced.heading(), "Not approved: this is decided already");
        let text = plain(&raced.text);
        assert!(text.contains("grace declined this") && text.contains("before you"), "{text}");
        assert!(text.contains("error budget spent") && text.contains("Your vote was not used"));
        assert_eq!(finished(&site, &approval).await.len(), 1);
        // The same decision again is no conflict, and the page does not claim it for the reader.
        let same = decide(&mut ada, &approval, &page, ["decline", "me too"]).await;
        let page = ada.get(same.location()).await;
        assert_eq!(page.heading(), "grace declined hello:v1 for production");
        assert!(page.text.contains("your vote was not needed"));
        assert_eq!(finished(&site, &approval).await.len(), 1);
    });
}

#[test]
fn a_decision_on_what_has_changed_is_refused_with_what_changed() {
    on_site(|site| async move {
        let old = site.scene.to_approval("hello:v1", &json!({})).await;
        let mut ada = site.sign_in("ada").await;
        let page = ada.get(&path(&old)).await;
        let new = site.scene.to_approval("hello:v2", &json!({})).await;
        site.scene.decide(&new, Decision::Approve, "grace", "").await;
        site.scene.execute(new.context, "deployment", &json!({})).await;
        let stale = decide(&mut ada, &old, &page, ["approve", "my reason"]).await;
        assert_eq!(stale.status, StatusCode::CONFLICT);
        assert_eq!(stale.heading(), "Not approved: this changed while you were looking");
        assert!(stale.text.contains("production ran nothing, now hello:v2"), "{}", stale.text);
        assert!(stale.text.contains("my reason"), "what was typed stays");
        assert_eq!(finished(&site, &old).await.len(), 0);
        // The page that says so holds the fresh card: reviewed again, it can be decided.
        let answer = decide(&mut ada, &old, &stale, ["approve", ""]).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
    });
}

#[test]
fn an_approval_stays_readable_and_frozen_after_its_decision() {
    on_site(|site| async move {
        let first = site.scene.to_approval("hello:v1", &json!({})).await;
        site.scene.decide(&first, Decision::Approve, "grace", "go").await;
        site.scene.execute(first.context, "deployment", &json!({})).await;
        let mut ada = site.sign_in("ada").await;
        let page = ada.get(&path(&first)).await;
        let card = plain(page.between("<dl class=\"ledger\">", "</dl>"));
        // What it let through does not become what it replaced.
        assert_eq!(card, "Ran then nothing that is known Asked for hello: v1");
        assert!(
            page.text.contains("grace approved this") && !page.text.contains("name=\"decision\"")
        );
    });
}

#[test]
fn a_form_that_does_not_name_what_it_shows_decides_nothing() {
    on_site(|site| async move {
        let approval = site.scene.to_approval("hello:v1", &json!({})).await;
        let mut ada = site.sign_in("ada").await;
        let inbox = ada.get("/bridge/inbox").await;
        let fields = [("decision", "approve"), ("subject", "")];
        let answer = ada.submit(&format!("{}/decision", path(&approval)), &inbox, &fields).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", answer.text);
        assert_eq!(finished(&site, &approval).await.len(), 0);
    });
}

#[test]
fn an_aborted_delivery_closes_its_approval() {
    on_site(|site| async move {
        let approval = site.scene.to_approval("hello:v1", &json!({})).await;
        let sequence = format!("/bridge/project/tour/sequence/{}", approval.context);
        let mut ada = site.sign_in("ada").await;
        let ask = ada.get(&format!("{sequence}/abort")).await;
        assert_eq!(ask.heading(), "Abort delivery of hello:v1?");
        assert!(ask.text.contains("the approval closes, undecided"));
        let answer = ada.submit(&format!("{sequence}/abort"), &ask, &[]).await;
        let page = ada.get(answer.location()).await;
        assert_eq!(page.heading(), "delivery of hello:v1 was aborted in production by you");
        let inbox = ada.get(&path(&approval)).await;
        let late = decide(&mut ada, &approval, &ask_page(&inbox, &ask), ["approve", ""]).await;
        assert_eq!(late.status, StatusCode::CONFLICT, "{}", late.text);
        assert_eq!(late.heading(), "Nobody has to decide this any more");
        assert_eq!(finished(&site, &approval).await.len(), 0);
    });
}

/// A closed approval has no form any more; the session's token is on another page.
fn ask_page(closed: &Page, ask: &Page) -> Page {
    assert!(!closed.text.contains("name=\"decision\""));
    Page { status: ask.status, headers: ask.headers.clone(), text: ask.text.clone() }
}
