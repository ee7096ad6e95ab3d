//! Connecting: what every connection needs set, and what a server must be like.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use postgres::config::{Host, TargetSessionAttrs};
use postgres::{Config, NoTls};
use uuid::Uuid;

use crate::contract::StoreError;

use super::failure;
use super::session::{Session, get};

/// The oldest Postgres that this is tested for.
const MAJOR_MIN: i32 = 13;
/// A server that is there answers well within this.
const CONNECT_MAX: Duration = Duration::from_secs(5);
/// A peer that has vanished without a word is given up after about 20 seconds.
const SILENCE: Duration = Duration::from_secs(10);
const PROBE: Duration = Duration::from_secs(3);
const PROBES_MAX: u32 = 3;
/// Between two tries to connect; doubles up to the second one.
const PAUSE: Duration = Duration::from_millis(20);
const PAUSE_MAX: Duration = Duration::from_secs(1);

/// How long is waited for a server that does not answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// For a connection before a transaction begins; then nothing was done.
    pub begin: Duration,
    /// For the one lock, and to learn whether a commit took place; then its outcome stays unknown.
    pub settle: Duration,
    /// For the next statement of an open transaction: Postgres undoes one that stands still longer,
    /// so that a server that has vanished stops nobody. Less than `settle`.
    pub idle: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self { begin: seconds(5), settle: seconds(30), idle: seconds(20) }
    }
}

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    Write,
    Read,
}

/// Where the store is, and how to get there again.
#[derive(Clone)]
pub(super) struct Target {
    config: Config,
    /// Host and database for messages; never the password.
    pub(super) place: Arc<str>,
    pub(super) patience: Patience,
    /// The schema that the store was found in, and the store that was found there.
    found: Option<(String, Uuid)>,
}

impl Target {
    /// Reads a connection string: `host=/run/postgresql dbname=tidegate`, or a `postgresql://` URL.
    pub(super) fn parse(connection: &str, patience: Patience) -> Result<Self, StoreError> {
        let mut config: Config = connection.parse().map_err(|error| StoreError::Unfit {
            what: "the connection string of the database".to_owned(),
            why: failure::text(&error),
        })?;
        config
            .connect_timeout(config.get_connect_timeout().copied().unwrap_or(CONNECT_MAX))
            .tcp_user_timeout(SILENCE + PROBE * PROBES_MAX)
            .keepalives_idle(SILENCE)
            .keepalives_interval(PROBE)
            .keepalives_retries(PROBES_MAX)
            // A server that only follows another one shows what was acknowledged a little later.
            .target_session_attrs(TargetSessionAttrs::ReadWrite)
            .notice_callback(|notice| tracing::debug!(notice = notice.message(), "Postgres"));
        if config.get_application_name().is_none() {
            config.application_name("tidegate");
        }
        let place = place(&config);
        Ok(Self { config, place, patience, found: None })
    }

    /// Fixes the schema and the store for all connections to come.
    pub(super) fn pin(&mut self, schema: String, store: Uuid) {
        self.found = Some((schema, store));
    }

    /// One connection that is set up and fit for its purpose.
    pub(super) fn connect(&self, purpose: Purpose) -> Result<Session, StoreError> {
        let client = self.config.connect(NoTls).map_err(|error| StoreError::Unavailable {
            what: format!("the database {}", self.place),
            why: failure::text(&error),
        })?;
        let session = Session::new(client, Arc::clone(&self.place));
        session.batch(&self.settings(purpose))?;
        self.check(&session)?;
        Ok(session)
    }

    /// The same, tried again until `patience` is over.
    pub(super) fn reconnect(
        &self,
        purpose: Purpose,
        patience: Duration,
    ) -> Result<Session, StoreError> {
        let mut retry = Retry::new(patience);
        loop {
            match self.connect(purpose) {
                Err(StoreError::Unavailable { .. }) if retry.again() => {}
                done => return done,
            }
        }
    }

    fn settings(&self, purpose: Purpose) -> String {
        let (idle, lock) = (self.patience.idle.as_millis(), self.patience.settle.as_millis());
        let schema = match &self.found {
            Some((schema, _)) => format!("SET search_path = {schema};"),
            None => String::new(),
        };
        let access = match purpose {
            Purpose::Write => "off",
            Purpose::Read => "on",
        };
        format!(
            "SET synchronous_commit = on;
             SET default_transaction_read_only = {access};
             SET idle_in_transaction_session_timeout = {idle};
             SET lock_timeout = {lock};
             SET client_min_messages = warning;
             {schema}"
        )
    }

    /// A server that can lose what it has acknowledged is refused, and one that we do not know.
    fn check(&self, session: &Session) -> Result<(), StoreError> {
        let unfit = |why: String| {
            Err(StoreError::Unfit { what: format!("the database {}", self.place), why })
        };
        let row = session.first(
            "SELECT current_setting('server_version_num')::integer / 10000,
                    current_setting('server_version'), current_setting('fsync'),
                    current_setting('full_page_writes'), current_setting('server_encoding'),
                    current_setting('synchronous_commit')",
            &[],
        )?;
        let Some(row) = row else { return unfit("it does not say what it is".to_owned()) };
        let major: i32 = get(&row, 0)?;
        if major < MAJOR_MIN {
            let version: String = get(&row, 1)?;
            return unfit(format!(
                "it is Postgres {version}; version {MAJOR_MIN} or later is needed"
            ));
        }
        for (column, name, loses) in [
            (2, "fsync", "what it has acknowledged is lost with the power"),
            (3, "full_page_writes", "a page that was half written is not mended after a crash"),
        ] {
            let value: String = get(&row, column)?;
            if value != "on" {
                return unfit(format!(
                    "it runs with {name} = {value}, so {loses}; run ALTER SYSTEM SET {name} = on; \
                     SELECT pg_reload_conf(); and see that no command line sets it"
                ));
            }
        }
        let encoding: String = get(&row, 4)?;
        if encoding != "UTF8" {
            return unfit(format!(
                "its encoding is {encoding}; make one with CREATE DATABASE … ENCODING 'UTF8' \
                 TEMPLATE template0"
            ));
        }
        let commit: String = get(&row, 5)?;
        if commit != "on" {
            return unfit(format!(
                "synchronous_commit is {commit} where on was set; \
                                  something between us and Postgres changes it"
            ));
        }
        self.check_store(session)
    }

    /// Whoever comes back must come back to the same store.
    fn check_store(&self, session: &Session) -> Result<(), StoreError> {
        let Some((_, store)) = &self.found else { return Ok(()) };
        let row = session.first("SELECT store FROM writer", &[])?;
        let now: Option<Uuid> = row.map(|row| get(&row, 0)).transpose()?;
        if now == Some(*store) {
            return Ok(());
        }
        Err(StoreError::Unfit {
            what: format!("the database {}", self.place),
            why: "another store stands where ours was; start again to go on with that one"
                .to_owned(),
        })
    }
}

fn place(config: &Config) -> Arc<str> {
    let host = match config.get_hosts().first() {
        Some(Host::Tcp(name)) => name.clone(),
        #[cfg(unix)]
        Some(Host::Unix(path)) => path.display().to_string(),
        None => config.get_hostaddrs().first().map(ToString::to_string).unwrap_or_default(),
    };
    let database = config.get_dbname().or(config.get_user()).unwrap_or_default();
    Arc::from(format!("{database} at {host}"))
}

/// Tries with growing pauses, until a time is over.
pub(super) struct Retry {
    until: Instant,
    pause: Duration,
}

impl Retry {
    pub(super) fn new(patience: Duration) -> Self {
        Self { until: Instant::now() + patience, pause: PAUSE }
    }

    /// The time that is left.
    pub(super) fn left(&self) -> Duration {
        self.until.saturating_duration_since(Instant::now())
    }

    /// Waits before the next try; false where there is no time for one.
    pub(super) fn again(&mut self) -> bool {
        let left = self.left();
        if left.is_zero() {
            return false;
        }
        thread::sleep(self.pause.min(left));
        self.pause = (self.pause * 2).min(PAUSE_MAX);
        true
    }
}
