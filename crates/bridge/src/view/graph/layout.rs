//! Layers and lanes. Linear in stages and edges but for the sorting of a layer.

use super::Edge;

/// How far the search has come with a stage.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Seen {
    No,
    Open,
    Done,
}

/// Finds a place for each of so many stages: its layer and its lane. Marks the edges that lead back.
pub(super) fn place(count: usize, edges: &mut [Edge]) -> Vec<(usize, usize)> {
    mark_back(count, edges);
    let layers = layers(count, edges);
    let lanes = lanes(&layers, edges);
    layers.into_iter().zip(lanes).collect()
}

/// An edge leads back where it ends at a stage that the way to its beginning has passed. Stages that
/// nothing triggers are begun with, so that they stay on the left.
fn mark_back(count: usize, edges: &mut [Edge]) {
    let mut seen = vec![Seen::No; count];
    let is_root = |node: &usize| edges.iter().all(|edge| edge.to != *node || edge.from == *node);
    let (roots, others): (Vec<usize>, Vec<usize>) = (0..count).partition(is_root);
    for node in roots.into_iter().chain(others) {
        if seen[node] == Seen::No {
            visit(node, edges, &mut seen);
        }
    }
}

/// A shipyard has a hundred stages at most, so this goes no deeper.
fn visit(node: usize, edges: &mut [Edge], seen: &mut [Seen]) {
    seen[node] = Seen::Open;
    for index in 0..edges.len() {
        if edges[index].from != node {
            continue;
        }
        match seen[edges[index].to] {
            Seen::No => visit(edges[index].to, edges, seen),
            Seen::Open => edges[index].is_back = true,
            Seen::Done => {}
        }
    }
    seen[node] = Seen::Done;
}

/// The longest way to each stage: without edges that lead back there is an end to it.
fn layers(count: usize, edges: &[Edge]) -> Vec<usize> {
    let mut layers = vec![0; count];
    let mut has_moved = true;
    while has_moved {
        has_moved = false;
        for edge in edges.iter().filter(|edge| !edge.is_back) {
            let least = layers[edge.from] + 1;
            has_moved |= layers[edge.to] < least;
            layers[edge.to] = layers[edge.to].max(least);
        }
    }
    layers
}

/// From left to right: each stage stands as high as what it follows, in the order of what it follows.
fn lanes(layers: &[usize], edges: &[Edge]) -> Vec<usize> {
    let mut lanes = vec![0; layers.len()];
    let last = layers.iter().copied().max().unwrap_or(0);
    for layer in 0..=last {
        let mut members: Vec<(usize, usize)> = (0..layers.len())
            .filter(|node| layers[*node] == layer)
            .map(|node| {
                let before = edges.iter().filter(|edge| edge.to == node && !edge.is_back);
                (before.map(|edge| lanes[edge.from]).min().unwrap_or(0), node)
            })
            .collect();
        members.sort_unstable();
        let mut free = 0;
        for (wanted, node) in members {
            lanes[node] = free.max(wanted);
            free = lanes[node] + 1;
        }
    }
    lanes
}
