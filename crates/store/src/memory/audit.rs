//! The audit log: entries of hash chains, and signed checkpoints.

use serde::{Deserialize, Serialize};
use tidegate_core::audit::{AuditRecord, Chain, Entry, Hash, Link, Salts, SignedCheckpoint};

use crate::audit::AuditHead;
use crate::contract::StoreError;

use super::table::{Key, Rows, Table, damaged, number_of, parse};
use super::transaction::Transaction;

#[derive(Serialize, Deserialize)]
struct Row {
    prev: [u8; 32],
    hash: [u8; 32],
    record: String,
    texts: Option<String>,
}

fn chain_key(chain: &Chain) -> Key {
    Key::new().text(chain.as_str())
}

/// Appends a record to a chain, which begins with its first one.
pub(super) fn append(
    rows: &mut Transaction,
    chain: &Chain,
    record: &AuditRecord,
    salts: &mut Salts,
) -> Result<(), StoreError> {
    let entry = Entry::following(last(rows, chain)?, chain, record, salts);
    let key = chain_key(chain).number(entry.n);
    let Entry { prev, hash, record, texts, .. } = entry;
    rows.put(Table::Audit, &key, &Row { prev: prev.0, hash: hash.0, record, texts })
}

fn last(rows: &Rows, chain: &Chain) -> Result<Link, StoreError> {
    match rows.scan(Table::Audit, &chain_key(chain)).next_back() {
        Some((key, text)) => {
            let row: Row = parse(Table::Audit, key, text)?;
            Ok(Link { n: number_of(key), hash: Hash(row.hash) })
        }
        None => Ok(Link::GENESIS),
    }
}

/// Entries of a chain from number `from` on.
pub(super) fn entries(rows: &Rows, chain: &Chain, from: u64) -> Result<Vec<Entry>, StoreError> {
    let mut entries = Vec::new();
    for (key, text) in rows.scan(Table::Audit, &chain_key(chain)) {
        let n = number_of(key);
        if n >= from {
            let Row { prev, hash, record, texts } = parse(Table::Audit, key, text)?;
            let (chain, prev, hash) = (chain.clone(), Hash(prev), Hash(hash));
            entries.push(Entry { chain, n, prev, hash, record, texts });
        }
    }
    Ok(entries)
}

/// Where a chain stands; none before its first entry.
pub(super) fn head(rows: &Rows, chain: &Chain) -> Result<Option<AuditHead>, StoreError> {
    let link = last(rows, chain)?;
    if link == Link::GENESIS {
        return Ok(None);
    }
    let newest = rows.scan(Table::Checkpoint, &chain_key(chain)).next_back();
    let checkpointed = newest.map_or(0, |(key, _)| number_of(key));
    Ok(Some(AuditHead { chain: chain.clone(), link, checkpointed }))
}

/// All chains by name.
pub(super) fn heads(rows: &Rows) -> Result<Vec<AuditHead>, StoreError> {
    let mut names: Vec<&[u8]> = Vec::new();
    for (key, _) in rows.scan(Table::Audit, &Key::new()) {
        let name = key.split(|byte| *byte == 0).next().unwrap_or_default();
        if names.last() != Some(&name) {
            names.push(name);
        }
    }
    let mut heads = Vec::new();
    for name in names {
        let text = String::from_utf8_lossy(name);
        let chain = text.parse::<Chain>();
        let chain = chain.map_err(|error| damaged(format!("audit chain {text}"), &error))?;
        heads.extend(head(rows, &chain)?);
    }
    Ok(heads)
}

/// Keeps a checkpoint; one that is there already stays as it is.
pub(super) fn keep_checkpoint(
    rows: &mut Transaction,
    checkpoint: &SignedCheckpoint,
) -> Result<(), StoreError> {
    let chain = &checkpoint.checkpoint.chain;
    if head(rows, chain)?.is_none() {
        return Err(damaged(format!("checkpoint of {chain}"), "there is no such chain"));
    }
    let key = chain_key(chain).number(checkpoint.checkpoint.link.n);
    if rows.text(Table::Checkpoint, &key).is_some() {
        return Ok(());
    }
    rows.put(Table::Checkpoint, &key, checkpoint)
}

/// Checkpoints of a chain that cover entry `from` or a later one, in order.
pub(super) fn checkpoints(
    rows: &Rows,
    chain: &Chain,
    from: u64,
) -> Result<Vec<SignedCheckpoint>, StoreError> {
    let of_chain = rows.scan(Table::Checkpoint, &chain_key(chain));
    let wanted = of_chain.filter(|(key, _)| number_of(key) >= from);
    wanted.map(|(key, text)| parse(Table::Checkpoint, key, text)).collect()
}
