//! A service in a stage, on one line.

use serde_json::Value;
use tidegate_core::event::{Event, Scope};
use tidegate_core::names::{ContextId, ProjectName, ServiceName};
use tidegate_core::sequence::{ExecutionState, LatestEvaluation};
use tidegate_store::{Cell, Place, Run};

use super::evaluation::quality_href;
use super::label::{Link, link};
use super::{Chip, Status, Text, When, points, status_in, version};
use crate::visitor::Visitor;

/// What a stage shows of a service.
pub(crate) struct ServiceStanding {
    pub(crate) service: Text,
    /// All of its evaluations there.
    pub(crate) quality: String,
    /// What runs there.
    pub(crate) runs: Option<Running>,
    /// How the last sequence ended or stands; none where it only waits before the stage.
    pub(crate) last: Option<(Chip, String, Text)>,
    /// How it was evaluated last.
    pub(crate) gate: Option<Chip>,
    /// The last evaluations, oldest first.
    pub(crate) dots: Vec<Dot>,
    /// The dots in words.
    pub(crate) judged: String,
}

/// What runs.
pub(crate) struct Running {
    pub(crate) version: Text,
    pub(crate) image: Text,
    /// The delivery that brought it.
    pub(crate) href: String,
    pub(crate) since: When,
    /// Where it can be reached, where its deployment said so.
    pub(crate) link: Option<Link>,
    /// The approval that let it through although a gate had failed, where the last sequence does not say so.
    pub(crate) overridden: Option<String>,
}

/// An evaluation.
pub(crate) struct Dot {
    pub(crate) tone: &'static str,
    /// The name of its symbol in the sprite.
    pub(crate) icon: &'static str,
}

impl ServiceStanding {
    /// A service that has not been to the stage.
    pub(crate) fn absent(service: &ServiceName) -> Self {
        Self {
            service: Text::line(service),
            quality: String::new(),
            runs: None,
            last: None,
            gate: None,
            dots: Vec::new(),
            judged: String::new(),
        }
    }

    /// A service that has.
    pub(crate) fn new(project: &ProjectName, cell: &Cell, visitor: &Visitor) -> Self {
        let sequence = |context| format!("/bridge/project/{project}/sequence/{context}");
        let gate = cell.evaluations.last().map(|(_, newest)| Chip {
            status: status(newest),
            more: Text::line(points(newest.score)),
        });
        let Place { stage, service } = &cell.place;
        let (project, stage) = (project.clone(), stage.clone());
        let scope = Scope { project, stage, service: service.clone() };
        let last = cell.newest.as_ref().filter(|run| is_inside(run));
        Self {
            runs: cell.deployed.last().map(|newest| Running {
                version: version(&newest.image, cell.place.service.as_str()),
                image: Text::line(&newest.image),
                href: sequence(newest.context),
                since: When::new(newest.at, visitor.now),
                link: cell.released.as_ref().and_then(|row| public_link(&row.event)),
                overridden: newest
                    .overridden
                    .filter(|_| !last.is_some_and(|run| tells_override(run, newest.context)))
                    .map(|approval| format!("/bridge/approval/{approval}")),
            }),
            last: last.map(|run| {
                let status = status_in(&run.state, &run.previous);
                let score = gate.as_ref().map(|gate| gate.more.clone());
                let chip = Chip { status, more: score.unwrap_or_default() };
                (chip, sequence(run.context), Text::line(&run.sequence))
            }),
            quality: quality_href(&scope),
            gate,
            dots: cell.evaluations.iter().map(|(_, evaluation)| dot(evaluation)).collect(),
            judged: judged(&cell.evaluations),
            ..Self::absent(&cell.place.service)
        }
    }
}

impl ServiceStanding {
    /// The same where somebody has overridden what its last sequence failed for.
    pub(crate) fn excused(mut self) -> Self {
        if let Some((chip, ..)) = &mut self.last
            && chip.status == Status::Failed
        {
            chip.status = Status::Overridden;
        }
        self
    }

    /// The same where nobody has taken its task yet.
    pub(crate) fn untaken(mut self) -> Self {
        if let Some((chip, ..)) = &mut self.last {
            chip.status = Status::Queued;
        }
        self
    }
}

/// Whether the last sequence says already that the gate of what runs was overridden.
fn tells_override(run: &Run, deployed: ContextId) -> bool {
    run.context == deployed && status_in(&run.state, &run.previous) == Status::Overridden
}

/// What waits at the gate has not come in yet: it is shown there.
fn is_inside(run: &Run) -> bool {
    let waits = matches!(run.state, ExecutionState::WaitingForApproval { .. });
    !waits || run.previous.iter().any(|task| task.name == "deployment")
}

/// Keptn 1.4: `deployment.deploymentURIsPublic` of `deployment.finished`, a list; the first that is a
/// web address.
fn public_link(event: &Event) -> Option<Link> {
    let public = event.data.get("deployment")?.get("deploymentURIsPublic")?.as_array()?;
    public.iter().filter_map(Value::as_str).find_map(link)
}

fn status(evaluation: &LatestEvaluation) -> Status {
    Status::of_result(&evaluation.result)
}

fn dot(evaluation: &LatestEvaluation) -> Dot {
    let status = status(evaluation);
    let icon = match status {
        Status::Passed => "dot-pass",
        Status::Warning => "dot-warn",
        Status::Failed => "dot-fail",
        _ => "dot-none",
    };
    Dot { tone: status.tone(), icon }
}

fn judged<T>(evaluations: &[(T, LatestEvaluation)]) -> String {
    let words: Vec<&str> = evaluations.iter().map(|(_, one)| status(one).word()).collect();
    match words.as_slice() {
        [] => String::new(),
        [one] => format!("Last evaluation: {one}"),
        many => format!("Last {} evaluations, oldest first: {}", many.len(), many.join(", ")),
    }
}
