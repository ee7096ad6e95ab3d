//! What another file would have decided, as its page tells it.

use axum::http::StatusCode;
use serde_json::json;
use tidegate_core::event::Draft;

use super::browser::{on_site, plain};
use super::evaluation::{QUALITY, SLO, judged};
use super::scene::person;

#[test]
fn a_replay_says_what_would_change_and_writes_nothing() {
    on_site(|site| async move {
        judged(&site.scene, "v1", 0.3).await;
        judged(&site.scene, "v2", 0.35).await;
        let mut ada = site.sign_in("ada").await;
        let path = format!("{QUALITY}/replay");
        let page = ada.get(&path).await;
        assert!(
            page.text.contains("criteria: [&#39;&#60;0.4&#39;]"),
            "the one that was judged by last"
        );
        let before = site.scene.engine.position();
        let stricter = SLO.replace("<0.4", "<0.32");
        let answer = ada.submit(&path, &page, &[("slo", &stricter)]).await;
        let said = plain(&answer.text);
        assert!(said.contains("1 of the last 2 evaluations would have ended otherwise"), "{said}");
        assert!(said.contains("p95 passed, and would fail"), "{said}");
        let wrong = ada.submit(&path, &page, &[("slo", "objectives: 3\n")]).await;
        assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(wrong.text.contains("slo.yaml:1:13"), "{}", plain(&wrong.text));
        assert_eq!(site.scene.engine.position(), before, "nothing was written");
    });
}

/// Ninety evaluations that would be judged again, and one before them, without which the first of them would
/// have had nothing to be compared with.
#[test]
fn the_file_that_has_decided_changes_nothing_however_many_have_been() {
    const RELATIVE: &str = "comparison: {compare_with: single_result}\n\
                            objectives: [{sli: p95, pass: [{criteria: ['<=+10%']}]}]\n\
                            total_score: {pass: 90%}\n";
    on_site(|site| async move {
        for n in 0..91 {
            // The second is slower, all others are as the one before.
            let value = if n == 0 { 1 } else { 100 };
            let (word, score) = if n == 1 { ("fail", 0) } else { ("pass", 1) };
            let body = json!({"type": "sh.keptn.event.evaluation.finished", "source": "somebody",
                "data": {"project": "tour", "stage": "qa", "service": "hello", "result": word,
                    "status": "succeeded", "evaluation": {"score": 100 * score, "indicatorResults": [
                        {"status": word, "score": score,
                            "value": {"metric": "p95", "value": value, "success": true}}]}}});
            let draft = Draft::from_value(body).unwrap();
            site.scene.engine.accept(draft, &person("ci-main"), None).await.unwrap();
        }
        let mut ada = site.sign_in("ada").await;
        let path = format!("{QUALITY}/replay");
        let page = ada.get(&path).await;
        assert!(plain(&page.text).contains("the last 90 evaluations"), "{}", plain(&page.text));
        let answer = ada.submit(&path, &page, &[("slo", RELATIVE)]).await;
        let said = plain(&answer.text);
        assert!(said.contains("The last 90 evaluations would have ended as they did."), "{said}");
        assert!(said.contains("The others (90)"), "the one before is not told: {said}");
    });
}

#[test]
fn a_file_by_which_nothing_is_decided_is_refused_with_the_reason() {
    on_site(|site| async move {
        judged(&site.scene, "v1", 0.3).await;
        let mut ada = site.sign_in("ada").await;
        let path = format!("{QUALITY}/replay");
        let page = ada.get(&path).await;
        let comparison =
            "comparison: {compare_with: several_results, number_of_comparison_results: 101}";
        for (slo, why) in [
            (SLO.replace("total_score", "total"), "no target score defined"),
            (SLO.replace("90%", "ninety"), "could not parse pass target percentage"),
            (format!("{comparison}\n{SLO}"), "compare with 1 to 100"),
        ] {
            let answer = ada.submit(&path, &page, &[("slo", &slo)]).await;
            let said = plain(&answer.text);
            assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{said}");
            assert!(said.contains(why) && said.contains("would end errored"), "{said}");
            assert!(!said.contains("would have"), "nothing is told of what it decides: {said}");
        }
    });
}
