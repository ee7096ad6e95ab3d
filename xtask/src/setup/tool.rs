//! The tools the tests need: how each is recognised, and what it is called in package managers.

use std::env;
use std::fs;
use std::process::Command;

use crate::program;

/// The name under which the browser stands in [`TOOLS`].
pub(crate) const CHROMIUM: &str = "Chromium";

/// The name under which Prometheus stands there.
pub(super) const PROMETHEUS: &str = "Prometheus";
/// The name under which Alertmanager stands there.
pub(super) const ALERTMANAGER: &str = "Alertmanager";

/// One tool.
#[derive(Debug)]
pub(crate) struct Tool {
    pub(crate) name: &'static str,
    /// Needed by the browser checks and by nothing else.
    pub(crate) only_browser: bool,
    /// Names a path to the program, before all candidates.
    pub(super) variable: Option<&'static str>,
    /// Program and leading words of each form the tool comes in; `--version` is added.
    pub(super) candidates: &'static [&'static [&'static str]],
    /// Where each version has a folder of its own that is named after its number: the folder of these
    /// folders, and the program inside of each.
    pub(super) versions: Option<(&'static str, &'static str)>,
    /// The oldest version that serves, as (major, minor).
    pub(super) oldest: (u32, u32),
    pub(crate) origin: Origin,
}

/// Where a tool comes from.
#[derive(Debug)]
pub(crate) enum Origin {
    /// A component of the Rust tool chain.
    Rustup(&'static str),
    /// A package of the system, and the page that offers it where no package manager is known.
    Package { name: &'static str, homebrew: &'static str, page: &'static str },
}

/// Whether a tool is there.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Found {
    Yes {
        program: String,
        version: String,
    },
    No {
        why: String,
        /// It is there, but too old: what installed that one may have nothing newer.
        outdated: bool,
    },
}

// A C compiler is needed too, but this program could not have been linked without one.
pub(crate) const TOOLS: &[Tool] = &[
    Tool {
        name: "rustfmt",
        only_browser: false,
        variable: None,
        candidates: &[&["cargo", "fmt"]],
        versions: None,
        oldest: (1, 0),
        origin: Origin::Rustup("rustfmt"),
    },
    Tool {
        name: "clippy",
        only_browser: false,
        variable: None,
        candidates: &[&["cargo", "clippy"]],
        versions: None,
        oldest: (0, 1),
        origin: Origin::Rustup("clippy"),
    },
    Tool {
        name: "git",
        only_browser: false,
        variable: None,
        candidates: &[&["git"]],
        versions: None,
        // `receive-pack --http-backend-info-refs` appeared in 2.34.
        oldest: (2, 34),
        origin: Origin::Package {
            name: "git",
            homebrew: "git",
            page: "https://git-scm.com/downloads",
        },
    },
    Tool {
        name: "Postgres",
        only_browser: false,
        variable: None,
        candidates: &[&["postgres"]],
        versions: Some(("/usr/lib/postgresql", "bin/postgres")),
        // The oldest that the store takes.
        oldest: (13, 0),
        origin: Origin::Package {
            name: "postgresql",
            homebrew: "postgresql@17",
            page: "https://www.postgresql.org/download",
        },
    },
    Tool {
        // With promtool, which tries the alerts.
        name: PROMETHEUS,
        only_browser: false,
        variable: None,
        candidates: &[&["prometheus"]],
        versions: None,
        // What the alerts are tried with on Debian 12; older ones were not tried.
        oldest: (2, 42),
        origin: Origin::Package {
            name: "prometheus",
            homebrew: "prometheus",
            page: "https://prometheus.io/download",
        },
    },
    Tool {
        name: ALERTMANAGER,
        only_browser: false,
        variable: None,
        candidates: &[&["prometheus-alertmanager"], &["alertmanager"]],
        versions: None,
        // What the tour is taken with on Debian 12; older ones were not tried.
        oldest: (0, 25),
        origin: Origin::Package {
            name: "prometheus-alertmanager",
            homebrew: "alertmanager",
            page: "https://prometheus.io/download",
        },
    },
    Tool {
        name: "Node.js",
        only_browser: true,
        variable: None,
        candidates: &[&["node"]],
        versions: None,
        // What Debian 12 and Ubuntu 24.04 carry; newer Playwrights than the pinned one refuse it.
        oldest: (18, 0),
        origin: Origin::Package {
            name: "nodejs",
            homebrew: "node",
            page: "https://nodejs.org/en/download",
        },
    },
    Tool {
        name: "npm",
        only_browser: true,
        variable: None,
        candidates: &[&["npm"]],
        versions: None,
        oldest: (8, 0),
        origin: Origin::Package {
            name: "npm",
            homebrew: "node",
            page: "https://nodejs.org/en/download",
        },
    },
    Tool {
        name: CHROMIUM,
        only_browser: true,
        variable: Some("CHROMIUM_BIN"),
        candidates: &[
            &["chromium"],
            &["google-chrome-stable"],
            &["google-chrome"],
            &["chromium-browser"],
            &["/Applications/Chromium.app/Contents/MacOS/Chromium"],
            &["/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"],
        ],
        versions: None,
        oldest: (120, 0),
        origin: Origin::Package {
            name: "chromium",
            homebrew: "--cask chromium",
            page: "https://www.chromium.org/getting-involved/download-chromium",
        },
    },
];

/// The shells besides bash in which completion is tried. Where one is missing, its test says so and
/// passes over it.
pub(crate) const SHELLS: &[Tool] = &[
    Tool {
        name: "zsh",
        only_browser: false,
        variable: None,
        candidates: &[&["zsh"]],
        versions: None,
        oldest: (5, 0),
        origin: Origin::Package {
            name: "zsh",
            homebrew: "zsh",
            page: "https://zsh.sourceforge.io",
        },
    },
    Tool {
        name: "fish",
        only_browser: false,
        variable: None,
        candidates: &[&["fish"]],
        versions: None,
        oldest: (3, 0),
        origin: Origin::Package { name: "fish", homebrew: "fish", page: "https://fishshell.com" },
    },
];

impl Tool {
    /// Asks each candidate for its version; the first that is new enough is the one. A program that
    /// is there but does not run (such as Ubuntu's stand-in for Chromium) does not count.
    pub(crate) fn find(&self) -> Found {
        let named = self.variable.and_then(|variable| env::var(variable).ok());
        let versioned = self.versions.map(newest_first).unwrap_or_default();
        let forms = named
            .iter()
            .map(|program| vec![program.as_str()])
            .chain(self.candidates.iter().map(|words| words.to_vec()))
            .chain(versioned.iter().map(|program| vec![program.as_str()]));
        let mut why = "not found".to_owned();
        let mut outdated = false;
        for words in forms {
            let Some(answer) =
                program::answer(Command::new(words[0]).args(&words[1..]).arg("--version"))
            else {
                continue;
            };
            match version(&answer) {
                Some((found, text)) if found >= self.oldest => {
                    return Found::Yes { program: words[0].to_owned(), version: text.to_owned() };
                }
                Some((_, text)) => {
                    let (major, minor) = self.oldest;
                    why = format!("{text} is older than {major}.{minor}");
                    outdated = true;
                }
                None => why = format!("`{} --version` names no version", words.join(" ")),
            }
        }
        Found::No { why, outdated }
    }
}

/// The program of each version that is there.
fn newest_first((folder, program): (&str, &str)) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut versions: Vec<u32> =
        entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
    versions.sort_unstable_by(|a, b| b.cmp(a));
    versions.iter().map(|version| format!("{folder}/{version}/{program}")).collect()
}

/// The first word of the form `1.2…` in what a program says of itself, as (major, minor) and as text.
fn version(answer: &str) -> Option<((u32, u32), &str)> {
    answer.split_whitespace().find_map(|word| {
        let text = word.trim_start_matches('v');
        let mut numbers = text.split(|c: char| !c.is_ascii_digit());
        let major = numbers.next()?.parse().ok()?;
        let minor = numbers.next()?.parse().ok()?;
        Some(((major, minor), text))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_as_programs_print_them() {
        for (answer, expected) in [
            ("git version 2.39.5", (2, 39)),
            ("v20.20.2", (20, 20)),
            ("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)", (15, 18)),
            ("prometheus, version 2.42.0+ds (branch: debian/sid)", (2, 42)),
            ("alertmanager, version 0.25.0 (branch: debian/sid)", (0, 25)),
            ("11.19.1", (11, 19)),
            ("Chromium 156.0.8078.79 built on Debian GNU/Linux 12 (bookworm)", (156, 0)),
            ("zsh 5.9 (x86_64-debian-linux-gnu)", (5, 9)),
            ("fish, version 3.6.0", (3, 6)),
            ("rustfmt 1.8.0-stable (59807616e 2026-04-14)", (1, 8)),
            ("git version 2.39.5 (Apple Git-154)", (2, 39)),
        ] {
            assert_eq!(version(answer).map(|(numbers, _)| numbers), Some(expected), "{answer}");
        }
        assert_eq!(version("requires the chromium snap to be installed"), None);
    }

    #[test]
    fn of_several_versions_the_newest_comes_first() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["9", "15", "13", "common"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        let folder = folder.path().to_str().unwrap();
        let found = newest_first((folder, "bin/postgres"));
        assert_eq!(found, ["15", "13", "9"].map(|n| format!("{folder}/{n}/bin/postgres")));
        assert_eq!(newest_first(("/no/such/folder", "x")), Vec::<String>::new());
    }

    fn echo(oldest: (u32, u32)) -> Tool {
        // `echo` repeats its arguments, so the candidate says its own version.
        Tool {
            name: "echo",
            only_browser: false,
            variable: None,
            candidates: &[&["/no/such/program"], &["echo", "3.7"]],
            versions: None,
            oldest,
            origin: Origin::Rustup("echo"),
        }
    }

    #[test]
    fn the_first_candidate_that_runs_and_is_new_enough_is_taken() {
        let expected = Found::Yes { program: "echo".into(), version: "3.7".into() };
        assert_eq!(echo((3, 7)).find(), expected);
    }

    #[test]
    fn one_that_is_too_old_is_not_taken_and_the_reason_is_given() {
        let expected = Found::No { why: "3.7 is older than 3.8".into(), outdated: true };
        assert_eq!(echo((3, 8)).find(), expected);
    }
}
