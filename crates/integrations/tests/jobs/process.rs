//! What the program of a job meets, and how it ends.

use std::os::unix::fs::PermissionsExt as _;
use std::time::{Duration, Instant};

use tidegate_integrations::jobs::{Ending, ExecutorConfig, JobId, ProcessExecutor};
use tokio::time::timeout;

use super::support::{
    DEADLINE, JOB, alive, command, config, executor, file, job_dir, kill, shell, world, written_pid,
};

#[tokio::test]
async fn the_program_meets_its_own_variables_and_no_others() {
    let (dir, executor) = world();
    let spec = command(&["env"], &[("A", "1"), ("FILE", "--x=/keptn/f")], &[]);
    let result = executor.run(JOB, false, spec).await;
    assert_eq!(result.ending, Ending::Exited { code: 0 });
    let job = job_dir(&dir).canonicalize().unwrap();
    let mut lines: Vec<&str> = result.log.text.lines().collect();
    lines.sort_unstable();
    let job = job.display();
    let expected = [
        "A=1".to_owned(),
        format!("FILE=--x={job}/keptn/f"),
        format!("HOME={job}/home"),
        "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin".to_owned(),
        format!("TMPDIR={job}/tmp"),
    ];
    assert_eq!(lines, expected);
}

#[tokio::test]
async fn the_program_finds_its_files_and_leaves_none() {
    let (dir, executor) = world();
    let mut spec = shell("cat /keptn/charts/v.yaml b; touch $HOME/h $TMPDIR/t && stat -c %a .");
    spec.files = vec![file("charts/v.yaml", "one\n"), file("b", "two\n")];
    let result = executor.run(JOB, false, spec).await;
    assert_eq!(result.log.text, "one\ntwo\n700\n");
    let job = job_dir(&dir);
    assert_eq!(job.metadata().unwrap().permissions().mode() & 0o777, 0o700);
    for gone in ["keptn", "home", "tmp"] {
        assert!(!job.join(gone).exists(), "{gone}");
    }
}

#[tokio::test]
async fn exit_code_signal_and_both_outputs_are_reported() {
    let (_dir, executor) = world();
    let result = executor.run(JOB, false, shell("echo out; echo err >&2; exit 3")).await;
    assert_eq!(result.ending, Ending::Exited { code: 3 });
    assert_eq!(result.log.text, "out\nerr\n");
    assert!(result.started_at.unwrap() <= result.ended_at);
    let (_dir, executor) = world();
    let result = executor.run(JOB, false, shell("kill -KILL $$")).await;
    assert_eq!(result.ending, Ending::Signalled { signal: 9 });
}

#[tokio::test]
async fn what_cannot_start_says_why() {
    let (_dir, executor) = world();
    let Ending::NotStarted { reason } =
        executor.run(JOB, false, command(&["missing"], &[], &[])).await.ending
    else {
        panic!("it started")
    };
    assert!(reason.contains("/nonexistent/program: No such file"), "{reason}");

    let (_dir, executor) = world();
    let mut spec = shell("true");
    spec.working_dir = "/keptn/nowhere".into();
    let Ending::NotStarted { reason } = executor.run(JOB, false, spec).await.ending else {
        panic!("it started")
    };
    assert!(reason.contains("keptn/nowhere does not exist"), "{reason}");
}

#[tokio::test]
async fn an_image_without_a_local_command_is_refused() {
    let (dir, executor) = world();
    let mut spec = shell("true");
    spec.image = "alpine/helm:3.7.2".into();
    let Ending::Refused { reason } = executor.run(JOB, false, spec).await.ending else {
        panic!("it was not refused")
    };
    assert!(reason.contains("image = \"alpine/helm:*\""), "{reason}");
    assert!(!job_dir(&dir).exists());
}

#[tokio::test]
async fn a_program_that_takes_too_long_is_stopped_with_all_it_has_started() {
    let (dir, executor) = world();
    let file = dir.path().join("pid");
    let mut spec = shell(&format!(
        "trap '' TERM; echo begun; sleep 1000 & echo $! > {}; wait; while :; do sleep 1; done",
        file.display()
    ));
    spec.timeout = Duration::from_millis(300);
    let begin = Instant::now();
    let result = executor.run(JOB, false, spec).await;
    assert_eq!(result.ending, Ending::TimedOut { after_s: 0 });
    assert_eq!(result.log.text, "begun\n");
    assert!(begin.elapsed() < DEADLINE);
    assert!(!alive(written_pid(&file)));
}

#[tokio::test]
async fn a_program_that_never_stops_talking_is_stopped_too() {
    let (_dir, executor) = world();
    let mut spec = shell("exec yes");
    spec.timeout = Duration::from_millis(300);
    let result = executor.run(JOB, false, spec).await;
    assert_eq!(result.ending, Ending::TimedOut { after_s: 0 });
    assert!(result.log.dropped_bytes > 0 && result.log.text.len() <= 64 * 1024);
}

#[tokio::test]
async fn a_service_that_leaves_the_session_outlives_its_deployment() {
    let (dir, executor) = world();
    let file = dir.path().join("pid");
    // It keeps the output open, too.
    let script = format!(
        "setsid sh -c 'echo $$ > {0}; exec sleep 1000' & until test -s {0}; do :; done; echo up",
        file.display()
    );
    let result = timeout(DEADLINE, executor.run(JOB, false, shell(&script))).await.unwrap();
    let service = written_pid(&file);
    let survived = alive(service);
    kill(service);
    assert_eq!((result.ending, result.log.text.as_str()), (Ending::Exited { code: 0 }, "up\n"));
    assert!(survived);
}

#[tokio::test]
async fn of_much_output_the_newest_is_kept() {
    let (dir, executor) = world();
    let result = executor.run(JOB, false, shell("seq 1 200000; echo end >&2")).await;
    let text = &result.log.text;
    assert!(text.ends_with("199999\n200000\nend\n"), "{}", text.len());
    assert!(text.len() <= 64 * 1024);
    assert_eq!(result.log.dropped_bytes as usize + text.len(), 1_288_895 + 4);
    let kept = std::fs::metadata(job_dir(&dir).join("out.log")).unwrap().len();
    assert!(kept < 64 * 1024 + 100, "{kept}");
}

#[tokio::test]
async fn secrets_reach_the_program_and_nothing_else() {
    let (dir, executor) = world();
    let script = "printf hun; printf ter2; echo; echo \"$TOKEN $0\"; env; \
                  test $TOKEN = hunter2 && echo known; cat ../*.json";
    let spec = command(
        &["sh", "-c", script, "arg-hunter2"],
        &[("TOKEN", "hunter2"), ("AUTH", "Bearer hunter2")],
        &["hunter2"],
    );
    let result = executor.run(JOB, false, spec).await;
    assert!(result.log.text.starts_with("***\n*** arg-***\n"), "{}", result.log.text);
    assert!(result.log.text.contains("known\n"), "{}", result.log.text);
    let mut files = 0;
    for entry in std::fs::read_dir(job_dir(&dir)).unwrap() {
        let path = entry.unwrap().path();
        let content = std::fs::read(&path).unwrap();
        let found = content.windows(7).any(|window| window == b"hunter2");
        assert!(!found, "{}", path.display());
        files += 1;
    }
    assert!(files >= 5, "{files}");
}

#[tokio::test]
async fn an_abort_stops_the_program_and_is_reported() {
    let (_dir, executor) = world();
    let mut log = executor.follow_log(JOB.event).unwrap();
    let script = "trap 'echo stopping; exit 0' TERM; echo ready; sleep 1000 & wait";
    let job = executor.run(JOB, false, shell(script));
    let abort = async {
        let ready = async { while log.changed().await.unwrap().text != "ready\n" {} };
        timeout(DEADLINE, ready).await.unwrap();
        assert!(executor.log_tail(JOB.event).unwrap().unwrap().running);
        executor.cancel(JOB.event).unwrap();
        let ended = async { while log.changed().await.unwrap().running {} };
        timeout(DEADLINE, ended).await.unwrap();
    };
    let (result, ()) = tokio::join!(job, abort);
    assert_eq!(result.ending, Ending::Aborted);
    assert_eq!(result.log.text, "ready\nstopping\n");
    assert!(!executor.log_tail(JOB.event).unwrap().unwrap().running);
}

#[tokio::test]
async fn what_was_aborted_before_it_began_does_not_begin() {
    let (dir, executor) = world();
    executor.cancel(JOB.event).unwrap();
    let mark = dir.path().join("mark");
    let script = format!("touch {}", mark.display());
    let result = executor.run(JOB, false, shell(&script)).await;
    assert_eq!(result.ending, Ending::Aborted);
    assert!(!mark.exists());
}

#[tokio::test]
async fn a_supervisor_that_does_not_begin_is_reported_once_and_for_all() {
    let (dir, _) = world();
    let broken = ["/bin/sh", "-c", "echo no supervisor today; exit 1"];
    let crippled = ProcessExecutor::open(ExecutorConfig {
        supervisor: broken.map(Into::into).into(),
        ..config(dir.path())
    });
    let result = crippled.unwrap().run(JOB, false, shell("true")).await;
    let Ending::NotStarted { reason } = &result.ending else { panic!("{result:?}") };
    assert!(reason.contains("no supervisor today"), "{reason}");
    let healthy = executor(dir.path());
    assert_eq!(healthy.run(JOB, false, shell("true")).await.ending, result.ending);
}

#[tokio::test]
async fn logs_of_all_jobs_of_an_event_are_read_together_and_forgotten_together() {
    let (dir, executor) = world();
    assert_eq!(executor.log_tail(JOB.event).unwrap(), None);
    executor.run(JOB, false, shell("echo one")).await;
    let second = JobId { task: 2, ..JOB };
    executor.run(second, false, shell("echo two")).await;
    let log = executor.log_tail(JOB.event).unwrap().unwrap();
    assert_eq!(log.text, "Task 'Task':\none\n\nTask 'Task':\ntwo\n");
    executor.forget(JOB.event).unwrap();
    assert_eq!(std::fs::read_dir(dir.path().join("jobs")).unwrap().count(), 0);
}
