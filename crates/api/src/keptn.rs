//! Keptn's ways with names, pages and times.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};
use tidegate_core::names::{ProjectName, ServiceName, StageName};

use crate::error::ApiError;

/// `pageSize` and `nextPageKey` as texts: what cannot be read counts as absent, as in Keptn.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Paging {
    #[serde(default, rename = "pageSize")]
    page_size: String,
    #[serde(default, rename = "nextPageKey")]
    next_page_key: String,
}

/// Keptn's default page.
const PAGE_DEFAULT: u64 = 20;

impl Paging {
    pub(crate) fn offset(&self) -> u64 {
        self.next_page_key.parse().unwrap_or(0)
    }

    pub(crate) fn limit(&self) -> u64 {
        self.asked().unwrap_or(PAGE_DEFAULT)
    }

    /// The size that was asked for, where one was.
    pub(crate) fn asked(&self) -> Option<u64> {
        self.page_size.parse().ok().filter(|size| *size > 0)
    }
}

/// A page of the control plane: the key of the next page is a text, `"0"` at the end; the total is
/// left out when there is nothing.
pub(crate) fn page(key: &str, items: &[Value], next: Option<u64>, total: u64) -> Value {
    let mut page = json!({key: items, "nextPageKey": next.unwrap_or(0).to_string()});
    if total > 0 {
        page["totalCount"] = json!(total);
    }
    page
}

/// A slice of a list that is in memory.
pub(crate) fn slice(key: &str, all: Vec<Value>, paging: &Paging) -> Value {
    let total = all.len() as u64;
    let (offset, limit) = (paging.offset(), paging.limit());
    let skip = usize::try_from(offset).unwrap_or(usize::MAX);
    let take = usize::try_from(limit).unwrap_or(usize::MAX);
    let items: Vec<Value> = all.into_iter().skip(skip).take(take).collect();
    let end = offset.saturating_add(items.len() as u64);
    let next = (end < total && !items.is_empty()).then_some(end);
    page(key, &items, next, total)
}

/// A project in a path: a text that is no name is a project that does not exist.
pub(crate) fn project(text: &str) -> Result<ProjectName, ApiError> {
    let found = ProjectName::new(text).ok().filter(|name| !name.is_unmapped());
    found.ok_or_else(|| no_project(text))
}

pub(crate) fn no_project(text: &str) -> ApiError {
    ApiError::not_found(format!("Project not found: {}", shown(text)))
}

pub(crate) fn stage(text: &str) -> Result<StageName, ApiError> {
    StageName::new(text).map_err(|_| ApiError::not_found("stage not found"))
}

pub(crate) fn service(text: &str) -> Result<ServiceName, ApiError> {
    ServiceName::new(text).map_err(|_| ApiError::not_found("service not found"))
}

/// What a client sent, short and without what a terminal would obey.
fn shown(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(64).collect()
}

/// Nanoseconds since 1970 as text: Keptn's form of creation dates.
pub(crate) fn nanoseconds(time: Timestamp) -> String {
    time.as_nanosecond().to_string()
}

/// `2006-01-02T15:04:05.000Z`: Keptn's form of times in sequence states.
pub(crate) fn milliseconds(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

/// A time in a query; empty is none.
pub(crate) fn time(name: &str, text: &str) -> Result<Option<Timestamp>, ApiError> {
    if text.is_empty() {
        return Ok(None);
    }
    let parsed = text.parse().map_err(|_| {
        ApiError::invalid_request(format!(
            "{name} is not RFC 3339, such as 2026-11-24T10:00:00.000Z"
        ))
    });
    parsed.map(Some)
}

/// Empty query values do not narrow.
pub(crate) fn given(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_end_with_the_key_zero() {
        let all = || (0..5).map(|n| json!(n)).collect::<Vec<_>>();
        let paging = |size: &str, key: &str| Paging {
            page_size: size.to_owned(),
            next_page_key: key.to_owned(),
        };
        assert_eq!(
            slice("n", all(), &paging("2", "")),
            json!({"n": [0, 1], "nextPageKey": "2", "totalCount": 5})
        );
        assert_eq!(slice("n", all(), &paging("2", "4"))["nextPageKey"], "0");
        assert_eq!(slice("n", all(), &paging("x", "y"))["n"].as_array().unwrap().len(), 5);
        assert_eq!(slice("n", Vec::new(), &paging("", "")), json!({"n": [], "nextPageKey": "0"}));
    }

    #[test]
    fn times_have_three_digits_of_a_second() {
        let time: Timestamp = "2026-11-24T10:00:00.1239Z".parse().unwrap();
        assert_eq!(milliseconds(time), "2026-11-24T10:00:00.123Z");
        assert_eq!(nanoseconds(time), "1795514400123900000");
    }
}
