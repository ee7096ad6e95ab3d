//! What people and programs were told is so, and what nobody was told of has not happened.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use tidegate_core::approval::{APPROVAL, Approval, ApprovalState, Decided, Decision, Subject};
use tidegate_core::event::{EventKind, Outcome, Phase, Scope};
use tidegate_core::names::{ContextId, EventId, ProjectName};
use tidegate_core::principal::Principal;
use tidegate_core::sequence::{Disposition, Refusal, Reply};
use tidegate_store::memory::MemoryReader;
use tidegate_store::{LogRow, Reader as _};

use crate::request::{Answer, CLIENT, MARK, Op, Request, RequestId};
use crate::world::Checked;

/// What came of a request, over all the times that it arrived.
#[derive(Debug, Clone, Copy, Default)]
struct Outcomes {
    /// Times that it was accepted.
    accepted: usize,
    /// Times that nobody knows.
    unknown: usize,
    /// Entries of the log.
    entries: usize,
}

/// What was told so far.
#[derive(Debug, Default)]
pub(super) struct Told {
    outcomes: BTreeMap<RequestId, Outcomes>,
    /// What was answered under a key.
    keys: BTreeMap<[u8; 32], (ContextId, EventId)>,
    /// Answers to tasks that have counted: task, type, source, client's id.
    counted: BTreeSet<(EventId, String, String, String)>,
    /// The decision of each approval that somebody was told of.
    decided: BTreeMap<EventId, Decided>,
    /// The `approval.finished` of each approval.
    finished: BTreeMap<EventId, EventId>,
    /// The earliest and the latest time by the wall clock: keys are kept for a day of it.
    walls: Option<(Timestamp, Timestamp)>,
    /// The time of the newest commit.
    now: Option<Timestamp>,
    /// Who has voted how.
    ballots: BTreeSet<(EventId, String, bool)>,
}

impl Told {
    pub(super) fn unknown(&mut self, id: RequestId) {
        self.outcomes.entry(id).or_default().unknown += 1;
    }

    /// Whether the wall clock has not been set so far that keys may have expired.
    fn keys_hold(&self) -> bool {
        let day = SignedDuration::from_hours(24);
        self.walls.is_none_or(|(first, last)| last.duration_since(first) < day)
    }

    /// Takes note of the time by the wall clock.
    pub(super) fn look(&mut self, wall: Timestamp) {
        let (first, last) = self.walls.unwrap_or((wall, wall));
        self.walls = Some((first.min(wall), last.max(wall)));
        self.now = Some(wall);
    }

    /// Takes note of the answers of a commit.
    pub(super) fn hear(&mut self, requests: &[Request], answered: &[(RequestId, Answer)]) {
        for (id, answer) in answered {
            self.outcomes.entry(*id).or_default().accepted +=
                usize::from(matches!(answer, Answer::Accepted { .. }));
            if let Some((approval, decision)) = ballot(&requests[*id])
                && !answer.says_nothing_happened()
            {
                let by = requests[*id].by.to_string();
                self.ballots.insert((approval, by, decision == Decision::Approve));
            }
        }
    }

    /// An entry is new in the log.
    pub(super) fn entry(
        &mut self,
        requests: &[Request],
        project: &ProjectName,
        row: &LogRow,
    ) -> Checked {
        let event = &row.event;
        let field = |name: &str| event.rest.get(name).and_then(|value| value.as_str());
        let id = field(MARK).and_then(|mark| mark.parse::<RequestId>().ok());
        if let Some(id) = id {
            let outcomes = self.outcomes.entry(id).or_default();
            outcomes.entries += 1;
            let Outcomes { accepted, unknown, entries } = *outcomes;
            if entries > accepted + unknown {
                return Err(format!("#{id} has an effect, and was never accepted"));
            }
            let keyed = matches!(requests[id].op, Op::Event { key: Some(_), .. });
            if keyed && entries > 1 && self.keys_hold() {
                return Err(format!("#{id} has a key, and counts {entries} times"));
            }
            if let (Some(ballot), true) = (ballot(&requests[id]), unknown > 0) {
                let by = requests[id].by.to_string();
                self.ballots.insert((ballot.0, by, ballot.1 == Decision::Approve));
            }
        }
        // What belongs to no project answers nothing.
        if row.disposition != Disposition::Accepted || project.is_unmapped() {
            return Ok(());
        }
        let EventKind::Task { task, phase } = event.kind.kind() else { return Ok(()) };
        let Some(of) = event.triggered_id else { return Ok(()) };
        if let Some(client) = field(CLIENT) {
            let key = (of, event.kind.to_string(), event.source.clone(), client.to_owned());
            // Whoever looks at an approval may say so as often as they like.
            if task != APPROVAL && !self.counted.insert(key) {
                return Err(format!("{} counts the same answer a second time", event.id));
            }
        }
        if task == APPROVAL
            && phase == Phase::Finished
            && let Some(other) = self.finished.insert(of, event.id)
        {
            return Err(format!("approval {of} has two outcomes: {other} and {}", event.id));
        }
        Ok(())
    }

    /// What was just answered is what the store holds.
    pub(super) fn check(
        &mut self,
        requests: &[Request],
        answered: &[(RequestId, Answer)],
        reader: &MemoryReader,
    ) -> Checked {
        for (id, answer) in answered {
            let says = || format!("#{id} was told \"{answer}\"");
            match answer {
                Answer::Accepted { event, reply, .. } => {
                    let found = reader.event(*event).map_err(|error| error.to_string())?;
                    let Some((_, row)) = found else {
                        return Err(format!("{}, and it is not in the log", says()));
                    };
                    if !fits(reply, row.disposition) {
                        return Err(format!("{}, and is kept as {:?}", says(), row.disposition));
                    }
                }
                Answer::Before { .. }
                | Answer::Stepped(_)
                | Answer::Written(_)
                | Answer::Refused(_)
                | Answer::Full
                | Answer::Busy
                | Answer::KeyReused
                | Answer::Internal(_) => {}
            }
            self.check_key(&requests[*id], answer).map_err(|why| format!("{}: {why}", says()))?;
            let found = self.check_vote(&requests[*id], answer, reader);
            found.map_err(|why| format!("{}: {why}", says()))?;
            let found = self.check_subject(&requests[*id], answer, reader, answered.len() == 1);
            found.map_err(|why| format!("{}: {why}", says()))?;
        }
        Ok(())
    }

    /// The same key is always answered the same.
    fn check_key(&mut self, request: &Request, answer: &Answer) -> Checked {
        let Op::Event { key: Some(key), .. } = &request.op else { return Ok(()) };
        let (context, event) = match answer {
            Answer::Accepted { context, event, .. } | Answer::Before { context, event } => {
                (*context, *event)
            }
            _ => return Ok(()),
        };
        let first = *self.keys.entry(key.key).or_insert((context, event));
        match first == (context, event) || !self.keys_hold() {
            true => Ok(()),
            false => Err(format!("the same key was answered with {} before", first.1)),
        }
    }

    /// Winners and losers are told the same outcome, and it is the one that the store holds.
    fn check_vote(&mut self, request: &Request, answer: &Answer, reader: &MemoryReader) -> Checked {
        let Some((approval, decision)) = ballot(request) else { return Ok(()) };
        let told = match answer {
            Answer::Stepped(Reply::Decided(decided)) => {
                if decided.decision != decision {
                    return Err("it was decided otherwise".to_owned());
                }
                decided
            }
            Answer::Accepted { event, reply: Reply::Decided(decided), .. } => {
                if decided.event != *event {
                    return Err("another event has decided".to_owned());
                }
                decided
            }
            Answer::Refused(Refusal::AlreadyDecided(decided)) => {
                if decided.decision == decision {
                    return Err("it was decided so".to_owned());
                }
                decided
            }
            _ => return Ok(()),
        };
        let first = self.decided.entry(approval).or_insert_with(|| (**told).clone());
        if first != &**told {
            return Err(format!("before it was: {first}"));
        }
        match reader.approval(approval).map_err(|error| error.to_string())? {
            Some(Approval { state: ApprovalState::Decided(kept), .. }) if kept == **told => Ok(()),
            other => Err(format!("the store holds {other:?}")),
        }
    }

    /// Whoever decides has seen what is there: what runs now, or, where others came in the same commit,
    /// what ran before.
    fn check_subject(
        &self,
        request: &Request,
        answer: &Answer,
        reader: &MemoryReader,
        alone: bool,
    ) -> Checked {
        let (
            Op::Vote { approval, subject: Some(seen), .. },
            Answer::Stepped(Reply::Decided(decided)),
        ) = (&request.op, answer)
        else {
            return Ok(());
        };
        if decided.by != request.by || decided.seen != Some(*seen) || Some(decided.at) != self.now {
            // It was decided before.
            return Ok(());
        }
        let row = reader.approval(*approval).map_err(|error| error.to_string())?;
        let Some(row) = row else { return Err("there is no such approval".to_owned()) };
        let Scope { project, stage, service } = &row.scope;
        let deployed = reader.deployed(project, stage, service);
        let deployed = deployed.map_err(|error| error.to_string())?;
        let newest_first = deployed.iter().rev().map(Some).chain([None]);
        let may_be = if alone { 1 } else { usize::MAX };
        match newest_first.take(may_be).any(|runs| Subject::of(&row, runs) == *seen) {
            true => Ok(()),
            false => Err(format!("{seen} is not what was there")),
        }
    }

    /// Each approval stands as it was told, and was decided by somebody who may and who said so.
    pub(super) fn check_approvals(&self, approvals: &[Approval]) -> Checked {
        for Approval { id, state, .. } in approvals {
            let ApprovalState::Decided(decided) = state else {
                if let Some(told) = self.decided.get(id) {
                    return Err(format!("approval {id} is {state:?}, and was told: {told}"));
                }
                continue;
            };
            if self.decided.get(id).is_some_and(|told| told != decided) {
                return Err(format!("approval {id} is now: {decided}"));
            }
            if self.finished.get(id) != Some(&decided.event) {
                return Err(format!("approval {id} was not decided by its event: {decided}"));
            }
            let voted = (*id, decided.by.to_string(), decided.decision == Decision::Approve);
            let may = match &decided.by {
                Principal::Builtin(name) => name.as_str() == "approval-service",
                Principal::Wire => false,
                Principal::Person(_) | Principal::Machine(_) | Principal::Shared => {
                    self.ballots.contains(&voted)
                        || self.outcomes.values().any(|outcomes| outcomes.unknown > 0)
                }
            };
            if !may {
                return Err(format!("nobody has decided approval {id} so: {decided}"));
            }
        }
        Ok(())
    }
}

/// The approval that a request votes on, and how.
fn ballot(request: &Request) -> Option<(EventId, Decision)> {
    match &request.op {
        Op::Vote { approval, decision, .. } => Some((*approval, *decision)),
        Op::Event { body, .. } if body["type"] == "sh.keptn.event.approval.finished" => {
            let approval = body["triggeredid"].as_str()?.parse().ok()?;
            let approves = Outcome::of(body["data"].as_object()?).continues();
            let decision = if approves { Decision::Approve } else { Decision::Decline };
            Some((approval, decision))
        }
        Op::Event { .. } | Op::Control(_) | Op::Create(_) | Op::Write(_) | Op::Resolved(..) => None,
    }
}

/// Whether an entry of this kind can have been answered so.
fn fits(reply: &Reply, disposition: Disposition) -> bool {
    match reply {
        Reply::Accepted | Reply::Decided(_) => disposition == Disposition::Accepted,
        Reply::Repeated => disposition == Disposition::Repeated,
        Reply::Kept(_) => disposition != Disposition::Repeated,
    }
}
