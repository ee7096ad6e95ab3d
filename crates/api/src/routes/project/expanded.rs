//! Projects, stages and services as Keptn 1.4 shows them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;
use tidegate_core::event::EventType;
use tidegate_core::names::{ContextId, EventId, ProjectName, ServiceName, StageName};
use tidegate_core::sequence::LatestEvent;
use tidegate_core::shipyard::{Shipyard, Stage};
use tidegate_resources::upstream::Upstreams;
use tidegate_store::{ProjectRow, Reader, ServiceRow, StoreError};
use utoipa::ToSchema;

use super::credentials::ShownCredentials;
use crate::openapi::wire;

/// A project with its stages, in the order of its shipyard.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ExpandedProject {
    /// When it was created.
    #[schema(value_type = wire::Nanoseconds)]
    creation_date: String,
    /// Its name.
    #[schema(value_type = wire::ProjectName)]
    project_name: ProjectName,
    /// The text of its shipyard.
    shipyard: String,
    /// `apiVersion` of its shipyard.
    #[schema(examples("spec.keptn.sh/0.2.2"))]
    shipyard_version: String,
    /// Its stages.
    stages: Vec<ExpandedStage>,
    /// Where its files are kept elsewhere; absent where they are kept here.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = ShownCredentials)]
    git_credentials: Option<ShownCredentials>,
    /// Whether its repository was made for it, not given by a client.
    is_upstream_auto_provisioned: bool,
}

/// A stage with the services of its project, by name.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ExpandedStage {
    /// Its name.
    #[schema(value_type = wire::StageName)]
    pub(crate) stage_name: StageName,
    /// The services of its project.
    services: Vec<ExpandedService>,
    /// The stages whose sequences trigger one of this stage.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<wire::StageName>)]
    parent_stages: Vec<StageName>,
}

/// A service as it stands in a stage.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ExpandedService {
    /// Its name.
    #[schema(value_type = wire::ServiceName)]
    pub(crate) service_name: ServiceName,
    /// When it was created.
    #[schema(value_type = wire::Nanoseconds)]
    creation_date: String,
    /// What runs there; absent where nothing was deployed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, examples("registry.example.org/carts:1.2"))]
    deployed_image: Option<String>,
    /// The newest event of each type.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[schema(value_type = BTreeMap<String, LastEvent>)]
    last_event_types: BTreeMap<EventType, LastEvent>,
    /// Always null: nothing in Keptn 1.4 ever fills it.
    #[schema(value_type = Option<Value>, required)]
    open_remediations: Option<()>,
}

/// The newest event of a type.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct LastEvent {
    /// Its id.
    #[schema(value_type = wire::EventId)]
    event_id: EventId,
    /// The delivery that it belongs to.
    #[schema(value_type = wire::ContextId)]
    keptn_context: ContextId,
    /// When it was accepted.
    #[schema(value_type = wire::Nanoseconds)]
    time: String,
}

impl LastEvent {
    fn of(latest: LatestEvent) -> (EventType, Self) {
        let LatestEvent { kind, event, context, time, .. } = latest;
        (kind, Self { event_id: event, keptn_context: context, time: nanoseconds(time) })
    }
}

impl ExpandedProject {
    pub(crate) fn read(
        reader: &dyn Reader,
        upstreams: &Upstreams,
        row: &ProjectRow,
    ) -> Result<Self, StoreError> {
        let shipyard = shipyard(row);
        let stages = ExpandedStage::all(reader, row)?;
        let git_credentials = ShownCredentials::of(upstreams, &row.name);
        Ok(Self {
            creation_date: nanoseconds(row.created),
            project_name: row.name.clone(),
            shipyard: row.shipyard.to_string(),
            shipyard_version: shipyard.map(|shipyard| shipyard.api_version).unwrap_or_default(),
            stages,
            is_upstream_auto_provisioned: git_credentials
                .as_ref()
                .is_none_or(ShownCredentials::is_provisioned),
            git_credentials,
        })
    }
}

impl ExpandedStage {
    /// The stages of a project, in the order of its shipyard. A name that comes twice is one stage.
    pub(crate) fn all(reader: &dyn Reader, row: &ProjectRow) -> Result<Vec<Self>, StoreError> {
        let Some(shipyard) = shipyard(row) else { return Ok(Vec::new()) };
        let services = reader.services(&row.name)?;
        let mut stages: Vec<Self> = Vec::with_capacity(shipyard.stages.len());
        for stage in &shipyard.stages {
            if stages.iter().any(|known| known.stage_name == stage.name) {
                continue;
            }
            let services = services
                .iter()
                .map(|service| ExpandedService::read(reader, &row.name, &stage.name, service))
                .collect::<Result<_, _>>()?;
            let parent_stages = parents(stage);
            stages.push(Self { stage_name: stage.name.clone(), services, parent_stages });
        }
        Ok(stages)
    }

    /// One stage; none where the shipyard has no such stage.
    pub(crate) fn one(
        reader: &dyn Reader,
        row: &ProjectRow,
        name: &StageName,
    ) -> Result<Option<Self>, StoreError> {
        Ok(Self::all(reader, row)?.into_iter().find(|stage| stage.stage_name == *name))
    }

    /// Its services, by name.
    pub(crate) fn into_services(self) -> Vec<ExpandedService> {
        self.services
    }
}

impl ExpandedService {
    fn read(
        reader: &dyn Reader,
        project: &ProjectName,
        stage: &StageName,
        row: &ServiceRow,
    ) -> Result<Self, StoreError> {
        let deployed = reader.deployed(project, stage, &row.name)?;
        let latest = reader.latest_events(project, stage, &row.name)?;
        Ok(Self {
            service_name: row.name.clone(),
            creation_date: nanoseconds(row.created),
            deployed_image: deployed.into_iter().next_back().map(|deployed| deployed.image),
            last_event_types: latest.into_iter().map(LastEvent::of).collect(),
            open_remediations: None,
        })
    }
}

/// The project's shipyard. It was valid when it was taken in; one that a stricter version no longer
/// reads shows no stages rather than hiding every project of the page.
fn shipyard(row: &ProjectRow) -> Option<Shipyard> {
    Shipyard::parse(&row.shipyard)
        .inspect_err(|error| {
            let (project, commit) = (&row.name, &row.commit);
            tracing::warn!(%project, %commit, %error, "the shipyard cannot be read");
        })
        .ok()
}

/// Keptn 1.4: the other stages whose sequences trigger one of this stage, in file order.
fn parents(stage: &Stage) -> Vec<StageName> {
    let mut parents = Vec::new();
    for trigger in stage.sequences.iter().flat_map(|sequence| &sequence.triggered_on) {
        let segments: Vec<&str> = trigger.event.split('.').collect();
        let [parent, _, _] = *segments.as_slice() else { continue };
        let Ok(parent) = StageName::new(parent) else { continue };
        if parent != stage.name && !parents.contains(&parent) {
            parents.push(parent);
        }
    }
    parents
}

/// Keptn 1.4 writes creation dates as nanoseconds since 1970, in a text.
fn nanoseconds(time: Timestamp) -> String {
    time.as_nanosecond().to_string()
}
