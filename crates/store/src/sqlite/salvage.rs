//! Reading all of a log of which some pages cannot be read.
//!
//! SQLite gives up a scan at the first page that is not sound. Here the scan goes on behind it, so
//! that one bad page costs the entries on it and no others.

use rusqlite::{Connection, Row};

use super::log;

/// What is met on the way through the log, in the order of keys.
pub(super) enum Met<'r> {
    /// An entry, with the columns of [`columns`]; nothing of it was checked.
    Entry(&'r Row<'r>),
    /// The entries from here to there cannot be read, as far as there are any.
    Unreadable {
        /// The least key that may be among them.
        from: i64,
        /// The greatest; none up to the end.
        to: Option<i64>,
        /// What SQLite says.
        why: String,
    },
}

/// What [`log::read`] wants to know, then the columns that are searched.
pub(super) fn columns() -> String {
    format!("{}, id, context, kind, stage, service, source, time", log::COLUMNS)
}

/// Entries that [`Scan::backward`] remembers on the way to a bad page from behind.
const BEHIND_MAX: usize = 100_000;

/// Goes through the whole log, whatever its state.
pub(super) fn scan(connection: &Connection, met: &mut dyn FnMut(Met<'_>)) {
    let mut scan = Scan { connection, met, next: 0 };
    while let Err(error) = scan.forward() {
        if !scan.skip(&error) {
            return;
        }
    }
}

struct Scan<'a> {
    connection: &'a Connection,
    met: &'a mut dyn FnMut(Met<'_>),
    /// The least key that was not met yet. It only ever grows, so every scan ends.
    next: i64,
}

impl Scan<'_> {
    /// From `next` to the end, or to the first error.
    fn forward(&mut self) -> Result<(), rusqlite::Error> {
        let sql =
            format!("SELECT {} FROM event NOT INDEXED WHERE key >= ?1 ORDER BY key", columns());
        let mut statement = self.connection.prepare_cached(&sql)?;
        let mut rows = statement.query([self.next])?;
        while let Some(row) = rows.next()? {
            let key: i64 = row.get(0)?;
            if key < self.next {
                // A tree that leads back to where it was.
                return Err(rusqlite::Error::InvalidQuery);
            }
            (self.met)(Met::Entry(row));
            self.next = key.saturating_add(1);
        }
        Ok(())
    }

    /// Steps over what cannot be read at `next`. False where nothing behind it can be read either.
    fn skip(&mut self, error: &rusqlite::Error) -> bool {
        let (from, why) = (self.next, error.to_string());
        if let Ok(Some(key)) = self.first(from) {
            // Its page is sound, so it is the entry itself that is not.
            (self.met)(Met::Unreadable { from: key, to: Some(key), why });
            self.next = key.saturating_add(1);
            return true;
        }
        let beyond = self.beyond(from);
        let behind = self.backward(from, beyond);
        let to = behind.last().copied().or(beyond).map(|key| key - 1);
        (self.met)(Met::Unreadable { from, to, why });
        for key in behind.into_iter().rev() {
            self.one(key);
        }
        self.next = beyond.unwrap_or(i64::MAX);
        beyond.is_some()
    }

    /// The first key from here on.
    fn first(&self, from: i64) -> Result<Option<i64>, rusqlite::Error> {
        let sql = "SELECT key FROM event NOT INDEXED WHERE key >= ?1 ORDER BY key LIMIT 1";
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut rows = statement.query([from])?;
        rows.next()?.map(|row| row.get(0)).transpose()
    }

    /// A key behind the bad page, looked for in steps that double. None where there is none.
    fn beyond(&self, from: i64) -> Option<i64> {
        (0..62).find_map(|step| {
            let key = from.checked_add(1 << step)?;
            self.first(key).ok().flatten().filter(|found| *found >= key)
        })
    }

    /// The keys between the bad page and `to`, the greatest first.
    fn backward(&self, from: i64, to: Option<i64>) -> Vec<i64> {
        let sql =
            "SELECT key FROM event NOT INDEXED WHERE key >= ?1 AND key < ?2 ORDER BY key DESC";
        let mut keys: Vec<i64> = Vec::new();
        let Ok(mut statement) = self.connection.prepare_cached(sql) else { return keys };
        let Ok(mut rows) = statement.query([from, to.unwrap_or(i64::MAX)]) else { return keys };
        while let Ok(Some(row)) = rows.next() {
            match row.get(0) {
                Ok(key) if keys.last().is_none_or(|last| key < *last) => keys.push(key),
                _ => break,
            }
            if keys.len() == BEHIND_MAX {
                break;
            }
        }
        keys
    }

    fn one(&mut self, key: i64) {
        let sql = format!("SELECT {} FROM event NOT INDEXED WHERE key = ?1", columns());
        let read = (|| {
            let mut statement = self.connection.prepare_cached(&sql)?;
            let mut rows = statement.query([key])?;
            if let Some(row) = rows.next()? {
                (self.met)(Met::Entry(row));
            }
            Ok::<_, rusqlite::Error>(())
        })();
        if let Err(error) = read {
            (self.met)(Met::Unreadable { from: key, to: Some(key), why: error.to_string() });
        }
    }
}
