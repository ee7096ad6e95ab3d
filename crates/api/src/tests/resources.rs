//! Files of projects, as Keptn's clients read and write them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::server::{Answer, HELM, SHARED, Server, on_server};

const PROJECT: &str = "/api/resource-service/v1/project/tour";
const CARTS: &str = "/api/resource-service/v1/project/tour/stage/qa/service/carts";

fn one(name: &str, content: &str) -> Value {
    json!({"resources": [{"resourceURI": name, "resourceContent": STANDARD.encode(content)}]})
}

fn text(answer: &Answer) -> String {
    assert_eq!(answer.status, 200, "{answer:?}");
    let content = answer.json()["resourceContent"].as_str().unwrap().to_owned();
    String::from_utf8(STANDARD.decode(content).unwrap()).unwrap()
}

#[test]
fn a_file_is_written_and_read_at_each_level() {
    on_server(|server: Server| async move {
        server.create("tour").await;
        for place in [PROJECT, &format!("{PROJECT}/stage/qa"), CARTS] {
            let path = format!("{place}/resource");
            let written = server.post(&path, &one("job/config.yaml", place)).await;
            assert_eq!(written.status, 201, "{written:?}");
            let commit = written.json()["commitID"].clone();
            assert_eq!(written.json()["metadata"], json!({"version": commit}));
            for name in ["job%252Fconfig.yaml", "job%2Fconfig.yaml", "job/config.yaml"] {
                let read = server.get(&format!("{path}/{name}")).await;
                assert_eq!(text(&read), place);
                assert_eq!(read.json()["resourceURI"], name);
                assert_eq!(read.json()["metadata"], json!({"version": commit}));
            }
        }
        // As the gateway merges it for Keptn's CLI.
        let twice = server.post(&format!("{PROJECT}//resource"), &one("x", "1")).await;
        assert_eq!(twice.status, 201);
    });
}

#[test]
fn an_update_answers_200_and_an_old_commit_keeps_what_it_held() {
    on_server(|server: Server| async move {
        server.create("tour").await;
        let path = format!("{CARTS}/resource");
        let first = server.post(&path, &one("./slo.yaml", "1")).await.json()["commitID"].clone();
        let second = server.call("PUT", &path, &one("/slo.yaml", "2")).await;
        assert_eq!(second.status, 200);
        let file = format!("{path}/slo.yaml");
        let body = json!({"resourceContent": STANDARD.encode("3")});
        let third = server.call("PUT", &file, &body).await;
        assert_eq!(third.status, 200);
        assert_eq!(text(&server.get(&file).await), "3");
        let at = |revision: &str| format!("{file}?gitCommitID={revision}");
        let old = server.get(&at(first.as_str().unwrap())).await;
        assert_eq!(text(&old), "1");
        assert_eq!(old.json()["metadata"]["version"], first);
        assert_eq!(text(&server.get(&at("qa")).await), "3");
        // Some of Keptn's clients quote nothing.
        assert_eq!(text(&server.get(&at("%22%22")).await), "3");
        for unknown in ["0000000000000000000000000000000000000000", "nothing", "qa..production"] {
            let missing = server.get(&at(unknown)).await;
            assert_eq!(missing.status, 404, "{unknown}: {missing:?}");
            assert!(missing.message().starts_with("Commit not found"), "{missing:?}");
        }
    });
}

#[test]
fn a_write_that_changes_nothing_is_a_commit_all_the_same() {
    on_server(|server: Server| async move {
        server.create("tour").await;
        let path = format!("{CARTS}/resource");
        let commit =
            || async { server.post(&path, &one("a", "1")).await.json()["commitID"].clone() };
        assert_ne!(commit().await, commit().await);
    });
}

#[test]
fn a_deleted_file_is_not_found_any_more() {
    on_server(|server: Server| async move {
        server.create("tour").await;
        let path = format!("{CARTS}/resource");
        server.post(&path, &one("job/config.yaml", "1")).await;
        let file = format!("{path}/job%252Fconfig.yaml");
        let deleted = server.call("DELETE", &file, &Value::Null).await;
        assert_eq!(deleted.status, 200, "{deleted:?}");
        assert!(deleted.json()["commitID"].is_string());
        for answer in [server.get(&file).await, server.call("DELETE", &file, &Value::Null).await] {
            assert_eq!(answer.status, 404);
            assert!(answer.message().starts_with("Resource not found"), "{answer:?}");
        }
    });
}

#[test]
fn lists_are_paged_in_order_and_begin_with_a_slash() {
    on_server(|server: Server| async move {
        server.create("tour").await;
        let path = format!("{CARTS}/resource");
        let resources: Vec<_> = (10..35)
            .map(|n| json!({"resourceURI": format!("locust/{n}.py"), "resourceContent": ""}))
            .collect();
        server.post(&path, &json!({"resources": resources})).await;
        let page = server.get(&path).await.json();
        assert_eq!((&page["nextPageKey"], &page["totalCount"]), (&json!("20"), &json!(26)));
        assert_eq!(page["resources"][0]["resourceURI"], "/locust/10.py");
        assert!(page["resources"][0]["metadata"]["version"].is_string());
        let page = server.get(&format!("{path}?nextPageKey=20&pageSize=10")).await.json();
        assert_eq!(page["nextPageKey"], "0");
        let names = page["resources"].as_array().unwrap().iter();
        let names: Vec<_> = names.map(|one| one["resourceURI"].as_str().unwrap()).collect();
        assert_eq!(names.last().unwrap(), &"/metadata.yaml");
        assert_eq!(names.len(), 6);
        let stage = server.get(&format!("{PROJECT}/stage/production/resource")).await.json();
        let names = stage["resources"].as_array().unwrap().iter();
        let names: Vec<_> = names.map(|one| one["resourceURI"].as_str().unwrap()).collect();
        assert_eq!(names, ["/carts/metadata.yaml", "/metadata.yaml"]);
        assert_eq!(server.get(&format!("{path}?pageSize=x")).await.status, 400);
        assert_eq!(server.get(&format!("{path}?pageSize=-1")).await.status, 400);
    });
}

#[test]
fn what_is_missing_is_named_from_the_outside_in() {
    on_server(|server: Server| async move {
        server.create("tour").await;
        let root = "/api/resource-service/v1/project";
        for (path, message) in [
            ("nowhere/resource/x", "Project not found"),
            ("tour/stage/dev/resource/x", "Stage not found"),
            ("tour/stage/qa/service/orders/resource/x", "Service not found"),
            ("tour/stage/qa/service/carts/resource/x", "Resource not found"),
            ("tour/stage/qa/resource/carts", "Resource not found"),
            ("tour/stage/qa/service/carts/resource/helm%252Fcarts.tgz", "Resource not found"),
        ] {
            let answer = server.get(&format!("{root}/{path}")).await;
            assert_eq!(answer.status, 404, "{path}");
            assert!(answer.message().starts_with(message), "{path}: {answer:?}");
            assert_eq!(answer.json()["code"], 404);
        }
        let written = server.post(&format!("{root}/nowhere/resource"), &one("x", "1")).await;
        assert_eq!(written.status, 404);
    });
}

#[test]
fn bad_bodies_are_refused_and_change_nothing() {
    on_server(|server: Server| async move {
        server.create("tour").await;
        let path = format!("{CARTS}/resource");
        let before = server.get(&path).await.json();
        for (body, message) in [
            ("no json".to_owned(), "Invalid request format"),
            (String::new(), "Invalid request format"),
            (r#"{"resources": {}}"#.to_owned(), "Invalid request format"),
            (
                r#"{"resources": [{"resourceURI": "x", "resourceContent": "?"}]}"#.to_owned(),
                "resource content is not base64 encoded",
            ),
            (
                r#"{"resources": [{"resourceURI": "x", "resourceContent": "YQ"}]}"#.to_owned(),
                "resource content is not base64 encoded",
            ),
            (one("a/../b", "").to_string(), "invalid resource uri"),
            (one("~", "").to_string(), "invalid resource uri"),
            (one("", "").to_string(), "invalid resource uri"),
            (one(".git/hooks/x", "").to_string(), "invalid resource uri"),
            (one("helm/carts.tgz", "no archive").to_string(), "helm/carts.tgz is not the archive"),
        ] {
            let answer = server.post_bytes(&path, body.clone()).await;
            assert_eq!(answer.status, 400, "{body}");
            assert!(answer.message().starts_with(message), "{body}: {answer:?}");
        }
        assert_eq!(server.get(&path).await.json(), before);
    });
}

#[test]
fn a_new_shipyard_is_in_force_for_the_next_delivery_and_a_broken_one_is_refused() {
    on_server(|server: Server| async move {
        server.create("tour").await;
        let path = format!("{PROJECT}/resource");
        let broken = server.post(&path, &one("shipyard.yaml", "spec: [")).await;
        assert_eq!(broken.status, 400, "{broken:?}");
        let shipyard =
            super::server::SHIPYARD.replacen("{ name: deployment }", "{ name: smoke }", 1);
        assert_eq!(server.post(&path, &one("shipyard.yaml", &shipyard)).await.status, 201);
        server.deliver("tour", "hello:v1").await;
        assert_eq!(server.open("smoke").await["data"]["service"], "carts");
    });
}

#[test]
fn the_routes_of_keptns_own_services_are_closed_and_integrations_only_read() {
    on_server(|server: Server| async move {
        server.create("tour").await;
        for method in ["GET", "POST", "DELETE"] {
            let closed = server.call(method, PROJECT, &Value::Null).await;
            assert_eq!(closed.status, 403, "{method}");
        }
        assert_eq!(
            server.call("POST", &format!("{CARTS}/resource/x"), &Value::Null).await.status,
            405
        );
        let path = format!("{CARTS}/resource");
        assert_eq!(server.get_as(HELM, &path).await.status, 200);
        assert_eq!(server.post_as(HELM, &path, &one("x", "1")).await.status, 403);
        assert_eq!(server.get_as("", &path).await.status, 401);
        assert_eq!(server.get_as(SHARED, "/api/resource-service/health").await.status, 200);
    });
}
