//! `--labels a=b,c=d` and `--values a.b=c`, as Keptn's client reads them.

use serde_json::{Map, Value};

use super::Failure;

/// Labels, each `key=value`. Values keep further `=`.
pub(super) fn labels(pairs: &[String]) -> Result<Map<String, Value>, Failure> {
    let mut labels = Map::new();
    for pair in pairs {
        let (key, value) = pair
            .split_once('=')
            .ok_or_else(|| Failure(format!("{pair} must be formatted as key=value")))?;
        labels.insert(key.to_owned(), Value::from(value));
    }
    Ok(labels)
}

/// Values by their paths: `a.b=c` is `{"a": {"b": "c"}}`.
pub(super) fn nested(pairs: &[String]) -> Result<Map<String, Value>, Failure> {
    let refuse = || Failure("unable to parse input. Expected input: a.b.c=v".to_owned());
    let mut values = Map::new();
    for pair in pairs {
        let (path, value) = pair.split_once('=').ok_or_else(refuse)?;
        if value.contains('=') || path.split('.').any(str::is_empty) {
            return Err(refuse());
        }
        let mut keys: Vec<&str> = path.split('.').collect();
        let last = keys.pop().ok_or_else(refuse)?;
        let mut place = &mut values;
        for key in keys {
            let below = place.entry(key).or_insert_with(|| Value::Object(Map::new()));
            place = below.as_object_mut().ok_or_else(refuse)?;
        }
        place.insert(last.to_owned(), Value::from(value));
    }
    Ok(values)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn texts(pairs: &[&str]) -> Vec<String> {
        pairs.iter().map(|pair| (*pair).to_owned()).collect()
    }

    #[test]
    fn labels_and_values_are_read() {
        let read = labels(&texts(&["image=a", "url=x?a=b"])).unwrap();
        assert_eq!(Value::from(read), json!({"image": "a", "url": "x?a=b"}));
        let read = nested(&texts(&["a.b=c", "a.d=e", "f=g"])).unwrap();
        assert_eq!(Value::from(read), json!({"a": {"b": "c", "d": "e"}, "f": "g"}));
    }

    #[test]
    fn what_is_no_pair_is_refused() {
        assert!(labels(&texts(&["x"])).is_err());
        for bad in [&["x"][..], &["a..b=c"], &["=c"], &["a=b=c"], &["a=b", "a.b=c"]] {
            assert!(nested(&texts(bad)).is_err(), "{bad:?}");
        }
    }
}
