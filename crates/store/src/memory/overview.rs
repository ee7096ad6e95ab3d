//! What overviews ask, of one state of the rows.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use tidegate_core::approval::Approval;
use tidegate_core::event::Scope;
use tidegate_core::names::{ContextId, EventId, ProjectName, ServiceName, StageName};
use tidegate_core::sequence::{Context, Execution};

use crate::contract::StoreError;
use crate::overview::{Activity, Lane, OpenApproval, Place, Run, Runs, Source, StageLanes};
use crate::query::{ApprovalFilter, ApprovalState, ExecutionFilter, LogRow, Page, SequenceFilter};
use crate::rows::ProjectRow;

use super::table::{Key, Rows, Table, damaged};
use super::{approvals, contexts, executions, lanes, log, projects};

/// One state of the rows.
pub(super) struct Snapshot<'a>(pub(super) &'a Rows);

fn at_most<T>(mut items: Vec<T>, limit: u64) -> Vec<T> {
    items.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    items
}

/// The place that the key of a lane's row names.
fn place_of(key: &[u8]) -> Result<Place, StoreError> {
    let text = String::from_utf8_lossy(key);
    let mut parts = text.split('\0').skip(1);
    let mut part = || parts.next().unwrap_or_default();
    let what = || format!("lane {text:?}");
    Ok(Place {
        stage: StageName::new(part()).map_err(|error| damaged(what(), &error))?,
        service: ServiceName::new(part()).map_err(|error| damaged(what(), &error))?,
    })
}

impl Snapshot<'_> {
    /// The places of a project that have rows of this kind.
    fn places(&self, table: Table, project: &ProjectName) -> Result<BTreeSet<Place>, StoreError> {
        let prefix = Key::new().text(project.as_str());
        self.0.scan(table, &prefix).map(|(key, _)| place_of(key)).collect()
    }

    fn of_state(
        &self,
        project: &ProjectName,
        state: ApprovalState,
    ) -> Result<Vec<Approval>, StoreError> {
        let (state, project) = (Some(state), Some(project.clone()));
        approvals::list(self.0, &ApprovalFilter { state, project, ..ApprovalFilter::default() })
    }

    fn of_project(&self, project: &ProjectName) -> Result<Vec<Context>, StoreError> {
        contexts::list(self.0, project, &SequenceFilter::default())
    }
}

impl Source for Snapshot<'_> {
    fn project(&self, name: &ProjectName) -> Result<Option<ProjectRow>, StoreError> {
        projects::one(self.0, name)
    }

    fn activity(&self, part: &str) -> Result<Vec<Activity>, StoreError> {
        let rows = projects::all(self.0)?.into_iter().map(|row| row.name);
        rows.filter(|name| name.as_str().contains(part))
            .map(|project| {
                let waiting = self.of_state(&project, ApprovalState::Open)?.len() as u64;
                let last = self.of_project(&project)?.first().map(|context| context.time);
                Ok(Activity { project, waiting, last })
            })
            .collect()
    }

    fn services(&self, project: &ProjectName) -> Result<Vec<ServiceName>, StoreError> {
        let rows = projects::services(self.0, project)?.into_iter();
        Ok(rows.map(|row| row.name).collect())
    }

    fn all_services(
        &self,
        part: &str,
        (offset, limit): (u64, u64),
    ) -> Result<Page<(ProjectName, ServiceName)>, StoreError> {
        let mut found = Vec::new();
        for project in projects::all(self.0)? {
            let services = self.services(&project.name)?.into_iter();
            let services = services.map(|service| (project.name.clone(), service));
            found.extend(services.filter(|(project, service)| {
                project.as_str().contains(part) || service.as_str().contains(part)
            }));
        }
        Ok(Page::cut(found, offset, limit))
    }

    fn held(&self, project: &ProjectName) -> Result<Vec<(StageName, u64)>, StoreError> {
        let stages = self.stages(project)?.into_iter().filter(|stage| stage.running > 0);
        Ok(stages.map(|stage| (stage.stage, stage.running)).collect())
    }

    fn stages(&self, project: &ProjectName) -> Result<Vec<StageLanes>, StoreError> {
        let mut stages: BTreeMap<StageName, (u64, u64)> = BTreeMap::new();
        for place in self.places(Table::Deployed, project)? {
            stages.entry(place.stage).or_default().0 += 1;
        }
        for place in self.places(Table::Holder, project)? {
            stages.entry(place.stage).or_default().1 += 1;
        }
        let stages = stages.into_iter();
        Ok(stages
            .map(|(stage, (deployed, running))| StageLanes { stage, deployed, running })
            .collect())
    }

    fn lanes(
        &self,
        project: &ProjectName,
        services: &[ServiceName],
    ) -> Result<Vec<Lane>, StoreError> {
        let mut places = self.places(Table::Deployed, project)?;
        places.extend(self.places(Table::Holder, project)?);
        let all = executions::list(self.0, project, &ExecutionFilter::default())?;
        let been = |Execution { scope: Scope { stage, service, .. }, .. }| Place { stage, service };
        places.extend(all.into_iter().map(been));
        let wanted = places.into_iter().filter(|place| services.contains(&place.service));
        wanted
            .map(|place| {
                let (stage, service) = (place.stage.clone(), place.service.clone());
                let scope = Scope { project: project.clone(), stage, service };
                Ok(Lane { deployed: lanes::deployed(self.0, &scope)?, place })
            })
            .collect()
    }

    fn runs(
        &self,
        project: &ProjectName,
        places: &[Place],
        limit: usize,
    ) -> Result<Vec<Runs>, StoreError> {
        let runs = places.iter().map(|place| {
            let filter = ExecutionFilter {
                stage: Some(place.stage.clone()),
                service: Some(place.service.clone()),
                ..ExecutionFilter::default()
            };
            let found = at_most(executions::list(self.0, project, &filter)?, limit as u64);
            let contexts = found.iter().map(|execution| execution.context).collect();
            let newest = found.into_iter().next().map(|execution| Run {
                context: execution.context,
                sequence: execution.sequence,
                triggered_at: execution.triggered_at,
                previous: execution.previous,
                state: execution.state,
            });
            Ok(Runs { place: place.clone(), newest, contexts })
        });
        runs.collect()
    }

    fn open(&self, project: &ProjectName, limit: u64) -> Result<Vec<OpenApproval>, StoreError> {
        let found = self.of_state(project, ApprovalState::Open)?.into_iter().rev();
        let found = found.map(|approval| OpenApproval {
            key: approval.n.cast_signed(),
            place: Place { stage: approval.scope.stage, service: approval.scope.service },
        });
        Ok(at_most(found.collect(), limit))
    }

    fn approvals(&self, project: &ProjectName, keys: &[i64]) -> Result<Vec<Approval>, StoreError> {
        let mut found = self.of_state(project, ApprovalState::Open)?;
        found.retain(|approval| keys.contains(&approval.n.cast_signed()));
        Ok(found)
    }

    fn decided(&self, project: &ProjectName, limit: u64) -> Result<Vec<Approval>, StoreError> {
        Ok(at_most(self.of_state(project, ApprovalState::Decided)?, limit))
    }

    fn contexts(
        &self,
        project: &ProjectName,
        ids: &[ContextId],
    ) -> Result<Vec<Context>, StoreError> {
        let found = ids.iter().filter_map(|id| contexts::one(self.0, project, *id).transpose());
        found.collect()
    }

    fn recent(
        &self,
        project: &ProjectName,
        since: Option<Timestamp>,
        limit: u64,
    ) -> Result<Vec<Context>, StoreError> {
        let mut found = self.of_project(project)?;
        let past = found.iter().position(|one| since.is_some_and(|since| one.time <= since));
        found.truncate(past.map_or(usize::MAX, |at| at + 1));
        Ok(at_most(found, limit))
    }

    fn events(&self, ids: &[EventId]) -> Result<Vec<LogRow>, StoreError> {
        let found = ids.iter().filter_map(|id| log::by_id(self.0, *id).transpose());
        found.map(|found| found.map(|(_, row)| row)).collect()
    }
}
