//! Queries, values and answers in whatever state: what is asked lies below its endpoint, and what comes back is a
//! finite number or a message that people can read.

use serde_json::{Value, json};

use super::{Address, Query, Target, Values, about, read_answer, refused};
use crate::dice::Dice;
use crate::fuzz::assert_readable;
use crate::job::jsonpath::JsonPath;
use crate::sli::{GetSli, Window};

/// What attacks on addresses are made of.
const PIECES: [&str; 32] = [
    "..",
    ".",
    "/",
    "//",
    "\\",
    "%2e",
    "%2E%2e",
    "%252e",
    "%2f",
    "%5c",
    "%5C",
    "%00",
    "%0d%0a",
    "@",
    ":",
    ";",
    "?",
    "#",
    "&",
    "=",
    "%",
    "$",
    "$SERVICE",
    "$LABEL.a",
    "https:",
    "evil.example",
    "\u{ff0e}\u{ff0e}",
    "\u{2024}",
    "\t",
    " ",
    "ü",
    "x",
];

fn pieces(dice: &mut Dice, most: usize) -> String {
    (0..=dice.below(most)).map(|_| dice.pick(&PIECES)).collect()
}

fn values(label: &str, filter: &str) -> Values {
    let data = json!({"project": "p", "stage": "s", "service": "v", "labels": {"a": label},
        "get-sli": {"customFilters": [{"key": "SERVICE", "value": filter}]}});
    let asked = GetSli::of(data.as_object().unwrap()).unwrap();
    Values::of(&asked, &Window::parse("0", "60").unwrap())
}

/// Whoever takes escapes away, once or again and again, or takes `\` for `/`, stays below the base.
pub(crate) fn assert_below(base: &Address, target: &Target, root: &str) {
    let url = base.below(target).unwrap_or_else(|_| panic!("{target} was not what was checked"));
    let text = url.to_string();
    assert!(text.starts_with(root), "{text}");
    assert_eq!((url.host_str(), url.port()), (Some("metrics.example"), Some(8443)), "{text}");
    assert!(url.username().is_empty() && url.password().is_none() && url.fragment().is_none());
    assert!(text.bytes().all(|byte| byte.is_ascii_graphic()), "{text:?}");
    assert_eq!(url.query(), target.query(), "{text}");
    let mut path = url.path().to_owned();
    loop {
        let plain = path.replace('\\', "/");
        let read = url::Url::parse(&format!("https://metrics.example:8443{plain}")).unwrap();
        assert!(read.path().starts_with("/api/v1/"), "{text}: {plain}");
        let decoded = percent_encoding::percent_decode_str(&path).decode_utf8().unwrap();
        if decoded == path {
            return;
        }
        path = decoded.into_owned();
    }
}

#[test]
fn whatever_is_written_and_filled_in_lies_below_the_endpoint() {
    let mut dice = Dice::new(11);
    let base = Address::parse("https://metrics.example:8443/api/v1/").unwrap();
    let (mut asked, mut refused) = (0, 0);
    for _ in 0..30_000 {
        let text = format!("m:{}#$.v", pieces(&mut dice, 6));
        let Ok(query) = Query::parse(&text) else {
            refused += 1;
            continue;
        };
        let values = values(&pieces(&mut dice, 3), &pieces(&mut dice, 3));
        match query.target(&values) {
            Ok(target) => {
                asked += 1;
                assert_below(&base, &target, "https://metrics.example:8443/api/v1/");
            }
            Err(error) => assert_readable(&error.to_string()),
        }
    }
    assert!(asked > 1_000 && refused > 1_000, "{asked} {refused}");
}

#[test]
fn spoilt_queries_are_read_or_refused_with_their_place() {
    let mut dice = Dice::new(12);
    let base = Address::parse("https://metrics.example:8443/api/v1/").unwrap();
    let query = "metrics:a/$SERVICE/b:c?x=$LABEL.a&from=$START#$.data[?(@.k == 'v')].x['y'][0]";
    let (mut read, mut refused) = (0, 0);
    for _ in 0..10_000 {
        let text = String::from_utf8_lossy(&dice.spoil(query.as_bytes())).into_owned();
        match Query::parse(&text) {
            Ok(query) => {
                read += 1;
                if let Ok(target) = query.target(&values("l", "f")) {
                    assert_below(&base, &target, "https://metrics.example:8443/api/v1/");
                }
            }
            Err(error) => {
                refused += 1;
                assert_readable(&error.to_string());
            }
        }
    }
    assert!(read > 1_000 && refused > 1_000, "{read} {refused}");
}

#[test]
fn spoilt_answers_are_a_finite_number_or_a_readable_error() {
    let mut dice = Dice::new(13);
    let body = br#"{"data": [{"value": "0.5", "at": 1643623500.25}, {"value": null}], "next": {"v": [1e300]}}"#;
    let hide = |text: &str| text.replace("secret", "***");
    for path in ["$.data[0].value", "$.next.v", "$.data[*].at", "$..at", "$"] {
        let path = JsonPath::parse(path).unwrap();
        let mut numbers = 0;
        for _ in 0..2_000 {
            let spoilt = dice.spoil(body);
            match read_answer(&spoilt, &path, &hide) {
                Ok(number) => {
                    numbers += 1;
                    assert!(number.is_finite());
                }
                Err(error) => assert_readable(&about("p95", "m:q#$", &error)),
            }
            assert_readable(&refused("500 x", &spoilt, &hide).to_string());
        }
        assert!(numbers > 10 || path == JsonPath::parse("$").unwrap(), "{path:?}: {numbers}");
    }
}

#[test]
fn random_bytes_are_an_error_that_people_can_read() {
    let mut dice = Dice::new(14);
    let path = JsonPath::parse("$.a").unwrap();
    for _ in 0..1_000 {
        let bytes: Vec<u8> = (0..dice.below(20)).flat_map(|_| dice.bytes()).collect();
        let error = read_answer(&bytes, &path, &str::to_owned).unwrap_err();
        assert_readable(&about("p95", &String::from_utf8_lossy(&bytes), &error));
        let text = String::from_utf8_lossy(&bytes);
        assert_readable(&Query::parse(&text).unwrap_err().to_string());
        assert!(Address::parse(&text).is_err());
    }
}

#[test]
fn every_kind_of_json_is_a_number_or_is_named() {
    let kinds: [(Value, bool); 12] = [
        (json!(1), true),
        (json!(-1.5e-300), true),
        (json!(u64::MAX), true),
        (json!("7"), true),
        (json!([7]), true),
        (json!(["7"]), true),
        (json!(null), false),
        (json!(false), false),
        (json!("x"), false),
        (json!({}), false),
        (json!([]), false),
        (json!([[7]]), false),
    ];
    let path = JsonPath::parse("$").unwrap();
    for (value, is_number) in kinds {
        let read = read_answer(value.to_string().as_bytes(), &path, &str::to_owned);
        assert_eq!(read.is_ok(), is_number, "{value}");
    }
}
