//! From an alert to the problem that a remediation begins with.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::body::{Alert, BodyError, alerts};
use super::context::context_of;
use crate::event::{EventType, LABEL_BYTES_MAX, Phase, Scope};
use crate::excerpt::excerpt;
use crate::names::{ContextId, ProjectName, ServiceName, StageName};
use crate::remediation::{self, OPEN, RESOLVED};

/// `source` of the events that alerts become.
pub const SOURCE: &str = "prometheus";

/// What one alert means.
#[derive(Debug, Clone, PartialEq)]
pub enum Notice {
    /// A problem has begun, or still lasts.
    Firing(Problem),
    /// A problem is over: what was begun in its context is not needed any more.
    Resolved {
        /// Whose problem it was.
        scope: Scope,
        /// The context that its beginning had.
        context: ContextId,
    },
}

/// A problem, as the event that begins its remediation.
#[derive(Debug, Clone, PartialEq)]
pub struct Problem {
    /// Whose problem it is.
    pub scope: Scope,
    /// Its context, the same for every message about it; none where the alert has no fingerprint, which
    /// makes each message a problem of its own.
    pub context: Option<ContextId>,
    /// `sh.keptn.event.<stage>.remediation.triggered`, see [`begins`].
    pub kind: EventType,
    /// The data of the event.
    pub data: Map<String, Value>,
}

/// Why an alert cannot be acted upon.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("alert {name:?}: {problem}")]
pub struct AlertError {
    /// Its label `alertname`, or its annotation `summary`.
    name: String,
    problem: String,
}

/// Reads the body of a webhook: what each alert means, in their order. One that cannot be acted upon does
/// not keep the others from being heard.
///
/// # Errors
/// The body is no message of Alertmanager's.
pub fn read(body: &[u8]) -> Result<Vec<Result<Notice, AlertError>>, BodyError> {
    Ok(alerts(body)?.iter().map(Alert::notice).collect())
}

/// The type of the event that begins a remediation.
#[must_use]
pub fn begins(scope: &Scope) -> EventType {
    EventType::sequence(&scope.stage, &remediation::sequence(), Phase::Triggered)
}

/// The event that keeps a problem that nothing remedies, from the data of the one that would have begun its
/// remediation: with the reason.
#[must_use]
pub fn left_open(begins: &Map<String, Value>, reason: &str) -> (EventType, Map<String, Value>) {
    let mut data = begins.clone();
    data.insert("message".to_owned(), Value::from(reason));
    (EventType::new(OPEN), data)
}

/// The event that says that a problem is over, from the data of the one that said that it began.
#[must_use]
pub fn resolved(scope: &Scope, begun: &Map<String, Value>) -> (EventType, Map<String, Value>) {
    let mut data = Map::new();
    scope.write(&mut data);
    let mut problem = match begun.get("problem") {
        Some(Value::Object(problem)) => problem.clone(),
        _ => Map::new(),
    };
    problem.insert("State".to_owned(), Value::from("RESOLVED"));
    data.insert("problem".to_owned(), Value::Object(problem));
    (EventType::new(RESOLVED), data)
}

impl Alert {
    fn notice(&self) -> Result<Notice, AlertError> {
        let scope = self.scope()?;
        let fingerprint = !self.fingerprint.is_empty();
        let context =
            fingerprint.then(|| context_of(&format!("{}{}", self.fingerprint, self.starts_at)));
        match (self.status.as_str(), context) {
            ("firing", context) => self.problem(scope, context).map(Notice::Firing),
            ("resolved", Some(context)) => Ok(Notice::Resolved { scope, context }),
            ("resolved", None) => {
                Err(self.error("it has no fingerprint, so nobody knows which problem is over"))
            }
            (other, _) => {
                let shown = excerpt(other, 64);
                Err(self.error(format!("its status is {shown:?}, neither firing nor resolved")))
            }
        }
    }

    /// All labels that are missing are named at once: a rule is then mended once.
    fn scope(&self) -> Result<Scope, AlertError> {
        let wanted = ["project", "stage", "service"];
        let missing: Vec<_> = wanted.into_iter().filter(|key| self.label(key).is_empty()).collect();
        if !missing.is_empty() {
            return Err(self.error(format!(
                "it lacks the label{} {}, which the rule of the alert must set",
                if missing.len() == 1 { "" } else { "s" },
                missing.join(", ")
            )));
        }
        let invalid =
            |error: crate::names::NameError| self.error(format!("by its labels, {error}"));
        Ok(Scope {
            project: ProjectName::new(self.label("project")).map_err(invalid)?,
            stage: StageName::new(self.label("stage")).map_err(invalid)?,
            service: ServiceName::new(self.label("service")).map_err(invalid)?,
        })
    }

    fn problem(&self, scope: Scope, context: Option<ContextId>) -> Result<Problem, AlertError> {
        // Keptn 1.4 takes the summary alone, and would look for a remediation of the empty type.
        let title = first([self.annotation("summary"), self.label("alertname")]);
        if title.is_empty() {
            return Err(self.error("it has neither the annotation summary nor the label alertname"));
        }
        // Keptn's own rules write it with an s.
        let details = first([self.annotation("descriptions"), self.annotation("description")]);
        let deployment = self.labels.get("deployment").into_iter();
        let mut data = Map::new();
        scope.write(&mut data);
        let mut labels = Map::new();
        // A label is bounded, and the address holds the whole query of the rule.
        if !self.generator_url.is_empty() && self.generator_url.len() <= LABEL_BYTES_MAX {
            labels.insert("Problem URL".to_owned(), Value::from(self.generator_url.as_str()));
        }
        data.insert("labels".to_owned(), Value::Object(labels));
        let problem = json!({
            "State": "OPEN",
            "ProblemID": "",
            "ProblemTitle": title,
            "ProblemDetails": {"problemDetails": details},
            "PID": "",
            "ProblemURL": self.generator_url,
            "ImpactedEntity": self.label("pod_name"),
            "project": scope.project.as_str(),
            "stage": scope.stage.as_str(),
            "service": scope.service.as_str(),
            "labels": deployment.clone().map(|name| ("deployment", name)).collect::<BTreeMap<_, _>>(),
        });
        data.insert("problem".to_owned(), problem);
        let names: Vec<_> = deployment.collect();
        data.insert("deployment".to_owned(), json!({"deploymentNames": names}));
        let kind = begins(&scope);
        Ok(Problem { scope, context, kind, data })
    }

    fn label(&self, key: &str) -> &str {
        self.labels.get(key).map(String::as_str).unwrap_or_default()
    }

    fn annotation(&self, key: &str) -> &str {
        self.annotations.get(key).map(String::as_str).unwrap_or_default()
    }

    fn error(&self, problem: impl Into<String>) -> AlertError {
        let name = first([self.label("alertname"), self.annotation("summary")]);
        AlertError { name: excerpt(name, 100).into_owned(), problem: problem.into() }
    }
}

/// The first text that is not empty.
fn first(texts: [&str; 2]) -> &str {
    texts.into_iter().find(|text| !text.is_empty()).unwrap_or_default()
}

#[cfg(test)]
mod tests;
