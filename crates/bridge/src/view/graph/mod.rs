//! A shipyard as a graph: its stages from left to right, joined by what triggers what.

mod layout;
mod map;

use tidegate_core::names::{SequenceName, StageName};
use tidegate_core::shipyard::{Shipyard, Stage, Trigger};

pub(crate) use map::Map;

/// The stages of a shipyard and how they follow each other. The same file gives the same graph.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Graph {
    /// In the order of the file; a name that comes twice is one stage.
    pub(crate) nodes: Vec<Node>,
    /// By the stage that follows, then by the one that is followed.
    pub(crate) edges: Vec<Edge>,
}

/// A stage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Node {
    pub(crate) stage: StageName,
    /// How many stages come before it on the longest way.
    pub(crate) layer: usize,
    /// Its place among those beside it, from the top. Places may be left free.
    pub(crate) lane: usize,
}

/// One stage follows another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Edge {
    /// Which is followed, by its number among the nodes.
    pub(crate) from: usize,
    /// Which follows.
    pub(crate) to: usize,
    /// Whether it leads back: to a stage that comes before, or to itself.
    pub(crate) is_back: bool,
    /// When, in words, each once: `on pass or warning`.
    pub(crate) labels: Vec<String>,
}

impl Graph {
    /// The graph of a shipyard.
    pub(crate) fn of(shipyard: &Shipyard) -> Self {
        let mut stages: Vec<&Stage> = Vec::new();
        for stage in &shipyard.stages {
            if stages.iter().all(|known| known.name != stage.name) {
                stages.push(stage);
            }
        }
        let mut edges: Vec<Edge> = Vec::new();
        for (to, stage) in stages.iter().enumerate() {
            for sequence in &stage.sequences {
                for trigger in &sequence.triggered_on {
                    let Some((from, followed)) = followed(&stages, trigger) else { continue };
                    let Some(label) = label(trigger, followed, &sequence.name) else { continue };
                    match edges.iter_mut().find(|edge| (edge.from, edge.to) == (from, to)) {
                        Some(edge) if edge.labels.contains(&label) => {}
                        Some(edge) => edge.labels.push(label),
                        None => {
                            edges.push(Edge { from, to, is_back: false, labels: vec![label] });
                        }
                    }
                }
            }
        }
        edges.sort_by_key(|edge| (edge.to, edge.from));
        let places = layout::place(stages.len(), &mut edges);
        let nodes = stages.into_iter().zip(places);
        let nodes =
            nodes.map(|(stage, (layer, lane))| Node { stage: stage.name.clone(), layer, lane });
        Self { nodes: nodes.collect(), edges }
    }

    /// The stages of each layer, from the top.
    pub(crate) fn layers(&self) -> Vec<Vec<usize>> {
        let count = self.nodes.iter().map(|node| node.layer + 1).max().unwrap_or(0);
        let mut layers = vec![Vec::new(); count];
        for (number, node) in self.nodes.iter().enumerate() {
            layers[node.layer].push(number);
        }
        for layer in &mut layers {
            layer.sort_by_key(|number| self.nodes[*number].lane);
        }
        layers
    }

    /// What leads to a stage from others.
    pub(crate) fn before(&self, node: usize) -> impl Iterator<Item = &Edge> {
        self.edges.iter().filter(move |edge| edge.to == node && edge.from != node)
    }

    /// Whether each stage follows the one before it and nothing else: cards in a row say it all. What
    /// leads back is said on the cards.
    pub(crate) fn is_chain(&self) -> bool {
        let ahead = self.edges.iter().filter(|edge| !edge.is_back).count();
        ahead + 1 == self.nodes.len().max(1) && self.layers().iter().all(|layer| layer.len() == 1)
    }
}

/// The stage and sequence that a trigger waits for; none where it can never come.
fn followed<'a>(stages: &[&'a Stage], trigger: &'a Trigger) -> Option<(usize, &'a str)> {
    let (stage, sequence) = trigger.event.strip_suffix(".finished")?.split_once('.')?;
    let number = stages.iter().position(|known| known.name.as_str() == stage)?;
    // Every stage has a sequence `evaluation`.
    let is_there = sequence == "evaluation"
        || stages[number].sequences.iter().any(|known| known.name.as_str() == sequence);
    is_there.then_some((number, sequence))
}

/// When it follows; none where it never does.
fn label(trigger: &Trigger, followed: &str, follows: &SequenceName) -> Option<String> {
    let when = match &trigger.selector {
        None => "on pass or warning".to_owned(),
        Some(selector) => {
            let results = selector
                .iter()
                .filter(|(key, _)| key.as_str() == "result" || key.ends_with(".result"));
            let mut results: Vec<&str> = results.map(|(_, result)| result.as_str()).collect();
            results.dedup();
            if results.is_empty() {
                return None;
            }
            format!("on {}", results.join(" or "))
        }
    };
    Some(match (followed, follows.as_str()) {
        (same, other) if same == other => when,
        (followed, follows) => format!("{follows} {when} of {followed}"),
    })
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// `a b<a c<a,b`: stages, each with those that it follows.
    pub(crate) fn shipyard(text: &str) -> Shipyard {
        let mut yaml = "apiVersion: spec.keptn.sh/0.2.2\nspec:\n  stages:\n".to_owned();
        for stage in text.split_whitespace() {
            let (name, before) = stage.split_once('<').unwrap_or((stage, ""));
            let triggers: Vec<String> = before
                .split(',')
                .filter(|name| !name.is_empty())
                .map(|name| format!("{{ event: {name}.delivery.finished }}"))
                .collect();
            yaml.push_str(&format!(
                "    - name: {name}\n      sequences:\n        - name: delivery\n          \
                 triggeredOn: [{}]\n          tasks: [{{ name: deployment }}]\n",
                triggers.join(", ")
            ));
        }
        Shipyard::parse(&yaml).unwrap()
    }

    /// `a0.0 b1.0`: layer and lane of each stage.
    fn places(text: &str) -> String {
        let graph = Graph::of(&shipyard(text));
        let nodes = graph.nodes.iter();
        let nodes: Vec<String> =
            nodes.map(|node| format!("{}{}.{}", node.stage, node.layer, node.lane)).collect();
        nodes.join(" ")
    }

    fn back(text: &str) -> Vec<String> {
        let graph = Graph::of(&shipyard(text));
        let name = |number: usize| graph.nodes[number].stage.as_str();
        let edges = graph.edges.iter().filter(|edge| edge.is_back);
        edges.map(|edge| format!("{}>{}", name(edge.from), name(edge.to))).collect()
    }

    #[test]
    fn one_stage_stands_alone_and_a_chain_goes_from_left_to_right() {
        assert_eq!(places("dev"), "dev0.0");
        assert_eq!(places("dev qa<dev prod<qa"), "dev0.0 qa1.0 prod2.0");
        // The order of the file says nothing about what comes first.
        assert_eq!(places("prod<qa qa<dev dev"), "prod2.0 qa1.0 dev0.0");
    }

    #[test]
    fn branches_are_stacked_and_joins_stand_behind_the_longest_way() {
        assert_eq!(places("a b<a c<a d<b,c"), "a0.0 b1.0 c1.1 d2.0");
        assert_eq!(places("a b<a c<a,b"), "a0.0 b1.0 c2.0");
        // A branch goes on beside the stage that it comes from.
        assert_eq!(places("a b<a c<a d<c"), "a0.0 b1.0 c1.1 d2.1");
        // Whatever the order of the file, branches do not cross.
        assert_eq!(places("a b<a c<a e<c d<b"), "a0.0 b1.0 c1.1 e2.1 d2.0");
    }

    #[test]
    fn twenty_that_follow_one_each_have_a_place() {
        let mut text = "hub".to_owned();
        for n in 0..20 {
            text.push_str(&format!(" s{n}<hub"));
        }
        let graph = Graph::of(&shipyard(&text));
        assert_eq!(graph.layers().iter().map(Vec::len).collect::<Vec<_>>(), [1, 20]);
        let lanes: Vec<usize> = graph.nodes[1..].iter().map(|node| node.lane).collect();
        assert_eq!(lanes, (0..20).collect::<Vec<_>>());
        assert!(!graph.is_chain());
    }

    #[test]
    fn what_leads_back_is_marked_and_moves_nothing() {
        assert_eq!(places("a<c b<a c<b"), "a0.0 b1.0 c2.0");
        assert_eq!(back("a<c b<a c<b"), ["c>a"]);
        assert_eq!((places("a<a").as_str(), back("a<a")), ("a0.0", vec!["a>a".to_owned()]));
        assert_eq!(back("a b<a,c c<b d<c"), ["c>b"]);
    }

    #[test]
    fn stages_that_nothing_triggers_begin_on_the_left() {
        assert_eq!(places("a b<a hotfix"), "a0.0 b1.0 hotfix0.1");
        // What can never come is no edge.
        assert_eq!(places("a b<nowhere"), "a0.0 b0.1");
    }

    #[test]
    fn a_chain_needs_no_map() {
        for (text, chain) in [
            ("a", true),
            ("a b<a c<b", true),
            ("a b", false),
            ("a b<a c<a", false),
            ("a b<a c<a,b", false),
            ("a<b b<a", true),
            ("b<a a", true),
        ] {
            assert_eq!(Graph::of(&shipyard(text)).is_chain(), chain, "{text}");
        }
    }

    #[test]
    fn an_edge_says_when_it_is_followed() {
        let text = "\
apiVersion: spec.keptn.sh/0.2.2
spec:
  stages:
    - name: qa
      sequences:
        - name: delivery
          tasks: [{ name: deployment }]
        - name: delivery-direct
          tasks: [{ name: deployment }]
    - name: prod
      sequences:
        - name: delivery
          triggeredOn:
            - event: qa.delivery.finished
            - event: qa.delivery-direct.finished
            - event: qa.evaluation.finished
              selector: { match: { result: pass } }
          tasks: [{ name: deployment }]
        - name: rollback
          triggeredOn:
            - event: prod.delivery.finished
              selector: { match: { deployment.result: fail } }
            - event: qa.delivery.finished
              selector: { match: { colour: red } }
          tasks: [{ name: rollback }]
";
        let graph = Graph::of(&Shipyard::parse(text).unwrap());
        let labels: Vec<_> = graph.edges.iter().map(|edge| edge.labels.join("; ")).collect();
        assert_eq!(
            labels,
            [
                "on pass or warning; delivery on pass or warning of delivery-direct; \
                 delivery on pass of evaluation",
                "rollback on fail of delivery",
            ]
        );
        assert!(graph.edges[1].is_back);
    }
}
