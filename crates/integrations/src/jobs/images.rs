//! Which local command stands for a container image.

use std::collections::BTreeMap;

use serde::Deserialize;

/// The local commands of the images that a pattern names.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImageRule {
    /// The image as written in the job configuration; `*` stands for anything, also across `/`, and
    /// `?` for one character.
    pub image: String,
    /// What runs where the task names no command: a program and its first arguments.
    #[serde(default)]
    pub entrypoint: Option<Vec<String>>,
    /// For each command of the container the local program and its first arguments.
    #[serde(default)]
    pub commands: BTreeMap<String, Vec<String>>,
}

/// All rules; the first that names the image counts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ImageMap {
    rules: Vec<ImageRule>,
}

/// Why a task does not run here, and which lines of the configuration would let it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "Task '{task}' was not run: jobs run as processes of this machine, and no local command stands \
     for {command} of image {image}. Add to the server's configuration:\n\n{lines}"
)]
pub struct Refusal {
    task: String,
    image: String,
    command: String,
    lines: String,
}

impl ImageMap {
    /// The rules, in order.
    #[must_use]
    pub fn new(rules: Vec<ImageRule>) -> Self {
        Self { rules }
    }

    /// The local program and all its arguments. `task` is named in the refusal.
    ///
    /// # Errors
    /// No rule names the image, or its rule does not know the command.
    pub fn resolve(
        &self,
        task: &str,
        image: &str,
        cmd: &[String],
        args: &[String],
    ) -> Result<Vec<String>, Refusal> {
        let rule = self.rules.iter().find(|rule| matches(&rule.image, image));
        let (local, rest) = match cmd {
            [] => (rule.and_then(|rule| rule.entrypoint.as_ref()), cmd),
            [name, rest @ ..] => (rule.and_then(|rule| rule.commands.get(name)), rest),
        };
        match local.filter(|local| !local.is_empty()) {
            Some(local) => Ok([local, rest, args].concat()),
            None => Err(refusal(task, image, cmd.first())),
        }
    }
}

fn refusal(task: &str, image: &str, command: Option<&String>) -> Refusal {
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    // The tag changes from release to release; a rule for one tag would not last. A colon before a
    // slash belongs to a registry's port.
    let pattern = match image.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => format!("{name}:*"),
        _ => image.to_owned(),
    };
    let head = format!("[[jobs.images]]\nimage = {}\n", quoted(&pattern));
    let (command, line) = match command {
        Some(name) => {
            let name = quoted(name);
            (format!("command {name}"), format!("commands = {{ {name} = [\"/path/to/program\"] }}"))
        }
        None => ("the entry point".to_owned(), "entrypoint = [\"/path/to/program\"]".to_owned()),
    };
    Refusal { task: task.to_owned(), image: image.to_owned(), command, lines: head + &line }
}

/// Shell-like patterns with `*` and `?`. After a mismatch only the last `*` is widened, so the work
/// is at most pattern times text.
fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) =
        (pattern.chars().collect(), text.chars().collect());
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        if pattern.get(p) == Some(&'*') {
            star = Some((p, t));
            p += 1;
        } else if pattern.get(p).is_some_and(|&c| c == '?' || c == text[t]) {
            p += 1;
            t += 1;
        } else if let Some((at, from)) = star {
            star = Some((at, from + 1));
            p = at + 1;
            t = from + 1;
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|&c| c == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(list: &[&str]) -> Vec<String> {
        list.iter().map(ToString::to_string).collect()
    }

    fn map() -> ImageMap {
        let rule = |image: &str, command: &str| ImageRule {
            image: image.into(),
            entrypoint: (command == "helm").then(|| texts(&["/opt/helm", "--debug"])),
            commands: [(command.to_owned(), texts(&["/opt/bin", command]))].into(),
        };
        ImageMap::new(vec![rule("alpine/helm:*", "helm"), rule("*/tools:?", "x"), rule("*", "y")])
    }

    #[test]
    fn the_first_rule_that_names_the_image_counts() {
        let resolve = |image: &str, cmd: &[&str]| {
            map().resolve("t", image, &texts(cmd), &texts(&["arg"])).ok()
        };
        let some = |list: &[&str]| Some(texts(list));
        let helm = some(&["/opt/bin", "helm", "upgrade", "arg"]);
        assert_eq!(resolve("alpine/helm:3.7.2", &["helm", "upgrade"]), helm);
        assert_eq!(resolve("alpine/helm:3", &[]), some(&["/opt/helm", "--debug", "arg"]));
        assert_eq!(resolve("ghcr.io/a/tools:1", &["x"]), some(&["/opt/bin", "x", "arg"]));
        assert_eq!(resolve("ghcr.io/a/tools:12", &["y"]), some(&["/opt/bin", "y", "arg"]));
        assert_eq!(resolve("alpine/helm:3", &["y"]), None);
        assert_eq!(resolve("other", &[]), None);
    }

    #[test]
    fn a_refusal_names_task_image_and_the_lines_to_add() {
        let says = |image: &str, cmd: &[&str]| {
            ImageMap::default().resolve("Run it", image, &texts(cmd), &[]).unwrap_err().to_string()
        };
        let text = says("localhost:5000/helm:3.7", &["helm"]);
        for part in [
            "Task 'Run it'",
            "command \"helm\" of image localhost:5000/helm:3.7.",
            "[[jobs.images]]\nimage = \"localhost:5000/helm:*\"\n",
            "commands = { \"helm\" = [\"/path/to/program\"] }",
        ] {
            assert!(text.contains(part), "{text}");
        }
        let text = says("localhost:5000/helm", &[]);
        assert!(text.contains("image = \"localhost:5000/helm\"\nentrypoint = "), "{text}");
    }

    #[test]
    fn stars_cross_slashes_and_nothing_else_is_special() {
        for (pattern, text, expected) in [
            ("*", "", true),
            ("", "", true),
            ("", "a", false),
            ("docker.io/*", "docker.io/x/y:1", true),
            ("docker.io/*", "alpine", false),
            ("a*b*c", "aXbYbZc", true),
            ("a*b*c", "aXbYbZ", false),
            ("a.c", "abc", false),
            ("a?c", "abc", true),
            ("a?", "a", false),
            ("***", "anything", true),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
    }
}
