//! What runs where: the services of a project against its stages.

use jiff::Timestamp;
use tidegate_core::names::StageName;
use tidegate_core::sequence::Deployed;
use tidegate_core::shipyard::Shipyard;
use tidegate_store::{Version, Versions};

use crate::view::{Graph, Lag, Text, When, version};

/// The services of one project.
pub(super) struct Group {
    pub(super) project: Text,
    pub(super) href: String,
    pub(super) stages: Vec<Text>,
    pub(super) rows: Vec<VersionsRow>,
}

/// A service.
pub(super) struct VersionsRow {
    pub(super) service: Text,
    pub(super) cells: Vec<Option<VersionCell>>,
}

/// What runs of it in a stage.
pub(super) struct VersionCell {
    pub(super) version: Text,
    pub(super) image: Text,
    pub(super) href: String,
    pub(super) since: When,
    /// How it differs from the stage before; may be empty.
    pub(super) lag: String,
    /// Whether somebody has let it through although a gate had failed.
    pub(super) is_overridden: bool,
}

/// The groups of a page, by project.
pub(super) fn groups(found: &Versions, now: Timestamp) -> Vec<Group> {
    let groups = found.projects.iter().map(|project| {
        let stages = match Shipyard::parse(&project.shipyard) {
            Ok(shipyard) => ways(&shipyard),
            // Without a shipyard nobody knows what is before what.
            Err(_) => {
                let of = found.rows.items.iter().filter(|row| row.project == project.name);
                let mut names: Vec<StageName> =
                    of.flat_map(|row| row.stages.keys().cloned()).collect();
                names.sort();
                names.dedup();
                names.into_iter().map(|name| (name, None)).collect()
            }
        };
        let rows = found.rows.items.iter().filter(|row| row.project == project.name);
        Group {
            project: Text::line(&project.name),
            href: format!("/bridge/project/{}", project.name),
            rows: rows.map(|row| self::row(row, &stages, now)).collect(),
            stages: stages.iter().map(|(name, _)| Text::line(name)).collect(),
        }
    });
    groups.collect()
}

/// The stages from the left to the right, each with one that it follows.
fn ways(shipyard: &Shipyard) -> Vec<(StageName, Option<StageName>)> {
    let graph = Graph::of(shipyard);
    let name = |node: usize| graph.nodes[node].stage.clone();
    let layers = graph.layers().into_iter().flatten();
    layers
        .map(|node| {
            let before = graph.before(node).find(|edge| !edge.is_back);
            (name(node), before.map(|edge| name(edge.from)))
        })
        .collect()
}

fn row(row: &Version, stages: &[(StageName, Option<StageName>)], now: Timestamp) -> VersionsRow {
    let deployed = |stage: &StageName| row.stages.get(stage).map_or(&[][..], Vec::as_slice);
    let cells = stages.iter().map(|(stage, before)| {
        let here = deployed(stage);
        let Deployed { image, context, at, overridden, .. } = here.last()?;
        let lag = before.as_ref().map_or(Lag::None, |before| Lag::of(deployed(before), here));
        Some(VersionCell {
            version: version(image, row.service.as_str()),
            image: Text::line(image),
            href: format!("/bridge/project/{}/sequence/{context}", row.project),
            since: When::new(*at, now),
            lag: lag.words(now),
            is_overridden: overridden.is_some(),
        })
    });
    VersionsRow { service: Text::line(&row.service), cells: cells.collect() }
}
