//! What the Inbox shows, and what its cards say.

use serde_json::json;
use tidegate_core::approval::Decision;

use super::browser::{on_site, plain};
use super::scene::person;

#[test]
fn cards_stand_under_what_their_gate_says() {
    on_site(|site| async move {
        let context = site.scene.deliver("hello:v1", &json!({}), &person("ci")).await;
        site.scene.execute(context, "deployment", &json!({})).await;
        let warning =
            json!({"result": "warning", "evaluation": {"result": "warning", "score": 80}});
        site.scene.execute(context, "evaluation", &warning).await;
        site.scene.approval(context).await;
        site.scene.to_approval("hello:v2", &json!({})).await;
        let page = site.sign_in("ada").await.get("/bridge/inbox").await;
        let (passed, rest) = page.text.split_once("Gate warning").unwrap();
        let (passed, _) = (passed.split_once("Gate passed").unwrap().1, rest);
        assert!(passed.contains("<b>v2</b>") && !passed.contains("<b>v1</b>"));
        assert!(page.text.contains("2 need you"));
        assert!(!page.text.contains("No gate"));
    });
}

#[test]
fn a_filter_leaves_out_what_does_not_match_and_is_kept_as_it_was_given() {
    on_site(|site| async move {
        site.scene.to_approval("hello:v1", &json!({"team": "checkout"})).await;
        let mut ada = site.sign_in("ada").await;
        for (query, is_there) in [
            ("project=tour", true),
            ("stage=production&service=hello", true),
            ("stage=qa", false),
            ("label=team:checkout", true),
            ("label=team", true),
            ("label=team:other", false),
            ("older=4h", false),
            ("older=x", true),
            ("project=../%22%3E%3Cscript%3E", false),
        ] {
            let page = ada.get(&format!("/bridge/inbox?{query}")).await;
            assert_eq!(page.status, 200, "{query}");
            assert_eq!(page.text.contains("data-card"), is_there, "{query}");
            assert!(page.text.contains("<title>(1) Inbox"), "the count is of all");
        }
        let page = ada.get("/bridge/inbox?stage=qa").await;
        assert!(plain(&page.text).contains("No open approval matches. 1 waits in all."));
        assert!(page.text.contains("name=\"stage\" value=\"qa\""));
    });
}

#[test]
fn decisions_have_a_view_of_their_own() {
    on_site(|site| async move {
        let approval = site.scene.to_approval("hello:v1", &json!({})).await;
        site.scene.decide(&approval, Decision::Decline, "grace", "error budget spent").await;
        let page = site.sign_in("ada").await.get("/bridge/inbox?view=decided&service=hello").await;
        assert_eq!(page.heading(), "Decided");
        let text = plain(&page.text);
        assert!(text.contains("1 decision.") && text.contains("“error budget spent”"), "{text}");
        assert!(!page.text.contains("data-card"));
    });
}

#[test]
fn a_card_says_who_declined_the_same_image_before_and_that_a_newer_one_waits() {
    on_site(|site| async move {
        let first = site.scene.to_approval("hello:v1", &json!({})).await;
        site.scene.decide(&first, Decision::Decline, "grace", "error budget spent").await;
        let again = site.scene.to_approval("hello:v1", &json!({"gitCommit": "4f3434c"})).await;
        let mut ada = site.sign_in("ada").await;
        let page = ada.get(&format!("/bridge/approval/{}", again.id)).await;
        assert!(plain(&page.text).contains("Has run in qa for"), "{}", page.text);
        site.scene.to_approval("hello:v2", &json!({})).await;
        let page = ada.get(&format!("/bridge/approval/{}", again.id)).await;
        let text = plain(&page.text);
        assert!(text.contains("grace declined this image for production"), "{text}");
        assert!(text.contains("“error budget spent”"));
        assert!(text.contains("A newer candidate waits, too: hello:v2."));
        assert!(!text.contains("Has run in qa for") && !text.contains("No commit data"));
    });
}

#[test]
fn several_are_approved_at_once_and_each_is_judged_alone() {
    on_site(|site| async move {
        let scene = &site.scene;
        let first = scene.to_approval("hello:v1", &json!({})).await;
        let taken = scene.to_approval("hello:v2", &json!({})).await;
        let context = scene.deliver("hello:v3", &json!({}), &person("ci")).await;
        scene.execute(context, "deployment", &json!({})).await;
        let warning =
            json!({"result": "warning", "evaluation": {"result": "warning", "score": 80}});
        scene.execute(context, "evaluation", &warning).await;
        let warned = scene.approval(context).await;
        let mut ada = site.sign_in("ada").await;
        let inbox = ada.get("/bridge/inbox").await;
        assert_eq!(inbox.text.matches("name=\"pick\"").count(), 2, "not the one with a warning");
        let mut picks = Vec::new();
        for approval in [&first, &taken, &warned] {
            picks.push(format!("{}:{}", approval.id, scene.subject(approval).await));
        }
        scene.decide(&taken, Decision::Decline, "grace", "error budget spent").await;
        picks.extend(["x:y".to_owned(), first.id.to_string()]);
        let fields: Vec<_> = picks.iter().map(|pick| ("pick", pick.as_str())).collect();
        let answer = ada.submit("/bridge/approvals/decide", &inbox, &fields).await;
        let page = ada.get(answer.location()).await;
        assert_eq!(page.heading(), "1 approved, 2 not");
        let text = plain(&page.text);
        assert!(text.contains("You approved it."), "{text}");
        assert!(text.contains("grace declined it: “error budget spent”."));
        assert!(text.contains("the result was a warning, which needs a reason"));
        // The same form once more does nothing more.
        let again = ada.submit("/bridge/approvals/decide", &inbox, &fields).await;
        assert_eq!(ada.get(again.location()).await.heading(), "1 approved, 2 not");
    });
}

#[test]
fn one_that_has_changed_since_is_not_approved_with_others() {
    on_site(|site| async move {
        let seen = site.scene.to_approval("hello:v1", &json!({})).await;
        let pick = format!("{}:{}", seen.id, site.scene.subject(&seen).await);
        let mut ada = site.sign_in("ada").await;
        let inbox = ada.get("/bridge/inbox").await;
        let other = site.scene.to_approval("hello:v2", &json!({})).await;
        site.scene.decide(&other, Decision::Approve, "grace", "").await;
        site.scene.execute(other.context, "deployment", &json!({})).await;
        let answer = ada.submit("/bridge/approvals/decide", &inbox, &[("pick", &pick)]).await;
        let page = ada.get(answer.location()).await;
        assert_eq!(page.heading(), "0 approved, 1 not");
        assert!(plain(&page.text).contains("it changed while you were looking"));
    });
}

#[test]
fn the_worst_objectives_of_the_gate_come_first() {
    on_site(|site| async move {
        let context = site.scene.deliver("hello:v1", &json!({}), &person("ci")).await;
        site.scene.execute(context, "deployment", &json!({})).await;
        let indicator = |name: &str, status: &str, value: f64| {
            json!({"value": {"metric": name, "value": value, "success": true}, "status": status,
                "passTargets": [{"criteria": "<0.4", "violated": status != "pass"}]})
        };
        let judged = json!({"evaluation": {"result": "pass", "score": 96.5, "indicatorResults": [
            indicator("throughput", "pass", 0.1), indicator("errors", "pass", 0.2),
            indicator("latency", "warning", 0.41), indicator("<b>cpu</b>", "fail", 0.93)]}});
        site.scene.execute(context, "evaluation", &judged).await;
        let approval = site.scene.approval(context).await;
        let page =
            site.sign_in("ada").await.get(&format!("/bridge/approval/{}", approval.id)).await;
        let gate = page.between("The objectives that matter most", "</table>");
        let at = |name: &str| gate.find(name).unwrap_or_else(|| panic!("{name}: {gate}"));
        assert!(at("&#60;b&#62;cpu") < at("latency") && at("latency") < at("throughput"));
        assert!(!gate.contains("errors") && page.text.contains(">1 more objective<"));
    });
}
