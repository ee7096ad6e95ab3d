//! The form in which a record is hashed: canonical JSON (RFC 8785), every value a text, and texts of
//! people as salted digests.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use super::{Action, AuditRecord, hex};
use crate::approval::{Comment, Decided, Subject};
use crate::names::TaskName;
use crate::principal::Principal;

/// Keeps salts apart from whatever else is derived from the same seed.
const SALT_DOMAIN: &[u8] = b"tidegate audit salt 1\0";
/// Keeps digests of texts apart from all others.
const TEXT_DOMAIN: &[u8] = b"tidegate audit text 1\0";

/// Makes salts from the seed of an input: the same input has the same ones, and without the seed
/// nobody guesses a text from its digest.
#[derive(Debug, Clone)]
pub struct Salts {
    seed: [u8; 16],
    given: u64,
}

impl Salts {
    /// Starts counting. One of these serves all records of an input.
    #[must_use]
    pub fn new(seed: [u8; 16]) -> Self {
        Self { seed, given: 0 }
    }

    fn next(&mut self) -> [u8; 16] {
        let hash = Sha256::new()
            .chain_update(SALT_DOMAIN)
            .chain_update(self.seed)
            .chain_update(self.given.to_be_bytes())
            .finalize();
        self.given += 1;
        let mut salt = [0; 16];
        salt.copy_from_slice(&hash[..16]);
        salt
    }
}

/// A text of a person, beside the record that holds its digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Text {
    salt: String,
    pub(super) text: String,
}

impl Text {
    /// What stands in the record in its place; none where the salt is damaged.
    pub(super) fn sealed(&self) -> Option<Value> {
        let salt: [u8; 16] = hex::decode(&self.salt).ok()?;
        let hash = Sha256::new()
            .chain_update(TEXT_DOMAIN)
            .chain_update(salt)
            .chain_update(&self.text)
            .finalize();
        Some(json!({"digest": format!("sha256:{}", hex::encode(&hash))}))
    }
}

/// The texts of a record, each by the place of its digest (a JSON pointer).
pub(super) type Texts = BTreeMap<String, Text>;

/// The record as it is hashed, and the texts that are not.
pub(super) fn seal(record: &AuditRecord, salts: &mut Salts) -> (Value, Texts) {
    let mut sealer = Sealer { fields: Map::new(), texts: Texts::new(), salts };
    sealer.put("at", record.at.to_string());
    sealer.principal("by", &record.by);
    sealer.action(&record.action);
    (Value::Object(sealer.fields), sealer.texts)
}

struct Sealer<'a> {
    fields: Map<String, Value>,
    texts: Texts,
    salts: &'a mut Salts,
}

impl Sealer<'_> {
    fn put(&mut self, name: &str, value: impl Into<Value>) {
        self.fields.insert(name.to_owned(), value.into());
    }

    fn word(&mut self, action: &str) {
        self.put("action", action);
    }

    /// What a person wrote, or a person's name.
    fn digest(&mut self, pointer: String, text: &str) -> Value {
        let salt = hex::encode(&self.salts.next());
        let text = Text { salt, text: text.to_owned() };
        let sealed = text.sealed().expect("a salt that was just made is whole");
        self.texts.insert(pointer, text);
        sealed
    }

    fn personal(&mut self, name: &str, text: &str) {
        let sealed = self.digest(format!("/{name}"), text);
        self.put(name, sealed);
    }

    fn principal(&mut self, name: &str, principal: &Principal) {
        let value = match principal {
            Principal::Person(person) => {
                let digest = self.digest(format!("/{name}/name"), person.as_str());
                json!({"kind": "person", "name": digest})
            }
            // Programs have no privacy.
            Principal::Machine(machine) => json!({"kind": "machine", "name": machine}),
            Principal::Builtin(builtin) => json!({"kind": "builtin", "name": builtin}),
            Principal::Shared => json!({"kind": "shared"}),
            Principal::Wire => json!({"kind": "wire"}),
        };
        self.put(name, value);
    }

    fn action(&mut self, action: &Action) {
        match action {
            Action::Decided { approval, decided } => {
                self.word("decided");
                self.put("approval", approval.to_string());
                self.decided(decided);
            }
            Action::VoteRefused { approval, event, reason } => {
                self.word("vote_refused");
                self.put("approval", approval.to_string());
                self.put("event", event.to_string());
                // It may name who decided before, and quote them.
                self.personal("reason", reason);
            }
            Action::Controlled { control, context, stage } => {
                self.word("controlled");
                self.put("control", control.as_str());
                self.put("context", context.to_string());
                self.put("stage", stage.as_ref().map(ToString::to_string));
            }
            Action::KeyReused { input, first } => {
                self.word("key_reused");
                self.put("input", input.as_str());
                self.put("first", first.as_str());
            }
            Action::ShipyardChanged { commit } => {
                self.word("shipyard_changed");
                self.put("commit", commit.as_str());
            }
            Action::Pushed { branch, commit } => {
                self.word("pushed");
                self.put("branch", branch.as_str());
                self.put("commit", commit.as_str());
            }
            Action::ProjectCreated { project, commit } => {
                self.word("project_created");
                self.put("project", project.as_str());
                self.put("commit", commit.as_str());
            }
            Action::ProjectUndone { project } => {
                self.word("project_undone");
                self.put("project", project.as_str());
            }
            Action::ProjectDeleted { project } => {
                self.word("project_deleted");
                self.put("project", project.as_str());
            }
            Action::ProjectKept { project } => {
                self.word("project_kept");
                self.put("project", project.as_str());
            }
            Action::ServiceCreated { service } => {
                self.word("service_created");
                self.put("service", service.as_str());
            }
            Action::ServiceUndone { service } => {
                self.word("service_undone");
                self.put("service", service.as_str());
            }
            Action::ServiceDeleted { service } => {
                self.word("service_deleted");
                self.put("service", service.as_str());
            }
            Action::ServiceKept { service } => {
                self.word("service_kept");
                self.put("service", service.as_str());
            }
            Action::UpstreamSet { url } => {
                self.word("upstream_set");
                self.put("url", url.as_str());
            }
            Action::SignInLinkMade { person, expires } => {
                self.word("sign_in_link_made");
                self.personal("person", person.as_str());
                self.put("expires", expires.to_string());
            }
            Action::TokenCreated { holder, tasks } => {
                self.word("token_created");
                self.principal("holder", holder);
                let tasks =
                    tasks.as_ref().map(|tasks| tasks.iter().map(TaskName::as_str).collect());
                self.put("tasks", tasks.map_or(Value::Null, |tasks: Vec<&str>| json!(tasks)));
            }
            Action::TokenRevoked { holder } => {
                self.word("token_revoked");
                self.principal("holder", holder);
            }
            Action::IntegrationRegistered { name, namespace } => {
                self.word("integration_registered");
                self.put("name", name.as_str());
                self.put("namespace", namespace.as_str());
            }
            Action::SubscriptionChanged { name, namespace, subscription } => {
                self.word("subscription_changed");
                self.put("name", name.as_str());
                self.put("namespace", namespace.as_str());
                self.put("subscription", subscription.as_str());
            }
            Action::IntegrationUnregistered { name, namespace } => {
                self.word("integration_unregistered");
                self.put("name", name.as_str());
                self.put("namespace", namespace.as_str());
            }
            Action::SignedIn { way, expires } => {
                self.word("signed_in");
                self.put("way", way.as_str());
                self.put("expires", expires.to_string());
            }
            Action::SignedOut => self.word("signed_out"),
            Action::SigningKeyChanged { from, to } => {
                self.word("signing_key_changed");
                self.put("from", from.to_string());
                self.put("to", to.to_string());
            }
        }
    }

    fn decided(&mut self, decided: &Decided) {
        let Decided { decision, by, at, comment, seen, event } = decided;
        self.put("decision", decision.done());
        self.principal("decidedBy", by);
        self.put("decidedAt", at.to_string());
        match comment.as_ref().map(Comment::as_str) {
            Some(comment) => self.personal("comment", comment),
            None => self.put("comment", Value::Null),
        }
        // Nothing seen: a blind vote.
        self.put("subject", seen.as_ref().map(Subject::to_string));
        self.put("event", event.to_string());
    }
}
