//! The next action for a problem, and the data of `get-action.finished`.

use serde_json::{Map, Value, json};

use super::REMEDIATION_PATH;
use super::file::{Action, Remediations};
use crate::event::{Outcome, Scope, answer_to};
use crate::excerpt::excerpt;
use crate::yaml::Place;

/// How much of a problem's name a message shows, in bytes.
const SHOWN_BYTES_MAX: usize = 1_000;

/// The data of a `get-action.triggered` event, checked.
#[derive(Debug, Clone, PartialEq)]
pub struct GetAction {
    /// Whose problem it is.
    pub scope: Scope,
    /// The problem.
    pub problem: Problem,
    /// How many actions were taken before.
    pub index: u64,
    /// What every answer begins with.
    common: Map<String, Value>,
}

/// What is known of a problem; each may be empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Problem {
    /// `problem.rootCause`
    pub root_cause: String,
    /// `problem.problemTitle`
    pub title: String,
}

/// Why the data cannot be read: which field, and what it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("Could not decode input event data: {0}")]
pub struct GetActionError(String);

/// Why there is no next action. The sequence ends with `fail`, and what Keptn has words for is said in them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoAction {
    /// The file has nothing for such a problem.
    #[error("unable to find action for {0}")]
    NoMatch(String),
    /// All actions for it were taken.
    #[error("there is no action with index {index} for {problem}")]
    NoMore {
        /// How many were taken before.
        index: u64,
        /// The problem.
        problem: String,
    },
    /// It does not say what to do. Keptn 1.4 hands it on all the same: nobody takes it, and the sequence ends
    /// after ten minutes.
    #[error(
        "{REMEDIATION_PATH}:{place}: the action with index {index} for {problem} does not say what to do; \
         write action: and the word that executors know it by, such as scale"
    )]
    Unnamed {
        /// Where it stands.
        place: Place,
        /// How many were taken before.
        index: u64,
        /// The problem.
        problem: String,
    },
}

impl NoAction {
    /// How `get-action` ends. What the file does not have is an answer; what it has and nobody can act upon is an
    /// error.
    fn outcome(&self) -> Outcome {
        match self {
            Self::NoMatch(_) | Self::NoMore { .. } => Outcome::FAIL,
            Self::Unnamed { .. } => Outcome::ERROR,
        }
    }
}

impl Problem {
    /// What Keptn calls it in its messages.
    fn name(&self) -> String {
        if !self.root_cause.is_empty() {
            format!("root cause {}", excerpt(&self.root_cause, SHOWN_BYTES_MAX))
        } else if !self.title.is_empty() {
            format!("problem title {}", excerpt(&self.title, SHOWN_BYTES_MAX))
        } else {
            "problem type default".to_owned()
        }
    }
}

impl Remediations {
    /// The action for a problem after `index` others. Keptn 1.4: the first remediation whose type is the
    /// root cause, else the title, else `default`, letter by letter; an empty root cause is that of a
    /// remediation without a type.
    ///
    /// # Errors
    /// There is none, or no more, or it does not say what to do.
    pub fn action(&self, problem: &Problem, index: u64) -> Result<&Action, NoAction> {
        let of = |wanted: &str| self.remediations.iter().find(|r| r.problem_type == wanted);
        let found =
            of(&problem.root_cause).or_else(|| of(&problem.title)).or_else(|| of("default"));
        let remediation = found.ok_or_else(|| NoAction::NoMatch(problem.name()))?;
        let place = usize::try_from(index).ok();
        let action = place.and_then(|place| remediation.actions.get(place));
        let action = action.ok_or_else(|| NoAction::NoMore { index, problem: problem.name() })?;
        if action.action.trim().is_empty() {
            return Err(NoAction::Unnamed { place: action.place, index, problem: problem.name() });
        }
        Ok(action)
    }
}

impl GetAction {
    /// Reads the data of a `get-action.triggered` event. Null is as good as absent.
    ///
    /// # Errors
    /// The first field that is missing or of another kind.
    pub fn of(data: &Map<String, Value>) -> Result<Self, GetActionError> {
        let scope = Scope::of(data).map_err(GetActionError)?;
        let problem = object(data, "problem")?;
        let field = |key: &str| match problem.and_then(|problem| any_case(problem, key)) {
            Some(Value::String(text)) => Ok(text.clone()),
            None | Some(Value::Null) => Ok(String::new()),
            Some(_) => Err(GetActionError(format!("data.problem.{key} must be a text"))),
        };
        let problem = Problem { root_cause: field("rootCause")?, title: field("problemTitle")? };
        let index = match object(data, "get-action")?.and_then(|asked| asked.get("actionIndex")) {
            None | Some(Value::Null) => 0,
            Some(index) => index.as_u64().ok_or_else(|| {
                GetActionError(
                    "data.get-action.actionIndex must be a whole number from 0".to_owned(),
                )
            })?,
        };
        Ok(Self { scope, problem, index, common: answer_to(data) })
    }

    /// The data of `get-action.started`.
    #[must_use]
    pub fn started(&self) -> Map<String, Value> {
        self.common.clone()
    }

    /// The data of `get-action.finished`. `file` is the text of [`REMEDIATION_PATH`] of the service; none
    /// where there is no such file.
    #[must_use]
    pub fn answer(&self, file: Option<&str>) -> Map<String, Value> {
        let Some(text) = file else {
            let Scope { service, stage, .. } = &self.scope;
            return self.ended(
                Outcome::ERROR,
                &format!(
                    "Could not get remediation.yaml file for services {service} in stage {stage}."
                ),
            );
        };
        let file = match Remediations::parse(text) {
            Ok(file) => file,
            Err(error) => {
                // Keptn 1.4 says the first two sentences, and keeps the reason to itself.
                let message = format!(
                    "Could not parse remediation.yaml file. Please validate it against the \
                     specification. {REMEDIATION_PATH}:{error}"
                );
                return self.ended(Outcome::ERROR, &message);
            }
        };
        match file.action(&self.problem, self.index) {
            Ok(action) => self.found(action),
            Err(none) => self.ended(none.outcome(), &none.to_string()),
        }
    }

    fn found(&self, action: &Action) -> Map<String, Value> {
        let mut data = self.common.clone();
        Outcome::PASS.write(&mut data);
        let mut fields = json!({"name": action.name, "action": action.action});
        // Keptn 1.4: these two are left out where they are empty.
        if !action.description.is_empty() {
            fields["description"] = Value::from(action.description.as_str());
        }
        if !action.value.is_null() {
            fields["value"] = action.value.clone();
        }
        data.insert("action".to_owned(), fields);
        let next = self.index.saturating_add(1);
        data.insert("get-action".to_owned(), json!({"actionIndex": next}));
        data
    }

    fn ended(&self, outcome: Outcome, message: &str) -> Map<String, Value> {
        ended(self.common.clone(), outcome, message)
    }
}

/// The data of `get-action.finished` when nothing could be looked for. `asked` is the data of
/// `get-action.triggered`, whatever they are.
#[must_use]
pub fn errored(asked: &Map<String, Value>, message: &str) -> Map<String, Value> {
    ended(answer_to(asked), Outcome::ERROR, message)
}

fn ended(mut data: Map<String, Value>, outcome: Outcome, message: &str) -> Map<String, Value> {
    outcome.write(&mut data);
    data.insert("message".to_owned(), Value::from(message));
    data
}

fn object<'a>(
    data: &'a Map<String, Value>,
    key: &str,
) -> Result<Option<&'a Map<String, Value>>, GetActionError> {
    match data.get(key) {
        Some(Value::Object(fields)) => Ok(Some(fields)),
        None | Some(Value::Null) => Ok(None),
        Some(_) => Err(GetActionError(format!("data.{key} must be an object"))),
    }
}

/// Keptn's decoder does not mind the case of keys, and alerts come with `ProblemTitle`.
fn any_case<'a>(fields: &'a Map<String, Value>, key: &str) -> Option<&'a Value> {
    fields.get(key).or_else(|| {
        fields.iter().find(|(name, _)| name.eq_ignore_ascii_case(key)).map(|(_, value)| value)
    })
}
