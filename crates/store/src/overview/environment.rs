//! Where the services of one project stand.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use tidegate_core::names::{ContextId, EventId, ProjectName, ServiceName, StageName};
use tidegate_core::sequence::{Context, LatestEvaluation};

use crate::contract::StoreError;
use crate::query::{LogRow, Page};

use super::source::{Lane, OpenApproval, Runs, Source};
use super::{
    ASKED_MAX, Asked, Cell, DECIDED_MAX, EVALUATIONS_MAX, Environment, EnvironmentFilter, OPEN_MAX,
    Only, Place, RECENT_MAX,
};

/// Reads it; none where there is no such project.
pub(crate) fn environment(
    source: &impl Source,
    name: &ProjectName,
    filter: &EnvironmentFilter,
    page: (u64, u64),
) -> Result<Option<Environment>, StoreError> {
    let Some(project) = source.project(name)? else { return Ok(None) };
    let mut open = source.open(name, OPEN_MAX + 1)?;
    let waiting_is_cut = open.len() as u64 > OPEN_MAX;
    open.truncate(usize::try_from(OPEN_MAX).unwrap_or(usize::MAX));
    let recent = source.recent(name, None, RECENT_MAX)?;
    let services = services(source.services(name)?, filter, &open, &recent, page);
    let lanes = source.lanes(name, &services.items)?;
    Ok(Some(Environment {
        cells: cells(source, name, lanes)?,
        asked: asked(source, name, &open, &filter.service)?,
        waiting: by_stage(&open),
        waiting_is_cut,
        running: source.held(name)?.into_iter().collect(),
        decided: source.decided(name, DECIDED_MAX)?,
        services,
        recent,
        project,
    }))
}

/// The services that a filter lets through, one page of them.
fn services(
    all: Vec<ServiceName>,
    filter: &EnvironmentFilter,
    open: &[OpenApproval],
    recent: &[Context],
    (offset, limit): (u64, u64),
) -> Page<ServiceName> {
    let only: Option<BTreeSet<&ServiceName>> = filter.only.as_ref().map(|only| match only {
        Only::Asked(stage) => {
            let there = open.iter().filter(|open| open.place.stage == *stage);
            there.map(|open| &open.place.service).collect()
        }
        Only::FailedGate(stage) => failed(recent, stage),
    });
    let is_wanted = |name: &ServiceName| {
        name.as_str().contains(&filter.service) && only.as_ref().is_none_or(|o| o.contains(name))
    };
    Page::cut(all.into_iter().filter(is_wanted).collect(), offset, limit)
}

/// The services whose newest evaluation in a stage is a fail.
fn failed<'a>(recent: &'a [Context], stage: &StageName) -> BTreeSet<&'a ServiceName> {
    let mut known = BTreeMap::new();
    for context in recent {
        if let Some(evaluation) = evaluation_in(context, stage) {
            known.entry(&context.service).or_insert(evaluation.result == "fail");
        }
    }
    known.into_iter().filter(|(_, has_failed)| *has_failed).map(|(service, _)| service).collect()
}

fn evaluation_in<'a>(context: &'a Context, stage: &StageName) -> Option<&'a LatestEvaluation> {
    let stage = context.stages.iter().find(|state| state.name == *stage)?;
    stage.latest_evaluation.as_ref()
}

fn by_stage(open: &[OpenApproval]) -> BTreeMap<StageName, u64> {
    let mut stages = BTreeMap::new();
    for OpenApproval { place, .. } in open {
        *stages.entry(place.stage.clone()).or_default() += 1;
    }
    stages
}

/// The newest approvals that wait in each stage, newest first.
fn asked(
    source: &impl Source,
    project: &ProjectName,
    open: &[OpenApproval],
    part: &str,
) -> Result<Vec<Asked>, StoreError> {
    let mut stages: HashMap<&StageName, usize> = HashMap::new();
    let wanted = open.iter().filter(|open| {
        let is_wanted = open.place.service.as_str().contains(part);
        let count = stages.entry(&open.place.stage).or_default();
        *count += usize::from(is_wanted);
        is_wanted && *count <= ASKED_MAX
    });
    let keys: Vec<i64> = wanted.map(|open| open.key).collect();
    let mut approvals = source.approvals(project, &keys)?;
    approvals.sort_by_key(|approval| std::cmp::Reverse(approval.n));
    let services: BTreeSet<_> = approvals.iter().map(|a| a.scope.service.clone()).collect();
    let lanes = source.lanes(project, &services.into_iter().collect::<Vec<_>>())?;
    let lanes: HashMap<Place, _> =
        lanes.into_iter().map(|lane| (lane.place, lane.deployed)).collect();
    let ids: BTreeSet<ContextId> = approvals.iter().map(|approval| approval.context).collect();
    let contexts = contexts(source, project, ids)?;
    let asked = approvals.into_iter().map(|approval| {
        let (stage, service) = (approval.scope.stage.clone(), approval.scope.service.clone());
        Asked {
            deployed: lanes.get(&Place { stage, service }).cloned().unwrap_or_default(),
            context: contexts.get(&approval.context).cloned(),
            approval,
        }
    });
    Ok(asked.collect())
}

fn contexts(
    source: &impl Source,
    project: &ProjectName,
    ids: BTreeSet<ContextId>,
) -> Result<HashMap<ContextId, Context>, StoreError> {
    let ids: Vec<ContextId> = ids.into_iter().collect();
    let found = source.contexts(project, &ids)?.into_iter();
    Ok(found.map(|context| (context.id, context)).collect())
}

fn cells(
    source: &impl Source,
    project: &ProjectName,
    lanes: Vec<Lane>,
) -> Result<Vec<Cell>, StoreError> {
    let places: Vec<Place> = lanes.iter().map(|lane| lane.place.clone()).collect();
    let runs = source.runs(project, &places, EVALUATIONS_MAX)?.into_iter();
    let mut runs: HashMap<Place, Runs> = runs.map(|runs| (runs.place.clone(), runs)).collect();
    let ids = runs.values().flat_map(|runs| runs.contexts.iter().copied()).collect();
    let contexts = contexts(source, project, ids)?;
    let released: Vec<EventId> =
        lanes.iter().filter_map(|lane| lane.deployed.last()).map(|newest| newest.event).collect();
    let released = source.events(&released)?.into_iter();
    let mut released: HashMap<EventId, LogRow> = released.map(|row| (row.event.id, row)).collect();
    let mut cells: Vec<Cell> = lanes
        .into_iter()
        .map(|Lane { place, deployed }| {
            let (newest, ids) = match runs.remove(&place) {
                Some(runs) => (runs.newest, runs.contexts),
                None => (None, Vec::new()),
            };
            Cell {
                evaluations: evaluations(&ids, &contexts, &place.stage),
                released: deployed.last().and_then(|newest| released.remove(&newest.event)),
                newest,
                deployed,
                place,
            }
        })
        .collect();
    cells.sort_by(|one, other| one.place.cmp(&other.place));
    Ok(cells)
}

/// Newest last; a delivery that ran there twice counts once.
fn evaluations(
    newest_first: &[ContextId],
    contexts: &HashMap<ContextId, Context>,
    stage: &StageName,
) -> Vec<(ContextId, LatestEvaluation)> {
    let mut seen = BTreeSet::new();
    let mut found: Vec<_> = newest_first
        .iter()
        .filter(|id| seen.insert(**id))
        .filter_map(|id| Some((*id, evaluation_in(contexts.get(id)?, stage)?.clone())))
        .take(EVALUATIONS_MAX)
        .collect();
    found.reverse();
    found
}
