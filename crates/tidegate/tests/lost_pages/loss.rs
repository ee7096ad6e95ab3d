//! What a loss of power leaves.

use std::collections::{HashMap, HashSet};
use std::ffi::OsStr;
use std::fmt;
use std::fs::{self, Metadata, Permissions};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use crate::disk::{Body, Change, Contents, Disk, Entries, Names, Node, ROOT, Renaming};
use crate::support::Dice;

/// What a disk writes as a whole, in bytes.
const SECTOR: usize = 512;

/// How a disk treats what it was given and not yet asked to keep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manner {
    /// All of it is gone.
    Gone,
    /// All but the beginning of one write.
    OneTorn,
    /// Some of it is there, in whatever order it was written, and some of it in part. Only within a
    /// sector is there an order: what a disk holds of it is what it was at one time.
    SomeKept,
}

impl Manner {
    pub(crate) fn choose(dice: &mut Dice) -> Self {
        [Self::Gone, Self::OneTorn, Self::SomeKept][dice.below(3)]
    }
}

/// One loss: the contents and names that are there afterwards, by node.
pub(crate) struct Loss {
    manner: Manner,
    lost: usize,
    kept: usize,
    torn: usize,
    contents: HashMap<usize, Vec<u8>>,
    names: HashMap<usize, Names>,
}

impl Loss {
    /// Works out what a disk leaves that behaves in this manner.
    pub(crate) fn of(disk: &Disk, manner: Manner, dice: &mut Dice) -> Self {
        let (contents, names) = (HashMap::new(), HashMap::new());
        let mut loss = Self { manner, lost: 0, kept: 0, torn: 0, contents, names };
        let torn = (manner == Manner::OneTorn).then(|| one_write(disk, dice)).flatten();
        let arrived = loss.arrivals(disk, dice);
        for (node, found) in disk.nodes.iter().enumerate() {
            match &found.body {
                Body::Link(_) => {}
                Body::File(contents) => {
                    let torn = torn.filter(|(file, _)| *file == node).map(|(_, write)| write);
                    let left = loss.file(contents, torn, dice);
                    loss.contents.insert(node, left);
                }
                Body::Directory(entries) => {
                    let left = loss.directory(entries, &arrived, dice);
                    loss.names.insert(node, left);
                }
            }
        }
        loss
    }

    /// Moves between directories of which the disk has the new name.
    fn arrivals(&self, disk: &Disk, dice: &mut Dice) -> HashSet<u64> {
        let mut arrived = disk.arrived.clone();
        for node in &disk.nodes {
            let Body::Directory(entries) = &node.body else { continue };
            for renaming in &entries.pending {
                if let Renaming::Arrive(_, _, number) = renaming
                    && self.keeps(dice)
                {
                    arrived.insert(*number);
                }
            }
        }
        arrived
    }

    fn keeps(&self, dice: &mut Dice) -> bool {
        self.manner == Manner::SomeKept && dice.below(2) == 0
    }

    fn file(&mut self, file: &Contents, torn: Option<usize>, dice: &mut Dice) -> Vec<u8> {
        let mut content = file.durable.clone();
        let mut stale = HashSet::new();
        for (index, change) in file.pending.iter().enumerate() {
            let kept =
                if torn == Some(index) || (self.manner == Manner::SomeKept && dice.below(4) == 0) {
                    beginning(change, dice).inspect(|_| self.torn += 1)
                } else {
                    self.keeps(dice).then(|| change.clone()).inspect(|_| self.kept += 1)
                };
            self.lost += usize::from(kept.is_none());
            leave(change, kept.as_ref(), &mut stale, &mut content);
        }
        content
    }

    fn directory(&mut self, directory: &Entries, arrived: &HashSet<u64>, dice: &mut Dice) -> Names {
        let mut names = directory.durable.clone();
        for renaming in &directory.pending {
            let kept = match renaming {
                Renaming::Arrive(_, _, number) => arrived.contains(number),
                Renaming::Depart(_, number) => arrived.contains(number) && self.keeps(dice),
                _ => self.keeps(dice),
            };
            if kept {
                renaming.apply(&mut names);
                self.kept += 1;
            } else {
                self.lost += 1;
            }
        }
        names
    }

    /// Makes of a directory what is left. What is as it was is not touched: a disk may hold thousands
    /// of small files.
    pub(crate) fn leave(&self, disk: &Disk, directory: &Path) {
        self.leave_names(ROOT, disk, directory, &mut HashMap::new());
    }

    fn leave_names(
        &self,
        directory: usize,
        disk: &Disk,
        path: &Path,
        left: &mut HashMap<usize, PathBuf>,
    ) {
        let names = &self.names[&directory];
        for entry in fs::read_dir(path).expect("it is there") {
            let entry = entry.expect("it is there");
            if !names.contains_key(entry.file_name().as_bytes()) {
                remove(&entry.path());
            }
        }
        for (name, node) in names {
            let path = path.join(OsStr::from_bytes(name));
            match left.get(node) {
                None => {
                    left.insert(*node, path.clone());
                    self.leave_node(*node, disk, &path, left);
                }
                // A directory has one name, unless it was about to move.
                Some(other) if other.is_dir() => remove(&path),
                Some(other) => {
                    remove(&path);
                    fs::hard_link(other, &path).expect("it can be linked");
                }
            }
        }
    }

    fn leave_node(
        &self,
        node: usize,
        disk: &Disk,
        path: &Path,
        left: &mut HashMap<usize, PathBuf>,
    ) {
        let found = fs::symlink_metadata(path).ok();
        let Node { mode, body } = &disk.nodes[node];
        match body {
            Body::Link(target) => {
                remove(path);
                return symlink(OsStr::from_bytes(target), path).expect("it can be linked");
            }
            Body::File(_) => {
                let content = &self.contents[&node];
                if !found.as_ref().is_some_and(Metadata::is_file) {
                    remove(path);
                }
                if fs::read(path).ok().as_ref() != Some(content) {
                    fs::write(path, content).expect("there is room");
                }
            }
            Body::Directory(_) => {
                if !found.as_ref().is_some_and(Metadata::is_dir) {
                    remove(path);
                    fs::create_dir(path).expect("there is room");
                }
                self.leave_names(node, disk, path, left);
            }
        }
        if found.is_none_or(|found| found.mode() != *mode) {
            let mode = Permissions::from_mode(mode & 0o7777);
            fs::set_permissions(path, mode).expect("it is ours");
        }
    }
}

/// Removes whatever has a path, if anything has.
fn remove(path: &Path) {
    let Ok(found) = fs::symlink_metadata(path) else { return };
    let removed = if found.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    removed.expect("it can be removed");
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { manner, lost, kept, torn, .. } = self;
        write!(f, "{manner:?}: {lost} changes lost, {kept} kept, {torn} torn")
    }
}

/// Applies what was kept of a change, but nothing to a sector of which an earlier write was lost.
fn leave(
    change: &Change,
    kept: Option<&Change>,
    stale: &mut HashSet<usize>,
    content: &mut Vec<u8>,
) {
    let Change::Write { offset, bytes } = change else {
        return kept.into_iter().for_each(|kept| kept.apply(content));
    };
    let length = match kept {
        Some(Change::Write { bytes, .. }) => bytes.len(),
        _ => 0,
    };
    let (mut from, end) = (*offset, offset + bytes.len());
    while from < end {
        let sector = from / SECTOR;
        let to = end.min((sector + 1) * SECTOR);
        if to > offset + length {
            stale.insert(sector);
        } else if !stale.contains(&sector) {
            let bytes = bytes[from - offset..to - offset].to_vec();
            Change::Write { offset: from, bytes }.apply(content);
        }
        from = to;
    }
}

/// One write that was not synced: its file, and its place among that file's changes.
fn one_write(disk: &Disk, dice: &mut Dice) -> Option<(usize, usize)> {
    let mut writes = Vec::new();
    for (node, found) in disk.nodes.iter().enumerate() {
        let Body::File(contents) = &found.body else { continue };
        let pending = contents.pending.iter().enumerate();
        writes.extend(pending.filter(|(_, change)| sectors(change) > 0).map(|(at, _)| (node, at)));
    }
    (!writes.is_empty()).then(|| writes[dice.below(writes.len())])
}

/// How often a write crosses from one sector into the next.
fn sectors(change: &Change) -> usize {
    match change {
        Change::Write { offset, bytes } => {
            (offset + bytes.len()).saturating_sub(1) / SECTOR - offset / SECTOR
        }
        Change::Resize(_) => 0,
    }
}

/// A write that ends with a sector before its last one; none where it has only one.
fn beginning(change: &Change, dice: &mut Dice) -> Option<Change> {
    let Change::Write { offset, bytes } = change else { return None };
    let sectors = sectors(change);
    if sectors == 0 {
        return None;
    }
    let end = (offset / SECTOR + 1 + dice.below(sectors)) * SECTOR;
    Some(Change::Write { offset: *offset, bytes: bytes[..end - offset].to_vec() })
}
