//! Tokens that are made and revoked while the server runs.

use serde_json::{Value, json};
use tidegate_core::audit::Chain;

use super::server::{ADA, Answer, BOT, HELM, SHARED, Server, on_server};

const TOKENS: &str = "/api/tidegate/v1/tokens";
const PROJECTS: &str = "/api/controlPlane/v1/project";

async fn create(server: &Server, body: &Value) -> Answer {
    server.post(TOKENS, body).await
}

/// A new token of a person.
async fn token(server: &Server, name: &str) -> String {
    let made = create(server, &json!({"name": name, "kind": "person"})).await;
    assert_eq!(made.status, 201, "{made:?}");
    made.json()["token"].as_str().unwrap().to_owned()
}

/// What the audit log of the installation says, newest last.
async fn recorded(server: &Server) -> Vec<Value> {
    let entries =
        server.engine.read(|reader| reader.audit(&Chain::Installation, 1, 100)).await.unwrap();
    entries.iter().map(|entry| entry.readable().unwrap()).collect()
}

#[test]
fn a_token_is_in_force_at_once_and_until_it_is_revoked() {
    on_server(|server| async move {
        let grace = token(&server, "grace").await;
        assert!(grace.starts_with("tg_"), "scanners know it");
        assert_eq!(server.get_as(&grace, PROJECTS).await.status, 200);
        let gone = server.call("DELETE", &format!("{TOKENS}/grace"), &Value::Null).await;
        assert_eq!((gone.status, gone.body.as_str()), (204, ""));
        assert_eq!(server.get_as(&grace, PROJECTS).await.status, 401);
        let records = recorded(&server).await;
        let told: Vec<_> = records
            .iter()
            .map(|record| (record["action"].as_str().unwrap(), record["holder"].clone()))
            .collect();
        let holder = json!({"kind": "person", "name": "grace"});
        assert_eq!(told, [("token_created", holder.clone()), ("token_revoked", holder)]);
        assert!(!json!(records).to_string().contains(&grace));
    });
}

#[test]
fn decisions_carry_the_name_and_an_integrations_token_does_its_tasks_only() {
    on_server(|server| async move {
        server.create("tour").await;
        let grace = token(&server, "grace").await;
        let body = json!({"name": "sailor", "kind": "machine", "tasks": ["test"]});
        let sailor = create(&server, &body).await.json()["token"].as_str().unwrap().to_owned();
        let id = server.wait_at_approval("tour", "carts:1").await;
        let path = format!("/api/tidegate/v1/approvals/{id}/decision");
        let vote = json!({"decision": "approve"});
        assert_eq!(server.post_as(&sailor, &path, &vote).await.status, 403);
        let decided = server.post_as(&grace, &path, &vote).await.json();
        assert_eq!(decided["decided"]["by"], json!({"kind": "person", "name": "grace"}));
        assert_eq!(server.get_as(&sailor, PROJECTS).await.status, 200, "it reads");
        assert_eq!(server.get_as(&sailor, TOKENS).await.status, 403, "but not who has tokens");
    });
}

#[test]
fn all_are_listed_with_what_they_may_and_where_they_come_from_but_no_secret() {
    on_server(|server| async move {
        let grace = token(&server, "grace").await;
        let listed = server.get(TOKENS).await;
        let tokens = listed.json()["tokens"].as_array().unwrap().clone();
        let told: Vec<_> = tokens
            .iter()
            .map(|token| {
                let word = |key: &str| token[key].as_str().unwrap().to_owned();
                (word("name"), word("kind"), token["tasks"].clone(), word("origin"))
            })
            .collect();
        let row = |name: &str, kind: &str, tasks, origin: &str| {
            (name.to_owned(), kind.to_owned(), tasks, origin.to_owned())
        };
        assert_eq!(
            told,
            [
                row("ada", "person", Value::Null, "configuration"),
                row("bot", "machine", Value::Null, "configuration"),
                row("helm", "machine", json!(["deployment"]), "configuration"),
                row("grace", "person", Value::Null, "store"),
            ]
        );
        assert_eq!(tokens[3]["createdBy"], json!({"kind": "shared"}));
        for secret in [SHARED, ADA, BOT, HELM, &grace] {
            assert!(!listed.body.contains(secret));
        }
    });
}

#[test]
fn only_the_installations_token_makes_and_revokes_them() {
    on_server(|server| async move {
        token(&server, "grace").await;
        let body = json!({"name": "eve", "kind": "person"});
        for other in [ADA, BOT, HELM] {
            assert_eq!(server.post_as(other, TOKENS, &body).await.status, 403);
        }
        let eve = token(&server, "eve").await;
        let refused = server.post_as(&eve, TOKENS, &json!({"name": "x", "kind": "person"})).await;
        assert_eq!(refused.status, 403);
        assert!(refused.message().contains("use the installation's API token"), "{refused:?}");
        assert_eq!(server.delete_as(ADA, &format!("{TOKENS}/grace")).await.status, 403);
    });
}

#[test]
fn what_makes_no_sense_is_refused_and_says_why() {
    on_server(|server| async move {
        token(&server, "grace").await;
        for (body, status) in [
            (json!({"name": "grace", "kind": "machine"}), 409),
            (json!({"name": "", "kind": "person"}), 400),
            (json!({"name": "x"}), 400),
            (json!({"name": "x", "kind": "robot"}), 400),
            (json!({"name": "x", "kind": "person", "tasks": ["test"]}), 400),
            (json!({"name": "x", "kind": "machine", "tasks": []}), 400),
            (json!({"name": "x", "kind": "machine", "tasks": ["a b"]}), 400),
            (json!({"name": "x", "kind": "person", "token": "mine"}), 400),
        ] {
            let refused = create(&server, &body).await;
            assert_eq!(refused.status, status, "{body}: {refused:?}");
            assert!(!refused.message().is_empty());
        }
        for (name, status) in [("nobody", 404), ("ada", 409), ("%20", 404)] {
            let refused = server.call("DELETE", &format!("{TOKENS}/{name}"), &Value::Null).await;
            assert_eq!(refused.status, status, "{name}: {refused:?}");
        }
        assert_eq!(server.get(TOKENS).await.json()["tokens"].as_array().unwrap().len(), 4);
    });
}
