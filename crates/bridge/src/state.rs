//! What the pages are made from.

use std::sync::{Arc, Mutex};

use tidegate_engine::Engine;
use tidegate_identity::{RateLimit, Tokens};
use tokio::sync::watch;

use crate::logs::JobLogs;

/// What the Bridge needs. Clones share it.
#[derive(Clone)]
pub struct BridgeState {
    /// The engine: everything that pages show is read through it, every decision goes to it.
    pub engine: Engine,
    /// Who may sign in by pasting a token.
    pub tokens: Arc<Tokens>,
    /// The limit on guessing tokens, shared with the API.
    pub limits: Arc<Mutex<RateLimit>>,
    /// The output of jobs.
    pub logs: Arc<dyn JobLogs>,
    /// True once the server shall stop; open streams end then.
    pub stopping: watch::Receiver<bool>,
}
