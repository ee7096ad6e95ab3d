//! What pages are about, and what therefore concerns them.

use std::fmt;

use tidegate_core::names::{ContextId, ProjectName};
use tidegate_engine::Committed;

/// Most topics of one stream: the open pages of one browser.
const TOPICS_MAX: usize = 64;

/// What a page is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Topic {
    /// Everything. `all`
    All,
    /// One project. `project:tour`
    Project(ProjectName),
    /// One delivery, and the output of its jobs. `context:…`
    Context(ContextId),
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("all"),
            Self::Project(project) => write!(f, "project:{project}"),
            Self::Context(context) => write!(f, "context:{context}"),
        }
    }
}

impl Topic {
    /// Reads what [`fmt::Display`] writes.
    fn parse(text: &str) -> Option<Self> {
        match text.split_once(':') {
            None if text == "all" => Some(Self::All),
            Some(("project", name)) => ProjectName::new(name).ok().map(Self::Project),
            Some(("context", id)) => id.parse().ok().map(Self::Context),
            _ => None,
        }
    }

    /// Whether a page about this shows what that commit changed.
    pub(super) fn covers(&self, committed: &Committed) -> bool {
        match self {
            Self::All => true,
            Self::Project(project) => committed.project == *project,
            Self::Context(context) => committed.context == *context,
        }
    }
}

/// The topics of a query, `topic=all&topic=project:tour`; none where one cannot be read, there are too
/// many, or there is none.
pub(super) fn topics(query: &[(String, String)]) -> Option<Vec<Topic>> {
    let texts = query.iter().filter(|(key, _)| key == "topic");
    let topics: Vec<Topic> = texts.map(|(_, text)| Topic::parse(text)).collect::<Option<_>>()?;
    (1..=TOPICS_MAX).contains(&topics.len()).then_some(topics)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topics_are_read_back_and_nothing_else_is_one() {
        let read = |texts: &[&str]| {
            let query: Vec<_> =
                texts.iter().map(|text| ("topic".to_owned(), (*text).to_owned())).collect();
            topics(&query).map(|all| all.iter().map(ToString::to_string).collect::<Vec<_>>())
        };
        let good = ["all", "project:tour", "context:11111111-1111-4111-8111-111111111111"];
        assert_eq!(read(&good).unwrap(), good);
        for bad in ["", "inbox", "all:x", "project:", "project:../x", "context:x", "log:1"] {
            assert_eq!(read(&[bad]), None, "{bad}");
        }
        assert_eq!(read(&[]), None);
        assert_eq!(read(&["all"; TOPICS_MAX + 1]), None);
    }
}
