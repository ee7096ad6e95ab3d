//! A failed gate that somebody has overridden, on every page that shows what became of it.

use serde_json::json;
use tidegate_core::approval::{Approval, Decision};
use tidegate_resources::{Place, ResourcePath};

use super::browser::{Page, Site, on_site, plain};
use super::scene::{person, tour};

const PROJECT: &str = "/bridge/project/tour";
const SHIPYARD: &str = "\
apiVersion: spec.keptn.sh/0.2.2
spec:
  stages:
    - name: qa
      sequences:
        - name: delivery
          tasks:
            - { name: deployment }
            - { name: evaluation }
            - { name: approval, properties: { policy: { onFail: manual } } }
            - { name: release }
    - name: production
      sequences:
        - name: delivery
          triggeredOn: [{ event: qa.delivery.finished }]
          tasks: [{ name: deployment }]
";

/// A delivery whose gate has failed, and the approval that asks what that means.
async fn fails(site: &Site, image: &str) -> Approval {
    let file = ResourcePath::new("shipyard.yaml").unwrap();
    let files = vec![(file, SHIPYARD.as_bytes().to_vec())];
    let (place, by) = (Place::Project, person("ada"));
    site.scene.engine.write_files(tour(), place, files, &by).await.unwrap();
    let context = site.scene.deliver(image, &json!({}), &person("ci-main")).await;
    site.scene.execute(context, "deployment", &json!({})).await;
    let judged = json!({"result": "fail", "evaluation": {"result": "fail", "score": 41.5}});
    site.scene.execute(context, "evaluation", &judged).await;
    site.scene.approval(context).await
}

async fn overridden(site: &Site) -> Approval {
    let approval = fails(site, "hello:v1").await;
    site.scene.decide(&approval, Decision::Approve, "grace", "the <probe> was broken").await;
    approval
}

/// The chip of each row of the list.
fn chips(page: &Page) -> Vec<String> {
    let rows = page.text.split("<a class=\"row\"").skip(1);
    rows.map(|row| plain(row.split_once("</svg>").unwrap().1.split("</span>").next().unwrap()))
        .collect()
}

/// The card of a stage, in words.
fn stage(page: &Page, name: &str) -> String {
    plain(page.between(&format!("aria-labelledby=\"stage-{name}\">"), "</section>"))
}

#[test]
fn it_is_said_while_the_delivery_goes_on_and_after_it() {
    on_site(|site| async move {
        let approval = overridden(&site).await;
        let path = format!("{PROJECT}/sequence/{}", approval.context);
        let said = "Overridden by grace: “the &#60;probe&#62; was broken”";
        let mut ada = site.sign_in("ada").await;
        let page = ada.get(&path).await;
        assert!(page.heading().contains("is waiting for an executor in qa: release"));
        let text = plain(page.between("<main", "</main>"));
        // At the head of the page, at the gate that had failed, and at the approval.
        assert_eq!(text.matches(said).count(), 3, "{text}");
        let list = ada.get(&format!("{PROJECT}/sequence")).await;
        assert_eq!(chips(&list), ["Queued"]);
        assert!(list.text.contains("<b>Overridden</b>"), "{}", list.text);

        site.scene.execute(approval.context, "release", &json!({})).await;
        site.scene.execute(approval.context, "deployment", &json!({})).await;
        let page = ada.get(&path).await;
        assert!(page.heading().ends_with("has ended with its gate overridden in qa"));
        assert_eq!(chips(&ada.get(&format!("{PROJECT}/sequence")).await), ["Overridden"]);
        for (status, count) in [("overridden", 1), ("succeeded", 1), ("passed", 0), ("failed", 0)] {
            let found = ada.get(&format!("{PROJECT}/sequence?Status={status}")).await;
            assert_eq!(chips(&found).len(), count, "{status}");
        }
    });
}

#[test]
fn what_runs_past_the_gate_is_marked_until_something_else_runs_there() {
    on_site(|site| async move {
        let approval = overridden(&site).await;
        site.scene.execute(approval.context, "release", &json!({})).await;
        site.scene.execute(approval.context, "deployment", &json!({})).await;
        let mut ada = site.sign_in("ada").await;
        let page = ada.get(PROJECT).await;
        assert!(
            stage(&page, "qa").contains("hello v1 Overridden 41.5/100"),
            "{}",
            stage(&page, "qa")
        );
        let production = stage(&page, "production");
        assert!(production.contains("hello v1 Passed Overridden"), "{production}");
        assert!(page.text.contains(&format!("href=\"/bridge/approval/{}\"", approval.id)));
        let versions = ada.get("/bridge/projects?view=versions").await;
        assert_eq!(versions.text.matches(">Overridden</span>").count(), 2, "{}", versions.text);
        let projects = ada.get("/bridge/projects").await;
        assert!(projects.text.contains("aria-label=\"Overridden\""), "{}", projects.text);

        let next = site.scene.deliver("hello:v2", &json!({}), &person("ci-main")).await;
        site.scene.execute(next, "deployment", &json!({})).await;
        let judged = json!({"evaluation": {"result": "pass", "score": 96}});
        site.scene.execute(next, "evaluation", &judged).await;
        let asked = site.scene.approval(next).await;
        site.scene.decide(&asked, Decision::Approve, "grace", "").await;
        site.scene.execute(next, "release", &json!({})).await;
        site.scene.execute(next, "deployment", &json!({})).await;
        let page = ada.get(PROJECT).await;
        for name in ["qa", "production"] {
            assert!(!stage(&page, name).contains("Overridden"), "{}", stage(&page, name));
        }
    });
}

#[test]
fn the_evaluation_itself_says_who_went_on() {
    on_site(|site| async move {
        let approval = fails(&site, "hello:v1").await;
        let gate = approval.failed_gate().unwrap().event;
        let path = format!("/bridge/evaluation/{}/{gate}", approval.context);
        let mut ada = site.sign_in("ada").await;
        assert!(!ada.get(&path).await.text.contains("Overridden"));
        site.scene.decide(&approval, Decision::Approve, "ada", "the probe was broken").await;
        let page = ada.get(&path).await;
        assert!(page.heading().starts_with("Failed"), "{}", page.heading());
        let text = plain(page.between("<main", "</main>"));
        assert!(text.contains("Overridden by you: “the probe was broken”"), "{text}");
    });
}

#[test]
fn declined_it_is_nowhere_called_overridden() {
    on_site(|site| async move {
        let approval = fails(&site, "hello:v1").await;
        site.scene.decide(&approval, Decision::Decline, "grace", "it is slow indeed").await;
        let mut ada = site.sign_in("ada").await;
        let sequence = format!("{PROJECT}/sequence/{}", approval.context);
        let card = format!("/bridge/approval/{}", approval.id);
        for path in [PROJECT, &sequence, &card, "/bridge/projects", "/bridge/inbox?view=decided"] {
            let page = ada.get(path).await;
            assert!(!page.text.contains("Overridden"), "{path}: {}", page.text);
        }
        assert_eq!(chips(&ada.get(&format!("{PROJECT}/sequence")).await), ["Declined"]);
    });
}
