//! What quality gates have said, and what people say of it.

use axum::http::StatusCode;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use futures_util::future::join_all;
use serde_json::{Value, json};
use tidegate_core::event::{Draft, EventType};
use tidegate_core::names::ContextId;
use tidegate_store::EventFilter;

use super::browser::{Browser, Page, Site, on_site, plain};
use super::scene::{Scene, person, tour};

pub(super) const SLO: &str = "objectives: [{sli: p95, key_sli: true, pass: [{criteria: ['<0.4']}]}]\ntotal_score: {pass: 90%}\n";

/// The address of the evaluations of the service.
pub(super) const QUALITY: &str = "/bridge/project/tour/quality/hello/qa";

/// A delivery that its gate has judged by this value.
pub(super) async fn judged(scene: &Scene, version: &str, p95: f64) -> ContextId {
    let context =
        scene.deliver(&format!("acme/hello:{version}"), &json!({}), &person("ci-main")).await;
    scene.execute(context, "deployment", &json!({})).await;
    let is_good = p95 < 0.4;
    let (word, score) = if is_good { ("pass", 100) } else { ("fail", 0) };
    let evaluation = json!({"result": word, "score": score, "sloFileContent": BASE64_STANDARD.encode(SLO),
        "indicatorResults": [{"displayName": "", "keySli": true, "status": word, "score": score / 100,
            "value": {"metric": "p95", "value": p95, "success": true},
            "passTargets": [{"criteria": "<0.4", "targetValue": 0.4, "violated": !is_good}]}]});
    scene.execute(context, "evaluation", &json!({"result": word, "evaluation": evaluation})).await;
    context
}

/// The address of a delivery's only evaluation.
async fn address(browser: &mut Browser, context: ContextId) -> String {
    browser.get(&format!("/bridge/evaluation/{context}")).await.location().to_owned()
}

async fn events(site: &Site, kind: &str) -> Vec<Value> {
    let filter = EventFilter {
        project: Some(tour()),
        kind: Some(EventType::new(&format!("sh.keptn.event.evaluation.{kind}"))),
        ..EventFilter::default()
    };
    let read = site.scene.engine.read(move |reader| reader.events(&filter, 0, 100));
    read.await.unwrap().items.iter().map(|row| row.event.to_value()).collect()
}

/// Sends a form of the page as it stands, with a reason.
async fn say(browser: &mut Browser, page: &Page, path: &str, reason: &str) -> Page {
    let once = page.field("once");
    browser.submit(path, page, &[("reason", reason), ("once", &once)]).await
}

#[test]
fn a_failed_gate_names_the_objective_and_its_limit_wherever_it_is_met() {
    on_site(|site| async move {
        let context = judged(&site.scene, "v2", 0.62).await;
        let mut ada = site.sign_in("ada").await;
        let address = address(&mut ada, context).await;
        let page = ada.get(&address).await;
        assert_eq!(page.heading(), "Failed, 0 of 100 : v2 in qa");
        let said = plain(&page.text);
        assert!(said.contains("It passes from 90 on. p95 is 0.62, wanted &#60;0.4."), "{said}");
        assert!(
            page.text
                .contains("<s><code>&#60;0.4</code></s><span class=\"hidden\"> not met</span>")
        );
        let sequence = ada.get(&format!("/bridge/project/tour/sequence/{context}")).await;
        assert!(sequence.text.contains(&address), "the row of its task leads there");
        let environment = ada.get("/bridge/project/tour").await;
        assert!(environment.text.contains(&format!("href=\"{QUALITY}\"")), "{}", environment.text);
        let all = ada.get("/bridge/project/tour/quality").await;
        assert!(all.text.contains(&format!("href=\"{QUALITY}\"")));
        let quality = ada.get(QUALITY).await;
        assert!(quality.text.contains(&address) && quality.text.contains("class=\"hf\"><span>"));
    });
}

#[test]
fn an_approval_leads_to_the_evaluation_that_it_is_based_on() {
    on_site(|site| async move {
        let context = judged(&site.scene, "v1", 0.3).await;
        let approval = site.scene.approval(context).await;
        let mut ada = site.sign_in("ada").await;
        let address = address(&mut ada, context).await;
        let card = ada.get(&format!("/bridge/approval/{}", approval.id)).await;
        assert!(card.text.contains(&format!("href=\"{address}\"")), "{}", card.text);
    });
}

#[test]
fn an_evaluation_is_ignored_with_a_reason_and_restored_with_another() {
    on_site(|site| async move {
        let context = judged(&site.scene, "v1", 0.3).await;
        let mut ada = site.sign_in("ada").await;
        let address = address(&mut ada, context).await;
        let page = ada.get(&address).await;
        let refused = say(&mut ada, &page, &format!("{address}/ignore"), "  ").await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(refused.text.contains("Say why") && refused.text.contains("aria-invalid"));
        assert_eq!(events(&site, "invalidated").await.len(), 0);

        let done = say(&mut ada, &page, &format!("{address}/ignore"), "a trial run").await;
        let there = done.location().to_owned();
        assert!(there.starts_with(&format!("{address}?outcome=")), "{there}");
        let again = say(&mut ada, &page, &format!("{address}/ignore"), "a trial run").await;
        assert_eq!(again.location(), there, "sent twice, it is answered alike");
        let told = ada.get(&there).await;
        assert_eq!(told.heading(), "Ignored for comparison");
        assert!(told.text.contains("a trial run") && told.text.contains("/restore\""));

        let [finished] = <[Value; 1]>::try_from(events(&site, "finished").await).unwrap();
        let [event] = <[Value; 1]>::try_from(events(&site, "invalidated").await).unwrap();
        assert_eq!(event["triggeredid"], finished["triggeredid"]);
        assert_eq!(event["shkeptncontext"], finished["shkeptncontext"]);
        assert_eq!(event["source"], "https://github.com/keptn/keptn/bridge#evaluation.invalidated");
        assert_eq!(
            event["data"],
            json!({"project": "tour", "stage": "qa", "service": "hello",
                "evaluation": {"reason": "a trial run"}})
        );
        assert!(ada.get(QUALITY).await.text.contains("class=\"hp v\"><span>"));

        // Somebody else, on the page from before.
        let late = say(&mut ada, &page, &format!("{address}/ignore"), "another reason").await;
        assert_eq!(
            (late.status, late.heading().as_str()),
            (StatusCode::CONFLICT, "Nothing was changed")
        );

        let page = ada.get(&address).await;
        let done = say(&mut ada, &page, &format!("{address}/restore"), "it was none").await;
        let restored = ada.get(done.location()).await;
        assert_eq!(restored.heading(), "Restored");
        assert!(restored.text.contains("it was none") && restored.text.contains("/ignore\""));
        assert_eq!(events(&site, "restored").await.len(), 1);
        assert!(!ada.get(QUALITY).await.text.contains("class=\"hp v\"><span>"));
        // An address alone claims nothing.
        assert!(!ada.get(&there).await.text.contains("<h1>Ignored"));
    });
}

#[test]
fn a_form_without_its_token_or_about_another_event_changes_nothing() {
    on_site(|site| async move {
        let context = judged(&site.scene, "v1", 0.3).await;
        let mut ada = site.sign_in("ada").await;
        let address = address(&mut ada, context).await;
        let forged = ada.post(&format!("{address}/ignore"), "reason=x&once=y", &[]).await;
        assert_eq!(forged.status, StatusCode::FORBIDDEN);
        let page = ada.get(&address).await;
        let [finished] = <[Value; 1]>::try_from(events(&site, "finished").await).unwrap();
        let task = finished["triggeredid"].as_str().unwrap();
        let other =
            say(&mut ada, &page, &format!("/bridge/evaluation/{context}/{task}/ignore"), "x").await;
        assert_eq!(other.status, StatusCode::NOT_FOUND);
        let mut stranger = site.stranger();
        let signed_out = stranger.post(&format!("{address}/ignore"), "reason=x", &[]).await;
        assert!(signed_out.location().contains("/bridge/login?next="), "{}", signed_out.location());
        assert_eq!(events(&site, "invalidated").await.len(), 0);
    });
}

#[test]
fn only_evaluations_of_the_page_are_set_side_by_side() {
    on_site(|site| async move {
        let mut ada = site.sign_in("ada").await;
        let mut ids = Vec::new();
        for (stage, service) in
            [("qa", "hello"), ("qa", "hello"), ("production", "hello"), ("qa", "other")]
        {
            let body = json!({"type": "sh.keptn.event.evaluation.finished", "source": "somebody",
                "data": {"project": "tour", "stage": stage, "service": service, "result": "pass",
                    "status": "succeeded", "evaluation": {"score": 100, "indicatorResults": []}}});
            let draft = Draft::from_value(body).unwrap();
            ids.push(
                site.scene.engine.accept(draft, &person("ci-main"), None).await.unwrap().event,
            );
        }
        let [before, after, elsewhere, other] = ids[..] else { panic!("{ids:?}") };
        let page = ada.get(&format!("{QUALITY}/compare?before={before}&after={after}")).await;
        assert_eq!(page.status, StatusCode::OK, "{}", plain(&page.text));
        for (before, after) in [(before, elsewhere), (other, after), (elsewhere, other)] {
            let page = ada.get(&format!("{QUALITY}/compare?before={before}&after={after}")).await;
            assert_eq!(page.status, StatusCode::NOT_FOUND, "{}", plain(&page.text));
        }
    });
}

#[test]
fn ten_thousand_evaluations_make_a_page_of_twenty() {
    on_site(|site| async move {
        let engine = &site.scene.engine;
        let ci = person("ci-main");
        for hundred in 0..100 {
            let some = (0..100).map(|n| {
                // Without a task: an integration may send such.
                let body = json!({"type": "sh.keptn.event.evaluation.finished", "source": "somebody",
                    "data": {"project": "tour", "stage": "qa", "service": "hello", "result": "pass",
                        "status": "succeeded", "evaluation": {"score": 100, "indicatorResults": [
                            {"status": "pass", "value": {"metric": "p95", "value": hundred * 100 + n,
                                "success": true}}]}}});
                engine.accept(Draft::from_value(body).unwrap(), &ci, None)
            });
            for accepted in join_all(some).await {
                accepted.unwrap();
            }
        }
        let mut ada = site.sign_in("ada").await;
        let page = ada.get(QUALITY).await;
        assert_eq!(page.text.matches("<th scope=\"col\"").count(), 20);
        assert!(plain(&page.text).contains("Evaluations 1–20 of 10000"), "{}", plain(&page.text));
        assert!(
            page.text.contains("Passed 9999</span>") && !page.text.contains("Passed 9979</span>")
        );
        let most = ada.get(&format!("{QUALITY}?n=100000")).await;
        assert_eq!(most.text.matches("<th scope=\"col\"").count(), 200);
        let oldest = ada.get(&format!("{QUALITY}?offset=9980")).await;
        assert!(oldest.text.contains("Passed 0</span>") && oldest.text.contains("Newer"));
        let replay = ada.get(&format!("{QUALITY}/replay")).await;
        assert!(plain(&replay.text).contains("the last 90 evaluations"));
        // The very first one, with all that came behind it.
        let filter = EventFilter {
            project: Some(tour()),
            kind: Some(EventType::new("sh.keptn.event.evaluation.finished")),
            ..EventFilter::default()
        };
        let read = engine.read(move |reader| reader.events(&filter, 9999, 1));
        let first = read.await.unwrap().items.remove(0).event;
        let page = ada.get(&format!("/bridge/evaluation/{}/{}", first.context, first.id)).await;
        assert_eq!(
            page.heading(),
            format!("Passed, 100 of 100 : {} in qa", first.time.strftime("%-d %b %H:%M"))
        );
        assert!(
            !page.text.contains("/ignore\""),
            "it answers no task, so nobody can say which is meant"
        );
    });
}

#[test]
fn addresses_of_keptns_bridge_lead_to_the_evaluation_that_they_name() {
    on_site(|site| async move {
        let context = judged(&site.scene, "v1", 0.3).await;
        let bare = site.scene.deliver("acme/hello:v2", &json!({}), &person("ci-main")).await;
        let mut ada = site.sign_in("ada").await;
        let there = address(&mut ada, context).await;
        let [finished] = <[Value; 1]>::try_from(events(&site, "finished").await).unwrap();
        let task = finished["triggeredid"].as_str().unwrap();
        let sequence = format!("/bridge/project/tour/sequence/{bare}");
        for (from, to) in [
            (format!("/bridge/evaluation/{context}/qa"), there.clone()),
            (format!("/bridge/evaluation/{context}/{task}"), there.clone()),
            (
                format!("/bridge/project/tour/service/hello/context/{context}"),
                format!("/bridge/evaluation/{context}"),
            ),
            (
                format!("/bridge/project/tour/service/hello/context/{context}/stage/qa"),
                format!("/bridge/evaluation/{context}/qa"),
            ),
            ("/bridge/project/tour/service".to_owned(), "/bridge/project/tour/quality".to_owned()),
            (
                "/bridge/project/tour/service/hello".to_owned(),
                "/bridge/project/tour/quality/hello".to_owned(),
            ),
            ("/bridge/project/tour/quality/hello".to_owned(), QUALITY.to_owned()),
            // What was not evaluated is shown as far as it came.
            (format!("/bridge/evaluation/{bare}"), sequence.clone()),
            (
                format!("/bridge/evaluation/{bare}/qa?x=1"),
                format!("{sequence}?stage=qa&x=1#stage-qa"),
            ),
        ] {
            assert_eq!(ada.get(&from).await.location(), to, "{from}");
        }
        for missing in ["nobody/qa", "hello/nowhere"] {
            let page = ada.get(&format!("/bridge/project/tour/quality/{missing}")).await;
            assert_eq!(page.status, StatusCode::NOT_FOUND, "{missing}");
        }
        let empty = ada.get("/bridge/project/tour/quality/hello/production").await;
        let said = plain(&empty.text);
        assert!(
            said.contains("Add the task to the shipyard") && said.contains("- name: evaluation"),
            "{said}"
        );
    });
}
