//! Starting a sequence by hand.

mod event;

use std::collections::HashMap;

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::json;
use tidegate_core::event::Draft;
use tidegate_core::names::{ProjectName, StageName};
use tidegate_core::sequence::Reply;
use tidegate_core::shipyard::{Sequence, Shipyard};
use tidegate_engine::{Accepted, Failure};
use tidegate_store::{ProjectRow, ServiceRow};

use crate::form::{Fields, Signed};
use crate::frame::{Frame, Place, Section, html, waiting};
use crate::problem::{Problem, see_other};
use crate::state::BridgeState;
use crate::view::Text;
use crate::visitor::Visitor;

use event::{Errors, body};

/// Most services that are offered in a list; of more, the name is typed.
const LISTED_MAX: usize = 200;

#[derive(Template)]
#[template(path = "trigger.html")]
struct TriggerPage {
    frame: Frame,
    project: Text,
    path: String,
    form: Form,
    errors: Errors,
    stages: Vec<StageOptions>,
    /// Empty where there are too many.
    services: Vec<(Text, bool)>,
    has_services: bool,
    /// What is wrong with the shipyard.
    unreadable: Option<Text>,
    /// The event as it would be sent.
    preview: Option<Text>,
}

/// The sequences of a stage.
struct StageOptions {
    stage: Text,
    options: Vec<SequenceOption>,
}

/// A sequence that can be chosen, or why not.
struct SequenceOption {
    value: String,
    word: Text,
    is_chosen: bool,
    is_disabled: bool,
}

/// What a form holds, as it was typed.
#[derive(Debug, Clone, Default)]
pub(super) struct Form {
    pub(super) service: String,
    /// `stage.sequence`
    pub(super) sequence: String,
    pub(super) image: String,
    pub(super) labels: String,
    pub(super) values: String,
    pub(super) timeframe: String,
    /// Names this form: sent twice, it triggers once.
    once: String,
}

/// What is there to choose from.
struct Known {
    row: ProjectRow,
    services: Vec<ServiceRow>,
    waiting: u64,
}

/// `GET /bridge/project/{project}/trigger`, with any of the fields.
pub(crate) async fn page(
    State(state): State<BridgeState>,
    visitor: Visitor,
    Path(project): Path<String>,
    Query(query): Query<HashMap<String, String>>,
) -> Result<Response, Problem> {
    let known = read(&state, &project).await?;
    let get = |key: &str| query.get(key).cloned().unwrap_or_default();
    let sequence = match (get("stage"), get("sequence")) {
        (stage, name) if !stage.is_empty() && !name.contains('.') => format!("{stage}.{name}"),
        (_, both) => both,
    };
    let form = Form {
        service: get("service"),
        sequence,
        image: get("image"),
        once: state.engine.uuid().to_string(),
        ..Form::default()
    };
    show(known, form, Errors::default(), None, &visitor, StatusCode::OK)
}

/// `POST …/trigger`, with the fields and `do`, which is `send` or `preview`.
pub(crate) async fn send(
    State(state): State<BridgeState>,
    Path(project): Path<String>,
    signed: Signed,
) -> Result<Response, Problem> {
    let Signed { visitor, fields } = signed;
    let known = read(&state, &project).await?;
    let form = Form::read(&fields);
    let Ok(shipyard) = Shipyard::parse(&known.row.shipyard) else {
        let unfit = StatusCode::UNPROCESSABLE_ENTITY;
        return show(known, form, Errors::default(), None, &visitor, unfit);
    };
    let now = state.engine.now();
    let event = match body(&form, &known.row.name, &shipyard, &known.services, now) {
        Ok(event) => event,
        Err(errors) => {
            return show(known, form, *errors, None, &visitor, StatusCode::UNPROCESSABLE_ENTITY);
        }
    };
    if fields.get("do") == "preview" {
        let preview = Text::block(format!("{event:#}"));
        return show(known, form, Errors::default(), Some(preview), &visitor, StatusCode::OK);
    }
    let refused = |why: String| Errors { form: Some(why), ..Errors::default() };
    // What was typed: the event says what time it is.
    let request = form.typed();
    let draft = match Draft::from_value(event) {
        Ok(draft) => draft,
        Err(error) => {
            let errors = refused(format!("Not sent: {error}."));
            return show(known, form, errors, None, &visitor, StatusCode::UNPROCESSABLE_ENTITY);
        }
    };
    let by = &visitor.principal;
    let key = state.engine.once(by, form.once.as_bytes(), request.as_bytes())?;
    match state.engine.accept(draft, by, Some(key)).await {
        Ok(Accepted { reply: Some(Reply::Kept(reason)), .. }) => {
            let errors = refused(format!("Nothing was triggered: {reason}."));
            show(known, form, errors, None, &visitor, StatusCode::UNPROCESSABLE_ENTITY)
        }
        Ok(accepted) => Ok(see_other(&format!(
            "/bridge/project/{}/sequence/{}",
            known.row.name, accepted.context
        ))),
        Err(Failure::KeyReused) => {
            let why = "This form was sent before, with other values. Send it again to trigger \
                       another sequence.";
            let form = Form { once: state.engine.uuid().to_string(), ..form };
            show(known, form, refused(why.to_owned()), None, &visitor, StatusCode::CONFLICT)
        }
        Err(failure) => Err(failure.into()),
    }
}

impl Form {
    /// Everything but what names it.
    fn typed(&self) -> String {
        let Self { service, sequence, image, labels, values, timeframe, once: _ } = self;
        json!([service, sequence, image, labels, values, timeframe]).to_string()
    }

    fn read(fields: &Fields) -> Self {
        let get = |name: &str| fields.get(name).to_owned();
        Self {
            service: get("service"),
            sequence: get("sequence"),
            image: get("image"),
            labels: get("labels"),
            values: get("values"),
            timeframe: get("timeframe"),
            once: get("once"),
        }
    }
}

async fn read(state: &BridgeState, project: &str) -> Result<Known, Problem> {
    let missing = || Problem::NotFound("project");
    let name = ProjectName::new(project).map_err(|_| missing())?;
    let read = state.engine.read(move |reader| {
        let Some(row) = reader.project(&name)? else { return Ok(None) };
        let (services, waiting) = (reader.services(&name)?, waiting(reader)?);
        Ok(Some(Known { row, services, waiting }))
    });
    read.await?.ok_or_else(missing)
}

fn show(
    known: Known,
    form: Form,
    errors: Errors,
    preview: Option<Text>,
    visitor: &Visitor,
    status: StatusCode,
) -> Result<Response, Problem> {
    let Known { row, services, waiting } = known;
    let shipyard = Shipyard::parse(&row.shipyard);
    let listed = if services.len() > LISTED_MAX { &[] } else { services.as_slice() };
    let page = TriggerPage {
        stages: shipyard.as_ref().map(|s| stages(s, &form.sequence)).unwrap_or_default(),
        unreadable: shipyard.as_ref().err().map(|error| Text::block(error.to_string())),
        services: listed
            .iter()
            .map(|service| (Text::line(&service.name), service.name.as_str() == form.service))
            .collect(),
        has_services: !services.is_empty(),
        path: format!("/bridge/project/{}", row.name),
        project: Text::line(&row.name),
        form,
        errors,
        preview,
        frame: Frame::new(
            visitor,
            Text::line(format!("Trigger a sequence of {}", row.name)),
            Place::Project(row.name.clone(), Section::Environment),
            waiting,
        ),
    };
    html(&page, status)
}

/// Every sequence of every stage: none is left out, one that cannot be triggered says why.
fn stages(shipyard: &Shipyard, chosen: &str) -> Vec<StageOptions> {
    let mut seen = Vec::new();
    let stages = shipyard.stages.iter().filter(|stage| {
        let is_new = !seen.contains(&&stage.name);
        seen.push(&stage.name);
        is_new
    });
    let (chosen_stage, has_sequence) = match chosen.split_once('.') {
        Some((stage, name)) => (stage, !name.is_empty()),
        None => (chosen, false),
    };
    let groups = stages.map(|stage| {
        let mut options: Vec<SequenceOption> = stage
            .sequences
            .iter()
            .map(|sequence| {
                let value = format!("{}.{}", stage.name, sequence.name);
                SequenceOption {
                    word: word(&stage.name, sequence),
                    is_disabled: sequence.tasks.is_empty(),
                    is_chosen: value == chosen,
                    value,
                }
            })
            .collect();
        if stage.sequences.iter().all(|sequence| sequence.name.as_str() != "evaluation") {
            let value = format!("{}.evaluation", stage.name);
            options.push(SequenceOption {
                word: Text::line(format!("{}: evaluation", stage.name)),
                is_disabled: false,
                is_chosen: value == chosen,
                value,
            });
        }
        // Where only a stage is named, its first sequence is meant.
        if !has_sequence
            && stage.name.as_str() == chosen_stage
            && let Some(first) = options.iter_mut().find(|option| !option.is_disabled)
        {
            first.is_chosen = true;
        }
        StageOptions { stage: Text::line(&stage.name), options }
    });
    groups.collect()
}

/// A choice says its stage, too: once it is made, the heading of its group is out of sight.
fn word(stage: &StageName, sequence: &Sequence) -> Text {
    let tasks: Vec<&str> = sequence.tasks.iter().map(|task| task.name.as_str()).collect();
    let name = &sequence.name;
    Text::line(match tasks.is_empty() {
        true => format!("{stage}: {name} has no tasks, so there is nothing to trigger"),
        false => format!("{stage}: {name} ({})", tasks.join(", ")),
    })
}
