//! What runs where, over all projects.

use std::collections::{BTreeMap, HashMap};

use tidegate_core::names::{ProjectName, ServiceName};

use crate::contract::StoreError;
use crate::query::Page;

use super::source::{Lane, Source};
use super::{Version, Versions};

/// Reads one page of it.
pub(crate) fn versions(
    source: &impl Source,
    part: &str,
    page: (u64, u64),
) -> Result<Versions, StoreError> {
    let Page { items, total, next } = source.all_services(part, page)?;
    let mut by_project: BTreeMap<&ProjectName, Vec<ServiceName>> = BTreeMap::new();
    for (project, service) in &items {
        by_project.entry(project).or_default().push(service.clone());
    }
    let (mut projects, mut stages) = (Vec::new(), HashMap::new());
    for (project, services) in by_project {
        projects.extend(source.project(project)?);
        for Lane { place, deployed } in source.lanes(project, &services)? {
            let of: &mut BTreeMap<_, _> =
                stages.entry((project.clone(), place.service)).or_default();
            of.insert(place.stage, deployed);
        }
    }
    let rows = items.into_iter().map(|key| {
        let stages = stages.remove(&key).unwrap_or_default();
        let (project, service) = key;
        Version { project, service, stages }
    });
    Ok(Versions { rows: Page { items: rows.collect(), total, next }, projects })
}
