//! Values from files that the jobs of the same sequence have left below `/keptn/results`.

use std::collections::BTreeMap;

use tidegate_core::event::{Event, EventKind, Phase, text};
use tidegate_core::names::EventId;
use tidegate_core::sli::results::{FILE_BYTES_MAX, Query, SLI_PATH};
use tidegate_core::sli::{GetSli, Measurement, Queries};
use tidegate_engine::Engine;

use crate::files::{self, Commits};
use crate::jobs::ResultFiles;

/// `source` of its answers.
pub(super) const SOURCE: &str = "job-results";
/// Entries of a context that are looked at for tasks whose jobs may have left something.
const ENTRIES_MAX: u64 = 1_000;

/// Files that were read for one question, or why one was not.
type Files = BTreeMap<String, Result<Vec<u8>, String>>;

pub(super) async fn measure(
    engine: &Engine,
    results: &ResultFiles,
    event: &Event,
    question: &GetSli,
    commits: &Commits,
) -> Result<Vec<Measurement>, String> {
    let queries = files::queries(engine, &question.scope, SLI_PATH, commits).await?;
    let tasks = tasks(engine, event, question).await?;
    let (results, indicators) = (results.clone(), question.indicators.clone());
    let read = move || {
        let mut files = Files::new();
        let value = |name: &String| {
            Measurement::new(name, value(&queries, name, &tasks, &results, &mut files))
        };
        indicators.iter().map(value).collect()
    };
    tokio::task::spawn_blocking(read).await.map_err(|error| error.to_string())
}

/// The tasks of the same stage and service in this context, newest first.
async fn tasks(engine: &Engine, event: &Event, question: &GetSli) -> Result<Vec<EventId>, String> {
    let (scope, context) = (question.scope.clone(), event.context);
    let read = engine.read(move |reader| {
        let entries = reader.trace(&scope.project, context, ENTRIES_MAX)?;
        let is_ours = |event: &Event| {
            text(&event.data, "stage") == scope.stage.as_str()
                && text(&event.data, "service") == scope.service.as_str()
                && matches!(event.kind.kind(), EventKind::Task { phase: Phase::Triggered, .. })
        };
        let tasks = entries.into_iter().rev().map(|row| row.event);
        Ok(tasks.filter(is_ours).map(|event| event.id).collect())
    });
    read.await.map_err(|error| error.to_string())
}

fn value(
    queries: &Queries,
    name: &str,
    tasks: &[EventId],
    results: &ResultFiles,
    files: &mut Files,
) -> Result<f64, String> {
    let query = queries.get(name).ok_or_else(|| {
        format!("{SLI_PATH} has no query for it; add one such as k6:summary.json#http_req_duration.p(95)")
    })?;
    let query = Query::parse(query).map_err(|error| error.to_string())?;
    let file = query.file().to_owned();
    let bytes =
        files.entry(file).or_insert_with_key(|file| newest(file, tasks, results)).as_ref()?;
    query.read(bytes).map_err(|error| error.to_string())
}

/// What the newest job has left under that name.
fn newest(file: &str, tasks: &[EventId], results: &ResultFiles) -> Result<Vec<u8>, String> {
    for task in tasks {
        match results.read(*task, file, FILE_BYTES_MAX as u64) {
            Ok(Some(bytes)) => return Ok(bytes),
            Ok(None) => {}
            Err(error) => return Err(format!("{file} cannot be read: {error}")),
        }
    }
    Err(format!(
        "no job of this sequence has left /keptn/results/{file}; let a job write it there, such as with \
         k6 run --summary-export=/keptn/results/{file}"
    ))
}
