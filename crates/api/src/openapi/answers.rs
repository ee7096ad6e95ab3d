//! The answers that many routes share. A handler names a group where it can give every answer of it.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{ContentBuilder, Ref, RefOr, Response, ResponseBuilder};
use utoipa::{IntoResponses, ToSchema};

use super::wire;

/// Why a request was not answered with what it asked for.
#[derive(ToSchema)]
#[schema(examples(json!({"code": 404, "message": "Project not found: sockshop"})))]
#[allow(dead_code, reason = "it stands for the body of an error in the document")]
pub(crate) struct Error {
    /// The status; where Keptn validates by a schema, the number of the rule that was broken.
    code: u16,
    /// What is wrong, where, and what to do about it.
    message: String,
}

/// Why a vote does not count.
#[derive(ToSchema)]
#[schema(examples(json!({
    "code": 409,
    "message": "ada approved this at 2026-11-24T18:00:00Z",
    "decided": {
        "decision": "approve", "by": {"kind": "person", "name": "ada"},
        "at": "2026-11-24T18:00:00Z", "comment": null, "seen": null,
        "event": "0c9f7a52-3d0e-4b8e-8f5e-7d1f4a6b2c13"
    }
})))]
#[allow(dead_code, reason = "it stands for the body of an error in the document")]
pub(crate) struct VoteConflict {
    /// Always 409.
    code: u16,
    /// What is wrong, in words for the voter.
    message: String,
    /// The decision that counts, where somebody decided otherwise.
    #[schema(required = false)]
    decided: Decided,
    /// What the approval asks now, where that is not what the voter saw.
    #[schema(required = false)]
    subject: wire::Subject,
    /// What changed since the voter looked, in words.
    #[schema(required = false, examples("production ran carts:1, now carts:2"))]
    changed: String,
}

/// The decision that counts.
#[derive(ToSchema)]
#[allow(dead_code, reason = "it stands for a decision of the core in the document")]
pub(crate) struct Decided {
    /// Approved or declined.
    decision: wire::Decision,
    /// By whom.
    by: wire::Principal,
    /// When.
    at: wire::Time,
    /// Why.
    #[schema(required, examples("error budget spent"))]
    comment: Option<String>,
    /// What the voter had seen; null where the vote was a blind one.
    #[schema(required, value_type = Option<wire::Subject>)]
    seen: Option<wire::Subject>,
    /// The `approval.finished` event that it made.
    event: wire::EventId,
}

type Responses = BTreeMap<String, RefOr<Response>>;

/// One error: its status, when it comes, and what it says for example.
struct Refusal(u16, &'static str, &'static str);

/// An error with a body of the one form.
fn error(Refusal(status, when, message): Refusal) -> ResponseBuilder {
    let content = ContentBuilder::new()
        .schema(Some(Ref::from_schema_name("Error")))
        .example(Some(json!({"code": status, "message": message})));
    ResponseBuilder::new().description(when).content("application/json", content.build())
}

/// An error for people at a terminal: one line.
fn line(Refusal(_, when, message): Refusal) -> ResponseBuilder {
    let content = ContentBuilder::new()
        .schema(Some(ObjectBuilder::new().schema_type(Type::String)))
        .example(Some(Value::from(format!("{message}\n"))));
    ResponseBuilder::new().description(when).content("text/plain", content.build())
}

/// The same answer, with the time to come back.
fn later(response: ResponseBuilder) -> ResponseBuilder {
    let seconds = ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(0));
    let header = HeaderBuilder::new()
        .schema(Some(seconds))
        .description(Some("After how many seconds it makes sense to ask again."));
    response.header("Retry-After", header.build())
}

fn group<const N: usize>(responses: [(&str, ResponseBuilder); N]) -> Responses {
    let built = responses.map(|(status, response)| (status.to_owned(), response.build().into()));
    built.into()
}

const TOO_MANY: Refusal =
    Refusal(429, "Too many wrong tokens came from this address.", "too many requests");
const FAULT: Refusal = Refusal(
    500,
    "A fault of the server; its log says which.",
    "the server failed to answer; its log says why",
);
const BUSY: Refusal = Refusal(
    503,
    "The server has too much to do, or is stopping. Without `Retry-After`, nobody knows whether the \
     request was carried out.",
    "too many requests are waiting; try again in a moment",
);
const FULL: Refusal = Refusal(
    507,
    "The disk is full; nothing was changed.",
    "the disk is full; nothing was accepted",
);
const SLOW: Refusal =
    Refusal(408, "The body took too long.", "the body took longer than 60 s; send it again");

/// Whoever asks shows a token first; and a server can fail.
pub(crate) enum Guarded {}

impl IntoResponses for Guarded {
    fn responses() -> Responses {
        let unknown = Refusal(
            401,
            "No token, or one that nobody holds.",
            "unauthenticated or invalid credentials",
        );
        group([
            ("401", error(unknown)),
            ("429", later(error(TOO_MANY))),
            ("500", error(FAULT)),
            ("503", later(error(BUSY))),
        ])
    }
}

/// A request can be wrong by itself.
pub(crate) enum Parsed {}

impl IntoResponses for Parsed {
    fn responses() -> Responses {
        let wrong = Refusal(
            400,
            "The request breaks a rule; the message says which.",
            "Invalid request format: pageSize \"many\": invalid digit found in string",
        );
        group([("400", error(wrong))])
    }
}

/// A body is read within limits: 5 MiB in 60 seconds.
pub(crate) enum Body {}

impl IntoResponses for Body {
    fn responses() -> Responses {
        let wrong = Refusal(
            400,
            "The request breaks a rule; the message says which.",
            "Invalid request format: expected value at line 1 column 1",
        );
        let large = Refusal(
            413,
            "The body, or something in it, is too large.",
            "the body is larger than 5 MiB; send less at once",
        );
        group([("400", error(wrong)), ("408", error(SLOW)), ("413", error(large))])
    }
}

/// Something is changed.
pub(crate) enum Changes {}

impl IntoResponses for Changes {
    fn responses() -> Responses {
        let barred = Refusal(
            403,
            "This token may not do that.",
            "this token answers tasks, by POST /api/v1/event; it changes nothing else",
        );
        group([("403", error(barred)), ("507", error(FULL))])
    }
}

/// The files of a project are kept in a repository elsewhere, which has to play along.
pub(crate) enum Upstream {}

impl IntoResponses for Upstream {
    fn responses() -> Responses {
        let refused = Refusal(
            424,
            "The repository elsewhere refuses what it was asked.",
            "Invalid git token: https://git.example.org/sockshop.git does not let us in",
        );
        group([("424", error(refused))])
    }
}

/// What `git` is told when something goes wrong, and shows to people.
pub(crate) enum Git {}

impl IntoResponses for Git {
    fn responses() -> Responses {
        let unknown = Refusal(
            401,
            "No token, or one that nobody holds. `git` asks without one first.",
            "sign in with any user name, and a token as the password",
        );
        let barred = Refusal(
            403,
            "This token, or this repository, takes no push, or an old protocol was asked for.",
            "this token answers tasks and reads; it cannot push",
        );
        let missing = Refusal(404, "There is no such project.", "there is no project sockshop");
        let elsewhere = Refusal(
            424,
            "The repository elsewhere refuses what it was asked.",
            "Invalid git token",
        );
        group([
            ("401", line(unknown)),
            ("403", line(barred)),
            ("404", line(missing)),
            ("424", line(elsewhere)),
            ("429", later(error(TOO_MANY))),
            ("500", line(FAULT)),
            ("503", later(line(BUSY))),
        ])
    }
}

/// What `git` sends is read within limits of its own.
pub(crate) enum GitBody {}

impl IntoResponses for GitBody {
    fn responses() -> Responses {
        let large = Refusal(
            413,
            "What was sent is too large: a push holds 100 MiB, a negotiation 16 MiB.",
            "the request is larger than 100 MiB; send less at once",
        );
        let packed = Refusal(
            415,
            "The body is compressed in a way that is not known.",
            "the body is compressed in a way that is not known; use gzip",
        );
        group([
            ("408", line(Refusal(408, SLOW.1, "the body came too slowly; try again"))),
            ("413", line(large)),
            ("415", line(packed)),
            ("507", line(Refusal(507, FULL.1, "the disk is full"))),
        ])
    }
}
