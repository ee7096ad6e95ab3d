//! The client and the document of the API: every call is made against a server that knows nothing but the
//! document, and what the client reads of an answer must be in there.
//!
//! Whoever adds a call to the client adds it to [`calls`].

mod documented;

use std::collections::BTreeSet;

use futures_util::future::BoxFuture;
use serde_json::{Value, json};
use utoipa::{PartialSchema, ToSchema};

use crate::approvals::{Approval, ApprovalPage, ApprovalQuery, ApprovalState, Decision};
use crate::evaluations::{Evaluating, EvaluationPage, NewEvaluation};
use crate::events::{EventEntry, EventQuery, Events, IdempotencyKey, Sent};
use crate::live::Topic;
use crate::projects::{Deleted, Metadata, States};
use crate::resources::{Page, ResourcePlace};
use crate::sequences::{Control, Sequence, SequencePage, SequenceQuery, SequenceState};
use crate::sign_in::SignInLink;
use crate::tokens::{CreatedToken, TokenKind, Tokens};
use crate::{Client, ClientError};
use documented::{Documented, Reads};

/// A call of the client.
struct Call {
    /// The name of the method.
    name: &'static str,
    make: fn(Client) -> BoxFuture<'static, Result<(), ClientError>>,
    /// What it reads of the answer.
    reads: Reads,
}

/// `name(arguments) reads Type` for each call.
macro_rules! calls {
    ($($name:ident($($argument:expr),*) reads $reads:expr;)+) => {
        vec![$(Call {
            name: stringify!($name),
            make: |client| Box::pin(async move { client.$name($($argument),*).await.map(drop) }),
            reads: $reads,
        }),+]
    };
}

/// What the client makes of an answer, by the type that it is read into.
fn of<T: ToSchema>() -> Reads {
    let mut named = Vec::new();
    T::schemas(&mut named);
    let named = named.into_iter().map(|(name, schema)| (name, json!(schema))).collect();
    Reads { schema: json!(<T as PartialSchema>::schema()), named }
}

/// Nothing but whether it was done.
fn nothing() -> Reads {
    Reads { schema: json!({}), named: std::collections::BTreeMap::new() }
}

fn calls() -> Vec<Call> {
    const QUERY: ApprovalQuery<'static> = ApprovalQuery {
        state: Some(ApprovalState::Open),
        project: Some("sockshop"),
        stage: Some("production"),
        service: Some("carts"),
        context: Some("6f2b1c4e-8a57-4c0e-9a55-0d3a4b7f1e29"),
        offset: 0,
        limit: Some(5),
    };
    const EVENTS: EventQuery<'static> = EventQuery {
        context: Some("6f2b1c4e-8a57-4c0e-9a55-0d3a4b7f1e29"),
        project: Some("sockshop"),
        stage: Some("production"),
        service: Some("carts"),
        kind: Some("sh.keptn.event.deployment.finished"),
    };
    const SEQUENCES: SequenceQuery<'static> = SequenceQuery {
        project: Some("sockshop"),
        stage: Some("production"),
        service: Some("carts"),
        state: Some(SequenceState::Started),
        context: Some("6f2b1c4e"),
        limit: Some(5),
    };
    const CONTEXT: &str = "6f2b1c4e-8a57-4c0e-9a55-0d3a4b7f1e29";
    const ID: &str = "0c9f7a52-3d0e-4b8e-8f5e-7d1f4a6b2c13";
    const SUBJECT: &str = "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
    calls! {
        approvals(&QUERY) reads of::<ApprovalPage>();
        all_approvals(&QUERY) reads of::<ApprovalPage>();
        approval(ID) reads of::<Approval>();
        decide(ID, Decision::Approve, Some(SUBJECT), Some("good")) reads of::<Approval>();
        send_event(&event()) reads of::<Sent>();
        send_event_once(&event(), &IdempotencyKey::fresh()) reads of::<Sent>();
        send_event_surely(&event()) reads of::<Sent>();
        evaluate("sockshop", "qa", "carts", &NewEvaluation::default()) reads of::<Evaluating>();
        evaluations("sockshop", "qa", "carts", 5) reads of::<EvaluationPage>();
        event(ID) reads of::<EventEntry>();
        newest_events(&EVENTS, 5) reads of::<Events>();
        open_events("sh.keptn.event.deployment.triggered", "sockshop") reads of::<Events>();
        events(&EVENTS) reads of::<Events>();
        metadata() reads of::<Metadata>();
        create_project("sockshop", "apiVersion: spec.keptn.sh/0.2.2") reads nothing();
        create_project_with("sockshop", b"apiVersion: spec.keptn.sh/0.2.2", Some(&credentials()))
            reads nothing();
        update_project("sockshop", Some(&credentials())) reads nothing();
        delete_project("sockshop") reads of::<Deleted>();
        create_service("sockshop", "carts") reads nothing();
        delete_service("sockshop", "carts") reads nothing();
        sequence_states("sockshop") reads of::<States>();
        abort("sockshop", CONTEXT, Some("qa")) reads nothing();
        control("sockshop", CONTEXT, Control::Pause, None) reads nothing();
        sequences(&SEQUENCES) reads of::<SequencePage>();
        sequence(CONTEXT) reads of::<Sequence>();
        live(Topic::Context(CONTEXT)) reads nothing();
        live(Topic::Project("sockshop")) reads nothing();
        // Each name in it is another one on the wire; that it can be read is tried.
        inventory() reads nothing();
        project_inventory("sockshop") reads nothing();
        project("sockshop") reads nothing();
        stages("sockshop")
            reads of::<Page>().called("items", "stages").called("name", "stageName");
        services("sockshop", "qa")
            reads of::<Page>().called("items", "services").called("name", "serviceName");
        add_resource("sockshop", ResourcePlace::Service("qa", "carts"), "slo.yaml", b"x")
            reads nothing();
        check_token() reads nothing();
        tokens() reads of::<Tokens>();
        create_token("helm", TokenKind::Machine, Some(&["deployment".to_owned()]))
            reads of::<CreatedToken>();
        revoke_token("helm") reads nothing();
        sign_in_link("ada") reads of::<SignInLink>().called("link", "path");
    }
}

fn event() -> Value {
    json!({"type": "sh.keptn.event.qa.delivery.triggered", "source": "test",
        "data": {"project": "sockshop", "stage": "qa", "service": "carts"}})
}

fn credentials() -> Value {
    json!({"remoteURL": "https://git.example.org/sockshop.git", "user": "tidegate",
        "https": {"token": "t0ken", "insecureSkipTLS": false}})
}

#[tokio::test]
async fn every_call_is_made_and_read_as_the_document_of_the_api_says() {
    let documented = Documented::start().await;
    for Call { name, make, reads } in calls() {
        let made = make(documented.client()).await;
        let problems = documented.problems(&reads);
        assert!(problems.is_empty(), "{name}: {problems:#?}");
        made.unwrap_or_else(|error| panic!("{name} does not read a documented answer: {error:?}"));
    }
}

#[test]
fn every_call_of_the_client_is_held_against_the_document() {
    let listed: BTreeSet<&str> = calls().iter().map(|call| call.name).collect();
    let mut found = 0;
    for file in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/src")).unwrap() {
        let path = file.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "rs") {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        // Only those of the client: other types have methods, too.
        let ours = text.split("\nimpl ").filter(|part| part.starts_with("Client {"));
        let lines = ours.flat_map(str::lines);
        for line in lines.filter_map(|line| line.strip_prefix("    pub async fn ")) {
            let name = line.split(['(', '<']).next().unwrap();
            assert!(listed.contains(&name), "add `{name}` to the list in src/contract.rs");
            found += 1;
        }
    }
    assert_eq!(found, listed.len(), "the list names a call that is no more");
}

#[test]
fn what_the_document_does_not_know_is_noticed() {
    let reads = |schema: Value| Reads { schema, named: std::collections::BTreeMap::new() };
    let field = |name: &str| reads(json!({"type": "object", "properties": {name: {}}}));
    let document = documented::document();
    let answer = &document["paths"]["/api/tidegate/v1/approvals"]["get"]["responses"]["200"]["content"]
        ["application/json"]["schema"];
    let missing = |reads: &Reads| documented::missing(&document, answer, reads);
    assert_eq!(missing(&field("total")), Vec::<String>::new());
    assert_eq!(missing(&field("totals")), ["totals"]);
    let nested = |name: &str| {
        reads(json!({"properties": {"approvals": {"type": "array", "items":
            {"type": "object", "properties": {name: {"type": "string"}}}}}}))
    };
    assert_eq!(missing(&nested("subject")), Vec::<String>::new());
    assert_eq!(missing(&nested("object")), ["approvals.object"]);
}
