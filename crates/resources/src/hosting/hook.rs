//! What a push must not bring. Runs as a child of `git`, which holds what was pushed in quarantine:
//! nobody else can read it yet, and it is gone when this refuses.

mod gates;
mod saying;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::io::{self, BufRead, Write};
use std::path::Path;

use git2::{ErrorCode, ObjectType, Oid, Repository, Tree};
use tidegate_core::shipyard::{Shipyard, lint};

use crate::layout;
use crate::tree::{self, Node, optional};
use saying::{Saying, deep};

/// Most branches and tags of a project.
pub const REFS_MAX: usize = 10_000;
/// Largest shipyard that is read, in bytes.
const SHIPYARD_BYTES_MAX: usize = 1024 * 1024;
/// Largest commit, and largest top directory, of a branch: the server reads them whenever it reads a file.
const OBJECT_BYTES_MAX: usize = 1024 * 1024;
/// Digits of an id in full.
const ID_DIGITS: usize = 40;
/// Why a push could not be judged.
#[derive(Debug, thiserror::Error)]
pub enum HookError {
    /// The repository or what was pushed cannot be read.
    #[error("cannot read what was pushed: {0}")]
    Git(#[from] git2::Error),
    /// Git or the client has gone.
    #[error("cannot hear or answer Git: {0}")]
    Io(#[from] io::Error),
    /// Git says something else than its documentation.
    #[error("cannot make sense of what Git says: {0:?}")]
    Line(String),
}

/// One branch or tag of a push.
struct Update {
    /// Zero where nothing had this name before.
    old: Oid,
    /// Zero where nothing shall have it any more.
    new: Oid,
    name: String,
}

/// Judges a push: reads what is to change from `input`, as Git gives it to its `pre-receive` hook, and
/// writes what is wrong to `output`, which the client shows, with what nobody can have meant. True where
/// nothing is wrong.
///
/// # Errors
/// The repository cannot be read; then nothing may be accepted.
pub fn pre_receive(
    repository: &Path,
    quarantine: Option<&Path>,
    input: impl BufRead,
    mut output: impl Write,
) -> Result<bool, HookError> {
    let repo = Repository::open_bare(repository)?;
    if let Some(quarantine) = quarantine {
        repo.odb()?.add_disk_alternate(&quarantine.to_string_lossy())?;
    }
    let updates = updates(input)?;
    let mut saying = Saying::default();
    saying.faults.extend(too_many(&repo, &updates)?);
    let default = default_branch(&repo)?;
    let stages = stages(&repo, &updates, &default)?;
    for update in &updates {
        saying.faults.extend(judge(&repo, update, &default)?);
    }
    // Whoever must mend more than that is told of it first.
    if saying.faults.is_empty() {
        for update in &updates {
            gates(&repo, update, &default, stages.as_ref(), &mut saying)?;
        }
    }
    saying.write(&mut output)?;
    Ok(saying.faults.is_empty())
}

/// Lines of `<old> <new> <name>`.
fn updates(input: impl BufRead) -> Result<Vec<Update>, HookError> {
    let mut updates = Vec::new();
    for line in input.lines() {
        let line = line?;
        let mut words = line.splitn(3, ' ');
        let mut id = || {
            // libgit2 takes a part of an id for one that goes on with zeros.
            let digits = words.next().filter(|digits| digits.len() == ID_DIGITS)?;
            Oid::from_str(digits).ok()
        };
        let update = id().zip(id()).zip(words.next());
        let ((old, new), name) = update.ok_or_else(|| HookError::Line(line.clone()))?;
        updates.push(Update { old, new, name: name.to_owned() });
    }
    Ok(updates)
}

fn too_many(repo: &Repository, updates: &[Update]) -> Result<Option<String>, HookError> {
    let new = updates.iter().filter(|update| update.old.is_zero());
    let mut names: BTreeSet<String> = new.map(|update| update.name.clone()).collect();
    if names.is_empty() {
        return Ok(None);
    }
    for reference in repo.references()? {
        if let Ok(name) = reference?.name() {
            names.insert(name.to_owned());
        }
        if names.len() > REFS_MAX {
            break;
        }
    }
    let reason = format!("this project would have more than {REFS_MAX} branches and tags");
    Ok((names.len() > REFS_MAX).then_some(reason))
}

fn default_branch(repo: &Repository) -> Result<String, HookError> {
    let head = optional(repo.find_reference("HEAD"))?;
    let target = head.and_then(|head| head.symbolic_target().ok().flatten().map(str::to_owned));
    Ok(target.unwrap_or_else(|| layout::reference(layout::DEFAULT_BRANCH)))
}

fn judge(repo: &Repository, update: &Update, default: &str) -> Result<Vec<String>, HookError> {
    let Update { new, name, .. } = update;
    if !name.starts_with("refs/heads/") && !name.starts_with("refs/tags/") {
        return Ok(vec![format!("{name}: push branches and tags only")]);
    }
    if new.is_zero() {
        return Ok(vec![format!("{name} cannot be deleted: sequences may still need it")]);
    }
    if name.starts_with("refs/tags/") {
        let tag = repo.find_object(*new, None).and_then(|object| object.peel_to_commit());
        let reason = || format!("{name}: a tag must be at a commit");
        return Ok(if optional_commit(tag)? { Vec::new() } else { vec![reason()] });
    }
    let Some(commit) = commit(repo, *new)? else {
        let why = format!("a branch must be at a commit, of at most {OBJECT_BYTES_MAX} bytes");
        return Ok(vec![format!("{name}: {why}")]);
    };
    let (bytes, _) = repo.odb()?.read_header(commit.tree_id())?;
    if bytes > OBJECT_BYTES_MAX {
        return Ok(vec![format!("{name}: its top directory has too many entries")]);
    }
    match name == default {
        true => shipyard(repo, &commit.tree()?),
        false => Ok(Vec::new()),
    }
}

/// Whether something led to a commit. What is no commit is no error.
fn optional_commit(found: Result<git2::Commit<'_>, git2::Error>) -> Result<bool, HookError> {
    match found {
        Ok(_) => Ok(true),
        Err(error)
            if matches!(
                error.code(),
                ErrorCode::NotFound | ErrorCode::Peel | ErrorCode::InvalidSpec
            ) =>
        {
            Ok(false)
        }
        Err(error) => Err(error.into()),
    }
}

/// A commit that is small enough to be read again and again.
fn commit(repo: &Repository, id: Oid) -> Result<Option<git2::Commit<'_>>, HookError> {
    match optional(repo.odb()?.read_header(id))? {
        Some((bytes, ObjectType::Commit)) if bytes <= OBJECT_BYTES_MAX => {
            Ok(Some(repo.find_commit(id)?))
        }
        Some(_) | None => Ok(None),
    }
}

/// What is wrong with the files of gates and remediations that a branch of the project brings.
fn gates(
    repo: &Repository,
    update: &Update,
    default: &str,
    stages: Option<&BTreeSet<String>>,
    saying: &mut Saying,
) -> Result<(), HookError> {
    let Some(branch) = update.name.strip_prefix("refs/heads/") else { return Ok(()) };
    let is_default = update.name == default;
    // Without a shipyard that can be read, any branch may be a stage's.
    if !is_default && stages.is_some_and(|stages| !stages.contains(branch)) {
        return Ok(());
    }
    let (old, new) = (tree_of(repo, update.old)?, tree_of(repo, update.new)?);
    let Some(new) = new else { return Ok(()) };
    let change = gates::Change { repo, old: old.as_ref(), new: &new, branch };
    if is_default { gates::of_project(&change, saying) } else { gates::of_stage(&change, saying) }
}

/// What a branch holds at a commit; none where there is none, or one that is not to be read.
fn tree_of(repo: &Repository, id: Oid) -> Result<Option<Tree<'_>>, HookError> {
    if id.is_zero() {
        return Ok(None);
    }
    Ok(commit(repo, id)?.map(|commit| commit.tree()).transpose()?)
}

/// The stages of the shipyard as it is after the push; none where it cannot be read.
fn stages(
    repo: &Repository,
    updates: &[Update],
    default: &str,
) -> Result<Option<BTreeSet<String>>, HookError> {
    let pushed = updates.iter().find(|update| update.name == default);
    let tip = match pushed {
        Some(update) => Some(update.new),
        None => optional(repo.refname_to_id(default))?,
    };
    let Some(root) = tip.map(|tip| tree_of(repo, tip)).transpose()?.flatten() else {
        return Ok(None);
    };
    let Node::File(id) = tree::find(repo, &root, [layout::SHIPYARD].into_iter())? else {
        return Ok(None);
    };
    if repo.odb()?.read_header(id)?.0 > SHIPYARD_BYTES_MAX {
        return Ok(None);
    }
    let blob = repo.find_blob(id)?;
    let Ok(text) = std::str::from_utf8(blob.content()) else { return Ok(None) };
    let shipyard = deep(|| Shipyard::parse(text).ok()).flatten();
    let names = |shipyard: Shipyard| {
        shipyard.stages.into_iter().map(|stage| stage.name.as_str().to_owned()).collect()
    };
    Ok(shipyard.map(names))
}

/// What is wrong with the shipyard of the default branch.
fn shipyard(repo: &Repository, root: &Tree<'_>) -> Result<Vec<String>, HookError> {
    let file = layout::SHIPYARD;
    let one = |why: &str| Ok(vec![format!("{file}: {why}")]);
    let id = match tree::find(repo, root, [file].into_iter())? {
        Node::File(id) => id,
        other => {
            return match other {
                Node::Nothing => one("it is missing, and no sequence could run"),
                other => one(&other.obstacle().to_string()),
            };
        }
    };
    let (bytes, _) = repo.odb()?.read_header(id)?;
    if bytes > SHIPYARD_BYTES_MAX {
        return one(&format!("it is larger than {SHIPYARD_BYTES_MAX} bytes"));
    }
    let blob = repo.find_blob(id)?;
    let Ok(text) = std::str::from_utf8(blob.content()) else {
        return one("it is not UTF-8 text");
    };
    Ok(faults(text).into_iter().map(|fault| format!("{file}:{fault}")).collect())
}

/// Reads a shipyard. What would be run as in Keptn is refused where nobody can have meant it: whoever pushes
/// can mend it.
fn faults(text: &str) -> Vec<String> {
    let read = || match Shipyard::parse(text) {
        Ok(_) => lint(text).iter().map(ToString::to_string).collect(),
        Err(error) => vec![error.to_string()],
    };
    deep(read).unwrap_or_else(|| vec![" it cannot be read".to_owned()])
}
