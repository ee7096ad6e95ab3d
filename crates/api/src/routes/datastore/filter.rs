//! `filter` of `GET /api/mongodb-datastore/event/type/{type}`: `key:value AND key:value,value`.

use std::collections::HashMap;

use jiff::Timestamp;
use serde_json::Value;
use tidegate_core::event::{Event, EventKind, EventType, text};
use tidegate_core::names::{ContextId, ProjectName};
use tidegate_core::quality::Void;
use tidegate_store::{EventFilter, LogRow, Reader, StoreError, void_answers};

use crate::error::ApiError;
use crate::path;

/// Most values of one key, and most keys: each project and context is a search of its own.
const PAIRS_MAX: usize = 32;
/// Entries that are read at once while searching.
const CHUNK: u64 = 500;
/// Most entries that one search looks at.
pub(super) const SEARCHED_MAX: u64 = 50_000;

/// A filter that names a project or a context.
#[derive(Debug)]
pub(super) struct TypeFilter {
    kind: EventType,
    /// Keys, which are paths into the event, and the values that match.
    pairs: Vec<(String, Vec<String>)>,
}

impl TypeFilter {
    /// Reads the filter. Keptn 1.4 ignores a pair with more than one `:`.
    ///
    /// # Errors
    /// Neither project nor context is named, or too much is.
    pub(super) fn parse(kind: EventType, text: &str) -> Result<Self, ApiError> {
        let mut pairs = Vec::new();
        for pair in text.split(" AND ") {
            if let [key, values] = *pair.split(':').collect::<Vec<_>>().as_slice() {
                let values: Vec<String> =
                    values.split(',').map(|value| value.trim().to_owned()).collect();
                pairs.push((key.trim().to_owned(), values));
            }
        }
        if pairs.len() > PAIRS_MAX || pairs.iter().any(|(_, values)| values.len() > PAIRS_MAX) {
            let message = format!(
                "invalid event filter: at most {PAIRS_MAX} keys, each with at most {PAIRS_MAX} values"
            );
            return Err(ApiError::bad_request(message));
        }
        let filter = Self { kind, pairs };
        if filter.values("data.project").is_none() && filter.values("shkeptncontext").is_none() {
            return Err(ApiError::bad_request(
                "invalid event filter: either 'shkeptncontext' or 'data.project' must be set",
            ));
        }
        Ok(filter)
    }

    fn values(&self, key: &str) -> Option<&[String]> {
        let found = self.pairs.iter().find(|(name, _)| name == key);
        found.map(|(_, values)| values.as_slice())
    }

    /// The newest `limit` events that match; none where more than [`SEARCHED_MAX`] entries of the
    /// log would have to be looked at.
    pub(super) fn find(
        &self,
        reader: &dyn Reader,
        from: Option<Timestamp>,
        limit: usize,
        valid_only: bool,
    ) -> Result<Option<Vec<LogRow>>, StoreError> {
        let mut found = Vec::new();
        for search in self.searches() {
            let search = EventFilter { kind: Some(self.kind.clone()), from, ..search };
            let Some(rows) = self.search(reader, &search, limit, valid_only)? else {
                return Ok(None);
            };
            found.extend(rows);
        }
        found.sort_by_key(|row: &LogRow| std::cmp::Reverse(row.event.time));
        found.truncate(limit);
        Ok(Some(found))
    }

    /// One search per project or context: the store lists by these.
    fn searches(&self) -> Vec<EventFilter> {
        let base = EventFilter {
            stage: self.only("data.stage"),
            service: self.only("data.service"),
            source: self.only("source"),
            ..EventFilter::default()
        };
        if let Some(projects) = self.values("data.project") {
            let projects = projects.iter().filter_map(|name| path::project(name));
            let context = self.only("shkeptncontext").and_then(|id| id.parse().ok());
            return projects
                .map(|name| EventFilter { project: Some(name), context, ..base.clone() })
                .collect();
        }
        let contexts = self.values("shkeptncontext").unwrap_or_default();
        let contexts = contexts.iter().filter_map(|id| id.parse::<ContextId>().ok());
        contexts.map(|id| EventFilter { context: Some(id), ..base.clone() }).collect()
    }

    /// The value of a key that has one.
    fn only(&self, key: &str) -> Option<String> {
        match self.values(key) {
            Some([value]) => Some(value.clone()),
            _ => None,
        }
    }

    /// The newest `limit` matches of one search.
    fn search(
        &self,
        reader: &dyn Reader,
        search: &EventFilter,
        limit: usize,
        valid_only: bool,
    ) -> Result<Option<Vec<LogRow>>, StoreError> {
        let (mut found, mut offset) = (Vec::new(), 0);
        while offset < SEARCHED_MAX {
            let page = reader.events(search, offset, CHUNK)?;
            let voids = match valid_only {
                true => voids(reader, &self.kind, &page.items)?,
                false => HashMap::new(),
            };
            let is_void = |event: &Event| {
                let void = project_of(event).and_then(|project| voids.get(&project));
                void.is_some_and(|void| void.holds(event.triggered_id))
            };
            for row in page.items {
                if self.matches(&row.event) && !is_void(&row.event) {
                    found.push(row);
                }
                if found.len() == limit {
                    return Ok(Some(found));
                }
            }
            match page.next {
                Some(next) => offset = next,
                None => return Ok(Some(found)),
            }
        }
        Ok(None)
    }

    fn matches(&self, event: &Event) -> bool {
        let value = event.to_value();
        self.pairs.iter().all(|(key, wanted)| match at(&value, key) {
            Some(Value::String(text)) => wanted.contains(text),
            Some(Value::Null) | None => false,
            Some(other) => wanted.contains(&other.to_string()),
        })
    }
}

/// The value at a path such as `data.evaluation.result`.
fn at<'a>(value: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.').try_fold(value, |value, key| value.get(key))
}

/// What was said of events of a page, project by project. Keptn 1.4: an event is invalidated by an
/// `.invalidated` of the same task that answers the same trigger.
fn voids(
    reader: &dyn Reader,
    kind: &EventType,
    rows: &[LogRow],
) -> Result<HashMap<ProjectName, Void>, StoreError> {
    let EventKind::Task { task, .. } = kind.kind() else { return Ok(HashMap::new()) };
    let mut by_project = HashMap::<ProjectName, Vec<&Event>>::new();
    for event in rows.iter().map(|row| &row.event) {
        if let Some(project) = project_of(event) {
            by_project.entry(project).or_default().push(event);
        }
    }
    let void = |(project, events): (ProjectName, Vec<&Event>)| {
        let void = void_answers(reader, &project, &task, events)?;
        Ok((project, void))
    };
    by_project.into_iter().map(void).collect()
}

fn project_of(event: &Event) -> Option<ProjectName> {
    ProjectName::new(text(&event.data, "project")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<TypeFilter, ApiError> {
        TypeFilter::parse(EventType::new("t"), text)
    }

    #[test]
    fn pairs_are_split_by_and_in_capitals_and_values_by_commas() {
        let filter = parse("data.project:a,b AND data.result:pass and more").unwrap();
        assert_eq!(filter.values("data.project"), Some(&["a".to_owned(), "b".to_owned()][..]));
        assert_eq!(filter.values("data.result"), Some(&["pass and more".to_owned()][..]));
        assert_eq!(filter.searches().len(), 2);
    }

    #[test]
    fn a_pair_with_two_colons_is_no_pair() {
        let filter = parse("data.project:a AND source:https://x").unwrap();
        assert_eq!(filter.values("source"), None);
        assert!(parse("data.project:a:b").is_err());
    }

    #[test]
    fn a_filter_names_a_project_or_a_context_and_stays_small() {
        for bad in ["", "data.stage:qa", "data.project", &"data.project:a AND ".repeat(40)] {
            assert!(parse(bad).is_err(), "{bad}");
        }
        let many = format!("data.project:{}", "a,".repeat(40));
        assert!(parse(&many).is_err());
    }

    #[test]
    fn paths_lead_into_the_data() {
        let value = serde_json::json!({"data": {"evaluation": {"result": "pass"}}});
        assert_eq!(at(&value, "data.evaluation.result"), Some(&Value::from("pass")));
        assert_eq!(at(&value, "data.nothing.there"), None);
    }
}
