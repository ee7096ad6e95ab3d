//! Executions, the newest events of a service, and what pausing shows.

use serde_json::{Value, json};

use super::server::{ADA, PROJECT, Server, on_server};

const EXECUTIONS: &str = "/api/controlPlane/v1/sequence-execution";

async fn listed(server: &Server, query: &str) -> Value {
    server.get(&format!("{EXECUTIONS}?project=tour&{query}")).await.json()
}

#[test]
fn an_execution_is_shown_as_keptn_shows_it() {
    on_server(|server| async move {
        server.create("tour").await;
        let context = server.deliver("tour", "carts:1").await;
        let open = server.open("deployment").await;
        let shown = listed(&server, "").await;
        assert_eq!((&shown["totalCount"], &shown["pageSize"]), (&json!(1), &json!(1)));
        assert!(shown.get("nextPageKey").is_none());
        let one = &shown["sequenceExecutions"][0];
        assert_eq!(one["schemaVersion"], "1");
        assert_eq!(one["sequence"], json!({"name": "delivery", "tasks": [{"name": "deployment"}]}));
        assert_eq!(
            (&one["status"]["state"], &one["status"]["stateBeforePause"]),
            (&json!("started"), &json!(""))
        );
        assert_eq!(one["status"]["currentTask"]["triggeredID"], open["id"]);
        assert_eq!(one["scope"]["keptnContext"], context.as_str());
        assert_eq!(one["scope"]["eventType"], "sh.keptn.event.qa.delivery.triggered");
        assert_eq!(one["scope"]["labels"], json!({"build": "17"}));
        assert_eq!(one["inputProperties"]["configurationChange"]["values"]["image"], "carts:1");
        server.execute("deployment").await;
        let qa = listed(&server, "stage=qa").await["sequenceExecutions"][0].clone();
        assert_eq!(qa["status"]["state"], "finished");
        let previous = &qa["status"]["previousTasks"][0];
        assert_eq!(
            (&previous["name"], &previous["result"]),
            (&json!("deployment"), &json!("pass"))
        );
        let waiting = listed(&server, "status=waitingForApproval").await;
        assert_eq!(waiting["sequenceExecutions"][0]["scope"]["stage"], "production");
    });
}

#[test]
fn executions_are_found_by_every_parameter_and_refused_without_a_project() {
    on_server(|server| async move {
        server.create("tour").await;
        let context = server.deliver("tour", "carts:1").await;
        server.deliver("tour", "carts:2").await;
        for (query, total) in [
            (String::new(), 2),
            (format!("keptnContext={context}"), 1),
            ("stage=qa&service=carts&name=delivery".to_owned(), 2),
            ("status=started".to_owned(), 1),
            ("status=triggered".to_owned(), 1),
            ("status=dancing".to_owned(), 0),
            ("stage=production".to_owned(), 0),
            ("stage=NOT A STAGE".replace(' ', "%20"), 0),
        ] {
            let shown = listed(&server, &query).await;
            assert_eq!(shown["totalCount"].as_u64().unwrap_or_default(), total, "{query}");
        }
        let page = listed(&server, "pageSize=1").await;
        assert_eq!((&page["nextPageKey"], &page["pageSize"]), (&json!(1), &json!(1)));
        let missing = server.get(EXECUTIONS).await;
        assert_eq!(missing.status, 400);
        assert_eq!(missing.message(), "Invalid request format: project name must not be empty");
        let nowhere = server.get(&format!("{EXECUTIONS}?project=nowhere")).await;
        assert_eq!((nowhere.status, nowhere.message()), (404, "project not found".to_owned()));
    });
}

#[test]
fn a_service_shows_its_newest_event_of_each_type() {
    on_server(|server| async move {
        server.create("tour").await;
        server.deliver("tour", "carts:1").await;
        server.execute("deployment").await;
        let context = server.deliver("tour", "carts:2").await;
        let open = server.open("deployment").await;
        let path = format!("{PROJECT}/tour/stage/qa/service/carts");
        let service = server.get(&path).await.json();
        let types = service["lastEventTypes"].as_object().unwrap();
        let names: Vec<&str> = types.keys().map(String::as_str).collect();
        let kind = |phase| format!("sh.keptn.event.deployment.{phase}");
        assert_eq!(names, [kind("finished"), kind("started"), kind("triggered")]);
        let triggered = &types[&kind("triggered")];
        assert_eq!(
            (&triggered["eventId"], &triggered["keptnContext"]),
            (&open["id"], &json!(context))
        );
        assert!(
            triggered["time"].as_str().unwrap().parse::<i128>().unwrap()
                > 1_700_000_000_000_000_000
        );
        assert_ne!(types[&kind("finished")]["keptnContext"], json!(context));
    });
}

#[test]
fn a_stage_that_is_paused_says_so_and_triggers_nothing_until_it_is_resumed() {
    on_server(|server| async move {
        server.create("tour").await;
        let context = server.deliver("tour", "carts:1").await;
        let path = format!("/api/controlPlane/v1/sequence/tour/{context}/control");
        let control = async |state: &str, stage: &str| {
            let body = json!({"state": state, "stage": stage});
            assert_eq!(server.post_as(ADA, &path, &body).await.status, 200);
        };
        control("pause", "production").await;
        server.execute("deployment").await;
        assert_eq!(server.open("approval").await, Value::Null);
        let paused = listed(&server, "status=paused").await;
        assert_eq!(paused["sequenceExecutions"][0]["status"]["stateBeforePause"], "triggered");
        control("resume", "production").await;
        assert_eq!(server.open("approval").await["shkeptncontext"], json!(context));
        let states = server.get("/api/controlPlane/v1/sequence/tour").await.json();
        assert_eq!(states["states"][0]["state"], "started");
    });
}
