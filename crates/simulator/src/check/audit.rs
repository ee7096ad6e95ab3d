//! The audit log: each chain is whole and only grows, and every decision and control that counts stands
//! in it once.

use std::collections::BTreeMap;

use tidegate_core::approval::Approval;
use tidegate_core::audit::{Chain, Entry, Hash, Verifier};
use tidegate_core::names::ProjectName;
use tidegate_core::sequence::{Command, Reply};
use tidegate_store::memory::MemoryReader;
use tidegate_store::{PAGE_MAX, Reader as _};

use crate::request::{Answer, Op, Request, RequestId};
use crate::world::Checked;

/// A control: what, in which context, of which stage.
type Controlled = (String, String, Option<String>);

/// What was seen in all chains, and what must be there.
#[derive(Debug, Default)]
pub(super) struct Audit {
    /// The hash of each entry, in order.
    chains: BTreeMap<String, Vec<Hash>>,
    /// How often somebody was told that a control was done.
    controls: BTreeMap<Controlled, usize>,
}

/// What the entries say.
#[derive(Default)]
struct Said {
    /// By approval: the event that decided.
    decided: BTreeMap<String, String>,
    controls: BTreeMap<Controlled, usize>,
}

impl Audit {
    /// Takes note of the answers of a commit.
    pub(super) fn hear(&mut self, requests: &[Request], answered: &[(RequestId, Answer)]) {
        for (id, answer) in answered {
            if let (Op::Control(command), Answer::Stepped(Reply::Accepted)) =
                (&requests[*id].op, answer)
            {
                let Command { control, context, stage, .. } = command;
                let stage = stage.as_ref().map(ToString::to_string);
                let key = (control.as_str().to_owned(), context.to_string(), stage);
                *self.controls.entry(key).or_default() += 1;
            }
        }
    }

    /// The chains are whole, nothing that was seen has changed, and nothing is missing.
    pub(super) fn check(&mut self, reader: &MemoryReader, approvals: &[Approval]) -> Checked {
        let mut said = Said::default();
        for chain in chains(reader)? {
            let entries = reader.audit(&chain, 1, u64::MAX).map_err(|error| error.to_string())?;
            self.follow(&chain, &entries)?;
            entries.iter().try_for_each(|entry| said.hear(entry))?;
        }
        let decided = approvals.iter().filter_map(|approval| {
            let event = approval.decided()?.event;
            Some((approval.id.to_string(), event.to_string()))
        });
        let decided: BTreeMap<String, String> = decided.collect();
        if said.decided != decided {
            return Err(format!(
                "decided is {decided:?}, and the audit log says {:?}",
                said.decided
            ));
        }
        for (control, told) in &self.controls {
            let found = said.controls.get(control).copied().unwrap_or_default();
            if found < *told {
                return Err(format!("{control:?} was done {told} times, and {found} are recorded"));
            }
        }
        Ok(())
    }

    fn follow(&mut self, chain: &Chain, entries: &[Entry]) -> Checked {
        let mut verifier = Verifier::new(chain.clone(), []);
        for entry in entries {
            verifier.entry(entry).map_err(|broken| format!("the audit log: {broken:?}"))?;
        }
        let hashes: Vec<Hash> = entries.iter().map(|entry| entry.hash).collect();
        let seen = self.chains.entry(chain.as_str().to_owned()).or_default();
        if !hashes.starts_with(seen) {
            return Err(format!("the audit log of {} is not what it was", chain.as_str()));
        }
        *seen = hashes;
        Ok(())
    }
}

impl Said {
    fn hear(&mut self, entry: &Entry) -> Checked {
        let record = entry.readable().map_err(|fault| format!("the audit log: {fault:?}"))?;
        let text = |field: &str| record[field].as_str().map(str::to_owned);
        let must = |field: &str| text(field).unwrap_or_default();
        match must("action").as_str() {
            "decided" => {
                let approval = must("approval");
                if self.decided.insert(approval.clone(), must("event")).is_some() {
                    return Err(format!("approval {approval} is recorded as decided twice"));
                }
            }
            "controlled" => {
                let key = (must("control"), must("context"), text("stage"));
                *self.controls.entry(key).or_default() += 1;
            }
            _ => {}
        }
        Ok(())
    }
}

/// The installation's, and one for each project.
fn chains(reader: &MemoryReader) -> Result<Vec<Chain>, String> {
    let projects = reader.projects(0, PAGE_MAX).map_err(|error| error.to_string())?.items;
    let names = projects.into_iter().map(|row| row.name);
    let of_projects = names.map(|name: ProjectName| Chain::of(&name));
    Ok([Chain::Installation].into_iter().chain(of_projects).collect())
}
