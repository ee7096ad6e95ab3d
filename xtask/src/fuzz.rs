//! `cargo xtask fuzz`: made-up requests, and answers that are held against the document of the API; and
//! spoilt files, results and events for a gate.
//!
//! Schemathesis makes the requests from `/api/openapi.json`: good ones, broken ones, and sequences of
//! them. A fault of the server, a status that the document does not know, a body that is not as its schema
//! says: each is a failure, with the line that repeats it.

mod scene;

use std::process::{Command, ExitCode};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};

use crate::program;
use crate::server::TOKEN;
use crate::setup;
use crate::workspace::Workspace;
use scene::Scene;

/// The seed of the run that is a part of `cargo xtask test`.
const SEED: u64 = 1;
/// How long that takes, in seconds.
const SECONDS: u64 = 60;
/// How much longer it may take to come to its end.
const GRACE: Duration = Duration::from_secs(60);
/// How long an answer may take, in seconds.
const ANSWER_SECONDS: u64 = 20;

/// What is looked at. Left out: whether good requests are accepted and broken ones refused, because Keptn's
/// API takes much that a schema cannot tell; and whether a wrong token is refused, because the server
/// answers 429 to so many of them. Tests of `crates/api` do that.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
                      response_schema_conformance,response_headers_conformance,unsupported_method,\
                      allow_header_conformance,missing_required_header";

/// Ask the server what nobody would ask, and give a gate what nobody would write
///
/// The server is the debug build, with a few projects and a delivery in it; its answers are held against
/// the document of the API. What a gate reads (objectives, indicators, results, events, messages) is spoilt,
/// and must be read or refused in readable words. Exits with 1 where one of them fails.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// One of the two alone
    #[arg(long, value_name = "WHAT")]
    only: Option<Only>,
    /// How long each takes, in seconds
    #[arg(long, value_name = "N", default_value_t = SECONDS, value_parser = clap::value_parser!(u64).range(10..))]
    seconds: u64,
    /// Where chance begins: the same seed asks the same questions
    #[arg(long, value_name = "N", default_value_t = SEED)]
    seed: u64,
}

/// What is asked.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Only {
    /// The server's API
    Api,
    /// What a gate reads
    Gate,
}

pub(crate) fn run(args: &Args, workspace: &Workspace) -> Result<ExitCode> {
    let is_wanted = |what| args.only.is_none_or(|only| only == what);
    if is_wanted(Only::Gate) && !gate(args, workspace)? {
        return Ok(ExitCode::FAILURE);
    }
    if is_wanted(Only::Api) && !api(args, workspace)? {
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}

/// The test in `crates/core/src/fuzz`, for as long as is asked; whether it passed.
fn gate(args: &Args, workspace: &Workspace) -> Result<bool> {
    let mut cargo = workspace.cargo();
    cargo.args(["test", "-p", "tidegate-core", "--lib", "fuzz::", "--", "--nocapture"]);
    cargo.env("TIDEGATE_FUZZ_SECONDS", args.seconds.to_string());
    cargo.env("TIDEGATE_SEED", args.seed.to_string());
    Ok(program::stream(&mut cargo, |_| {})?.success())
}

fn api(args: &Args, workspace: &Workspace) -> Result<bool> {
    let mut build = workspace.cargo();
    build.args(["build", "--package", "tidegate", "--bin", "tidegate"]);
    ensure!(program::stream(&mut build, |_| {})?.success(), "the server does not build");
    let ready =
        setup::prepare(workspace, setup::Needs { browser: false, fuzzing: true, tour: false });
    for missing in &ready.missing {
        println!("missing: {missing}");
    }
    let problem = check(workspace, args.seconds, args.seed)?;
    if let Some(problem) = &problem {
        println!("{problem}");
    }
    Ok(problem.is_none())
}

/// The run that is a part of `cargo xtask test`, with the server that was built. What failed, if anything.
pub(crate) fn check_shortly(workspace: &Workspace) -> Result<Option<String>> {
    check(workspace, SECONDS, SEED)
}

fn check(workspace: &Workspace, seconds: u64, seed: u64) -> Result<Option<String>> {
    let scene = Scene::new(workspace)?;
    let (document, operations) = scene.document()?;
    let mut command = Command::new(setup::schemathesis(workspace));
    command
        .arg("--config-file")
        .arg(scene.config())
        // From a file, or the route of the document itself would be left out.
        .arg("run")
        .arg(document)
        .args(["--url", &format!("http://{}", scene.server.address)])
        .args(["--max-time", &seconds.to_string(), "--seed", &seed.to_string()])
        .args(["--checks", CHECKS, "--header", &format!("x-token:{TOKEN}")])
        .args(["--request-timeout", &ANSWER_SECONDS.to_string(), "--continue-on-failure"])
        .args(["--generation-database", "none", "--no-color", "--warnings", "off"])
        // What it remembers of a run goes with the next one.
        .current_dir(scene.directory())
        .env("PYTHONPATH", workspace.api_checks())
        .env("SCHEMATHESIS_HOOKS", "hooks")
        .env("PYTHONDONTWRITEBYTECODE", "1");
    let mut tested: Option<usize> = None;
    let limit = Duration::from_secs(seconds) + GRACE;
    let status = program::stream_within(&mut command, limit, |line| {
        tested = line.trim().strip_prefix("Tested:").and_then(|n| n.trim().parse().ok()).or(tested);
    })?;
    let again = format!(
        "`cargo xtask fuzz --only api --seconds {seconds} --seed {seed}` asks the same again"
    );
    let Some(status) = status else {
        return Ok(Some(format!("it did not end within {limit:?}; {again}")));
    };
    scene.is_ready().context("the server does not answer any more")?;
    if !status.success() {
        return Ok(Some(format!("answers that are not as the document says: see above; {again}")));
    }
    Ok(match tested {
        Some(tested) if tested == operations => None,
        tested => Some(format!("{tested:?} of {operations} operations were tested; {again}")),
    })
}
