//! What the user types and sees: `keptn`, `git`, the addresses of the stages, and the Bridge.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;

use super::scene::{GIT_TOKEN, PROJECT, SERVICE, STAGES, Scene};
use crate::bench::bridge::sign_in;
use crate::connection::Connection;
use crate::program;
use crate::server::TOKEN;

/// How long anything may take, beside what the tutorial itself waits for.
const PATIENCE: Duration = Duration::from_secs(90);
/// How long the longest of its sequences takes at its own pace.
const LONGEST: Duration = Duration::from_secs(20 * 60);
/// Between two looks at what waits.
const LOOK_AGAIN: Duration = Duration::from_millis(50);
/// The repository of the images, as in the tutorial.
const IMAGE: &str = "ghcr.io/podtato-head/podtatoserver";

impl Scene {
    /// How long something may take.
    pub(super) fn patience(&self) -> Duration {
        PATIENCE + self.pace.of(LONGEST)
    }

    /// A command of `keptn`, as it is typed; what it prints.
    pub(super) fn keptn(&self, arguments: &[&str]) -> Result<String> {
        let mut command = Command::new(self.path("keptn"));
        command.current_dir(self.path("")).args(arguments).env_remove("KUBECONFIG");
        command.env("HOME", self.path("")).env("TIDEGATE_API_TOKEN", TOKEN);
        run(&mut command)
    }

    pub(super) fn git(&self, directory: &Path, arguments: &[&str]) -> Result<String> {
        let mut command = Command::new("git");
        command.current_dir(directory);
        command.args(["-c", "user.name=Keptn", "-c", "user.email=keptn@keptn.sh"]);
        command.args(arguments).env("GIT_CONFIG_NOSYSTEM", "1");
        command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_TERMINAL_PROMPT", "0");
        run(&mut command)
    }

    /// Writes a file of the clone and pushes it.
    pub(super) fn push(&self, path: &str, content: &str, message: &str) -> Result<()> {
        let clone = self.path(PROJECT);
        let file = clone.join(path);
        std::fs::create_dir_all(file.parent().context("a directory")?)?;
        std::fs::write(file, content)?;
        self.git(&clone, &["add", path])?;
        self.git(&clone, &["commit", "-q", "-m", message])?;
        self.git(&clone, &["push", "-q"]).map(drop)
    }

    /// Adds a file by the path that it has for the user.
    pub(super) fn add(&self, place: &[&str], file: &Path, uri: &str) -> Result<()> {
        let file = format!("--resource={}", file.display());
        let (project, service) = (format!("--project={PROJECT}"), format!("--service={SERVICE}"));
        let uri = format!("--resourceUri={uri}");
        let fixed = ["add-resource", &project, &service, &file, &uri];
        self.keptn(&[&fixed[..], place].concat()).map(drop)
    }

    /// Triggers a delivery; its context.
    pub(super) fn deliver(&self, version: &str) -> Result<String> {
        self.deliver_to(version, &[])
    }

    /// The same with further words.
    pub(super) fn deliver_to(&self, version: &str, words: &[&str]) -> Result<String> {
        let (project, service) = (format!("--project={PROJECT}"), format!("--service={SERVICE}"));
        let image = format!("--image={IMAGE}:{version}");
        let labels = format!("--labels=image={IMAGE},version={version}");
        let fixed = ["trigger", "delivery", &project, &service, &image, &labels];
        self.context_of(&self.keptn(&[&fixed[..], words].concat())?)
    }

    /// Sends an event from a file; its context.
    pub(super) fn send(&self, file: &Path) -> Result<String> {
        self.context_of(&self.keptn(&["send", "event", "-f", &file.display().to_string()])?)
    }

    /// The context that a command has begun.
    fn context_of(&self, said: &str) -> Result<String> {
        let id = said.lines().find_map(|line| line.strip_prefix("ID of Keptn context: "));
        let id = id.with_context(|| format!("no context in {said:?}"))?;
        self.note(id);
        Ok(id.to_owned())
    }

    /// Events of a context, newest first, as `keptn` shows them.
    pub(super) fn events(&self, context: &str, kind: &str) -> Result<Vec<Value>> {
        let project = format!("--project={PROJECT}");
        let said = self.keptn(&["get", "event", kind, &project, "--keptn-context", context])?;
        match serde_json::from_str(&said) {
            Ok(Value::Array(events)) => Ok(events),
            Ok(event) => Ok(vec![event]),
            Err(_) => Ok(Vec::new()),
        }
    }

    /// Events as the log has them, newest first; of a context, of a type, or both.
    pub(super) fn log(&self, query: &str) -> Result<Vec<Value>> {
        let path = format!("/api/mongodb-datastore/event?pageSize=100&project={PROJECT}&{query}");
        let page = self.server.connect()?.get(&path)?;
        Ok(page["events"].as_array().context("a list of events")?.clone())
    }

    /// Waits for an event of a context.
    pub(super) fn wait(&self, context: &str, kind: &str) -> Result<Value> {
        let of = |kind: &str| format!("keptnContext={context}&type=sh.keptn.event.{kind}");
        self.until(&format!("{kind} of {context}"), || {
            if let Some(event) = self.log(&of(kind))?.into_iter().next() {
                return Ok(Some(event));
            }
            if let Some(ended) = self.log(&of("qa.delivery.finished"))?.first() {
                let result = &ended["data"]["result"];
                ensure!(result == "pass", "qa ends with {result}: {}", ended["data"]["message"]);
            }
            Ok(None)
        })
    }

    /// Waits for something.
    pub(super) fn until<T>(
        &self,
        what: &str,
        mut look: impl FnMut() -> Result<Option<T>>,
    ) -> Result<T> {
        let deadline = Instant::now() + self.patience();
        loop {
            if let Some(found) = look()? {
                return Ok(found);
            }
            ensure!(Instant::now() < deadline, "{what} does not come");
            std::thread::sleep(LOOK_AGAIN);
        }
    }

    /// Each stage answers with this version, in their order.
    pub(super) fn answers(&self, versions: [&str; 2]) -> Result<()> {
        for (stage, version) in STAGES.into_iter().zip(versions) {
            let mut client = Connection::open(self.address(stage)?)?;
            let said = client.send("GET", "/", "", "")?.text();
            let right = said.contains(version) && said.contains(stage);
            ensure!(right, "{stage} answers {said:?}, not {version}");
        }
        Ok(())
    }

    /// Signs in to the Bridge with the token.
    pub(super) fn sign_in(&mut self) -> Result<()> {
        self.cookie = sign_in(&mut self.server.connect()?)?;
        Ok(())
    }

    /// A page of the Bridge.
    pub(super) fn page(&self, path: &str) -> Result<String> {
        let headers = format!("cookie: {}\r\n", self.cookie);
        let answer = self.server.connect()?.send("GET", path, &headers, "")?;
        ensure!(answer.status == 200, "{path} is answered {}", answer.status);
        Ok(answer.text())
    }

    /// The page of a sequence shows all of these.
    pub(super) fn shows(&self, context: &str, texts: &[&str]) -> Result<()> {
        let page = self.page(&format!("/bridge/project/{PROJECT}/sequence/{context}"))?;
        for text in texts {
            ensure!(page.contains(text), "the Bridge does not show {text}");
        }
        Ok(())
    }

    /// Sends a form of the Bridge.
    pub(super) fn submit(&self, path: &str, form: &str) -> Result<()> {
        let headers = format!(
            "cookie: {}\r\ncontent-type: application/x-www-form-urlencoded\r\n",
            self.cookie
        );
        let answer = self.server.connect()?.send("POST", path, &headers, form)?;
        ensure!(answer.status == 303, "{path} is answered {}", answer.status);
        Ok(())
    }
}

fn run(command: &mut Command) -> Result<String> {
    println!("$ {}", program::display(command).replace(TOKEN, "…").replace(GIT_TOKEN, "…"));
    let output = command.stdin(Stdio::null()).output();
    let output = output.with_context(|| format!("cannot start {command:?}"))?;
    let (out, err) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    if !output.status.success() {
        let said = format!("{err}{out}");
        bail!("{} ended with {}: {}", program::display(command), output.status, said.trim_end());
    }
    Ok(out.trim_end().to_owned())
}
