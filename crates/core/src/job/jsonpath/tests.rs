use serde_json::json;

use super::*;

fn find(path: &str, value: &Value) -> Result<Value, JsonPathError> {
    Ok(JsonPath::parse(path)?.find(value)?.into_owned())
}

fn sample() -> Value {
    json!({
        "type": "t",
        "data": {
            "get-sli": {"a.b": 1},
            "list": ["a", "b", "c", "d"],
            "nil": null,
            "limit": 5,
            "items": [
                {"name": "x", "n": 1, "ok": true},
                {"name": "y", "n": 5, "ok": false},
                {"n": 9}
            ],
            "map": {"k": {"n": 1}, "l": {"n": 2}}
        }
    })
}

#[test]
fn one_value_is_found_by_key_and_place() {
    for (path, expected) in [
        ("$.type", json!("t")),
        (" $ . type", json!(null)),
        ("$['type']", json!("t")),
        ("$[\"type\"]", json!("t")),
        ("$.data.get-sli['a.b']", json!(1)),
        ("$['data'][ 'get-sli' ].['a.b']", json!(null)),
        ("$.data.list[0]", json!("a")),
        ("$.data.list[-1]", json!("d")),
        ("$.data.list.1", json!("b")),
        ("$.data.nil", json!(null)),
        ("$", sample()),
    ] {
        let found = find(path, &sample());
        if expected.is_null() && path != "$.data.nil" {
            assert!(found.is_err(), "{path}");
        } else {
            assert_eq!(found.unwrap(), expected, "{path}");
        }
    }
}

#[test]
fn several_values_are_a_list() {
    for (path, expected) in [
        ("$.data.list[1:3]", json!(["b", "c"])),
        ("$.data.list[:-1]", json!(["a", "b", "c"])),
        ("$.data.list[-2:]", json!(["c", "d"])),
        ("$.data.list[::2]", json!(["a", "c"])),
        ("$.data.list[::-1]", json!(["d", "c", "b", "a"])),
        ("$.data.list[2:0:-1]", json!(["c", "b"])),
        ("$.data.list[9:]", json!([])),
        ("$.data.list[0, -1]", json!(["a", "d"])),
        ("$.data.list[*]", json!(["a", "b", "c", "d"])),
        ("$.data['limit','none','nil']", json!([5, null])),
        ("$.data.map.*.n", json!([1, 2])),
        ("$.data.items[*].name", json!(["x", "y"])),
        ("$.data.items..name", json!(["x", "y"])),
        ("$.data.items[?(@.name == 'y')].n", json!([5])),
        ("$.data.items[?(@.name=='x' || @.n > 5)].n", json!([1, 9])),
        ("$.data.items[?(@.n >= $.data.limit && !@.ok)].n", json!([5, 9])),
        ("$.data.items[?(@.ok)].n", json!([1])),
        ("$.data.items[?(!(@.n != 9))].n", json!([9])),
        ("$.data.items[?(@.missing != 1)]", json!([])),
        ("$.data.map[?(@.n == 2)]", json!([{"n": 2}])),
    ] {
        assert_eq!(find(path, &sample()).unwrap(), expected, "{path}");
    }
}

#[test]
fn what_is_not_there_is_an_error() {
    use JsonPathError::{NoChildren, OutOfBounds, UnknownKey};
    let says = |path: &str| find(path, &sample()).unwrap_err();
    assert_eq!(says("$.data.missing"), UnknownKey("missing".into()));
    assert_eq!(says("$.data.list.x"), UnknownKey("x".into()));
    assert_eq!(says("$.data.list[4]"), OutOfBounds { index: 4, length: 4 });
    assert_eq!(says("$.data.list[-5]"), OutOfBounds { index: -5, length: 4 });
    assert_eq!(says("$.type.x"), NoChildren("x".into()));
}

#[test]
fn what_is_no_path_is_an_error_with_its_column() {
    for (path, column) in [
        ("", 1),
        ("data", 1),
        ("$data", 2),
        ("$.", 3),
        ("$.a[", 5),
        ("$.a['b", 5),
        ("$.a[]", 5),
        ("$.a[1:2:0]", 10),
        ("$.a[?(@.b ==)]", 13),
        ("$.a[?(@.b == 'c']", 17),
        ("$.a b", 5),
        ("$.a[99999999999999999999]", 25),
    ] {
        match JsonPath::parse(path) {
            Err(JsonPathError::Malformed { column: at, .. }) => assert_eq!(at, column, "{path}"),
            other => panic!("{path}: {other:?}"),
        }
    }
}

#[test]
fn work_is_bounded() {
    let long = format!("${}", ".a".repeat(PATH_BYTES_MAX));
    assert!(JsonPath::parse(&long).is_err());
    let deep = format!("$[?({}1{})]", "(".repeat(100), ")".repeat(100));
    assert!(JsonPath::parse(&deep).is_err());
    let wide = json!([vec![vec![0; 100]; 100], vec![vec![0; 100]; 100]]);
    assert_eq!(find("$..*", &wide).unwrap_err(), JsonPathError::TooMuch);
    let pairs = json!(vec![json!(vec![0; 1000]); 1000]);
    assert_eq!(find("$[?($[?(@ == 1)] == 1)]", &pairs).unwrap_err(), JsonPathError::TooMuch);
}
