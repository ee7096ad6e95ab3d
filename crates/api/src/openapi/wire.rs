//! Names, ids and times as they look on the wire.
//!
//! The core knows nothing of HTTP, so each of its types that a request or an answer holds has a stand-in
//! here, of the same name. A schema of what the server gives is never stricter than what it gives.

use serde_json::{Value, json};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{
    AdditionalProperties, KnownFormat, ObjectBuilder, Schema, SchemaFormat, Type,
};
use utoipa::{PartialSchema, ToSchema};

/// Declares stand-ins: a description, a name, and the schema.
macro_rules! wire {
    ($($(#[doc = $doc:literal])+ $name:ident = $object:expr;)+) => {$(
        $(#[doc = $doc])+
        pub(crate) enum $name {}

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                let description = [$($doc.trim()),+].join(" ");
                Schema::from($object.description(Some(description))).into()
            }
        }

        impl ToSchema for $name {}
    )+};
}

fn text(examples: impl IntoIterator<Item = &'static str>) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String).examples(examples)
}

fn name(pattern: &str, longest: usize, example: &'static str) -> ObjectBuilder {
    text([example]).pattern(Some(pattern)).min_length(Some(1)).max_length(Some(longest))
}

fn id(example: &'static str) -> ObjectBuilder {
    text([example]).format(Some(SchemaFormat::Custom("uuid".to_owned())))
}

fn time(example: &'static str) -> ObjectBuilder {
    text([example]).format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
}

fn word<const N: usize>(words: [&'static str; N]) -> ObjectBuilder {
    text([words[0]]).enum_values(Some(words))
}

fn label() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String).max_length(Some(1024))
}

const ENTITY: &str = "^[a-z]([a-z0-9-]*[a-z0-9])?$";
const SEGMENT: &str = r"^[^\s/.]+$";
/// Nothing but zeros in the bits that padding leaves over.
const BASE64: &str = "^(?:[A-Za-z0-9+/]{4})*\
                      (?:[A-Za-z0-9+/][AQgw]==|[A-Za-z0-9+/]{2}[AEIMQUYcgkosw048]=)?$";

wire! {
    /// The name of a project.
    ProjectName = name(ENTITY, 200, "sockshop");
    /// The name of a stage of a shipyard.
    StageName = name(ENTITY, 253, "production");
    /// The name of a service.
    ServiceName = name(r"^[^\s/\\><|:&]+$", 253, "carts");
    /// The name of a sequence of a stage.
    SequenceName = name(SEGMENT, 253, "delivery");
    /// The name of a task of a sequence.
    TaskName = name(SEGMENT, 253, "deployment");
    /// A delivery: what ties all of its events together, Keptn's `shkeptncontext`.
    ContextId = id("6f2b1c4e-8a57-4c0e-9a55-0d3a4b7f1e29");
    /// The id of an event. The id of an approval is that of its `approval.triggered` event.
    EventId = id("0c9f7a52-3d0e-4b8e-8f5e-7d1f4a6b2c13");
    /// One run of one sequence for one stage and service.
    ExecutionId = id("4a1de2f0-5a7b-4c6d-8e9f-101112131415");
    /// A commit of Git.
    CommitId =
        text(["3f2504e04f8911d39a0c0305e82c33010a1b2c3d"]).pattern(Some("^[0-9a-f]{40}$"));
    /// Exactly what an approval asks, as a digest: what would be let through, where, and in place of what.
    Subject = text(["sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"])
        .pattern(Some("^sha256:[0-9a-f]{64}$"));
    /// The type of an event: `sh.keptn.event.<task>.<phase>`, or
    /// `sh.keptn.event.<stage>.<sequence>.<phase>`.
    EventType = text(["sh.keptn.event.deployment.triggered"]).min_length(Some(1));
    /// A time by RFC 3339, in UTC.
    Time = time("2026-11-24T10:00:00.123456Z");
    /// A time by RFC 3339, in UTC, with exactly three digits after the second.
    Milliseconds = time("2026-11-24T10:00:00.123Z");
    /// A time as nanoseconds since 1970, in a text.
    Nanoseconds = text(["1795514400123456789"]).pattern(Some("^-?[0-9]+$"));
    /// The place of the next page, in a text; `0` where this page is the last one.
    NextPageKey = text(["20", "0"]).pattern(Some("^[0-9]+$"));
    /// Bytes in Base64, with padding.
    Base64 = text(["aGVsbG8K"]).pattern(Some(BASE64)).content_encoding("base64");
    /// Bytes, as they are.
    Bytes = ObjectBuilder::new()
        .schema_type(Type::String)
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::Binary)));
    /// What an executor says of its task.
    TaskResult = word(["pass", "warning", "fail"]);
    /// Whether an executor could do what it was asked.
    Status = word(["succeeded", "errored", "aborted", "unknown"]);
    /// What a person says.
    Decision = word(["approve", "decline"]);
    /// Who did something.
    Principal = ObjectBuilder::new()
        .property(
            "kind",
            word(["person", "machine", "shared", "wire", "builtin"]).description(Some(
                "A human being, a program with a token of its own, whoever holds the installation's \
                 token, whoever reaches the wire inside a cluster, or a part of Tidegate itself.",
            )),
        )
        .property("name", text(["ada"]).description(Some("Its name, where its kind has names.")))
        .required("kind")
        .examples([json!({"kind": "person", "name": "ada"})]);
    /// Labels of a delivery: texts of at most 1,024 bytes by name, at most 100 of them.
    Labels = ObjectBuilder::new()
        .schema_type(Type::Object)
        .additional_properties(Some(AdditionalProperties::RefOr(Schema::from(label()).into())))
        .max_properties(Some(100))
        .examples([json!({"build": "17"})]);
}

/// An event of the log, as Keptn's API spells it. Fields that Tidegate does not know are kept as they came.
#[derive(ToSchema)]
#[allow(dead_code, reason = "it stands for an event of the core in the document")]
pub(crate) struct Event {
    /// Its id.
    id: EventId,
    /// Its type.
    #[serde(rename = "type")]
    kind: EventType,
    /// Who made it: a URI, or the name of one of Keptn's services.
    #[schema(examples("https://github.com/keptn/keptn/cli"))]
    source: String,
    /// When it was accepted.
    time: Time,
    /// The delivery that it belongs to.
    shkeptncontext: ContextId,
    /// The `.triggered` event that it answers.
    #[schema(required = false, examples("0c9f7a52-3d0e-4b8e-8f5e-7d1f4a6b2c13"))]
    triggeredid: String,
    /// The commit of the stage that its readers shall use.
    #[schema(required = false, examples("3f2504e04f8911d39a0c0305e82c33010a1b2c3d"))]
    gitcommitid: String,
    /// Always `application/json`.
    #[schema(examples("application/json"))]
    contenttype: String,
    /// The version of CloudEvents, as it came.
    #[schema(required = false, examples("1.0"))]
    specversion: Value,
    /// What it says: `project`, `stage`, `service`, `labels`, `result`, `status`, `message`, and what its
    /// task adds.
    #[schema(value_type = Object,
        examples(json!({"project": "sockshop", "stage": "production", "service": "carts"})))]
    data: Value,
}

/// A message of a stream of server-sent events, by its fields.
#[derive(ToSchema)]
#[schema(examples(json!({"event": "changed", "id": "1764115200000000-42", "data": "changed"})))]
#[allow(dead_code, reason = "it stands for a message of a stream in the document")]
pub(crate) struct Message {
    /// `open`, `changed` or `reset`.
    #[schema(examples("changed"))]
    event: String,
    /// How far the stream has come; a listener that was cut off sends it as `Last-Event-ID`.
    #[schema(examples("1764115200000000-42"))]
    id: String,
    /// The same word: listeners drop a message without data.
    #[schema(examples("changed"))]
    data: String,
    /// After how long a listener that was cut off comes back, in milliseconds.
    #[schema(required = false, examples(1000))]
    retry: u32,
}

/// An event that a client sends. The server gives it an id and a time of its own, as Keptn does; fields that
/// Tidegate does not know are kept.
#[derive(ToSchema)]
#[schema(examples(json!({
    "type": "sh.keptn.event.qa.delivery.triggered",
    "source": "https://ci.example.org/build/17",
    "data": {
        "project": "sockshop", "stage": "qa", "service": "carts", "labels": {"build": "17"},
        "configurationChange": {"values": {"image": "registry.example.org/carts:1.2"}}
    }
})))]
#[allow(dead_code, reason = "it stands for a draft of the core in the document")]
pub(crate) struct NewEvent {
    /// Its type.
    #[serde(rename = "type")]
    #[schema(min_length = 1, max_length = 256, examples("sh.keptn.event.qa.delivery.triggered"))]
    kind: String,
    /// Who sends it, such as a URI.
    #[schema(min_length = 1, max_length = 1024, examples("https://ci.example.org/build/17"))]
    source: String,
    /// What it says.
    data: NewEventData,
    /// The delivery that it belongs to; a new one where it is absent. A text that is no UUID is made one.
    #[schema(nullable, examples("6f2b1c4e-8a57-4c0e-9a55-0d3a4b7f1e29"))]
    shkeptncontext: Option<String>,
    /// The `.triggered` event that it answers.
    #[schema(nullable, examples("0c9f7a52-3d0e-4b8e-8f5e-7d1f4a6b2c13"))]
    triggeredid: Option<String>,
    /// The commit of the stage that its readers shall use.
    #[schema(nullable, examples("3f2504e04f8911d39a0c0305e82c33010a1b2c3d"))]
    gitcommitid: Option<String>,
    /// An id of the sender. It tells a repeated `.started` or `.finished` from a new one where it is a UUID.
    #[schema(nullable, examples("8f14e45f-ceea-467f-a83c-3f2b1c4e8a57"))]
    id: Option<String>,
    /// When the sender made it. The log keeps when it was accepted.
    #[schema(value_type = Option<Time>)]
    time: Option<String>,
    /// What it is encoded in; JSON, whatever this says.
    #[schema(nullable, examples("application/json"))]
    contenttype: Option<String>,
    /// Another spelling of the same.
    #[schema(nullable, examples("application/json"))]
    datacontenttype: Option<String>,
    /// The version of CloudEvents.
    #[schema(nullable, examples("1.0"))]
    specversion: Option<String>,
}

/// What an event says. Every task adds fields of its own.
#[derive(ToSchema)]
#[allow(dead_code, reason = "it stands for data of an event in the document")]
pub(crate) struct NewEventData {
    /// The project.
    #[schema(nullable, examples("sockshop"))]
    project: Option<String>,
    /// The stage.
    #[schema(nullable, examples("qa"))]
    stage: Option<String>,
    /// The service.
    #[schema(nullable, examples("carts"))]
    service: Option<String>,
    /// Labels of the delivery.
    labels: Option<Labels>,
    /// What came of the task: `pass`, `warning` or `fail`.
    #[schema(nullable, examples("pass"))]
    result: Option<String>,
    /// Whether the executor could do it: `succeeded`, `errored` or `aborted`.
    #[schema(nullable, examples("succeeded"))]
    status: Option<String>,
    /// For people.
    #[schema(nullable, examples("deployed"))]
    message: Option<String>,
}
