//! The variables of a task, and its command with them filled in.

use std::collections::BTreeMap;
use std::fmt;

use super::event::EventObject;
use super::expand::expand;
use super::jsonpath::{JsonPath, JsonPathError};
use super::plan::PlannedTask;
use super::print;

/// One entry of `env`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnvEntry {
    /// The name of the variable, or of the secret.
    pub name: String,
    /// The text, or the path to it.
    pub value: String,
    /// Where the value comes from.
    pub source: EnvSource,
}

/// Where the value of a variable comes from (`valueFrom`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EnvSource {
    /// A JSONPath into the event, written in this form.
    Event(Format),
    /// A secret: every key of it becomes a variable of that name.
    Secret,
    /// The text itself.
    Literal,
    /// Something that we do not know.
    Unknown(String),
}

/// How a value of the event is written (`as`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// A text as it is, a mapping as JSON, anything else as Go prints it.
    Plain,
    /// JSON in one line.
    Json,
    /// YAML.
    Yaml,
}

/// What a task runs, with every variable known and every reference filled in.
#[derive(Clone, PartialEq, Eq)]
pub struct PreparedTask {
    /// The program and its first arguments; empty means what the image runs by itself.
    pub cmd: Vec<String>,
    /// The arguments after `cmd`.
    pub args: Vec<String>,
    /// The variables.
    pub env: BTreeMap<String, String>,
    /// The values that came from secrets: they must not be shown anywhere.
    pub secrets: Vec<String>,
}

impl fmt::Debug for PreparedTask {
    /// Commands and values can hold secrets, so only names are shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PreparedTask")
            .field("variables", &self.env.keys().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

/// Why a variable has no value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EnvError {
    /// The path is none or finds nothing.
    #[error("could not add env with name '{name}', value '{path}', valueFrom 'event': {source}")]
    Event {
        /// The variable.
        name: String,
        /// The path.
        path: String,
        /// What is wrong with it.
        source: JsonPathError,
    },
    /// No such secret.
    #[error(
        "could not add env with name '{0}', valueFrom 'secret': there is no secret of that name; \
         add it to the server's secrets"
    )]
    NoSecret(String),
    /// Another `valueFrom`.
    #[error(
        "could not add env with name {name}, unknown valueFrom {found}; use event, secret or string"
    )]
    UnknownSource {
        /// The variable.
        name: String,
        /// What the file says.
        found: String,
    },
    /// The operating system has no such variables.
    #[error("{0:?} cannot be the name of a variable; use letters, digits and _")]
    Name(String),
}

impl PlannedTask {
    /// Fills in everything that depends on the event and on secrets.
    ///
    /// Order, later ones replacing earlier: the task's own, `KEPTN_PROJECT`, `KEPTN_STAGE`,
    /// `KEPTN_SERVICE`, `LABELS_*`. A literal value may refer to variables before it. What comes from
    /// the event or a secret is never expanded: otherwise whoever sends an event could ask for a
    /// secret by writing `$(ITS_NAME)`.
    ///
    /// # Errors
    /// The first variable that cannot be had.
    pub fn prepare(
        &self,
        event: &EventObject,
        secret: impl Fn(&str) -> Option<BTreeMap<String, String>>,
    ) -> Result<PreparedTask, EnvError> {
        let mut env = BTreeMap::new();
        let mut secrets = Vec::new();
        for entry in &self.task.env {
            match &entry.source {
                EnvSource::Event(format) => {
                    put(&mut env, &entry.name, from_event(event, entry, *format)?)?;
                }
                EnvSource::Secret => {
                    let keys = secret(&entry.name).ok_or(EnvError::NoSecret(entry.name.clone()))?;
                    for (key, value) in keys {
                        secrets.push(value.clone());
                        put(&mut env, &key, value)?;
                    }
                }
                EnvSource::Literal => {
                    let value = expand(&entry.value, &env);
                    put(&mut env, &entry.name, value)?;
                }
                EnvSource::Unknown(found) => {
                    let (name, found) = (entry.name.clone(), found.clone());
                    return Err(EnvError::UnknownSource { name, found });
                }
            }
        }
        for key in ["project", "stage", "service"] {
            let name = format!("KEPTN_{}", key.to_ascii_uppercase());
            env.insert(name, event.data_text(key).to_owned());
        }
        env.extend(event.labels().map(|(key, value)| (label_name(&key), value)));
        Ok(PreparedTask {
            cmd: self.task.cmd.iter().map(|text| expand(text, &env)).collect(),
            args: self.task.args.iter().map(|text| expand(text, &env)).collect(),
            env,
            secrets,
        })
    }
}

fn put(env: &mut BTreeMap<String, String>, name: &str, value: String) -> Result<(), EnvError> {
    if name.is_empty() || name.contains(['=', '\0']) {
        return Err(EnvError::Name(name.to_owned()));
    }
    env.insert(name.to_owned(), value);
    Ok(())
}

fn from_event(event: &EventObject, entry: &EnvEntry, format: Format) -> Result<String, EnvError> {
    let refuse =
        |source| EnvError::Event { name: entry.name.clone(), path: entry.value.clone(), source };
    let path = JsonPath::parse(&entry.value).map_err(refuse)?;
    let value = path.find(event.value()).map_err(refuse)?;
    Ok(match format {
        Format::Plain => print::plain(&value),
        Format::Json => print::json(&value),
        Format::Yaml => print::yaml(&value),
    })
}

/// Keptn 1.4: upper case, with `_` for `-` and blanks; here also for what no name can hold.
fn label_name(key: &str) -> String {
    let key = key.to_uppercase().replace(['-', ' ', '=', '\0'], "_");
    format!("LABELS_{key}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::JobConfig;
    use crate::job::plan::tests::event;

    fn prepare(task: &str) -> Result<PreparedTask, EnvError> {
        let text = format!("apiVersion: v2\nactions: [{{ tasks: [{task}] }}]\n");
        let task = JobConfig::parse(&text).unwrap().actions[0].tasks[0].clone();
        let secrets = |name: &str| {
            let keys = [("USER", "admin"), ("TOKEN", "s3cret $(USER)")];
            (name == "registry").then(|| keys.map(|(k, v)| (k.into(), v.into())).into())
        };
        PlannedTask { index: 1, task }.prepare(&event("sh.keptn.event.test.triggered"), secrets)
    }

    #[test]
    fn values_of_the_event_are_written_as_keptn_does() {
        for (path, format, expected) in [
            ("$.data.n", "", "2"),
            ("$.data.big", "", "1e+06"),
            ("$.data.flag", "", "true"),
            ("$.data.list", "", "[a b]"),
            ("$.data.list", "json", r#"["a","b"]"#),
            ("$.data.map", "", r#"{"k":1}"#),
            ("$.data.map", "YAML", "k: 1\n"),
            ("$.data.nil", "", "<nil>"),
            ("$.data.project", "Json", r#""p""#),
            ("$.data.project", "", "p"),
            ("$.type", "", "sh.keptn.event.test.triggered"),
        ] {
            let task = format!(
                "{{ env: [{{ name: X, value: {path:?}, valueFrom: event, as: {format:?} }}] }}"
            );
            assert_eq!(prepare(&task).unwrap().env["X"], expected, "{path} as {format}");
        }
    }

    #[test]
    fn what_cannot_be_had_is_said_in_keptns_words() {
        let says = |entry: &str| prepare(&format!("{{ env: [{entry}] }}")).unwrap_err().to_string();
        assert_eq!(
            says("{ name: N, value: $.data.missing, valueFrom: event }"),
            "could not add env with name 'N', value '$.data.missing', valueFrom 'event': \
             unknown key missing"
        );
        assert!(
            says("{ name: N, value: x, valueFrom: configmap }")
                .starts_with("could not add env with name N, unknown valueFrom configmap")
        );
        assert!(says("{ name: N, value: x }").contains("unknown valueFrom"));
        assert!(says("{ name: nope, valueFrom: secret }").contains("no secret of that name"));
        assert!(says("{ name: 'a=b', value: x, valueFrom: string }").contains("a=b"));
    }

    #[test]
    fn scope_and_labels_follow_the_tasks_own() {
        let task =
            prepare("{ env: [{ name: KEPTN_STAGE, value: x, valueFrom: string }] }").unwrap();
        let env: Vec<_> = task.env.iter().map(|(k, v)| format!("{k}={v}")).collect();
        let expected =
            ["KEPTN_PROJECT=p", "KEPTN_SERVICE=v", "KEPTN_STAGE=s", "LABELS_BUILD_ID=17"];
        assert_eq!(env[..4], expected);
        assert_eq!(env[4], "LABELS_MY_KEY=x");
    }

    #[test]
    fn references_are_filled_in_once_and_only_in_the_files_own_text() {
        let task = prepare(
            "{ cmd: [run, $(FIRST)], args: ['-t', $(TOKEN), $(KEPTN_STAGE), $$(FIRST), $(NO)],
               env: [{ name: FIRST, value: '1$(LATER)', valueFrom: string },
                     { name: registry, valueFrom: secret },
                     { name: LATER, value: $(FIRST)-$(USER), valueFrom: string }] }",
        )
        .unwrap();
        assert_eq!(task.env["FIRST"], "1$(LATER)");
        assert_eq!(task.env["LATER"], "1$(LATER)-admin");
        assert_eq!(task.cmd, ["run", "1$(LATER)"]);
        assert_eq!(task.args, ["-t", "s3cret $(USER)", "s", "$(FIRST)", "$(NO)"]);
        assert_eq!(task.secrets, ["s3cret $(USER)", "admin"]);
    }

    #[test]
    fn an_event_cannot_ask_for_a_secret() {
        let config = "{ env: [{ name: registry, valueFrom: secret },
                              { name: X, value: $.data.image, valueFrom: event }] }";
        let text = format!("apiVersion: v2\nactions: [{{ tasks: [{config}] }}]\n");
        let task = JobConfig::parse(&text).unwrap().actions[0].tasks[0].clone();
        let event = EventObject::of(&serde_json::json!({"data": {"image": "x:$(TOKEN)"}}));
        let secret = |_: &str| Some([("TOKEN".to_owned(), "s3cret".to_owned())].into());
        let prepared = PlannedTask { index: 1, task }.prepare(&event, secret).unwrap();
        assert_eq!(prepared.env["X"], "x:$(TOKEN)");
    }

    #[test]
    fn debug_output_holds_no_value() {
        let task = prepare("{ env: [{ name: registry, valueFrom: secret }] }").unwrap();
        let shown = format!("{task:?}");
        assert!(shown.contains("TOKEN") && !shown.contains("s3cret"), "{shown}");
    }
}
