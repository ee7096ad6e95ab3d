//! What the token of an integration is good for.

use serde_json::{Value, json};

use super::server::{EVENT, HELM, PROJECT, Server, delivery, on_server};

fn answer(open: &Value, phase: &str) -> Value {
    let kind = open["type"].as_str().unwrap().replace("triggered", phase);
    json!({"type": kind, "source": "helm-service", "triggeredid": open["id"],
        "shkeptncontext": open["shkeptncontext"],
        "data": {"project": "tour", "stage": open["data"]["stage"], "service": "carts",
            "result": "pass", "status": "succeeded"}})
}

async fn sends(server: &Server, body: &Value) -> u16 {
    server.post_as(HELM, EVENT, body).await.status
}

#[test]
fn it_answers_its_tasks_and_nothing_else() {
    on_server(|server| async move {
        server.create("tour").await;
        assert_eq!(sends(&server, &delivery("tour", "carts:1")).await, 403, "it triggers nothing");
        let context = server.deliver("tour", "carts:1").await;
        let open = server.open("deployment").await;
        let mut test = answer(&open, "finished");
        test["type"] = json!("sh.keptn.event.test.finished");
        let refused = server.post_as(HELM, EVENT, &test).await;
        assert_eq!(refused.status, 403);
        assert_eq!(refused.message(), "this token answers deployment; it sends no other event");
        for phase in ["started", "finished"] {
            assert_eq!(sends(&server, &answer(&open, phase)).await, 200);
        }
        let approval = server.open("approval").await;
        assert_eq!(sends(&server, &answer(&approval, "finished")).await, 403, "it decides nothing");
        let id = approval["id"].as_str().unwrap();
        let decision = format!("/api/tidegate/v1/approvals/{id}/decision");
        let vote = json!({"decision": "approve"});
        assert_eq!(server.post_as(HELM, &decision, &vote).await.status, 403);
        let control = format!("/api/controlPlane/v1/sequence/tour/{context}/control");
        let abort = json!({"state": "abort"});
        assert_eq!(server.post_as(HELM, &control, &abort).await.status, 403);
        let links = json!({"name": "eve"});
        assert_eq!(
            server.post_as(HELM, "/api/tidegate/v1/sign-in-links", &links).await.status,
            403
        );
        assert_eq!(server.get_as(HELM, &format!("{PROJECT}/tour")).await.status, 200);
        let same = server.open("approval").await;
        assert_eq!(same["id"], approval["id"], "it waits as before");
    });
}
