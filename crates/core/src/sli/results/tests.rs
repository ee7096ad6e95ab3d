//! Files as real programs wrote them: k6 1.3, Locust 2.31, pytest 9.

use super::Query;

const K6_EXPORT: &str = include_str!("samples/k6-export.json");
const K6_HANDLED: &str = include_str!("samples/k6-handled.json");
const LOCUST: &str = include_str!("samples/locust_stats.csv");
const PYTEST: &str = include_str!("samples/pytest.xml");

/// Selector, what the export has, what the summary has that was handed to handleSummary in another run.
const K6: [(&str, f64, f64); 7] = [
    ("http_req_duration.p(95)", 11.2460514, 10.59739725),
    ("http_req_duration{expected_response:true}.p(99.9)", 15.873218058000033, 18.34905821500004),
    ("http_req_failed.rate", 0.5, 0.5),
    ("http_req_failed.passes", 50.0, 50.0),
    ("http_reqs.count", 100.0, 100.0),
    ("http_reqs.rate", 287.90777028897355, 287.45487425588357),
    ("checks.rate", 1.0, 1.0),
];

fn at(query: &str, file: &str) -> f64 {
    Query::parse(query).unwrap().read(file.as_bytes()).unwrap()
}

#[test]
fn k6_is_read_in_both_of_its_shapes() {
    for (selector, export, handled) in K6 {
        assert_eq!(at(&format!("k6:s.json#{selector}"), K6_EXPORT), export, "{selector}");
        assert_eq!(at(&format!("k6:s.json#{selector}"), K6_HANDLED), handled, "{selector}");
    }
}

#[test]
fn locust_is_read() {
    assert_eq!(at("locust:s.csv#Aggregated/95%", LOCUST), 19.0);
    assert_eq!(at("locust:s.csv#Aggregated/Requests/s", LOCUST), 312.430_957_549_411_74);
    assert_eq!(at("locust:s.csv#POST /cart/99.9%", LOCUST), 69.0);
    assert_eq!(at("locust:s.csv#bad, one/Failure Count", LOCUST), 334.0);
}

#[test]
fn pytest_is_read() {
    for (selector, number) in [
        ("tests", 4.0),
        ("failures", 1.0),
        ("errors", 1.0),
        ("skipped", 1.0),
        ("time", 0.0),
        ("pass_rate", 1.0 / 3.0),
    ] {
        assert_eq!(at(&format!("junit:r.xml#{selector}"), PYTEST), number, "{selector}");
    }
}
