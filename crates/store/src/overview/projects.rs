//! Where all projects stand.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use tidegate_core::names::StageName;

use crate::contract::StoreError;
use crate::query::Page;

use super::source::{Activity, Source};
use super::{
    DECIDED_MAX, OPEN_MAX, ProjectOrder, ProjectOverview, ProjectsFilter, RECENT_OF_EACH_MAX,
    StageOverview,
};

/// Reads one page of them.
pub(crate) fn projects(
    source: &impl Source,
    filter: &ProjectsFilter,
    (offset, limit): (u64, u64),
) -> Result<Page<ProjectOverview>, StoreError> {
    let mut all = source.activity(&filter.name)?;
    match filter.order {
        ProjectOrder::Name => {}
        // Stable: what moves alike stays in the order of the names.
        ProjectOrder::Attention => all.sort_by_key(|one| (one.waiting == 0, Reverse(one.last))),
    }
    let Page { items: page, total, next } = Page::cut(all, offset, limit);
    let mut items = Vec::with_capacity(page.len());
    for Activity { project, waiting, .. } in page {
        let Some(row) = source.project(&project)? else { continue };
        let recent = source.recent(&project, Some(filter.since), RECENT_OF_EACH_MAX)?;
        let has_failed = recent.iter().any(|context| {
            context.time > filter.since
                && context.stages.iter().any(|stage| stage.latest_failed_event.is_some())
        });
        let mut stages: BTreeMap<StageName, StageOverview> = BTreeMap::new();
        for lanes in source.stages(&project)? {
            let (deployed, running) = (lanes.deployed, lanes.running);
            stages.insert(lanes.stage, StageOverview { deployed, running, waiting: 0 });
        }
        if waiting > 0 {
            for open in source.open(&project, OPEN_MAX)? {
                stages.entry(open.place.stage).or_default().waiting += 1;
            }
        }
        let decided = match has_failed {
            true => source.decided(&project, DECIDED_MAX)?,
            false => Vec::new(),
        };
        items.push(ProjectOverview { project: row, waiting, stages, recent, decided });
    }
    Ok(Page { items, total, next })
}
