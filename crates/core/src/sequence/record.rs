//! Events that move no sequence, and who of Tidegate itself works on an event.

use super::effects::{Change, Delivery, Disposition, Refusal, Reply};
use super::evidence;
use super::input::Timer;
use super::problem;
use super::rows::TaskState;
use super::work::Work;
use crate::built_in::BuiltIn;
use crate::event::{Event, EventKind, Phase, text};
use crate::names::TaskName;
pub(crate) use crate::quality::time::EVALUATION;
use crate::uniform::{Mode, StoodDown, left_to};

/// Tasks that services trigger and answer among themselves: no shipyard names them, and no sequence waits
/// for them. `get-sli` asks an SLI provider, `configure-monitoring` is announced by whoever does it.
const OF_SERVICES: [&str; 2] = [GET_SLI, "configure-monitoring"];
/// A person names the SLI provider of a project.
const CONFIGURE: &str = "sh.keptn.event.monitoring.configure";
/// Longest name of an SLI provider.
const PROVIDER_BYTES_MAX: usize = 253;
/// Asks an SLI provider for values.
pub(super) const GET_SLI: &str = "get-sli";

/// Whether such a task is one that services trigger and answer among themselves.
#[must_use]
pub fn is_of_services(task: &TaskName) -> bool {
    OF_SERVICES.contains(&task.as_str())
}

/// Who works on an event that was just kept.
fn recipients(event: &Event) -> &'static [BuiltIn] {
    if event.kind.as_str() == CONFIGURE {
        return &[BuiltIn::Sli];
    }
    let EventKind::Task { task, phase } = event.kind.kind() else { return &[] };
    match (task.as_str(), phase) {
        (GET_SLI, Phase::Triggered) => &[BuiltIn::Sli],
        (GET_SLI, Phase::Finished) => &[BuiltIn::Gate],
        (EVALUATION, Phase::Triggered) => &[BuiltIn::Jobs, BuiltIn::Gate],
        ("get-action", Phase::Triggered) => &[BuiltIn::Jobs, BuiltIn::Remediation],
        (_, Phase::Triggered) => &[BuiltIn::Jobs],
        (_, Phase::Started | Phase::Finished) => &[],
    }
}

/// Hands an event to the parts of Tidegate that work on it, but for those that are off and those that leave it
/// to an integration.
pub(super) fn deliver(work: &mut Work<'_>, event: &Event, n: u64) -> Result<(), Refusal> {
    for to in recipients(event).iter().copied() {
        let (project, id) = (work.project.clone(), event.id);
        let left = match work.env.settings.integrations.modes.of(to, &project) {
            Mode::Off => continue,
            Mode::On => None,
            Mode::Auto => stands_down(work, to, event)?,
        };
        work.change(match left {
            Some(integration) => {
                Change::StoodDown(StoodDown { project, event: id, n, part: to, integration })
            }
            None => Change::Deliver(Delivery { project, event: id, n, to }),
        });
    }
    Ok(())
}

/// The integration that a part leaves an event to, by name. Whoever has begun an evaluation ends it, so only
/// what asks for work is left to others: a gate finds out for itself whether the values are for it.
fn stands_down(work: &Work<'_>, part: BuiltIn, event: &Event) -> Result<Option<String>, Refusal> {
    if matches!(event.kind.kind(), EventKind::Task { phase: Phase::Finished, .. }) {
        return Ok(None);
    }
    let known = work.integrations()?;
    let (rules, now) = (&work.env.settings.integrations, work.env.now);
    Ok(left_to(&known, part, event, rules, now).map(|record| record.name.clone()))
}

/// Keeps an event that moves no sequence. Where it is well formed, whoever works on its kind gets it.
pub(super) fn keep(
    work: &mut Work<'_>,
    event: &Event,
    reason: Option<&str>,
) -> Result<(), Refusal> {
    let n = work.append(event.clone(), Disposition::Accepted, reason.map(str::to_owned));
    match reason {
        Some(reason) => work.answer = Reply::Kept(reason.to_owned()),
        None => {
            deliver(work, event, n)?;
            name_provider(work, event);
            evidence::declared(work, event)?;
            await_values(work, event)?;
            problem::over(work, event)?;
        }
    }
    Ok(())
}

/// `keptn configure monitoring` names who brings the values of a project's evaluations. Keptn 1.4: the
/// choice is the whole project's, whatever service it was made for.
fn name_provider(work: &mut Work<'_>, event: &Event) {
    let provider = text(&event.data, "type");
    if event.kind.as_str() == CONFIGURE && (1..=PROVIDER_BYTES_MAX).contains(&provider.len()) {
        work.change(Change::SliProvider(work.project.clone(), provider.to_owned()));
    }
}

/// Somebody was asked for the values of an evaluation, and shall not be waited for forever.
fn await_values(work: &mut Work<'_>, event: &Event) -> Result<(), Refusal> {
    let is_question = matches!(
        event.kind.kind(),
        EventKind::Task { task, phase: Phase::Triggered } if task == GET_SLI
    );
    let Some(id) = event.triggered_id.filter(|_| is_question) else { return Ok(()) };
    let is_asking = |task: &super::rows::Task| {
        task.context == event.context && task.name == EVALUATION && task.state == TaskState::Open
    };
    if work.task(id)?.as_ref().is_some_and(is_asking) {
        let due = work.after(work.env.settings.values_within);
        work.set_timer(Timer::Unmeasured(id), due);
    }
    Ok(())
}
