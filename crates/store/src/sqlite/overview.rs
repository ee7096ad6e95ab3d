//! What overviews ask, each within the reader's transaction. Places are looked up one by one: a prepared
//! statement costs no more here than a row of a larger one.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _};
use tidegate_core::approval::Approval;
use tidegate_core::names::{ContextId, EventId, ProjectName, ServiceName, StageName};
use tidegate_core::sequence::Context;

use crate::contract::StoreError;
use crate::overview::{Activity, Lane, OpenApproval, Place, Runs, Source, StageLanes};
use crate::query::{ApprovalFilter, ApprovalState, LogRow, Page};
use crate::rows::ProjectRow;

use super::codec::{body, damaged, from_json, signed, time, to_json, unsigned};
use super::keys::{ProjectId, UNMAPPED};
use super::tally::Tally;
use super::{approvals, contexts, log, projects};

/// One state of the store.
pub(super) struct Snapshot<'a>(pub(super) &'a Connection);

fn stage(text: &str) -> Result<StageName, StoreError> {
    StageName::new(text).map_err(|error| damaged(format!("table word, text {text}"), &error))
}

fn service(text: &str) -> Result<ServiceName, StoreError> {
    ServiceName::new(text).map_err(|error| damaged(format!("table word, text {text}"), &error))
}

impl Snapshot<'_> {
    /// Asks about a project; where there is none, nothing is there.
    fn within<T: Default>(
        &self,
        project: &ProjectName,
        ask: impl FnOnce(ProjectId) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        projects::id(self.0, project)?.map_or_else(|| Ok(T::default()), ask)
    }

    /// The place with these words.
    fn place(&self, (of_stage, of_service): (i64, i64)) -> Result<Place, StoreError> {
        let mut statement = self.0.prepare_cached("SELECT text FROM word WHERE id = ?1")?;
        let mut word = |id: i64| statement.query_row([id], |row| row.get::<_, String>(0));
        Ok(Place { stage: stage(&word(of_stage)?)?, service: service(&word(of_service)?)? })
    }

    /// The sequences that have run in a place, as words: each is found by one step down the index.
    fn sequences(&self, stage: i64, service: i64) -> Result<Vec<i64>, StoreError> {
        let mut statement = self.0.prepare_cached(NEXT_NAME)?;
        let mut names = Vec::new();
        loop {
            let after = names.last().copied().unwrap_or(i64::MIN);
            match statement.query_row([stage, service, after], |row| row.get(0))? {
                Some(name) => names.push(name),
                None => return Ok(names),
            }
        }
    }

    fn runs_of(&self, project: ProjectId, place: &Place, limit: usize) -> Result<Runs, StoreError> {
        let mut word = self.0.prepare_cached("SELECT id FROM word WHERE text = ?1")?;
        let mut word = |text: &str| word.query_row([text], |row| row.get(0)).optional();
        let (stage, service) = (word(place.stage.as_str())?, word(place.service.as_str())?);
        let mut found: Vec<(i64, ContextId)> = Vec::new();
        if let (Some(stage), Some(service)) = (stage, service) {
            let mut newest = self.0.prepare_cached(NEWEST)?;
            for name in self.sequences(stage, service)? {
                let (first, last) = (project.first(), project.last());
                let values = (stage, service, name, first, last, signed(limit as u64));
                let mut rows = newest.query(values)?;
                while let Some(row) = rows.next()? {
                    found.push((row.get(0)?, ContextId::from_bytes(row.get(1)?)));
                }
            }
        }
        found.sort_unstable_by_key(|(key, _)| std::cmp::Reverse(*key));
        found.truncate(limit);
        let newest = found.first().map(|(key, _)| {
            let mut statement = self.0.prepare_cached(RUN)?;
            let mut rows = statement.query([key])?;
            let row = rows.next()?.ok_or(rusqlite::Error::QueryReturnedNoRows)?;
            body(row, 0, || format!("table execution, key {key}"))
        });
        Ok(Runs {
            place: place.clone(),
            newest: newest.transpose()?,
            contexts: found.into_iter().map(|(_, context)| context).collect(),
        })
    }
}

impl Source for Snapshot<'_> {
    fn project(&self, name: &ProjectName) -> Result<Option<ProjectRow>, StoreError> {
        projects::one(self.0, name)
    }

    fn activity(&self, part: &str) -> Result<Vec<Activity>, StoreError> {
        let mut statement = self.0.prepare_cached(ACTIVITY)?;
        let mut rows = statement.query((UNMAPPED.0, part, Tally::Open as i64))?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            let text: String = row.get(0)?;
            let what = || format!("table project, name {text}");
            let last: Option<i64> = row.get(2)?;
            found.push(Activity {
                project: ProjectName::new(&text).map_err(|error| damaged(what(), &error))?,
                waiting: unsigned(row.get(1)?),
                last: last.map(|last| time(last, &what())).transpose()?,
            });
        }
        Ok(found)
    }

    fn services(&self, project: &ProjectName) -> Result<Vec<ServiceName>, StoreError> {
        self.within(project, |project| {
            let rows = projects::services(self.0, project)?.into_iter();
            Ok(rows.map(|row| row.name).collect())
        })
    }

    fn all_services(
        &self,
        part: &str,
        (offset, limit): (u64, u64),
    ) -> Result<Page<(ProjectName, ServiceName)>, StoreError> {
        let total = self.0.prepare_cached(COUNT_SERVICES)?.query_row([part], |row| row.get(0))?;
        let mut statement = self.0.prepare_cached(ALL_SERVICES)?;
        let mut rows = statement.query((part, signed(limit), signed(offset)))?;
        let mut items = Vec::new();
        while let Some(row) = rows.next()? {
            let (of, name): (String, String) = (row.get(0)?, row.get(1)?);
            let what = || format!("table service, name {name} of {of}");
            items.push((
                ProjectName::new(&of).map_err(|error| damaged(what(), &error))?,
                ServiceName::new(&name).map_err(|error| damaged(what(), &error))?,
            ));
        }
        Ok(Page::new(items, offset, unsigned(total)))
    }

    fn held(&self, project: &ProjectName) -> Result<Vec<(StageName, u64)>, StoreError> {
        self.within(project, |project| {
            let mut statement = self.0.prepare_cached(HELD)?;
            let mut rows = statement.query([project.0])?;
            let mut found = Vec::new();
            while let Some(row) = rows.next()? {
                found.push((stage(&row.get::<_, String>(0)?)?, unsigned(row.get(1)?)));
            }
            Ok(found)
        })
    }

    fn stages(&self, project: &ProjectName) -> Result<Vec<StageLanes>, StoreError> {
        self.within(project, |project| {
            let mut statement = self.0.prepare_cached(STAGES)?;
            let mut rows = statement.query([project.0])?;
            let mut found = Vec::new();
            while let Some(row) = rows.next()? {
                found.push(StageLanes {
                    stage: stage(&row.get::<_, String>(0)?)?,
                    deployed: unsigned(row.get(1)?),
                    running: unsigned(row.get(2)?),
                });
            }
            Ok(found)
        })
    }

    fn lanes(
        &self,
        project: &ProjectName,
        services: &[ServiceName],
    ) -> Result<Vec<Lane>, StoreError> {
        self.within(project, |project| {
            let services = to_json(&services, "services")?;
            let mut statement = self.0.prepare_cached(LANES)?;
            let mut rows = statement.query((project.0, services))?;
            let mut found = Vec::new();
            while let Some(row) = rows.next()? {
                let (stage, service) =
                    (stage(&row.get::<_, String>(0)?)?, service(&row.get::<_, String>(1)?)?);
                let deployed: Option<String> = row.get(2)?;
                let what = || format!("table deployed, {service} in {stage}");
                let deployed = deployed.map(|body| from_json(&body, what)).transpose()?;
                let place = Place { stage, service };
                found.push(Lane { place, deployed: deployed.unwrap_or_default() });
            }
            Ok(found)
        })
    }

    fn runs(
        &self,
        project: &ProjectName,
        places: &[Place],
        limit: usize,
    ) -> Result<Vec<Runs>, StoreError> {
        self.within(project, |project| {
            places.iter().map(|place| self.runs_of(project, place, limit)).collect()
        })
    }

    fn open(&self, project: &ProjectName, limit: u64) -> Result<Vec<OpenApproval>, StoreError> {
        self.within(project, |project| {
            let mut statement = self.0.prepare_cached(OPEN)?;
            let mut rows = statement.query((project.0, signed(limit)))?;
            // Thousands that wait are for few places: each is read once.
            let mut places: HashMap<(i64, i64), Place> = HashMap::new();
            let mut found = Vec::new();
            while let Some(row) = rows.next()? {
                let words = (row.get(1)?, row.get(2)?);
                let place = match places.entry(words) {
                    Entry::Occupied(known) => known.get().clone(),
                    Entry::Vacant(free) => free.insert(self.place(words)?).clone(),
                };
                found.push(OpenApproval { key: row.get(0)?, place });
            }
            Ok(found)
        })
    }

    fn approvals(&self, _: &ProjectName, keys: &[i64]) -> Result<Vec<Approval>, StoreError> {
        let mut statement = self.0.prepare_cached(APPROVAL)?;
        let mut found = Vec::new();
        for key in keys {
            let mut rows = statement.query([key])?;
            found.extend(rows.next()?.map(approvals::read).transpose()?);
        }
        Ok(found)
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
        self.within(project, |project| {
            ids.iter().filter_map(|id| contexts::by_id(self.0, project, *id).transpose()).collect()
        })
    }

    fn recent(
        &self,
        project: &ProjectName,
        since: Option<Timestamp>,
        limit: u64,
    ) -> Result<Vec<Context>, StoreError> {
        self.within(project, |project| {
            let mut statement = self.0.prepare_cached(RECENT)?;
            let mut rows = statement.query((project.0, signed(limit)))?;
            let mut found: Vec<Context> = Vec::new();
            while let Some(row) = rows.next()? {
                found.push(contexts::read(row)?);
                if found.last().is_some_and(|last| since.is_some_and(|since| last.time <= since)) {
                    break;
                }
            }
            Ok(found)
        })
    }

    fn events(&self, ids: &[EventId]) -> Result<Vec<LogRow>, StoreError> {
        let found = ids.iter().filter_map(|id| log::by_id(self.0, *id).transpose());
        found.map(|found| found.map(|(_, row)| row)).collect()
    }
}

/// The sequences of all projects: one place in all of them has few.
pub(super) const NEXT_NAME: &str = "SELECT min(name) FROM execution INDEXED BY execution_place
     WHERE stage = ?1 AND service = ?2 AND name > ?3";

pub(super) const NEWEST: &str = "SELECT key, context FROM execution INDEXED BY execution_place
     WHERE stage = ?1 AND service = ?2 AND name = ?3 AND key BETWEEN ?4 AND ?5
     ORDER BY key DESC LIMIT ?6";

pub(super) const RUN: &str = "SELECT body FROM execution WHERE key = ?1";

pub(super) const APPROVAL: &str = "SELECT seq, body FROM approval WHERE seq = ?1";

pub(super) const OPEN: &str = "SELECT seq, stage, service FROM approval INDEXED BY approval_project
     WHERE project = ?1 AND state = 0 ORDER BY at DESC, seq DESC LIMIT ?2";

pub(super) const RECENT: &str = "SELECT seq, body FROM context INDEXED BY context_time
     WHERE project = ?1 ORDER BY time DESC, seq DESC LIMIT ?2";

/// Walks the lanes of one project: each names a holder, which no index has.
pub(super) const HELD: &str =
    "SELECT (SELECT text FROM word WHERE id = lane.stage), count(*) FROM lane
     WHERE project = ?1 AND holder IS NOT NULL GROUP BY stage";

pub(super) const STAGES: &str = "SELECT word.text, count(deployed.lane), count(lane.holder)
     FROM lane
     LEFT JOIN deployed ON deployed.lane = lane.id
     JOIN word ON word.id = lane.stage
     WHERE lane.project = ?1 GROUP BY lane.stage";

pub(super) const LANES: &str = "SELECT stage.text, service.text, deployed.body
     FROM lane
     JOIN word AS stage ON stage.id = lane.stage
     JOIN word AS service ON service.id = lane.service
     LEFT JOIN deployed ON deployed.lane = lane.id
     WHERE lane.project = ?1
       AND lane.service IN (SELECT word.id FROM json_each(?2) CROSS JOIN word
                            ON word.text = json_each.value)";

/// Every project, whose names nothing but a walk finds by a part.
const ACTIVITY: &str = "SELECT name,
       (SELECT coalesce(sum(n), 0) FROM tally WHERE tally.project = project.id AND what = ?3),
       (SELECT max(time) FROM context WHERE context.project = project.id)
     FROM project WHERE id <> ?1 AND instr(name, ?2) > 0 ORDER BY name";

const COUNT_SERVICES: &str =
    "SELECT count(*) FROM service JOIN project ON project.id = service.project
     WHERE instr(project.name, ?1) > 0 OR instr(service.name, ?1) > 0";

const ALL_SERVICES: &str = "SELECT project.name, service.name
     FROM project CROSS JOIN service ON service.project = project.id
     WHERE instr(project.name, ?1) > 0 OR instr(service.name, ?1) > 0
     ORDER BY project.name, service.name LIMIT ?2 OFFSET ?3";
