//! Reading `remediation.yaml`: what Keptn 1.4 rejects is an error here too, what it ignores is ignored.

use serde_json::Value;

use crate::yaml::{self, Key, Node, Place, Tree, YamlError, field};

/// The only `apiVersion` that Keptn 1.4 takes.
pub const SPEC_VERSION: &str = "spec.keptn.sh/0.1.4";

/// A remediation file.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Remediations {
    /// One for each type of problem, in file order. The first that matches counts.
    pub remediations: Vec<Remediation>,
}

/// What to do about one type of problem.
#[derive(Debug, Clone, PartialEq)]
pub struct Remediation {
    /// A root cause, the title of a problem, or `default`; may be empty.
    pub problem_type: String,
    /// The actions, to be taken one after the other as long as the problem lasts.
    pub actions: Vec<Action>,
}

/// One action. A task of that name does it.
#[derive(Debug, Clone, PartialEq)]
pub struct Action {
    /// Where it stands.
    pub place: Place,
    /// What people call it.
    pub name: String,
    /// What executors know it by, such as `scale`. Empty where nothing is written: nobody can take it.
    pub action: String,
    /// Why it helps.
    pub description: String,
    /// What the executor is told: any value; null where nothing is written.
    pub value: Value,
}

impl Remediations {
    /// Reads a file.
    ///
    /// # Errors
    /// It is no YAML, too large, of another version, or not of that shape: with the place.
    pub fn parse(text: &str) -> Result<Self, YamlError> {
        let file = yaml::parse_file(text)?;
        let fields = file.entries("a remediation file")?;
        version(&file, field(fields, "apiVersion"))?;
        let Some(spec) = field(fields, "spec") else { return Ok(Self::default()) };
        let Some(listed) = field(spec.entries("spec")?, "remediations") else {
            return Ok(Self::default());
        };
        let read = listed.items("remediations")?.iter().map(remediation);
        // An entry that does not say what to do is passed over, as by Keptn 1.4.
        let remediations = read.filter_map(Result::transpose).collect::<Result<_, _>>()?;
        Ok(Self { remediations })
    }
}

fn version(file: &Node, node: Option<&Node>) -> Result<(), YamlError> {
    let Some(node) = node else {
        return Err(file.error(format!("apiVersion is missing; write apiVersion: {SPEC_VERSION}")));
    };
    match node.scalar("apiVersion")?.as_str() {
        SPEC_VERSION => Ok(()),
        other => Err(node.error(format!("apiVersion {other:?} is not {SPEC_VERSION}"))),
    }
}

/// None for an entry without actions.
fn remediation(node: &Node) -> Result<Option<Remediation>, YamlError> {
    let fields = node.entries("a remediation")?;
    let problem_type = text(fields, "problemType")?;
    let Some(listed) = field(fields, "actionsOnOpen").filter(|node| node.tree != Tree::Null) else {
        return Ok(None);
    };
    let actions = listed.items("actionsOnOpen")?.iter().map(action).collect::<Result<_, _>>()?;
    Ok(Some(Remediation { problem_type, actions }))
}

fn action(node: &Node) -> Result<Action, YamlError> {
    let fields = node.entries("an action")?;
    Ok(Action {
        place: node.place,
        name: text(fields, "name")?,
        action: text(fields, "action")?,
        description: text(fields, "description")?,
        value: field(fields, "value").map_or(Value::Null, Node::to_json),
    })
}

fn text(fields: &[(Key, Node)], name: &str) -> Result<String, YamlError> {
    field(fields, name).map_or(Ok(String::new()), |node| node.scalar(name))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_field_is_read() {
        let text = "\
apiVersion: spec.keptn.sh/0.1.4
kind: Remediation
metadata: { name: carts-remediation }
spec:
  remediations:
    - problemType: Response time degradation
      actionsOnOpen:
        - name: Scale
          action: scale
          description: one more
          value: { replicas: 2, zones: [a, b], fast: true, note: }
        - action: escalate
          value: \"2\"
        - {action: 7, value: 1.5}
    - actionsOnOpen: []
    - problemType: nothing
    - problemType: default
      actionsOnOpen:
";
        let file = Remediations::parse(text).unwrap();
        let types: Vec<_> = file.remediations.iter().map(|r| r.problem_type.as_str()).collect();
        assert_eq!(types, ["Response time degradation", ""]);
        let actions = &file.remediations[0].actions;
        let scale = Action {
            place: Place { line: 8, column: 11 },
            name: "Scale".into(),
            action: "scale".into(),
            description: "one more".into(),
            value: json!({"replicas": 2, "zones": ["a", "b"], "fast": true, "note": null}),
        };
        assert_eq!(actions[0], scale);
        assert_eq!(actions[1].value, json!("2"));
        assert_eq!((actions[2].action.as_str(), &actions[2].value), ("7", &json!(1.5)));
        assert!(file.remediations[1].actions.is_empty());
    }

    #[test]
    fn a_file_may_have_nothing_to_say() {
        let head = "apiVersion: spec.keptn.sh/0.1.4\n";
        for rest in ["", "spec:\n", "spec: {}\n", "spec: {remediations: }\n", "odd: [1]\n"] {
            assert_eq!(Remediations::parse(&format!("{head}{rest}")), Ok(Remediations::default()));
        }
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        let head = "apiVersion: spec.keptn.sh/0.1.4\nspec:\n  remediations:\n";
        for (text, says) in [
            ("", "1:1: apiVersion is missing; write apiVersion: spec.keptn.sh/0.1.4"),
            ("kind: Remediation\n", "1:1: apiVersion is missing"),
            ("apiVersion: 0.1.4\n", "1:13: apiVersion \"0.1.4\" is not spec.keptn.sh/0.1.4"),
            (
                "apiVersion: spec.keptn.sh/0.1.40\n",
                "1:13: apiVersion \"spec.keptn.sh/0.1.40\" is not",
            ),
            ("apiVersion: spec.keptn.sh/0.1.4 \nspec: [1]\n", "2:7: spec must be a mapping"),
            (&format!("{head}    a: b\n"), "4:5: remediations must be a list"),
            (&format!("{head}  - x\n"), "4:5: a remediation must be a mapping"),
            (&format!("{head}  - problemType: [a]\n"), "4:18: problemType must be a text"),
            (&format!("{head}  - actionsOnOpen: scale\n"), "4:20: actionsOnOpen must be a list"),
            (&format!("{head}  - actionsOnOpen: [scale]\n"), "4:21: an action must be a mapping"),
            (&format!("{head}  - actionsOnOpen: [{{name: {{}}}}]\n"), "4:28: name must be a text"),
            (&format!("{head}\t- a\n"), "4:"),
        ] {
            let error = Remediations::parse(text).unwrap_err().to_string();
            assert!(error.starts_with(says), "{text:?}: {error}");
        }
        assert!(Remediations::parse(&"#".repeat(yaml::FILE_BYTES_MAX + 1)).is_err());
    }
}
