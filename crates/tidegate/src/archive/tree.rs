//! Directories of files that belong to their owner only, and are on stable storage when they are done.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;

use anyhow::{Context as _, bail};

use super::sums::{self, Sums};

/// How much something is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Size {
    pub(crate) files: u64,
    pub(crate) bytes: u64,
}

impl Size {
    pub(super) fn add(&mut self, bytes: u64) {
        self.files += 1;
        self.bytes += bytes;
    }
}

impl std::fmt::Display for Size {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mib = self.bytes as f64 / (1024.0 * 1024.0);
        write!(f, "{} files, {mib:.1} MiB", self.files)
    }
}

/// Makes one directory, which must not be there.
pub(crate) fn private_dir(path: &Path) -> io::Result<()> {
    DirBuilder::new().mode(0o700).create(path)
}

/// Makes a file that must not be there.
pub(crate) fn write_new(path: &Path, content: &[u8]) -> anyhow::Result<()> {
    let shown = path.display();
    new_file(path)
        .and_then(|mut file| {
            file.write_all(content)?;
            file.sync_all()
        })
        .with_context(|| format!("cannot write {shown}"))
}

fn new_file(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

/// Makes the names in a directory durable.
pub(crate) fn sync_dir(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// Makes everything below a directory durable, files before the directories that name them.
pub(crate) fn sync_tree(root: &Path) -> anyhow::Result<()> {
    walk(root, "", &mut |path, kind| {
        let whole = root.join(path);
        match kind {
            Kind::File | Kind::DirectoryEnd => {
                sync_dir(&whole).with_context(|| format!("cannot sync {}", whole.display()))
            }
            Kind::Directory => Ok(()),
        }
    })?;
    sync_dir(root).with_context(|| format!("cannot sync {}", root.display()))
}

/// The paths of all files below a directory, sorted.
pub(super) fn files(root: &Path) -> anyhow::Result<Vec<String>> {
    let mut files = Vec::new();
    walk(root, "", &mut |path, kind| {
        if kind == Kind::File {
            files.push(path.to_owned());
        }
        Ok(())
    })?;
    files.sort();
    Ok(files)
}

/// Copies a backup, comparing each file with its digest; what is in no list, and what is missing from
/// it, is refused. `left_out` are files that are checked and not copied.
pub(crate) fn copy_checked(
    backup: &Path,
    sums: &Sums,
    left_out: &[&str],
    to: &Path,
) -> anyhow::Result<Size> {
    let mut missing: std::collections::BTreeSet<&str> = sums.0.keys().map(String::as_str).collect();
    let mut size = Size::default();
    walk(backup, "", &mut |path, kind| {
        let (from, target) = (backup.join(path), to.join(path));
        let shown = from.display();
        match kind {
            Kind::Directory => {
                return private_dir(&target)
                    .with_context(|| format!("cannot make {}", target.display()));
            }
            Kind::DirectoryEnd => return Ok(()),
            Kind::File if path == sums::FILE => return Ok(()),
            Kind::File => {}
        }
        let Some(expected) = sums.0.get(path) else {
            bail!("{shown} is not part of the backup: {} does not name it", sums::FILE);
        };
        missing.remove(path);
        let mut source = File::open(&from).with_context(|| format!("cannot read {shown}"))?;
        let copied = if left_out.contains(&path) {
            sums::digest(&mut source, &mut io::sink())
        } else {
            new_file(&target).and_then(|mut made| {
                let copied = sums::digest(&mut source, &mut made)?;
                made.sync_all()?;
                size.add(copied.1);
                Ok(copied)
            })
        };
        let (found, _) = copied.with_context(|| format!("cannot copy {shown}"))?;
        if found != *expected {
            bail!("{shown} is damaged: its SHA-256 is not the one in {}", sums::FILE);
        }
        Ok(())
    })?;
    match missing.first() {
        None => Ok(size),
        Some(path) => bail!("{} is missing from the backup", backup.join(path).display()),
    }
}

/// What is met on a walk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    File,
    Directory,
    /// Behind everything in it.
    DirectoryEnd,
}

/// Goes through everything below `root`, in the order of names. Nothing of ours is a link or a device.
fn walk(
    root: &Path,
    below: &str,
    met: &mut dyn FnMut(&str, Kind) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let directory = root.join(below);
    let shown = directory.display();
    let entries = fs::read_dir(&directory).with_context(|| format!("cannot read {shown}"))?;
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.with_context(|| format!("cannot read {shown}"))?;
        let kind = entry.file_type().with_context(|| format!("cannot read {shown}"))?;
        match entry.file_name().into_string() {
            Ok(name) if !name.contains(['\n', '\\']) => names.push((name, kind)),
            _ => bail!("{} has a name that no file of Tidegate has", entry.path().display()),
        }
    }
    names.sort_by(|a, b| a.0.cmp(&b.0));
    for (name, kind) in names {
        let path = if below.is_empty() { name } else { format!("{below}/{name}") };
        if kind.is_dir() {
            met(&path, Kind::Directory)?;
            walk(root, &path, met)?;
            met(&path, Kind::DirectoryEnd)?;
        } else if kind.is_file() {
            met(&path, Kind::File)?;
        } else {
            bail!("{} is neither a file nor a directory", root.join(&path).display());
        }
    }
    Ok(())
}
