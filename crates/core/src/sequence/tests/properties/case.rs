//! One random history: what has happened so far, and the one way in which something happens.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::expected::Tally;
use super::mood::Mood;
use super::{expected, held, shipyards, summary};
use crate::dice::Dice;
use crate::event::Phase;
use crate::names::{CommitId, ContextId, EventId, ExecutionId, StageName};
use crate::principal::Principal;
use crate::sequence::tests::rows::Rows;
use crate::sequence::tests::world::ada;
use crate::sequence::{
    Answer, Effects, Env, Execution, FollowOn, Input, Refusal, Reply, Resolution, Resolve,
    Settings, step,
};
use crate::shipyard::Shipyard;

/// What follows from an earlier step, and who was behind that.
pub(super) type Pending = (FollowOn, Principal);

pub(super) struct Case {
    pub(super) dice: Dice,
    pub(super) mood: Mood,
    pub(super) rows: Rows,
    pub(super) now: Timestamp,
    /// What stands in the repository.
    pub(super) shipyard: (CommitId, Arc<Shipyard>),
    pub(super) unreadable: bool,
    /// Follow-ons of earlier commits, in their order.
    pub(super) pending: VecDeque<Pending>,
    /// Executions whose shipyard is being read.
    pub(super) resolving: Vec<Resolve>,
    /// Every input so far, with its environment.
    pub(super) inputs: Vec<(Input, Env)>,
    /// Every answer that was sent, to be sent again.
    pub(super) sent: Vec<(Answer, Phase, Principal)>,
    pub(super) seen: Seen,
}

/// What is known of a history beside its rows.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// Events that came from outside.
    pub(super) outside: BTreeSet<EventId>,
    /// Answers by task.
    pub(super) tallies: BTreeMap<EventId, Tally>,
    /// Executions that let their lane go because they were paused while a task ran or was delayed.
    pub(super) let_go: BTreeSet<ExecutionId>,
    /// Sequences that follow and are on their way, by their triggering event.
    pub(super) following: BTreeMap<EventId, (ContextId, StageName)>,
    /// Those of them that an abort has taken back.
    pub(super) stopped: BTreeSet<EventId>,
    /// How long the log was when a context was aborted.
    pub(super) aborted: BTreeMap<ContextId, u64>,
    /// Contexts of which a stage was paused or resumed by its name.
    pub(super) stage_controls: BTreeSet<ContextId>,
    /// How many controls changed something.
    pub(super) controls: usize,
    /// How often executions came into each state.
    pub(super) visits: BTreeMap<&'static str, usize>,
    /// How many sequences of a context were let to start in a second.
    pub(super) starts: BTreeMap<(ContextId, i64), u32>,
}

impl Case {
    pub(super) fn new(seed: u64) -> Self {
        let mut dice = Dice::new(seed);
        let shipyard = shipyards::shipyard(&mut dice, true);
        Self {
            shipyard: committed(shipyard, &mut dice),
            mood: Mood::new(&mut dice),
            dice,
            rows: Rows::default(),
            now: Timestamp::from_second(1_700_000_000).unwrap(),
            unreadable: false,
            pending: VecDeque::new(),
            resolving: Vec::new(),
            inputs: Vec::new(),
            sent: Vec::new(),
            seen: Seen::default(),
        }
    }

    pub(super) fn push_shipyard(&mut self, follows: bool) {
        let shipyard = shipyards::shipyard(&mut self.dice, follows);
        self.shipyard = committed(shipyard, &mut self.dice);
    }

    pub(super) fn pass_time(&mut self, time: SignedDuration) {
        self.now = self.now.saturating_add(time).unwrap();
    }

    /// An event with an id of its own, now.
    pub(super) fn id(&mut self) -> EventId {
        EventId::from_bytes(self.dice.bytes())
    }

    /// Sends something in, and lets none, some or all of what follows from it happen at once.
    pub(super) fn send(&mut self, input: Input, by: &Principal) -> Result<Reply, Refusal> {
        let reply = self.step(input, by)?;
        let room = self.mood.room(&mut self.dice);
        self.settle(room);
        Ok(reply)
    }

    /// Lets things happen that follow from earlier ones: at most `room` of them.
    pub(super) fn settle(&mut self, room: usize) {
        for _ in 0..room {
            if !self.follow() {
                return;
            }
        }
    }

    /// One thing that follows. Reading a shipyard may take its time; follow-ons keep their order.
    pub(super) fn follow(&mut self) -> bool {
        let resolves = !self.resolving.is_empty();
        if resolves && (self.pending.is_empty() || self.dice.percent(60)) {
            let index = self.dice.below(self.resolving.len());
            let resolve = self.resolving.swap_remove(index);
            self.resolved(&resolve);
            return true;
        }
        let Some((follow_on, by)) = self.pending.pop_front() else { return false };
        let stepped = self.step(Input::from(follow_on), &by);
        assert!(stepped.is_ok(), "what follows is never refused: {stepped:?}");
        true
    }

    pub(super) fn resolved(&mut self, resolve: &Resolve) {
        let resolution = if self.unreadable || self.dice.percent(2) {
            Resolution::Failed("shipyard.yaml:3:1: no".to_owned())
        } else {
            let (commit, shipyard) = self.shipyard.clone();
            self.rows.shipyards.insert(commit.clone(), Arc::clone(&shipyard));
            let (text, stage_commit) = (Arc::from(""), resolve.requested_commit.clone());
            Resolution::Read { commit, shipyard, text, stage_commit, stale: None }
        };
        let (project, execution) = (resolve.scope.project.clone(), resolve.execution);
        let input = Input::Resolved { project, execution, resolution };
        self.step(input, &ada()).expect("a resolution is never refused");
    }

    /// The one way in which anything happens: a step, looked at before and after.
    fn step(&mut self, input: Input, by: &Principal) -> Result<Reply, Refusal> {
        self.now = self.now.saturating_add(SignedDuration::from_millis(1)).unwrap();
        let settings = Settings::default();
        let env = Env { now: self.now, principal: by.clone(), seed: self.dice.bytes(), settings };
        self.inputs.push((input, env));
        let (input, env) = self.inputs.last().expect("pushed just now");
        if let Some(event) = input.event() {
            self.seen.outside.insert(event.id);
        }
        let mut effects = step(&self.rows, input, env)?;
        expected::check(&self.rows, &mut self.seen, input, env, &effects);
        held::note(&self.rows, &mut self.seen, input, env, &effects);
        let reply = std::mem::take(&mut effects.answer);
        let follows = std::mem::take(&mut effects.follow_on);
        self.resolving.extend(effects.resolve.take());
        self.rows.apply(effects);
        self.pending.extend(follows.into_iter().map(|next| (next, by.clone())));
        held::check(self);
        Ok(reply)
    }

    /// The same inputs in the same order make the same rows, byte for byte.
    pub(super) fn replay(&self) {
        let shipyards = self.rows.shipyards.clone();
        let mut again = Rows { shipyards, ..Rows::default() };
        for (input, env) in &self.inputs {
            if let Ok(effects) = step(&again, input, env) {
                again.apply(Effects { follow_on: Vec::new(), resolve: None, ..effects });
            }
        }
        assert_eq!(
            format!("{again:?}"),
            format!("{:?}", self.rows),
            "a replay makes the same rows"
        );
    }

    pub(super) fn check_summaries(&self) {
        summary::check(&self.rows, &self.seen);
    }

    pub(super) fn executions(&self) -> impl Iterator<Item = &Execution> {
        self.rows.executions.values()
    }
}

fn committed(shipyard: Shipyard, dice: &mut Dice) -> (CommitId, Arc<Shipyard>) {
    let commit = CommitId::new(&format!("{:040x}", dice.throw())).unwrap();
    (commit, Arc::new(shipyard))
}
