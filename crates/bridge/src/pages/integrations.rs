//! The integrations that are registered, at the address of Keptn's Bridge.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use tidegate_core::names::ProjectName;
use tidegate_core::uniform::{Record, Subscription};

use crate::frame::{Frame, Place, Section, html, waiting};
use crate::problem::Problem;
use crate::state::BridgeState;
use crate::view::{Text, When};
use crate::visitor::Visitor;

#[derive(Template)]
#[template(path = "integrations.html")]
struct IntegrationsPage {
    frame: Frame,
    project: Text,
    rows: Vec<Row>,
}

/// An integration.
struct Row {
    name: Text,
    is_alive: bool,
    version: Text,
    host: Text,
    namespace: Text,
    location: Text,
    seen: When,
    /// What it is told of.
    subscriptions: Vec<Told>,
}

/// A subscription.
struct Told {
    event: Text,
    /// Of what, in words; empty for everything.
    filter: Text,
}

impl Row {
    /// What it has said about itself.
    fn facts(&self) -> impl Iterator<Item = (&'static str, &Text)> {
        let facts = [
            ("version", &self.version),
            ("host", &self.host),
            ("namespace", &self.namespace),
            ("location", &self.location),
        ];
        facts.into_iter().filter(|(_, text)| !text.is_empty())
    }
}

/// `GET /bridge/project/{project}/settings/uniform/integrations`
pub(crate) async fn page(
    State(state): State<BridgeState>,
    visitor: Visitor,
    Path(project): Path<String>,
) -> Result<Response, Problem> {
    let missing = || Problem::NotFound("project");
    let project = ProjectName::new(project).map_err(|_| missing())?;
    let name = project.clone();
    let read = state.engine.read(move |reader| {
        Ok((reader.project(&name)?.is_some(), reader.integrations()?, waiting(reader)?))
    });
    let (is_there, mut known, waiting) = read.await?;
    if !is_there {
        return Err(missing());
    }
    known.sort_by(|a, b| (&a.name, a.namespace()).cmp(&(&b.name, b.namespace())));
    let rules = state.engine.integration_rules();
    let row = |record: &Record| Row {
        name: Text::line(&record.name),
        is_alive: record.is_alive(rules, visitor.now),
        version: Text::line(&record.metadata.version),
        host: Text::line(&record.metadata.hostname),
        namespace: Text::line(record.namespace()),
        location: Text::line(&record.metadata.location),
        seen: When::new(record.last_seen, visitor.now),
        subscriptions: record.subscriptions.iter().map(in_words).collect(),
    };
    let place = Place::Project(project.clone(), Section::Environment);
    let page = IntegrationsPage {
        rows: known.iter().map(row).collect(),
        frame: Frame::new(&visitor, Text::line("Integrations"), place, waiting),
        project: Text::line(&project),
    };
    html(&page, StatusCode::OK)
}

/// "of service carts in stage qa"
fn in_words(one: &Subscription) -> Told {
    let filter = &one.filter;
    let kinds = [
        ("of service", &filter.services),
        ("in stage", &filter.stages),
        ("of project", &filter.projects),
    ];
    let words: Vec<String> = kinds
        .iter()
        .filter(|(_, names)| !names.is_empty())
        .map(|(word, names)| format!("{word} {}", names.join(" or ")))
        .collect();
    Told { event: Text::line(&one.event), filter: Text::line(words.join(" ")) }
}
