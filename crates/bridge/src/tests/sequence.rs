//! The page of a delivery: its rows, its output, and what can be done with it.

use axum::http::StatusCode;
use serde_json::json;
use tidegate_core::approval::Decision;
use tidegate_core::names::ContextId;
use tidegate_core::sequence::Control;
use tidegate_core::uniform::{Command, Sent};
use tidegate_store::SequenceFilter;

use super::browser::{Browser, Page, Site, on_site, plain};
use super::scene::{person, tour};
use crate::logs::JobLog;

fn path(context: ContextId) -> String {
    format!("/bridge/project/tour/sequence/{context}")
}

fn log(text: &str) -> JobLog {
    JobLog { text: text.to_owned(), dropped_bytes: 0, running: false }
}

/// The rows of tasks: whether each is open, and what it says while it is closed.
fn rows(page: &Page) -> Vec<(bool, String)> {
    let rows = page.text.split("<details class=\"opens\"").skip(1);
    rows.map(|row| {
        let (open, rest) = row.split_once('>').unwrap();
        (open.contains("open"), plain(rest.split_once("</summary>").unwrap().0))
    })
    .collect()
}

async fn fail(site: &Site, image: &str) -> ContextId {
    let context = site.scene.deliver(image, &json!({"team": "a"}), &person("ci")).await;
    let how =
        json!({"result": "fail", "status": "errored", "message": "Task 'x' failed: exit code 1"});
    let task = site.scene.execute(context, "deployment", &how).await;
    let text = "pulling\n\u{1b}[31merror: port 34870 is in use\u{1b}[0m\nbye\n";
    site.logs.kept.lock().unwrap().insert(task, log(text));
    context
}

#[test]
fn rows_are_grouped_by_stage_and_the_first_failure_is_open_with_its_own_words() {
    on_site(|site| async move {
        let mut ada = site.sign_in("ada").await;
        let context = fail(&site, "hello:v1").await;
        let page = ada.get(&path(context)).await;
        assert!(page.text.contains("<h2 id=\"stage-qa\">qa <span>delivery</span></h2>"));
        let rows = rows(&page);
        assert_eq!(rows.len(), 1);
        let (open, row) = &rows[0];
        assert!(*open && row.starts_with("Failed deployment error: port 34870 is in use"), "{row}");
        assert!(page.text.contains("<b>error: port 34870 is in use</b>"), "red is strong");
        assert!(page.text.contains("Not reached") && page.text.contains("evaluation"));
        assert!(page.text.contains("class=\"end t-fail\""), "a cross where it failed");
    });
}

#[test]
fn events_come_with_source_time_difference_and_a_payload_that_can_be_folded() {
    on_site(|site| async move {
        let mut ada = site.sign_in("ada").await;
        let context = fail(&site, "hello:v1").await;
        let page = ada.get(&path(context)).await;
        let entries = page.between("<ol class=\"entries\">", "</ol>");
        let text = plain(entries);
        for part in ["deployment.triggered", "deployment.started job-executor-service", "+"] {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert!(entries.contains("<ul class=\"tree\">") && entries.contains("configurationChange"));
        assert_eq!(entries.matches("<details").count(), entries.matches("</details>").count());
        assert_eq!(entries.matches("<ul").count(), entries.matches("</ul>").count());
        assert!(entries.contains("\">Raw</a>") && entries.contains("\">Permalink</a>"));
    });
}

#[test]
fn an_event_that_is_asked_for_is_open_and_in_view_whatever_else_is_closed() {
    on_site(|site| async move {
        let mut ada = site.sign_in("ada").await;
        let context = site.scene.deliver("hello:v1", &json!({}), &person("ci")).await;
        let task = site.scene.execute(context, "deployment", &json!({})).await;
        site.logs.kept.lock().unwrap().insert(task, log("all went well\n"));
        site.scene.execute(context, "evaluation", &json!({})).await;
        let closed = ada.get(&path(context)).await;
        assert!(
            !rows(&closed)[0].0 && !closed.text.contains("all went well"),
            "{:?}",
            rows(&closed)
        );
        assert!(closed.text.contains(&format!("href=\"{}?open={task}#t-{task}\"", path(context))));
        let old = format!("{}/event/{task}?Service=hello", path(context));
        let to = ada.get(&old).await.location().to_owned();
        assert_eq!(to, format!("{}?open={task}&Service=hello#e-{task}", path(context)));
        let page = ada.get(to.split('#').next().unwrap()).await;
        assert!(rows(&page)[0].0 && page.text.contains("all went well"));
        let asked = page.between(&format!("<li id=\"e-{task}\""), "</summary>");
        assert!(asked.contains("class=\"asked-for\"") && asked.contains("class=\"payload\" open"));
        // An event of the sequence itself is open as well.
        let read = site.scene.engine.read(move |reader| reader.trace(&tour(), context, 1));
        let first = read.await.unwrap()[0].event.id;
        let page = ada.get(&format!("{}?open={first}", path(context))).await;
        assert!(page.text.contains("<details class=\"others\" open>"));
    });
}

#[test]
fn keptns_short_addresses_lead_to_the_newest_event_of_a_type_and_a_miss_says_what_it_may_mean() {
    on_site(|site| async move {
        let mut ada = site.sign_in("ada").await;
        let approval = site.scene.to_approval("hello:v1", &json!({})).await;
        site.scene.decide(&approval, Decision::Approve, "grace", "").await;
        let task = site.scene.execute(approval.context, "deployment", &json!({})).await;
        let trace = format!("/bridge/trace/{}", approval.context);
        let newest = ada.get(&format!("{trace}/sh.keptn.event.deployment.triggered?x=1")).await;
        let expected = format!("{}?open={task}&x=1#e-{task}", path(approval.context));
        assert_eq!(newest.location(), expected, "of two deployments the newest");
        let stage = ada.get(&format!("{trace}/qa?x=1")).await;
        assert_eq!(stage.location(), format!("{}?stage=qa&x=1#stage-qa", path(approval.context)));
        let page = ada.get(stage.location().split('#').next().unwrap()).await;
        let there = page.between("<details class=\"in-stage\" data-key=\"s-qa\" open>", "<h2");
        assert!(there.trim().starts_with("<summary autofocus>"), "{there}");
        let none = ada.get(&format!("{trace}/sh.keptn.event.nothing.triggered")).await;
        assert_eq!(none.status, StatusCode::NOT_FOUND);
        assert!(none.text.contains("no event of type") && none.text.contains("Open the sequence"));
        let gone = ada.get("/bridge/trace/11111111-1111-4111-8111-111111111111").await;
        assert_eq!(gone.status, StatusCode::NOT_FOUND);
        assert!(gone.text.contains("still on its way") && gone.text.contains("Look again"));
        let odd = ada.get("/bridge/trace/%3Cscript%3E").await;
        assert_eq!(odd.status, StatusCode::NOT_FOUND);
        assert!(odd.text.contains("A context is a UUID") && !odd.text.contains("<script>"));
        for old in [
            format!("/trace/{}/qa?x=1", approval.context),
            format!("/project/tour/sequence/{}/stage/qa", approval.context),
            "/project/tour/sequence?Stage=qa".to_owned(),
        ] {
            let moved = ada.get(&old).await;
            assert_eq!(moved.status, StatusCode::PERMANENT_REDIRECT, "{old}");
            assert_eq!(moved.headers["location"], format!("/bridge{old}"));
        }
    });
}

#[test]
fn the_whole_output_comes_in_ranges_and_as_a_file() {
    on_site(|site| async move {
        let context = fail(&site, "hello:v1").await;
        let read = site.scene.engine.read(move |reader| reader.executions(&tour(), context));
        let task = read.await.unwrap()[0].execution.previous[0].triggered_id;
        let lines: String = (1..=200_000).map(|n| format!("line {n}\n")).collect();
        site.logs.kept.lock().unwrap().insert(task, log(&lines));
        let mut ada = site.sign_in("ada").await;
        let whole = ada.get(&format!("/bridge/log/{task}")).await;
        assert_eq!(whole.text, lines);
        assert_eq!(whole.headers["content-type"], "text/plain; charset=utf-8");
        assert_eq!(whole.headers["content-disposition"], "inline");
        assert_eq!(whole.headers["accept-ranges"], "bytes");
        let file = ada.get(&format!("/bridge/log/{task}?download")).await;
        let name = format!("attachment; filename=\"{task}.log\"");
        assert_eq!(file.headers["content-disposition"], name.as_str());
        let part = ada.get_with(&format!("/bridge/log/{task}"), &[("range", "bytes=5-11")]).await;
        assert_eq!((part.status, part.text.as_str()), (StatusCode::PARTIAL_CONTENT, "1\nline "));
        let range = format!("bytes 5-11/{}", lines.len());
        assert_eq!(part.headers["content-range"], range.as_str());
        let beyond = [("range", "bytes=99999999-")];
        let beyond = ada.get_with(&format!("/bridge/log/{task}"), &beyond).await;
        assert_eq!(beyond.status, StatusCode::RANGE_NOT_SATISFIABLE);
        // The page has a window on it.
        let page = ada.get(&path(context)).await;
        assert!(page.text.contains("line 200000") && !page.text.contains("line 198000\n"));
        assert!(page.text.len() < 200_000, "{}", page.text.len());
        let long = "x".repeat(5_000_000);
        site.logs.kept.lock().unwrap().insert(task, log(&long));
        let page = ada.get(&path(context)).await;
        assert!(page.text.contains("(cut: a line of") && page.text.len() < 100_000);
    });
}

async fn contexts(site: &Site) -> u64 {
    let all = SequenceFilter::default();
    site.scene
        .engine
        .read(move |reader| reader.sequences(&tour(), &all, 0, Some(1)))
        .await
        .unwrap()
        .total
}

async fn press(ada: &mut Browser, page: &Page, path: &str, from: &str) -> Page {
    let once = page.field("once");
    ada.submit(&format!("{path}/rerun"), page, &[("from", from), ("once", &once)]).await
}

#[test]
fn a_rerun_is_a_new_delivery_and_each_says_where_the_other_is() {
    on_site(|site| async move {
        let mut ada = site.sign_in("ada").await;
        let context = fail(&site, "ghcr.io/t/hello:v1").await;
        let old = path(context);
        let page = ada.get(&old).await;
        assert!(page.text.contains(&format!("href=\"{old}/rerun\"")));
        let ask = ada.get(&format!("{old}/rerun")).await;
        assert_eq!(ask.heading(), "Re-run delivery of hello:v1?");
        assert!(ask.text.contains("Re-run from the start: delivery in qa"), "{}", ask.text);
        let answer = press(&mut ada, &ask, &old, "").await;
        let new = answer.location().to_owned();
        assert_ne!(new, old);
        // The same form again is the same delivery.
        assert_eq!(press(&mut ada, &ask, &old, "").await.location(), new);
        assert_eq!(contexts(&site).await, 2);
        let page = ada.get(&new).await;
        assert!(page.text.contains(&format!("Re-run of <a href=\"{old}\">")), "{}", page.text);
        assert!(page.text.contains("team") && page.text.contains("hello:v1"));
        assert!(plain(page.between("<p class=\"meta\">", "</p>")).contains("by you"));
        let back = ada.get(&old).await;
        assert!(back.text.contains(&format!("Run again as <a href=\"{new}\">")), "{}", back.text);
        let id: ContextId = new.rsplit('/').next().unwrap().parse().unwrap();
        let read = site.scene.engine.read(move |reader| reader.trace(&tour(), id, 1));
        let first = read.await.unwrap().remove(0).event;
        assert_eq!(first.kind.as_str(), "sh.keptn.event.qa.delivery.triggered");
        assert_eq!(first.data["configurationChange"]["values"]["image"], "ghcr.io/t/hello:v1");
        assert_eq!(first.data["labels"]["team"], "a");
        // A newer one is in the way of a second re-run, which says so.
        site.scene.execute(id, "deployment", &json!({})).await;
        let again = ada.get(&format!("{old}/rerun")).await;
        assert!(again.text.contains("began since"), "{}", again.text);
    });
}

#[test]
fn a_rerun_begins_where_it_failed_if_the_shipyard_still_has_that() {
    on_site(|site| async move {
        let mut ada = site.sign_in("ada").await;
        let approval = site.scene.to_approval("hello:v1", &json!({})).await;
        let old = path(approval.context);
        let open = ada.get(&format!("{old}/rerun")).await;
        assert!(open.text.contains("still under way") && !open.text.contains("name=\"once\""));
        site.scene.decide(&approval, Decision::Decline, "grace", "not now").await;
        let ask = ada.get(&format!("{old}/rerun")).await;
        assert!(ask.text.contains("Re-run from production: delivery"), "{}", ask.text);
        let nowhere = press(&mut ada, &ask, &old, "moon").await;
        assert_eq!(nowhere.status, StatusCode::NOT_FOUND);
        let unkeyed = ada.submit(&format!("{old}/rerun"), &ask, &[("from", "")]).await;
        assert_eq!(unkeyed.status, StatusCode::UNPROCESSABLE_ENTITY, "no form of ours");
        assert_eq!(contexts(&site).await, 1);
        let new = press(&mut ada, &ask, &old, "production").await.location().to_owned();
        let id: ContextId = new.rsplit('/').next().unwrap().parse().unwrap();
        let asked = site.scene.approval(id).await;
        assert_eq!(asked.scope.stage, *"production");
        assert_eq!(asked.image.as_deref(), Some("hello:v1"));
        assert_eq!(asked.result, "", "nothing has judged it this time");
        let page = ada.get(&new).await;
        assert!(plain(&page.text).contains("from production"), "{}", page.text);
    });
}

#[test]
fn aborting_says_what_runs_what_stops_and_what_stays() {
    on_site(|site| async move {
        let mut ada = site.sign_in("ada").await;
        let context = site.scene.deliver("hello:v1", &json!({}), &person("ci")).await;
        site.scene.begin(context, "deployment").await;
        let ask = ada.get(&format!("{}/abort", path(context))).await;
        let text = plain(&ask.text);
        for part in [
            "Runs now deployment in qa",
            "ends without evaluation",
            "Does not roll back hello:v1 in qa",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
        ada.submit(&format!("{}/abort", path(context)), &ask, &[]).await;
        let page = ada.get(&path(context)).await;
        assert_eq!(page.heading(), "delivery of hello:v1 was aborted in qa by you");
        let late = ada.get(&format!("{}/abort", path(context))).await;
        assert_eq!(late.heading(), "delivery of hello:v1 has ended");
        assert!(!late.text.contains("<button class=\"decline\">"));
    });
}

#[test]
fn whoever_waits_is_told_the_place_and_who_is_before() {
    on_site(|site| async move {
        let mut ada = site.sign_in("ada").await;
        let first = site.scene.deliver("hello:v1", &json!({}), &person("ci")).await;
        site.scene.begin(first, "deployment").await;
        site.scene.deliver("hello:v2", &json!({}), &person("ci")).await;
        let third = site.scene.deliver("hello:v3", &json!({}), &person("ci")).await;
        let page = ada.get(&path(third)).await;
        assert_eq!(page.heading(), "delivery of hello:v3 is queued in qa");
        let line = page.between("<div class=\"about\">", "</div>");
        assert!(plain(line).contains("2nd in line for qa, behind delivery of hello:v1"), "{line}");
        assert!(line.contains(&path(first)));
        assert!(page.text.contains("fill=\"url(#p-wait)\" data-open"), "its wait grows");
    });
}

#[test]
fn a_stage_that_is_paused_can_be_resumed_from_the_page() {
    on_site(|site| async move {
        let mut ada = site.sign_in("ada").await;
        let context = site.scene.deliver("hello:v1", &json!({}), &person("ci")).await;
        let stage = tidegate_core::names::StageName::new("qa").ok();
        let by = person("eve");
        site.scene.engine.control(Control::Pause, tour(), context, stage, &by).await.unwrap();
        let page = ada.get(&path(context)).await;
        assert!(page.text.contains("/pause\"") && page.text.contains("/resume\""));
        ada.submit(&format!("{}/resume", path(context)), &page, &[]).await;
        assert!(!ada.get(&path(context)).await.text.contains("/resume\""));
    });
}

#[test]
fn of_a_very_long_log_the_newest_part_is_shown() {
    on_site(|site| async move {
        let context = site.scene.deliver("hello:v1", &json!({}), &person("ci")).await;
        let by = person("ci");
        let note = |n: u32| {
            let body = json!({"type": "x", "source": "y", "shkeptncontext": context,
                "data": {"project": "tour", "n": n}});
            let draft = tidegate_core::event::Draft::from_value(body).unwrap();
            site.scene.engine.accept(draft, &by, None)
        };
        for accepted in futures_util::future::join_all((0..1000).map(note)).await {
            accepted.unwrap();
        }
        site.scene.execute(context, "deployment", &json!({"message": "the very last"})).await;
        let mut ada = site.sign_in("ada").await;
        let page = ada.get(&path(context)).await;
        assert!(page.text.contains("Only the newest 1,000 events of this context are shown."));
        assert!(page.text.contains("the very last"), "its row has its events");
    });
}

#[test]
fn a_task_says_which_integration_it_was_left_to() {
    on_site(|site| async move {
        let sent: Sent = serde_json::from_value(json!({
            "name": "job-executor-service",
            "metadata": {"hostname": "n1", "kubernetesmetadata": {"namespace": "keptn"}},
            "subscriptions": [{"event": "sh.keptn.event.deployment.triggered"}],
        }))
        .unwrap();
        let command = Command::Register(Box::new(sent.try_into().unwrap()));
        site.scene.engine.change_integrations(command, None, &person("ci")).await.unwrap();
        let mut ada = site.sign_in("ada").await;
        let context = site.scene.deliver("hello:v1", &json!({}), &person("ci")).await;
        let page = ada.get(&path(context)).await;
        let open = &rows(&page)[0].1;
        assert!(
            open.contains("deployment") && open.contains("left to job-executor-service"),
            "{open}"
        );
        let link =
            "<a href=\"/bridge/project/tour/settings/uniform/integrations\">Integrations</a>";
        assert!(page.text.contains(link));
        site.scene.execute(context, "deployment", &json!({})).await;
        let page = ada.get(&path(context)).await;
        let rows = rows(&page);
        assert!(rows[0].1.contains("left to job-executor-service"), "{rows:?}");
        assert!(!rows[1].1.contains("left to"), "the next one was not: {rows:?}");
    });
}
