//! A sequence, read again whenever something of it may have changed.

use std::time::Duration;

use tidegate_client::{Client, Live, Sequence, Topic};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};

use crate::failure::Failure;

/// How often to ask where the server cannot say when something has changed.
const ASK_AGAIN: Duration = Duration::from_secs(2);
/// How soon a stream that has ended is opened again.
const OPEN_AGAIN: Duration = Duration::from_secs(1);
/// How long a server may be away before that is said.
const AWAY_MAX: Duration = Duration::from_secs(60);

/// Follows a sequence on a task of its own, until it ends or nobody listens any more. The first reading
/// comes at once.
pub(crate) fn follow(client: Client, context: String) -> mpsc::Receiver<Result<Sequence, Failure>> {
    let (send, receive) = mpsc::channel(1);
    tokio::spawn(async move {
        let mut follower = Follower { client, context, live: None, away_since: None };
        loop {
            let reading = follower.read().await;
            let is_last = reading.as_ref().map_or(true, |sequence| sequence.state.is_final());
            if send.send(reading).await.is_err() || is_last {
                return;
            }
            tokio::select! {
                () = follower.change() => {}
                () = send.closed() => return,
            }
        }
    });
    receive
}

struct Follower {
    client: Client,
    context: String,
    live: Option<Live>,
    away_since: Option<Instant>,
}

impl Follower {
    /// Reads the sequence; waits where the server is away for a moment.
    async fn read(&mut self) -> Result<Sequence, Failure> {
        loop {
            match self.client.sequence(&self.context).await.map_err(Failure::from) {
                Ok(sequence) => {
                    self.away_since = None;
                    return Ok(sequence);
                }
                Err(failure) if failure.is_passing() && !self.is_away_for_long() => {
                    sleep(ASK_AGAIN).await;
                }
                Err(failure) => return Err(failure),
            }
        }
    }

    fn is_away_for_long(&mut self) -> bool {
        self.away_since.get_or_insert_with(Instant::now).elapsed() > AWAY_MAX
    }

    /// Returns when there may be something new.
    async fn change(&mut self) {
        if self.live.is_none() {
            match self.client.live(Topic::Context(&self.context)).await {
                // It says first that it is open: what was read before may have changed meanwhile.
                Ok(live) => self.live = Some(live),
                Err(_) => return sleep(ASK_AGAIN).await,
            }
        }
        let news = match &mut self.live {
            Some(live) => live.next().await,
            None => None,
        };
        if news.is_none() {
            self.live = None;
            sleep(OPEN_AGAIN).await;
        }
    }
}
