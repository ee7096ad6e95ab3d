//! Projects, their services and their sequences.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::client::Client;
use crate::error::ClientError;

/// What the server says about itself.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
pub struct Metadata {
    /// The version of Keptn that its API is compatible with.
    #[serde(rename = "keptnversion")]
    pub keptn_version: String,
    /// Its own version.
    #[serde(rename = "tidegateversion", default)]
    pub tidegate_version: Option<String>,
}

#[derive(Deserialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
pub(crate) struct Deleted {
    message: String,
}

#[derive(Deserialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
pub(crate) struct States {
    #[serde(default)]
    states: Vec<Value>,
}

impl Client {
    /// What the server says about itself.
    ///
    /// # Errors
    /// As for every call: nobody answers, or the token is wrong.
    pub async fn metadata(&self) -> Result<Metadata, ClientError> {
        self.fetch("metadata", self.get(&["api", "v1", "metadata"])).await
    }

    /// Creates a project from the text of its shipyard.
    ///
    /// # Errors
    /// 409 where the project exists, 400 where name or shipyard are not valid.
    pub async fn create_project(&self, name: &str, shipyard: &str) -> Result<(), ClientError> {
        self.create_project_with(name, shipyard.as_bytes(), None).await
    }

    /// The same with an upstream, as Keptn spells `gitCredentials`.
    ///
    /// # Errors
    /// As [`create_project`](Self::create_project); 404, 409, 422 or 424 where the upstream cannot be used.
    pub async fn create_project_with(
        &self,
        name: &str,
        shipyard: &[u8],
        credentials: Option<&Value>,
    ) -> Result<(), ClientError> {
        let mut body = json!({"name": name, "shipyard": STANDARD.encode(shipyard)});
        if let Some(credentials) = credentials {
            body["gitCredentials"] = credentials.clone();
        }
        let request = self.post(&["api", "controlPlane", "v1", "project"]).json(&body);
        self.send(request).await.map(drop)
    }

    /// Changes where the files of a project are kept, as Keptn spells `gitCredentials`. Without any,
    /// nothing is changed.
    ///
    /// # Errors
    /// 404 where the project does not exist, or its upstream; 422 or 424 where that cannot be used.
    pub async fn update_project(
        &self,
        name: &str,
        credentials: Option<&Value>,
    ) -> Result<(), ClientError> {
        let mut body = json!({"name": name, "shipyard": null});
        if let Some(credentials) = credentials {
            body["gitCredentials"] = credentials.clone();
        }
        let request = self.put(&["api", "controlPlane", "v1", "project"]).json(&body);
        self.send(request).await.map(drop)
    }

    /// Deletes a project, and answers with what stays. One that is not there is as good as deleted.
    ///
    /// # Errors
    /// 503 where another change to it is under way.
    pub async fn delete_project(&self, name: &str) -> Result<String, ClientError> {
        let path = ["api", "controlPlane", "v1", "project", name];
        let deleted: Deleted = self.fetch("message", self.delete(&path)).await?;
        Ok(deleted.message)
    }

    /// Creates a service in every stage of a project.
    ///
    /// # Errors
    /// 409 where the service exists; Keptn answers 500 where the project does not.
    pub async fn create_service(&self, project: &str, service: &str) -> Result<(), ClientError> {
        let path = ["api", "controlPlane", "v1", "project", project, "service"];
        self.send(self.post(&path).json(&json!({"serviceName": service}))).await.map(drop)
    }

    /// Deletes a service in every stage of a project. One that is not there is as good as deleted.
    ///
    /// # Errors
    /// 404 where the project does not exist.
    pub async fn delete_service(&self, project: &str, service: &str) -> Result<(), ClientError> {
        let path = ["api", "controlPlane", "v1", "project", project, "service", service];
        self.send(self.delete(&path)).await.map(drop)
    }

    /// The newest sequences of a project, as Keptn spells their states.
    ///
    /// # Errors
    /// As for every call.
    pub async fn sequence_states(&self, project: &str) -> Result<Vec<Value>, ClientError> {
        let request = self.get(&["api", "controlPlane", "v1", "sequence", project]);
        let answer: States = self.fetch("sequences", request).await?;
        Ok(answer.states)
    }
}
