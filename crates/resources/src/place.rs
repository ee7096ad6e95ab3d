//! Where resources belong: to a project, a stage, or a service in a stage.

use std::fmt;

use tidegate_core::names::{ServiceName, StageName};

/// What a resource belongs to, within a project.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Place {
    /// The project as a whole: the root of the default branch.
    Project,
    /// A stage: the root of the stage's branch, and so everything of its services as well.
    Stage(StageName),
    /// A service in a stage: a directory on the stage's branch.
    Service(StageName, ServiceName),
}

impl Place {
    /// The branch that holds the resources of this place.
    #[must_use]
    pub const fn branch(&self) -> Branch<'_> {
        match self {
            Self::Project => Branch::Default,
            Self::Stage(stage) | Self::Service(stage, _) => Branch::Stage(stage),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Project => f.write_str("the default branch"),
            Self::Stage(stage) => write!(f, "stage {stage}"),
            Self::Service(stage, service) => write!(f, "service {service} in stage {stage}"),
        }
    }
}

/// How the stages of a project are told apart.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum StageLayout {
    /// A branch for each stage.
    #[default]
    Branches,
    /// A directory for each stage, on the default branch.
    Directories,
}

/// A branch of a project's repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Branch<'a> {
    /// The branch that `HEAD` names: `master` unless the repository says otherwise.
    Default,
    /// The branch of a stage, which has the stage's name; where stages are directories, the default one.
    Stage(&'a StageName),
}
