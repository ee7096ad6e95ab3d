//! A new project.

mod shipyards;

use std::collections::HashMap;

use askama::Template;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use tidegate_core::names::ProjectName;
use tidegate_core::shipyard::{Shipyard, lint};
use tidegate_engine::{Failure, PROJECT_NAME_BYTES_MAX};
use tidegate_resources::upstream::{Access, HttpAccess, Upstream};

use crate::form::{Fields, Signed};
use crate::frame::{Frame, Place, html, waiting};
use crate::problem::{Problem, see_other, sentence};
use crate::state::BridgeState;
use crate::view::{Excerpt, Text, excerpt};
use crate::visitor::Visitor;

use shipyards::TEMPLATES;

/// Longest form, in bytes: the largest shipyard there can be, each of its bytes encoded.
pub(crate) const FORM_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Most findings that are listed.
const FINDINGS_MAX: usize = 20;

#[derive(Template)]
#[template(path = "create_project.html")]
struct CreateProjectPage {
    frame: Frame,
    form: Form,
    errors: Errors,
    /// `name`, `title`, and whether it is the one in the form.
    templates: Vec<(&'static str, &'static str, bool)>,
    /// Whether the installation makes a repository for each project.
    provisions: bool,
}

/// What a form holds, as it was typed. A token never comes back.
#[derive(Default)]
struct Form {
    name: String,
    shipyard: String,
    url: String,
    user: String,
}

/// What is wrong with each field.
#[derive(Default)]
struct Errors {
    form: Option<String>,
    name: Option<String>,
    shipyard: Option<String>,
    /// The lines around the place that is wrong.
    excerpt: Option<Excerpt>,
    /// What has no effect, which nobody can have meant.
    findings: Vec<Text>,
    url: Option<String>,
}

/// What was asked for, once it is certain that it can be.
struct New {
    name: ProjectName,
    shipyard: String,
    upstream: Option<Upstream>,
}

/// `GET /bridge/create/project`, with `template`.
pub(crate) async fn page(
    State(state): State<BridgeState>,
    visitor: Visitor,
    Query(query): Query<HashMap<String, String>>,
) -> Result<Response, Problem> {
    let wanted = query.get("template").map_or("", String::as_str);
    let template = TEMPLATES.iter().find(|template| template.name == wanted);
    let template = template.unwrap_or(&TEMPLATES[0]);
    let form = Form { shipyard: template.text.to_owned(), ..Form::default() };
    show(&state, form, Errors::default(), &visitor, StatusCode::OK).await
}

/// `POST /bridge/create/project`, with `name`, `shipyard`, `url`, `user`, `token` and `anyway`.
pub(crate) async fn create(
    State(state): State<BridgeState>,
    signed: Signed,
) -> Result<Response, Problem> {
    let Signed { visitor, fields } = signed;
    let form = Form::read(&fields);
    let new = match read(&form, &fields) {
        Ok(new) => new,
        Err(errors) => {
            return show(&state, form, *errors, &visitor, StatusCode::UNPROCESSABLE_ENTITY).await;
        }
    };
    let New { name, shipyard, upstream } = new;
    let (engine, by, known) = (&state.engine, &visitor.principal, name.clone());
    let made = match upstream {
        None => engine.create_project(name, shipyard, by).await,
        Some(upstream) => engine.create_project_at(upstream, name, shipyard, by).await,
    };
    let errors = match made {
        Ok(()) => return Ok(see_other(&format!("/bridge/project/{known}"))),
        Err(Failure::ProjectExists(_)) => {
            let why = format!("There is a project {known} already. Choose another name.");
            Errors { name: Some(why), ..Errors::default() }
        }
        Err(Failure::Shipyard(error)) => Errors::of_shipyard(&form.shipyard, &error.to_string()),
        Err(failure @ (Failure::Resource(_) | Failure::Provisioning(_))) => {
            Errors { form: Some(sentence(&failure.to_string())), ..Errors::default() }
        }
        Err(failure) => return Err(failure.into()),
    };
    show(&state, form, errors, &visitor, StatusCode::UNPROCESSABLE_ENTITY).await
}

impl Form {
    fn read(fields: &Fields) -> Self {
        let get = |name: &str| fields.get(name).trim().to_owned();
        Self {
            name: get("name"),
            // Browsers send line ends as they are in mails.
            shipyard: fields.get("shipyard").replace("\r\n", "\n"),
            url: get("url"),
            user: get("user"),
        }
    }
}

impl Errors {
    fn of_shipyard(text: &str, error: &str) -> Self {
        Self {
            shipyard: Some(format!("shipyard.yaml:{error}")),
            excerpt: excerpt(text, error),
            ..Self::default()
        }
    }

    fn is_none(&self) -> bool {
        self.name.is_none()
            && self.shipyard.is_none()
            && self.findings.is_empty()
            && self.url.is_none()
    }
}

fn read(form: &Form, fields: &Fields) -> Result<New, Box<Errors>> {
    let mut errors = match Shipyard::parse(&form.shipyard) {
        Ok(_) => Errors::default(),
        Err(error) => Errors::of_shipyard(&form.shipyard, &error.to_string()),
    };
    if errors.shipyard.is_none() && fields.get("anyway").is_empty() {
        let findings = lint(&form.shipyard).into_iter().take(FINDINGS_MAX);
        errors.findings = findings.map(|finding| Text::line(finding.to_string())).collect();
    }
    let name = match ProjectName::new(&form.name) {
        Ok(name) if form.name.len() <= PROJECT_NAME_BYTES_MAX => Some(name),
        Ok(_) => {
            errors.name = Some(format!("A name has at most {PROJECT_NAME_BYTES_MAX} characters."));
            None
        }
        Err(error) => {
            errors.name = Some(match form.name.is_empty() {
                true => "Give it a name.".to_owned(),
                false => sentence(&error.to_string()),
            });
            None
        }
    };
    let upstream = upstream(form, fields.get("token")).unwrap_or_else(|why| {
        errors.url = Some(why);
        None
    });
    match name {
        Some(name) if errors.is_none() => {
            Ok(New { name, shipyard: form.shipyard.clone(), upstream })
        }
        _ => Err(Box::new(errors)),
    }
}

fn upstream(form: &Form, token: &str) -> Result<Option<Upstream>, String> {
    if form.url.is_empty() {
        return match token.is_empty() && form.user.is_empty() {
            true => Ok(None),
            false => Err("Give the address, or leave user and token empty.".to_owned()),
        };
    }
    if form.url.starts_with("ssh://") {
        return Err("A key cannot be given here: use keptn create project with \
                    --git-private-key."
            .to_owned());
    }
    let access = Access::Http(HttpAccess { token: token.to_owned(), ..HttpAccess::default() });
    let upstream = Upstream::new(&form.url, &form.user, access);
    upstream.map(Some).map_err(|problem| sentence(&problem.to_string()))
}

async fn show(
    state: &BridgeState,
    form: Form,
    errors: Errors,
    visitor: &Visitor,
    status: StatusCode,
) -> Result<Response, Problem> {
    let waiting = state.engine.read(waiting).await?;
    let page = CreateProjectPage {
        templates: TEMPLATES
            .iter()
            .map(|template| (template.name, template.title, template.text == form.shipyard))
            .collect(),
        provisions: state.engine.provisions(),
        form,
        errors,
        frame: Frame::new(visitor, Text::line("Create a project"), Place::Projects, waiting),
    };
    html(&page, status)
}
