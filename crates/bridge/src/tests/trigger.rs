//! Starting a sequence by hand.

use axum::http::StatusCode;
use tidegate_store::SequenceFilter;

use super::browser::{Browser, Page, Site, on_site, plain};
use super::environment::shipyard;
use super::scene::tour;

const FORM: &str = "/bridge/project/tour/trigger";
const GOOD: [(&str, &str); 4] = [
    ("sequence", "qa.delivery"),
    ("service", "hello"),
    ("image", "ghcr.io/acme/hello:v1"),
    ("labels", "build=7\r\nurl=https://ci.example/7"),
];

async fn send(browser: &mut Browser, page: &Page, more: &[(&str, &str)]) -> Page {
    let mut fields = GOOD.to_vec();
    let once = page.field("once");
    fields.push(("once", &once));
    for (name, value) in more {
        fields.retain(|(other, _)| other != name);
        fields.push((name, value));
    }
    browser.submit(FORM, page, &fields).await
}

async fn deliveries(site: &Site) -> u64 {
    let read = site
        .scene
        .engine
        .read(|reader| reader.sequences(&tour(), &SequenceFilter::default(), 0, Some(1)));
    read.await.unwrap().total
}

#[test]
fn a_form_triggers_once_however_often_it_is_sent() {
    on_site(|site| async move {
        let mut ada = site.sign_in("ada").await;
        let page = ada.get(FORM).await;
        let answer = send(&mut ada, &page, &[]).await;
        let first = answer.location().to_owned();
        let again = send(&mut ada, &page, &[]).await;
        assert_eq!(again.location(), first);
        assert_eq!(deliveries(&site).await, 1);
        let sequence = ada.get(&first).await;
        assert!(sequence.heading().contains("delivery of hello"), "{}", sequence.heading());
        assert!(sequence.text.contains("https://ci.example/7"));
        // The same form with other values is a mistake, and the next one of it is not.
        let other = send(&mut ada, &page, &[("image", "hello:v2")]).await;
        assert_eq!(other.status, StatusCode::CONFLICT);
        assert!(other.text.contains("sent before, with other values"));
        assert!(other.text.contains("value=\"hello:v2\""));
        let fresh = send(&mut ada, &other, &[("image", "hello:v2")]).await;
        assert_ne!(fresh.location(), first);
        assert_eq!(deliveries(&site).await, 2);
        // Of an evaluation the time is fixed: by the first that is sent.
        let page = ada.get(FORM).await;
        let judged = [("sequence", "qa.evaluation"), ("timeframe", "10m"), ("image", "")];
        let first = send(&mut ada, &page, &judged).await.location().to_owned();
        assert_eq!(send(&mut ada, &page, &judged).await.location(), first);
        assert_eq!(deliveries(&site).await, 3);
    });
}

#[test]
fn what_is_wrong_is_said_at_its_field_and_everything_typed_stays() {
    on_site(|site| async move {
        let mut ada = site.sign_in("ada").await;
        let page = ada.get(FORM).await;
        let typed = [
            ("sequence", "qa.delivery"),
            ("service", "nobody"),
            ("image", ""),
            ("labels", "</textarea><script>"),
            ("values", "{"),
            ("timeframe", "soon"),
        ];
        let refused = send(&mut ada, &page, &typed).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        for (field, words) in [
            ("service", "tour has no service of this name."),
            ("image", "Name the image that is to be deployed."),
            ("labels", "Line 1: write key=value."),
            ("values", "This is no JSON: EOF while parsing an object at line 1 column 1."),
            ("timeframe", "Write a span such as 5m or 1h30m, at least a minute."),
        ] {
            let error = plain(refused.between(&format!("id=\"wrong-{field}\">"), "</p>"));
            assert_eq!(error, words);
            assert!(
                refused.text.contains(&format!("aria-describedby=\"wrong-{field} help-{field}\""))
            );
        }
        assert!(!refused.text.contains("<script>"));
        assert!(
            refused.text.contains("value=\"soon\"") && refused.text.contains("&#60;/textarea&#62;")
        );
        assert!(refused.text.contains("<option value=\"qa.delivery\" selected>"));
        assert_eq!(deliveries(&site).await, 0);
    });
}

#[test]
fn a_preview_shows_the_event_and_sends_nothing() {
    on_site(|site| async move {
        let mut ada = site.sign_in("ada").await;
        let page = ada.get(FORM).await;
        let preview =
            send(&mut ada, &page, &[("do", "preview"), ("values", "{\"replicas\": 2}")]).await;
        assert_eq!(
            (preview.status, preview.heading().as_str()),
            (StatusCode::OK, "This would be sent")
        );
        let event = preview.between("aria-label=\"Event\">", "</pre>");
        for part in ["sh.keptn.event.qa.delivery.triggered", "ghcr.io/acme/hello:v1", "replicas"] {
            assert!(event.contains(part), "{event}");
        }
        assert_eq!(deliveries(&site).await, 0);
        let answer = send(&mut ada, &preview, &[("do", "send")]).await;
        assert!(answer.location().starts_with("/bridge/project/tour/sequence/"));
    });
}

#[test]
fn every_sequence_is_offered_and_one_that_cannot_be_triggered_says_why() {
    on_site(|site| async move {
        let text = "apiVersion: spec.keptn.sh/0.2.2\nspec:\n  stages:\n    - name: qa\n      sequences:\n        \
             - name: hotfix\n          tasks: [{ name: deployment }]\n        - name: later\n";
        shipyard(&site, text).await;
        let mut ada = site.sign_in("ada").await;
        let page = ada.get(&format!("{FORM}?stage=qa&service=hello")).await;
        let options = page.between("<optgroup label=\"qa\">", "</optgroup>");
        assert!(
            options
                .contains("<option value=\"qa.hotfix\" selected>qa: hotfix (deployment)</option>"),
            "{options}"
        );
        assert!(
            options.contains("<option value=\"qa.later\" disabled>qa: later has no tasks"),
            "{options}"
        );
        assert!(options.contains("<option value=\"qa.evaluation\">qa: evaluation"), "{options}");
        let refused = send(&mut ada, &page, &[("sequence", "qa.later")]).await;
        assert!(
            refused.text.contains(
                "It cannot be triggered: task sequence later does not contain any tasks."
            )
        );
    });
}

#[test]
fn nothing_is_triggered_while_the_shipyard_cannot_be_read() {
    on_site(|site| async move {
        let mut ada = site.sign_in("ada").await;
        let page = ada.get(FORM).await;
        shipyard(&site, "apiVersion: spec.keptn.sh/0.2.2\nspec:\n  stages:\n    - name: QA\n")
            .await;
        let answer = send(&mut ada, &page, &[]).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(answer.text.contains("shipyard.yaml:4:13: Stage QA"), "{}", answer.text);
        assert!(!answer.text.contains("class=\"sheet\""));
        assert_eq!(deliveries(&site).await, 0);
    });
}
