//! Project files in Git. Each project is one bare repository below a root directory, in the
//! branch layout of Keptn 1.4: the default branch holds what belongs to the project, a branch per
//! stage holds what belongs to the stage, a directory on it what belongs to a service.
//!
//! Invariants
//! - What a call has returned is on stable storage: objects first, then the branch that needs
//!   them. Directories are synced like files.
//! - A project is there as a whole or not at all, whenever the process dies.
//! - A branch only ever moves from the commit that was read to a child of it: no write is lost,
//!   not even to another program that writes to the same repository.
//! - Paths are data. Nothing below a repository is ever looked up in the file system by a name
//!   that a user chose; symbolic links and submodules in a tree are never followed.
//! - No configuration of the host decides how a repository is written.
//!
//! One process opens a root directory once, and clones the [`Repositories`] it got.

mod branch;
mod chart;
mod child;
mod copy;
mod debris;
mod delete;
mod disk;
mod error;
pub mod hosting;
mod layout;
mod lock;
mod path;
mod place;
mod project;
mod read;
mod repositories;
mod repository;
mod service;
mod tree;
pub mod upstream;
mod write;

#[cfg(test)]
mod fixture;

pub use chart::{CHART_FILES_MAX, ChartError};
pub use child::{git_processes, git_version};
pub use copy::copy_project;
pub use error::{Obstacle, ResourceError};
pub use path::{
    RESOURCE_PATH_BYTES_MAX, RESOURCE_PATH_SEGMENTS_MAX, ResourcePath, ResourcePathError,
};
pub use place::{Branch, Place, StageLayout};
pub use read::LIST_ENTRIES_MAX;
pub use repositories::Repositories;
pub use write::{RESOURCE_BYTES_MAX, WRITE_FILES_MAX};
