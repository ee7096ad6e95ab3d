//! `/keptn`, where a container finds its files.

use std::path::{Path, PathBuf};

const KEPTN: &str = "/keptn";

/// Replaces `/keptn` by the local directory wherever it begins a path: at the start, after a blank,
/// or after one of `= : , ; ( ' "`. `/keptnish` and `/srv/keptn` are other paths.
pub(super) fn localise(text: &str, keptn: &Path) -> String {
    let keptn = keptn.to_string_lossy();
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(KEPTN) {
        let (before, found) = rest.split_at(at);
        let after = &found[KEPTN.len()..];
        out.push_str(before);
        let begins = out.chars().next_back().is_none_or(begins_path);
        let ends = !after.starts_with(|c: char| c.is_alphanumeric() || "-_.".contains(c));
        out.push_str(if begins && ends { &keptn } else { KEPTN });
        rest = after;
    }
    out.push_str(rest);
    out
}

fn begins_path(before: char) -> bool {
    before.is_whitespace() || "=:,;('\"".contains(before)
}

/// Where the program starts: in the files' directory unless the task says otherwise.
pub(super) fn working_dir(text: &str, keptn: &Path) -> PathBuf {
    // Joining an absolute path gives that path.
    keptn.join(localise(text, keptn))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_beginning_of_a_path_is_replaced() {
        for (text, expected) in [
            ("/keptn/a.yaml", "/j/keptn/a.yaml"),
            ("/keptn", "/j/keptn"),
            ("--file=/keptn/a:/keptn/b", "--file=/j/keptn/a:/j/keptn/b"),
            ("cd /keptn && ls '/keptn/x'", "cd /j/keptn && ls '/j/keptn/x'"),
            ("/srv/keptn/a", "/srv/keptn/a"),
            ("https://host/keptn/x", "https://host/keptn/x"),
            ("/keptnish /keptn-b /keptn.d", "/keptnish /keptn-b /keptn.d"),
            ("/keptn/keptn/a", "/j/keptn/keptn/a"),
            ("plain", "plain"),
        ] {
            assert_eq!(localise(text, Path::new("/j/keptn")), expected);
        }
    }

    #[test]
    fn a_program_starts_among_its_files_unless_told_otherwise() {
        let dir = |text| working_dir(text, Path::new("/j/keptn"));
        assert_eq!(dir(""), Path::new("/j/keptn/"));
        assert_eq!(dir("charts"), Path::new("/j/keptn/charts"));
        assert_eq!(dir("/keptn/charts"), Path::new("/j/keptn/charts"));
        assert_eq!(dir("/srv"), Path::new("/srv"));
    }
}
