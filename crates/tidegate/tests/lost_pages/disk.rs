//! A disk as POSIX describes it and no better: what is there while the power is on, and what is
//! promised to be there when it comes back.
//!
//! The promise is the weakest that is allowed. A file's content is durable as it was at its last
//! sync; a name is durable when the directory that holds it has been synced, whatever has become of
//! the file. Real file systems are kinder: ext4, XFS and Btrfs journal names in order, so that one
//! sync makes earlier names durable too, and the sync of a new file takes its name along. What holds
//! here holds on them.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use crate::log::Record;

const KIND: u32 = 0o170_000;
const DIRECTORY: u32 = 0o040_000;
const LINK: u32 = 0o120_000;

pub(crate) type Name = Vec<u8>;
pub(crate) type Names = BTreeMap<Name, usize>;

/// A file, a directory or a symbolic link. Known by its place in [`Disk::nodes`]: inode numbers are
/// used again.
#[derive(Clone)]
pub(crate) struct Node {
    /// `st_mode`.
    pub(crate) mode: u32,
    pub(crate) body: Body,
}

#[derive(Clone)]
pub(crate) enum Body {
    File(Contents),
    Directory(Entries),
    Link(Vec<u8>),
}

#[derive(Clone, Default)]
pub(crate) struct Contents {
    live: Vec<u8>,
    pub(crate) durable: Vec<u8>,
    /// Not synced yet.
    pub(crate) pending: Vec<Change>,
}

#[derive(Clone)]
pub(crate) enum Change {
    Write { offset: usize, bytes: Vec<u8> },
    Resize(usize),
}

#[derive(Clone, Default)]
pub(crate) struct Entries {
    live: Names,
    pub(crate) durable: Names,
    /// Not synced yet.
    pub(crate) pending: Vec<Renaming>,
}

/// A change of names in one directory.
#[derive(Clone)]
pub(crate) enum Renaming {
    Put(Name, usize),
    Take(Name),
    /// Within the directory: both or neither.
    Move {
        from: Name,
        to: Name,
        node: usize,
    },
    /// From another directory, which waits for it under this number.
    Arrive(Name, usize, u64),
    /// To another directory. A name never leaves before it has arrived: every file system sees to
    /// that, and a file must not get lost on the way.
    Depart(Name, u64),
}

#[derive(Clone)]
pub(crate) struct Disk {
    pub(crate) nodes: Vec<Node>,
    /// Moves between directories whose arrival is durable.
    pub(crate) arrived: HashSet<u64>,
    numbers: HashMap<u64, usize>,
    moves: u64,
}

/// The node of the directory that is watched.
pub(crate) const ROOT: usize = 0;

impl Disk {
    pub(crate) fn empty() -> Self {
        Self { nodes: Vec::new(), arrived: HashSet::new(), numbers: HashMap::new(), moves: 0 }
    }

    /// What is in a directory, all of it durable.
    pub(crate) fn read(directory: &Path) -> Self {
        let mut disk = Self::empty();
        disk.take_in(directory);
        disk
    }

    fn take_in(&mut self, path: &Path) -> usize {
        let found = fs::symlink_metadata(path).expect("it is there");
        if let Some(node) = self.numbers.get(&found.ino()) {
            return *node;
        }
        let node = self.add(found.ino(), found.mode(), b"");
        if found.is_dir() {
            let mut names = Names::new();
            for (name, path) in entries(path) {
                names.insert(name, self.take_in(&path));
            }
            let entries = Entries { live: names.clone(), durable: names, pending: Vec::new() };
            self.nodes[node].body = Body::Directory(entries);
        } else if found.is_symlink() {
            let target = fs::read_link(path).expect("it is there").into_os_string().into_vec();
            self.nodes[node].body = Body::Link(target);
        } else {
            let live = fs::read(path).expect("it is there");
            let contents = Contents { durable: live.clone(), live, pending: Vec::new() };
            self.nodes[node].body = Body::File(contents);
        }
        node
    }

    fn add(&mut self, number: u64, mode: u32, content: &[u8]) -> usize {
        let body = match mode & KIND {
            DIRECTORY => Body::Directory(Entries::default()),
            LINK => Body::Link(content.to_vec()),
            _ => Body::File(Contents::default()),
        };
        self.nodes.push(Node { mode, body });
        let node = self.nodes.len() - 1;
        self.numbers.insert(number, node);
        node
    }

    /// Does what a record says. One about a file that is not known is about one whose making nobody
    /// lived to record.
    pub(crate) fn apply(&mut self, record: &Record<'_>) {
        match *record {
            Record::Write { file, offset, bytes } => {
                let offset = usize::try_from(offset).expect("an offset");
                self.change(file, Change::Write { offset, bytes: bytes.to_vec() });
            }
            Record::Resize { file, length } => {
                self.change(file, Change::Resize(usize::try_from(length).expect("a length")));
            }
            Record::Make { directory, name, made, mode, content } => {
                let node = self.add(made, mode, content);
                self.rename(directory, Renaming::Put(name.to_vec(), node));
            }
            Record::Link { directory, name, target } => {
                if let Some(node) = self.numbers.get(&target).copied() {
                    self.rename(directory, Renaming::Put(name.to_vec(), node));
                }
            }
            Record::Remove { directory, name } => {
                self.rename(directory, Renaming::Take(name.to_vec()));
            }
            Record::Move { directory, name, to, new } => {
                self.move_name((directory, name), (to, new));
            }
            Record::Mode { file, mode } => {
                if let Some(node) = self.numbers.get(&file) {
                    self.nodes[*node].mode = mode;
                }
            }
            Record::Sync { of } => {
                if let Some(node) = self.numbers.get(&of) {
                    self.nodes[*node].body.sync(&mut self.arrived);
                }
            }
            Record::SyncFailed { of } => {
                if let Some(node) = self.numbers.get(&of) {
                    self.nodes[*node].body.forget();
                }
            }
            Record::SyncAll => {
                self.nodes.iter_mut().for_each(|node| node.body.sync(&mut self.arrived));
            }
        }
    }

    fn change(&mut self, file: u64, change: Change) {
        let Some(node) = self.numbers.get(&file) else { return };
        if let Body::File(contents) = &mut self.nodes[*node].body {
            change.apply(&mut contents.live);
            contents.pending.push(change);
        }
    }

    fn rename(&mut self, directory: u64, renaming: Renaming) {
        if let Some(entries) = self.entries(directory) {
            renaming.apply(&mut entries.live);
            entries.pending.push(renaming);
        }
    }

    fn move_name(&mut self, (from, name): (u64, &[u8]), (to, new): (u64, &[u8])) {
        let moved = self.entries(from).and_then(|entries| entries.live.get(name).copied());
        let Some(node) = moved else { return };
        let (name, new) = (name.to_vec(), new.to_vec());
        if from == to {
            return self.rename(from, Renaming::Move { from: name, to: new, node });
        }
        self.moves += 1;
        self.rename(to, Renaming::Arrive(new, node, self.moves));
        self.rename(from, Renaming::Depart(name, self.moves));
    }

    fn entries(&mut self, directory: u64) -> Option<&mut Entries> {
        let node = *self.numbers.get(&directory)?;
        match &mut self.nodes[node].body {
            Body::Directory(entries) => Some(entries),
            _ => None,
        }
    }

    /// Where a directory differs from what must be there while the power is on.
    pub(crate) fn compare(&self, directory: &Path) -> Vec<String> {
        let mut differences = Vec::new();
        self.compare_node(ROOT, directory, &mut differences);
        differences
    }

    fn compare_node(&self, node: usize, path: &Path, differences: &mut Vec<String>) {
        let Node { mode, body } = &self.nodes[node];
        let shown = path.display();
        let Ok(found) = fs::symlink_metadata(path) else {
            return differences.push(format!("{shown} is missing"));
        };
        if found.mode() != *mode {
            differences.push(format!("{shown} has mode {:o}, not {mode:o}", found.mode()));
        }
        match body {
            Body::Link(target) => {
                let found = fs::read_link(path).map(|found| found.into_os_string().into_vec());
                if found.ok().as_ref() != Some(target) {
                    differences.push(format!("{shown} leads elsewhere"));
                }
            }
            Body::File(contents) => {
                let found = fs::read(path).unwrap_or_default();
                if found != contents.live {
                    let (found, known) = (found.len(), contents.live.len());
                    differences
                        .push(format!("{shown} differs: {found} bytes, where {known} are known"));
                }
            }
            Body::Directory(known) => {
                let found: BTreeMap<_, _> = entries(path).collect();
                for (name, node) in &known.live {
                    let path = path.join(std::ffi::OsStr::from_bytes(name));
                    self.compare_node(*node, &path, differences);
                }
                let unknown = found.iter().filter(|(name, _)| !known.live.contains_key(*name));
                differences.extend(unknown.map(|(_, path)| format!("{} is new", path.display())));
            }
        }
    }
}

impl Body {
    fn sync(&mut self, arrived: &mut HashSet<u64>) {
        match self {
            Self::Link(_) => {}
            Self::File(contents) => {
                for change in contents.pending.drain(..) {
                    change.apply(&mut contents.durable);
                }
            }
            Self::Directory(entries) => {
                for renaming in std::mem::take(&mut entries.pending) {
                    match &renaming {
                        Renaming::Depart(_, number) if !arrived.contains(number) => {
                            entries.pending.push(renaming);
                            continue;
                        }
                        Renaming::Arrive(_, _, number) => drop(arrived.insert(*number)),
                        _ => {}
                    }
                    renaming.apply(&mut entries.durable);
                }
            }
        }
    }

    /// After a sync that failed, the kernel holds for written what never reached the disk.
    fn forget(&mut self) {
        match self {
            Self::Link(_) => {}
            Self::File(contents) => contents.pending.clear(),
            Self::Directory(entries) => entries.pending.clear(),
        }
    }
}

impl Change {
    pub(crate) fn apply(&self, content: &mut Vec<u8>) {
        match self {
            Self::Write { offset, bytes } => {
                let end = offset + bytes.len();
                if content.len() < end {
                    content.resize(end, 0);
                }
                content[*offset..end].copy_from_slice(bytes);
            }
            Self::Resize(length) => content.resize(*length, 0),
        }
    }
}

impl Renaming {
    pub(crate) fn apply(&self, names: &mut Names) {
        match self {
            Self::Put(name, node) | Self::Arrive(name, node, _) => {
                names.insert(name.clone(), *node);
            }
            Self::Take(name) | Self::Depart(name, _) => drop(names.remove(name)),
            Self::Move { from, to, node } => {
                names.remove(from);
                names.insert(to.clone(), *node);
            }
        }
    }
}

/// Names and paths of what is in a directory, without what the shim leaves out.
fn entries(path: &Path) -> impl Iterator<Item = (Name, std::path::PathBuf)> {
    let entries = fs::read_dir(path).into_iter().flatten().flatten();
    let all = entries.map(|entry| (entry.file_name().into_vec(), entry.path()));
    all.filter(|(name, _)| !name.ends_with(b"-shm"))
}
