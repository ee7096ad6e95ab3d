//! What a Git tree holds at a path. Only trees are descended into: whatever the path says, the
//! look-up cannot leave the tree it started in.

use git2::{ErrorCode, ObjectType, Oid, Repository, Tree};

use crate::error::Obstacle;

const SYMBOLIC_LINK: i32 = 0o120_000;

/// What a look-up came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Node {
    /// Nothing, but nothing in the way of it either.
    Nothing,
    /// The path names a regular file.
    File(Oid),
    /// The path names a directory.
    Directory(Oid),
    /// The path names a symbolic link, which a write may replace.
    SymbolicLink,
    /// The path cannot be: of its parents one is no directory.
    Blocked(Obstacle),
}

impl Node {
    /// What to tell someone who wanted to read a file.
    pub(crate) const fn obstacle(self) -> Obstacle {
        match self {
            // To a reader, a path below a file simply is not there.
            Self::Nothing | Self::File(_) | Self::Blocked(Obstacle::File) => Obstacle::Nothing,
            Self::Directory(_) => Obstacle::Directory,
            Self::SymbolicLink => Obstacle::SymbolicLink,
            Self::Blocked(obstacle) => obstacle,
        }
    }
}

/// Looks a path up, one segment after the other.
pub(crate) fn find<'a>(
    repo: &Repository,
    root: &Tree<'_>,
    segments: impl Iterator<Item = &'a str>,
) -> Result<Node, git2::Error> {
    let mut node = Node::Directory(root.id());
    for segment in segments {
        node = match node {
            Node::Directory(id) => child(&repo.find_tree(id)?, segment),
            Node::File(_) => Node::Blocked(Obstacle::File),
            Node::SymbolicLink => Node::Blocked(Obstacle::SymbolicLink),
            Node::Nothing | Node::Blocked(_) => return Ok(node),
        };
    }
    Ok(node)
}

fn child(directory: &Tree<'_>, name: &str) -> Node {
    directory.get_name(name).map_or(Node::Nothing, |entry| node_of(&entry))
}

/// What an entry of a tree stands for.
pub(crate) fn node_of(entry: &git2::TreeEntry<'_>) -> Node {
    match entry.kind() {
        Some(ObjectType::Tree) => Node::Directory(entry.id()),
        Some(ObjectType::Blob) if entry.filemode() == SYMBOLIC_LINK => Node::SymbolicLink,
        Some(ObjectType::Blob) => Node::File(entry.id()),
        // A tree holds nothing but trees, blobs and the commits of submodules.
        _ => Node::Blocked(Obstacle::Submodule),
    }
}

/// Turns "not found" into `None`.
pub(crate) fn optional<T>(result: Result<T, git2::Error>) -> Result<Option<T>, git2::Error> {
    match result {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.code() == ErrorCode::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
