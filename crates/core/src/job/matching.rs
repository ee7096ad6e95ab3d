//! Whether an event is meant.

use regex::Regex;

use super::config::{EventPattern, PropertyMatch};
use super::event::EventObject;
use super::jsonpath::JsonPath;

impl EventPattern {
    /// Whether the event is meant. Keptn 1.4: a faulty expression or path means nothing, silently.
    #[must_use]
    pub fn matches(&self, event: &EventObject) -> bool {
        let name = Regex::new(&self.name);
        name.is_ok_and(|name| name.is_match(event.kind().as_str()))
            && self.property.as_ref().is_none_or(|property| property.matches(event))
    }
}

impl PropertyMatch {
    /// Keptn 1.4: only a text can be equal, never a number, a flag or a list.
    fn matches(&self, event: &EventObject) -> bool {
        let Ok(path) = JsonPath::parse(&self.path) else { return false };
        let found = path.find(event.value());
        found.is_ok_and(|value| value.as_str() == Some(self.text.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::plan::tests::event;

    #[test]
    fn patterns_match_as_keptns_do() {
        const TEST: &str = "sh.keptn.event.test.triggered";
        let event = event(TEST);
        for (name, property, expected) in [
            (TEST, None, true),
            ("sh.keptn.event.*.triggered", None, true),
            ("test", None, true),
            ("^test$", None, false),
            ("", None, true),
            ("sh.keptn.event.[", None, false),
            (TEST, Some(("$.data.test.teststrategy", "locust")), true),
            (TEST, Some(("$.data.test.teststrategy", "LOCUST")), false),
            (TEST, Some(("$.data.n", "2")), false),
            (TEST, Some(("$.data.flag", "true")), false),
            (TEST, Some(("$.data.missing", "")), false),
            (TEST, Some(("$.type", TEST)), true),
            (TEST, Some(("$.data.list[1]", "b")), true),
            (TEST, Some(("not a path", "")), false),
            ("deployment", Some(("$.data.list[1]", "b")), false),
        ] {
            let property = property.map(|(p, t)| PropertyMatch { path: p.into(), text: t.into() });
            let pattern = EventPattern { name: name.into(), property };
            assert_eq!(pattern.matches(&event), expected, "{pattern:?}");
        }
    }
}
