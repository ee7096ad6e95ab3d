//! A project, on one line.

use std::collections::BTreeSet;

use jiff::Timestamp;
use tidegate_core::names::StageName;
use tidegate_core::shipyard::Shipyard;
use tidegate_store::{ProjectOverview, RECENT_OF_EACH_MAX, StageOverview};

use crate::view::{Delivery, Graph, Status, Text, Upstream, When};
use crate::visitor::Visitor;

/// One project.
pub(super) struct Row {
    pub(super) name: Text,
    pub(super) href: String,
    /// Its stages in the order of the gates between them.
    pub(super) stages: Vec<MiniStage>,
    /// Whether each of them follows the one before.
    pub(super) is_chain: bool,
    /// What is wrong with its shipyard.
    pub(super) unreadable: Option<Text>,
    pub(super) waiting: u64,
    pub(super) running: u64,
    /// How many deliveries have failed lately, in words.
    pub(super) failed: Option<String>,
    /// When something happened last.
    pub(super) last: Option<When>,
    /// What is wrong with the repository elsewhere.
    pub(super) away: Option<Text>,
}

/// A stage.
pub(super) struct MiniStage {
    pub(super) name: Text,
    pub(super) deployed: u64,
    /// The worst that there is to say of it.
    pub(super) status: Status,
}

impl Row {
    pub(super) fn new(
        found: &ProjectOverview,
        upstream: Option<&Upstream>,
        since: Timestamp,
        visitor: &Visitor,
    ) -> Self {
        let project = &found.project;
        let ends = [Status::Failed, Status::Overridden].map(|how| (how, ended(found, since, how)));
        let shipyard = Shipyard::parse(&project.shipyard);
        let (names, is_chain) = match &shipyard {
            Ok(shipyard) => in_order(shipyard),
            Err(_) => (found.stages.keys().cloned().collect::<Vec<_>>(), false),
        };
        let stages = names.iter().map(|name| {
            let stage = found.stages.get(name).copied().unwrap_or_default();
            let end = ends.iter().find(|(_, stages)| stages.contains(name));
            let status = worst(stage, end.map(|(how, _)| *how));
            MiniStage { name: Text::line(name), deployed: stage.deployed, status }
        });
        let total = found.recent.iter().filter(|context| context.time > since).count();
        let count: usize = delivered(found, since);
        let least = if total as u64 >= RECENT_OF_EACH_MAX { "at least " } else { "" };
        let last = found.recent.iter().map(|context| {
            let events = context.stages.iter().filter_map(|stage| stage.latest_event.as_ref());
            events.map(|event| event.time).max().unwrap_or(context.time)
        });
        Self {
            name: Text::line(&project.name),
            href: format!("/bridge/project/{}", project.name),
            stages: stages.collect(),
            is_chain,
            unreadable: shipyard.as_ref().err().map(|error| on_one_line(&error.to_string())),
            waiting: found.waiting,
            running: found.stages.values().map(|stage| stage.running).sum(),
            failed: (count > 0).then(|| format!("{least}{count} failed in 24 h")),
            last: last.max().map(|at| When::new(at, visitor.now)),
            away: upstream.and_then(away),
        }
    }
}

/// From the left to the right, from the top; and whether each follows the one before.
fn in_order(shipyard: &Shipyard) -> (Vec<StageName>, bool) {
    let graph = Graph::of(shipyard);
    let layers = graph.layers().into_iter().flatten();
    (layers.map(|node| graph.nodes[node].stage.clone()).collect(), graph.is_chain())
}

/// `end` is the worst that a delivery has come to there lately.
fn worst(stage: StageOverview, end: Option<Status>) -> Status {
    match (stage, end) {
        (StageOverview { waiting: 1.., .. }, _) => Status::NeedsApproval,
        (_, Some(Status::Failed)) => Status::Failed,
        (StageOverview { running: 1.., .. }, _) => Status::Running,
        (_, Some(end)) => end,
        (StageOverview { deployed: 1.., .. }, None) => Status::Passed,
        _ => Status::Ahead,
    }
}

/// The stages in which a delivery has ended so since then.
fn ended(found: &ProjectOverview, since: Timestamp, how: Status) -> BTreeSet<StageName> {
    let mut stages = BTreeSet::new();
    for context in found.recent.iter().filter(|context| context.time > since) {
        let delivery = Delivery::known(context.clone(), &found.decided);
        for state in &context.stages {
            if delivery.status_of(state) == how {
                stages.insert(state.name.clone());
            }
        }
    }
    stages
}

/// How many deliveries have failed since then, in whichever stage.
fn delivered(found: &ProjectOverview, since: Timestamp) -> usize {
    let recent = found.recent.iter().filter(|context| context.time > since);
    let has_failed = |context: &&tidegate_core::sequence::Context| {
        let delivery = Delivery::known((*context).clone(), &found.decided);
        context.stages.iter().any(|state| delivery.status_of(state) == Status::Failed)
    };
    recent.filter(has_failed).count()
}

/// A row has no room for a second line.
fn on_one_line(text: &str) -> Text {
    Text::line(text.lines().collect::<Vec<_>>().join(" "))
}

fn away(upstream: &Upstream) -> Option<Text> {
    match (upstream.flags.first(), upstream.conflicts.len()) {
        (Some(flag), _) => Some(flag.clone()),
        (None, 0) => None,
        (None, 1) => Some(Text::line("A commit does not fit to what was pushed elsewhere.")),
        (None, count) => {
            Some(Text::line(format!("{count} commits do not fit to what was pushed elsewhere.")))
        }
    }
}
