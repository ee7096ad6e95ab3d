//! What there is to say of the stage that was selected.

use tidegate_core::sequence::{Context, StageState};
use tidegate_core::shipyard::Stage;
use tidegate_store::Environment;

use super::legs::card;
use super::{Filter, Wanted};
use crate::view::{Card, Chip, Delivery, Policy, Status, Text, When, image_or};
use crate::visitor::Visitor;

/// Most lines of each list.
const LINES_MAX: usize = 8;

/// The stage that was selected.
pub(super) struct Aside {
    pub(super) stage: Text,
    /// Its rules, a sentence each.
    pub(super) rules: Vec<Text>,
    pub(super) filters: Vec<FilterLink>,
    /// What waits before it, newest first, and how many there are.
    pub(super) asked: Vec<Card>,
    pub(super) waiting: u64,
    pub(super) running: Vec<Line>,
    pub(super) ended: Vec<Line>,
    /// All sequences of the project.
    pub(super) all: String,
}

/// A link that narrows the services.
pub(super) struct FilterLink {
    pub(super) word: &'static str,
    pub(super) href: String,
    pub(super) is_chosen: bool,
}

/// A delivery.
pub(super) struct Line {
    pub(super) href: String,
    pub(super) chip: Chip,
    pub(super) what: Text,
    pub(super) sequence: Text,
    pub(super) at: When,
}

impl Aside {
    pub(super) fn new(
        stage: &Stage,
        environment: &Environment,
        wanted: &Wanted,
        visitor: &Visitor,
    ) -> Self {
        let here = environment.recent.iter().filter_map(|context| {
            Some((context, context.stages.iter().find(|state| state.name == stage.name)?))
        });
        let lines = here.map(|(context, state)| line(context, state, environment, visitor));
        // What waits for a decision is listed as such.
        let lines = lines.filter(|line| line.chip.status != Status::NeedsApproval);
        let (running, ended): (Vec<Line>, Vec<Line>) =
            lines.partition(|line| line.chip.status.is_open());
        let asked = environment.asked.iter();
        let asked = asked.filter(|asked| asked.approval.scope.stage == stage.name);
        Self {
            stage: Text::line(&stage.name),
            rules: Policy::of(stage).sentences,
            filters: filters(stage, wanted),
            asked: asked.map(|asked| card(asked, visitor)).collect(),
            waiting: environment.waiting.get(&stage.name).copied().unwrap_or(0),
            running: running.into_iter().take(LINES_MAX).collect(),
            ended: ended.into_iter().take(LINES_MAX).collect(),
            all: format!("{}/sequence", wanted.path()),
        }
    }
}

fn filters(stage: &Stage, wanted: &Wanted) -> Vec<FilterLink> {
    let path = wanted.stage_path(&stage.name);
    let link = |word, filter: Option<Filter>| FilterLink {
        word,
        href: match filter {
            None => path.clone(),
            Some(filter) => format!("{path}?filterType={}", filter.word()),
        },
        is_chosen: wanted.only == filter,
    };
    vec![
        link("All services", None),
        link("Needs approval", Some(Filter::Approval)),
        link("Failed evaluation", Some(Filter::Evaluation)),
        link("Open problem", Some(Filter::Problem)),
    ]
}

fn line(
    context: &Context,
    state: &StageState,
    environment: &Environment,
    visitor: &Visitor,
) -> Line {
    let delivery = Delivery::known(context.clone(), &environment.decided);
    let at = state.latest_event.as_ref().map_or(context.time, |event| event.time);
    Line {
        href: format!(
            "/bridge/project/{}/sequence/{}#stage-{}",
            context.project, context.id, state.name
        ),
        chip: Chip::plain(delivery.status_of(state)),
        what: image_or(state.image.as_deref(), &context.service),
        sequence: Text::line(&context.name),
        at: When::new(at, visitor.now),
    }
}
