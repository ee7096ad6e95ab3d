//! Projects, stages, services, open events and sequences, as Keptn's clients see them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::server::{ADA, Answer, EVENT, PROJECT, SHIPYARD, Server, delivery, on_server};

fn error(code: u16, message: &str) -> (u16, Value) {
    (code, json!({"code": code, "message": message}))
}

fn told(answer: &Answer) -> (u16, Value) {
    (answer.status, answer.json())
}

#[test]
fn a_new_project_is_shown_as_keptn_shows_it() {
    on_server(|server| async move {
        let body = json!({"name": "tour", "shipyard": STANDARD.encode(SHIPYARD)});
        let created = server.post(PROJECT, &body).await;
        assert_eq!((created.status, created.body.as_str()), (201, ""));
        let service = json!({"serviceName": "carts"});
        let made = server.post(&format!("{PROJECT}/tour/service"), &service).await;
        assert_eq!(told(&made), (200, json!({"message": ""})));

        let mut shown = server.get(&format!("{PROJECT}/tour")).await.json();
        let date = shown["creationDate"].take();
        assert!(date.as_str().unwrap().parse::<i128>().unwrap() > 1_700_000_000_000_000_000);
        for stage in shown["stages"].as_array_mut().unwrap() {
            stage["services"][0]["creationDate"] = Value::Null;
        }
        let carts = json!({"serviceName": "carts", "creationDate": null, "openRemediations": null});
        assert_eq!(
            shown,
            json!({"creationDate": null, "projectName": "tour", "shipyard": SHIPYARD,
            "shipyardVersion": "spec.keptn.sh/0.2.2", "isUpstreamAutoProvisioned": true,
            "stages": [
                {"stageName": "qa", "services": [carts]},
                {"stageName": "production", "services": [carts], "parentStages": ["qa"]},
            ]})
        );
        let listed = server.get(PROJECT).await.json();
        assert_eq!((&listed["nextPageKey"], &listed["totalCount"]), (&json!("0"), &json!(1)));
        assert_eq!(listed["projects"][0]["projectName"], "tour");
    });
}

#[test]
fn an_empty_installation_has_no_total() {
    on_server(|server| async move {
        let listed = server.get(PROJECT).await.json();
        assert_eq!(listed, json!({"projects": [], "nextPageKey": "0"}));
    });
}

#[test]
fn projects_come_in_pages() {
    on_server(|server| async move {
        for name in ["a", "b", "c"] {
            server.create(name).await;
        }
        let page = async |query: &str| {
            let page = server.get(&format!("{PROJECT}?{query}")).await.json();
            let projects = page["projects"].as_array().unwrap();
            let names: Vec<_> =
                projects.iter().map(|one| one["projectName"].as_str().unwrap()).collect();
            (names.join(" "), page["nextPageKey"].as_str().unwrap().to_owned())
        };
        let expect = |names: &str, next: &str| (names.to_owned(), next.to_owned());
        assert_eq!(page("pageSize=2").await, expect("a b", "2"));
        assert_eq!(page("pageSize=2&nextPageKey=2").await, expect("c", "0"));
        assert_eq!(page("nextPageKey=rubbish").await, expect("a b c", "0"));
        assert_eq!(page("nextPageKey=99").await, expect("", "0"));
        assert_eq!(server.get(&format!("{PROJECT}?pageSize=two")).await.status, 400);
    });
}

#[test]
fn stages_and_services_are_listed_by_name_and_missing_ones_are_named() {
    on_server(|server| async move {
        server.create("tour").await;
        let stages = server.get(&format!("{PROJECT}/tour/stage")).await.json();
        let names: Vec<_> =
            stages["stages"].as_array().unwrap().iter().map(|one| &one["stageName"]).collect();
        assert_eq!(names, ["production", "qa"]);
        assert_eq!(stages["totalCount"], 2);
        let page = server.get(&format!("{PROJECT}/tour/stage?pageSize=1")).await.json();
        assert_eq!(page["nextPageKey"], "1");
        let stage = server.get(&format!("{PROJECT}/tour/stage/qa")).await.json();
        assert_eq!(stage["services"][0]["serviceName"], "carts");
        let services = server.get(&format!("{PROJECT}/tour/stage/qa/service")).await.json();
        assert_eq!(services["services"], stage["services"]);
        let service = server.get(&format!("{PROJECT}/tour/stage/qa/service/carts")).await.json();
        assert_eq!(service, stage["services"][0]);
        for (path, message) in [
            ("nowhere", "Project not found: nowhere"),
            ("nowhere/stage", "project not found"),
            ("nowhere/stage/qa", "project not found"),
            ("tour/stage/dev", "stage not found"),
            ("tour/stage/DEV", "stage not found"),
            ("tour/stage/dev/service", "stage not found"),
            ("tour/stage/qa/service/cars", "service not found"),
        ] {
            let answer = server.get(&format!("{PROJECT}/{path}")).await;
            assert_eq!(told(&answer), error(404, message), "{path}");
        }
    });
}

#[test]
fn a_finished_deployment_shows_its_image() {
    on_server(|server| async move {
        server.create("tour").await;
        server.wait_at_approval("tour", "carts:1").await;
        let image = async |stage: &str| {
            let path = format!("{PROJECT}/tour/stage/{stage}/service/carts");
            server.get(&path).await.json().get("deployedImage").cloned()
        };
        assert_eq!(image("qa").await, Some(json!("carts:1")));
        assert_eq!(image("production").await, None);
    });
}

#[test]
fn a_project_or_service_is_created_once_and_by_the_rules() {
    on_server(|server| async move {
        server.create("tour").await;
        let shipyard = STANDARD.encode(SHIPYARD);
        let create = async |body: Value| told(&server.post(PROJECT, &body).await);
        let again = create(json!({"name": "tour", "shipyard": shipyard})).await;
        let message = "could not create project 'tour': project already exists";
        assert_eq!(again, error(409, message));
        for (name, message) in [
            (json!(null), "project name missing"),
            (json!(""), "project name missing"),
            (json!("a".repeat(201)), "project name exceeds maximum size of 200 characters"),
            (json!("Tour"), "provided project name is not a valid Keptn entity name"),
            (json!("_unmapped"), "provided project name is not a valid Keptn entity name"),
            (json!("../tour"), "provided project name is not a valid Keptn entity name"),
        ] {
            let (status, body) = create(json!({"name": name, "shipyard": shipyard})).await;
            assert_eq!(status, 400, "{body}");
            assert!(body["message"].as_str().unwrap().contains(message), "{body}");
        }
        let path = format!("{PROJECT}/tour/service");
        let service =
            async |name: &str| told(&server.post(&path, &json!({"serviceName": name})).await);
        assert_eq!(service("carts").await, error(409, "service already exists"));
        assert_eq!(service("").await, error(400, "must provide a service name"));
        for name in ["a/b", "..", ".git", "a b", &"x".repeat(44)] {
            assert_eq!(service(name).await.0, 400, "{name}");
        }
        let nowhere = format!("{PROJECT}/nowhere/service");
        let answer = server.post(&nowhere, &json!({"serviceName": "carts"})).await;
        let message = "could not get stages of project nowhere: project not found";
        assert_eq!(told(&answer), error(404, message));
    });
}

const OPEN: &str = "/api/controlPlane/v1/event/triggered";

#[test]
fn open_events_are_found_by_type_and_narrowed_by_everything_else() {
    on_server(|server| async move {
        server.create("tour").await;
        server.create("other").await;
        let id = server.wait_at_approval("tour", "carts:1").await;
        let approvals = format!("{OPEN}/sh.keptn.event.approval.triggered");
        let found = async |query: &str| {
            let answer = server.get(&format!("{approvals}?{query}")).await;
            assert_eq!(answer.status, 200, "{query}: {answer:?}");
            answer.json()
        };
        let all = found("").await;
        assert_eq!((&all["nextPageKey"], &all["totalCount"]), (&json!("0"), &json!(1)));
        let event = &all["events"][0];
        assert_eq!(event["id"], json!(id));
        assert_eq!(event["source"], "shipyard-controller");
        assert_eq!(event["data"]["result"], "pass");
        assert!(event["shkeptncontext"].is_string() && event["gitcommitid"].is_string());
        let nothing = json!({"events": [], "nextPageKey": "0"});
        for (query, expected) in [
            ("project=tour&stage=production&service=carts".to_owned(), &all),
            (format!("eventID={id}"), &all),
            ("project=other".to_owned(), &nothing),
            (format!("project=other&eventID={id}"), &nothing),
            ("stage=qa".to_owned(), &nothing),
            ("stage=NOT-A-STAGE".to_owned(), &nothing),
            ("eventID=7".to_owned(), &nothing),
        ] {
            assert_eq!(&found(&query).await, expected, "{query}");
        }
        for project in ["nowhere", "..%2Ftour", "_unmapped"] {
            let answer = server.get(&format!("{approvals}?project={project}")).await;
            assert_eq!(told(&answer), error(404, "project not found"), "{project}");
        }
    });
}

#[test]
fn open_events_come_in_pages_without_repeats() {
    on_server(|server| async move {
        let mut ids = Vec::new();
        for project in ["a", "b", "c"] {
            server.create(project).await;
            server.deliver(project, "carts:1").await;
        }
        let mut key = "0".to_owned();
        loop {
            let kind = "sh.keptn.event.deployment.triggered";
            let path = format!("{OPEN}/{kind}?pageSize=2&nextPageKey={key}");
            let page = server.get(&path).await.json();
            ids.extend(page["events"].as_array().unwrap().iter().map(|one| one["id"].clone()));
            key = page["nextPageKey"].as_str().unwrap().to_owned();
            if key == "0" {
                break;
            }
        }
        let unique: std::collections::HashSet<_> = ids.iter().map(Value::to_string).collect();
        assert_eq!((ids.len(), unique.len()), (3, 3));
    });
}

const SEQUENCE: &str = "/api/controlPlane/v1/sequence";

#[test]
fn a_sequence_state_is_keptns_document() {
    on_server(|server| async move {
        server.create("tour").await;
        server.wait_at_approval("tour", "carts:1").await;
        let open = server.open("approval").await;
        let mut listed = server.get(&format!("{SEQUENCE}/tour")).await.json();
        assert_eq!(listed["totalCount"], 1);
        assert!(listed.get("nextPageKey").is_none() && listed.get("pageSize").is_none());
        let state = &mut listed["states"][0];
        let mut times = vec![state["time"].take()];
        for stage in state["stages"].as_array_mut().unwrap() {
            times.push(stage["latestEvent"]["time"].take());
            stage["latestEvent"]["id"] = Value::Null;
        }
        for time in times {
            let time = time.as_str().unwrap();
            assert_eq!((time.len(), &time[19..20], &time[23..]), (24, ".", "Z"), "{time}");
        }
        let latest = |kind: &str| json!({"type": format!("sh.keptn.event.{kind}"), "id": null, "time": null});
        assert_eq!(
            *state,
            json!({"name": "delivery", "service": "carts", "project": "tour", "time": null,
            "shkeptncontext": open["shkeptncontext"], "state": "started", "stages": [
                {"name": "qa", "image": "carts:1", "state": "succeeded",
                    "latestEvent": latest("qa.delivery.finished")},
                {"name": "production", "state": "triggered",
                    "latestEvent": latest("approval.started")},
            ]})
        );
    });
}

#[test]
fn sequences_are_narrowed_by_name_state_time_and_context() {
    on_server(|server| async move {
        server.create("tour").await;
        server.create("other").await;
        let first = server.deliver("tour", "carts:1").await;
        let second = server.deliver("tour", "carts:2").await;
        let found = async |project: &str, query: &str| {
            let answer = server.get(&format!("{SEQUENCE}/{project}?{query}")).await;
            assert_eq!(answer.status, 200, "{query}: {answer:?}");
            let listed = answer.json();
            let states = listed["states"].as_array().unwrap().iter();
            let contexts: Vec<_> =
                states.map(|one| one["shkeptncontext"].as_str().unwrap().to_owned()).collect();
            (contexts, listed.get("nextPageKey").cloned())
        };
        let both = vec![second.clone(), first.clone()];
        for (project, query, expected) in [
            ("tour", String::new(), both.clone()),
            ("tour", "name=delivery".to_owned(), both.clone()),
            ("tour", "name=rollback".to_owned(), vec![]),
            ("tour", "state=started".to_owned(), vec![first.clone()]),
            ("tour", "state=waiting".to_owned(), vec![second.clone()]),
            ("tour", "state=paused".to_owned(), vec![]),
            ("tour", format!("keptnContext={first}"), vec![first.clone()]),
            ("tour", format!("keptnContext={first},{second}"), both.clone()),
            ("tour", "keptnContext=not-a-uuid".to_owned(), vec![]),
            ("tour", "fromTime=2000-01-01T00:00:00.000Z".to_owned(), both.clone()),
            ("tour", "beforeTime=2000-01-01T00:00:00.000Z".to_owned(), vec![]),
            ("other", format!("keptnContext={first}"), vec![]),
            ("nowhere", String::new(), vec![]),
            ("..%2Ftour", String::new(), vec![]),
        ] {
            assert_eq!(found(project, &query).await, (expected, None), "{project} {query}");
        }
        let page = found("tour", "pageSize=1").await;
        assert_eq!(page, (vec![second], Some(json!(1))));
        assert_eq!(found("tour", "pageSize=1&nextPageKey=1").await, (vec![first], None));
        for query in ["nextPageKey=x", "pageSize=-1", "fromTime=yesterday"] {
            let answer = server.get(&format!("{SEQUENCE}/tour?{query}")).await;
            assert_eq!(answer.status, 400, "{query}");
            assert!(answer.message().starts_with("Invalid request format: "), "{answer:?}");
        }
    });
}

async fn state_of(server: &Server, context: &str) -> Value {
    let path = format!("{SEQUENCE}/tour?keptnContext={context}");
    server.get(&path).await.json()["states"][0]["state"].clone()
}

#[test]
fn controls_do_what_they_say_and_everything_else_is_answered_as_keptn_does() {
    on_server(|server| async move {
        server.create("tour").await;
        server.create("other").await;
        let context = server.deliver("tour", "carts:1").await;
        let control = async |project: &str, context: &str, body: Value| {
            let path = format!("{SEQUENCE}/{project}/{context}/control");
            told(&server.post_as(ADA, &path, &body).await)
        };
        let nothing = (200, json!({}));
        let abort = json!({"state": "abort"});
        let unknown = "11111111-1111-4111-8111-111111111111";
        for (project, context, body) in [
            ("tour", context.as_str(), json!({"state": "dance"})),
            ("tour", context.as_str(), json!({"state": "abort", "stage": "production"})),
            ("tour", context.as_str(), json!({"state": "abort", "stage": "NOT A STAGE"})),
            ("tour", unknown, abort.clone()),
            ("tour", "release-42", abort.clone()),
            ("nowhere", context.as_str(), abort.clone()),
            ("other", context.as_str(), abort.clone()),
            ("..%2Ftour", context.as_str(), abort.clone()),
        ] {
            assert_eq!(control(project, context, body.clone()).await, nothing, "{project} {body}");
            assert_eq!(state_of(&server, &context_of(&server).await).await, "started");
        }
        for (word, state) in [("pause", "paused"), ("resume", "started")] {
            assert_eq!(control("tour", &context, json!({"state": word})).await, nothing);
            assert_eq!(state_of(&server, &context).await, state);
        }
        for bad in [json!({}), json!({"state": ""}), json!({"state": 1}), json!([])] {
            assert_eq!(control("tour", &context, bad.clone()).await.0, 400, "{bad}");
        }
        assert_eq!(control("tour", &context, abort).await, nothing);
        assert_eq!(state_of(&server, &context).await, "aborted");
    });
}

async fn context_of(server: &Server) -> String {
    let listed = server.get(&format!("{SEQUENCE}/tour")).await.json();
    listed["states"][0]["shkeptncontext"].as_str().unwrap().to_owned()
}

#[test]
fn a_new_shipyard_replaces_the_old_one_but_not_its_stages() {
    on_server(|server| async move {
        server.create("tour").await;
        let update = async |name: &str, shipyard: &str| {
            let body = json!({"name": name, "shipyard": STANDARD.encode(shipyard)});
            server.call("PUT", PROJECT, &body).await
        };
        let renamed = SHIPYARD.replacen("{ name: deployment }", "{ name: smoke }", 1);
        let answer = update("tour", &renamed).await;
        assert_eq!((answer.status, answer.body.as_str()), (201, ""));
        let shown = server.get(&format!("{PROJECT}/tour")).await.json();
        assert_eq!(shown["shipyard"], renamed);
        server.deliver("tour", "hello:v1").await;
        assert!(server.open("smoke").await["id"].is_string());

        let other = SHIPYARD.replace("name: production", "name: staging");
        let expected = error(400, "stage name cannot be changed or removed");
        assert_eq!(told(&update("tour", &other).await), expected);
        let fewer = SHIPYARD.split("    - name: production").next().unwrap();
        assert_eq!(told(&update("tour", fewer).await), expected);
        let broken = update("tour", "spec: [").await;
        assert_eq!(broken.status, 400);
        assert!(broken.message().contains("provided shipyard file is not valid"), "{broken:?}");
        assert_eq!(update("nowhere", SHIPYARD).await.status, 404);
        assert_eq!(update("", SHIPYARD).await.status, 400);
        // Nothing to change is no error: Keptn's client sends no shipyard.
        let same = server.call("PUT", PROJECT, &json!({"name": "tour", "shipyard": null})).await;
        assert_eq!(same.status, 201);
        let shown = server.get(&format!("{PROJECT}/tour")).await.json();
        assert_eq!(shown["shipyard"], renamed);
    });
}

#[test]
fn a_service_that_is_deleted_is_gone_from_every_stage() {
    on_server(|server| async move {
        server.create("tour").await;
        let service = format!("{PROJECT}/tour/service/carts");
        for _ in 0..2 {
            let answer = server.call("DELETE", &service, &Value::Null).await;
            assert_eq!((answer.status, answer.json()), (200, json!({"message": ""})));
        }
        for stage in ["qa", "production"] {
            let path = format!("{PROJECT}/tour/stage/{stage}/service/carts");
            assert_eq!(told(&server.get(&path).await), error(404, "service not found"));
        }
        let finished =
            "/api/mongodb-datastore/event?project=tour&type=sh.keptn.event.service.delete.finished";
        let events = server.get(finished).await.json();
        assert_eq!(events["events"][0]["data"]["service"], "carts");
        assert_eq!(events["events"].as_array().map(Vec::len), Some(1));
        let odd = server.call("DELETE", &format!("{PROJECT}/tour/service/.."), &Value::Null).await;
        assert_eq!(odd.status, 200, "nothing has this name");
        let path = format!("{PROJECT}/nowhere/service/carts");
        let nowhere = server.call("DELETE", &path, &Value::Null).await;
        assert_eq!(nowhere.status, 404);
    });
}

#[test]
fn a_project_that_is_deleted_ends_what_is_open_and_its_name_begins_anew() {
    on_server(|server| async move {
        let delete = async |name: &str| {
            server.call("DELETE", &format!("{PROJECT}/{name}"), &Value::Null).await
        };
        let unknown = delete("nowhere").await;
        assert_eq!(unknown.status, 200);
        assert!(unknown.message().starts_with("Project nowhere cannot be retrieved anymore."));
        server.create("tour").await;
        server.create("other").await;
        let id = server.wait_at_approval("tour", "hello:1").await;
        let context = server.deliver("tour", "hello:2").await;
        server.deliver("other", "hello:3").await;
        let gone = delete("tour").await;
        assert_eq!(gone.status, 200, "{gone:?}");
        let message = gone.message();
        assert!(message.contains("A potentially created namespace tour-qa"), "{message}");
        assert!(!message.contains("The Git upstream"), "{message}");
        for path in [
            format!("{PROJECT}/tour"),
            format!("{PROJECT}/tour/stage/qa"),
            "/api/resource-service/v1/project/tour/resource/shipyard.yaml".to_owned(),
            "/git/tour.git/info/refs?service=git-upload-pack".to_owned(),
            format!("/api/tidegate/v1/approvals/{id}"),
        ] {
            assert_eq!(server.get(&path).await.status, 404, "{path}");
        }
        let trace = format!("/api/mongodb-datastore/event?keptnContext={context}");
        assert_eq!(server.get(&trace).await.json()["events"], json!([]));
        assert_eq!(server.open("approval").await, Value::Null);
        assert_eq!(server.open("deployment").await["data"]["project"], "other");
        // Whoever comes late is told, and nothing is done.
        assert_eq!(server.post(EVENT, &delivery("tour", "hello:4")).await.status, 200);

        server.create("tour").await;
        let path = "/api/controlPlane/v1/sequence/tour";
        assert_eq!(server.get(path).await.json()["totalCount"], Value::Null);
        let id = server.wait_at_approval("tour", "hello:5").await;
        let decide = format!("/api/tidegate/v1/approvals/{id}/decision");
        let decided = server.post(&decide, &json!({"decision": "approve"})).await;
        assert_eq!(decided.status, 200, "{decided:?}");
        assert_eq!(delete("tour").await.status, 200);
        assert!(delete("tour").await.message().contains("cannot be retrieved anymore"));
        assert_eq!(server.get(PROJECT).await.json()["projects"].as_array().unwrap().len(), 1);
    });
}
