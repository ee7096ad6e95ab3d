//! Whether every promise is kept. What is checked is what somebody was told and what readers have seen,
//! against what the store holds; never against what the engine remembers.

mod answers;
mod audit;
mod log;
mod rows;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tidegate_core::names::{ContextId, EventId, ExecutionId, ProjectName};
use tidegate_core::sequence::Pauses;
use tidegate_engine::Notice;
use tidegate_store::Reader as _;
use tidegate_store::memory::MemoryReader;

use crate::request::{Answer, Op, Request, RequestId};
use crate::server::Server;
use crate::world::{Checked, Lost};

/// Commits between two looks at all rows.
const ROWS_EVERY: u64 = 12;
/// A wall clock that went this far from the other one was set.
const DRIFT_MAX: SignedDuration = SignedDuration::from_mins(2);
/// Nothing is given up for so long after that.
const SETTLING: Duration = Duration::from_secs(120);

/// What was promised so far.
#[derive(Debug, Default)]
pub(crate) struct Checker {
    log: log::Seen,
    answers: answers::Told,
    audit: audit::Audit,
    /// Executions that have ended, and how.
    ended: BTreeMap<ExecutionId, String>,
    /// What was paused when the last commit was done.
    paused: BTreeMap<(ProjectName, ContextId), Pauses>,
    /// Contexts that somebody wanted to pause, ever.
    pausable: BTreeSet<ContextId>,
    /// Tasks whose delivery the built-in executor has reported as done.
    delivered: BTreeSet<EventId>,
    /// Faults that make a step fail, as planned.
    strikes: u64,
    commits: u64,
    /// Both clocks at the last turn of this process.
    clocks: Option<(Timestamp, Duration)>,
    settles: Duration,
    /// What the store held when it was lost; none where a commit may have come after it.
    lost: Option<u64>,
    pub(crate) crashes: u64,
}

impl Checker {
    /// Somebody wants to pause a context.
    pub(crate) fn wants_pause(&mut self, context: ContextId) {
        self.pausable.insert(context);
    }

    /// Nobody knows what came of a request.
    pub(crate) fn unknown(&mut self, id: RequestId) {
        self.answers.unknown(id);
    }

    pub(crate) fn delivery_done(&mut self, task: EventId) {
        self.delivered.insert(task);
    }

    pub(crate) fn struck(&mut self) {
        self.strikes += 1;
    }

    pub(crate) fn has_struck(&self) -> bool {
        self.strikes > 0
    }

    pub(crate) fn commits(&self) -> u64 {
        self.commits
    }

    /// The loop has taken a turn, and nothing went wrong.
    pub(crate) fn committed(
        &mut self,
        server: &Server,
        requests: &[Request],
        answered: &[(RequestId, Answer)],
        notice: &Notice,
        clocks: (Timestamp, Duration),
    ) -> Checked {
        self.commits += 1;
        let steady = self.look(clocks);
        self.answers.look(clocks.0);
        if answered.is_empty() && notice.contexts.is_empty() {
            return Ok(());
        }
        let reader = &server.reader;
        self.answers.hear(requests, answered);
        self.audit.hear(requests, answered);
        let controlled = self.controlled(requests, answered);
        for (project, row) in self.log.read_new(reader)? {
            self.answers.entry(requests, &project, &row)?;
            if log::is_expiry(&row) && !steady {
                return Err(format!("{} is given up while the clock is in doubt", row.event.id));
            }
            let key = (project, row.event.context);
            let paused = self.paused.get(&key).filter(|_| !controlled.contains(&key.1));
            if let Some(stage) = log::triggered_in(&row)
                && paused.is_some_and(|pauses| pauses.cover(&stage))
            {
                return Err(format!("{} is triggered in a paused context", row.event.id));
            }
        }
        self.answers.check(requests, answered, reader)?;
        self.check_controls(server, requests, answered, &controlled)?;
        self.see_pauses(reader, notice)?;
        match self.commits.is_multiple_of(ROWS_EVERY) {
            true => self.check_rows(server),
            false => Ok(()),
        }
    }

    /// Whether the clocks have agreed for a while.
    fn look(&mut self, (wall, forward): (Timestamp, Duration)) -> bool {
        if let Some((wall_before, forward_before)) = self.clocks {
            let passed = SignedDuration::try_from(forward.saturating_sub(forward_before));
            let passed = passed.unwrap_or(SignedDuration::MAX);
            let drift = wall.duration_since(wall_before).saturating_sub(passed);
            if drift.abs() > DRIFT_MAX {
                self.settles = forward + SETTLING;
            }
        }
        self.clocks = Some((wall, forward));
        self.settles <= forward
    }

    /// The contexts that somebody has controlled in this commit.
    fn controlled(
        &self,
        requests: &[Request],
        answered: &[(RequestId, Answer)],
    ) -> BTreeSet<ContextId> {
        let mut contexts = BTreeSet::new();
        for (id, _) in answered {
            if let Op::Control(command) = &requests[*id].op {
                contexts.insert(command.context);
            }
        }
        contexts
    }

    fn see_pauses(&mut self, reader: &MemoryReader, notice: &Notice) -> Checked {
        for (project, context) in &notice.contexts {
            let filter = tidegate_store::SequenceFilter {
                contexts: vec![*context],
                ..tidegate_store::SequenceFilter::default()
            };
            let page = reader.sequences(project, &filter, 0, None);
            for found in page.map_err(|error| error.to_string())?.items {
                self.paused.insert((project.clone(), *context), found.paused);
            }
        }
        Ok(())
    }

    /// What was told about a control is so.
    fn check_controls(
        &self,
        server: &Server,
        requests: &[Request],
        answered: &[(RequestId, Answer)],
        controlled: &BTreeSet<ContextId>,
    ) -> Checked {
        let reader = &server.reader;
        let backlog = reader.has_deferred().map_err(|error| error.to_string())?;
        for context in controlled {
            let of_context = |(id, answer): &(RequestId, Answer)| match &requests[*id].op {
                Op::Control(command) if command.context == *context => {
                    Some((command.clone(), answer.clone()))
                }
                _ => None,
            };
            let all: Vec<_> = answered.iter().filter_map(of_context).collect();
            if let [(command, Answer::Stepped(reply))] = all.as_slice()
                && !backlog
            {
                rows::controlled(reader, command, reply)?;
            }
        }
        Ok(())
    }

    /// All rows agree with each other, and with what was promised.
    pub(crate) fn check_rows(&mut self, server: &Server) -> Checked {
        let reader = &server.reader;
        let aside = reader.quarantined(0, 1).map_err(|error| error.to_string())?;
        if aside.total > self.strikes {
            return Err(format!("an input was put aside, not as planned: {:?}", aside.items));
        }
        let contents = reader.contents().map_err(|error| error.to_string())?;
        let deferred = reader.has_deferred().map_err(|error| error.to_string())?;
        let known = rows::Known {
            log: &self.log,
            pausable: &self.pausable,
            delivered: &self.delivered,
            settled: !deferred && !server.has_backlog(),
            struck: self.strikes > 0,
        };
        rows::agree(&contents, &known)?;
        for execution in contents.executions.iter().filter(|one| one.state.is_final()) {
            let how = format!("{:?} after {:?}", execution.state, execution.previous);
            let first = self.ended.entry(execution.id).or_insert_with(|| how.clone());
            if *first != how {
                return Err(format!("{} has ended twice: {first}, then {how}", execution.id));
            }
        }
        self.answers.check_approvals(&contents.approvals)?;
        self.audit.check(reader, &contents.approvals)
    }

    /// The server is gone.
    pub(crate) fn crashed(&mut self, server: Option<&Server>, when: Lost) {
        self.crashes += 1;
        self.lost = server
            .filter(|_| when == Lost::BetweenCommits)
            .map(|server| server.reader.fingerprint());
    }

    /// The server is back: what readers had seen is still there.
    pub(crate) fn started(&mut self, server: &Server, requests: &[Request]) -> Checked {
        let reader = &server.reader;
        if self.lost.take().is_some_and(|lost| lost != reader.fingerprint()) {
            return Err("the store is not what it was before the process was killed".to_owned());
        }
        self.log.check_old(reader)?;
        for (project, row) in self.log.read_new(reader)? {
            self.answers.entry(requests, &project, &row)?;
        }
        // The last commit may have paused or resumed something, and nobody was told.
        let contents = reader.contents().map_err(|error| error.to_string())?;
        let pauses = contents.contexts.into_iter().map(|row| ((row.project, row.id), row.paused));
        self.paused = pauses.collect();
        self.clocks = None;
        self.settles = Duration::ZERO;
        self.check_rows(server)
    }

    /// Nothing is left to be done.
    pub(crate) fn check_end(&mut self, server: &Server) -> Checked {
        self.check_rows(server)?;
        self.log.check_old(&server.reader)?;
        let contents = server.reader.contents().map_err(|error| error.to_string())?;
        rows::at_rest(&contents)
    }
}
