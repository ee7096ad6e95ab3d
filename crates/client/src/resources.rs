//! Files of projects, and the places they belong to.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::client::Client;
use crate::error::ClientError;

/// What a file belongs to, within a project.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResourcePlace<'a> {
    /// The project as a whole.
    Project,
    /// A stage.
    Stage(&'a str),
    /// A service in a stage.
    Service(&'a str, &'a str),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(utoipa::ToSchema))]
pub(crate) struct Page {
    #[serde(default, alias = "stages", alias = "services")]
    items: Vec<Named>,
    #[serde(default)]
    next_page_key: Option<String>,
}

#[derive(Deserialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
pub(crate) struct Named {
    #[serde(alias = "stageName", alias = "serviceName")]
    name: String,
}

impl Client {
    /// A project, as Keptn spells it.
    ///
    /// # Errors
    /// 404 where it does not exist.
    pub async fn project(&self, project: &str) -> Result<Value, ClientError> {
        let path = ["api", "controlPlane", "v1", "project", project];
        self.fetch("a project", self.get(&path)).await
    }

    /// The names of a project's stages, in the order of the alphabet, as Keptn lists them; in that of its
    /// shipyard they are in [`project`](Self::project).
    ///
    /// # Errors
    /// 404 where the project does not exist.
    pub async fn stages(&self, project: &str) -> Result<Vec<String>, ClientError> {
        self.names("stages", &["api", "controlPlane", "v1", "project", project, "stage"]).await
    }

    /// The names of the services in a stage.
    ///
    /// # Errors
    /// 404 where project or stage do not exist.
    pub async fn services(&self, project: &str, stage: &str) -> Result<Vec<String>, ClientError> {
        let path = ["api", "controlPlane", "v1", "project", project, "stage", stage, "service"];
        self.names("services", &path).await
    }

    async fn names(&self, what: &'static str, path: &[&str]) -> Result<Vec<String>, ClientError> {
        let (mut names, mut next) = (Vec::new(), "0".to_owned());
        loop {
            let page: Page =
                self.fetch(what, self.get(path).query(&[("nextPageKey", &next)])).await?;
            let is_last = page.items.is_empty();
            names.extend(page.items.into_iter().map(|item| item.name));
            match page.next_page_key.filter(|key| !key.is_empty() && key != "0" && !is_last) {
                Some(key) => next = key,
                None => return Ok(names),
            }
        }
    }

    /// Writes a file, in a commit of its own.
    ///
    /// # Errors
    /// 404 where the place does not exist, 400 where the path cannot be that of a file.
    pub async fn add_resource(
        &self,
        project: &str,
        place: ResourcePlace<'_>,
        path: &str,
        content: &[u8],
    ) -> Result<(), ClientError> {
        let mut segments = vec!["api", "resource-service", "v1", "project", project];
        match place {
            ResourcePlace::Project => {}
            ResourcePlace::Stage(stage) => segments.extend(["stage", stage]),
            ResourcePlace::Service(stage, service) => {
                segments.extend(["stage", stage, "service", service]);
            }
        }
        segments.push("resource");
        let resource = json!({"resourceURI": path, "resourceContent": STANDARD.encode(content)});
        let request = self.post(&segments).json(&json!({"resources": [resource]}));
        self.send(request).await.map(drop)
    }

    /// Whether the server knows the token.
    ///
    /// # Errors
    /// 401 where it does not.
    pub async fn check_token(&self) -> Result<(), ClientError> {
        self.send(self.post(&["api", "v1", "auth"])).await.map(drop)
    }
}
