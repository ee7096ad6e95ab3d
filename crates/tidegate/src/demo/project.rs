//! The demo's project: the files of `examples/tour`, and what stands behind them here.

use anyhow::Context as _;
use serde_json::json;
use tidegate_core::event::Draft;
use tidegate_core::names::{ProjectName, ServiceName, StageName};
use tidegate_core::principal::{Principal, PrincipalName};
use tidegate_integrations::jobs::{ImageRule, JobsConfig};

use crate::config::Config;
use crate::hello::State;

/// Everything that passes in qa goes on.
pub(super) const SHIPYARD_DELIVERY: &str =
    include_str!("../../../../examples/tour/shipyard-delivery.yaml");
/// qa is gated, and production asks first.
pub(super) const SHIPYARD_APPROVAL: &str =
    include_str!("../../../../examples/tour/shipyard-gate-approval.yaml");
/// What the jobs run.
pub(super) const JOB_CONFIG: &str = include_str!("../../../../examples/tour/job/config.yaml");

/// What the gate asks for, and which numbers it means: paths below the service's directory, and texts.
pub(super) const GATE: [(&str, &str); 2] = [
    ("slo.yaml", include_str!("../../../../examples/tour/job/slo.yaml")),
    ("job/sli.yaml", include_str!("../../../../examples/tour/job/sli.yaml")),
];

/// The version that runs everywhere before the story begins.
pub(super) const FIRST: &str = "v0.1.0";
/// The version that is too slow for the gate.
pub(super) const SLOW: &str = "v0.1.1-slow";
/// The version that waits.
pub(super) const SECOND: &str = "v0.1.1";

const PROJECT: &str = "fulltour";
const SERVICE: &str = "helloservice";
const REPOSITORY: &str = "tidegate/hello";

pub(super) fn project() -> ProjectName {
    ProjectName::new(PROJECT).expect("the name of a project")
}

pub(super) fn service() -> ServiceName {
    ServiceName::new(SERVICE).expect("the name of a service")
}

/// The stages of both shipyards, in order.
pub(super) fn stages() -> [StageName; 2] {
    ["qa", "production"].map(|name| StageName::new(name).expect("the name of a stage"))
}

/// The stage that waits for a person.
pub(super) fn production() -> StageName {
    let [_, production] = stages();
    production
}

pub(super) fn image(version: &str) -> String {
    format!("{REPOSITORY}:{version}")
}

/// Who triggers the demo's releases.
pub(super) fn principal() -> Principal {
    Principal::Machine(PrincipalName::new("demo").expect("a short plain text"))
}

/// The event that begins a release.
pub(super) fn trigger(version: &str) -> serde_json::Value {
    json!({
        "type": "sh.keptn.event.qa.delivery.triggered",
        "source": "tidegate-demo",
        "data": {
            "project": PROJECT,
            "stage": "qa",
            "service": SERVICE,
            "labels": {"image": REPOSITORY, "version": version},
            "configurationChange": {"values": {"image": image(version)}},
        },
    })
}

pub(super) fn draft(version: &str) -> anyhow::Result<Draft> {
    Draft::from_value(trigger(version)).context("cannot make the event of a release")
}

/// A server with this program standing in for the image of the job configuration. The environment
/// has no say: a demo must not get the token of another server.
pub(super) fn config(state: &State) -> anyhow::Result<Config> {
    let program = std::env::current_exe().context("cannot find this program")?;
    let text = |path: &std::path::Path| {
        let shown = path.display().to_string();
        path.to_str().map(str::to_owned).with_context(|| format!("{shown} is not UTF-8"))
    };
    let (program, directory) = (text(&program)?, text(state.directory())?);
    let command = |tool: &str| {
        let words = [program.as_str(), "hello", tool, "--state", directory.as_str()];
        (format!("hello-{tool}"), words.map(str::to_owned).to_vec())
    };
    let tools = ImageRule {
        image: "tidegate/hello-tools:*".to_owned(),
        entrypoint: None,
        commands: ["deploy", "check"].map(command).into(),
    };
    let jobs = JobsConfig { images: vec![tools], ..JobsConfig::default() };
    Ok(Config { jobs, ..Config::default() })
}

#[cfg(test)]
mod tests {
    use tidegate_core::shipyard::Shipyard;

    use super::*;

    #[test]
    fn the_shipyards_have_the_demos_stages_and_differ_by_the_approval() {
        let tasks = |text| {
            let shipyard = Shipyard::parse(text).unwrap();
            let names: Vec<_> = shipyard.stages.iter().map(|stage| stage.name.clone()).collect();
            assert_eq!(names, stages());
            let sequence = &shipyard.stages[1].sequences[0];
            sequence.tasks.iter().map(|task| task.name.to_string()).collect::<Vec<_>>()
        };
        assert_eq!(tasks(SHIPYARD_DELIVERY), ["deployment"]);
        assert_eq!(tasks(SHIPYARD_APPROVAL), ["approval", "deployment"]);
    }

    #[test]
    fn the_trigger_is_an_event() {
        assert_eq!(draft(FIRST).unwrap().kind.as_str(), "sh.keptn.event.qa.delivery.triggered");
        assert_eq!(trigger(SECOND)["data"]["labels"]["version"], SECOND);
    }
}
