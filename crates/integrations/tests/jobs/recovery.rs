//! What is left when something is killed.

use std::path::Path;
use std::process::Command;

use tidegate_integrations::jobs::Ending;
use tokio::time::timeout;

use super::support::{
    DEADLINE, JOB, alive, executor, job_dir, kill, lines, shell, start_server, until, world,
    written_pid,
};

/// A script that counts its runs, and ends when something is written to the pipe `go`.
fn counted(dir: &Path) -> String {
    let made = Command::new("mkfifo").arg(dir.join("go")).status().unwrap();
    assert!(made.success());
    let dir = dir.display();
    format!("cd {dir}; echo run >> counter; echo begun; echo $$ > pid; read word < go; echo $word")
}

/// Writes to the pipe once the script reads from it.
fn release(dir: &Path) {
    std::fs::write(dir.join("go"), "done\n").unwrap();
}

/// The process id of the supervisor.
fn supervisor(dir: &Path) -> i32 {
    let started = until("the job has begun", || std::fs::read(dir.join("started.json")).ok());
    let started: serde_json::Value = serde_json::from_slice(&started).unwrap();
    started["pid"].as_i64().unwrap().try_into().unwrap()
}

#[tokio::test]
async fn a_job_outlives_its_server_and_the_next_one_reports_it_once() {
    let (dir, executor) = world();
    let script = counted(dir.path());
    let server = start_server(dir.path(), &script);
    let program = written_pid(&dir.path().join("pid"));
    server.kill();
    assert!(alive(program) && alive(supervisor(&job_dir(&dir))));

    let attached = executor.run(JOB, false, shell(&script));
    let elsewhere = self::executor(dir.path());
    let also_attached = elsewhere.find(JOB, false);
    let releasing = tokio::task::spawn_blocking({
        let dir = dir.path().to_owned();
        move || release(&dir)
    });
    let (result, found, released) = tokio::join!(attached, also_attached, releasing);
    released.unwrap();
    assert_eq!(result.ending, Ending::Exited { code: 0 });
    assert_eq!(result.log.text, "begun\ndone\n");
    assert_eq!(found.unwrap().unwrap(), result);
    assert_eq!(executor.run(JOB, false, shell(&script)).await, result);
    assert_eq!(lines(&dir.path().join("counter")), 1);
}

#[tokio::test]
async fn a_job_whose_supervisor_was_killed_is_lost_and_not_run_again() {
    let (dir, executor) = world();
    let script = counted(dir.path());
    let killing = tokio::task::spawn_blocking({
        let (job, pid) = (job_dir(&dir), dir.path().join("pid"));
        move || {
            let program = written_pid(&pid);
            until("its output is kept", || {
                (std::fs::read_to_string(job.join("out.log")).ok()? == "begun\n").then_some(())
            });
            kill(supervisor(&job));
            program
        }
    });
    let (result, program) = tokio::join!(executor.run(JOB, false, shell(&script)), killing);
    assert_eq!(result.ending, Ending::Lost);
    assert_eq!(result.log.text, "begun\n");
    assert!(result.started_at.is_some());
    assert!(!alive(program.unwrap()), "the program runs on without a supervisor");
    assert_eq!(executor.run(JOB, true, shell(&script)).await, result);
    assert_eq!(lines(&dir.path().join("counter")), 1);
}

#[tokio::test]
async fn a_lost_job_that_is_idempotent_runs_again() {
    let (dir, executor) = world();
    let script = counted(dir.path());
    let server = start_server(dir.path(), &script);
    written_pid(&dir.path().join("pid"));
    // First the server, so that it cannot report the loss.
    server.kill();
    kill(supervisor(&job_dir(&dir)));
    let releasing = tokio::task::spawn_blocking({
        let dir = dir.path().to_owned();
        move || {
            until("the second run", || (lines(&dir.join("counter")) == 2).then_some(()));
            release(&dir);
        }
    });
    let job = timeout(DEADLINE, executor.run(JOB, true, shell(&script)));
    let (result, released) = tokio::join!(job, releasing);
    released.unwrap();
    assert_eq!(result.unwrap().ending, Ending::Exited { code: 0 });
}

#[tokio::test]
async fn a_claim_without_a_start_is_started() {
    let (dir, executor) = world();
    let job = job_dir(&dir);
    // A server died while it laid out the files.
    std::fs::create_dir_all(job.join("keptn/half")).unwrap();
    std::fs::write(job.join("spec.json.new"), "{").unwrap();
    assert_eq!(executor.find(JOB, false).await.unwrap(), None);
    let result = executor.run(JOB, false, shell("ls /keptn; echo ran")).await;
    assert_eq!(result.log.text, "ran\n");
}

#[tokio::test]
async fn several_executors_run_a_job_once() {
    let (dir, one) = world();
    let script = format!("echo run >> {}", dir.path().join("counter").display());
    let runs: Vec<_> = (0..3)
        .map(|_| {
            let (other, spec) = (executor(dir.path()), shell(&script));
            tokio::spawn(async move { other.run(JOB, false, spec).await })
        })
        .collect();
    let first = one.run(JOB, false, shell(&script)).await;
    assert_eq!(first.ending, Ending::Exited { code: 0 });
    for run in runs {
        assert_eq!(run.await.unwrap(), first);
    }
    assert_eq!(lines(&dir.path().join("counter")), 1);
}
