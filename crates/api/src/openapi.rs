//! The document of the whole HTTP API, by OpenAPI 3.1: the list of what the handlers say of themselves.
//!
//! Two things are not in it, because they are no part of the API: `/api/{*path}`, which answers 404 to
//! whatever nobody serves, and `HEAD`, which is answered wherever `GET` is. A test compares the rest with
//! the router.

pub(crate) mod answers;
pub(crate) mod page;
pub(crate) mod parameters;
mod tidy;
pub(crate) mod wire;

use serde_json::{Value, json};
use utoipa::openapi::OpenApi as Api;
use utoipa::openapi::extensions::ExtensionsBuilder;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};

use tidy::{Fields, Parameters};

use crate::routes::{
    alertmanager, approval, auth, datastore, document, evaluate, evaluation, event, event_entry,
    gateway, git, health, integration, live, metadata, open_event, project, resource, sequence,
    sequence_execution, sequence_view, service, sign_in_link, stage, token, upstream,
};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Tidegate",
        description = "Deliveries with people's approval. Keptn 1.4's API as its clients know it, and \
            Tidegate's own beside it, under `/api/tidegate/v1`. Every change is on the disk before it is \
            answered.",
    ),
    servers((url = "/", description = "This server.")),
    security(("token" = [])),
    tags(
        (name = "Events", description = "What happens: sequences are triggered and tasks answered by \
            events, and all of them are kept."),
        (name = "Sequences", description = "Deliveries, how far they have come, and stopping them."),
        (name = "Projects", description = "Projects: a shipyard, and files in Git."),
        (name = "Stages", description = "The stages of a project, as its shipyard names them."),
        (name = "Services", description = "What is delivered, in every stage of a project."),
        (name = "Files", description = "Files of projects, stages and services, in Git."),
        (name = "Integrations", description = "Programs of one's own that work on events, and what they \
            are told of."),
        (name = "Server", description = "Tokens, versions, and whether the server answers."),
        (name = "Approvals", description = "What waits for a person, exactly what is asked, and the \
            decision."),
        (name = "Following", description = "Sequences of all projects with their tasks and times, what an \
            event meant, and that something has changed."),
        (name = "Alerts", description = "Problems that a monitoring system has found."),
        (name = "Upstreams", description = "Repositories elsewhere that keep the files of projects."),
        (name = "Tokens", description = "Who may use the API, under which name."),
        (name = "Sign-in", description = "Who may use the Bridge."),
        (name = "Git", description = "Clone, fetch and push, for `git` itself: its smart HTTP protocol, \
            not JSON."),
        (name = "Operations", description = "For those who run the server, and this document."),
    ),
    paths(
        event::send,
        open_event::list,
        datastore::events,
        datastore::events_of_type,
        sequence::list,
        sequence::control,
        sequence_execution::list,
        project::list,
        project::create,
        project::update,
        project::get,
        project::delete,
        stage::list,
        stage::get,
        service::list,
        service::get,
        service::create,
        service::delete,
        evaluate::trigger,
        integration::list,
        integration::register,
        integration::unregister,
        integration::ping,
        integration::subscriptions,
        integration::subscription,
        integration::subscribe,
        integration::resubscribe,
        integration::unsubscribe,
        metadata::get,
        auth::check,
        auth::check_by_get,
        gateway::to_page,
        gateway::to_page_below,
        gateway::nginx_health,
        health::control_plane,
        health::resource_service,
        approval::list,
        approval::get,
        approval::decide,
        sequence_view::list,
        sequence_view::get,
        event_entry::get,
        evaluation::list,
        live::stream,
        alertmanager::receive,
        upstream::get,
        upstream::sync,
        upstream::drop_conflict,
        token::list,
        token::create,
        token::revoke,
        sign_in_link::create,
        git::refs,
        git::upload,
        git::receive,
        health::alive,
        health::ready,
        document::json,
        document::page,
        document::page_by_name,
        gateway::to_bridge,
    ),
    components(schemas(answers::Error, answers::VoteConflict)),
    modifiers(&Credentials, &Groups, &Parameters)
)]
struct Document;

/// Which tags are Keptn's, and which are ours.
const GROUPS: [(&str, &[&str]); 2] = [
    (
        "Keptn 1.4",
        &[
            "Events",
            "Sequences",
            "Projects",
            "Stages",
            "Services",
            "Files",
            "Integrations",
            "Server",
        ],
    ),
    (
        "Tidegate",
        &[
            "Approvals",
            "Following",
            "Alerts",
            "Upstreams",
            "Tokens",
            "Sign-in",
            "Git",
            "Operations",
        ],
    ),
];

/// Says who is let in.
struct Credentials;

impl Modify for Credentials {
    fn modify(&self, api: &mut Api) {
        let token = ApiKeyValue::with_description(
            "x-token",
            "The installation's token, one of the configuration's `[[tokens]]`, or one that was created \
             since.",
        );
        let basic = HttpBuilder::new()
            .scheme(HttpAuthScheme::Basic)
            .description(Some("Any user name, with a token as the password."))
            .build();
        let components = api.components.get_or_insert_default();
        components.add_security_scheme("token", SecurityScheme::ApiKey(ApiKey::Header(token)));
        components.add_security_scheme("basic", SecurityScheme::Http(basic));
    }
}

/// Tells Keptn's API and ours apart, as readers of such documents know it.
struct Groups;

impl Modify for Groups {
    fn modify(&self, api: &mut Api) {
        let groups: Vec<Value> =
            GROUPS.iter().map(|(name, tags)| json!({"name": name, "tags": tags})).collect();
        api.extensions = Some(ExtensionsBuilder::new().add("x-tagGroups", groups).build());
    }
}

/// The document as text, by OpenAPI 3.1: what `/api/openapi.json` answers where Tidegate has this version.
///
/// # Panics
/// Never: the document holds texts and numbers only.
#[must_use]
pub fn text(version: &str) -> String {
    document(version).to_json().expect("the document holds texts and numbers only")
}

/// The document.
pub(crate) fn document(version: &str) -> Api {
    let mut api = Document::openapi();
    api.merge(resource::Document::openapi());
    Fields.modify(&mut api);
    api.info.version = version.to_owned();
    api
}
