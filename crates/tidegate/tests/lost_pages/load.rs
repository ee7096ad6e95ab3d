//! Clients that trigger, answer, decide and create, and remember what they were promised.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::far::{self, Far};
use crate::support::{self, SHIPYARD, TOKEN, answer, delivery, pass, post, request};

/// Deliveries that one client triggers between two losses.
const DELIVERIES_MAX: u32 = 6;
/// Services and projects that one client creates between two losses.
const CREATIONS_MAX: u32 = 4;
/// How much each delivery carries, so that the store's log is full soon and begins anew.
const BALLAST_BYTES: usize = 20_000;
/// Between two rounds of a client, so that the server has the machine, too.
const PACE: Duration = Duration::from_millis(5);

/// What was promised: every request that was answered with a success, and every result that was
/// shown.
#[derive(Default, Clone)]
pub(crate) struct Promises {
    /// Contexts.
    pub(crate) triggered: BTreeSet<String>,
    /// Contexts and the ids of the `.triggered` events that were answered.
    pub(crate) answered: BTreeSet<(String, String)>,
    /// Approvals, with their context and the decision.
    pub(crate) decided: BTreeMap<String, (String, &'static str)>,
    pub(crate) projects: BTreeSet<String>,
    /// Of project `tour`.
    pub(crate) services: BTreeSet<String>,
    /// On branch `qa` of project `tour`: what was pushed, and what the API has written.
    pub(crate) commits: BTreeSet<String>,
    /// On branch `qa` of project `far`: the commits that the API has answered, each with its file.
    pub(crate) far: BTreeSet<(String, String)>,
    /// What users have pushed to its upstream.
    pub(crate) far_pushed: BTreeSet<String>,
    /// Jobs by the `.triggered` event that they answered: their context, the id of their
    /// `.finished`, its result.
    pub(crate) jobs: BTreeMap<String, (String, String, String)>,
}

impl Promises {
    pub(crate) fn add(&mut self, other: Self) {
        self.triggered.extend(other.triggered);
        self.answered.extend(other.answered);
        self.decided.extend(other.decided);
        self.projects.extend(other.projects);
        self.services.extend(other.services);
        self.commits.extend(other.commits);
        self.far.extend(other.far);
        self.far_pushed.extend(other.far_pushed);
        self.jobs.extend(other.jobs);
    }

    /// How many there are, by kind.
    pub(crate) fn counts(&self) -> [(&'static str, usize); 9] {
        [
            ("deliveries", self.triggered.len()),
            ("answers", self.answered.len()),
            ("decisions", self.decided.len()),
            ("projects", self.projects.len()),
            ("services", self.services.len()),
            ("commits", self.commits.len()),
            ("commits elsewhere", self.far.len()),
            ("pushes elsewhere", self.far_pushed.len()),
            ("jobs", self.jobs.len()),
        ]
    }

    /// All contexts that something was promised about.
    pub(crate) fn contexts(&self) -> BTreeSet<&str> {
        let answered = self.answered.iter().map(|(context, _)| context);
        let decided = self.decided.values().map(|(context, _)| context);
        let jobs = self.jobs.values().map(|(context, ..)| context);
        let all = self.triggered.iter().chain(answered).chain(decided).chain(jobs);
        all.map(String::as_str).collect()
    }
}

/// The clients of one server, until it is gone.
pub(crate) struct Clients<'a> {
    address: SocketAddr,
    promises: Mutex<Promises>,
    stop: AtomicBool,
    /// Names are never used twice.
    names: &'a AtomicU32,
    far: &'a Far,
}

/// The server is gone, or not well.
struct Gone;

/// What one client does until the server is gone.
type Client<'a> = fn(&Clients<'a>) -> Result<(), Gone>;

impl<'a> Clients<'a> {
    pub(crate) fn of(address: SocketAddr, names: &'a AtomicU32, far: &'a Far) -> Self {
        Self { address, promises: Mutex::default(), stop: AtomicBool::new(false), names, far }
    }

    /// Creates projects `tour` and `far`.
    pub(crate) fn create_projects(self) -> Promises {
        drop(self.create_project("tour".to_owned()));
        self.far.create(self.address);
        self.promises.into_inner().expect("no client panics")
    }

    /// Pushes, and nobody does anything else.
    pub(crate) fn only_push(self) -> Promises {
        drop(self.push());
        self.promises.into_inner().expect("no client panics")
    }

    /// Works while `attended` waits for the end; then tells what was promised.
    pub(crate) fn work(self, attended: impl FnOnce()) -> Promises {
        let this = &self;
        std::thread::scope(|scope| {
            let clients: [Client<'a>; 9] = [
                Self::deliver,
                Self::deliver,
                Self::create,
                Self::watch_jobs,
                Self::push,
                Self::write,
                Self::write_far,
                Self::push_far,
                Self::deliver_far,
            ];
            for client in clients {
                // One who is refused goes home: the server is gone, or says that it cannot.
                scope.spawn(move || drop(client(this)));
            }
            attended();
            self.stop.store(true, Ordering::Relaxed);
        });
        self.promises.into_inner().expect("no client panics")
    }

    fn promised(&self) -> MutexGuard<'_, Promises> {
        self.promises.lock().expect("no client panics")
    }

    fn goes_on(&self) -> bool {
        !self.stop.load(Ordering::Relaxed)
    }

    /// What a client does between two losses, until it is to stop.
    fn rounds(&self) -> impl Iterator<Item = u32> + '_ {
        (0..CREATIONS_MAX).take_while(|_| self.goes_on())
    }

    fn name(&self) -> u32 {
        self.names.fetch_add(1, Ordering::Relaxed)
    }

    fn get(&self, path: &str) -> Result<Value, Gone> {
        let answer = request(self.address, "GET", path, &[("x-token", TOKEN)], b"").ok_or(Gone)?;
        match answer.json() {
            (200, body) => Ok(body),
            _ => Err(Gone),
        }
    }

    /// The answer of a request that had success; none where it was refused.
    fn post(&self, path: &str, body: &Value) -> Result<Option<Value>, Gone> {
        let (code, body) = post(self.address, path, body).ok_or(Gone)?;
        Ok((200..300).contains(&code).then_some(body))
    }

    fn deliver(&self) -> Result<(), Gone> {
        let mut triggered = 0;
        while self.goes_on() {
            if triggered < DELIVERIES_MAX {
                triggered += 1;
                let number = self.name();
                let mut body = delivery(&format!("hello:{number}"));
                body["data"]["service"] = json!(format!("hello-{}", number % 5));
                body["data"]["ballast"] = json!("x".repeat(BALLAST_BYTES));
                if let Some(body) = self.post("/api/v1/event", &body)? {
                    self.promised().triggered.insert(text(&body["keptnContext"]));
                }
            }
            self.test()?;
            self.decide()?;
            std::thread::sleep(PACE);
        }
        Ok(())
    }

    /// Executes the task `test` wherever it waits.
    fn test(&self) -> Result<(), Gone> {
        let open = "/api/controlPlane/v1/event/triggered/sh.keptn.event.test.triggered?project=tour&pageSize=50";
        for event in list(&self.get(open)?["events"]) {
            self.post("/api/v1/event", &answer(event, "started", &json!({})))?;
            if self.post("/api/v1/event", &answer(event, "finished", &pass()))?.is_some() {
                let answered = (text(&event["shkeptncontext"]), text(&event["id"]));
                self.promised().answered.insert(answered);
            }
        }
        Ok(())
    }

    fn decide(&self) -> Result<(), Gone> {
        let open = self.get("/api/tidegate/v1/approvals?state=open&limit=20")?;
        for approval in list(&open["approvals"]) {
            let decision = if self.name().is_multiple_of(4) { "decline" } else { "approve" };
            let id = text(&approval["id"]);
            let path = format!("/api/tidegate/v1/approvals/{id}/decision");
            let body = json!({"decision": decision, "subject": approval["subject"]});
            if self.post(&path, &body)?.is_some() {
                let context = text(&approval["context"]);
                self.promised().decided.insert(id, (context, decision));
            }
        }
        Ok(())
    }

    fn create(&self) -> Result<(), Gone> {
        for round in self.rounds() {
            let name = format!("n{}", self.name());
            if round == 1 {
                self.create_project(name)?;
            } else {
                let body = json!({"serviceName": name});
                if self.post("/api/controlPlane/v1/project/tour/service", &body)?.is_some() {
                    self.promised().services.insert(name);
                }
            }
        }
        Ok(())
    }

    fn create_project(&self, name: String) -> Result<(), Gone> {
        let body = json!({"name": name, "shipyard": STANDARD.encode(SHIPYARD)});
        if self.post("/api/controlPlane/v1/project", &body)?.is_some() {
            self.promised().projects.insert(name);
        }
        Ok(())
    }

    /// Pushes commits by plain Git.
    fn push(&self) -> Result<(), Gone> {
        let place = tempfile::tempdir().expect("a place for a clone");
        let url = format!("http://x:{TOKEN}@{}/git/tour.git", self.address);
        let clone = place.path().join("clone");
        let cloned = git(place.path(), &["clone", "-q", "-b", "qa", &url, "clone"]);
        cloned.ok_or(Gone)?;
        for _ in self.rounds() {
            let name = format!("pushed-{}", self.name());
            std::fs::write(clone.join(&name), &name).expect("it is written");
            git(&clone, &["add", &name]).expect("git adds");
            git(&clone, &["commit", "-q", "-m", &name]).expect("git commits");
            while git(&clone, &["push", "-q"]).is_none() {
                // Somebody else was faster, or the server is gone.
                git(&clone, &["pull", "-q", "--rebase"]).ok_or(Gone)?;
            }
            let commit = git(&clone, &["rev-parse", "HEAD"]).expect("git answers");
            self.promised().commits.insert(commit);
        }
        Ok(())
    }

    /// Writes files by the API.
    fn write(&self) -> Result<(), Gone> {
        for _ in self.rounds() {
            let name = format!("written-{}", self.name());
            let body = json!({"resources": [
                {"resourceURI": name, "resourceContent": STANDARD.encode(&name)}]});
            let path = "/api/resource-service/v1/project/tour/stage/qa/resource";
            if let Some(answer) = self.post(path, &body)? {
                self.promised().commits.insert(text(&answer["commitID"]));
            }
        }
        Ok(())
    }

    fn write_far(&self) -> Result<(), Gone> {
        for _ in self.rounds() {
            let name = format!("written-{}", self.name());
            let commit = far::write(self.address, &name).ok_or(Gone)?;
            self.promised().far.insert((commit, name));
        }
        Ok(())
    }

    fn push_far(&self) -> Result<(), Gone> {
        for _ in self.rounds() {
            let name = format!("pushed-{}", self.name());
            self.far.push(&name);
            self.promised().far_pushed.insert(name);
        }
        Ok(())
    }

    /// Each delivery lets the server ask the upstream.
    fn deliver_far(&self) -> Result<(), Gone> {
        for _ in self.rounds() {
            if let Some(body) = self.post("/api/v1/event", &far::delivery())? {
                self.promised().triggered.insert(text(&body["keptnContext"]));
            }
            std::thread::sleep(PACE);
        }
        Ok(())
    }

    /// Whoever has read that a job has ended must be able to rely on it.
    fn watch_jobs(&self) -> Result<(), Gone> {
        let path = "/api/mongodb-datastore/event?project=tour&type=sh.keptn.event.deployment.finished&pageSize=30";
        while self.goes_on() {
            for event in list(&self.get(path)?["events"]) {
                let job = (
                    text(&event["shkeptncontext"]),
                    text(&event["id"]),
                    text(&event["data"]["result"]),
                );
                self.promised().jobs.insert(text(&event["triggeredid"]), job);
            }
            std::thread::sleep(PACE);
        }
        Ok(())
    }
}

/// What a call of git prints; none where it fails.
fn git(directory: &Path, arguments: &[&str]) -> Option<String> {
    let output = support::git(directory, arguments);
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

pub(crate) fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

pub(crate) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
