//! What commands there are, as `--help` and the manual pages tell.

use std::process::Command;

use crate::scene::Ran;

/// What is no command of ours: Keptn's own, and clap's.
const OTHERS: [&str; 2] = ["keptn", "help"];

/// A command: its words after `tidegate`, and what its `--help` says.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) words: Vec<String>,
    pub(crate) text: String,
}

impl Page {
    /// The page of `tidegate WORDS… --help`.
    fn read(words: Vec<String>) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tidegate"));
        let output = command.args(&words).arg("--help").output().expect("the binary starts");
        Self { words, text: Ran::of(&output).good() }
    }

    /// The names below `Commands:`.
    fn below(&self) -> Vec<String> {
        let lines = self.text.lines().skip_while(|line| *line != "Commands:").skip(1);
        let names = lines.take_while(|line| !line.is_empty()).filter_map(|line| {
            // A name stands two columns in, what is said about it further.
            line.strip_prefix("  ").filter(|rest| !rest.starts_with(' '))?.split(' ').next()
        });
        names.filter(|name| !OTHERS.contains(name)).map(str::to_owned).collect()
    }

    /// Whether it does something by itself.
    fn is_command(&self) -> bool {
        let usage = self.text.lines().find(|line| line.starts_with("Usage:"));
        !usage.expect("a usage").ends_with("<COMMAND>")
    }

    /// The lines of its examples, each as a shell takes it.
    pub(crate) fn examples(&self) -> Vec<String> {
        let mut examples: Vec<String> = Vec::new();
        for line in self.text.lines().skip_while(|line| *line != "Examples:").skip(1) {
            match (line.strip_prefix("  $ "), examples.last_mut()) {
                (Some(begun), _) => examples.push(begun.to_owned()),
                (None, Some(last)) if last.ends_with('\\') => {
                    last.pop();
                    last.push_str(line.trim());
                }
                _ => {}
            }
        }
        examples
    }

    pub(crate) fn name(&self) -> String {
        self.words.join(" ")
    }
}

/// Every command of the program.
pub(crate) fn all() -> Vec<Page> {
    let mut left = vec![Page::read(Vec::new())];
    let mut pages = Vec::new();
    while let Some(page) = left.pop() {
        let further = page.below().into_iter().map(|name| {
            let mut words = page.words.clone();
            words.push(name);
            Page::read(words)
        });
        left.extend(further);
        if page.is_command() && !page.words.is_empty() {
            pages.push(page);
        }
    }
    pages.sort_by_key(Page::name);
    pages
}

#[test]
fn every_command_ends_its_help_with_examples_of_itself() {
    let pages = all();
    assert!(pages.len() > 30, "{} commands", pages.len());
    for page in pages {
        let (name, examples) = (page.name(), page.examples());
        assert!(!examples.is_empty(), "tidegate {name} --help has no example:\n{}", page.text);
        let section = page.text.find("\nExamples:\n").expect("there are examples");
        assert!(
            section > page.text.find("\nOptions:").unwrap_or(0),
            "tidegate {name}: not at the end"
        );
        // `approve` is `approvals approve`, `trigger` is `sequences trigger`.
        let last = page.words.last().expect("a word");
        assert!(
            examples.iter().any(|line| line.contains("tidegate ") && line.contains(last.as_str())),
            "tidegate {name} shows examples of something else: {examples:?}"
        );
        let wide =
            page.text.lines().skip_while(|line| *line != "Examples:").find(|line| line.len() > 100);
        assert_eq!(wide, None, "tidegate {name}: would be broken on a small screen");
    }
}

#[test]
fn the_page_about_the_command_line_names_every_command() {
    let page = include_str!("../../../../docs/cli.md");
    for command in all() {
        let name = command.name();
        assert!(page.contains(&format!("`tidegate {name}")), "docs/cli.md does not name {name}");
    }
}

#[test]
fn every_command_has_a_page_of_the_manual() {
    let directory = tempfile::tempdir().expect("a directory");
    let man = directory.path().join("man1");
    let mut command = Command::new(env!("CARGO_BIN_EXE_tidegate"));
    let ran = Ran::of(&command.arg("man").arg(&man).output().expect("the binary starts"));
    assert_eq!(ran.code, Some(0), "{ran:?}");
    for command in all() {
        let file = man.join(format!("tidegate-{}.1", command.words.join("-")));
        let page =
            std::fs::read_to_string(&file).unwrap_or_else(|_| panic!("no {}", file.display()));
        assert!(page.contains(".TH"), "{page}");
        assert!(page.contains("Examples:"), "{} has no examples", file.display());
    }
    assert!(man.join("tidegate.1").exists());
    assert!(!man.join("tidegate-job-run.1").exists(), "what is hidden has no page");
}
