//! From objectives to alerts.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{Alert, Settings};
use crate::event::Scope;
use crate::quality::{Objective, Operator, Rule, Slo, Target};
use crate::sli::prometheus::{PROVIDER, Question};
use crate::sli::{GetSli, Queries, Window};

/// The alerts of a service in a stage, and which indicators have none for which reason.
pub(super) fn alerts(
    scope: &Scope,
    slo: &Slo,
    queries: &Queries,
    settings: &Settings,
) -> (Vec<Alert>, Vec<(String, String)>) {
    let (mut alerts, mut skipped) = (Vec::<Alert>::new(), Vec::new());
    for objective in &slo.objectives {
        let Some(limit) = limit(objective) else { continue };
        match expression(scope, &objective.sli, queries, limit, settings) {
            Ok(expression) => {
                // Keptn 1.4: an alert has the name of its indicator, and the last of a name is the one.
                alerts.retain(|alert| alert.indicator != objective.sli);
                alerts.push(Alert {
                    indicator: objective.sli.clone(),
                    expression,
                    after: settings.alert_after,
                    scope: scope.clone(),
                });
            }
            Err(why) => skipped.push((objective.sli.clone(), why)),
        }
    }
    (alerts, skipped)
}

/// What is a problem: the other side of the last pass criterion that names a fixed limit.
///
/// Keptn 1.4 goes by the text, and so passes over `<1e-5`, too; here that is the number that it is. What is
/// relative has no limit that an alert could watch, and what must be equal has two.
fn limit(objective: &Objective) -> Option<(&'static str, f64)> {
    let criteria = objective.pass.iter().flat_map(|group| &group.criteria);
    criteria.filter_map(|criterion| broken(&criterion.rule.ok()?)).next_back()
}

/// Keptn 1.4: the limit itself never is a problem, whether the criterion allows it or not.
fn broken(rule: &Rule) -> Option<(&'static str, f64)> {
    let Target::Fixed(limit) = rule.target else { return None };
    match rule.operator {
        Operator::Less | Operator::LessOrEqual => Some((">", limit)),
        Operator::Greater | Operator::GreaterOrEqual => Some(("<", limit)),
        Operator::Equal => None,
    }
}

/// The brackets are ours: a query may end with `or vector(0)`, which binds less than a comparison.
fn expression(
    scope: &Scope,
    indicator: &str,
    queries: &Queries,
    (operator, limit): (&str, f64),
    settings: &Settings,
) -> Result<String, String> {
    // Prometheus takes names for templates, and refuses the whole file where one is spoilt.
    if indicator.is_empty() || indicator.contains("{{") {
        return Err("an alert cannot have this name".to_owned());
    }
    let start = Timestamp::UNIX_EPOCH;
    let end = start + settings.alert_window;
    let asked = question(scope, indicator, start, end);
    let window = Window::parse(&asked.start, &asked.end).map_err(|error| error.to_string())?;
    let all = Question { asked: &asked, queries, window: &window };
    let query = all.query(indicator).map_err(|error| error.to_string())?;
    Ok(format!("({}) {operator} {limit}", query.trim()))
}

/// Keptn 1.4: an alert watches the primary deployment, without labels and without the filter of the file.
fn question(scope: &Scope, indicator: &str, start: Timestamp, end: Timestamp) -> GetSli {
    GetSli {
        scope: scope.clone(),
        labels: BTreeMap::new(),
        provider: PROVIDER.to_owned(),
        start: start.to_string(),
        end: end.to_string(),
        indicators: vec![indicator.to_owned()],
        filters: Vec::new(),
        deployment: String::new(),
        common: serde_json::Map::new(),
    }
}
