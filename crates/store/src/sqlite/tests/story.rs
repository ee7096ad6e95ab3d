//! A store that real steps have filled, with a row of every kind in every table.

use std::collections::VecDeque;
use std::sync::Arc;

use serde_json::{Map, Value, json};
use tidegate_core::approval::Decision;
use tidegate_core::audit::{Chain, Checkpoint, SigningKey};
use tidegate_core::event::{Event, EventType};
use tidegate_core::names::{ContextId, EventId, ProjectName, TaskName};
use tidegate_core::principal::{Principal, PrincipalName};
use tidegate_core::sequence::{
    Answer, Command, Control, Env, FollowOn, Ids, Input, Resolution, Settings, View as _, step,
};
use tidegate_core::shipyard::Shipyard;
use tidegate_core::uniform;

use crate::sqlite::SqliteHome;
use crate::testing::{Fixture as _, Steps as _, at, commit_id, context_id, env_at, person, scope};
use crate::{Home as _, InputRecord, Intent, NewProject, Reader as _, Write, Written};
use crate::{IdempotencyRow, OpenEventFilter, QuarantineRow, SessionRow, SignInRow, TokenRow};

use super::Sqlite;

const SHIPYARD: &str = "
apiVersion: spec.keptn.sh/0.2.2
kind: Shipyard
metadata: {name: s}
spec:
  stages:
    - name: qa
      sequences:
        - name: delivery
          tasks: [{name: deployment}, {name: test}]
        - name: nightly
          tasks: [{name: deployment, triggeredAfter: 1h}]
    - name: production
      sequences:
        - name: delivery
          triggeredOn: [{event: qa.delivery.finished}]
          tasks: [{name: approval, properties: {pass: manual, warning: manual}}, {name: deployment}]
";

/// Steps inputs on a home as the engine does, each with what follows in a commit of its own.
pub(super) struct Story {
    pub(super) store: Sqlite,
    ids: Ids,
    now: i64,
}

impl Story {
    /// What is in flight, waits, is over, came late or belongs nowhere.
    pub(super) fn told() -> Sqlite {
        let mut story = Self { store: Sqlite::fresh(), ids: Ids::new(at(0), [9; 16]), now: 0 };
        story.make_project();
        // One delivery that runs in qa with another one behind it.
        story.trigger(1, "carts", "delivery");
        story.trigger(2, "carts", "delivery");
        // One that waits for a person, one that was let through, and one that was while its lane was
        // taken.
        for context in 3..=5 {
            story.trigger(context, "orders", "delivery");
            story.pass(context, "deployment");
            story.pass(context, "test");
        }
        story.vote(3, Decision::Approve);
        story.vote(4, Decision::Approve);
        // One that sleeps, one that was stopped while a job of ours ran, one that is over, one
        // whose shipyard was not read yet.
        story.trigger(6, "users", "nightly");
        story.trigger(7, "payment", "delivery");
        let job = PrincipalName::new("job-executor-service").unwrap();
        story.answer(7, "deployment", "started", &Principal::Builtin(job));
        story.control(Control::Abort, 7);
        for context in [8, 11] {
            story.trigger(context, "queue", "delivery");
            story.pass(context, "deployment");
            story.pass(context, "test");
        }
        story.vote(8, Decision::Decline);
        story.control(Control::Abort, 11);
        // One that is paused before its start, and one while somebody else runs its task.
        story.register("job-executor-service", "front");
        for (context, service) in [(12, "carts"), (13, "front")] {
            story.trigger(context, service, "delivery");
            story.control(Control::Pause, context);
        }
        story.triggered(9, "front", "delivery");
        // What changes nothing.
        let late = story.event(8, "sh.keptn.event.test.finished", "queue");
        story.take(Input::Finished(Answer { event: late, project: shop(), client_id: None }));
        let unknown = story.event(10, "sh.keptn.event.test.finished", "queue");
        let reason = Some("project nowhere does not exist".to_owned());
        story.take(Input::Record { event: unknown, project: ProjectName::unmapped(), reason });
        story.people();
        story.store
    }

    fn make_project(&mut self) {
        let name = shop();
        let new = NewProject {
            name: name.clone(),
            shipyard: SHIPYARD.into(),
            stages: vec![],
            upstream: None,
        };
        self.saga(Intent::CreateProject(new));
        let service = tidegate_core::names::ServiceName::new("carts").unwrap();
        self.saga(Intent::CreateService {
            project: name,
            service: service.clone(),
            stages: vec![],
        });
        // One that a crash would leave open.
        let project = ProjectName::new("next").unwrap();
        let new =
            NewProject { name: project, shipyard: SHIPYARD.into(), stages: vec![], upstream: None };
        self.store.written(&Write::Begin(Intent::CreateProject(new), vec![]));
    }

    fn saga(&mut self, intent: Intent) {
        let begun = self.store.written(&Write::Begin(intent, vec![]));
        let Written::Begun(intent) = begun else { panic!("{begun:?}") };
        let (commit, now, events) = (commit_id(1), at(0), vec![]);
        self.store.written(&Write::Complete { intent, commit, now, events });
    }

    /// An integration that takes the deployments of a service.
    fn register(&mut self, name: &str, service: &str) {
        let sent: uniform::Sent = serde_json::from_value(json!({
            "name": name,
            "metadata": {"hostname": "n1", "kubernetesmetadata": {"namespace": "keptn"}},
            "subscriptions": [{"event": "sh.keptn.event.deployment.triggered",
                "filter": {"services": [service]}}],
        }))
        .unwrap();
        let command = uniform::Command::Register(Box::new(sent.try_into().unwrap()));
        let home = &mut self.store.home;
        home.begin().unwrap();
        let write = Write::Integration { command, tasks: None };
        home.write(&write, &env_at(at(self.now))).unwrap();
        home.commit().unwrap();
    }

    fn people(&mut self) {
        let expires = at(1_000_000);
        let name = PrincipalName::new("ada").unwrap();
        self.store.written(&Write::PutSession(SessionRow {
            digest: [1; 32],
            principal: person("ada"),
            expires,
        }));
        self.store.written(&Write::PutSignIn(SignInRow { digest: [2; 32], name, expires }));
        self.store.written(&Write::PutToken(TokenRow {
            name: PrincipalName::new("ci").unwrap(),
            digest: [5; 32],
            holder: Principal::Machine(PrincipalName::new("ci").unwrap()),
            tasks: Some(vec![TaskName::new("deployment").unwrap()]),
            created: at(0),
            by: Principal::Shared,
        }));
        self.store.written(&Write::Idempotency(IdempotencyRow {
            key: [3; 32],
            request: [4; 32],
            answer: "{}".to_owned(),
            expires,
        }));
        self.store.written(&Write::Quarantine(QuarantineRow {
            at: at(0),
            project: shop(),
            name: "vote".to_owned(),
            by: person("ada"),
            reference: "r".to_owned(),
            cause: "c".to_owned(),
            payload: "{}".to_owned(),
        }));
        let head = self.store.reader.audit_head(&Chain::of(&shop())).unwrap().expect("it has one");
        let key = SigningKey::from_bytes(&[5; 32]);
        let checkpoint = Checkpoint { chain: head.chain, link: head.link, at: at(0) };
        self.store.written(&Write::Checkpoint(Box::new(key.sign(checkpoint))));
        let home = &mut self.store.home;
        home.begin().unwrap();
        let lane = scope("shop/qa/carts");
        home.defer(&FollowOn::Admit { lane }, &person("ada")).unwrap();
        home.commit().unwrap();
    }

    fn event(&mut self, context: u64, kind: &str, service: &str) -> Event {
        self.now += 1;
        let mut data = Map::new();
        scope(&format!("shop/qa/{service}")).write(&mut data);
        data.insert("labels".into(), json!({"build": "7"}));
        data.insert("configurationChange".into(), json!({"values": {"image": "x:1"}}));
        Event {
            id: EventId::from(self.ids.next_uuid()),
            kind: EventType::new(kind),
            source: "test".to_owned(),
            time: at(self.now),
            context: context_id(context),
            triggered_id: None,
            commit: None,
            data,
            rest: Map::new(),
        }
    }

    /// Triggered, and nothing more.
    fn triggered(&mut self, context: u64, service: &str, sequence: &str) {
        let event =
            self.event(context, &format!("sh.keptn.event.qa.{sequence}.triggered"), service);
        let scope = scope(&format!("shop/qa/{service}"));
        self.only(Input::Triggered { event, scope, by: person("ada") });
    }

    fn trigger(&mut self, context: u64, service: &str, sequence: &str) {
        let event =
            self.event(context, &format!("sh.keptn.event.qa.{sequence}.triggered"), service);
        let scope = scope(&format!("shop/qa/{service}"));
        self.take(Input::Triggered { event, scope, by: person("ada") });
    }

    fn open(&self, context: u64, task: &str) -> Event {
        let kind = Some(EventType::new(&format!("sh.keptn.event.{task}.triggered")));
        let filter = OpenEventFilter { kind, ..OpenEventFilter::default() };
        let open = self.store.reader.open_events(&filter, 0, 99).unwrap().items;
        open.into_iter().find(|event| event.context == context_id(context)).expect("it is open")
    }

    fn answer(&mut self, context: u64, task: &str, phase: &str, by: &Principal) {
        let open = self.open(context, task);
        let service = open.data["service"].as_str().unwrap().to_owned();
        let kind = format!("sh.keptn.event.{task}.{phase}");
        let mut event = self.event(context, &kind, &service);
        event.triggered_id = Some(open.id);
        event.data.insert("result".into(), Value::from("pass"));
        event.data.insert("status".into(), Value::from("succeeded"));
        let answer = Answer { event, project: shop(), client_id: None };
        let input =
            if phase == "started" { Input::Started(answer) } else { Input::Finished(answer) };
        self.carry_out(input, by, Follow::All);
    }

    fn pass(&mut self, context: u64, task: &str) {
        self.answer(context, task, "started", &person("bob"));
        self.answer(context, task, "finished", &person("bob"));
    }

    fn vote(&mut self, context: u64, decision: Decision) {
        let approval = self.open(context, "approval").id;
        let (subject, comment, source) = (None, None, "test".to_owned());
        let project = shop();
        self.take(Input::Vote { project, approval, decision, subject, comment, source });
    }

    fn control(&mut self, control: Control, context: u64) {
        let (project, context) = (shop(), context_id(context));
        self.take(Input::Control(Command { control, project, context, stage: None, after: 0 }));
    }

    fn take(&mut self, input: Input) {
        self.carry_out(input, &person("ada"), Follow::All);
    }

    fn only(&mut self, input: Input) {
        self.carry_out(input, &person("ada"), Follow::Nothing);
    }

    fn carry_out(&mut self, input: Input, principal: &Principal, follow: Follow) {
        let mut queue = VecDeque::from([input]);
        self.store.home.begin().unwrap();
        while let Some(input) = queue.pop_front() {
            self.now += 1;
            let seed = *self.ids.next_uuid().as_bytes();
            let settings = Settings::default();
            let env = Env { now: at(self.now), principal: principal.clone(), seed, settings };
            let home: &mut SqliteHome = &mut self.store.home;
            let effects = step(home, &input, &env).unwrap();
            let project = input.project();
            let payload = r#"{"of":"tests"}"#.to_owned();
            home.apply(&InputRecord { name: input.name(), project, env: &env, payload }, &effects)
                .unwrap();
            if follow == Follow::All {
                queue.extend(effects.resolve.map(|resolve| Input::Resolved {
                    project: resolve.scope.project,
                    execution: resolve.execution,
                    resolution: resolution(),
                }));
                queue.extend(effects.follow_on.into_iter().map(Input::from));
            }
        }
        self.store.home.commit().unwrap();
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Follow {
    All,
    Nothing,
}

fn shop() -> ProjectName {
    ProjectName::new("shop").unwrap()
}

fn resolution() -> Resolution {
    let shipyard = Arc::new(Shipyard::parse(SHIPYARD).unwrap());
    let (commit, text) = (commit_id(2), Arc::from(SHIPYARD));
    Resolution::Read { commit, shipyard, text, stage_commit: Some(commit_id(3)), stale: None }
}

/// How many entries each project's log has.
pub(super) fn entries(store: &Sqlite) -> u64 {
    let last = |name| store.home.project(&name).unwrap().unwrap().last;
    last(shop()) + last(ProjectName::unmapped())
}

/// The contexts of the story.
pub(super) fn contexts() -> impl Iterator<Item = ContextId> {
    (1..=13).map(context_id)
}
