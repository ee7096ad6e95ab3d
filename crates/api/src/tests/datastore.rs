//! The log, as Keptn's datastore shows it.

use serde_json::{Value, json};

use super::server::{EVENT, Server, on_server};

const STORE: &str = "/api/mongodb-datastore/event";

async fn kinds(server: &Server, query: &str) -> Vec<String> {
    let answer = server.get(&format!("{STORE}?{query}")).await;
    assert_eq!(answer.status, 200, "{query}: {answer:?}");
    let body = answer.json();
    let events = body["events"].as_array().unwrap().iter();
    let kinds = events.map(|event| event["type"].as_str().unwrap());
    kinds.map(|kind| kind.strip_prefix("sh.keptn.event.").unwrap_or(kind).to_owned()).collect()
}

#[test]
fn events_are_found_newest_first_and_narrowed_by_everything() {
    on_server(|server| async move {
        server.create("tour").await;
        server.create("other").await;
        let context = server.deliver("tour", "carts:1").await;
        server.execute("deployment").await;
        let all = kinds(&server, &format!("keptnContext={context}")).await;
        assert_eq!(all.last().map(String::as_str), Some("qa.delivery.triggered"));
        assert_eq!(all.first().map(String::as_str), Some("approval.started"));
        let id = server.open("approval").await["id"].as_str().unwrap().to_owned();
        for (query, expected) in [
            ("type=sh.keptn.event.deployment.finished", vec!["deployment.finished"]),
            ("type=sh.keptn.event.deployment.finished&source=test", vec!["deployment.finished"]),
            ("type=sh.keptn.event.deployment.finished&source=nobody", vec![]),
            ("stage=production&type=sh.keptn.event.approval.triggered", vec!["approval.triggered"]),
            ("root=1&stage=qa", vec!["qa.delivery.triggered"]),
            ("service=cars", vec![]),
            ("fromTime=2999-01-01T00:00:00.000Z", vec![]),
            ("eventID=not-a-uuid", vec![]),
        ] {
            assert_eq!(kinds(&server, &format!("project=tour&{query}")).await, expected, "{query}");
        }
        let one = kinds(&server, &format!("project=tour&eventID={id}")).await;
        assert_eq!(one, ["approval.triggered"]);
        // Ids of one project open nothing in another, and no project is no licence to look around.
        for query in [
            format!("project=other&eventID={id}"),
            format!("project=other&keptnContext={context}"),
            format!("eventID={id}"),
            "project=nowhere".to_owned(),
            "project=..%2Ftour".to_owned(),
            "keptnContext=not-a-uuid".to_owned(),
        ] {
            assert!(kinds(&server, &query).await.is_empty(), "{query}");
        }
    });
}

#[test]
fn pages_end_without_a_key_and_sizes_are_bounded_as_in_keptn() {
    on_server(|server| async move {
        server.create("tour").await;
        let context = server.deliver("tour", "carts:1").await;
        let page = async |query: &str| {
            server.get(&format!("{STORE}?keptnContext={context}&{query}")).await
        };
        let first = page("pageSize=1").await.json();
        assert_eq!((&first["nextPageKey"], &first["pageSize"]), (&json!("1"), &json!(1)));
        let whole = page("").await.json();
        assert_eq!((whole.get("nextPageKey"), &whole["pageSize"]), (None, &json!(20)));
        assert_eq!(whole["totalCount"], first["totalCount"]);
        for (size, code, message) in [
            ("101", 608, "pageSize in query should be less than or equal to 100"),
            ("0", 609, "pageSize in query should be greater than or equal to 1"),
            ("ten", 601, "pageSize in query must be of type int64: \"ten\""),
        ] {
            let answer = page(&format!("pageSize={size}")).await;
            let body = json!({"code": code, "message": message});
            assert_eq!((answer.status, answer.json()), (422, body));
        }
    });
}

#[test]
fn a_type_is_searched_with_keptns_filter() {
    on_server(|server| async move {
        server.create("tour").await;
        server.create("other").await;
        let context = server.deliver("tour", "carts:1").await;
        let trigger = server.open("deployment").await["id"].as_str().unwrap().to_owned();
        server.execute("deployment").await;
        let kind = "sh.keptn.event.deployment.finished";
        let found = async |query: &str| {
            let answer = server.get(&format!("{STORE}/type/{kind}?{query}")).await;
            assert_eq!(answer.status, 200, "{query}: {answer:?}");
            answer.json()["events"].as_array().unwrap().len()
        };
        for (filter, expected) in [
            ("data.project:tour".to_owned(), 1),
            ("data.project:tour AND data.result:pass".to_owned(), 1),
            ("data.project:tour AND data.result:warning,pass".to_owned(), 1),
            ("data.project:tour AND data.result:fail".to_owned(), 0),
            ("data.project:other,tour AND data.stage:qa".to_owned(), 1),
            ("data.project:other".to_owned(), 0),
            (format!("shkeptncontext:{context}"), 1),
            (format!("shkeptncontext:{context} AND data.project:other"), 0),
            (format!("data.project:tour AND triggeredid:{trigger}"), 1),
            ("data.project:tour AND nothing.there:x".to_owned(), 0),
            ("data.project:../tour".to_owned(), 0),
        ] {
            let query = format!("filter={}", filter.replace(' ', "%20"));
            assert_eq!(found(&query).await, expected, "{filter}");
        }
        // Somebody takes the result back.
        let project = "filter=data.project:tour";
        assert_eq!(found(&format!("{project}&excludeInvalidated=true")).await, 1);
        let invalidated = json!({"type": "sh.keptn.event.deployment.invalidated",
            "source": "test", "triggeredid": trigger, "shkeptncontext": context,
            "data": {"project": "tour", "stage": "qa", "service": "carts"}});
        assert_eq!(server.post(EVENT, &invalidated).await.status, 200);
        assert_eq!(found(&format!("{project}&excludeInvalidated=true")).await, 0);
        assert_eq!(found(project).await, 1);
        // And gives it back, and takes it again.
        for (word, expected) in [("restored", 1), ("invalidated", 0)] {
            let mut said = invalidated.clone();
            said["type"] = json!(format!("sh.keptn.event.deployment.{word}"));
            assert_eq!(server.post(EVENT, &said).await.status, 200);
            let valid = found(&format!("{project}&excludeInvalidated=true")).await;
            assert_eq!(valid, expected, "{word}");
        }
    });
}

#[test]
fn a_filter_that_names_neither_project_nor_context_is_refused() {
    on_server(|server| async move {
        let path = format!("{STORE}/type/sh.keptn.event.evaluation.finished");
        let missing = server.get(&path).await;
        let body = json!({"code": 602, "message": "filter in query is required"});
        assert_eq!((missing.status, missing.json()), (422, body));
        let wide = server.get(&format!("{path}?filter=data.stage:qa")).await;
        let message = "invalid event filter: either 'shkeptncontext' or 'data.project' must be set";
        assert_eq!((wide.status, wide.message()), (400, message.to_owned()));
        let large = server.get(&format!("{path}?filter=data.project:p&limit=101")).await;
        assert_eq!(large.json()["code"], json!(608));
    });
}

#[test]
fn what_belongs_to_no_project_is_kept_apart() {
    on_server(|server| async move {
        server.create("tour").await;
        let lost = json!({"type": "sh.keptn.event.qa.delivery.triggered", "source": "test",
            "data": {"project": "nowhere", "stage": "qa", "service": "carts"}});
        let sent = server.post(EVENT, &lost).await;
        assert_eq!(sent.status, 200);
        let context: Value = sent.json()["keptnContext"].clone();
        let by_context = format!("keptnContext={}", context.as_str().unwrap());
        assert_eq!(kinds(&server, &by_context).await, ["qa.delivery.triggered"]);
        let kept = kinds(&server, "type=sh.keptn.event.qa.delivery.triggered").await;
        assert_eq!(kept, ["qa.delivery.triggered"]);
        assert!(kinds(&server, "project=tour&stage=qa").await.is_empty());
    });
}
