//! The quality gate on a card: what the last evaluation says, and its worst objectives.

use serde_json::{Map, Value};
use tidegate_core::event::text;

use super::asked::Asked;
use super::points;
use crate::view::number::number;
use crate::view::{Chip, Status, Text, When};
use crate::visitor::Visitor;

/// Objectives that a card shows; the rest is one link away.
const OBJECTIVES_MAX: usize = 3;

/// The last evaluation that an approval is based on.
pub(crate) struct Gate {
    pub(crate) chip: Chip,
    pub(crate) stage: Text,
    pub(crate) at: When,
    /// The worst first.
    pub(crate) objectives: Vec<Objective>,
    /// How many more there are.
    pub(crate) more: usize,
    /// Its page.
    pub(crate) href: String,
}

/// One indicator and what it had to be.
pub(crate) struct Objective {
    pub(crate) name: Text,
    pub(crate) is_key: bool,
    pub(crate) value: Text,
    /// The criteria, the broken ones first.
    pub(crate) limit: Text,
    pub(crate) status: Status,
    /// Why there is no value.
    pub(crate) message: Text,
}

impl Gate {
    /// The last evaluation of an approval; none where there is none.
    pub(super) fn of(asked: &Asked, visitor: &Visitor) -> Option<Self> {
        let measured = asked.approval.evidence.iter().zip(&asked.results).rev();
        let (evidence, row) = measured
            .filter(|(evidence, _)| evidence.task == "evaluation")
            .find_map(|(evidence, measured)| Some((evidence, &measured.as_ref()?.row)))?;
        let evaluation = object(&row.event.data, "evaluation");
        let score = evaluation.and_then(|evaluation| evaluation.get("score")?.as_f64());
        let mut objectives: Vec<Objective> =
            array(evaluation, "indicatorResults").iter().filter_map(Objective::read).collect();
        objectives.sort_by_key(|objective| severity(&objective.status));
        let more = objectives.len().saturating_sub(OBJECTIVES_MAX);
        objectives.truncate(OBJECTIVES_MAX);
        Some(Self {
            chip: Chip {
                status: Status::of_result(&evidence.result),
                more: score.map(|score| Text::line(points(score))).unwrap_or_default(),
            },
            stage: Text::line(&evidence.stage),
            at: When::new(row.event.time, visitor.now),
            objectives,
            more,
            href: format!("/bridge/evaluation/{}/{}", row.event.context, evidence.event),
        })
    }
}

impl Objective {
    fn read(result: &Value) -> Option<Self> {
        let result = result.as_object()?;
        let value = object(result, "value")?;
        let name = match text(result, "displayName") {
            "" => text(value, "metric"),
            name => name,
        };
        let is_read = value.get("success").and_then(Value::as_bool).unwrap_or(true);
        let shown = value.get("value").and_then(Value::as_f64).filter(|_| is_read).map(number);
        Some(Self {
            name: Text::line(name),
            is_key: result.get("keySli").and_then(Value::as_bool).unwrap_or(false),
            value: Text::line(shown.as_deref().unwrap_or("not read")),
            limit: Text::line(limit(result)),
            status: Status::of_result(text(result, "status")),
            message: Text::line(if is_read { "" } else { text(value, "message") }),
        })
    }
}

/// The criteria that are broken; where none is, all of them.
fn limit(result: &Map<String, Value>) -> String {
    let targets = array(Some(result), "passTargets").iter().filter_map(Value::as_object);
    let criteria = |targets: &[&Map<String, Value>]| {
        let texts: Vec<&str> = targets.iter().map(|target| text(target, "criteria")).collect();
        texts.join(", ")
    };
    let all: Vec<_> = targets.collect();
    let is_broken =
        |target: &&&Map<String, Value>| target.get("violated") == Some(&Value::Bool(true));
    let broken: Vec<_> = all.iter().filter(is_broken).copied().collect();
    criteria(if broken.is_empty() { &all } else { &broken })
}

fn severity(status: &Status) -> u8 {
    match status {
        Status::Failed => 0,
        Status::Warning => 1,
        Status::Passed => 2,
        _ => 3,
    }
}

fn object<'a>(data: &'a Map<String, Value>, key: &str) -> Option<&'a Map<String, Value>> {
    data.get(key)?.as_object()
}

fn array<'a>(data: Option<&'a Map<String, Value>>, key: &str) -> &'a [Value] {
    data.and_then(|data| data.get(key)?.as_array()).map_or(&[], Vec::as_slice)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_objective_shows_what_it_broke() {
        let read = |value: Value| Objective::read(&value).unwrap();
        let failed = read(json!({"displayName": "", "keySli": true, "status": "fail",
            "value": {"metric": "response_time_p95", "value": 0.410_04, "success": true},
            "passTargets": [{"criteria": "<=+10%", "violated": false},
                {"criteria": "<0.4", "violated": true}]}));
        assert_eq!(failed.name.as_str(), "response_time_p95");
        assert_eq!((failed.value.as_str(), failed.limit.as_str()), ("0.41", "<0.4"));
        assert!(failed.is_key && failed.message.is_empty());
        let unread = read(json!({"status": "fail", "value": {"metric": "errors", "value": 0,
            "success": false, "message": "no data"}, "passTargets": [{"criteria": "<1"}]}));
        assert_eq!((unread.value.as_str(), unread.message.as_str()), ("not read", "no data"));
        assert_eq!(unread.limit.as_str(), "<1");
    }

    #[test]
    fn what_is_no_objective_is_left_out() {
        for value in [json!(null), json!([]), json!({}), json!({"value": 3})] {
            assert!(Objective::read(&value).is_none(), "{value}");
        }
    }
}
