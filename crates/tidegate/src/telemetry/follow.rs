//! Follows the log, and tells the collector what has ended.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tidegate_core::names::{ContextId, ProjectName};
use tidegate_core::sequence::Context;
use tidegate_engine::{Engine, Failure};
use tidegate_store::{LogRow, Reader, SequenceFilter};
use tokio::sync::Notify;
use tokio::sync::broadcast::error::RecvError;
use tokio::task::JoinHandle;

use super::cursor::Cursor;
use super::otlp::{Refused, Target};
use super::spans::{Span, Story};

/// Entries of one project's log that are told at a time.
const PAGE: u64 = 256;
/// Most entries of one context that are looked at: of a longer one the end has no spans.
const TRACE_MAX: u64 = 20_000;
/// How long what has ended is gathered.
const GATHER: Duration = Duration::from_secs(1);
/// How soon a collector is asked again that did not answer, and how late at most.
const AGAIN_FIRST: Duration = Duration::from_secs(1);
const AGAIN_MAX: Duration = Duration::from_secs(60);

/// The task that tells. Stopped, it tells once more what is committed, if the collector answers.
pub(crate) struct Telemetry {
    stop: Arc<Notify>,
    task: JoinHandle<()>,
}

impl Telemetry {
    /// Begins behind what a former run has told; at the newest entry where there was none.
    pub(crate) fn start(engine: Engine, target: Target, file: PathBuf) -> Self {
        let stop = Arc::new(Notify::new());
        let stopping = Arc::clone(&stop);
        tracing::info!(collector = target.shown(), "traces are told");
        let task = tokio::spawn(async move {
            // Listened to before the log is read, so that nothing is missed in between.
            let mut commits = engine.commits();
            let mut follower = Follower { engine, target, cursor: None, file, is_away: false };
            let mut pause = AGAIN_FIRST;
            loop {
                let wait = match follower.tell_all().await {
                    Ok(()) => {
                        pause = AGAIN_FIRST;
                        None
                    }
                    Err(Later) => {
                        let wait = pause;
                        pause = (pause * 2).min(AGAIN_MAX);
                        Some(wait)
                    }
                };
                let woken = async {
                    match wait {
                        Some(wait) => tokio::time::sleep(wait).await,
                        None => match commits.recv().await {
                            Ok(_) | Err(RecvError::Lagged(_)) => tokio::time::sleep(GATHER).await,
                            Err(RecvError::Closed) => std::future::pending().await,
                        },
                    }
                };
                tokio::select! {
                    () = woken => {}
                    () = stopping.notified() => break,
                }
                // What has been heard until here is told with the next round.
                commits = commits.resubscribe();
            }
            // What is not told now is told after the next start.
            let _ = follower.tell_all().await;
        });
        Self { stop, task }
    }

    /// Tells what is left, and ends.
    pub(crate) async fn stop(self) {
        self.stop.notify_one();
        if self.task.await.is_err() {
            tracing::error!("what tells traces has panicked");
        }
    }
}

/// Not everything was told; why is said. The same is tried again.
#[derive(Debug)]
struct Later;

struct Follower {
    engine: Engine,
    target: Target,
    cursor: Option<Cursor>,
    file: PathBuf,
    /// Said once, not with every try.
    is_away: bool,
}

impl Follower {
    /// Tells everything up to the newest entry.
    async fn tell_all(&mut self) -> Result<(), Later> {
        let said = |error: Failure| {
            tracing::error!(%error, "the log could not be followed for traces");
            Later
        };
        let heads = self.engine.read(Reader::log_heads).await.map_err(said)?;
        let mut cursor = match self.cursor.take() {
            Some(cursor) => cursor,
            None => self.begin(&heads),
        };
        cursor.retain(|project| heads.iter().any(|(name, _)| name.as_str() == project));
        let mut result = Ok(());
        for (project, newest) in &heads {
            result = self.tell_project(&mut cursor, project, *newest).await;
            if result.is_err() {
                break;
            }
        }
        self.cursor = Some(cursor);
        result
    }

    fn begin(&self, heads: &[(ProjectName, u64)]) -> Cursor {
        Cursor::read(self.file.clone()).unwrap_or_else(|file| {
            // Nobody has asked for what was before.
            let told = heads.iter().map(|(project, newest)| (project.to_string(), *newest));
            let cursor = Cursor::begin(file, told.collect());
            keep(&cursor);
            cursor
        })
    }

    async fn tell_project(
        &mut self,
        cursor: &mut Cursor,
        project: &ProjectName,
        newest: u64,
    ) -> Result<(), Later> {
        let mut told = cursor.of(project.as_str(), newest);
        while told < newest {
            let (spans, last) = match self.page(project, told).await {
                Ok(page) => page,
                Err(error) => {
                    tracing::error!(%error, %project, "the log could not be followed for traces");
                    return Err(Later);
                }
            };
            if !spans.is_empty() {
                self.tell(&spans).await?;
            }
            // Entries that were forgotten leave nothing to tell.
            told = last.unwrap_or(newest);
            cursor.move_to(project.as_str(), told);
            if !spans.is_empty() || told == newest {
                keep(cursor);
            }
        }
        Ok(())
    }

    /// The spans of the next entries, and the number of the last of these.
    async fn page(
        &self,
        project: &ProjectName,
        told: u64,
    ) -> Result<(Vec<Span>, Option<u64>), Failure> {
        let name = project.clone();
        self.engine
            .read(move |reader| {
                let rows = reader.log_behind(&name, told, PAGE)?;
                let mut by_context: BTreeMap<ContextId, Vec<&LogRow>> = BTreeMap::new();
                for row in &rows {
                    by_context.entry(row.event.context).or_default().push(row);
                }
                let mut spans = Vec::new();
                for (context, ended) in by_context {
                    let filter = SequenceFilter { contexts: vec![context], ..Default::default() };
                    let found = reader.sequences(&name, &filter, 0, Some(1))?;
                    let under_way = found.items.first().is_some_and(Context::is_under_way);
                    let trace = reader.trace(&name, context, TRACE_MAX)?;
                    let story = Story::of(&trace, under_way);
                    spans.extend(ended.iter().flat_map(|row| story.ended_by(row.n)));
                }
                Ok((spans, rows.last().map(|row| row.n)))
            })
            .await
    }

    async fn tell(&mut self, spans: &[Span]) -> Result<(), Later> {
        match self.target.tell(spans).await {
            Ok(()) => {
                if self.is_away {
                    tracing::info!("the collector of traces answers again");
                }
                self.is_away = false;
                Ok(())
            }
            Err(Refused::Later(why)) => {
                if !self.is_away {
                    let collector = self.target.shown();
                    tracing::warn!(why, collector, "traces are told later: the collector is away");
                }
                self.is_away = true;
                Err(Later)
            }
            Err(Refused::Never(why)) => {
                let (collector, spans) = (self.target.shown(), spans.len());
                tracing::error!(
                    why,
                    collector,
                    spans,
                    "the collector refuses traces; they are left out"
                );
                Ok(())
            }
        }
    }
}

/// A place that could not be kept is told again after the next start.
fn keep(cursor: &Cursor) {
    if let Err(error) = cursor.keep() {
        tracing::warn!(%error, "how far traces were told could not be kept");
    }
}
