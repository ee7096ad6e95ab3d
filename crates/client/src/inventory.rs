//! What is there: projects, their stages and services.

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize};

use crate::client::Client;
use crate::error::ClientError;

/// A project, as Keptn's API shows it and as we show it on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all(serialize = "camelCase", deserialize = "camelCase"))]
pub struct Project {
    /// Its name.
    #[serde(rename(deserialize = "projectName"))]
    pub name: String,
    /// When it was created; absent where the server does not know.
    #[serde(
        rename(deserialize = "creationDate", serialize = "createdAt"),
        deserialize_with = "nanoseconds",
        skip_serializing_if = "Option::is_none"
    )]
    pub created: Option<Timestamp>,
    /// `apiVersion` of its shipyard.
    #[serde(default)]
    pub shipyard_version: String,
    /// Its shipyard, as it is written.
    #[serde(default, skip_serializing)]
    pub shipyard: String,
    /// Its stages, in the order of its shipyard.
    #[serde(default)]
    pub stages: Vec<Stage>,
    /// The repository elsewhere that keeps its files.
    #[serde(
        rename(deserialize = "gitCredentials"),
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub upstream: Option<Upstream>,
}

/// A repository elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Upstream {
    /// Its address.
    #[serde(rename(deserialize = "remoteURL"))]
    pub url: String,
    /// Who signs in there.
    #[serde(default)]
    pub user: String,
}

/// A stage of a project.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stage {
    /// Its name.
    #[serde(rename(deserialize = "stageName"))]
    pub name: String,
    /// The services there, by name.
    #[serde(default)]
    pub services: Vec<Service>,
}

/// A service in a stage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Service {
    /// Its name.
    #[serde(rename(deserialize = "serviceName"))]
    pub name: String,
    /// When it was created; absent where the server does not know.
    #[serde(
        rename(deserialize = "creationDate", serialize = "createdAt"),
        deserialize_with = "nanoseconds",
        skip_serializing_if = "Option::is_none"
    )]
    pub created: Option<Timestamp>,
    /// What runs there.
    #[serde(
        rename(deserialize = "deployedImage"),
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub image: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    #[serde(default)]
    projects: Vec<Project>,
    #[serde(default)]
    next_page_key: Option<String>,
}

/// Keptn 1.4 writes the time as a text of nanoseconds since 1970.
fn nanoseconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    let number = text.and_then(|text| text.parse::<i128>().ok()).filter(|number| *number > 0);
    Ok(number.and_then(|number| Timestamp::from_nanosecond(number).ok()))
}

const PAGE: &str = "1000";

impl Client {
    /// All projects, by name.
    ///
    /// # Errors
    /// As for every call.
    pub async fn inventory(&self) -> Result<Vec<Project>, ClientError> {
        let (mut projects, mut next) = (Vec::new(), Some("0".to_owned()));
        while let Some(key) = next {
            let request = self
                .get(&["api", "controlPlane", "v1", "project"])
                .query(&[("pageSize", PAGE), ("nextPageKey", &key)]);
            let page: Page = self.fetch("projects", request).await?;
            let goes_on = |key: &String| !key.is_empty() && key != "0" && !page.projects.is_empty();
            next = page.next_page_key.clone().filter(goes_on);
            projects.extend(page.projects);
        }
        Ok(projects)
    }

    /// One project with all that is in it.
    ///
    /// # Errors
    /// 404 where it does not exist.
    pub async fn project_inventory(&self, name: &str) -> Result<Project, ClientError> {
        let path = ["api", "controlPlane", "v1", "project", name];
        self.fetch("a project", self.get(&path)).await
    }
}
