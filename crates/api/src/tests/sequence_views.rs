//! Sequences as Tidegate's own routes show them.

use serde_json::{Value, json};

use super::server::{SHARED, Server, on_server};

const SEQUENCES: &str = "/api/tidegate/v1/sequences";

async fn whole(server: &Server, context: &str) -> Value {
    let found = server.get(&format!("{SEQUENCES}/{context}")).await;
    assert_eq!(found.status, 200, "{found:?}");
    found.json()
}

async fn contexts(server: &Server, query: &str) -> Vec<String> {
    let found = server.get(&format!("{SEQUENCES}?{query}")).await;
    assert_eq!(found.status, 200, "{query}: {found:?}");
    let listed = found.json()["sequences"].as_array().unwrap().clone();
    listed.iter().map(|one| one["context"].as_str().unwrap().to_owned()).collect()
}

/// Decides the open approval.
async fn decide(server: &Server, decision: &str) {
    let id = server.open("approval").await["id"].as_str().unwrap().to_owned();
    let path = format!("/api/tidegate/v1/approvals/{id}/decision");
    let vote = json!({"decision": decision, "comment": "so it is"});
    assert_eq!(server.post_as(SHARED, &path, &vote).await.status, 200);
}

#[test]
fn a_sequence_shows_its_runs_and_its_tasks_with_their_times() {
    on_server(|server| async move {
        server.create("tour").await;
        let context = server.deliver("tour", "carts:1").await;
        let begun = whole(&server, &context).await;
        let task = &begun["runs"][0]["tasks"][0];
        assert_eq!((&task["name"], &task["state"]), (&json!("deployment"), &json!("triggered")));
        assert!(task["triggeredAt"].is_string() && task.get("startedAt").is_none(), "{task}");
        server.execute("deployment").await;
        let shown = whole(&server, &context).await;
        for (key, value) in [
            ("context", json!(context)),
            ("project", json!("tour")),
            ("service", json!("carts")),
            ("sequence", json!("delivery")),
            ("state", json!("started")),
            ("triggeredBy", json!({"kind": "person", "name": "ada"})),
            ("labels", json!({"build": "17"})),
        ] {
            assert_eq!(shown[key], value, "{key} of {shown}");
        }
        assert!(shown.get("result").is_none(), "it is under way: {shown}");
        let open = server.open("approval").await;
        assert_eq!(shown["approvals"], json!([open["id"]]));
        let [qa, production] = shown["runs"].as_array().unwrap().as_slice() else {
            panic!("two runs: {shown}")
        };
        assert_eq!(
            (&qa["stage"], &qa["state"], &qa["result"]),
            (&json!("qa"), &json!("finished"), &json!("pass"))
        );
        let done = &qa["tasks"][0];
        for time in ["triggeredAt", "startedAt", "finishedAt"] {
            assert!(done[time].as_str().unwrap().parse::<jiff::Timestamp>().is_ok(), "{done}");
        }
        let states: Vec<_> =
            production["tasks"].as_array().unwrap().iter().map(|task| &task["state"]).collect();
        assert_eq!(states, ["waitingForApproval", "pending"]);
    });
}

#[test]
fn a_sequence_ends_as_the_worst_of_its_runs() {
    on_server(|server| async move {
        server.create("tour").await;
        let good = server.deliver("tour", "carts:1").await;
        server.execute("deployment").await;
        decide(&server, "approve").await;
        server.execute("deployment").await;
        let declined = server.deliver("tour", "carts:2").await;
        server.execute("deployment").await;
        decide(&server, "decline").await;
        let aborted = server.deliver("tour", "carts:3").await;
        let path = format!("/api/controlPlane/v1/sequence/tour/{aborted}/control");
        assert_eq!(server.post(&path, &json!({"state": "abort"})).await.status, 200);
        for (context, state, result) in [
            (&good, "finished", "pass"),
            (&declined, "finished", "fail"),
            (&aborted, "aborted", "fail"),
        ] {
            let shown = whole(&server, context).await;
            assert_eq!((&shown["state"], &shown["result"]), (&json!(state), &json!(result)));
            let run = shown["runs"].as_array().unwrap().last().unwrap().clone();
            assert_eq!(run["result"], result, "{run}");
            assert!(run["endedAt"].is_string(), "{run}");
        }
        let stopped = &whole(&server, &declined).await["runs"][1]["tasks"];
        assert_eq!(
            (&stopped[0]["result"], &stopped[1]["state"]),
            (&json!("fail"), &json!("skipped"))
        );
        let by = &whole(&server, &aborted).await["runs"][0]["message"];
        assert_eq!(by, "aborted by the shared API token");
    });
}

#[test]
fn sequences_of_all_projects_are_listed_newest_first_and_narrowed_by_what_is_asked() {
    on_server(|server| async move {
        server.create("tour").await;
        server.create("twin").await;
        let first = server.deliver("tour", "carts:1").await;
        server.execute("deployment").await;
        let second = server.deliver("twin", "carts:1").await;
        let third = server.deliver("tour", "carts:2").await;
        for (query, found) in [
            ("", vec![&third, &second, &first]),
            ("limit=2", vec![&third, &second]),
            ("project=tour", vec![&third, &first]),
            ("project=tour&limit=1", vec![&third]),
            ("project=nobody", vec![]),
            ("stage=production", vec![&first]),
            ("stage=qa&project=twin", vec![&second]),
            ("stage=qa", vec![&third, &second, &first]),
            ("service=carts&limit=1", vec![&third]),
            ("service=nobody", vec![]),
            ("sequence=delivery", vec![&third, &second, &first]),
            ("sequence=rollback", vec![]),
            ("state=aborted", vec![]),
            ("stage=production&state=started", vec![&first]),
            (&*format!("context={first}"), vec![&first]),
            (&*format!("context={first}&project=twin"), vec![]),
            (&*format!("context={}", second[..34].to_uppercase()), vec![&second]),
            (&*format!("context={}&stage=qa", &second[..34]), vec![&second]),
            ("context=00000000-0000-4000-8000-000000000000", vec![]),
        ] {
            let listed = contexts(&server, query).await;
            assert_eq!(listed.iter().collect::<Vec<_>>(), found, "{query}");
        }
        let more = server.get(&format!("{SEQUENCES}?limit=2")).await.json()["more"].clone();
        assert_eq!(more, true);
        let all = server.get(SEQUENCES).await.json();
        assert_eq!(all["more"], false);
        assert!(all["sequences"][0].get("runs").is_none(), "{all}");
    });
}

#[test]
fn filters_that_make_no_sense_and_ids_that_nothing_has_are_refused() {
    on_server(|server| async move {
        server.create("tour").await;
        for query in
            ["state=odd", "context=abc", "context=nothex!", "project=No!", "limit=x", "from=soon"]
        {
            let refused = server.get(&format!("{SEQUENCES}?{query}")).await;
            assert_eq!(refused.status, 400, "{query}: {refused:?}");
        }
        for id in ["x", "00000000-0000-4000-8000-000000000000"] {
            assert_eq!(server.get(&format!("{SEQUENCES}/{id}")).await.status, 404, "{id}");
        }
    });
}

#[test]
fn an_event_tells_what_it_meant() {
    on_server(|server| async move {
        server.create("tour").await;
        server.deliver("tour", "carts:1").await;
        let open = server.open("deployment").await;
        let id = open["id"].as_str().unwrap();
        let shown = server.get(&format!("/api/tidegate/v1/events/{id}")).await.json();
        assert_eq!(shown["project"], "tour");
        assert_eq!(shown["disposition"], "accepted");
        assert_eq!(shown["event"]["id"], open["id"]);
        assert!(shown["number"].as_u64().unwrap() > 1 && shown.get("reason").is_none(), "{shown}");
        for id in ["x", "00000000-0000-4000-8000-000000000000"] {
            assert_eq!(server.get(&format!("/api/tidegate/v1/events/{id}")).await.status, 404);
        }
    });
}
