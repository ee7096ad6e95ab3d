//! A server, a user with `keptn` and `git`, and what the user sees.

use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;
use tidegate_gitserver::{GitServer, Options};

use super::files::Files;
use crate::bench::bridge::sign_in;
use crate::connection::Connection;
use crate::program;
use crate::server::{Server, TOKEN};
use crate::workspace::Workspace;

pub(super) const PROJECT: &str = "fulltour";
pub(super) const SERVICE: &str = "helloservice";
/// How long a delivery may take.
const PATIENCE: Duration = Duration::from_secs(120);
/// Between two looks at what waits.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// Who keeps the files of the project.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keeper {
    /// The server itself.
    Server,
    /// A repository elsewhere, as in the tutorial.
    Elsewhere,
}

/// Who the user is there.
const USER: &str = "octocat";
const GIT_TOKEN: &str = "a-token-for-git";

pub(super) struct Scene {
    /// Where the user works; removed in the end.
    home: PathBuf,
    binary: PathBuf,
    elsewhere: Option<GitServer>,
    pub(super) server: Server,
    pub(super) files: Files,
    /// The session of the Bridge.
    pub(super) cookie: String,
}

impl Scene {
    pub(super) fn new(workspace: &Workspace, files: Files, keeper: Keeper) -> Result<Self> {
        let home = workspace.target.join("tour");
        if home.exists() {
            fs::remove_dir_all(&home).with_context(|| format!("cannot remove {home:?}"))?;
        }
        fs::create_dir_all(&home)?;
        let binary = workspace.target.join("debug/tidegate");
        symlink(&binary, home.join("keptn"))?;
        let config = home.join("tidegate.toml");
        fs::write(&config, configuration(&files, &binary, &home.join("hello"))?)?;
        let elsewhere = match keeper {
            Keeper::Server => None,
            Keeper::Elsewhere => Some(elsewhere(&home.join("elsewhere"))?),
        };
        let server = Server::configured(&binary, &home.join("data"), Some(&config))?;
        Ok(Self { home, binary, elsewhere, server, files, cookie: String::new() })
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.home.join(name)
    }

    /// A command of `keptn`, as it is typed; what it prints.
    pub(super) fn keptn(&self, arguments: &[&str]) -> Result<String> {
        let mut command = Command::new(self.path("keptn"));
        command.current_dir(&self.home).args(arguments).env_remove("KUBECONFIG");
        command.env("HOME", &self.home).env("TIDEGATE_API_TOKEN", TOKEN);
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
        let image = "ghcr.io/podtato-head/podtatoserver";
        let said = self.keptn(&[
            "trigger",
            "delivery",
            &format!("--project={PROJECT}"),
            &format!("--service={SERVICE}"),
            &format!("--image={image}:{version}"),
            &format!("--labels=image={image},version={version}"),
        ])?;
        let id = said.lines().find_map(|line| line.strip_prefix("ID of Keptn context: "));
        id.map(str::to_owned).with_context(|| format!("no context in {said:?}"))
    }

    /// Events of a delivery, newest first.
    pub(super) fn events(&self, context: &str, kind: &str) -> Result<Vec<Value>> {
        let project = format!("--project={PROJECT}");
        let said = self.keptn(&["get", "event", kind, &project, "--keptn-context", context])?;
        match serde_json::from_str(&said) {
            Ok(Value::Array(events)) => Ok(events),
            Ok(event) => Ok(vec![event]),
            Err(_) => Ok(Vec::new()),
        }
    }

    /// Waits for an event of a delivery.
    pub(super) fn wait(&self, context: &str, kind: &str) -> Result<Value> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(event) = self.events(context, kind)?.into_iter().next() {
                return Ok(event);
            }
            if let Some(ended) = self.events(context, "qa.delivery.finished")?.first() {
                let result = &ended["data"]["result"];
                ensure!(result == "pass", "qa ends with {result}: {}", ended["data"]["message"]);
            }
            ensure!(Instant::now() < deadline, "{kind} of {context} does not come");
            std::thread::sleep(LOOK_AGAIN);
        }
    }

    /// What answers at the address of each stage that a delivery has deployed to.
    pub(super) fn answers(&self, context: &str) -> Result<Vec<String>> {
        let mut answers = Vec::new();
        for event in self.events(context, "deployment.finished")? {
            let message = event["data"]["message"].as_str().unwrap_or_default();
            let address = message.split("http://").nth(1).and_then(|rest| rest.split('/').next());
            let address: SocketAddr =
                address.with_context(|| format!("no address in {message:?}"))?.parse()?;
            let mut client = Connection::open(address)?;
            answers.push(client.send("GET", "/", "", "")?.text());
        }
        Ok(answers)
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

    /// What the user says of the repository when the project is created.
    pub(super) fn git_flags(&self) -> Vec<String> {
        let Some(elsewhere) = &self.elsewhere else { return Vec::new() };
        vec![
            format!("--git-remote-url={}", elsewhere.url(PROJECT)),
            format!("--git-user={USER}"),
            format!("--git-token={GIT_TOKEN}"),
        ]
    }

    /// The address of the project's repository, for the user.
    pub(super) fn repository(&self) -> String {
        match &self.elsewhere {
            None => format!("http://x:{TOKEN}@{}/git/{PROJECT}.git", self.server.address),
            Some(elsewhere) => {
                let url = elsewhere.url(PROJECT);
                url.replace("http://", &format!("http://{USER}:{GIT_TOKEN}@"))
            }
        }
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        // The hello services outlive jobs and server.
        let mut stop = Command::new(&self.binary);
        stop.args(["hello", "stop", "--state"]).arg(self.home.join("hello"));
        program::succeeds(&mut stop);
        drop(fs::remove_dir_all(&self.home));
    }
}

/// A server with an empty repository for the project.
fn elsewhere(root: &Path) -> Result<GitServer> {
    fs::create_dir_all(root)?;
    let token = Some((USER.to_owned(), GIT_TOKEN.to_owned()));
    let server = GitServer::start(root, Options { token, ..Options::default() })?;
    server.make(PROJECT, "main");
    Ok(server)
}

/// Which commands stand for Helm and Locust.
fn configuration(files: &Files, program: &Path, state: &Path) -> Result<String> {
    let quoted = |path: &Path| {
        // A path of plain characters is the same text in TOML as in Rust.
        let text = path.to_str().filter(|text| text.chars().all(|c| !c.is_control()));
        text.map(|text| format!("{text:?}"))
            .with_context(|| format!("{} is no text", path.display()))
    };
    let (program, state) = (quoted(program)?, quoted(state)?);
    let mut text = String::new();
    for (image, name) in [("alpine/helm:*", "helm"), ("locustio/locust:*", "locust")] {
        let command = quoted(&files.stand_ins.join(name))?;
        text.push_str(&format!(
            "[[jobs.images]]\nimage = \"{image}\"\n\
             commands = {{ {name} = [{command}, {program}, {state}] }}\n"
        ));
    }
    Ok(text)
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
