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
    /// Whether somebody has declared it invalid.
    pub(crate) is_invalid: bool,
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
            is_invalid: evidence.invalid.is_some(),
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

/// What an answer says went wrong: its own words, or the objectives that an evaluation names as broken.
pub(crate) fn complaint(data: &Map<String, Value>) -> String {
    let said = text(data, "message");
    if !said.trim().is_empty() {
        return said.to_owned();
    }
    let results = array(object(data, "evaluation"), "indicatorResults").iter();
    let failed: Vec<Objective> = results
        .filter_map(Objective::read)
        .filter(|objective| objective.status == Status::Failed)
        .collect();
    let shown = failed.iter().take(OBJECTIVES_MAX).map(|objective| {
        let Objective { name, value, limit, .. } = objective;
        let has_limit = !limit.is_empty() && objective.message.is_empty();
        let limit = if has_limit { format!(", limit {limit}") } else { String::new() };
        format!("{name} {value}{limit}")
    });
    let more = failed.len().saturating_sub(OBJECTIVES_MAX);
    let more = (more > 0).then(|| format!("and {more} more"));
    shown.chain(more).collect::<Vec<_>>().join("; ")
}

/// The criteria that are broken; where none is, all of them.
fn limit(result: &Map<String, Value>) -> String {
    let targets = array(Some(result), "passTargets").iter().filter_map(Value::as_object);
    let criteria = |targets: &[&Map<String, Value>]| {
        let texts = targets.iter().map(|target| readable(text(target, "criteria")));
        texts.collect::<Vec<_>>().join(", ")
    };
    let all: Vec<_> = targets.collect();
    let is_broken =
        |target: &&&Map<String, Value>| target.get("violated") == Some(&Value::Bool(true));
    let broken: Vec<_> = all.iter().filter(is_broken).copied().collect();
    criteria(if broken.is_empty() { &all } else { &broken })
}

/// A criterion as people write it: `≤ +10%` for `<=+10%`. What is no comparison stays as it is.
fn readable(criterion: &str) -> String {
    let criterion = criterion.trim();
    let known = [("<=", "≤"), (">=", "≥"), ("<", "<"), (">", ">"), ("=", "=")];
    let found = known.iter().find_map(|(raw, sign)| Some((sign, criterion.strip_prefix(raw)?)));
    match found {
        Some((sign, target)) => format!("{sign} {}", target.trim_start()),
        None => criterion.to_owned(),
    }
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
        assert_eq!((failed.value.as_str(), failed.limit.as_str()), ("0.41", "< 0.4"));
        assert!(failed.is_key && failed.message.is_empty());
        let unread = read(json!({"status": "fail", "value": {"metric": "errors", "value": 0,
            "success": false, "message": "no data"}, "passTargets": [{"criteria": "<1"}]}));
        assert_eq!((unread.value.as_str(), unread.message.as_str()), ("not read", "no data"));
        assert_eq!(unread.limit.as_str(), "< 1");
    }

    #[test]
    fn an_evaluation_that_failed_names_what_it_broke() {
        let result = |name: &str, status: &str, success: bool| {
            json!({"displayName": name, "status": status, "passTargets": [{"criteria": "<0.4"}],
                "value": {"metric": name, "value": 0.52, "success": success, "message": "gone"}})
        };
        let says = |data: Value| complaint(data.as_object().unwrap());
        let results = [result("p95", "fail", true), result("p50", "pass", true)];
        let one = json!({"evaluation": {"indicatorResults": results}});
        assert_eq!(says(one), "p95 0.52, limit < 0.4");
        let unread: Vec<_> = (0..5).map(|n| result(&n.to_string(), "fail", false)).collect();
        let many = json!({"message": " ", "evaluation": {"indicatorResults": unread}});
        assert_eq!(says(many), "0 not read; 1 not read; 2 not read; and 2 more");
        assert_eq!(says(json!({"message": "no SLO", "evaluation": {}})), "no SLO");
        assert_eq!(says(json!({})), "");
    }

    #[test]
    fn a_criterion_reads_as_people_write_it() {
        let written = ["<0.4", "<=+10%", ">=400", "> -5", "=0", "90", "<=", ""].map(readable);
        assert_eq!(written, ["< 0.4", "≤ +10%", "≥ 400", "> -5", "= 0", "90", "≤ ", ""]);
    }

    #[test]
    fn what_is_no_objective_is_left_out() {
        for value in [json!(null), json!([]), json!({}), json!({"value": 3})] {
            assert!(Objective::read(&value).is_none(), "{value}");
        }
    }
}
