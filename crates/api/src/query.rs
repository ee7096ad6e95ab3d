//! Query parameters. Keptn 1.4 takes an empty one as absent, and the first of several.

use std::str::FromStr;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use jiff::Timestamp;
use serde::Serialize;
use tidegate_store::PAGE_MAX;
use utoipa::ToSchema;

use crate::error::{ApiError, shown};
use crate::openapi::wire;

/// Keptn 1.4's page size where the client names none.
pub(crate) const PAGE: u64 = 20;

/// The query of a request.
pub(crate) struct Query(Vec<(String, String)>);

/// Nothing can match what was asked for.
pub(crate) struct NoMatch;

impl<S: Sync> FromRequestParts<S> for Query {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        match axum::extract::Query::try_from_uri(&parts.uri) {
            Ok(axum::extract::Query(pairs)) => Ok(Self(pairs)),
            Err(rejection) => Err(ApiError::format(rejection.body_text())),
        }
    }
}

impl Query {
    /// A parameter that is there and not empty.
    pub(crate) fn text(&self, key: &str) -> Option<&str> {
        let found = self.0.iter().find(|(name, _)| name == key);
        found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    /// A parameter to filter by: a text that names nothing matches nothing.
    pub(crate) fn filter<T: FromStr>(&self, key: &str) -> Result<Option<T>, NoMatch> {
        self.text(key).map(|text| text.parse().map_err(|_| NoMatch)).transpose()
    }

    /// A parameter that must make sense where it is given.
    pub(crate) fn strict<T: FromStr<Err: std::fmt::Display>>(
        &self,
        key: &str,
    ) -> Result<Option<T>, ApiError> {
        let parse = |text: &str| {
            text.parse().map_err(|why| ApiError::format(format!("{key} {:?}: {why}", shown(text))))
        };
        self.text(key).map(parse).transpose()
    }

    /// A bound in time.
    pub(crate) fn time(&self, key: &str) -> Result<Option<Timestamp>, ApiError> {
        let parse = |text: &str| {
            text.parse().map_err(|_| {
                let want = "an RFC 3339 time, such as 2026-11-24T10:00:00.000Z";
                ApiError::format(format!("{key} must be {want}, not {:?}", shown(text)))
            })
        };
        self.text(key).map(parse).transpose()
    }

    /// `pageSize`, between 1 and [`PAGE_MAX`]; none where it is absent or 0.
    pub(crate) fn page_size(&self) -> Result<Option<u64>, ApiError> {
        let Some(size) = self.strict::<u64>("pageSize")? else { return Ok(None) };
        Ok((size > 0).then_some(size.min(PAGE_MAX)))
    }

    /// `nextPageKey` as an offset. Keptn 1.4: what is no number is the beginning.
    pub(crate) fn offset(&self) -> u64 {
        self.text("nextPageKey").and_then(|text| text.parse().ok()).unwrap_or(0)
    }
}

/// Where a page of a list stands. Keptn 1.4: the key is `0` at the end, and there is no `totalCount` where
/// it is 0.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PageFields {
    /// Where the next page begins; `0` where this one is the last.
    #[schema(value_type = wire::NextPageKey)]
    next_page_key: String,
    /// How many there are in all.
    #[schema(value_type = u64, examples(1))]
    #[serde(skip_serializing_if = "Option::is_none")]
    total_count: Option<u64>,
}

impl PageFields {
    pub(crate) fn new(next: Option<u64>, total: u64) -> Self {
        let next_page_key = next.unwrap_or(0).to_string();
        Self { next_page_key, total_count: (total > 0).then_some(total) }
    }

    /// One page of a list that is at hand as a whole.
    pub(crate) fn cut<T>(items: Vec<T>, offset: u64, size: u64) -> (Vec<T>, Self) {
        let total = items.len() as u64;
        let end = offset.saturating_add(size);
        let fields = Self::new((end < total).then_some(end), total);
        let skip = usize::try_from(offset).unwrap_or(usize::MAX);
        let take = usize::try_from(size).unwrap_or(usize::MAX);
        (items.into_iter().skip(skip).take(take).collect(), fields)
    }
}
