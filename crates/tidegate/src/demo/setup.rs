//! From an empty directory to a release that waits, one step at a time.

use std::collections::BTreeMap;

use anyhow::{Context as _, bail};
use tidegate_core::names::ContextId;
use tidegate_engine::Engine;
use tidegate_resources::{Place, ResourcePath};

use super::lookout::{Seen, change, complaint, job_config_path, look};
use super::project::{
    FIRST, GATE, JOB_CONFIG, SECOND, SHIPYARD_APPROVAL, SHIPYARD_DELIVERY, SLOW, draft, image,
    principal, project, service, stages,
};

/// What has to be done.
#[derive(Debug, PartialEq, Eq)]
enum Step {
    CreateProject,
    CreateService,
    WriteJobs,
    AddApproval,
    /// Release a version.
    Release(&'static str),
    /// A release is on its way.
    Wait,
    /// The story can begin.
    Ready,
}

/// Reads the next step off what is there.
fn next(seen: &Seen) -> Step {
    let Some(shipyard) = &seen.shipyard else { return Step::CreateProject };
    let release = |version| {
        if seen.under_way.is_empty() { Step::Release(version) } else { Step::Wait }
    };
    if !seen.service {
        return Step::CreateService;
    }
    if !seen.jobs {
        return Step::WriteJobs;
    }
    match &seen.runs {
        None => release(FIRST),
        // Somebody was asked once: whatever came of it, there is nothing to prepare.
        Some(_) if seen.asked > 0 => Step::Ready,
        // The shipyard is not the demo's any more if it is neither of the two.
        Some(_) if **shipyard == *SHIPYARD_DELIVERY => Step::AddApproval,
        Some(runs) if runs.image == image(SECOND) => Step::Ready,
        Some(_) if seen.held.is_none() => release(SLOW),
        Some(_) => release(SECOND),
    }
}

/// Does what is missing, and returns when a release waits, or has waited before.
pub(super) async fn set_up(engine: &Engine) -> anyhow::Result<()> {
    let mut commits = engine.commits();
    let mut released: BTreeMap<&str, ContextId> = BTreeMap::new();
    loop {
        match next(&look(engine).await?) {
            Step::Ready => return Ok(()),
            Step::Wait => change(&mut commits).await?,
            Step::CreateProject => {
                let created = engine
                    .create_project(project(), SHIPYARD_DELIVERY.to_owned(), &principal())
                    .await;
                created.context("cannot create the project")?;
            }
            Step::CreateService => {
                let created = engine.create_service(project(), service(), &principal()).await;
                created.context("cannot create the service")?;
            }
            Step::WriteJobs => write_jobs(engine).await?,
            Step::AddApproval => {
                let path = ResourcePath::new("shipyard.yaml").expect("a plain path");
                write(engine, Place::Project, path, SHIPYARD_APPROVAL).await?;
            }
            Step::Release(version) => {
                // Once per start: what failed for a reason would fail again.
                if let Some(delivery) = released.get(version) {
                    let why = complaint(engine, *delivery).await?;
                    bail!("the release of {version} failed: {why}");
                }
                let accepted = engine.accept(draft(version)?, &principal(), None).await;
                let accepted = accepted.with_context(|| format!("cannot release {version}"))?;
                released.insert(version, accepted.context);
            }
        }
    }
}

async fn write_jobs(engine: &Engine) -> anyhow::Result<()> {
    for stage in stages() {
        let place = Place::Service(stage, service());
        for (path, text) in GATE {
            let path = ResourcePath::new(path).expect("a plain path");
            write(engine, place.clone(), path, text).await?;
        }
        // Last: by it the next start sees that all are there.
        write(engine, place, job_config_path(), JOB_CONFIG).await?;
    }
    Ok(())
}

async fn write(
    engine: &Engine,
    place: Place,
    path: ResourcePath,
    text: &str,
) -> anyhow::Result<()> {
    let failed = format!("cannot write {} to {place}", path.as_str());
    let files = vec![(path, text.as_bytes().to_vec())];
    engine.write_files(project(), place, files, &principal()).await.context(failed)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use tidegate_core::names::{EventId, SequenceName};
    use tidegate_core::sequence::{Context, ContextState, Deployed, Pauses, Starts};

    use super::*;

    fn runs(version: &str) -> Option<Deployed> {
        Some(Deployed {
            image: image(version),
            context: ContextId::from_bytes([1; 16]),
            event: EventId::from_bytes([2; 16]),
            at: jiff::Timestamp::UNIX_EPOCH,
            overridden: None,
        })
    }

    fn delivery() -> Context {
        Context {
            id: ContextId::from_bytes([3; 16]),
            project: project(),
            name: SequenceName::new("delivery").unwrap(),
            service: service(),
            time: jiff::Timestamp::UNIX_EPOCH,
            triggered_by: principal(),
            state: ContextState::Started,
            stages: Vec::new(),
            problem_title: None,
            labels: BTreeMap::new(),
            executions: 1,
            open: 1,
            evidence: Vec::new(),
            paused: Pauses::default(),
            timed_out: false,
            starts: Starts::default(),
            problem_over: false,
            following: Vec::new(),
        }
    }

    fn seen(shipyard: &str, runs: Option<Deployed>) -> Seen {
        Seen { shipyard: Some(shipyard.into()), service: true, jobs: true, runs, ..Seen::default() }
    }

    #[test]
    fn every_state_that_a_kill_may_leave_has_its_next_step() {
        let (old, new) = (SHIPYARD_DELIVERY, SHIPYARD_APPROVAL);
        let held = |seen: Seen| Seen { held: Some(delivery().id), ..seen };
        let busy = |seen: Seen| Seen { under_way: vec![delivery()], ..seen };
        for (what, seen, step) in [
            ("nothing", Seen::default(), Step::CreateProject),
            ("no service", Seen { service: false, ..seen(old, None) }, Step::CreateService),
            ("no jobs", Seen { jobs: false, ..seen(old, None) }, Step::WriteJobs),
            ("nothing runs", seen(old, None), Step::Release(FIRST)),
            ("the first on its way", busy(seen(old, None)), Step::Wait),
            ("the first runs", seen(old, runs(FIRST)), Step::AddApproval),
            ("it runs, but has not ended", busy(seen(old, runs(FIRST))), Step::AddApproval),
            ("shipyard with approval", seen(new, runs(FIRST)), Step::Release(SLOW)),
            ("the slow one on its way", busy(seen(new, runs(FIRST))), Step::Wait),
            ("the slow one is held", held(seen(new, runs(FIRST))), Step::Release(SECOND)),
            ("the second on its way", busy(held(seen(new, runs(FIRST)))), Step::Wait),
            ("somebody is asked", Seen { asked: 1, ..seen(new, runs(FIRST)) }, Step::Ready),
            ("somebody said yes", Seen { asked: 1, ..seen(new, runs(SECOND)) }, Step::Ready),
            ("a shipyard that does not ask", seen("theirs", runs(SECOND)), Step::Ready),
        ] {
            assert_eq!(next(&seen), step, "{what}");
        }
    }
}
