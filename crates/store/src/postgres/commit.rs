//! The one lock, and how a commit is settled whose answer was lost.
//!
//! A transaction begins by taking the next number under the lock, and ends by writing that number
//! into the row of its home. So the row says of every transaction whether it took place. A transaction
//! whose `COMMIT` is under way holds the lock until it is visible; so whoever has the lock reads the
//! final answer.

use uuid::Uuid;

use crate::codec::damaged;
use crate::contract::StoreError;

use super::connect::{Purpose, Retry, Target};
use super::session::{Outcome, Session, get};

/// Begins a transaction of the one that writes; answers its number.
pub(super) fn begin(session: &Session) -> Result<i64, StoreError> {
    // READ COMMITTED: statements after the lock see what was committed while it was waited for.
    session.begin("ISOLATION LEVEL READ COMMITTED READ WRITE")?;
    lock(session).inspect_err(|_| session.rollback())
}

fn lock(session: &Session) -> Result<i64, StoreError> {
    let row = session.first("UPDATE writer SET commits = commits + 1 RETURNING commits", &[])?;
    get(&row.ok_or_else(|| damaged("table writer", "its row is gone"))?, 0)
}

/// Commits transaction `n` of a home.
pub(super) fn commit(session: &Session, home: Uuid, n: i64) -> Outcome {
    // This statement fails where an earlier one has; so what is committed is never less than all.
    let marked = session.execute(
        "INSERT INTO home (id, last) VALUES ($1, $2)
         ON CONFLICT (id) DO UPDATE SET last = excluded.last",
        &[&home, &n],
    );
    match marked {
        Ok(_) => session.commit(),
        Err(error) => {
            session.rollback();
            Outcome::Undone(error)
        }
    }
}

/// Finds out whether transaction `n` of a home took place. Answers that, with a new connection.
pub(super) fn settle(target: &Target, home: Uuid, n: i64) -> Result<(bool, Session), StoreError> {
    let mut retry = Retry::new(target.patience.settle);
    loop {
        match look(target, home, n, &retry) {
            Ok(found) => return Ok(found),
            Err(StoreError::Unavailable { .. }) if retry.again() => {}
            Err(error) => return Err(error),
        }
    }
}

fn look(target: &Target, home: Uuid, n: i64, retry: &Retry) -> Result<(bool, Session), StoreError> {
    let session = target.connect(Purpose::Write)?;
    session.batch(&format!("SET lock_timeout = {}", retry.left().as_millis().max(1)))?;
    begin(&session)?;
    let row = session.first("SELECT last FROM home WHERE id = $1", &[&home])?;
    let last: Option<i64> = row.map(|row| get(&row, 0)).transpose()?;
    // What was read is on stable storage once what is committed behind it is; on a server that other
    // ones follow, it may be visible before.
    match session.commit() {
        Outcome::Written => {
            session.batch(&format!("SET lock_timeout = {}", target.patience.settle.as_millis()))?;
            Ok((last == Some(n), session))
        }
        Outcome::Undone(error) => Err(error),
        Outcome::Unknown(why) => {
            Err(StoreError::Unavailable { what: format!("the database {}", target.place), why })
        }
    }
}
