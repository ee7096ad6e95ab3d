//! The graph drawn small, where cards in a row do not say what follows what.

use super::{Edge, Graph};

/// Between the left edges of two layers.
const LAYER: usize = 208;
/// Between the top edges of two lanes.
const LANE: usize = 44;
/// A stage.
const WIDTH: usize = 144;
const HEIGHT: usize = 28;
/// Around all of it.
const MARGIN: usize = 4;
/// How far an edge that leads back goes below what it passes.
const BELOW: usize = 12;
/// Most characters of a name; the whole one is its title.
const CHARS_MAX: usize = 17;

/// A drawing in pixels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Map {
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) stages: Vec<Spot>,
    pub(crate) lines: Vec<Line>,
}

/// A stage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Spot {
    pub(crate) x: usize,
    pub(crate) y: usize,
    /// Where its name stands.
    pub(crate) text_y: usize,
    pub(crate) name: String,
    /// The name, as long as it may be.
    pub(crate) short: String,
}

/// An edge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    /// The `d` of a path.
    pub(crate) path: String,
    pub(crate) is_back: bool,
    /// `qa to production, on pass or warning`
    pub(crate) title: String,
}

impl Map {
    pub(crate) const WIDTH: usize = WIDTH;
    pub(crate) const HEIGHT: usize = HEIGHT;

    /// Draws a graph.
    pub(crate) fn of(graph: &Graph) -> Self {
        let layers = graph.nodes.iter().map(|node| node.layer).max().unwrap_or(0);
        let lanes = graph.nodes.iter().map(|node| node.lane).max().unwrap_or(0);
        let has_back = graph.edges.iter().any(|edge| edge.is_back);
        let stages = graph.nodes.iter().map(|node| {
            let name = node.stage.to_string();
            let short = match name.chars().count() > CHARS_MAX {
                true => name.chars().take(CHARS_MAX - 1).chain(['…']).collect(),
                false => name.clone(),
            };
            let (x, y) = (MARGIN + node.layer * LAYER, MARGIN + node.lane * LANE);
            Spot { x, y, text_y: y + HEIGHT / 2 + 5, name, short }
        });
        let stages: Vec<Spot> = stages.collect();
        let lines = graph.edges.iter().map(|edge| Line {
            path: path(edge, &stages),
            is_back: edge.is_back,
            title: format!(
                "{} to {}, {}",
                stages[edge.from].name,
                stages[edge.to].name,
                edge.labels.join("; ")
            ),
        });
        Self {
            width: 2 * MARGIN + layers * LAYER + WIDTH,
            height: 2 * MARGIN + lanes * LANE + HEIGHT + if has_back { BELOW } else { 0 },
            lines: lines.collect(),
            stages,
        }
    }
}

/// Straight where it can be; a bend in the gap before the stage that follows; below the lane where it
/// leads back.
fn path(edge: &Edge, stages: &[Spot]) -> String {
    let (from, to) = (&stages[edge.from], &stages[edge.to]);
    let (start, end) = (from.y + HEIGHT / 2, to.y + HEIGHT / 2);
    if edge.is_back {
        let below = from.y.max(to.y) + HEIGHT + BELOW - 4;
        let (left, right) = (to.x + WIDTH / 2, from.x + WIDTH / 2 + WIDTH / 4);
        return format!("M{right} {}V{below}H{left}V{}", from.y + HEIGHT, to.y + HEIGHT);
    }
    let (left, right) = (from.x + WIDTH, to.x);
    if start == end {
        return format!("M{left} {start}H{right}");
    }
    let bend = right - (LAYER - WIDTH) / 2;
    format!("M{left} {start}H{bend}V{end}H{right}")
}

#[cfg(test)]
mod tests {
    use super::super::tests::shipyard;
    use super::*;

    fn map(text: &str) -> Map {
        Map::of(&Graph::of(&shipyard(text)))
    }

    #[test]
    fn stages_stand_in_columns_and_lines_end_at_their_edges() {
        let map = map("a b<a c<a");
        let spots: Vec<_> = map.stages.iter().map(|spot| (spot.x, spot.y)).collect();
        assert_eq!(spots, [(4, 4), (212, 4), (212, 48)]);
        let paths: Vec<_> = map.lines.iter().map(|line| line.path.as_str()).collect();
        assert_eq!(paths, ["M148 18H212", "M148 18H180V62H212"]);
        assert_eq!(map.lines[0].title, "a to b, on pass or warning");
        assert_eq!((map.width, map.height), (360, 80));
    }

    #[test]
    fn what_leads_back_passes_below() {
        let map = map("a<b b<a");
        let back = map.lines.iter().find(|line| line.is_back).unwrap();
        assert_eq!(back.path, "M320 32V40H76V32");
        assert_eq!(map.height, 48);
    }

    #[test]
    fn a_long_name_is_cut_and_kept_as_a_title() {
        let map = map("production-in-europe-west");
        assert_eq!(map.stages[0].short, "production-in-eu…");
        assert_eq!(map.stages[0].name, "production-in-europe-west");
    }
}
