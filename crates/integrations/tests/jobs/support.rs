//! An executor over a temporary directory, whose programs are shell scripts.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tidegate_core::job::PreparedTask;
use tidegate_core::names::EventId;
use tidegate_integrations::jobs::{
    ExecutorConfig, ImageMap, ImageRule, JobFile, JobId, JobSpec, ProcessExecutor, supervise,
};

/// How long anything may take that should take no time.
pub(crate) const DEADLINE: Duration = Duration::from_secs(60);

pub(crate) const JOB: JobId = JobId { event: EventId::from_bytes([7; 16]), action: 0, task: 1 };

/// The supervisor that the executors of these tests start.
#[test]
#[ignore = "started by other tests"]
fn supervisor() {
    let directory = last_argument();
    // By hand, with --ignored, there is none.
    if directory.is_dir() && supervise(&directory) != ExitCode::SUCCESS {
        std::process::exit(1);
    }
}

/// A server that runs [`JOB`] and waits for it: `script.sh` in the directory given.
#[test]
#[ignore = "started by other tests"]
fn server() {
    let directory = last_argument();
    let Ok(script) = std::fs::read_to_string(directory.join("script.sh")) else { return };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(executor(&directory).run(JOB, false, shell(&script)));
}

fn last_argument() -> PathBuf {
    PathBuf::from(std::env::args_os().next_back().unwrap())
}

/// This binary as another program.
fn ourselves(role: &str) -> Vec<OsString> {
    let binary = std::env::current_exe().unwrap().into_os_string();
    let role = format!("support::{role}").into();
    vec![binary, role, "--exact".into(), "--ignored".into(), "--nocapture".into()]
}

/// Starts [`server`] over a directory. It is killed when dropped.
pub(crate) fn start_server(directory: &Path, script: &str) -> Server {
    std::fs::write(directory.join("script.sh"), script).unwrap();
    let [program, arguments @ ..] = &*ourselves("server") else { unreachable!() };
    let mut command = Command::new(program);
    command.args(arguments).arg(directory).stdout(Stdio::null()).stderr(Stdio::null());
    Server(command.spawn().unwrap())
}

pub(crate) struct Server(Child);

impl Server {
    /// SIGKILL.
    pub(crate) fn kill(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub(crate) fn config(directory: &Path) -> ExecutorConfig {
    let texts = |list: &[&str]| list.iter().map(ToString::to_string).collect::<Vec<_>>();
    let rule = ImageRule {
        image: "shell:*".to_owned(),
        entrypoint: None,
        commands: BTreeMap::from([
            ("sh".to_owned(), texts(&["/bin/sh"])),
            ("env".to_owned(), texts(&["/usr/bin/env"])),
            ("missing".to_owned(), texts(&["/nonexistent/program"])),
        ]),
    };
    ExecutorConfig {
        directory: directory.join("jobs"),
        supervisor: ourselves("supervisor"),
        images: ImageMap::new(vec![rule]),
        output_max: 64 * 1024,
        grace: Duration::from_millis(200),
    }
}

pub(crate) fn executor(directory: &Path) -> ProcessExecutor {
    ProcessExecutor::open(config(directory)).unwrap()
}

/// An executor of its own for one test.
pub(crate) fn world() -> (TempDir, ProcessExecutor) {
    let directory = tempfile::tempdir().unwrap();
    let executor = executor(directory.path());
    (directory, executor)
}

/// The directory of [`JOB`].
pub(crate) fn job_dir(world: &TempDir) -> PathBuf {
    world.path().join("jobs").join(JOB.to_string())
}

pub(crate) fn command(cmd: &[&str], env: &[(&str, &str)], secrets: &[&str]) -> JobSpec {
    let texts = |list: &[&str]| list.iter().map(ToString::to_string).collect::<Vec<_>>();
    JobSpec {
        task: "Task".to_owned(),
        image: "shell:1".to_owned(),
        command: PreparedTask {
            cmd: texts(cmd),
            args: Vec::new(),
            env: env.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect(),
            secrets: texts(secrets),
        },
        files: Vec::new(),
        working_dir: String::new(),
        timeout: DEADLINE,
    }
}

/// A job that is a shell script.
pub(crate) fn shell(script: &str) -> JobSpec {
    command(&["sh", "-c", script], &[], &[])
}

pub(crate) fn file(path: &str, content: &str) -> JobFile {
    JobFile { path: path.to_owned(), content: content.into() }
}

/// Waits until something is there.
pub(crate) fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(start.elapsed() < DEADLINE, "waited too long until {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// The number that a script has written into a file.
pub(crate) fn written_pid(path: &Path) -> i32 {
    until("a process id is written", || {
        let text = std::fs::read_to_string(path).ok()?;
        text.strip_suffix('\n')?.trim().parse().ok()
    })
}

/// Whether a process runs, and is not merely waiting to be collected.
pub(crate) fn alive(pid: i32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(')').is_some_and(|(_, fields)| !fields.starts_with(" Z"))
}

pub(crate) fn kill(pid: i32) {
    let pid = rustix::process::Pid::from_raw(pid).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
}

/// How often a script has come to the point where it adds a line to this file.
pub(crate) fn lines(path: &Path) -> usize {
    std::fs::read_to_string(path).unwrap_or_default().lines().count()
}
