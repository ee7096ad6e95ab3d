//! The loop on a real store, with clocks that a test sets.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use tidegate_core::built_in::BuiltIn;
use tidegate_core::event::EventType;
use tidegate_core::names::{CommitId, ContextId, EventId};
use tidegate_core::principal::Principal;
use tidegate_core::sequence::{
    Command, ContextState, Control, Env, Input, Resolution, Resolve, Settings, Timer,
};
use tidegate_core::shipyard::Shipyard;
use tidegate_core::uniform::Rules;
use tidegate_store::sqlite::{SqliteHome, SqliteReaders};
use tidegate_store::watched::Watched;
use tidegate_store::{
    EventFilter, Home as _, Intent, NewProject, OpenEventFilter, Reader as _, SequenceFilter,
    StoreError, Write, Written,
};
use uuid::Uuid;

mod integrations;

use super::faulty::Faults;
use super::{ada, draft, tour};
use crate::{
    Clock, Done, Driver, Entropy as _, Failure, Ports, Resolved, Resolver, Retention, Submission,
    SystemEntropy, Wake, Work, input_of,
};

const SHIPYARD: &str = "\
apiVersion: spec.keptn.sh/0.2.2
spec:
  stages:
    - name: qa
      sequences:
        - name: delivery
          tasks: [{ name: deployment }, { name: test, triggeredAfter: 1h }]
        - name: gate
          tasks: [{ name: approval }, { name: release }]
        - name: fan
          tasks: [{ name: approval, properties: { pass: automatic } }]
FOLLOWERS";

/// So many sequences follow one: more than one commit has room for.
const FOLLOWERS: usize = 700;

fn shipyard() -> String {
    let follower = |n| {
        format!(
            "        - name: follower-{n}\n          triggeredOn: [{{ event: qa.fan.finished }}]\n          \
             tasks: [{{ name: notify }}]\n"
        )
    };
    SHIPYARD.replace("FOLLOWERS", &(0..FOLLOWERS).map(follower).collect::<String>())
}

/// Clocks that stand still until they are moved.
#[derive(Default)]
struct Hands {
    wall: AtomicI64,
    forward: AtomicU64,
}

impl Hands {
    fn pass(&self, seconds: u64) {
        self.wall.fetch_add(seconds.cast_signed(), Ordering::SeqCst);
        self.forward.fetch_add(seconds, Ordering::SeqCst);
    }

    fn set(&self, by: i64) {
        self.wall.fetch_add(by, Ordering::SeqCst);
    }
}

impl Clock for Hands {
    fn now(&self) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + self.wall.load(Ordering::SeqCst)).unwrap()
    }

    fn forward(&self) -> Duration {
        Duration::from_secs(self.forward.load(Ordering::SeqCst))
    }
}

struct OneShipyard(Arc<str>, Arc<Shipyard>);

impl Resolver for OneShipyard {
    fn resolve(&mut self, _: &Resolve) -> Resolved {
        Resolved::Now(Resolution::Read {
            commit: CommitId::new(&"1".repeat(40)).unwrap(),
            shipyard: Arc::clone(&self.1),
            text: Arc::clone(&self.0),
            stage_commit: None,
            stale: None,
        })
    }
}

struct Loop {
    driver: Driver<Watched<SqliteHome, Faults>, OneShipyard>,
    reader: SqliteReaders,
    hands: Arc<Hands>,
    faults: Arc<Faults>,
    retention: Retention,
}

/// A loop on this directory, with the project `tour` in it.
fn open(directory: &Path, hands: Arc<Hands>, retention: Retention) -> Loop {
    let (mut home, reader) = SqliteHome::open(directory).unwrap();
    let text: Arc<str> = Arc::from(shipyard());
    let parsed = Arc::new(Shipyard::parse(&text).unwrap());
    if reader.project(&tour()).unwrap().is_none() {
        let stages = parsed.stages.iter().map(|stage| stage.name.clone()).collect();
        let new = NewProject { name: tour(), shipyard: text.to_string(), stages, upstream: None };
        let (now, seed, settings) = (hands.now(), [0; 16], Settings::default());
        let env = Env { now, principal: ada(), seed, settings };
        home.begin().unwrap();
        let begin = Write::Begin(Intent::CreateProject(new), Vec::new());
        let begun = home.write(&begin, &env).unwrap();
        let Written::Begun(intent) = begun else { panic!("{begun:?}") };
        let commit = CommitId::new(&"1".repeat(40)).unwrap();
        let complete = Write::Complete { intent, commit, now: hands.now(), events: Vec::new() };
        home.write(&complete, &env).unwrap();
        home.commit().unwrap();
    }
    let faults = Arc::new(Faults::default());
    let home = Watched { home, watch: Arc::clone(&faults) };
    // As a server does at its start.
    let integrations = Arc::new(Rules { since: hands.now(), ..Rules::default() });
    let ports = Ports {
        settings: Settings { integrations, ..Settings::default() },
        clock: Arc::clone(&hands) as _,
        entropy: Arc::new(SystemEntropy),
        retention,
        ..Ports::default()
    };
    let resolver = OneShipyard(text, parsed);
    let driver = Driver::new(home, Arc::new(reader.clone()), resolver, ports).unwrap();
    Loop { driver, reader, hands, faults, retention }
}

impl Loop {
    fn restart(self, directory: &Path) -> Self {
        let Self { driver, reader, hands, retention, .. } = self;
        drop((driver, reader));
        open(directory, hands, retention)
    }

    fn step(&mut self, input: Input) -> Result<Done, Failure> {
        let work = Work::Step(Box::new(Submission { input, principal: ada(), key: None }));
        self.driver.turn(vec![work]).unwrap().0.remove(0)
    }

    /// Does what is due by itself, until nothing is.
    fn settle(&mut self) {
        while self.driver.wake() == Wake::Now {
            self.driver.turn(Vec::new()).unwrap();
        }
    }

    fn send(&mut self, kind: &str, more: &serde_json::Value) -> Result<ContextId, Failure> {
        let mut body = json!({"type": format!("sh.keptn.event.{kind}"), "source": "test",
            "data": {"project": "tour", "stage": "qa", "service": "hello", "result": "pass",
                "status": "succeeded"}});
        for (key, value) in more.as_object().cloned().unwrap_or_default() {
            body[key] = value;
        }
        let [id, context] = [(); 2].map(|()| Uuid::from_bytes(SystemEntropy.seed()));
        let now = self.driver.now();
        let event = draft(&body).into_event(EventId::from(id), now, ContextId::from(context));
        let context = event.context;
        self.step(input_of(event, &Principal::Shared, None)).map(|_| context)
    }

    fn trigger(&mut self, sequence: &str) -> ContextId {
        self.send(&format!("qa.{sequence}.triggered"), &json!({})).unwrap()
    }

    fn open(&self, task: &str) -> Vec<tidegate_core::event::Event> {
        let kind = Some(EventType::new(&format!("sh.keptn.event.{task}.triggered")));
        let filter = OpenEventFilter { kind, ..OpenEventFilter::default() };
        self.reader.open_events(&filter, 0, 1000).unwrap().items
    }

    fn answer(&mut self, task: &str, phase: &str) {
        let open = self.open(task).remove(0);
        let more = json!({"triggeredid": open.id, "shkeptncontext": open.context});
        self.send(&format!("{task}.{phase}"), &more).unwrap();
    }

    fn state(&self, context: ContextId) -> Option<ContextState> {
        let filter = SequenceFilter { contexts: vec![context], ..SequenceFilter::default() };
        let page = self.reader.sequences(&tour(), &filter, 0, None).unwrap();
        page.items.first().map(|context| context.state)
    }

    fn control(&mut self, control: Control, context: ContextId) -> Result<Done, Failure> {
        let command = Command { control, project: tour(), context, stage: None, after: 0 };
        self.step(Input::Control(command))
    }
}

fn fresh(retention: Retention) -> (tempfile::TempDir, Loop) {
    let directory = tempfile::tempdir().unwrap();
    let opened = open(directory.path(), Arc::default(), retention);
    (directory, opened)
}

#[test]
fn a_task_that_nobody_takes_is_given_up_in_ten_minutes_and_not_before() {
    let (_directory, mut run) = fresh(Retention::default());
    let context = run.trigger("delivery");
    run.hands.pass(599);
    run.settle();
    assert_eq!(run.state(context), Some(ContextState::Started));
    run.hands.pass(1);
    run.settle();
    assert_eq!(run.state(context), Some(ContextState::TimedOut));
    assert!(run.open("deployment").is_empty());
}

#[test]
fn a_timer_that_was_stopped_wakes_the_loop_once_at_most() {
    let (_directory, mut run) = fresh(Retention::default());
    run.trigger("delivery");
    run.answer("deployment", "started");
    run.hands.pass(601);
    run.driver.turn(Vec::new()).unwrap();
    assert_ne!(run.driver.wake(), Wake::Now, "nothing is due");
}

#[test]
fn a_clock_that_jumps_forward_gives_nothing_up_before_it_has_settled_and_then_once() {
    let (_directory, mut run) = fresh(Retention::default());
    let context = run.trigger("delivery");
    run.settle();
    run.hands.set(86_400);
    run.settle();
    run.hands.pass(60);
    run.settle();
    assert_eq!(run.state(context), Some(ContextState::Started), "the clock is in doubt");
    run.hands.pass(61);
    run.settle();
    assert_eq!(run.state(context), Some(ContextState::TimedOut));
    let log = run.reader.trace(&tour(), context, 99).unwrap();
    let ended = log.iter().filter(|row| row.event.kind.as_str().ends_with("delivery.finished"));
    let messages: Vec<_> = ended.map(|row| row.event.data["message"].as_str().unwrap()).collect();
    assert!(messages.len() == 1 && messages[0].contains("clock"), "{messages:?}");
}

#[test]
fn a_clock_that_jumps_back_and_forth_fires_no_timer_twice() {
    let (_directory, mut run) = fresh(Retention::default());
    run.trigger("delivery");
    for phase in ["started", "finished"] {
        run.answer("deployment", phase);
    }
    assert!(run.open("test").is_empty());
    run.hands.pass(3_600);
    run.settle();
    let first = run.open("test");
    assert_eq!(first.len(), 1);
    for jump in [-7_200, 7_200, -60, 60] {
        run.hands.set(jump);
        run.settle();
        run.hands.pass(130);
        run.settle();
    }
    assert_eq!(run.open("test"), first);
    let kind = Some(EventType::new("sh.keptn.event.test.triggered"));
    let filter = EventFilter { project: Some(tour()), kind, ..EventFilter::default() };
    assert_eq!(run.reader.events(&filter, 0, 9).unwrap().total, 1);
}

#[test]
fn what_has_no_room_in_its_commit_goes_on_after_a_crash() {
    let (directory, mut run) = fresh(Retention::default());
    let context = run.trigger("fan");
    assert!(run.reader.has_deferred().unwrap(), "one commit has no room for all");
    let count = |run: &Loop| run.reader.executions(&tour(), context).unwrap().len();
    assert!(count(&run) < FOLLOWERS);
    let mut run = run.restart(directory.path());
    while count(&run) < FOLLOWERS + 1 {
        assert_eq!(run.driver.wake(), Wake::Now, "nothing is lost");
        run.driver.turn(Vec::new()).unwrap();
    }
    run.hands.pass(1_000);
    run.settle();
    run.control(Control::Abort, context).unwrap();
    let mut run = run.restart(directory.path());
    run.settle();
    assert_eq!(run.state(context), Some(ContextState::Aborted), "all pages of it");
}

#[test]
fn an_input_that_cannot_be_stepped_is_put_aside_with_all_it_said() {
    let (_directory, mut run) = fresh(Retention::default());
    run.settle();
    run.faults.panics.store(1, Ordering::SeqCst);
    let refused = run.send("qa.delivery.triggered", &json!({"source": "who"}));
    let Err(Failure::Internal(reference)) = refused else { panic!("{refused:?}") };
    let aside = run.reader.quarantined(0, 9).unwrap().items;
    assert_eq!(aside.len(), 1);
    assert_eq!((aside[0].reference.as_str(), aside[0].name.as_str()), (&*reference, "triggered"));
    assert!(aside[0].cause.contains("told to panic") && aside[0].payload.contains("\"who\""));
    assert_eq!(aside[0].by, ada());
}

#[test]
fn a_timer_whose_input_cannot_be_stepped_does_not_come_again() {
    let (_directory, mut run) = fresh(Retention::default());
    let context = run.trigger("delivery");
    run.settle();
    let task = run.open("deployment")[0].id;
    run.hands.pass(601);
    run.faults.panics.store(1, Ordering::SeqCst);
    run.settle();
    assert_eq!(run.reader.quarantined(0, 9).unwrap().total, 1);
    let timers = run.reader.timers(true, 9).unwrap();
    assert!(timers.iter().all(|row| row.timer != Timer::Unstarted(task)));
    assert_eq!(run.state(context), Some(ContextState::Started));
}

#[test]
fn on_a_full_disk_only_what_stops_or_declines_is_done_until_there_is_space() {
    let (_directory, mut run) = fresh(Retention::default());
    // In this order: whoever asks lets its lane go.
    let asking = run.trigger("gate");
    let running = run.trigger("delivery");
    run.faults.full_until_released.store(true, Ordering::SeqCst);
    assert!(matches!(run.send("qa.delivery.triggered", &json!({})), Err(Failure::Full)));
    let open = run.open("approval").remove(0);
    let vote = |result: &str| {
        json!({"triggeredid": open.id, "shkeptncontext": open.context,
            "data": {"project": "tour", "stage": "qa", "service": "hello", "result": result,
                "status": "succeeded"}})
    };
    assert!(matches!(run.send("approval.finished", &vote("pass")), Err(Failure::Full)));
    run.send("approval.finished", &vote("fail")).unwrap();
    assert_eq!(run.state(asking), Some(ContextState::Finished));
    run.control(Control::Pause, running).unwrap();
    assert_eq!(run.state(running), Some(ContextState::Paused));
    run.control(Control::Abort, running).unwrap();
    assert_eq!(run.state(running), Some(ContextState::Aborted));
    assert!(matches!(run.send("qa.delivery.triggered", &json!({})), Err(Failure::Full)));
    run.faults.full_until_released.store(false, Ordering::SeqCst);
    run.hands.pass(2);
    run.settle();
    run.trigger("delivery");
}

#[test]
fn while_the_store_is_away_nothing_is_accepted_and_what_is_due_is_done_when_it_is_back() {
    let (_directory, mut run) = fresh(Retention::default());
    let context = run.trigger("delivery");
    run.settle();
    run.faults.away.store(true, Ordering::SeqCst);
    let refused = run.send("qa.delivery.triggered", &json!({}));
    assert!(matches!(refused, Err(Failure::Store(StoreError::Unavailable { .. }))), "{refused:?}");
    run.hands.pass(601);
    run.driver.turn(Vec::new()).unwrap();
    assert_eq!(run.state(context), Some(ContextState::Started));
    run.faults.away.store(false, Ordering::SeqCst);
    run.hands.pass(2);
    run.settle();
    assert_eq!(run.state(context), Some(ContextState::TimedOut));
    run.trigger("delivery");
}

#[test]
fn a_full_disk_that_has_space_again_is_noticed_although_the_clock_was_set_back() {
    let (_directory, mut run) = fresh(Retention::default());
    run.settle();
    run.faults.full_until_released.store(true, Ordering::SeqCst);
    assert!(matches!(run.send("qa.delivery.triggered", &json!({})), Err(Failure::Full)));
    run.faults.full_until_released.store(false, Ordering::SeqCst);
    run.hands.set(-86_400);
    run.hands.pass(2);
    assert_eq!(run.driver.wake(), Wake::Now);
    run.settle();
    run.trigger("delivery");
}

#[test]
fn what_ended_longer_ago_than_it_is_kept_is_forgotten_and_its_jobs_are_named() {
    let kept = Retention { contexts: Some(SignedDuration::from_hours(24)), ..Retention::default() };
    let (_directory, mut run) = fresh(kept);
    let old = run.trigger("delivery");
    let task = run.open("deployment")[0].id;
    run.control(Control::Abort, old).unwrap();
    let delivery = run.reader.deliveries(BuiltIn::Jobs, -1, 9).unwrap().remove(0).id;
    run.driver.turn(vec![Work::Write(Write::DeliveryDone(delivery), ada())]).unwrap();
    let new = run.trigger("gate");
    run.hands.pass(23 * 3_600);
    run.settle();
    assert!(run.state(old).is_some());
    run.hands.pass(2 * 3_600);
    let mut forgotten = Vec::new();
    while run.driver.wake() == Wake::Now {
        forgotten.extend(run.driver.turn(Vec::new()).unwrap().1.forgotten);
    }
    assert_eq!((run.state(old), forgotten), (None, vec![task]));
    assert!(run.state(new).is_some(), "what is open stays");
}
