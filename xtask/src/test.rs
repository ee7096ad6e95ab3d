//! `cargo xtask test`: every check of the repository, counted.

mod lock_files;
mod outcome;
mod report;
mod results;

use std::env::consts::EXE_SUFFIX;
use std::process::{Command, ExitCode};

use anyhow::{Result, bail};

use crate::fuzz;
use crate::mutants;
use crate::program;
use crate::setup::{self, Needs, Ready};
use crate::tour;
use crate::workspace::Workspace;
use outcome::Outcome;
use report::Report;
use results::Results;

/// Run every check of the repository; the last line is `N passed, N failed`
///
/// Installs what is missing first (see `cargo xtask setup`). A failed step does not stop the others,
/// but nothing is tested that did not build. Exits with 1 if anything failed or is missing.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Run only tests and browser checks whose name contains TEXT, and no other step
    #[arg(long, value_name = "TEXT")]
    filter: Option<String>,
    /// Leave out the browser checks
    #[arg(long)]
    no_browser: bool,
    /// Leave out the slow steps: documentation, fuzzing and browser checks
    #[arg(long)]
    fast: bool,
}

impl Args {
    fn needs(&self) -> Needs {
        Needs {
            browser: !self.fast && !self.no_browser,
            fuzzing: !self.fast && self.filter.is_none(),
            tour: self.filter.is_none(),
        }
    }
}

pub(crate) fn run(args: &Args, workspace: &Workspace) -> Result<ExitCode> {
    let mut report = Report::default();
    let mut ready = Ready::default();
    report.step("setup", || {
        ready = setup::prepare(workspace, args.needs());
        Ok(Outcome::of_problems(ready.missing.clone()))
    });
    if args.filter.is_none() {
        static_checks(&mut report, workspace);
    }
    let built = report.step("build", || command(workspace.cargo().args(["build", "--workspace"])));
    if built {
        checks_of_the_build(&mut report, args, workspace, &ready);
    } else {
        report.step("everything after it", || Ok(Outcome::skipped("the build failed")));
    }
    let total = report.total();
    print!("{report}");
    println!("{total}");
    Ok(if total.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What can be judged without building.
fn static_checks(report: &mut Report, workspace: &Workspace) {
    report.step("format", || command(workspace.cargo().args(["fmt", "--all", "--check"])));
    report.step("lock files", || lock_files::check(&workspace.root));
    report.step("mutants apply", || Ok(Outcome::of_problems(mutants::check(workspace)?)));
    report.step("cargo deny", || {
        if !program::succeeds(workspace.cargo().args(["deny", "--version"])) {
            let why = "not installed; `cargo install --locked cargo-deny` installs it";
            return Ok(Outcome::skipped(why));
        }
        command(workspace.cargo().args([
            "deny",
            "check",
            "--hide-inclusion-graph",
            "bans",
            "licenses",
            "sources",
        ]))
    });
}

fn checks_of_the_build(report: &mut Report, args: &Args, workspace: &Workspace, ready: &Ready) {
    if args.filter.is_none() {
        report.step("clippy", || {
            let words = ["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"];
            command(workspace.cargo().args(words))
        });
        if !args.fast {
            report.step("documentation", || {
                let words = ["doc", "--workspace", "--no-deps"];
                command(workspace.cargo().args(words).env("RUSTDOCFLAGS", "-D warnings"))
            });
        }
    }
    if args.filter.is_none() {
        report.step("tour", || {
            if ready.tour_missing {
                return Ok(Outcome::skipped("what it needs is missing: see `setup` above"));
            }
            let (passed, failure) = tour::take_all(workspace)?;
            Ok(Outcome::counted(passed, failure))
        });
    }
    let before = report.total();
    report.step("tests", || tests(args, workspace));
    if args.needs().fuzzing {
        report.step("fuzzing", || fuzzing(workspace, ready));
    }
    if args.needs().browser {
        report.step("browser", || browser(args, workspace, ready));
    }
    if let Some(text) = &args.filter
        && report.total() == before
    {
        report.step("filter", || bail!("no test has a name that contains `{text}`"));
    }
}

/// A command that is one check.
fn command(command: &mut Command) -> Result<Outcome> {
    let status = program::stream(command, |_| {})?;
    Ok(Outcome::of_problems(if status.success() { vec![] } else { vec![status.to_string()] }))
}

/// A command that prints its own results, one line each.
fn counted(command: &mut Command, read: fn(&mut Results, &str)) -> Result<Outcome> {
    let mut results = Results::default();
    let status = program::stream(command, |line| read(&mut results, line))?;
    Ok(results.judge(status.success(), &status.to_string()))
}

fn tests(args: &Args, workspace: &Workspace) -> Result<Outcome> {
    let mut cargo = workspace.cargo();
    cargo.args(["test", "--workspace", "--no-fail-fast"]);
    if let Some(text) = &args.filter {
        cargo.args(["--", text]);
    }
    counted(&mut cargo, Results::read_libtest)
}

fn fuzzing(workspace: &Workspace, ready: &Ready) -> Result<Outcome> {
    if ready.fuzzing_missing {
        return Ok(Outcome::skipped("what it needs is missing: see `setup` above"));
    }
    Ok(Outcome::of_problems(fuzz::check_shortly(workspace)?.into_iter().collect()))
}

fn browser(args: &Args, workspace: &Workspace, ready: &Ready) -> Result<Outcome> {
    let (Some(chromium), false) = (&ready.chromium, ready.browser_missing) else {
        return Ok(Outcome::skipped("what it needs is missing: see `setup` above"));
    };
    let mut node = browser_checks(workspace, chromium);
    if let Some(text) = &args.filter {
        node.args(["--filter", text]);
    }
    counted(&mut node, Results::read_browser)
}

/// The browser checks, of the debug build.
pub(crate) fn browser_checks(workspace: &Workspace, chromium: &str) -> Command {
    let mut node = Command::new("node");
    node.arg("run.mjs")
        .current_dir(workspace.browser_checks())
        .env("CHROMIUM_BIN", chromium)
        .env("CARGO_TARGET_DIR", &workspace.target)
        .env("TIDEGATE_BIN", workspace.target.join(format!("debug/tidegate{EXE_SUFFIX}")));
    node
}
