//! The write side of the contract. One thread owns a home; every change passes through it.

use jiff::Timestamp;
use tidegate_core::audit::{Action, Chain, SignedCheckpoint};
use tidegate_core::event::Event;
use tidegate_core::names::{CommitId, EventId, ProjectName, TaskName};
use tidegate_core::principal::{Principal, PrincipalName};
use tidegate_core::sequence::{Effects, Env, FollowOn, Timer, View};
use tidegate_core::uniform::{Command, Outcome};

use crate::postgres::PostgresError;
use crate::rows::{
    Deferred, IdempotencyRow, Intent, QuarantineRow, SessionRow, SignInRow, TokenRow,
};

/// The input that caused a set of effects, kept beside them.
#[derive(Debug, Clone)]
pub struct InputRecord<'a> {
    /// One word for it.
    pub name: &'static str,
    /// Its project.
    pub project: &'a ProjectName,
    /// Clock, principal and seed.
    pub env: &'a Env,
    /// What the log does not hold already, as JSON; empty where the event says it all.
    pub payload: String,
}

/// A change that no step makes.
#[derive(Debug, Clone, PartialEq)]
pub enum Write {
    /// Record in the audit log what was done elsewhere, or refused.
    Record(Chain, Box<Action>),
    /// Keep a checkpoint of the audit log. Its chain is there.
    Checkpoint(Box<SignedCheckpoint>),
    /// Begin a saga; refused while the same project has another one open. Whoever begins it is
    /// recorded when it ends.
    Begin(Intent, Vec<Event>),
    /// The saga's Git part is done: make the rows, append the events, remove the intent. A project of
    /// which something is under way is not deleted: no sequence, no job that is to be stopped may
    /// be lost.
    Complete {
        /// Which one; as returned by `Begin`.
        intent: i64,
        /// The tip of the default branch.
        commit: CommitId,
        /// When.
        now: Timestamp,
        /// Events for the log.
        events: Vec<Event>,
    },
    /// The saga's Git part was undone: remove the intent, append the events.
    Undo {
        /// Which one.
        intent: i64,
        /// Events for the log.
        events: Vec<Event>,
    },
    /// The shipyard of a project changed in Git.
    Snapshot {
        /// The project.
        project: ProjectName,
        /// The new tip of the default branch.
        commit: CommitId,
        /// The file.
        text: String,
    },
    /// A delivery needs no more work.
    DeliveryDone(i64),
    /// Keep an answer for its idempotency key.
    Idempotency(IdempotencyRow),
    /// A person signs in.
    PutSession(SessionRow),
    /// A person signs out.
    DropSession([u8; 32]),
    /// A sign-in link is made.
    PutSignIn(SignInRow),
    /// A sign-in link is used: succeeds once, and makes the session.
    UseSignIn {
        /// SHA-256 of the code.
        code: [u8; 32],
        /// The session; its principal is replaced by the link's person.
        session: SessionRow,
        /// When.
        now: Timestamp,
    },
    /// A token is made; refused while another one has its name.
    PutToken(TokenRow),
    /// A token is revoked.
    DropToken(PrincipalName),
    /// Somebody registers an integration, changes it, or time has passed for all of them.
    Integration {
        /// What.
        command: Command,
        /// The only tasks that the caller's token answers; none where it may do everything.
        tasks: Option<Vec<TaskName>>,
    },
    /// Forget what has expired: sessions, links, idempotency keys.
    Expire(Timestamp),
    /// Put an input aside that the machine cannot step.
    Quarantine(QuarantineRow),
    /// Stop a timer whose input cannot be stepped.
    DropTimer(Timer),
    /// Forget contexts that ended long ago, with all that belongs to them but the audit log.
    Prune {
        /// Contexts of projects that were last changed before this. Open ones are never forgotten.
        before: Timestamp,
        /// Events without a known project that are older than this.
        unmapped_before: Timestamp,
        /// Most contexts, and most events without a project, of one call.
        limit: u64,
    },
    /// Forget contexts of one project that have ended, whenever that was.
    Forget {
        /// The project.
        project: ProjectName,
        /// Most contexts of one call.
        limit: u64,
    },
}

/// What a [`Write`] answers.
#[derive(Debug, Clone, PartialEq)]
pub enum Written {
    /// Done.
    Done,
    /// The saga's number.
    Begun(i64),
    /// The session that a sign-in link made; none where the link is unknown, used or expired.
    SignedIn(Option<SessionRow>),
    /// So much was forgotten.
    Pruned {
        /// Contexts, and events without a project.
        count: u64,
        /// Tasks of those contexts: nobody needs what their jobs have left.
        tasks: Vec<EventId>,
        /// Whether there is more to forget.
        more: bool,
    },
    /// Not done: the project exists, or another change to it is under way.
    ProjectExists,
    /// Not done: the service exists.
    ServiceExists,
    /// Not done: no such service.
    NoService,
    /// Not done: no such project.
    NoProject,
    /// The token was revoked.
    TokenRevoked(Box<TokenRow>),
    /// Not done: a token of that name exists.
    TokenExists,
    /// Not done: no such token.
    NoToken,
    /// What the command for integrations came to.
    Integration(Outcome),
    /// Not done: something of the project is still under way. Its saga is still open.
    UnderWay,
}

/// Why the store did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The disk is full. Nothing was written.
    #[error("the disk that holds {0} is full; free some space")]
    Full(String),
    /// The database says no.
    #[error("the database failed: {0}")]
    Database(#[from] rusqlite::Error),
    /// A row does not read back as what it was written as.
    #[error("{what} is damaged: {why}")]
    Damaged {
        /// Table and key.
        what: String,
        /// What is wrong.
        why: String,
    },
    /// The file system says no.
    #[error("{what}: {source}")]
    Io {
        /// What was tried.
        what: String,
        /// The cause.
        source: std::io::Error,
    },
    /// The database was written by another version.
    #[error("{0}")]
    Version(String),
    /// The database cannot be reached, or does not take anything now. Nothing was written, and the
    /// same may succeed later.
    #[error("{what} is not available: {why}; nothing was written")]
    Unavailable {
        /// Which database.
        what: String,
        /// What it says.
        why: String,
    },
    /// The answer to a commit was lost, and could not be learnt afterwards. What the commit held may
    /// be there or not.
    #[error("it is not known whether the last commit was written: {0}")]
    OutcomeUnknown(String),
    /// The database is set up so that it could lose what was acknowledged, or is none of ours.
    #[error("{what} cannot be used: {why}")]
    Unfit {
        /// Which database.
        what: String,
        /// What is wrong, and how it is mended.
        why: String,
    },
    /// A Postgres says no.
    #[error("the database failed: {0}")]
    Postgres(#[from] PostgresError),
}

impl StoreError {
    /// Whether the store cannot be trusted any more: an I/O or sync error, or a database that is not
    /// in order. The process ends; a sync that failed is never tried again as if nothing had
    /// happened. Everything else left no effect, and the store goes on.
    #[must_use]
    pub fn is_fatal(&self) -> bool {
        use rusqlite::ErrorCode::{
            CannotOpen, DatabaseCorrupt, FileLockingProtocolFailed, NotADatabase, OutOfMemory,
            PermissionDenied, ReadOnly, SystemIoFailure,
        };
        match self {
            Self::Io { .. } | Self::Version(_) | Self::OutcomeUnknown(_) | Self::Unfit { .. } => {
                true
            }
            Self::Full(_) | Self::Damaged { .. } | Self::Unavailable { .. } => false,
            Self::Postgres(error) => error.is_fatal(),
            Self::Database(error) => matches!(
                error.sqlite_error_code(),
                Some(
                    SystemIoFailure
                        | DatabaseCorrupt
                        | NotADatabase
                        | CannotOpen
                        | FileLockingProtocolFailed
                        | OutOfMemory
                        | PermissionDenied
                        | ReadOnly
                )
            ),
        }
    }
}

/// The store, as its one writer sees it. `begin`, then any number of `apply` and `write`, then
/// `commit`; what was applied is visible to the [`View`] at once and to readers after the commit.
pub trait Home: View + Send {
    /// Begins a transaction. There is none open.
    ///
    /// # Errors
    /// The database says no; nothing was begun. It says so too where a step of the transaction before
    /// could not read because the database was away, and that one was rolled back: the step was not
    /// to blame, and must not be put aside for it.
    fn begin(&mut self) -> Result<(), StoreError>;

    /// Applies the effects of one step, records for the audit log included: they go to the chain of
    /// the input's project, with [`Salts`](tidegate_core::audit::Salts) of the input's seed.
    ///
    /// # Errors
    /// The database says no; the caller rolls back.
    fn apply(&mut self, input: &InputRecord<'_>, effects: &Effects) -> Result<(), StoreError>;

    /// Makes a change of another kind. An answer other than `Done`, `Begun`, `SignedIn(Some)`,
    /// `TokenRevoked`, `Pruned` and `Integration` changed nothing. `env` says who makes it, and when; what the audit log keeps of it is written
    /// with it, by the seed's salts.
    ///
    /// # Errors
    /// The database says no; the caller rolls back.
    fn write(&mut self, write: &Write, env: &Env) -> Result<Written, StoreError>;

    /// Keeps a follow-on for a later commit, behind those that are kept already.
    ///
    /// # Errors
    /// The database says no; the caller rolls back.
    fn defer(&mut self, follow_on: &FollowOn, by: &Principal) -> Result<(), StoreError>;

    /// Takes the oldest follow-on out that was kept; it is gone with the commit.
    ///
    /// # Errors
    /// The database says no, or the row is damaged; the caller rolls back.
    fn take_deferred(&mut self) -> Result<Option<Deferred>, StoreError>;

    /// The answer that was kept for an idempotency key and has not expired at `now`.
    ///
    /// # Errors
    /// The row could not be read.
    fn kept_answer(
        &self,
        key: &[u8; 32],
        now: Timestamp,
    ) -> Result<Option<IdempotencyRow>, StoreError>;

    /// Commits and syncs: when this returns, it survives the loss of power.
    ///
    /// # Errors
    /// Nothing may be acknowledged. After [`StoreError::Full`] and [`StoreError::Unavailable`] nothing
    /// was written; after an error that [is fatal](StoreError::is_fatal) the outcome is unknown until
    /// the store is opened again. Either way no transaction is open any more.
    fn commit(&mut self) -> Result<(), StoreError>;

    /// Undoes the open transaction, if there is one.
    fn rollback(&mut self);

    /// Gives up the space that is set aside for when the disk is full, so that what must be possible
    /// then still commits. False where there was none. No transaction is open.
    ///
    /// # Errors
    /// The file system says no.
    fn release_reserve(&mut self) -> Result<bool, StoreError>;

    /// Sets that space aside again; false while the disk is too full for it. No transaction is open.
    ///
    /// # Errors
    /// The file system says no.
    fn fill_reserve(&mut self) -> Result<bool, StoreError>;
}
