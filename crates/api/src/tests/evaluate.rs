//! Evaluations that somebody asks for.

use jiff::Timestamp;
use serde_json::{Value, json};
use tidegate_core::quality::time::of_event;

use super::server::{PROJECT, Server, on_server};

const EVALUATION: &str = "/api/controlPlane/v1/project/tour/stage/qa/service/carts/evaluation";

async fn trigger(server: &Server, body: &Value) -> (u16, Value) {
    let answer = server.call("POST", EVALUATION, body).await;
    (answer.status, answer.json())
}

#[test]
fn an_evaluation_is_triggered_with_its_time_fixed() {
    on_server(|server| async move {
        server.create("tour").await;
        let body = json!({"start": "2026-01-31T10:00:00Z", "timeframe": "10m",
            "labels": {"build": "17"}});
        let (status, answer) = trigger(&server, &body).await;
        assert_eq!(status, 200, "{answer}");
        let task = server.open("evaluation").await;
        assert_eq!(task["shkeptncontext"], answer["keptnContext"]);
        assert_eq!(
            task["data"]["evaluation"],
            json!({"timeframe": "",
            "start": "2026-01-31T10:00:00.000Z", "end": "2026-01-31T10:10:00.000Z"})
        );
        assert_eq!(task["data"]["labels"], json!({"build": "17"}));
        assert_eq!(task["data"]["test"], json!({"start": "", "end": ""}));
    });
}

#[test]
fn with_nothing_given_the_last_five_minutes_are_meant() {
    on_server(|server| async move {
        server.create("tour").await;
        assert_eq!(trigger(&server, &json!({})).await.0, 200);
        let task = server.open("evaluation").await;
        let time = |key: &str| {
            let text = task["data"]["evaluation"][key].as_str().unwrap();
            text.parse::<Timestamp>().unwrap()
        };
        assert_eq!(time("end").duration_since(time("start")).as_secs(), 300);
    });
}

#[test]
fn what_is_null_is_not_there() {
    on_server(|server| async move {
        server.create("tour").await;
        let body = json!({"labels": null, "start": null, "end": null, "timeframe": null,
            "gitcommitid": null});
        let (status, answer) = trigger(&server, &body).await;
        assert_eq!(status, 200, "{answer}");
        let task = server.open("evaluation").await;
        assert_eq!(task["data"]["labels"], json!({}));
        assert_eq!(task["data"]["evaluation"]["timeframe"], "");
    });
}

/// A stage whose own sequence `evaluation` begins with these tasks.
fn shipyard(tasks: &str) -> String {
    format!(
        "apiVersion: spec.keptn.sh/0.2.2\nkind: Shipyard\nmetadata: {{name: x}}\nspec:\n  stages:\n  \
         - {{name: qa, sequences: [{{name: evaluation, tasks: [{tasks}]}}]}}\n"
    )
}

/// How long the time is that the first evaluation judges, in seconds, as a gate reads it.
async fn judged(server: &Server, project: &str, tasks: &str, body: &Value) -> Result<i64, String> {
    server.create_with(project, &shipyard(tasks)).await;
    let answer = server.call("POST", &EVALUATION.replace("tour", project), body).await;
    if answer.status != 200 {
        return Err(answer.message());
    }
    let data = server.open("evaluation").await["data"].clone();
    assert_eq!(data["project"], project);
    let time =
        of_event(data.as_object().unwrap(), Timestamp::MAX).map_err(|why| why.to_string())?;
    let at = |text: &str| text.parse::<Timestamp>().unwrap();
    server.execute("evaluation").await;
    Ok(at(&time.end).duration_since(at(&time.start)).as_secs())
}

#[test]
fn the_time_is_what_was_asked_for_or_else_what_the_shipyard_says() {
    on_server(|server| async move {
        let own = "{name: evaluation, properties: {timeframe: 10m}}";
        for (project, body, seconds) in [
            ("a", json!({}), 600),
            ("b", json!({"timeframe": "30m"}), 1800),
            ("c", json!({"start": "2026-01-31T10:00:00Z", "end": "2026-01-31T10:20:00Z"}), 1200),
        ] {
            assert_eq!(judged(&server, project, own, &body).await, Ok(seconds), "{body}");
        }
        let fixed =
            "{name: evaluation, properties: {start: '2026-01-31T10:00:00Z', timeframe: 10m}}";
        let refused = judged(&server, "d", fixed, &json!({"timeframe": "30m"})).await.unwrap_err();
        assert_eq!(
            refused,
            "the shipyard fixes the start of this evaluation; take it out of the properties of the task \
             evaluation, or ask for no time"
        );
        assert_eq!(judged(&server, "e", "{name: evaluation}", &json!({})).await, Ok(300));
    });
}

#[test]
fn what_asks_for_no_time_or_nothing_that_is_there_is_refused_in_keptns_words() {
    on_server(|server| async move {
        server.create("tour").await;
        let (start, end) = ("2026-01-31T10:00:00Z", "2026-01-31T10:00:59Z");
        let format = |why: &str| (400, format!("Invalid request format: {why}"));
        for (body, (code, message)) in [
            (
                json!({"end": end, "timeframe": "5m"}),
                format("timeframe and end time specifications cannot be set together"),
            ),
            (
                json!({"start": start}),
                format(
                    "timeframe or end time specifications need to be specified when using start parameter",
                ),
            ),
            (
                json!({"end": end}),
                format("end time specifications cannot be set without start parameter"),
            ),
            (
                json!({"start": start, "end": end}),
                (400, "end date must be at least 1 minute after start date".to_owned()),
            ),
            (json!({"gitcommitid": "x"}), (400, "Invalid request format: gitcommitid".to_owned())),
        ] {
            let (status, answer) = trigger(&server, &body).await;
            assert_eq!(status, 400, "{body}");
            assert!(answer["message"].as_str().unwrap().starts_with(&message), "{answer}");
            assert_eq!(
                answer.get("code").map_or(0, |code| code.as_u64().unwrap()),
                code,
                "{answer}"
            );
        }
        for (path, message) in [
            (EVALUATION.replace("tour", "nowhere"), "project not found"),
            (EVALUATION.replace("/qa/", "/dev/"), "stage not found"),
            (EVALUATION.replace("carts", "nothing"), "service not found"),
        ] {
            let answer = server.call("POST", &path, &json!({})).await;
            assert_eq!((answer.status, answer.json()["code"].as_u64()), (400, Some(2)), "{path}");
            assert_eq!(answer.message(), message);
        }
        assert_eq!(server.get(PROJECT).await.status, 200);
    });
}
