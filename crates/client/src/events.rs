//! Sending and finding events.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::client::Client;
use crate::error::ClientError;

/// Tells a repeated request from a new one. The server keeps it for a day, with its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyKey(String);

impl IdempotencyKey {
    /// A key that nobody has used.
    ///
    /// # Panics
    /// Where the operating system has no random numbers.
    #[must_use]
    pub fn fresh() -> Self {
        let mut seed = [0; 16];
        getrandom::fill(&mut seed).expect("the operating system has random numbers");
        Self(uuid::Builder::from_random_bytes(seed).into_uuid().to_string())
    }
}

/// Which events of the log.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EventQuery<'a> {
    /// Of this delivery.
    #[serde(rename = "keptnContext", skip_serializing_if = "Option::is_none")]
    pub context: Option<&'a str>,
    /// Of this project.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project: Option<&'a str>,
    /// Of this stage.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stage: Option<&'a str>,
    /// Of this service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<&'a str>,
    /// Of this type.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<&'a str>,
}

/// An event of the log, and what it meant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
pub struct EventEntry {
    /// The project whose log holds it; absent where it belongs to none that exists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// Its number in that log.
    pub number: u64,
    /// `accepted`, `late`, `repeated` or `refused`.
    pub disposition: String,
    /// Why it has no effect, where it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The event as Keptn spells it.
    pub event: Value,
}

/// Keptn 1.4: the datastore answers at most 100 events at once.
const DATASTORE_PAGE: &str = "100";
/// How often an event is sent of which nobody knows whether it arrived.
const ATTEMPTS: u32 = 3;
/// How long after the last attempt.
const AGAIN: Duration = Duration::from_secs(1);
const OPEN_PAGE: &str = "1000";

#[derive(Deserialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
pub(crate) struct Sent {
    #[serde(rename = "keptnContext")]
    context: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(utoipa::ToSchema))]
pub(crate) struct Events {
    #[serde(default)]
    events: Vec<Value>,
    #[serde(default)]
    next_page_key: Option<String>,
}

impl Events {
    /// Where the next page begins. Keptn says `"0"` on some routes where there is none.
    fn next(&self) -> Option<String> {
        self.next_page_key.clone().filter(|key| !key.is_empty() && key != "0")
    }
}

impl Client {
    /// Sends an event and gives its context.
    ///
    /// # Errors
    /// 4xx where it is no event. Where the connection broke nobody knows whether it arrived: use
    /// [`send_event_once`](Self::send_event_once) to be able to send it again.
    pub async fn send_event(&self, event: &Value) -> Result<String, ClientError> {
        self.send_event_once(event, &IdempotencyKey::fresh()).await
    }

    /// Sends an event that counts once, however often it is sent with the same key.
    ///
    /// # Errors
    /// As [`send_event`](Self::send_event); 4xx also where the key was used with another event.
    pub async fn send_event_once(
        &self,
        event: &Value,
        key: &IdempotencyKey,
    ) -> Result<String, ClientError> {
        let request = self.post(&["api", "v1", "event"]).header("idempotency-key", &key.0);
        let sent: Sent = self.fetch("an event", request.json(event)).await?;
        Ok(sent.context)
    }

    /// Sends an event, and where nobody knows whether it arrived, a few times again: it counts once.
    ///
    /// # Errors
    /// As [`send_event`](Self::send_event), after the last attempt.
    pub async fn send_event_surely(&self, event: &Value) -> Result<String, ClientError> {
        let key = IdempotencyKey::fresh();
        for _ in 1..ATTEMPTS {
            match self.send_event_once(event, &key).await {
                Err(error @ ClientError::Unreachable { .. }) if !error.was_not_sent() => {
                    tokio::time::sleep(AGAIN).await;
                }
                other => return other,
            }
        }
        self.send_event_once(event, &key).await
    }

    /// The open `.triggered` events of a type in a project, newest first: the tasks that wait for
    /// an executor.
    ///
    /// # Errors
    /// 404 where the project does not exist.
    pub async fn open_events(&self, kind: &str, project: &str) -> Result<Vec<Value>, ClientError> {
        let path = ["api", "controlPlane", "v1", "event", "triggered", kind];
        let query = [("project", project), ("pageSize", OPEN_PAGE)];
        let page: Events = self.fetch("open events", self.get(&path).query(&query)).await?;
        Ok(page.events)
    }

    /// The events of the log that match, newest first.
    ///
    /// # Errors
    /// As for every call.
    pub async fn events(&self, query: &EventQuery<'_>) -> Result<Vec<Value>, ClientError> {
        self.newest_events(query, usize::MAX).await
    }

    /// The newest events of the log that match, at most `limit` of them, newest first.
    ///
    /// # Errors
    /// As for every call.
    pub async fn newest_events(
        &self,
        query: &EventQuery<'_>,
        limit: usize,
    ) -> Result<Vec<Value>, ClientError> {
        let mut events = Vec::new();
        let mut next = Some("0".to_owned());
        while let Some(key) = next.filter(|_| events.len() < limit) {
            let request = self
                .get(&["api", "mongodb-datastore", "event"])
                .query(query)
                .query(&[("pageSize", DATASTORE_PAGE), ("nextPageKey", &key)]);
            let page: Events = self.fetch("events", request).await?;
            // A page with nothing on it ends the list whatever it says, or this would not end.
            next = page.next().filter(|_| !page.events.is_empty());
            events.extend(page.events);
        }
        events.truncate(limit);
        Ok(events)
    }

    /// One event of the log, whatever its project, and what it meant.
    ///
    /// # Errors
    /// 404 where there is none with this id.
    pub async fn event(&self, id: &str) -> Result<EventEntry, ClientError> {
        self.fetch("an event", self.get(&["api", "tidegate", "v1", "events", id])).await
    }
}
