//! An approval whose evidence changes while somebody looks at it.

use axum::http::StatusCode;
use serde_json::json;
use tidegate_core::approval::Approval;

use super::browser::{Site, on_site, plain};
use super::scene::person;

fn path(approval: &Approval) -> String {
    format!("/bridge/approval/{}", approval.id)
}

/// Measures what runs in qa again, in a context of its own.
async fn evaluate(site: &Site, result: &str, score: f64) {
    let body = json!({"type": "sh.keptn.event.qa.evaluation.triggered", "source": "scene",
        "data": {"project": "tour", "stage": "qa", "service": "hello"}});
    let context = site.scene.accept(body, &person("ada")).await;
    let judged = json!({"result": result, "evaluation": {"result": result, "score": score}});
    site.scene.execute(context, "evaluation", &judged).await;
}

#[test]
fn an_evaluation_that_fails_meanwhile_is_shown_and_a_vote_for_what_was_there_is_refused() {
    on_site(|site| async move {
        let approval = site.scene.to_approval("hello:v1", &json!({})).await;
        let mut ada = site.sign_in("ada").await;
        let page = ada.get(&path(&approval)).await;
        assert!(plain(&page.text).contains("Passed 96.5/100"), "{}", page.text);
        evaluate(&site, "fail", 41.5).await;
        let fields = [("decision", "approve"), ("comment", "fine")];
        let refused = ada.submit(&format!("{}/decision", path(&approval)), &page, &fields).await;
        assert_eq!(refused.status, StatusCode::CONFLICT);
        assert_eq!(refused.heading(), "Not approved: this changed while you were looking");
        let says = "the evaluation in qa was pass, now fail. Nothing was sent.";
        assert!(refused.text.contains(says), "{}", refused.text);
        let now = ada.get(&path(&approval)).await;
        let text = plain(&now.text);
        assert!(text.contains("Since this was asked: the evaluation in qa was pass, now fail."));
        assert!(text.contains("approving overrides it"), "{text}");
        assert!(text.contains("Failed 41.5/100") && !text.contains("Passed 96.5/100"), "{text}");
        let done = ada.submit(&format!("{}/decision", path(&approval)), &now, &fields).await;
        let done = ada.get(done.location()).await;
        assert!(done.text.contains("the gate had failed"), "{}", done.text);
    });
}

#[test]
fn a_second_evaluation_of_the_delivery_takes_no_points_from_the_one_that_is_asked_about() {
    on_site(|site| async move {
        let approval = site.scene.to_approval("hello:v1", &json!({})).await;
        // Another release runs in qa by now, and is measured: that is nothing of this one's.
        site.scene.to_approval("hello:v2", &json!({})).await;
        evaluate(&site, "fail", 0.0).await;
        let mut ada = site.sign_in("ada").await;
        let text = plain(&ada.get(&path(&approval)).await.text);
        assert!(text.contains("Passed 96.5/100") && !text.contains("0/100 "), "{text}");
    });
}

#[test]
fn an_evaluation_that_is_declared_invalid_is_marked_and_approving_needs_a_reason() {
    on_site(|site| async move {
        let context = site.scene.deliver("hello:v1", &json!({}), &person("ci-main")).await;
        site.scene.execute(context, "deployment", &json!({})).await;
        let judged = json!({"evaluation": {"result": "pass", "score": 96.5}});
        let task = site.scene.execute(context, "evaluation", &judged).await;
        let approval = site.scene.approval(context).await;
        let mut ada = site.sign_in("ada").await;
        let before = ada.get("/bridge/inbox").await;
        assert!(before.text.contains("Approve together with others"));
        site.scene.invalidate(context, task, "no traffic").await;
        let inbox = ada.get("/bridge/inbox").await;
        assert!(!inbox.text.contains("Approve together with others"));
        let page = ada.get(&path(&approval)).await;
        let text = plain(&page.text);
        let says = "Since this was asked: the evaluation in qa, pass, was declared invalid.";
        assert!(text.contains(says), "{text}");
        assert!(text.contains("qa: evaluation declared invalid"), "{text}");
        assert!(text.contains("Declared invalid"), "{text}");
        let mute = [("decision", "approve"), ("comment", "")];
        let refused = ada.submit(&format!("{}/decision", path(&approval)), &page, &mute).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(refused.text.contains("Say why: the evaluation was declared invalid."));
        // Somebody who picked it before is not heard either.
        let pick = before.between("name=\"pick\" value=\"", "\"").to_owned();
        let bulk = ada.submit("/bridge/approvals/decide", &before, &[("pick", &pick)]).await;
        let outcome = ada.get(bulk.location()).await;
        assert!(outcome.text.contains("Not approved: an evaluation was declared invalid"));
    });
}
