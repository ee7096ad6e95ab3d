//! What indicators are measured by, what is measured, and what is done against problems.

use serde_json::{Map, Value, json};

use super::Target;
use super::check::{assert_readable, shape};
use crate::event::Draft;
use crate::names::{ProjectName, ServiceName, StageName};
use crate::remediation::{GetAction, Remediations};
use crate::sli::monitoring::{Settings, Stage, plan};
use crate::sli::prometheus::{self, QUERY_BYTES_MAX, read_answer};
use crate::sli::results::Query;
use crate::sli::{GetSli, Level, Queries, SliFile, Window, alertmanager};

pub(super) const TARGETS: &[Target] = &[
    Target {
        name: "SLI files",
        seeds: || {
            own(&[
                "spec_version: '1.0'\nindicators:\n  a: x{y=\"$STAGE\"}\n  'b c': |\n    d\n  e: &f g\n  h: *f\n",
                "indicators:\n  throughput: sum(rate(http_requests_total{job=\"$SERVICE-$PROJECT-$STAGE\"}[$DURATION_SECONDS]))\n",
                "indicators:\n  p95: k6:results.json#http_req_duration.p(95)\n  e: 'jmeter:a.jtl#error_rate[Check out]'\n",
                "indicators: {j: 'json:x.json#$.a[''b''][?(@.c == 1)].d', c: 'csv:f.csv#col[row]'}\n",
            ])
        },
        words: &[
            "$LABEL.a",
            "$DURATION_SECONDS",
            "$DEPLOYMENT",
            "${STAGE}",
            "$$",
            "#",
            "..",
            "k6:",
            "[",
            "]",
        ],
        feed: sli_file,
    },
    Target {
        name: "remediation.yaml",
        seeds: || {
            own(&[
                "apiVersion: spec.keptn.sh/0.1.4\nkind: Remediation\nmetadata: {name: m}\nspec:\n  remediations:\n  \
                 - problemType: t\n    actionsOnOpen:\n    - {action: b, name: n, description: d, value: [1, {c: 2}]}\n  \
                 - problemType: default\n    actionsOnOpen: [{action: escalate}]\n",
                "apiVersion: spec.keptn.sh/0.1.4\nspec: {remediations: []}\n",
            ])
        },
        words: &[
            "actionsOnOpen:",
            "- action: x",
            "problemType: t",
            "value: &v {a: *v}",
            "null",
            "\n---\n",
            "!!binary ",
        ],
        feed: remediations,
    },
    Target {
        name: "results of jobs",
        seeds: || {
            let file = |query: &str, text: &str| format!("{query}\n{text}").into_bytes();
            let jtl = "timeStamp,elapsed,label,success\n1,100,a,true\n900,20,\"b, c\",false\n1900,3,a,true\n";
            let k6 = include_str!("../sli/results/samples/k6-export.json");
            let handled = include_str!("../sli/results/samples/k6-handled.json");
            let locust = include_str!("../sli/results/samples/locust_stats.csv");
            let junit = include_str!("../sli/results/samples/pytest.xml");
            vec![
                file("k6:f#http_req_duration.p(95)", k6),
                file("k6:f#http_reqs.rate", handled),
                file("locust:f#Aggregated/95%", locust),
                file("jmeter:f#p99.9[b, c]", jtl),
                file("jmeter:f#throughput", jtl),
                file("junit:f#pass_rate", junit),
                file("junit:f#time", junit),
                file(
                    "json:f#$.a[?(@.b == 1)].c",
                    r#"{"a": [{"b": 1, "c": 2.5}, {"b": 2, "c": 1e300}]}"#,
                ),
                file("csv:f#c[x]", "n,c\nx,1\ny,2\n"),
            ]
        },
        words: &[
            "#",
            "median",
            "p0",
            "p100.1",
            "$..*",
            "[?(@.a=~'b')]",
            "[-1]",
            "[0:9999999999]",
            "&x;",
            "<!DOCTYPE a [",
            "<![CDATA[",
            "<testcase time=\"1e9\"/>",
            "\"\"",
            ";",
            "\u{feff}",
            "true",
            "e+400",
        ],
        feed: results,
    },
    Target {
        name: "answers of Prometheus",
        seeds: || {
            own(&[
                r#"{"status":"success","data":{"resultType":"vector","result":[{"metric":{"a":"b"},"value":[1643623500.25,"0.5"]}]}}"#,
                r#"{"status":"success","data":{"resultType":"scalar","result":[1643623500,"1"]}}"#,
                r#"{"status":"success","data":{"resultType":"matrix","result":[]},"warnings":["w"]}"#,
                r#"{"status":"error","errorType":"bad_data","error":"parse error"}"#,
            ])
        },
        words: &["\"NaN\"", "\"+Inf\"", "\"vector\"", "null", "\"0x1p3\"", "[[", "\\ud800"],
        feed: prometheus_answer,
    },
    Target {
        name: "messages of Alertmanager",
        seeds: || {
            own(&[
                r#"{"version":"4","status":"firing","alerts":[{"status":"firing","fingerprint":"f213abc5a9757301",
                "startsAt":"2026-11-26T05:33:00.632Z","labels":{"alertname":"Up","project":"shop","stage":"qa",
                "service":"carts"},"annotations":{"summary":"up \"now\"\n"},"generatorURL":"http://prometheus/x"},
                {"status":"resolved","fingerprint":"f213abc5a9757302","startsAt":"2026-11-26T05:33:00Z",
                "labels":{"alertname":"Up","project":"shop","stage":"qa","service":"carts"}}]}"#,
            ])
        },
        words: &[
            "\"resolved\"",
            "\"keptn_project\"",
            "\"deployment\":\"x\"",
            "null",
            "0001-01-01T00:00:00Z",
        ],
        feed: alerts,
    },
];

fn own(texts: &[&str]) -> Vec<Vec<u8>> {
    texts.iter().map(|text| text.as_bytes().to_vec()).collect()
}

fn question(indicator: &str) -> GetSli {
    let data = json!({"project": "p", "stage": "s", "service": "v", "labels": {"a": "b", "c": "$STAGE"},
        "get-sli": {"indicators": [indicator], "start": "0", "end": "60",
            "customFilters": [{"key": "tags", "value": "$SERVICE"}, {"key": "d", "value": "'e'"}]}});
    GetSli::of(data.as_object().unwrap()).unwrap()
}

fn sli_file(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let levels = [(Level::Project, &*text), (Level::Service, "indicators: {z: q}")];
    let merged = Queries::merge("sli.yaml", &levels);
    let file = match SliFile::parse(&text) {
        Ok(file) => file,
        Err(error) => {
            assert!(merged.is_err());
            assert_readable(&error.to_string());
            return shape(&error.to_string());
        }
    };
    let mut ways = Vec::new();
    if let Err(error) = &merged {
        assert_readable(&error.to_string());
        ways.push(shape(&error.to_string()));
    }
    let (queries, window) = (merged.unwrap_or_default(), Window::parse("0", "60").unwrap());
    for indicator in &file.indicators {
        let asked = question(&indicator.name);
        let question = prometheus::Question { asked: &asked, queries: &queries, window: &window };
        match question.query(&indicator.name) {
            Ok(query) => assert!(query.len() <= QUERY_BYTES_MAX),
            Err(error) => assert_readable(&error.to_string()),
        }
        match Query::parse(&indicator.query) {
            Ok(query) => {
                let file = query.file();
                assert!(!file.is_empty() && file.split('/').all(|part| part != ".."), "{file}");
                ways.push("a file".to_owned());
            }
            Err(error) => {
                assert_readable(&error.to_string());
                ways.push(shape(&error.to_string()));
            }
        }
    }
    let slo = "objectives:\n- {sli: a, pass: [{criteria: ['<=600']}]}\n";
    let stage = Stage {
        name: StageName::new("s").unwrap(),
        slo: Some(slo.to_owned()),
        is_remedied: true,
        queries,
    };
    let (project, service) = (ProjectName::new("p").unwrap(), ServiceName::new("v").unwrap());
    let plan = plan(&project, &service, &[stage], &Settings::default()).unwrap();
    plan.skipped.iter().for_each(|why| assert_readable(why));
    let _ = (plan.targets_file(), plan.rules_file());
    ways.truncate(4);
    format!("{ways:?} {}", plan.groups.len())
}

fn remediations(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let parsed = Remediations::parse(&text);
    let asked = |index: u64| {
        let data = json!({"project": "p", "stage": "s", "service": "v", "problem": {"problemTitle": "t"},
            "get-action": {"actionIndex": index}});
        GetAction::of(data.as_object().unwrap()).unwrap()
    };
    let mut ways = String::new();
    for index in [0, 1, u64::MAX] {
        let answer = asked(index).answer(Some(&text));
        let message = answer.get("message").and_then(Value::as_str);
        if let Some(message) = message.filter(|message| !message.is_empty()) {
            assert_readable(message);
            ways += &shape(message);
        }
        serde_json::to_string(&answer).unwrap();
    }
    if let Err(error) = parsed {
        assert_readable(&error.to_string());
    }
    ways
}

/// The query is the first line, the file what comes after it.
fn results(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|byte| *byte == b'\n').unwrap_or(bytes.len());
    let (query, file) = bytes.split_at(end);
    let query = match Query::parse(&String::from_utf8_lossy(query)) {
        Ok(query) => query,
        Err(error) => {
            assert_readable(&error.to_string());
            return shape(&error.to_string());
        }
    };
    match query.read(file.get(1..).unwrap_or_default()) {
        Ok(number) => {
            assert!(number.is_finite());
            format!("number {}", number.is_sign_negative())
        }
        Err(error) => {
            assert_readable(&error.to_string());
            assert!(error.line != Some(0), "{error}");
            shape(&error.to_string())
        }
    }
}

fn prometheus_answer(bytes: &[u8]) -> String {
    match read_answer(bytes) {
        Ok(number) => {
            assert!(number.is_finite());
            "number".to_owned()
        }
        Err(error) => {
            assert_readable(&error.about("up"));
            shape(&error.to_string())
        }
    }
}

fn alerts(bytes: &[u8]) -> String {
    let notices = match alertmanager::read(bytes) {
        Ok(notices) => notices,
        Err(error) => {
            assert_readable(&error.to_string());
            return shape(&error.to_string());
        }
    };
    let way = |notice: Result<alertmanager::Notice, alertmanager::AlertError>| match notice {
        Ok(alertmanager::Notice::Firing(problem)) => {
            let event = json!({"source": alertmanager::SOURCE, "type": problem.kind.as_str(), "data": problem.data});
            Draft::from_value(event).unwrap();
            GetAction::of(&problem.data).unwrap();
            let (kind, data) = alertmanager::resolved(&problem.scope, &problem.data);
            let event =
                json!({"source": alertmanager::SOURCE, "type": kind.as_str(), "data": data});
            Draft::from_value(event).unwrap();
            format!("firing {}", fields(&problem.data))
        }
        Ok(alertmanager::Notice::Resolved { .. }) => "resolved".to_owned(),
        Err(error) => {
            assert_readable(&error.to_string());
            shape(&error.to_string())
        }
    };
    let mut ways: Vec<String> = notices.into_iter().map(way).collect();
    ways.truncate(3);
    ways.join("|")
}

fn fields(data: &Map<String, Value>) -> usize {
    data.get("problem").and_then(Value::as_object).map_or(0, Map::len)
}
