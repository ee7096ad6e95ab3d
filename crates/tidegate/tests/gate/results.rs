//! Gates that go by what jobs have measured: no monitoring system is needed.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use crate::place::{Place, SLI, SLO, objective};
use crate::support::until;

fn gated() -> Place {
    let place = Place::with("");
    place.put("qa", "job/sli.yaml", SLI);
    place.put("qa", "slo.yaml", SLO);
    place
}

#[test]
fn a_good_release_goes_on_by_itself_and_a_slow_one_stops_and_says_why() {
    let place = gated();
    let (context, good) = place.evaluated("hello:0.25");
    let data = &good["data"];
    assert_eq!((&data["result"], &data["status"]), (&json!("pass"), &json!("succeeded")), "{good}");
    assert_eq!(data["evaluation"]["score"], 100);
    assert_eq!(good["source"], "lighthouse-service");
    assert_eq!(data["evaluation"]["sloFileContent"], STANDARD.encode(SLO));
    assert_eq!(objective(&good)["value"]["value"], 0.25);
    let deployment = place.event(&context, "deployment.triggered");
    assert_eq!(deployment["data"]["stage"], "production", "nobody was asked");

    // Good by the fixed limit, yet 60 % slower than the one before.
    let (context, slow) = place.evaluated("hello:0.4");
    let data = &slow["data"];
    assert_eq!((&data["result"], &data["evaluation"]["score"]), (&json!("fail"), &json!(0)));
    assert_eq!(data["evaluation"]["comparedEvents"], json!([good["id"]]));
    let failed = objective(&slow);
    assert_eq!(
        (&failed["status"], &failed["value"]["comparedValue"]),
        (&json!("fail"), &json!(0.25))
    );
    let violated = |n: usize| failed["passTargets"][n]["violated"].as_bool();
    assert_eq!((violated(0), violated(1)), (Some(false), Some(true)), "{failed}");
    let ended = place.event(&context, "qa.delivery.finished");
    assert_eq!(ended["data"]["result"], "fail");
    assert!(place.server.events(&context, "production.delivery.triggered").is_empty());
}

#[test]
fn an_evaluation_that_was_declared_invalid_is_not_compared_with_until_it_is_restored() {
    let place = gated();
    let (_, first) = place.evaluated("hello:0.2");
    let (_, trial) = place.evaluated("hello:0.1");
    let say = |word: &str| {
        let event = json!({"type": format!("sh.keptn.event.evaluation.{word}"), "source": "somebody",
            "shkeptncontext": trial["shkeptncontext"], "triggeredid": trial["triggeredid"],
            "data": {"project": "tour", "stage": "qa", "service": "hello",
                "evaluation": {"reason": "a trial run"}}});
        assert_eq!(place.server.post("/api/v1/event", &event).0, 200);
    };
    say("invalidated");
    // Half slower than the trial run and more, and no slower than the one before.
    let (_, third) = place.evaluated("hello:0.21");
    assert_eq!(third["data"]["evaluation"]["comparedEvents"], json!([first["id"]]));
    assert_eq!(third["data"]["result"], "pass");
    say("restored");
    let event = json!({"type": "sh.keptn.event.evaluation.invalidated", "source": "somebody",
        "shkeptncontext": third["shkeptncontext"], "triggeredid": third["triggeredid"],
        "data": {"project": "tour"}});
    assert_eq!(place.server.post("/api/v1/event", &event).0, 200);
    let (_, fourth) = place.evaluated("hello:0.22");
    assert_eq!(fourth["data"]["evaluation"]["comparedEvents"], json!([trial["id"]]));
    assert_eq!(fourth["data"]["result"], "fail");
}

#[test]
fn each_event_of_an_evaluation_is_as_keptns() {
    let place = gated();
    let (context, finished) = place.evaluated("hello:0.25");
    let triggered = place.event(&context, "evaluation.triggered");
    let started = place.event(&context, "evaluation.started");
    for answer in [&started, &finished] {
        assert_eq!(answer["triggeredid"], triggered["id"]);
        assert_eq!(answer["gitcommitid"], triggered["gitcommitid"]);
    }
    assert_eq!(
        started["data"],
        json!({"project": "tour", "stage": "qa", "service": "hello",
            "labels": {"image": "hello:0.25"}, "status": "succeeded"})
    );
    let asked = place.event(&context, "get-sli.triggered");
    let question = &asked["data"]["get-sli"];
    assert_eq!(question["sliProvider"], "job-results");
    assert_eq!(question["indicators"], json!(["latency"]));
    assert_eq!(
        (&asked["source"], &asked["data"]["deployment"]),
        (&json!("lighthouse-service"), &json!(""))
    );
    let values = place.event(&context, "get-sli.finished");
    assert_eq!(values["triggeredid"], asked["id"]);
    assert_eq!(
        values["data"]["get-sli"]["indicatorValues"],
        json!([
        {"metric": "latency", "value": 0.25, "comparedValue": 0, "success": true}])
    );
    let evaluation = &finished["data"]["evaluation"];
    assert_eq!(
        (&evaluation["timeStart"], &evaluation["timeEnd"]),
        (&question["start"], &question["end"])
    );
}

#[test]
fn what_a_job_did_not_leave_is_named_and_a_gate_without_values_fails() {
    let place = gated();
    place.put("qa", "job/sli.yaml", "indicators:\n  latency: k6:load.json#http_reqs.count\n");
    let (_, evaluated) = place.evaluated("hello:0.25");
    assert_eq!(evaluated["data"]["result"], "fail");
    let message = objective(&evaluated)["value"]["message"].as_str().unwrap_or_default();
    assert!(message.contains("/keptn/results/load.json"), "{evaluated}");
}

#[test]
fn what_a_file_silently_does_otherwise_is_said_in_the_evaluation() {
    let place = gated();
    place.put("qa", "slo.yaml", &SLO.replace("function: avg", "function: p99"));
    let (_, evaluated) = place.evaluated("hello:0.25");
    let message = evaluated["data"]["message"].as_str().unwrap_or_default();
    assert!(message.contains("slo.yaml:1:") && message.contains("p99"), "{message}");
}

#[test]
fn without_a_provider_or_without_objectives_keptns_words_are_said_and_it_passes() {
    let place = Place::with("");
    for (file, words) in [
        (None, "no SLI-provider configured for project tour"),
        (Some(SLI), "no SLO file configured for project tour"),
    ] {
        if let Some(text) = file {
            place.put("qa", "job/sli.yaml", text);
        }
        let (_, evaluated) = place.evaluated("hello:0.25");
        let data = &evaluated["data"];
        assert_eq!((&data["result"], &data["evaluation"]["score"]), (&json!("pass"), &json!(0)));
        assert!(data["message"].as_str().unwrap_or_default().contains(words), "{evaluated}");
    }
}

#[test]
fn a_file_of_the_stage_or_the_project_makes_the_results_of_jobs_the_provider() {
    for at in ["tour/stage/qa", "tour"] {
        let place = Place::with("");
        place.put("qa", "slo.yaml", SLO);
        place.put_at(at, "job/sli.yaml", SLI);
        let (_, evaluated) = place.evaluated("hello:0.25");
        assert_eq!(evaluated["data"]["evaluation"]["score"], 100, "{at}: {evaluated}");
        assert_eq!(objective(&evaluated)["value"]["value"], 0.25);
    }
}

#[test]
fn where_nobody_can_say_who_measures_the_evaluation_says_why_and_what_it_is_about() {
    let place = Place::with("");
    place.put("qa", "slo.yaml", SLO);
    place.put_at("tour/stage/qa", "job/sli.yaml", [0xff]);
    let (_, evaluated) = place.evaluated("hello:0.25");
    let (data, evaluation) = (&evaluated["data"], &evaluated["data"]["evaluation"]);
    assert_eq!((&data["status"], &data["result"]), (&json!("errored"), &json!("fail")));
    let message = data["message"].as_str().unwrap_or_default();
    assert!(message.contains("job/sli.yaml is not UTF-8 text"), "{message}");
    assert_eq!(evaluation["sloFileContent"], STANDARD.encode(SLO));
    let start = evaluation["timeStart"].as_str().unwrap_or_default();
    assert!(start.ends_with('Z'), "{evaluated}");
}

#[test]
fn a_server_that_is_killed_at_any_moment_judges_each_release_once() {
    let mut place = gated();
    let contexts: Vec<String> = (0..12)
        .map(|n| {
            let context = place.server.deliver(&format!("hello:0.2{n}"));
            place.server.crash();
            context
        })
        .collect();
    for context in &contexts {
        let ended = until("its end", || place.server.events(context, "qa.delivery.finished").pop());
        // What ended did so by its gate.
        let evaluated = place.server.events(context, "evaluation.finished");
        assert!(!evaluated.is_empty(), "{ended}");
        let asked = place.server.events(context, "get-sli.triggered");
        assert_eq!(asked.len(), 1, "it asked once: {asked:?}");
        let first = evaluated.last().expect("one at least");
        assert_eq!(first["data"]["result"], ended["data"]["result"]);
    }
    place.server.expect_sound();
}
