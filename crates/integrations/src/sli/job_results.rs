//! Values from files that the jobs of the same sequence have left below `/keptn/results`.

use std::collections::BTreeMap;

use tidegate_core::event::Event;
use tidegate_core::names::{EventId, TaskName};
use tidegate_core::sli::results::{FILE_BYTES_MAX, Query, SLI_PATH};
use tidegate_core::sli::{GetSli, Measurement, Queries};
use tidegate_engine::Engine;
use tidegate_store::ExecutionSummary;

use crate::files::{self, Commits};
use crate::jobs::ResultFiles;

/// `source` of its answers.
pub(super) const SOURCE: &str = "job-results";

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

/// The tasks whose jobs the question is about, newest first.
async fn tasks(engine: &Engine, event: &Event, question: &GetSli) -> Result<Vec<EventId>, String> {
    let (scope, context, asker) = (question.scope.clone(), event.context, event.triggered_id);
    let read = engine.read(move |reader| reader.executions(&scope.project, context));
    let executions = read.await.map_err(|error| error.to_string())?;
    let scope = &question.scope;
    let runs: Vec<Run> =
        executions.iter().filter(|row| row.execution.scope == *scope).map(Run::of).collect();
    Ok(counted(&runs, asker))
}

/// The tasks of one execution that were triggered, in their order.
struct Run(Vec<Triggered>);

struct Triggered {
    id: EventId,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Somebody does something, and may measure it.
    Work,
    /// It is decided what comes of that.
    Verdict,
}

impl Run {
    fn of(row: &ExecutionSummary) -> Self {
        let done = row.execution.previous.iter().map(|task| (task.triggered_id, &task.name));
        let open = row.open.iter().map(|task| (task.id, &task.name));
        let kind = |name: &TaskName| match name.as_str() {
            "evaluation" | "approval" => Kind::Verdict,
            _ => Kind::Work,
        };
        Self(done.chain(open).map(|(id, name)| Triggered { id, kind: kind(name) }).collect())
    }
}

fn works(tasks: &[Triggered]) -> bool {
    tasks.iter().any(|task| task.kind == Kind::Work)
}

/// The tasks that count for an evaluation, newest first: those before it in its own execution. What another
/// run has left says nothing about this one, so it counts only where its own has done nothing but judge: then
/// it is about the newest run before it that did something. `runs` are those of a context in the order they
/// were triggered. A gate of somebody's own may not say which evaluation asks: then it is the newest.
fn counted(runs: &[Run], asker: Option<EventId>) -> Vec<EventId> {
    let place = |(at, run): (usize, &Run)| {
        let before = run.0.iter().position(|task| Some(task.id) == asker)?;
        Some((at, before))
    };
    let newest = || {
        let at = runs.len().checked_sub(1)?;
        Some((at, runs[at].0.len()))
    };
    let Some((at, before)) = runs.iter().enumerate().find_map(place).or_else(newest) else {
        return Vec::new();
    };
    let own = &runs[at].0[..before];
    let other = match works(own) {
        true => None,
        false => runs[..at].iter().rev().find(|run| works(&run.0)),
    };
    let tasks = other.into_iter().flat_map(|run| &run.0).chain(own);
    let mut counted: Vec<_> = tasks.map(|task| task.id).collect();
    counted.reverse();
    counted
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

/// What the newest of those tasks that has left something under that name has left.
fn newest(file: &str, tasks: &[EventId], results: &ResultFiles) -> Result<Vec<u8>, String> {
    for task in tasks {
        match results.read(*task, file, FILE_BYTES_MAX as u64) {
            Ok(Some(bytes)) => return Ok(bytes),
            Ok(None) => {}
            Err(error) => return Err(format!("{file} cannot be read: {error}")),
        }
    }
    Err(format!(
        "no job of this run has left /keptn/results/{file}; let a job write it there, such as with \
         k6 run --summary-export=/keptn/results/{file}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(n: u8) -> EventId {
        EventId::from_bytes([n; 16])
    }

    /// Runs as lists of tasks: a number of its own and `w` for work, `v` for a verdict.
    fn runs(written: &[&str]) -> Vec<Run> {
        let task = |word: &str| {
            let (n, kind) = word.split_at(word.len() - 1);
            let kind = if kind == "w" { Kind::Work } else { Kind::Verdict };
            Triggered { id: id(n.parse().unwrap()), kind }
        };
        written.iter().map(|run| Run(run.split_whitespace().map(task).collect())).collect()
    }

    #[test]
    fn a_run_counts_by_itself_and_one_that_only_judges_by_the_newest_before_it() {
        for (written, asker, tasks) in [
            // Its own, newest first, and nothing behind it.
            (vec!["1w 2w 3v"], 3, vec![2, 1]),
            (vec!["1w 2v 3w 4v"], 2, vec![1]),
            (vec!["1w 2v 3w 4v"], 4, vec![3, 2, 1]),
            // Never another run's beside its own.
            (vec!["1w 2v", "3w 4v"], 4, vec![3]),
            (vec!["1w 2v", "3w 4v"], 2, vec![1]),
            // One that only judges is about the newest before it that did something.
            (vec!["1w 2v", "3w 4v", "5v"], 5, vec![4, 3]),
            (vec!["1w 2v", "3v", "4v"], 4, vec![2, 1]),
            (vec!["1w 2v", "3v 4v"], 4, vec![3, 2, 1]),
            (vec!["1w 2v", "3v", "4w 5v"], 3, vec![2, 1]),
            (vec!["1v"], 1, vec![]),
            // A gate that does not say who asks.
            (vec!["1w 2v", "3w 4v"], 9, vec![4, 3]),
            (vec![], 9, vec![]),
        ] {
            let tasks: Vec<_> = tasks.into_iter().map(id).collect();
            assert_eq!(counted(&runs(&written), Some(id(asker))), tasks, "{written:?} {asker}");
        }
        assert_eq!(counted(&runs(&["1w 2v"]), None), [id(2), id(1)]);
    }
}
