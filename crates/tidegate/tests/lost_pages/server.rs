//! A server on a disk that loses what was not synced, with jobs, and a project to work on.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::rig::Rig;
use crate::support::{TOKEN, listens};

/// Deployments are jobs whose program leaves a line, outside of the disk, each time that it runs.
const JOBS: &str = r#"
apiVersion: v2
actions:
  - name: "Count"
    events: [{name: "sh.keptn.event.deployment.triggered"}]
    tasks:
      - name: "Count"
        image: "shell:1"
        cmd: ["sh"]
        args: ["-c", "echo \"$ID\" >> RUNS; echo counted \"$ID\""]
        env: [{name: ID, value: "$.id", valueFrom: event}]
"#;

/// `tidegate serve`, watched. Killed when dropped, with all that it started.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: SocketAddr,
}

impl Server {
    /// Starts it; the error is what it said where it does not start.
    pub(crate) fn start(rig: &Rig) -> Result<Self, String> {
        let config = rig.outside("tidegate.toml");
        let images = "[[jobs.images]]\nimage = \"shell:*\"\ncommands = { sh = [\"/bin/sh\"] }\n";
        fs::write(&config, images).expect("there is room");
        let said = rig.outside("stderr");
        let mut command = Command::new(env!("CARGO_BIN_EXE_tidegate"));
        command
            .args(["serve", "--listen", "127.0.0.1:0", "--data-dir"])
            .arg(data(rig))
            .arg("--config")
            .arg(config)
            .env("TIDEGATE_API_TOKEN", TOKEN)
            .env("TIDEGATE_LOG", "error")
            .stdout(Stdio::piped())
            .stderr(File::create(&said).expect("there is room"));
        let mut child = rig.watch(&mut command).spawn().expect("the binary starts");
        match listens(&mut child) {
            Some(address) => Ok(Self { child, address }),
            None => {
                let status = child.wait().expect("it is ours");
                Err(format!("{status}: {}", fs::read_to_string(said).unwrap_or_default()))
            }
        }
    }

    /// How it ended, if it has.
    pub(crate) fn ended(&mut self) -> Option<Option<i32>> {
        self.child.try_wait().expect("it is ours").map(|status| status.code())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// The data directory. It is made by the server itself: this, too, must be durable.
pub(crate) fn data(rig: &Rig) -> PathBuf {
    rig.disk().join("data")
}

/// The repository of a project.
pub(crate) fn repository(rig: &Rig, project: &str) -> PathBuf {
    data(rig).join("git").join(format!("{project}.git"))
}

/// One line for each time that a job's program ran.
pub(crate) fn runs(rig: &Rig) -> PathBuf {
    rig.outside("runs")
}

/// Lets the deployments of project `tour` be jobs, in both stages. No server runs.
pub(crate) fn install_jobs(rig: &Rig) {
    let work = rig.outside("work");
    let config = JOBS.replace("RUNS", runs(rig).to_str().expect("a plain path"));
    let url = repository(rig, "tour");
    git(rig.outside("").as_path(), &["clone", "-q", url.to_str().expect("a plain path"), "work"]);
    for stage in ["qa", "production"] {
        git(&work, &["switch", "-q", stage]);
        fs::create_dir_all(work.join("job")).expect("there is room");
        fs::write(work.join("job/config.yaml"), &config).expect("there is room");
        git(&work, &["add", "."]);
        git(&work, &["commit", "-q", "-m", "Count deployments"]);
        git(&work, &["push", "-q", "origin", stage]);
    }
}

fn git(directory: &Path, arguments: &[&str]) {
    let identity = ["-c", "user.name=ada", "-c", "user.email=ada@example.com"];
    let mut command = Command::new("git");
    let output = command.current_dir(directory).args(identity).args(arguments).output();
    let output = output.expect("git is there");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
