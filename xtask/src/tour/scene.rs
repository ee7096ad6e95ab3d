//! A server and what is around it: a repository elsewhere, services that run, and who watches them.

use std::cell::RefCell;
use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result};
use serde_json::Value;
use tidegate_gitserver::{GitServer, Options};

use super::files::Files;
use super::pace::{Between, Pace};
use super::watch::{Running, Setting, Watch};
use crate::program;
use crate::server::{Server, TOKEN};
use crate::setup::TourPrograms;
use crate::workspace::Workspace;

pub(super) const PROJECT: &str = "fulltour";
pub(super) const SERVICE: &str = "helloservice";
pub(super) const STAGES: [&str; 2] = ["qa", "production"];

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
pub(super) const GIT_TOKEN: &str = "a-token-for-git";
/// How long production must be bad before somebody is told: Keptn's ten minutes are more than a tour wants to see.
const ALERT_AFTER: Duration = Duration::from_secs(60);
/// Over which time an alert looks, as in Keptn.
const ALERT_WINDOW: Duration = Duration::from_secs(180);
/// How often metrics are read, as in Keptn.
const SCRAPE_INTERVAL: Duration = Duration::from_secs(5);

pub(super) struct Scene {
    /// Where the user works; removed in the end.
    home: PathBuf,
    binary: PathBuf,
    elsewhere: Option<GitServer>,
    between: Between,
    watch: Option<Watch>,
    pub(super) programs: TourPrograms,
    pub(super) pace: Pace,
    pub(super) server: Server,
    pub(super) files: Files,
    /// The session of the Bridge.
    pub(super) cookie: String,
    /// What the user has begun since the last time that somebody asked.
    contexts: RefCell<Vec<String>>,
}

/// What a tour is taken with.
pub(super) struct Baggage {
    pub(super) programs: TourPrograms,
    pub(super) files: Files,
    pub(super) keeper: Keeper,
    pub(super) pace: Pace,
}

impl Scene {
    pub(super) fn new(workspace: &Workspace, baggage: Baggage) -> Result<Self> {
        let Baggage { programs, files, keeper, pace } = baggage;
        let home = workspace.target.join("tour");
        if home.exists() {
            fs::remove_dir_all(&home).with_context(|| format!("cannot remove {home:?}"))?;
        }
        fs::create_dir_all(&home)?;
        let binary = workspace.target.join("debug/tidegate");
        symlink(&binary, home.join("keptn"))?;
        let between = Between::new(pace)?;
        let config = home.join("tidegate.toml");
        let text = jobs(&files, &binary, &home.join("hello"), &programs.locust, pace)?
            + &measured(between.address, &home.join("watched"), pace)?;
        fs::write(&config, text)?;
        let elsewhere = match keeper {
            Keeper::Server => None,
            Keeper::Elsewhere => Some(elsewhere(&home.join("elsewhere"))?),
        };
        let server = Server::configured(&binary, &home.join("data"), Some(&config))?;
        let (cookie, contexts) = (String::new(), RefCell::default());
        Ok(Self {
            home,
            binary,
            elsewhere,
            between,
            watch: None,
            programs,
            pace,
            server,
            files,
            cookie,
            contexts,
        })
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.home.join(name)
    }

    /// What runs in a stage.
    pub(super) fn runs(&self, stage: &str) -> Result<Value> {
        let path = self.home.join(format!("hello/{stage}.json"));
        let text = fs::read(&path).with_context(|| format!("nothing runs in {stage}"))?;
        Ok(serde_json::from_slice(&text)?)
    }

    /// Where it answers.
    pub(super) fn address(&self, stage: &str) -> Result<SocketAddr> {
        Ok(self.runs(stage)?["address"].as_str().context("an address")?.parse()?)
    }

    /// Sets up a Prometheus and an Alertmanager for what was deployed.
    pub(super) fn watch(&mut self) -> Result<()> {
        let mut names = Vec::new();
        for stage in STAGES {
            names.push((format!("{SERVICE}.{PROJECT}-{stage}:80"), self.address(stage)?));
        }
        let watch = Watch::start(&Setting {
            programs: &self.programs,
            home: self.home.join("watch"),
            written: &self.home.join("watched"),
            server: self.server.address,
            names,
            pace: self.pace,
        })?;
        self.between.leads_to(watch.address());
        self.watch = Some(watch);
        Ok(())
    }

    /// Who watches.
    pub(super) fn watcher(&self) -> Result<&Watch> {
        self.watch.as_ref().context("nobody watches yet")
    }

    /// The job under which the metrics of a stage are kept.
    pub(super) fn job(stage: &str) -> String {
        format!("{SERVICE}-{PROJECT}-{stage}")
    }

    /// People who use a stage, until they are dropped.
    pub(super) fn visitors(&self, stage: &str) -> Result<Running> {
        let mut locust = Command::new(&self.programs.locust);
        locust.current_dir(&self.home).arg("-f").arg(&self.files.load.0);
        locust.args(["--headless", "--only-summary", "--users", "10", "--spawn-rate", "10"]);
        locust.arg(format!("--host=http://{}", self.address(stage)?));
        Running::start(&mut locust, &self.home.join("visitors.log"))
    }

    /// Notes what was begun.
    pub(super) fn note(&self, context: &str) {
        self.contexts.borrow_mut().push(context.to_owned());
    }

    /// What was begun since the last time that this was asked.
    pub(super) fn begun(&self) -> Vec<String> {
        self.contexts.take()
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
        self.watch = None;
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

/// Which commands stand for Helm, and for Locust within a cluster.
fn jobs(files: &Files, program: &Path, state: &Path, locust: &Path, pace: Pace) -> Result<String> {
    let (program, state, locust) = (quoted(program)?, quoted(state)?, quoted(locust)?);
    let times = pace.times();
    let mut text = String::new();
    for (image, name, words) in [
        ("alpine/helm:*", "helm", format!("{program}, {state}")),
        ("locustio/locust:*", "locust", format!("{locust}, {state}, \"{times}\"")),
    ] {
        let command = quoted(&files.stand_ins.join(name))?;
        text.push_str(&format!(
            "[[jobs.images]]\nimage = \"{image}\"\ncommands = {{ {name} = [{command}, {words}] }}\n"
        ));
    }
    Ok(text)
}

/// Which Prometheus is asked, and where it is told what to watch.
fn measured(prometheus: SocketAddr, directory: &Path, pace: Pace) -> Result<String> {
    let millis = |length: Duration| pace.of(length).as_millis();
    Ok(format!(
        "[sli.prometheus]\nendpoint = \"http://{prometheus}\"\n\
         [sli.prometheus.monitoring]\ndirectory = {}\nreload = \"http://{prometheus}/-/reload\"\n\
         scrape_interval = \"{}ms\"\nalert_window = \"{}ms\"\nalert_after = \"{}ms\"\n",
        quoted(directory)?,
        millis(SCRAPE_INTERVAL),
        millis(ALERT_WINDOW),
        millis(ALERT_AFTER),
    ))
}

/// A path of plain characters is the same text in TOML as in Rust.
fn quoted(path: &Path) -> Result<String> {
    let text = path.to_str().filter(|text| text.chars().all(|c| !c.is_control()));
    text.map(|text| format!("{text:?}")).with_context(|| format!("{} is no text", path.display()))
}
