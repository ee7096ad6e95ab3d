//! Shipyards out of the projects' repositories.

use std::collections::BTreeMap;
use std::sync::Arc;

use tidegate_core::names::CommitId;
use tidegate_core::sequence::{Resolution, Resolve};
use tidegate_core::shipyard::Shipyard;
use tidegate_resources::upstream::Upstreams;
use tidegate_resources::{Branch, Place, Repositories, ResourceError, ResourcePath};

use crate::port::{Resolved, Resolver};

/// Parsed shipyards that are kept by commit.
const CACHED_MAX: usize = 256;

/// Reads what stands in the repositories now. Where the files are kept elsewhere, somebody has to ask
/// there first.
pub struct RepositoryResolver {
    upstreams: Upstreams,
    shipyards: Shipyards,
}

impl RepositoryResolver {
    /// A resolver on these repositories.
    #[must_use]
    pub fn new(upstreams: Upstreams) -> Self {
        let shipyards = Shipyards::new(upstreams.repositories().clone());
        Self { upstreams, shipyards }
    }
}

impl Resolver for RepositoryResolver {
    fn resolve(&mut self, resolve: &Resolve) -> Resolved {
        if self.upstreams.has(&resolve.scope.project) {
            return Resolved::Later;
        }
        Resolved::Now(self.shipyards.resolve(resolve, None))
    }
}

/// Parses each commit's shipyard once.
pub(crate) struct Shipyards {
    repositories: Repositories,
    cache: BTreeMap<CommitId, (Arc<str>, Arc<Shipyard>)>,
}

impl Shipyards {
    pub(crate) fn new(repositories: Repositories) -> Self {
        Self { repositories, cache: BTreeMap::new() }
    }

    /// What stands in the repository; `stale` says why that may not be the newest.
    pub(crate) fn resolve(&mut self, resolve: &Resolve, stale: Option<&str>) -> Resolution {
        self.read(resolve, stale).unwrap_or_else(Resolution::Failed)
    }

    fn read(&mut self, resolve: &Resolve, stale: Option<&str>) -> Result<Resolution, String> {
        let Resolve { scope, requested_commit, .. } = resolve;
        let repositories = &self.repositories;
        let text_of = |error: ResourceError| error.to_string();
        let commit = repositories.tip(&scope.project, Branch::Default).map_err(text_of)?;
        if !self.cache.contains_key(&commit) {
            let path = ResourcePath::new("shipyard.yaml").map_err(|error| error.to_string())?;
            let bytes = repositories
                .read(&scope.project, &Place::Project, &path, Some(&commit))
                .map_err(text_of)?;
            let text = String::from_utf8(bytes)
                .map_err(|_| "shipyard.yaml is not UTF-8 text".to_owned())?;
            let shipyard =
                Shipyard::parse(&text).map_err(|error| format!("shipyard.yaml:{error}"))?;
            while self.cache.len() >= CACHED_MAX {
                self.cache.pop_first();
            }
            self.cache.insert(commit.clone(), (Arc::from(text), Arc::new(shipyard)));
        }
        let (text, shipyard) = &self.cache[&commit];
        let stage_commit = match requested_commit {
            Some(commit) => Some(commit.clone()),
            // A stage that was added to the file by hand has no branch: Keptn runs it all the same.
            None => match repositories.tip(&scope.project, Branch::Stage(&scope.stage)) {
                Ok(tip) => Some(tip),
                Err(ResourceError::StageNotFound { .. }) => None,
                Err(error) => return Err(error.to_string()),
            },
        };
        Ok(Resolution::Read {
            commit: commit.clone(),
            shipyard: Arc::clone(shipyard),
            text: Arc::clone(text),
            stage_commit,
            stale: stale.map(str::to_owned),
        })
    }
}
