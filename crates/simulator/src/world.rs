//! Everything there is, and how time passes.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tidegate_core::names::{ProjectName, ServiceName};
use tidegate_core::principal::Principal;
use tidegate_core::sequence::Resolve;
use tidegate_engine::{Clock as _, Entropy as _, Notice};
use tidegate_store::memory::{Fault, MemoryDisk};
use tidegate_store::{Intent, Reader as _, StoreError, Write, Written};
use uuid::Uuid;

use crate::agenda::{Action, Agenda};
use crate::check::Checker;
use crate::clocks::{Clocks, Ids};
use crate::executors::Executor;
use crate::faulty::Strikes;
use crate::jobs::Jobs;
use crate::people::Person;
use crate::plan::{Network, Plan};
use crate::random::Random;
use crate::repositories::Repositories;
use crate::request::{Answer, Arrived, Op, Owner, Request, RequestId, new_project};
use crate::server::{Machine, Server};
use crate::shipyards;
use crate::trace::Trace;

/// A promise was broken: which one.
pub(crate) type Checked = Result<(), String>;

/// When the server is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lost {
    /// In a commit, of which all, some or nothing may be there.
    InACommit,
    /// While nothing was written.
    BetweenCommits,
}

/// How long a client waits for an answer before it asks again.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long parts of the server wait before they ask again.
const AGAIN: Duration = Duration::from_millis(500);
/// Turns without work and without sleep after which the loop does not rest at all.
const IDLE_MAX: u32 = 200;
/// How often a client asks before it gives up.
const TRIES: u32 = 8;

pub(crate) struct World {
    pub(crate) plan: Plan,
    pub(crate) random: Random,
    pub(crate) now: Duration,
    pub(crate) agenda: Agenda,
    pub(crate) trace: Trace,
    pub(crate) machine: Machine,
    pub(crate) server: Option<Server>,
    next_turn: Option<Duration>,
    /// Turns without work and without sleep, one after the other.
    idle_turns: u32,
    pub(crate) requests: Vec<Request>,
    pub(crate) jobs: Jobs,
    pub(crate) people: Vec<Person>,
    pub(crate) executors: Vec<Executor>,
    pub(crate) checker: Checker,
    pub(crate) projects: Vec<ProjectName>,
    pub(crate) services: Vec<ServiceName>,
    /// Deliveries that were triggered.
    pub(crate) triggers: usize,
    /// Everything is healed, and what is open comes to its end.
    pub(crate) calm: bool,
}

impl World {
    pub(crate) fn new(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let plan = Plan::draw(&mut random);
        let machine = Machine {
            disk: MemoryDisk::new(),
            clocks: Arc::new(Clocks::default()),
            ids: Arc::new(Ids::new(random.fork())),
            repositories: Repositories::default(),
            strikes: Arc::new(Strikes::default()),
        };
        machine.repositories.set_elsewhere(plan.elsewhere);
        let project = |n| ProjectName::new(format!("shop-{n}")).expect("a plain word");
        let service = |n| ServiceName::new(format!("cart-{n}")).expect("a plain word");
        let people = (0..plan.people).map(Person::new).collect();
        let executors = (0..plan.executors).map(|n| Executor::draw(n, &mut random)).collect();
        Self {
            random,
            now: Duration::ZERO,
            agenda: Agenda::default(),
            trace: Trace::default(),
            machine,
            server: None,
            next_turn: None,
            idle_turns: 0,
            requests: Vec::new(),
            jobs: Jobs::new(),
            people,
            executors,
            checker: Checker::default(),
            projects: (0..plan.projects).map(project).collect(),
            services: (0..plan.services).map(service).collect(),
            triggers: 0,
            calm: false,
            plan,
        }
    }

    pub(crate) fn note(&mut self, line: fmt::Arguments<'_>) {
        self.trace.add(self.now, line);
    }

    /// Plans what begins by itself.
    pub(crate) fn begin(&mut self) -> Checked {
        self.note(format_args!("{:?}", self.plan.clone()));
        self.start()?;
        for project in self.projects.clone() {
            let shipyard = shipyards::draw(&mut self.random);
            let by = self.people[0].principal();
            self.ask(Op::Create(new_project(&project, &shipyard)), &by);
        }
        for person in 0..self.people.len() {
            let at = self.random.seconds(1, 20);
            self.agenda.plan(at, Action::Person(person));
        }
        for executor in 0..self.executors.len() {
            let at = self.random.seconds(1, 20);
            self.agenda.plan(at, Action::Executor(executor));
        }
        let at = self.random.millis(1, millis(self.plan.fault_every));
        self.agenda.plan(at, Action::Fault);
        Ok(())
    }

    /// Does what is next; false where nothing is.
    pub(crate) fn step(&mut self) -> Result<bool, String> {
        let Some((at, action)) = self.agenda.next() else { return Ok(false) };
        self.now = at;
        self.machine.clocks.go_on(at);
        match action {
            Action::Person(person) => self.person_acts(person)?,
            Action::Executor(executor) => self.executor_asks(executor)?,
            Action::Send(request) => self.send(request),
            Action::Arrive(request) => self.arrives(request),
            Action::Answer(request, answer) => self.answered(request, *answer)?,
            Action::Timeout(request) => self.timeout(request),
            Action::Turn if self.next_turn == Some(at) => self.turn()?,
            // Another turn was planned since.
            Action::Turn => {}
            Action::Start => self.start()?,
            Action::JobEnds(task) => self.job_ends(task)?,
            Action::Files(number, intent, asked) => self.write_files(number, &intent, asked)?,
            Action::Fetched(resolve) => self.fetched(*resolve)?,
            Action::Fault => self.fault()?,
            Action::Space => self.space(),
            Action::Readable => self.machine.repositories.set_unreadable(false),
        }
        Ok(true)
    }

    /// A client asks for something now.
    pub(crate) fn ask(&mut self, op: Op, by: &Principal) -> RequestId {
        let request = self.register(op, by, Owner::Client);
        self.send(request);
        request
    }

    /// A request that is sent later, or never.
    pub(crate) fn register(&mut self, op: Op, by: &Principal, owner: Owner) -> RequestId {
        self.requests.push(Request { op, by: by.clone(), owner, sent: 0, settled: None });
        self.requests.len() - 1
    }

    /// A part of the server asks for something.
    pub(crate) fn submit(&mut self, op: Op, owner: Owner) -> Checked {
        let by = crate::jobs::principal();
        let request = self.register(op, &by, owner);
        self.arrives(request);
        Ok(())
    }

    fn send(&mut self, id: RequestId) {
        self.requests[id].sent += 1;
        if self.requests[id].sent == 1 {
            let line = format!("#{id} {}: {}", self.requests[id].by, self.requests[id].op);
            self.note(format_args!("{line}"));
        }
        for delay in self.delays() {
            self.agenda.plan(self.now + delay, Action::Arrive(id));
        }
        let patience = PATIENCE + self.random.millis(0, 2000);
        self.agenda.plan(self.now + patience, Action::Timeout(id));
    }

    /// How long the copies of a message are under way; none where it is lost.
    fn delays(&mut self) -> Vec<Duration> {
        let Network { lost, doubled, late } =
            if self.calm { Network::default() } else { self.plan.network };
        if self.random.chance(lost) {
            return Vec::new();
        }
        let copies = 1 + usize::from(self.random.chance(doubled));
        let delay = |random: &mut Random| match random.chance(late) {
            true => random.millis(50, 8_000),
            false => random.millis(1, 50),
        };
        (0..copies).map(|_| delay(&mut self.random)).collect()
    }

    fn arrives(&mut self, id: RequestId) {
        let ids =
            [(); 2].map(|()| uuid::Builder::from_random_bytes(self.machine.ids.seed()).into_uuid());
        let Some(server) = &mut self.server else { return };
        let arrived = Arrived::new(id, &self.requests[id], self.machine.clocks.now(), ids);
        let most = match self.requests[id].owner {
            Owner::Client => self.plan.inbox,
            // They wait for each other, so there are few.
            Owner::Job(..) | Owner::Saga(_) | Owner::Push | Owner::Upstream => usize::MAX,
        };
        if server.arrive(arrived, most) {
            self.plan_turn(Duration::from_millis(1));
        } else {
            self.reply(id, Answer::Busy);
        }
    }

    fn plan_turn(&mut self, after: Duration) {
        let at = self.now + after;
        if self.next_turn.is_none_or(|next| at < next || next < self.now) {
            self.next_turn = Some(at);
            self.agenda.plan(at, Action::Turn);
        }
    }

    fn turn(&mut self) -> Checked {
        self.next_turn = None;
        let batch = self.plan.batch;
        let Some(server) = &mut self.server else { return Ok(()) };
        let before = self.machine.clocks.forward();
        let is_idle = !server.has_work() && !server.has_backlog();
        let (taken, turn) = server.turn(batch);
        self.idle_turns = if is_idle { self.idle_turns + 1 } else { 0 };
        if self.idle_turns > IDLE_MAX {
            return Err("the loop turns round and round with nothing to do".to_owned());
        }
        match turn {
            Ok((answers, notice)) => {
                let answered: Vec<(RequestId, Answer)> = taken
                    .iter()
                    .zip(answers)
                    .map(|(arrived, done)| (arrived.request, arrived.answer(done)))
                    .collect();
                self.committed(answered, &notice, before)
            }
            Err(StoreError::Io { what, .. }) if self.machine.disk.has_failed() => {
                self.note(format_args!("the process ends in a commit: {what}"));
                for arrived in &taken {
                    self.checker.unknown(arrived.request);
                }
                self.crash(Lost::InACommit)
            }
            Err(error) => Err(format!("the loop ends: {error}")),
        }
    }

    fn committed(
        &mut self,
        answered: Vec<(RequestId, Answer)>,
        notice: &Notice,
        forward: Duration,
    ) -> Checked {
        for (id, answer) in &answered {
            let op = &self.requests[*id].op;
            let line = match self.requests[*id].owner {
                Owner::Client => format!("#{id} {answer}"),
                Owner::Job(..) | Owner::Saga(_) | Owner::Push | Owner::Upstream => {
                    format!("#{id} {op}: {answer}")
                }
            };
            self.note(format_args!("{line}"));
        }
        let Some(server) = &mut self.server else { return Ok(()) };
        let wall = self.machine.clocks.now();
        let clocks = (wall, forward);
        self.checker.committed(server, &self.requests, &answered, notice, clocks)?;
        for task in &notice.cancelled {
            self.cancel_job(*task);
        }
        for resolve in &notice.resolves {
            let after = self.random.millis(1, 12_000);
            self.agenda.plan(self.now + after, Action::Fetched(Box::new(resolve.clone())));
        }
        for (id, answer) in answered {
            match (&answer, &self.requests[id].op) {
                // Answered when its files are written.
                (Answer::Written(Written::Begun(number)), Op::Create(new)) => {
                    let intent = Box::new(Intent::CreateProject(new.clone()));
                    let files = Action::Files(*number, intent, Some(id));
                    let after = self.random.millis(1, 3_000);
                    self.agenda.plan(self.now + after, files);
                }
                _ => self.reply(id, answer),
            }
        }
        if !notice.deliveries.is_empty() {
            self.take_deliveries()?;
        }
        self.sleep();
        Ok(())
    }

    /// Plans the next turn of the loop.
    fn sleep(&mut self) {
        if let Some(server) = &self.server {
            let sleep = match server.has_work() {
                true => Duration::from_millis(1),
                false => server.sleep(&self.machine.clocks).max(Duration::from_millis(1)),
            };
            if sleep > Duration::from_millis(1) {
                self.idle_turns = 0;
            }
            self.plan_turn(sleep);
        }
    }

    /// The server answers: over the network, or within the process.
    fn reply(&mut self, id: RequestId, answer: Answer) {
        match self.requests[id].owner {
            Owner::Client => {
                for delay in self.delays() {
                    let answer = Box::new(answer.clone());
                    self.agenda.plan(self.now + delay, Action::Answer(id, answer));
                }
            }
            Owner::Job(..) | Owner::Saga(_) | Owner::Push | Owner::Upstream => {
                self.agenda.plan(self.now, Action::Answer(id, Box::new(answer)));
            }
        }
    }

    fn answered(&mut self, id: RequestId, answer: Answer) -> Checked {
        let owner = self.requests[id].owner;
        if let Owner::Client = owner {
            if !answer.is_passing() {
                self.requests[id].settled.get_or_insert(answer);
            }
            return Ok(());
        }
        if self.server.is_none() {
            return Ok(());
        }
        let is_fault = matches!((&owner, &answer), (Owner::Job(..), Answer::Internal(_)));
        if is_fault || answer.is_passing() {
            // Parts of the server ask until they are answered.
            self.agenda.plan(self.now + AGAIN, Action::Arrive(id));
            return Ok(());
        }
        match owner {
            Owner::Job(task, step) => self.job_answered(task, step, &answer),
            Owner::Saga(Some(asked)) => {
                self.reply(asked, Answer::Written(Written::Done));
                Ok(())
            }
            Owner::Saga(None) | Owner::Push | Owner::Upstream | Owner::Client => Ok(()),
        }
    }

    fn timeout(&mut self, id: RequestId) {
        let request = &self.requests[id];
        if request.settled.is_some() || !request.may_repeat() {
            return;
        }
        if self.calm || request.sent < TRIES {
            self.send(id);
        }
    }

    /// The power fails, or the process is killed, and starts again later.
    pub(crate) fn crash(&mut self, when: Lost) -> Checked {
        let (written, synced) = self.machine.disk.written_and_synced();
        let torn = written - synced;
        let kept = match self.random.below(3) {
            0 => 0,
            1 => torn,
            _ => self.random.between(0, torn as u64) as usize,
        };
        self.checker.crashed(self.server.as_ref(), when);
        self.machine.disk.disarm();
        self.machine.disk.crash(kept);
        self.server = None;
        self.next_turn = None;
        // What the process was about to do goes with it: the next one takes it up anew.
        self.agenda.keep(|action| !matches!(action, Action::Files(..) | Action::Fetched(_)));
        self.note(format_args!("the server is gone; {kept} of {torn} bytes were kept"));
        let after = self.random.millis(50, 20_000);
        self.agenda.plan(self.now + after, Action::Start);
        Ok(())
    }

    pub(crate) fn start(&mut self) -> Checked {
        if self.server.is_some() {
            return Ok(());
        }
        let server = match Server::start(&self.machine) {
            Ok(server) => server,
            Err(error) => return Err(format!("the server does not start: {error}")),
        };
        self.note(format_args!("the server starts"));
        self.checker.started(&server, &self.requests)?;
        let intents = server.reader.intents().map_err(|error| error.to_string())?;
        let known = server.reader.projects(0, 99).map_err(|error| error.to_string())?;
        self.server = Some(server);
        for (number, intent) in intents {
            self.agenda.plan(self.now, Action::Files(number, Box::new(intent), None));
        }
        for project in known.items {
            let newest = self.machine.repositories.newest(&project.name);
            if let Some((commit, text)) = newest.filter(|(commit, _)| *commit != project.commit) {
                let text = text.to_string();
                let write = Write::Snapshot { project: project.name, commit, text };
                self.submit(Op::Write(write), Owner::Push)?;
            }
        }
        self.take_deliveries()?;
        self.sleep();
        Ok(())
    }

    fn write_files(&mut self, number: i64, intent: &Intent, asked: Option<RequestId>) -> Checked {
        if self.server.is_none() {
            return Ok(());
        }
        let Intent::CreateProject(new) = intent else { return Ok(()) };
        let repositories = &self.machine.repositories;
        let commit = match repositories.newest(&new.name) {
            // Written before a crash.
            Some((commit, _)) => commit,
            None => repositories.write(&new.name, &new.shipyard),
        };
        let now = self.machine.clocks.now();
        let write = Write::Complete { intent: number, commit, now, events: Vec::new() };
        self.submit(Op::Write(write), Owner::Saga(asked))
    }

    /// Somebody has asked elsewhere, or in vain. A process that has ended asks again after its start.
    fn fetched(&mut self, resolve: Resolve) -> Checked {
        if self.server.is_none() {
            return Ok(());
        }
        let stale = self.random.chance(100).then(|| "out of reach, as planned".to_owned());
        let resolution = self.machine.repositories.read(&resolve, stale);
        self.submit(Op::Resolved(Box::new(resolve), resolution), Owner::Upstream)
    }

    /// A person has pushed a shipyard: it is in force once the store knows of it.
    pub(crate) fn push(&mut self, project: &ProjectName, text: &str) -> Checked {
        if self.server.is_none() || self.machine.repositories.newest(project).is_none() {
            return Ok(());
        }
        let commit = self.machine.repositories.write(project, text);
        self.note(format_args!("a shipyard of {project} is pushed as {commit}"));
        let write = Write::Snapshot { project: project.clone(), commit, text: text.to_owned() };
        self.submit(Op::Write(write), Owner::Push)
    }

    fn fault(&mut self) -> Checked {
        let after = self.random.millis(1000, millis(self.plan.fault_every).max(2000));
        self.agenda.plan(self.now + after, Action::Fault);
        self.go_wrong()
    }

    pub(crate) fn arm(&mut self, fault: Fault) {
        let commits = self.random.below(4) as u32;
        self.note(format_args!("{fault:?} in {commits} commits"));
        self.machine.disk.arm(commits, fault);
    }

    pub(crate) fn space(&mut self) {
        self.note(format_args!("there is space on the disk again"));
        self.machine.disk.leave_room(None);
    }

    pub(crate) fn uuid(&mut self) -> Uuid {
        self.random.uuid()
    }
}

pub(crate) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
