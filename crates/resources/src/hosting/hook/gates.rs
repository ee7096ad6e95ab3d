//! The files of quality gates and remediations: what no gate and no remediation could work with is refused,
//! what they do otherwise than it reads is told. Only what a push changes is looked at, so that a file that
//! came by another way does not keep everybody from pushing.

use git2::{Oid, Repository, Tree};
use tidegate_core::names::{ServiceName, StageName};
use tidegate_core::quality::{SLO_PATH, Slo, lint};
use tidegate_core::remediation::{self, REMEDIATION_PATH, Remediations};
use tidegate_core::sli::{Indicator, SliFile, http_json, prometheus, results};
use tidegate_core::yaml::{self, FILE_BYTES_MAX};

use super::saying::{Saying, deep};
use super::{HookError, OBJECT_BYTES_MAX};
use crate::layout;
use crate::tree::{self, Node, node_of};

/// A branch that moves.
pub(super) struct Change<'a> {
    pub(super) repo: &'a Repository,
    /// What it held; none where there was none.
    pub(super) old: Option<&'a Tree<'a>>,
    /// What it will hold.
    pub(super) new: &'a Tree<'a>,
    pub(super) branch: &'a str,
}

/// A file that somebody reads.
#[derive(Clone, Copy)]
enum Kind {
    Slo,
    /// Queries of a provider that has a language of its own.
    Sli,
    /// Queries for what jobs leave behind.
    Results,
    /// Queries for HTTP endpoints.
    HttpJson,
    Remediation,
}

/// Files that count for a whole project or stage.
const OF_ALL: [(&str, Kind); 3] = [
    (prometheus::SLI_PATH, Kind::Sli),
    (results::SLI_PATH, Kind::Results),
    (http_json::SLI_PATH, Kind::HttpJson),
];
/// Files in the directory of a service.
const OF_SERVICE: [(&str, Kind); 5] = [
    (SLO_PATH, Kind::Slo),
    (prometheus::SLI_PATH, Kind::Sli),
    (results::SLI_PATH, Kind::Results),
    (http_json::SLI_PATH, Kind::HttpJson),
    (REMEDIATION_PATH, Kind::Remediation),
];

/// Looks at the project's own files, and at those of its stages where they are directories.
pub(super) fn of_project(change: &Change<'_>, saying: &mut Saying) -> Result<(), HookError> {
    files(change, "", &OF_ALL, saying)?;
    let stages = format!("{}/", layout::STAGES);
    each(change, &stages, saying, |stage, saying| {
        if StageName::new(stage).is_err() {
            return Ok(());
        }
        let place = format!("{stages}{stage}/");
        files(change, &place, &OF_ALL, saying)?;
        each(change, &place, saying, |service, saying| of_service(change, &place, service, saying))
    })
}

/// Looks at the files of a stage that has this branch.
pub(super) fn of_stage(change: &Change<'_>, saying: &mut Saying) -> Result<(), HookError> {
    files(change, "", &OF_ALL, saying)?;
    each(change, "", saying, |service, saying| of_service(change, "", service, saying))
}

fn of_service(
    change: &Change<'_>,
    stage: &str,
    service: &str,
    saying: &mut Saying,
) -> Result<(), HookError> {
    match ServiceName::new(service) {
        Ok(name) => files(change, &format!("{stage}{name}/"), &OF_SERVICE, saying),
        // No service can be called so.
        Err(_) => Ok(()),
    }
}

/// Goes through the names of the directories below a place that are not as they were.
fn each(
    change: &Change<'_>,
    place: &str,
    saying: &mut Saying,
    mut look: impl FnMut(&str, &mut Saying) -> Result<(), HookError>,
) -> Result<(), HookError> {
    let Node::Directory(id) = change.now(place)? else { return Ok(()) };
    let before = match change.before(place)? {
        Node::Directory(id) => Some(change.repo.find_tree(id)?),
        _ => None,
    };
    let odb = change.repo.odb()?;
    for entry in &change.repo.find_tree(id)? {
        let (Ok(name), Node::Directory(id)) = (entry.name(), node_of(&entry)) else { continue };
        let old = before.as_ref().and_then(|before| before.get_name(name)).map(|old| old.id());
        if old == Some(id) {
            continue;
        }
        if odb.read_header(id)?.0 > OBJECT_BYTES_MAX {
            let branch = change.branch;
            saying.faults.push(format!("{place}{name}: it has too many entries (branch {branch})"));
            continue;
        }
        look(name, saying)?;
    }
    Ok(())
}

/// Looks at files below a place, which is empty or ends with `/`.
fn files(
    change: &Change<'_>,
    place: &str,
    files: &[(&str, Kind)],
    saying: &mut Saying,
) -> Result<(), HookError> {
    for (file, kind) in files {
        let path = format!("{place}{file}");
        let node = change.now(&path)?;
        if node == change.before(&path)? {
            continue;
        }
        let branch = change.branch;
        match node {
            Node::Nothing => {}
            Node::File(id) => {
                let found = read(change.repo, id, *kind)?;
                let told = |said: String| format!("{path}{said} (branch {branch})");
                saying.faults.extend(found.faults.into_iter().map(told));
                saying.warnings.extend(found.warnings.into_iter().map(told));
            }
            other => {
                let obstacle = other.obstacle();
                saying.warnings.push(format!("{path}: {obstacle} (branch {branch})"));
            }
        }
    }
    Ok(())
}

impl Change<'_> {
    fn now(&self, path: &str) -> Result<Node, HookError> {
        self.at(self.new, path)
    }

    fn before(&self, path: &str) -> Result<Node, HookError> {
        self.old.map_or(Ok(Node::Nothing), |old| self.at(old, path))
    }

    fn at(&self, root: &Tree<'_>, path: &str) -> Result<Node, HookError> {
        let segments = path.split('/').filter(|segment| !segment.is_empty());
        Ok(tree::find(self.repo, root, segments)?)
    }
}

/// What is to be said of a file, each beginning with `:`.
fn read(repo: &Repository, id: Oid, kind: Kind) -> Result<Saying, HookError> {
    let fault = |why: &str| Saying { faults: vec![format!(": {why}")], ..Saying::default() };
    if repo.odb()?.read_header(id)?.0 > FILE_BYTES_MAX {
        return Ok(fault(&format!("it is larger than {FILE_BYTES_MAX} bytes")));
    }
    let blob = repo.find_blob(id)?;
    let Ok(text) = std::str::from_utf8(blob.content()) else {
        return Ok(fault("it is not UTF-8 text"));
    };
    Ok(deep(|| judge(text, kind)).unwrap_or_else(|| fault("it cannot be read")))
}

fn judge(text: &str, kind: Kind) -> Saying {
    let mut saying = Saying::default();
    let mut fault = |error: &dyn std::fmt::Display| saying.faults.push(format!(":{error}"));
    match kind {
        Kind::Slo => match Slo::parse(text) {
            Ok(_) => saying.warnings = lint(text).iter().map(|said| format!(":{said}")).collect(),
            Err(error) => fault(&error),
        },
        Kind::Sli | Kind::Results | Kind::HttpJson => match SliFile::parse(text) {
            Ok(file) => {
                saying.warnings = match kind {
                    Kind::Results => unanswerable(&file, results::Query::parse),
                    Kind::HttpJson => unanswerable(&file, http_json::Query::parse),
                    Kind::Sli | Kind::Slo | Kind::Remediation => Vec::new(),
                };
                let told = yaml::several_documents(text);
                saying.warnings.extend(told.map(|said| format!(":{said}")));
            }
            Err(error) => fault(&error),
        },
        Kind::Remediation => match Remediations::parse(text) {
            Ok(_) => {
                let told = remediation::lint(text);
                saying.warnings = told.iter().map(|said| format!(":{said}")).collect();
            }
            Err(error) => fault(&error),
        },
    }
    saying
}

/// Queries that nobody can answer: the evaluation will be told so, indicator by indicator.
fn unanswerable<Q, E: std::fmt::Display>(
    file: &SliFile,
    parse: impl Fn(&str) -> Result<Q, E>,
) -> Vec<String> {
    let told = |indicator: &Indicator| {
        let error = parse(&indicator.query).err()?;
        Some(format!(":{}: {}: {error}", indicator.place, indicator.name))
    };
    file.indicators.iter().filter_map(told).collect()
}
