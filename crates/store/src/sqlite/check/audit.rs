//! The audit log: every entry fits its hash, follows the one before it, and is what was signed.
//!
//! Somebody who may write to the file can make a chain anew that fits in itself. That is found only
//! against a checkpoint that was kept elsewhere, which is the business of `tidegate audit verify`.

use rusqlite::Connection;
use tidegate_core::audit::{Chain, Checkpoint, SignedCheckpoint, Verifier};

use crate::contract::StoreError;
use crate::sqlite::audit;
use crate::sqlite::codec::body;
use crate::sqlite::keys::{ChainId, n_of};

use super::report::Report;

pub(super) fn check(connection: &Connection, report: &mut Report<'_>) {
    let chains = match chains(connection, report) {
        Ok(chains) => chains,
        Err(error) => return report.unread("table audit_chain", error),
    };
    let ids: Vec<i64> = chains.iter().map(|(id, _)| id.0).collect();
    for (id, chain) in chains {
        if let Err(error) = follow(connection, id, &chain, report) {
            report.unread(format!("table audit, chain {chain}"), error);
        }
    }
    for table in ["audit", "audit_checkpoint"] {
        if let Err(error) = strays(connection, table, &ids, report) {
            report.unread(format!("table {table}"), error);
        }
    }
}

fn chains(
    connection: &Connection,
    report: &mut Report<'_>,
) -> Result<Vec<(ChainId, Chain)>, StoreError> {
    let mut statement = connection.prepare("SELECT id, name FROM audit_chain ORDER BY id")?;
    let mut rows = statement.query([])?;
    let mut chains = Vec::new();
    while let Some(row) = rows.next()? {
        report.row();
        let id: i64 = row.get(0)?;
        let parsed = row.get::<_, String>(1).map_err(|error| error.to_string());
        match parsed.and_then(|name| name.parse::<Chain>().map_err(|error| error.to_string())) {
            Ok(chain) => chains.push((ChainId(id), chain)),
            Err(why) => report.damage(format!("table audit_chain, id {id}"), why),
        }
    }
    Ok(chains)
}

/// Follows a chain as far as it can be followed; behind a break each entry is looked at by itself.
fn follow(
    connection: &Connection,
    id: ChainId,
    chain: &Chain,
    report: &mut Report<'_>,
) -> Result<(), StoreError> {
    let signed = checkpoints(connection, id, chain, report)?;
    let mut verifier = Some(Verifier::new(chain.clone(), signed));
    let mut statement = connection.prepare(
        "SELECT key, prev, hash, record, texts FROM audit WHERE key BETWEEN ?1 AND ?2 ORDER BY key",
    )?;
    let mut rows = statement.query([id.first(), id.last()])?;
    while let Some(row) = rows.next()? {
        report.row();
        let n = n_of(row.get(0)?);
        let entry = audit::read(row, chain, n)
            .and_then(|entry| entry.readable().map(|_| entry).map_err(|fault| fault.to_string()));
        match entry {
            Ok(entry) => {
                if let Some(Err(broken)) = verifier.as_mut().map(|chain| chain.entry(&entry)) {
                    report.damage(place(chain, broken.n), broken.fault);
                    verifier = None;
                }
            }
            Err(why) => {
                report.damage(place(chain, n), why);
                verifier = None;
            }
        }
    }
    if let Some(Err(broken)) = verifier.map(Verifier::end) {
        report.damage(place(chain, broken.n), broken.fault);
    }
    Ok(())
}

fn place(chain: &Chain, n: u64) -> String {
    format!("table audit, chain {}, n {n}", chain.as_str())
}

/// What was signed of a chain, by whatever key.
fn checkpoints(
    connection: &Connection,
    id: ChainId,
    chain: &Chain,
    report: &mut Report<'_>,
) -> Result<Vec<Checkpoint>, StoreError> {
    let mut statement =
        connection.prepare("SELECT key, body FROM audit_checkpoint WHERE key BETWEEN ?1 AND ?2")?;
    let mut rows = statement.query([id.first(), id.last()])?;
    let mut checkpoints = Vec::new();
    while let Some(row) = rows.next()? {
        report.row();
        let n = n_of(row.get(0)?);
        let place = || format!("table audit_checkpoint, chain {}, n {n}", chain.as_str());
        match body::<SignedCheckpoint>(row, 1, place) {
            Ok(signed) if signed.checkpoint.chain != *chain || signed.checkpoint.link.n != n => {
                report.damage(place(), "it is of another entry");
            }
            Ok(signed) => match signed.verify(&[]) {
                Ok(()) => checkpoints.push(signed.checkpoint),
                Err(fault) => report.damage(place(), fault),
            },
            Err(error) => report.unread(place(), error),
        }
    }
    Ok(checkpoints)
}

/// Rows of no chain that could be followed.
fn strays(
    connection: &Connection,
    table: &str,
    chains: &[i64],
    report: &mut Report<'_>,
) -> Result<(), StoreError> {
    let sql = format!("SELECT DISTINCT key >> 40 FROM {table}");
    let mut statement = connection.prepare(&sql)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let id: i64 = row.get(0)?;
        if !chains.contains(&id) {
            report.damage(format!("table {table}, chain number {id}"), "its chain is not there");
        }
    }
    Ok(())
}
