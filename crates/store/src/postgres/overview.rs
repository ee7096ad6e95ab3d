//! What overviews ask, each question in one round trip.

use jiff::Timestamp;
use postgres::Row;
use tidegate_core::approval::Approval;
use tidegate_core::names::{ContextId, EventId, ProjectName, ServiceName, StageName};
use tidegate_core::sequence::Context;
use uuid::Uuid;

use crate::codec::{damaged, from_json, micros, signed, time, unsigned};
use crate::contract::StoreError;
use crate::overview::{Activity, Lane, OpenApproval, Place, Runs, Source, StageLanes};
use crate::query::{ApprovalFilter, ApprovalState, LogRow, Page};
use crate::rows::ProjectRow;

use super::session::{Session, get};
use super::{approvals, contexts, list, log, projects};

/// One state of the store.
pub(super) struct Snapshot<'a>(pub(super) &'a Session);

fn stage(row: &Row, column: usize) -> Result<StageName, StoreError> {
    let text: &str = get(row, column)?;
    StageName::new(text).map_err(|error| damaged(format!("stage {text}"), &error))
}

fn service(row: &Row, column: usize) -> Result<ServiceName, StoreError> {
    let text: &str = get(row, column)?;
    ServiceName::new(text).map_err(|error| damaged(format!("service {text}"), &error))
}

/// Stage and service stand in a column and the next.
fn place(row: &Row, column: usize) -> Result<Place, StoreError> {
    Ok(Place { stage: stage(row, column)?, service: service(row, column + 1)? })
}

impl Source for Snapshot<'_> {
    fn project(&self, name: &ProjectName) -> Result<Option<ProjectRow>, StoreError> {
        projects::one(self.0, name)
    }

    fn activity(&self, part: &str) -> Result<Vec<Activity>, StoreError> {
        let sql = "SELECT name,
                     (SELECT count(*) FROM approval
                      WHERE approval.project = project.name AND state = 0),
                     (SELECT max(time) FROM context WHERE context.project = project.name)
                   FROM project WHERE name <> $1 AND strpos(name, $2) > 0 ORDER BY name";
        list::all(self.0, sql, &[&ProjectName::unmapped().as_str(), &part], |row| {
            let project = projects::name(row, 0)?;
            let last: Option<i64> = get(row, 2)?;
            let what = || format!("the newest context of {project}");
            Ok(Activity {
                waiting: unsigned(get(row, 1)?),
                last: last.map(|last| time(last, &what())).transpose()?,
                project,
            })
        })
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
        let wanted = "FROM service WHERE strpos(project, $1) > 0 OR strpos(name, $1) > 0";
        let count = self.0.first(&format!("SELECT count(*) {wanted}"), &[&part])?;
        let total = count.map(|row| get(&row, 0)).transpose()?.map_or(0, unsigned);
        let sql =
            format!("SELECT project, name {wanted} ORDER BY project, name LIMIT $2 OFFSET $3");
        let read = |row: &Row| Ok((projects::name(row, 0)?, service(row, 1)?));
        let items = list::all(self.0, &sql, &[&part, &signed(limit), &signed(offset)], read)?;
        Ok(Page::new(items, offset, total))
    }

    fn held(&self, project: &ProjectName) -> Result<Vec<(StageName, u64)>, StoreError> {
        let sql = "SELECT stage, count(*) FROM lane
                   WHERE project = $1 AND holder IS NOT NULL GROUP BY stage";
        let read = |row: &Row| Ok((stage(row, 0)?, unsigned(get(row, 1)?)));
        list::all(self.0, sql, &[&project.as_str()], read)
    }

    fn stages(&self, project: &ProjectName) -> Result<Vec<StageLanes>, StoreError> {
        let sql = "SELECT stage, count(deployed), count(holder) FROM lane
                   WHERE project = $1 GROUP BY stage";
        list::all(self.0, sql, &[&project.as_str()], |row| {
            Ok(StageLanes {
                stage: stage(row, 0)?,
                deployed: unsigned(get(row, 1)?),
                running: unsigned(get(row, 2)?),
            })
        })
    }

    fn lanes(
        &self,
        project: &ProjectName,
        services: &[ServiceName],
    ) -> Result<Vec<Lane>, StoreError> {
        let services: Vec<&str> = services.iter().map(ServiceName::as_str).collect();
        let sql = "SELECT stage, service, deployed FROM lane
                   WHERE project = $1 AND service = ANY($2)";
        list::all(self.0, sql, &[&project.as_str(), &services], |row| {
            let place = place(row, 0)?;
            let body: Option<&str> = get(row, 2)?;
            let what = || format!("table lane, {} in {}", place.service, place.stage);
            let deployed = body.map(|body| from_json(body, what)).transpose()?;
            Ok(Lane { deployed: deployed.unwrap_or_default(), place })
        })
    }

    fn runs(
        &self,
        project: &ProjectName,
        places: &[Place],
        limit: usize,
    ) -> Result<Vec<Runs>, StoreError> {
        let stages: Vec<&str> = places.iter().map(|place| place.stage.as_str()).collect();
        let services: Vec<&str> = places.iter().map(|place| place.service.as_str()).collect();
        // The bodies of all but the newest are not read.
        let sql = "SELECT place.stage, place.service, run.context,
                          CASE WHEN run.nth = 1 THEN run.body END
                   FROM unnest($2::text[], $3::text[]) AS place (stage, service)
                   CROSS JOIN LATERAL (
                     SELECT context, body, row_number() OVER (ORDER BY position DESC) AS nth
                     FROM execution WHERE project = $1 AND execution.stage = place.stage
                       AND execution.service = place.service
                     ORDER BY position DESC LIMIT $4) AS run
                   ORDER BY place.stage, place.service, run.nth";
        let limit = signed(limit as u64);
        let rows = self.0.query(sql, &[&project.as_str(), &stages, &services, &limit])?;
        let mut found: Vec<Runs> = Vec::new();
        for row in &rows {
            let (place, context) = (place(row, 0)?, ContextId::from(get::<Uuid>(row, 2)?));
            match found.last_mut() {
                Some(runs) if runs.place == place => runs.contexts.push(context),
                _ => {
                    let body: Option<&str> = get(row, 3)?;
                    let what = || format!("table execution, context {context}");
                    let newest = body.map(|body| from_json(body, what)).transpose()?;
                    found.push(Runs { place, newest, contexts: vec![context] });
                }
            }
        }
        Ok(found)
    }

    fn open(&self, project: &ProjectName, limit: u64) -> Result<Vec<OpenApproval>, StoreError> {
        let sql = "SELECT seq, stage, service FROM approval WHERE project = $1 AND state = 0
                   ORDER BY at DESC, seq DESC LIMIT $2";
        list::all(self.0, sql, &[&project.as_str(), &signed(limit)], |row| {
            Ok(OpenApproval { key: get(row, 0)?, place: place(row, 1)? })
        })
    }

    fn approvals(&self, project: &ProjectName, keys: &[i64]) -> Result<Vec<Approval>, StoreError> {
        let sql = "SELECT seq, body FROM approval WHERE project = $1 AND seq = ANY($2)";
        list::all(self.0, sql, &[&project.as_str(), &keys], approvals::read)
    }

    fn decided(&self, project: &ProjectName, limit: u64) -> Result<Vec<Approval>, StoreError> {
        let (state, project) = (Some(ApprovalState::Decided), Some(project.clone()));
        let filter = ApprovalFilter { state, project, ..ApprovalFilter::default() };
        Ok(approvals::page(self.0, &filter, (0, limit))?.items)
    }

    fn contexts(
        &self,
        project: &ProjectName,
        ids: &[ContextId],
    ) -> Result<Vec<Context>, StoreError> {
        let ids: Vec<Uuid> = ids.iter().map(|id| id.uuid()).collect();
        let sql = "SELECT seq, body FROM context WHERE project = $1 AND id = ANY($2)";
        list::all(self.0, sql, &[&project.as_str(), &ids], contexts::read)
    }

    fn recent(
        &self,
        project: &ProjectName,
        since: Option<Timestamp>,
        limit: u64,
    ) -> Result<Vec<Context>, StoreError> {
        // The first that is past is the newest of those that are.
        let sql = "SELECT seq, body FROM context WHERE project = $1
                     AND time >= coalesce((SELECT max(time) FROM context
                                           WHERE project = $1 AND time <= $2), time)
                   ORDER BY time DESC, seq DESC LIMIT $3";
        let since = since.map_or(i64::MIN, micros);
        let mut found: Vec<Context> =
            list::all(self.0, sql, &[&project.as_str(), &since, &signed(limit)], contexts::read)?;
        let past = found.iter().position(|one| micros(one.time) <= since);
        found.truncate(past.map_or(usize::MAX, |at| at + 1));
        Ok(found)
    }

    fn events(&self, ids: &[EventId]) -> Result<Vec<LogRow>, StoreError> {
        let ids: Vec<Uuid> = ids.iter().map(|id| id.uuid()).collect();
        let sql = format!("SELECT {} FROM event WHERE id = ANY($1)", log::COLUMNS);
        list::all(self.0, &sql, &[&ids], log::read)
    }
}
