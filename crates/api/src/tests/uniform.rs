//! Integrations register, and say that they are still there, as Keptn's clients do it.

use serde_json::{Value, json};
use tidegate_core::audit::Chain;

use super::server::{ADA, Answer, BOT, HELM, SHARED, Server, on_server};

const UNIFORM: &str = "/api/controlPlane/v1/uniform/registration";
const EVALUATION: &str = "sh.keptn.event.evaluation.triggered";

/// What Keptn's SDK sends.
fn lighthouse() -> Value {
    json!({"id": "", "name": "lighthouse-service",
        "metadata": {"hostname": "n1", "integrationversion": "1.4.0", "distributorversion": "0.20.0",
            "location": "control-plane", "lastseen": "0001-01-01T00:00:00Z",
            "kubernetesmetadata": {"namespace": "keptn", "podname": "p", "deploymentname": "d"}},
        "subscriptions": [{"id": "", "event": EVALUATION,
            "filter": {"projects": null, "stages": null, "services": null}}]})
}

async fn register(server: &Server, body: &Value) -> Answer {
    server.post(UNIFORM, body).await
}

async fn registered(server: &Server) -> String {
    let made = register(server, &lighthouse()).await;
    assert_eq!(made.status, 201, "{made:?}");
    let id = made.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(made.json(), json!({"id": id}));
    format!("{UNIFORM}/{id}")
}

async fn call(server: &Server, method: &str, path: &str) -> (u16, Value) {
    let answer = server.call(method, path, &Value::Null).await;
    (answer.status, answer.json())
}

#[test]
fn an_integration_registers_pings_and_goes_as_with_keptn() {
    on_server(|server| async move {
        assert_eq!(call(&server, "GET", UNIFORM).await, (200, json!([])));
        let path = registered(&server).await;
        let (status, pinged) = call(&server, "PUT", &format!("{path}/ping")).await;
        assert_eq!((status, &pinged["name"]), (200, &json!("lighthouse-service")));
        assert_eq!(pinged["metadata"]["kubernetesmetadata"]["podname"], "p");
        assert_ne!(pinged["metadata"]["lastseen"], "0001-01-01T00:00:00Z");
        assert_eq!(pinged["subscriptions"][0]["event"], EVALUATION);
        assert_eq!(call(&server, "GET", UNIFORM).await, (200, json!([pinged])));
        let mut again = lighthouse();
        again["metadata"]["distributorversion"] = json!("0.21.0");
        again["metadata"]["hostname"] = json!("n2");
        again["subscriptions"] = Value::Null;
        let known = register(&server, &again).await;
        assert_eq!((known.status, &known.json()["id"]), (200, &pinged["id"]));
        let (_, pinged) = call(&server, "PUT", &format!("{path}/ping")).await;
        assert_eq!(pinged["metadata"]["distributorversion"], "0.21.0");
        assert_eq!(pinged["subscriptions"][0]["event"], EVALUATION, "what is stored is kept");
        for _ in 0..2 {
            assert_eq!(call(&server, "DELETE", &path).await, (200, json!({})));
        }
        assert_eq!(call(&server, "GET", UNIFORM).await, (200, json!([])));
        let (status, said) = call(&server, "PUT", &format!("{path}/ping")).await;
        assert_eq!((status, &said["message"]), (404, &json!("uniform integration not found")));
    });
}

#[test]
fn a_ping_writes_nothing_that_is_known_well_enough() {
    on_server(|server| async move {
        let path = registered(&server).await;
        let (_, listed) = call(&server, "GET", UNIFORM).await;
        for _ in 0..3 {
            let (status, pinged) = call(&server, "PUT", &format!("{path}/ping")).await;
            assert_eq!((status, json!([pinged])), (200, listed.clone()), "as it was registered");
        }
    });
}

#[test]
fn subscriptions_are_made_read_changed_and_removed() {
    on_server(|server| async move {
        let mut bare = lighthouse();
        bare["subscriptions"] = Value::Null;
        let id = register(&server, &bare).await.json()["id"].as_str().unwrap().to_owned();
        let path = format!("{UNIFORM}/{id}/subscription");
        assert_eq!(call(&server, "GET", &path).await, (200, Value::Null));
        let wanted = json!({"event": EVALUATION, "filter": {"projects": ["shop"]}});
        let made = server.post(&path, &wanted).await;
        assert_eq!(made.status, 201);
        let given = made.json()["id"].as_str().unwrap().to_owned();
        let filter = json!({"projects": ["shop"], "stages": [], "services": []});
        let one = json!({"id": given, "event": EVALUATION, "filter": filter});
        assert_eq!(call(&server, "GET", &path).await, (200, json!([one])));
        assert_eq!(call(&server, "GET", &format!("{path}/{given}")).await, (200, one));
        for (which, id) in [(&*given, &given), ("mine", &"mine".to_owned())] {
            let body = json!({"event": "sh.keptn.event.>", "filter": {"stages": ["qa"]}});
            let put = server.call("PUT", &format!("{path}/{which}"), &body).await;
            assert_eq!((put.status, put.json()), (201, json!({"id": id})));
        }
        for _ in 0..2 {
            let gone = call(&server, "DELETE", &format!("{path}/{given}")).await;
            assert_eq!(gone, (200, json!({})));
        }
        let (_, left) = call(&server, "GET", &path).await;
        assert_eq!((left[0]["id"].as_str(), left[1].is_null()), (Some("mine"), true));
        assert_eq!(call(&server, "GET", &format!("{path}/{given}")).await.0, 404);
    });
}

#[test]
fn a_list_is_narrowed_by_what_integrations_say_of_themselves() {
    on_server(|server| async move {
        let path = registered(&server).await;
        let filter = json!({"projects": ["shop"], "stages": ["qa"], "services": ["carts"]});
        let other = json!({"name": "helm-service",
            "metadata": {"hostname": "n2", "kubernetesmetadata": {"namespace": "outside"}},
            "subscriptions": [{"event": "sh.keptn.event.deployment.triggered", "filter": filter}]});
        assert_eq!(register(&server, &other).await.status, 201);
        let id = path.rsplit('/').next().unwrap();
        for (query, names) in [
            ("", vec!["helm-service", "lighthouse-service"]),
            ("?name=lighthouse-service", vec!["lighthouse-service"]),
            ("?name=lighthouse", vec![]),
            ("?namespace=outside", vec!["helm-service"]),
            ("?hostname=n1", vec!["lighthouse-service"]),
            ("?hostname=n1&namespace=outside", vec![]),
            ("?project=shop", vec!["helm-service"]),
            ("?project=tour", vec![]),
            ("?stage=qa&service=carts", vec!["helm-service"]),
            (&format!("?id={id}"), vec!["lighthouse-service"]),
            ("?id=7", vec![]),
        ] {
            let (_, listed) = call(&server, "GET", &format!("{UNIFORM}{query}")).await;
            let mut found: Vec<_> = listed.as_array().unwrap().iter().collect();
            found.sort_by_key(|one| one["name"].to_string());
            let found: Vec<_> = found.iter().map(|one| one["name"].as_str().unwrap()).collect();
            assert_eq!(found, names, "{query}");
        }
    });
}

#[test]
fn what_is_not_there_or_makes_no_sense_is_said_and_leaves_nothing_behind() {
    on_server(|server| async move {
        let path = registered(&server).await;
        let wanted = json!({"event": EVALUATION});
        for id in ["7", &"a".repeat(40)] {
            let unknown = format!("{UNIFORM}/{id}");
            for (method, path, status) in [
                ("PUT", format!("{unknown}/ping"), 404),
                ("GET", format!("{unknown}/subscription"), 404),
                ("GET", format!("{unknown}/subscription/7"), 404),
                ("POST", format!("{unknown}/subscription"), 404),
                ("PUT", format!("{unknown}/subscription/7"), 404),
                ("DELETE", format!("{unknown}/subscription/7"), 404),
                ("DELETE", unknown.clone(), 200),
            ] {
                let answer = server.call(method, &path, &wanted).await;
                assert_eq!(answer.status, status, "{method} {path}: {answer:?}");
            }
        }
        let incomplete =
            "incomplete integration ID. At least 'name','namespace' and 'nodename' must be set";
        let refused = register(&server, &json!({"name": "x", "metadata": null})).await;
        assert_eq!((refused.status, &*refused.message()), (400, incomplete));
        for body in [
            json!([]),
            json!({"name": 7}),
            json!({"name": "x".repeat(254), "metadata": lighthouse()["metadata"]}),
        ] {
            let refused = register(&server, &body).await;
            assert_eq!(refused.status, 400, "{refused:?}");
        }
        let large = json!({"event": "x".repeat(254)});
        assert_eq!(server.post(&format!("{path}/subscription"), &large).await.status, 400);
        let (_, listed) = call(&server, "GET", UNIFORM).await;
        assert_eq!(listed.as_array().unwrap().len(), 1);
        assert_eq!(listed[0]["subscriptions"].as_array().unwrap().len(), 1);
    });
}

#[test]
fn a_token_that_answers_tasks_changes_what_came_by_it_alone() {
    on_server(|server| async move {
        let path = registered(&server).await;
        assert_eq!(server.get_as(HELM, UNIFORM).await.status, 200);
        assert_eq!(server.post_as(HELM, UNIFORM, &lighthouse()).await.status, 403);
        assert_eq!(server.delete_as(HELM, &path).await.status, 403);
        let mut helm = lighthouse();
        helm["name"] = json!("helm-service");
        let made = server.post_as(HELM, UNIFORM, &helm).await;
        assert_eq!(made.status, 201, "{made:?}");
        let own = format!("{UNIFORM}/{}", made.json()["id"].as_str().unwrap());
        assert_eq!(server.delete_as(HELM, &own).await.status, 200);
        for token in [SHARED, ADA, BOT] {
            assert_eq!(server.post_as(token, UNIFORM, &lighthouse()).await.status, 200);
        }
        assert_eq!(server.get_as("wrong", UNIFORM).await.status, 401);
    });
}

#[test]
fn who_registers_and_changes_integrations_is_recorded() {
    on_server(|server| async move {
        let path = registered(&server).await;
        register(&server, &lighthouse()).await;
        let subscription = json!({"event": EVALUATION});
        server.call("PUT", &format!("{path}/subscription/mine"), &subscription).await;
        call(&server, "PUT", &format!("{path}/ping")).await;
        call(&server, "DELETE", &format!("{path}/subscription/never")).await;
        call(&server, "DELETE", &path).await;
        let read = server.engine.read(|reader| reader.audit(&Chain::Installation, 1, 100));
        let entries = read.await.unwrap();
        let records = entries.iter().map(|entry| entry.readable().unwrap());
        let told: Vec<_> =
            records.map(|record| record["action"].as_str().unwrap().to_owned()).collect();
        assert_eq!(
            told,
            ["integration_registered", "subscription_changed", "integration_unregistered"]
        );
    });
}
