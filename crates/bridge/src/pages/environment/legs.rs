//! The parts of the graph: each a stage and the gate before it.

use std::collections::HashMap;

use jiff::SignedDuration;
use tidegate_core::names::StageName;
use tidegate_core::sequence::{Context, ExecutionState};
use tidegate_core::shipyard::Shipyard;
use tidegate_store::{Asked, Cell, Environment, Place, RECENT_MAX};

use super::Wanted;
use crate::view::{
    self, Asks, Before, Card, Delivery, Gate, Graph, Policy, ServiceStanding, Status, Text, Way,
};
use crate::visitor::Visitor;

/// How long a failure is counted.
const DAY: SignedDuration = SignedDuration::from_hours(24);
/// Most cards of what waits at a gate.
const CANDIDATES_MAX: usize = 3;

/// A stage, and what is before it.
pub(super) struct Leg {
    pub(super) gate: Option<Gate>,
    pub(super) stage: StageCard,
}

/// A stage.
pub(super) struct StageCard {
    pub(super) name: Text,
    pub(super) href: String,
    pub(super) is_selected: bool,
    pub(super) counts: Vec<Count>,
    pub(super) services: Vec<ServiceStanding>,
    /// What leads from it to itself, or to a stage before it, a sentence each.
    pub(super) back: Vec<Text>,
}

/// How many of something there are.
pub(super) struct Count {
    pub(super) status: Status,
    pub(super) words: String,
    /// Where they are, where that is a page.
    pub(super) href: Option<String>,
}

/// All of them, layer by layer from the left.
pub(super) fn all(
    shipyard: &Shipyard,
    graph: &Graph,
    environment: &Environment,
    wanted: &Wanted,
    visitor: &Visitor,
) -> Vec<Vec<Leg>> {
    let cells = environment.cells.iter().map(|cell| (cell.place.clone(), cell)).collect();
    let legs = Legs { shipyard, graph, environment, wanted, visitor, cells };
    let layers = graph.layers().into_iter();
    layers.map(|layer| layer.into_iter().map(|node| legs.leg(node)).collect()).collect()
}

struct Legs<'a> {
    shipyard: &'a Shipyard,
    graph: &'a Graph,
    environment: &'a Environment,
    wanted: &'a Wanted,
    visitor: &'a Visitor,
    cells: HashMap<Place, &'a Cell>,
}

impl Legs<'_> {
    fn leg(&self, node: usize) -> Leg {
        let name = &self.graph.nodes[node].stage;
        Leg { gate: self.gate(node, name), stage: self.stage(node, name) }
    }

    fn stage(&self, node: usize, name: &StageName) -> StageCard {
        let services = self.environment.services.items.iter().map(|service| {
            let place = Place { stage: name.clone(), service: service.clone() };
            match self.cells.get(&place) {
                Some(cell) => {
                    let standing = ServiceStanding::new(&self.wanted.project, cell, self.visitor);
                    match self.told(cell) {
                        Some(Status::Queued) => standing.untaken(),
                        Some(Status::Overridden) => standing.excused(),
                        _ => standing,
                    }
                }
                None => ServiceStanding::absent(service),
            }
        });
        let back = self.graph.edges.iter().filter(|edge| edge.is_back && edge.from == node);
        let back = back.map(|edge| {
            let labels = edge.labels.join("; ");
            match edge.to == node {
                true => format!("Then here again: {labels}"),
                false => format!("Back to {}: {labels}", self.graph.nodes[edge.to].stage),
            }
        });
        StageCard {
            name: Text::line(name),
            href: self.wanted.stage_path(name),
            is_selected: self.wanted.stage.as_ref() == Some(name),
            counts: self.counts(name),
            services: services.collect(),
            back: back.map(Text::line).collect(),
        }
    }

    /// What the newest deliveries tell of a run beyond its own state: whether nobody has taken its task, and
    /// whether somebody has overridden what it failed for.
    fn told(&self, cell: &Cell) -> Option<Status> {
        let run = cell.newest.as_ref()?;
        let looked_for = match run.state {
            ExecutionState::Running { .. } => Status::Queued,
            ExecutionState::Finished { .. } => Status::Overridden,
            _ => return None,
        };
        let mut recent = self.environment.recent.iter();
        let context = recent.find(|context| context.id == run.context)?;
        let state = context.stages.iter().find(|state| state.name == cell.place.stage)?;
        let told = Delivery::bare(context.clone()).status_of(state);
        (told == looked_for).then_some(told)
    }

    fn counts(&self, stage: &StageName) -> Vec<Count> {
        let of = |counts: &std::collections::BTreeMap<StageName, u64>| {
            counts.get(stage).copied().unwrap_or(0)
        };
        let (waiting, running) = (of(&self.environment.waiting), of(&self.environment.running));
        let failed = failed(self.environment, stage, self.visitor.now - DAY);
        let path = self.wanted.stage_path(stage);
        let mut counts = Vec::new();
        if waiting > 0 {
            let words = if waiting == 1 { "needs approval" } else { "need approval" };
            counts.push(Count {
                status: Status::NeedsApproval,
                words: format!("{waiting} {words}"),
                href: Some(format!("{path}?filterType=approval")),
            });
        }
        if let Some(words) = failed {
            counts.push(Count { status: Status::Failed, words, href: Some(path) });
        }
        if running > 0 {
            let words = format!("{running} running");
            counts.push(Count { status: Status::Running, words, href: None });
        }
        counts
    }

    /// The gate before a stage; none where nothing leads to it and it asks nobody.
    fn gate(&self, node: usize, stage: &StageName) -> Option<Gate> {
        let policy = Policy::of(self.shipyard.stage(stage)?);
        let edges: Vec<_> = self.graph.before(node).filter(|edge| !edge.is_back).collect();
        let waiting = self.environment.waiting.get(stage).copied().unwrap_or(0);
        if edges.is_empty() && waiting == 0 && policy.asks == Asks::Nobody {
            return None;
        }
        let is_plain = self.graph.is_chain();
        let ways = edges.iter().flat_map(|edge| {
            let from = &self.graph.nodes[edge.from].stage;
            edge.labels.iter().map(move |label| Way {
                from: (!is_plain).then(|| Text::line(from)),
                label: Text::line(label),
            })
        });
        let follows: Vec<StageName> =
            edges.iter().map(|edge| self.graph.nodes[edge.from].stage.clone()).collect();
        let before = Before {
            stage,
            follows: &follows,
            asks: policy.asks,
            waiting,
            recent: &self.environment.recent,
            decided: &self.environment.decided,
        };
        Some(Gate::new(&before, ways.collect(), self.candidates(stage), self.visitor))
    }

    fn candidates(&self, stage: &StageName) -> Vec<Card> {
        let here =
            self.environment.asked.iter().filter(|asked| asked.approval.scope.stage == *stage);
        here.take(CANDIDATES_MAX).map(|asked| card(asked, self.visitor)).collect()
    }
}

/// The card of what waits.
pub(super) fn card(asked: &Asked, visitor: &Visitor) -> Card {
    let asked = view::Asked {
        approval: asked.approval.clone(),
        deployed: asked.deployed.clone(),
        context: asked.context.clone(),
        // What a gate has no room for; the approval's own page has it.
        results: Vec::new(),
        runs_in: Vec::new(),
        rivals: Vec::new(),
        declined: None,
    };
    Card::new(&asked, visitor)
}

/// How many deliveries have failed in a stage; what somebody declined has not. None where none has.
fn failed(environment: &Environment, stage: &StageName, since: jiff::Timestamp) -> Option<String> {
    let has_failed = |context: &&Context| {
        let states = context.stages.iter().filter(|state| state.name == *stage);
        let mut late = states.filter(|state| {
            state.latest_failed_event.as_ref().is_some_and(|event| event.time > since)
        });
        late.next().is_some_and(|state| {
            let delivery = Delivery::known((*context).clone(), &environment.decided);
            delivery.status_of(state) == Status::Failed
        })
    };
    let count = environment.recent.iter().filter(has_failed).count();
    let is_cut = environment.recent.len() as u64 >= RECENT_MAX
        && environment.recent.last().is_some_and(|oldest| oldest.time > since);
    let least = if is_cut { "at least " } else { "" };
    (count > 0).then(|| format!("{least}{count} failed in 24 h"))
}
