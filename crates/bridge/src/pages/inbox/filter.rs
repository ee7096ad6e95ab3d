//! What the address of the Inbox asks for.

use jiff::Timestamp;
use tidegate_core::approval::Approval;
use tidegate_core::names::{ProjectName, ServiceName, StageName};
use tidegate_store::{ApprovalFilter, ApprovalState, PAGE_MAX, Page, Reader, StoreError};

use crate::next::encode;

/// What the address asks for. What cannot be a name matches nothing, and is shown as it was given.
#[derive(Debug, Clone, Default, serde::Deserialize)]
pub(crate) struct Filter {
    #[serde(default)]
    view: View,
    #[serde(default)]
    pub(super) project: String,
    #[serde(default)]
    pub(super) stage: String,
    #[serde(default)]
    pub(super) service: String,
    /// A label, as `key` or `key:value`.
    #[serde(default)]
    pub(super) label: String,
    /// How long it waits at least.
    #[serde(default)]
    older: String,
    #[serde(default)]
    offset: String,
}

/// Words of the age filter, and the hours they stand for.
const AGES: [(&str, &str, i64); 4] = [
    ("1h", "more than 1 h", 1),
    ("4h", "more than 4 h", 4),
    ("1d", "more than 1 d", 24),
    ("7d", "more than 7 d", 168),
];

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
enum View {
    /// Somebody has decided.
    Decided,
    /// A person must decide.
    #[default]
    #[serde(other)]
    Open,
}

impl Filter {
    /// The filter of the store; none where a name cannot be one.
    fn store(&self, state: ApprovalState) -> Option<ApprovalFilter> {
        let given = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Some(ApprovalFilter {
            state: Some(state),
            project: given(&self.project).map(ProjectName::new).transpose().ok()?,
            stage: given(&self.stage).map(StageName::new).transpose().ok()?,
            service: given(&self.service).map(ServiceName::new).transpose().ok()?,
            ..ApprovalFilter::default()
        })
    }

    pub(super) fn offset(&self) -> u64 {
        self.offset.parse().unwrap_or(0)
    }

    /// Whether it leaves anything out.
    pub(super) fn narrows(&self) -> bool {
        [&self.project, &self.stage, &self.service].iter().any(|text| !text.is_empty())
            || self.searches()
    }

    /// Whether it asks for what the store has no index of.
    pub(super) fn searches(&self) -> bool {
        !self.label.is_empty() || self.hours().is_some()
    }

    fn hours(&self) -> Option<i64> {
        AGES.iter().find(|(word, ..)| *word == self.older).map(|(_, _, hours)| *hours)
    }

    /// The ages to choose from, and whether one is chosen.
    pub(super) fn ages(&self) -> impl Iterator<Item = (&'static str, &'static str, bool)> {
        AGES.iter().map(|(word, words, _)| (*word, *words, *word == self.older))
    }

    /// Whether an approval is what the search asks for.
    fn finds(&self, approval: &Approval, now: Timestamp) -> bool {
        let has_label = match self.label.split_once(':') {
            Some((key, value)) => {
                let is = |found: &String| found.trim() == value.trim();
                approval.labels.get(key.trim()).is_some_and(is)
            }
            None => self.label.is_empty() || approval.labels.contains_key(self.label.trim()),
        };
        let age = now.as_second() - approval.asked_at.as_second();
        has_label && self.hours().is_none_or(|hours| age >= hours * 3600)
    }

    /// The address of the same, elsewhere in the list.
    pub(super) fn at(&self, offset: u64) -> String {
        let offset = offset.to_string();
        let view = if self.view == View::Decided { "decided" } else { "" };
        let pairs = [
            ("view", view),
            ("project", &self.project),
            ("stage", &self.stage),
            ("service", &self.service),
            ("label", &self.label),
            ("older", &self.older),
            ("offset", if offset == "0" { "" } else { &offset }),
        ];
        let given = pairs.iter().filter(|(_, value)| !value.is_empty());
        let query: Vec<_> = given.map(|(key, value)| format!("{key}={}", encode(value))).collect();
        let question = if query.is_empty() { "" } else { "?" };
        format!("/bridge/inbox{question}{}", query.join("&"))
    }

    pub(super) fn is_decided(&self) -> bool {
        self.view == View::Decided
    }

    /// The approvals that it asks for. What the store has no index of is looked for among the first
    /// [`PAGE_MAX`].
    ///
    /// # Errors
    /// The store's own.
    pub(super) fn list(
        &self,
        reader: &dyn Reader,
        state: ApprovalState,
        range: (u64, u64),
        now: Timestamp,
    ) -> Result<Page<Approval>, StoreError> {
        let (offset, limit) = range;
        match self.store(state) {
            Some(narrow) if self.searches() => {
                let all = reader.approvals(&narrow, 0, PAGE_MAX)?;
                Ok(search(all, range, |approval| self.finds(approval, now)))
            }
            Some(narrow) => reader.approvals(&narrow, offset, limit),
            None => Ok(Page { items: Vec::new(), total: 0, next: None }),
        }
    }
}

/// A page of what is found in another one.
fn search(
    all: Page<Approval>,
    (offset, limit): (u64, u64),
    finds: impl Fn(&Approval) -> bool,
) -> Page<Approval> {
    let found: Vec<_> = all.items.into_iter().filter(finds).collect();
    let total = found.len() as u64;
    let end = offset.saturating_add(limit);
    let items = found.into_iter().skip(usize::try_from(offset).unwrap_or(usize::MAX));
    let items = items.take(usize::try_from(limit).unwrap_or(usize::MAX)).collect();
    Page { items, total, next: (end < total).then_some(end) }
}
