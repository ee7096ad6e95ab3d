//! Opening the file: what every connection needs set, and what is checked before anything is done.

use std::fs::{File, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use crate::contract::StoreError;

use super::codec::damaged;
use super::migrate;
use super::tail::{self, Tail};

/// The database, inside of the data directory.
pub(super) const FILE: &str = "tidegate.db";
/// Its pages, and so those of its write-ahead log. A commit writes whole pages, and most of what it
/// changes in one is small. A file that is there already keeps the size it was made with.
pub(super) const PAGE_BYTES: usize = 4096;
/// Nobody but the owner: it holds sessions and what people wrote.
pub(super) const MODE: u32 = 0o600;
/// Nothing of ours holds a lock for long; whoever waits longer has met a fault.
const BUSY: Duration = Duration::from_secs(5);
/// More than all statements there are, variants of filters included.
const STATEMENTS_MAX: usize = 200;
/// How much of the log is read at a time, in bytes.
const LOG_PART_BYTES: usize = 1024 * 1024;

fn io(what: String) -> impl FnOnce(io::Error) -> StoreError {
    move |source| StoreError::Io { what, source }
}

/// Opens the writing connection; makes the file and brings its schema up to date.
pub(super) fn writer(file: &Path, migrations: &[&str]) -> Result<Connection, StoreError> {
    let wrong = |doing: &str| io(format!("{doing} {}", file.display()));
    let made = OpenOptions::new().write(true).create(true).truncate(false).mode(MODE).open(file);
    // The log and the index beside it get the same mode from SQLite.
    let made = made.map_err(wrong("open"))?;
    made.set_permissions(Permissions::from_mode(MODE)).map_err(wrong("restrict the mode of"))?;
    drop(made);
    write_log_again(file).map_err(wrong("sync the write-ahead log of"))?;
    let tail = tail::of(file).map_err(wrong("read the write-ahead log of"))?;
    refuse_loss(file, tail)?;
    let mut connection = connect(file, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    migrate::refuse_newer(&connection, file, migrations.len())?;
    // The first two count only before the first table.
    connection.execute_batch(&format!(
        "PRAGMA page_size = {PAGE_BYTES};
         PRAGMA auto_vacuum = INCREMENTAL;
         PRAGMA journal_mode = WAL;
         PRAGMA synchronous = FULL;
         PRAGMA foreign_keys = ON;
         PRAGMA wal_autocheckpoint = 0;
         PRAGMA cache_size = -6144;",
    ))?;
    expect(&connection, "journal_mode", "wal")?;
    expect(&connection, "synchronous", "2")?;
    expect(&connection, "foreign_keys", "1")?;
    expect(&connection, "wal_autocheckpoint", "0")?;
    if let Tail::Torn { frame } = tail {
        tracing::warn!(
            file = %tail::log_of(file).display(), frame,
            "The last transaction was not written to the end and is left out. Where the machine went \
             down in the middle of it, nobody was told that it was accepted"
        );
        // What is left of it must not stand behind the next ones.
        connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)")?;
    }
    migrate::migrate(&mut connection, file, migrations)?;
    Ok(connection)
}

/// Writes the log of a former run over itself, and syncs it. After a sync that failed, the kernel holds
/// for clean what never reached the disk: this process would read it, build on it, and lose with it
/// what it has acknowledged. Nobody else has the file open.
fn write_log_again(file: &Path) -> io::Result<()> {
    let log = match OpenOptions::new().read(true).write(true).open(tail::log_of(file)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        other => other?,
    };
    let (mut part, mut offset) = (vec![0; LOG_PART_BYTES], 0);
    loop {
        let length = log.read_at(&mut part, offset)?;
        if length == 0 {
            return log.sync_all();
        }
        log.write_all_at(&part[..length], offset)?;
        offset += length as u64;
    }
}

/// Refuses a log from which SQLite would leave out what was acknowledged.
pub(super) fn refuse_loss(file: &Path, tail: Tail) -> Result<(), StoreError> {
    match tail {
        Tail::Clean | Tail::Torn { .. } => Ok(()),
        Tail::Lost { frame, commits } => Err(damaged(
            format!("{}, frame {frame}", tail::log_of(file).display()),
            &format!(
                "{commits} commits from there on would be left out, and some of them were \
                 acknowledged; restore a backup, or save what comes before by \
                 `tidegate backup --salvage` and restore that"
            ),
        )),
    }
}

/// Opens the connection of the checkpoint thread. It syncs the same file, so it is as careful.
pub(super) fn checkpointer(file: &Path) -> Result<Connection, StoreError> {
    let connection = connect(file, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    connection.execute_batch(
        "PRAGMA synchronous = FULL;
         PRAGMA wal_autocheckpoint = 0;
         PRAGMA cache_size = -64;",
    )?;
    expect(&connection, "synchronous", "2")?;
    Ok(connection)
}

/// Opens a connection that only reads.
pub(super) fn reader(file: &Path) -> Result<Connection, StoreError> {
    let connection = connect(file, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    connection.execute_batch("PRAGMA query_only = ON; PRAGMA cache_size = -1024;")?;
    Ok(connection)
}

/// Opens a database that must be there, to read it as it stands.
pub(super) fn existing(file: &Path) -> Result<Connection, StoreError> {
    std::fs::metadata(file).map_err(io(format!("find {}", file.display())))?;
    let opened = reader(file).and_then(|connection| {
        // The first look at the file itself.
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
        Ok(connection)
    });
    opened.map_err(|error| match error {
        StoreError::Database(error) => named(error, file),
        other => other,
    })
}

/// Names the file that SQLite cannot make sense of.
pub(super) fn named(error: rusqlite::Error, file: &Path) -> StoreError {
    match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => {
            let why = format!("{error}; restore a backup of the directory");
            damaged(file.display().to_string(), &why)
        }
        _ => error.into(),
    }
}

fn connect(file: &Path, access: OpenFlags) -> Result<Connection, StoreError> {
    // Each connection is used by one thread at a time, so SQLite needs no lock of its own.
    let connection = Connection::open_with_flags(file, access | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(BUSY)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
    // Without it, SQLite plans a statement anew for every value that a range is bound to.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.execute_batch(
        "PRAGMA trusted_schema = OFF;
         PRAGMA cell_size_check = ON;
         PRAGMA temp_store = MEMORY;",
    )?;
    Ok(connection)
}

/// A pragma that SQLite does not follow is not an error to it; here it is.
fn expect(connection: &Connection, pragma: &str, want: &str) -> Result<(), StoreError> {
    let found = connection.pragma_query_value(None, pragma, |row| {
        Ok(match row.get_ref(0)? {
            rusqlite::types::ValueRef::Integer(n) => n.to_string(),
            other => other.as_str().unwrap_or_default().to_owned(),
        })
    })?;
    if found == want {
        return Ok(());
    }
    let why = format!("SQLite set {pragma} to {found} where {want} is needed");
    Err(StoreError::Io { what: "prepare the database".to_owned(), source: io::Error::other(why) })
}

/// A file that was made is there after a loss of power only once its directory is synced.
pub(super) fn sync_directory(dir: &Path) -> Result<(), StoreError> {
    let synced = File::open(dir).and_then(|dir| dir.sync_all());
    synced.map_err(io(format!("sync the directory {}", dir.display())))
}
