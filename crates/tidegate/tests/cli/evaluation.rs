//! Evaluations that somebody triggers, in stages whose shipyard has an opinion of its own.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::scene::Scene;
use crate::support::until;

/// The stage's own evaluation is of five minutes; the one that follows in another stage, of ten.
const SHIPYARD: &str = "\
apiVersion: spec.keptn.sh/0.2.3
kind: Shipyard
metadata: {name: shipyard}
spec:
  stages:
    - name: qa
      sequences:
        - name: evaluation
          tasks: [{name: evaluation, properties: {timeframe: 5m}}]
    - name: production
      sequences:
        - name: delivery
          triggeredOn: [{event: qa.evaluation.finished}]
          tasks: [{name: evaluation, properties: {timeframe: 10m}}]
";

const ROUTE: &str = "/api/controlPlane/v1/project/timed/stage/qa/service/carts/evaluation";

fn create(scene: &Scene) {
    let project = json!({"name": "timed", "shipyard": STANDARD.encode(SHIPYARD)});
    assert_eq!(scene.server.post("/api/controlPlane/v1/project", &project).0, 201);
    let path = "/api/controlPlane/v1/project/timed/service";
    assert_eq!(scene.server.post(path, &json!({"serviceName": "carts"})).0, 200);
}

/// What the evaluations of a sequence and of the one that follows say of their time: how long it is, in
/// seconds, and when it ends.
fn judged(scene: &Scene, context: &str) -> [(i64, Timestamp); 2] {
    ["qa", "production"].map(|stage| {
        let evaluation = until("both evaluations", || {
            let events = scene.server.events(context, "evaluation.finished");
            let found = events.into_iter().find(|event| event["data"]["stage"] == stage)?;
            Some(found["data"]["evaluation"].clone())
        });
        let at = |key: &str| {
            let text = evaluation[key].as_str().unwrap_or_default();
            text.parse::<Timestamp>().unwrap_or_else(|error| panic!("{error}: {evaluation}"))
        };
        let (start, end) = (at("timeStart"), at("timeEnd"));
        (end.duration_since(start).as_secs(), end)
    })
}

/// Triggers by the API, and answers the id of the sequence.
fn by_api(scene: &Scene, body: &Value) -> String {
    let (code, answer) = scene.server.post(ROUTE, body);
    assert_eq!(code, 200, "{answer}");
    answer["keptnContext"].as_str().expect("an id").to_owned()
}

/// Triggers on the command line, and answers the id of the sequence.
fn by_hand(scene: &Scene, more: &[&str]) -> String {
    let line = ["trigger", "evaluation", "--project=timed", "--stage=qa", "--service=carts"];
    scene.run(&[&line[..], more].concat()).good().trim().to_owned()
}

#[test]
fn an_evaluation_is_of_the_time_that_is_asked_for_and_those_behind_it_of_their_own() {
    let scene = Scene::new();
    create(&scene);
    let then = ["--start=2026-11-24T10:00:00Z", "--end=2026-11-24T10:20:00Z"];
    let at: Timestamp = "2026-11-24T10:20:00Z".parse().expect("a time");
    let began = Timestamp::now();
    for (context, seconds, end) in [
        (by_hand(&scene, &[]), 300, None),
        (by_hand(&scene, &["--timeframe=30m"]), 1800, None),
        (by_hand(&scene, &then), 1200, Some(at)),
        (by_api(&scene, &json!({})), 300, None),
        (by_api(&scene, &json!({"timeframe": "30m"})), 1800, None),
        (
            by_api(
                &scene,
                &json!({"start": "2026-11-24T10:00:00Z", "end": "2026-11-24T10:20:00Z"}),
            ),
            1200,
            Some(at),
        ),
    ] {
        let [(asked, until), (own, later)] = judged(&scene, &context);
        assert_eq!((asked, own), (seconds, 600), "{end:?}");
        let near = |time: Timestamp| time.duration_since(began).as_secs().abs() < 60;
        assert!(end.map_or(near(until), |end| end == until), "{until}");
        assert!(near(later), "{later}");
    }
    let line = ["trigger", "delivery", "--project=timed", "--stage=qa", "--service=carts"];
    let refused = scene.run(&[&line[..], &["--timeframe=30m"]].concat());
    assert_eq!(refused.out, "", "{refused:?}");
    assert!(refused.err.contains("evaluates nothing; ask for no time"), "{refused:?}");
}
