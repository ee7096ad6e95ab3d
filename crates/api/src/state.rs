//! What every handler may use.

use std::sync::{Arc, Mutex};

use tidegate_engine::Engine;
use tidegate_identity::{RateLimit, Tokens};
use tidegate_resources::hosting::Hosting;
use tokio::sync::watch;

use crate::routes::live::Streams;

/// What every handler may use. Clones share it.
#[derive(Clone)]
pub struct ApiState {
    /// Where inputs go, and answers come from.
    pub engine: Engine,
    /// Who serves clones and pushes.
    pub hosting: Hosting,
    /// Who may ask.
    pub tokens: Arc<Tokens>,
    /// Whoever changes the tokens of the store takes turns.
    pub token_changes: Arc<tokio::sync::Mutex<()>>,
    /// How fast a peer may guess; shared with the Bridge.
    pub limits: Arc<Mutex<RateLimit>>,
    /// True once the server shall stop; open streams end then.
    pub stopping: watch::Receiver<bool>,
    /// The places for streams.
    pub streams: Streams,
    /// Tidegate's version.
    pub version: &'static str,
}
