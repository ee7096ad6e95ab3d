//! Every chain of a store, and every checkpoint, compared with each other.

use std::collections::BTreeSet;

use tidegate_core::audit::{
    Broken, Chain, Checkpoint, Link, PublicKey, SignedCheckpoint, Verifier,
};
use tidegate_store::{PAGE_MAX, Reader, StoreError};

/// Something that is not as it was written.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub(super) struct Problem {
    /// Table, chain and number; or file and line.
    pub(super) place: String,
    /// What is wrong.
    pub(super) why: String,
}

/// What is to be said of a chain.
#[derive(Debug)]
pub(super) struct Judged {
    pub(super) chain: Chain,
    /// Its newest entry, as far as it could be followed.
    pub(super) head: Link,
    /// The newest checkpoint that fits.
    pub(super) checkpoint: Option<Checkpoint>,
    /// What is wrong, the first bad entry first.
    pub(super) problems: Vec<Problem>,
}

/// A checkpoint, and where it was found.
pub(super) type Found = (String, SignedCheckpoint);

/// Judges all chains of a store, and those that only a checkpoint knows of any more.
pub(super) fn all(
    reader: &dyn Reader,
    exported: &[Found],
    keys: &[PublicKey],
) -> Result<Vec<Judged>, StoreError> {
    let mut chains: BTreeSet<Chain> =
        exported.iter().map(|(_, signed)| signed.checkpoint.chain.clone()).collect();
    let mut offset = Some(0);
    while let Some(from) = offset {
        let page = reader.audit_heads(from, PAGE_MAX)?;
        offset = page.next;
        chains.extend(page.items.into_iter().map(|head| head.chain));
    }
    chains.into_iter().map(|chain| one(reader, chain, exported, keys)).collect()
}

fn one(
    reader: &dyn Reader,
    chain: Chain,
    exported: &[Found],
    keys: &[PublicKey],
) -> Result<Judged, StoreError> {
    let mut problems = Vec::new();
    // Before the entries: a server that writes meanwhile must not look like one that has lost some.
    let mut found = stored(reader, &chain, &mut problems)?;
    found.extend(exported.iter().filter(|(_, signed)| signed.checkpoint.chain == chain).cloned());
    let mut checkpoints = Vec::new();
    for (place, signed) in found {
        match signed.verify(keys) {
            Ok(()) => checkpoints.push(signed.checkpoint),
            Err(fault) => problems.push(Problem { place, why: fault.to_string() }),
        }
    }
    let newest = checkpoints.iter().max_by_key(|checkpoint| checkpoint.link.n).cloned();
    let (head, fault) = follow(reader, &chain, checkpoints);
    if let Some(problem) = fault {
        problems.insert(0, problem);
        return Ok(Judged { chain, head, checkpoint: None, problems });
    }
    Ok(Judged { chain, head, checkpoint: newest, problems })
}

/// The checkpoints that the store keeps.
fn stored(
    reader: &dyn Reader,
    chain: &Chain,
    problems: &mut Vec<Problem>,
) -> Result<Vec<Found>, StoreError> {
    let (mut found, mut from, mut limit) = (Vec::new(), 1, PAGE_MAX);
    loop {
        match reader.audit_checkpoints(chain, from, limit) {
            Ok(page) => {
                let Some(last) = page.last() else { return Ok(found) };
                from = last.checkpoint.link.n + 1;
                found.extend(page.into_iter().map(|signed| {
                    let (chain, n) = (chain.as_str(), signed.checkpoint.link.n);
                    (format!("table audit_checkpoint, chain {chain}, n {n}"), signed)
                }));
            }
            // One by one up to the one that does not read.
            Err(StoreError::Damaged { .. }) if limit > 1 => limit = 1,
            Err(StoreError::Damaged { what, why }) => {
                problems.push(Problem { place: what, why });
                return Ok(found);
            }
            Err(error) => return Err(error),
        }
    }
}

/// Follows a chain up to its end, or to its first bad entry.
fn follow(
    reader: &dyn Reader,
    chain: &Chain,
    checkpoints: Vec<Checkpoint>,
) -> (Link, Option<Problem>) {
    let mut verifier = Verifier::new(chain.clone(), checkpoints);
    let (mut head, mut limit) = (Link::GENESIS, PAGE_MAX);
    loop {
        let page = match reader.audit(chain, head.n + 1, limit) {
            Ok(page) => page,
            // One by one up to the one that does not read: another one before it may be worse.
            Err(_) if limit > 1 => {
                limit = 1;
                continue;
            }
            Err(StoreError::Damaged { what, why }) => {
                return (head, Some(Problem { place: what, why }));
            }
            Err(error) => {
                let place = place(chain, head.n + 1);
                return (head, Some(Problem { place, why: error.to_string() }));
            }
        };
        if page.is_empty() {
            return match verifier.end() {
                Ok(end) => (end, None),
                Err(broken) => (head, Some(broken_at(&broken))),
            };
        }
        for entry in page {
            if let Err(broken) = verifier.entry(&entry) {
                return (head, Some(broken_at(&broken)));
            }
            head = entry.link();
        }
    }
}

fn broken_at(broken: &Broken) -> Problem {
    Problem { place: place(&broken.chain, broken.n), why: broken.fault.to_string() }
}

fn place(chain: &Chain, n: u64) -> String {
    format!("table audit, chain {}, n {n}", chain.as_str())
}
