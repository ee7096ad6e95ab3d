//! Packs the repositories of projects now and then.

use std::time::Duration;

use tidegate_engine::Engine;
use tidegate_resources::hosting::{Hosting, PackLimits};
use tokio::task::JoinHandle;

/// How often all projects are looked at.
const EVERY: Duration = Duration::from_secs(600);

/// Looks at all projects now and then, until it is dropped.
pub(crate) struct Packing(JoinHandle<()>);

impl Packing {
    pub(crate) fn start(engine: Engine, hosting: Hosting) -> Self {
        Self(tokio::spawn(async move {
            loop {
                tokio::time::sleep(EVERY).await;
                round(&engine, &hosting).await;
            }
        }))
    }
}

impl Drop for Packing {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn round(engine: &Engine, hosting: &Hosting) {
    let projects = match engine.git(|git| Ok(git.projects()?)).await {
        Ok(projects) => projects,
        Err(error) => return tracing::error!(%error, "projects cannot be listed"),
    };
    for project in projects {
        let (name, hosting) = (project.clone(), hosting.clone());
        match engine.git(move |_| Ok(hosting.pack(&name, PackLimits::default())?)).await {
            Ok(true) => tracing::info!(%project, "its repository was packed"),
            Ok(false) => {}
            Err(error) => tracing::error!(%project, %error, "its repository cannot be packed"),
        }
    }
}
