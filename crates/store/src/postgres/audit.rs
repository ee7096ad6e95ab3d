//! The audit log: entries of hash chains, and signed checkpoints.

use postgres::Row;
use tidegate_core::audit::{AuditRecord, Chain, Entry, Hash, Link, Salts, SignedCheckpoint};

use crate::audit::AuditHead;
use crate::codec::{damaged, from_json, signed, to_json, unsigned};
use crate::contract::StoreError;
use crate::query::{PAGE_MAX, Page};

use super::list::{self, Conditions, List};
use super::session::{Session, get};

/// Appends a record to a chain, which begins with its first one.
pub(super) fn append(
    session: &Session,
    chain: &Chain,
    record: &AuditRecord,
    salts: &mut Salts,
) -> Result<(), StoreError> {
    let sql = "SELECT n, hash FROM audit WHERE chain = $1 ORDER BY n DESC LIMIT 1";
    let last = list::one(session, sql, &[&chain.as_str()], |row| link(row, chain, 0))?;
    if last.is_none() {
        session.execute("INSERT INTO audit_chain (name) VALUES ($1)", &[&chain.as_str()])?;
    }
    let entry = Entry::following(last.unwrap_or(Link::GENESIS), chain, record, salts);
    session.execute(
        "INSERT INTO audit (chain, n, prev, hash, record, texts) VALUES ($1, $2, $3, $4, $5, $6)",
        &[
            &chain.as_str(),
            &signed(entry.n),
            &entry.prev.0.as_slice(),
            &entry.hash.0.as_slice(),
            &entry.record,
            &entry.texts,
        ],
    )?;
    Ok(())
}

/// Reads a number and a hash from two columns.
fn link(row: &Row, chain: &Chain, column: usize) -> Result<Link, StoreError> {
    let n = unsigned(get(row, column)?);
    Ok(Link { n, hash: hash(row, column + 1, chain, n)? })
}

fn hash(row: &Row, column: usize, chain: &Chain, n: u64) -> Result<Hash, StoreError> {
    let bytes: &[u8] = get(row, column)?;
    let what = || format!("table audit, chain {}, n {n}", chain.as_str());
    bytes.try_into().map(Hash).map_err(|error| damaged(what(), &error))
}

/// Entries of a chain from number `from` on.
pub(super) fn page(
    session: &Session,
    chain: &Chain,
    from: u64,
    limit: u64,
) -> Result<Vec<Entry>, StoreError> {
    let sql = "SELECT n, prev, hash, record, texts FROM audit
               WHERE chain = $1 AND n >= $2 ORDER BY n LIMIT $3";
    let (from, limit) = (signed(from), signed(limit.min(PAGE_MAX)));
    list::all(session, sql, &[&chain.as_str(), &from, &limit], |row| {
        let n = unsigned(get(row, 0)?);
        let (prev, hash) = (hash(row, 1, chain, n)?, hash(row, 2, chain, n)?);
        Ok(Entry { chain: chain.clone(), n, prev, hash, record: get(row, 3)?, texts: get(row, 4)? })
    })
}

/// A chain's newest entry, and its newest checkpoint.
const HEAD: &str = "name, last.n, last.hash, coalesce(checkpoint.n, 0)";
const NEWEST: &str = "
  JOIN LATERAL (SELECT n, hash FROM audit WHERE chain = name ORDER BY n DESC LIMIT 1) AS last
    ON TRUE
  LEFT JOIN LATERAL (
    SELECT n FROM audit_checkpoint WHERE chain = name ORDER BY n DESC LIMIT 1) AS checkpoint
    ON TRUE";

fn read_head(row: &Row) -> Result<AuditHead, StoreError> {
    let name: &str = get(row, 0)?;
    let chain = name.parse::<Chain>();
    let chain =
        chain.map_err(|error| damaged(format!("table audit_chain, name {name}"), &error))?;
    let (link, checkpointed) = (link(row, &chain, 1)?, unsigned(get(row, 3)?));
    Ok(AuditHead { chain, link, checkpointed })
}

/// Where a chain stands; none before its first entry.
pub(super) fn head(session: &Session, chain: &Chain) -> Result<Option<AuditHead>, StoreError> {
    let sql = format!("SELECT {HEAD} FROM audit_chain {NEWEST} WHERE name = $1");
    list::one(session, &sql, &[&chain.as_str()], read_head)
}

/// All chains by name: that of the installation comes first, as no project begins with `_`.
pub(super) fn heads(session: &Session, page: (u64, u64)) -> Result<Page<AuditHead>, StoreError> {
    let (source, conditions) = ("audit_chain", Conditions::default());
    List { columns: HEAD, source, join: NEWEST, conditions, order: "name" }
        .page(session, page, read_head)
}

/// Keeps a checkpoint; one that is there already stays as it is.
pub(super) fn keep_checkpoint(
    session: &Session,
    checkpoint: &SignedCheckpoint,
) -> Result<(), StoreError> {
    let (chain, n) = (checkpoint.checkpoint.chain.as_str(), checkpoint.checkpoint.link.n);
    session.execute(
        "INSERT INTO audit_checkpoint (chain, n, body) VALUES ($1, $2, $3)
         ON CONFLICT (chain, n) DO NOTHING",
        &[&chain, &signed(n), &to_json(checkpoint, "checkpoint")?],
    )?;
    Ok(())
}

/// Checkpoints of a chain that cover entry `from` or a later one, in order.
pub(super) fn checkpoints(
    session: &Session,
    chain: &Chain,
    from: u64,
    limit: u64,
) -> Result<Vec<SignedCheckpoint>, StoreError> {
    let sql = "SELECT n, body FROM audit_checkpoint
               WHERE chain = $1 AND n >= $2 ORDER BY n LIMIT $3";
    let (from, limit) = (signed(from), signed(limit.min(PAGE_MAX)));
    list::all(session, sql, &[&chain.as_str(), &from, &limit], |row| {
        let n: i64 = get(row, 0)?;
        let what = || format!("table audit_checkpoint, chain {}, n {n}", chain.as_str());
        from_json(get(row, 1)?, what)
    })
}
