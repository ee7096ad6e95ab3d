//! The audit log: entries of hash chains, and signed checkpoints.

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension as _, Row};
use tidegate_core::audit::{AuditRecord, Chain, Entry, Hash, Link, Salts, SignedCheckpoint};

use crate::audit::AuditHead;
use crate::contract::StoreError;
use crate::query::{PAGE_MAX, Page};

use super::codec::{damaged, from_json, signed, to_json};
use super::keys::{ChainId, n_of};
use super::list::{Conditions, List};

/// Appends a record to a chain, which begins with its first one.
pub(super) fn append(
    connection: &Connection,
    chain: &Chain,
    record: &AuditRecord,
    salts: &mut Salts,
) -> Result<(), StoreError> {
    let id = match find(connection, chain)? {
        Some(id) => id,
        None => {
            connection
                .prepare_cached("INSERT INTO audit_chain (name) VALUES (?1)")?
                .execute([chain.as_str()])?;
            ChainId(connection.last_insert_rowid())
        }
    };
    let head = last(connection, chain, id)?;
    let entry = Entry::following(head, chain, record, salts);
    connection
        .prepare_cached(
            "INSERT INTO audit (key, prev, hash, record, texts) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute((id.key(entry.n)?, entry.prev.0, entry.hash.0, &entry.record, &entry.texts))?;
    Ok(())
}

pub(super) const CHAIN: &str = "SELECT id FROM audit_chain WHERE name = ?1";

fn find(connection: &Connection, chain: &Chain) -> Result<Option<ChainId>, StoreError> {
    let id = connection
        .prepare_cached(CHAIN)?
        .query_row([chain.as_str()], |row| row.get(0))
        .optional()?;
    Ok(id.map(ChainId))
}

pub(super) const LAST: &str =
    "SELECT key, hash FROM audit WHERE key BETWEEN ?1 AND ?2 ORDER BY key DESC LIMIT 1";

/// The newest entry of a chain.
fn last(connection: &Connection, chain: &Chain, id: ChainId) -> Result<Link, StoreError> {
    let mut statement = connection.prepare_cached(LAST)?;
    let mut rows = statement.query([id.first(), id.last()])?;
    let Some(row) = rows.next()? else { return Ok(Link::GENESIS) };
    let n = n_of(row.get(0)?);
    let hash = hash(row, 1).map_err(|why| damaged(place(chain, n), &why))?;
    Ok(Link { n, hash })
}

fn place(chain: &Chain, n: u64) -> String {
    format!("table audit, chain {}, n {n}", chain.as_str())
}

fn hash(row: &Row<'_>, column: usize) -> Result<Hash, String> {
    let bytes: [u8; 32] = row.get(column).map_err(|error| error.to_string())?;
    Ok(Hash(bytes))
}

fn text(row: &Row<'_>, column: usize) -> Result<Option<String>, String> {
    match row.get_ref(column).map_err(|error| error.to_string())? {
        ValueRef::Null => Ok(None),
        other => Ok(Some(other.as_str().map_err(|error| error.to_string())?.to_owned())),
    }
}

/// Entries of a chain from number `from` on.
pub(super) fn page(
    connection: &Connection,
    chain: &Chain,
    from: u64,
    limit: u64,
) -> Result<Vec<Entry>, StoreError> {
    let Some(id) = find(connection, chain)? else { return Ok(Vec::new()) };
    let Ok(first) = id.key(from) else { return Ok(Vec::new()) };
    let mut statement = connection.prepare_cached(PAGE)?;
    let mut rows = statement.query([first, id.last(), signed(limit.min(PAGE_MAX))])?;
    let mut entries = Vec::new();
    while let Some(row) = rows.next()? {
        let n = n_of(row.get(0)?);
        entries.push(read(row, chain, n).map_err(|why| damaged(place(chain, n), &why))?);
    }
    Ok(entries)
}

pub(super) const PAGE: &str = "SELECT key, prev, hash, record, texts FROM audit
     WHERE key BETWEEN ?1 AND ?2 ORDER BY key LIMIT ?3";

/// Reads `key, prev, hash, record, texts`.
pub(super) fn read(row: &Row<'_>, chain: &Chain, n: u64) -> Result<Entry, String> {
    let (prev, hash) = (hash(row, 1)?, hash(row, 2)?);
    let record = text(row, 3)?.unwrap_or_default();
    Ok(Entry { chain: chain.clone(), n, prev, hash, record, texts: text(row, 4)? })
}

/// Where a chain stands; none before its first entry.
pub(super) fn head(
    connection: &Connection,
    chain: &Chain,
) -> Result<Option<AuditHead>, StoreError> {
    let Some(id) = find(connection, chain)? else { return Ok(None) };
    head_of(connection, chain.clone(), id).map(Some)
}

fn head_of(connection: &Connection, chain: Chain, id: ChainId) -> Result<AuditHead, StoreError> {
    let link = last(connection, &chain, id)?;
    let key: Option<i64> = connection
        .prepare_cached(CHECKPOINTED)?
        .query_row([id.first(), id.last()], |row| row.get(0))
        .optional()?;
    Ok(AuditHead { chain, link, checkpointed: key.map_or(0, n_of) })
}

pub(super) const CHECKPOINTED: &str =
    "SELECT key FROM audit_checkpoint WHERE key BETWEEN ?1 AND ?2 ORDER BY key DESC LIMIT 1";

/// All chains by name: that of the installation comes first, as no project begins with `_`.
pub(super) fn heads(
    connection: &Connection,
    page: (u64, u64),
) -> Result<Page<AuditHead>, StoreError> {
    let list = List {
        columns: "id, name",
        source: "audit_chain",
        join: "",
        conditions: Conditions::default(),
        order: "name",
    };
    list.page(connection, None, page, |row| {
        let (id, name): (i64, String) = (row.get(0)?, row.get(1)?);
        let chain = name.parse::<Chain>();
        let chain =
            chain.map_err(|error| damaged(format!("table audit_chain, id {id}"), &error))?;
        head_of(connection, chain, ChainId(id))
    })
}

/// Keeps a checkpoint; one that is there already stays as it is.
pub(super) fn keep_checkpoint(
    connection: &Connection,
    checkpoint: &SignedCheckpoint,
) -> Result<(), StoreError> {
    let chain = &checkpoint.checkpoint.chain;
    let id = find(connection, chain)?
        .ok_or_else(|| damaged(format!("checkpoint of {chain}"), "there is no such chain"))?;
    connection
        .prepare_cached("INSERT OR IGNORE INTO audit_checkpoint (key, body) VALUES (?1, ?2)")?
        .execute((id.key(checkpoint.checkpoint.link.n)?, to_json(checkpoint, "checkpoint")?))?;
    Ok(())
}

/// Checkpoints of a chain that cover entry `from` or a later one, in order.
pub(super) fn checkpoints(
    connection: &Connection,
    chain: &Chain,
    from: u64,
    limit: u64,
) -> Result<Vec<SignedCheckpoint>, StoreError> {
    let Some(id) = find(connection, chain)? else { return Ok(Vec::new()) };
    let Ok(first) = id.key(from) else { return Ok(Vec::new()) };
    let mut statement = connection.prepare_cached(CHECKPOINTS)?;
    let mut rows = statement.query([first, id.last(), signed(limit.min(PAGE_MAX))])?;
    let mut checkpoints = Vec::new();
    while let Some(row) = rows.next()? {
        let n = n_of(row.get(0)?);
        let what = || format!("table audit_checkpoint, chain {}, n {n}", chain.as_str());
        let body = text(row, 1).map_err(|why| damaged(what(), &why))?.unwrap_or_default();
        checkpoints.push(from_json(&body, what)?);
    }
    Ok(checkpoints)
}

pub(super) const CHECKPOINTS: &str = "SELECT key, body FROM audit_checkpoint
     WHERE key BETWEEN ?1 AND ?2 ORDER BY key LIMIT ?3";
