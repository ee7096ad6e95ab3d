//! What every page has around its content.

use askama::Template;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use tidegate_core::names::ProjectName;
use tidegate_core::principal::Principal;
use tidegate_engine::Position;
use tidegate_store::{ApprovalFilter, ApprovalState, Reader, StoreError};

use crate::assets::Asset;
use crate::live::Topic;
use crate::problem::Problem;
use crate::view::{Text, When, Who};
use crate::visitor::{Taste, Theme, Visitor};

/// Where in the Bridge a page is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// The approvals that wait.
    Inbox,
    /// The list of projects.
    Projects,
    /// Within a project.
    Project(ProjectName, Section),
    /// What was searched for.
    Search,
    /// The reader's own settings.
    Me,
    /// Outside: before the sign-in, or where something went wrong.
    Nowhere,
}

/// A part of a project, with an entry of its own in the navigation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Section {
    /// Its stages, and the gates between them.
    Environment,
    /// Its sequences.
    Sequences,
    /// What its quality gates have said.
    Quality,
}

/// An entry of the navigation.
pub(crate) struct Entry {
    pub(crate) word: &'static str,
    pub(crate) href: String,
    pub(crate) is_current: bool,
}

/// Navigation, theme, and what the scripts have to know.
pub(crate) struct Frame {
    pub(crate) title: Text,
    pub(crate) place: Place,
    pub(crate) taste: Taste,
    /// Who is signed in, and the token of their forms.
    pub(crate) reader: Option<(Who, String)>,
    /// How many approvals wait.
    pub(crate) waiting: u64,
    /// What the page is about; none where nothing can change.
    pub(crate) live: Option<Topic>,
    /// What the page has seen.
    pub(crate) position: Option<Position>,
    /// What the page needs beyond what every page loads.
    pub(crate) scripts: Vec<Asset>,
    /// When the page was true.
    pub(crate) now: Option<When>,
    /// False where only the main part is sent.
    pub(crate) whole: bool,
}

impl Frame {
    /// The frame of a page for somebody who is signed in.
    pub(crate) fn new(visitor: &Visitor, title: Text, place: Place, waiting: u64) -> Self {
        Self {
            title,
            place,
            taste: visitor.taste,
            reader: Some((reader(&visitor.principal), visitor.csrf.clone())),
            waiting,
            live: None,
            position: Some(visitor.position),
            scripts: Vec::new(),
            now: Some(When::new(visitor.now, visitor.now)),
            whole: visitor.whole,
        }
    }

    /// A frame that needs nothing to be up.
    pub(crate) fn bare(title: &str) -> Self {
        Self {
            title: Text::line(title),
            place: Place::Nowhere,
            taste: Taste { theme: Theme::System, keys: false },
            reader: None,
            waiting: 0,
            live: None,
            position: None,
            scripts: Vec::new(),
            now: None,
            whole: true,
        }
    }

    /// The same, kept true by what the stream says about that.
    pub(crate) fn live(self, topic: Topic) -> Self {
        Self { live: Some(topic), ..self }
    }

    /// The same with one more script.
    pub(crate) fn with(mut self, script: Asset) -> Self {
        self.scripts.push(script);
        self
    }

    /// Every script of the page.
    pub(crate) fn all_scripts(&self) -> impl Iterator<Item = &'static str> {
        let keys = self.taste.keys.then_some(Asset::Keys);
        let common = [Asset::Morph, Asset::Clock, Asset::Live, Asset::Palette];
        common.into_iter().chain(keys).chain(self.scripts.iter().copied()).map(Asset::path)
    }

    /// Where the style sheet is.
    pub(crate) fn style(&self) -> &'static str {
        Asset::Style.path()
    }

    /// Where the icon is.
    pub(crate) fn mark(&self) -> &'static str {
        if self.waiting > 0 { self.dotted_mark() } else { self.plain_mark() }
    }

    /// Where the mark is.
    pub(crate) fn plain_mark(&self) -> &'static str {
        Asset::Mark.path()
    }

    /// Where the mark is that says that something waits.
    pub(crate) fn dotted_mark(&self) -> &'static str {
        Asset::MarkDot.path()
    }

    /// Whether the navigation marks this place.
    pub(crate) fn is_at(&self, word: &str) -> bool {
        matches!(
            (&self.place, word),
            (Place::Inbox, "inbox")
                | (Place::Projects | Place::Project(..), "projects")
                | (Place::Search, "search")
                | (Place::Me, "me")
        )
    }

    /// The project that the page is in, and the entries of its parts.
    pub(crate) fn project(&self) -> Option<(&ProjectName, Vec<Entry>)> {
        let Place::Project(project, section) = &self.place else { return None };
        let entry = |word, path: &str, at: Section| Entry {
            word,
            href: format!("/bridge/project/{project}{path}"),
            is_current: *section == at,
        };
        let entries = vec![
            entry("Environment", "", Section::Environment),
            entry("Sequences", "/sequence", Section::Sequences),
            entry("Quality", "/quality", Section::Quality),
        ];
        Some((project, entries))
    }

    /// The token that the page's forms carry.
    pub(crate) fn csrf(&self) -> &str {
        self.reader.as_ref().map(|(_, csrf)| csrf.as_str()).unwrap_or_default()
    }
}

/// The reader under their own name, not as "you".
fn reader(principal: &Principal) -> Who {
    Who { is_reader: false, ..Who::new(principal, principal) }
}

/// How many approvals wait.
///
/// # Errors
/// The store's own.
pub(crate) fn waiting(reader: &dyn Reader) -> Result<u64, StoreError> {
    let open = ApprovalFilter { state: Some(ApprovalState::Open), ..ApprovalFilter::default() };
    Ok(reader.approvals(&open, 0, 1)?.total)
}

/// A page as an answer.
///
/// # Errors
/// The template failed.
pub(crate) fn html(page: &impl Template, status: StatusCode) -> Result<Response, Problem> {
    let text = page.render()?;
    Ok((status, [(CONTENT_TYPE, "text/html; charset=utf-8")], text).into_response())
}
