//! Searching the contexts of a project: what an index narrows, what is looked at row by row, and where
//! a search gives up and says so. The same on every home.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use tidegate_core::names::{SequenceName, ServiceName, StageName};
use tidegate_core::principal::Principal;
use tidegate_core::sequence::{Context, ContextState};

use crate::codec::micros;
use crate::contract::StoreError;

/// Most contexts that one search looks at, fewer where many of them have to be read; the answer says
/// where to go on. Few in tests, so that a search of some dozens gives up.
pub const SEARCHED_MAX: u64 = if cfg!(test) { 80 } else { 20_000 };
/// What reading a context costs, beside a look at its text.
const READ_COSTS: u64 = 4;

/// What contexts are searched for. Whatever is empty or absent does not narrow.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SequenceSearch {
    /// Of any of these services.
    pub services: Vec<ServiceName>,
    /// Having reached any of these stages.
    pub stages: Vec<StageName>,
    /// With any of these names.
    pub names: Vec<SequenceName>,
    /// In any of these states.
    pub states: Vec<ContextState>,
    /// With a failure in one of its stages.
    pub faulty: bool,
    /// With a failed gate that somebody has overridden.
    pub overridden: bool,
    /// With all of these labels, key and value.
    pub labels: Vec<(String, String)>,
    /// Triggered by whom, as people write the name; case does not count.
    pub by: Option<String>,
    /// Not earlier than this.
    pub from: Option<Timestamp>,
    /// Earlier than this.
    pub before: Option<Timestamp>,
    /// With this in an image or in the title of the problem, or at either end of the id; case does not
    /// count.
    pub text: Option<String>,
}

impl SequenceSearch {
    /// Whether a context is what is searched for.
    #[must_use]
    pub fn admits(&self, context: &Context) -> bool {
        let Self { services, stages, names, states, faulty, overridden, labels, .. } = self;
        let Self { by, from, before, text, .. } = self;
        any(services, |service| *service == context.service)
            && any(stages, |name| context.stages.iter().any(|stage| stage.name == *name))
            && any(names, |name| *name == context.name)
            && any(states, |state| *state == context.state)
            && (!faulty || context.stages.iter().any(|stage| stage.latest_failed_event.is_some()))
            && (!overridden || context.stages.iter().any(|stage| stage.overridden.is_some()))
            && labels.iter().all(|(key, value)| context.labels.get(key) == Some(value))
            && by.as_ref().is_none_or(|by| is_called(&context.triggered_by, by))
            && from.is_none_or(|from| micros(context.time) >= micros(from))
            && before.is_none_or(|before| micros(context.time) < micros(before))
            && text.as_ref().is_none_or(|text| says(context, &text.to_lowercase()))
    }

    /// Whether a context that is stored as this JSON can be what is searched for: a look at the text
    /// costs little beside reading it. Never false where [`Self::admits`] is true.
    pub(crate) fn can_be(&self, body: &str) -> bool {
        let holds = |text: &str, key: &str| {
            let quoted = serde_json::to_string(text).unwrap_or_default();
            body.contains(&format!("{key}:{quoted}"))
        };
        // What JSON may write in another way is not looked for here.
        let plain = |c: char| c.is_ascii_graphic() && !matches!(c, '"' | '\\');
        let mentions = |text: &str| !text.chars().all(plain) || contains_ignoring_case(body, text);
        any(&self.services, |service| holds(service.as_str(), "\"service\""))
            && any(&self.names, |name| holds(name.as_str(), "\"name\""))
            && any(&self.stages, |stage| holds(stage.as_str(), "\"name\""))
            && (!self.faulty || body.contains("\"latest_failed_event\":{"))
            && (!self.overridden || body.contains("\"overridden\":{"))
            && self.labels.iter().all(|(key, value)| {
                let key = serde_json::to_string(key).unwrap_or_default();
                holds(value, &key)
            })
            && self.text.as_ref().is_none_or(|text| mentions(text))
    }

    /// The indexes that lead to what is searched for, to be merged: each yields what the others do not.
    pub(crate) fn drivers(&self) -> Vec<Driver> {
        let states = || self.states.iter().copied().map(Driver::State).collect::<Vec<_>>();
        match (self.services.as_slice(), self.states.as_slice()) {
            // Few contexts are under way, whatever else there is.
            (_, [_, ..]) if self.states.iter().all(|state| !state.is_final()) => states(),
            ([service], _) => vec![Driver::Service(service.clone())],
            (_, [_]) => states(),
            _ => vec![Driver::Time],
        }
    }

    /// Between which positions to look, both excluded.
    pub(crate) fn bounds(&self, start: Start) -> (Position, Position) {
        let edge = |time: Timestamp| Position { time_us: micros(time), seq: i64::MIN };
        let (mut low, mut high) = (Position::FIRST, Position::LAST);
        if let Some(from) = self.from {
            low = edge(from);
        }
        if let Some(before) = self.before {
            high = edge(before);
        }
        match start {
            Start::Newest => {}
            Start::Before(position) => high = high.min(position),
            Start::After(position) => low = low.max(position),
        }
        (low, high)
    }
}

fn any<T>(wanted: &[T], is: impl FnMut(&T) -> bool) -> bool {
    wanted.is_empty() || wanted.iter().any(is)
}

fn is_called(principal: &Principal, name: &str) -> bool {
    let alone = match principal {
        Principal::Person(own) | Principal::Machine(own) | Principal::Builtin(own) => own.as_str(),
        Principal::Shared | Principal::Wire => "",
    };
    let name = name.to_lowercase();
    principal.to_string().to_lowercase() == name || alone.to_lowercase() == name
}

/// `text` is in lower case.
fn says(context: &Context, text: &str) -> bool {
    let images = context.stages.iter().filter_map(|stage| stage.image.as_deref());
    let mut said = images.chain(context.problem_title.as_deref());
    let id = context.id.to_string();
    id.starts_with(text)
        || id.ends_with(text)
        || said.any(|said| said.to_lowercase().contains(text))
}

fn contains_ignoring_case(body: &str, text: &str) -> bool {
    let (body, text) = (body.as_bytes(), text.as_bytes());
    let Some(first) = text.first() else { return true };
    let ends = body.len().saturating_sub(text.len() - 1);
    (0..ends).any(|at| {
        body[at].eq_ignore_ascii_case(first) && body[at..at + text.len()].eq_ignore_ascii_case(text)
    })
}

/// What a search walks along.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Driver {
    /// All contexts.
    Time,
    /// Those in one state.
    State(ContextState),
    /// Those of one service.
    Service(ServiceName),
}

/// A place in the order of a project's contexts: by time, then by the order they were written. It says
/// nothing outside of the store that it came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    pub(crate) time_us: i64,
    pub(crate) seq: i64,
}

impl Position {
    const FIRST: Self = Self { time_us: i64::MIN, seq: i64::MIN };
    const LAST: Self = Self { time_us: i64::MAX, seq: i64::MAX };

    /// The time of the context that stands there.
    #[must_use]
    pub fn time(&self) -> Timestamp {
        Timestamp::from_microsecond(self.time_us).unwrap_or_default()
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.time_us, self.seq)
    }
}

/// The text is no position.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a position is two whole numbers with a dot between them")]
pub struct PositionError;

impl FromStr for Position {
    type Err = PositionError;

    fn from_str(text: &str) -> Result<Self, PositionError> {
        let (time, seq) = text.split_once('.').ok_or(PositionError)?;
        let number = |text: &str| text.parse().map_err(|_| PositionError);
        Ok(Self { time_us: number(time)?, seq: number(seq)? })
    }
}

/// Where a search begins, and in which direction it goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// At the newest context, towards older ones.
    Newest,
    /// At the first one that is older.
    Before(Position),
    /// At the first one that is newer, towards newer ones.
    After(Position),
}

impl Start {
    /// Whether it goes from older to newer ones.
    pub(crate) fn is_upwards(self) -> bool {
        matches!(self, Self::After(_))
    }
}

/// What a search has found.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// The contexts, newest first, whatever the direction.
    pub items: Vec<(Position, Context)>,
    /// Where the search goes on in its direction; none where there is nothing more.
    pub more: Option<Position>,
    /// How many contexts were looked at.
    pub searched: u64,
    /// Whether it gave up before the page was full: what is searched for may lie further on.
    pub is_cut: bool,
}

/// Lets pass, of what comes along one driver, what is searched for.
pub(crate) struct Sieve<'a> {
    search: &'a SequenceSearch,
    keep: &'a dyn Fn(&Context) -> bool,
    /// One more than a page holds, so that it is known whether there is more.
    wanted: usize,
    /// What it may cost, and what it has cost.
    budget: u64,
    spent: u64,
    found: Vec<(Position, Context)>,
    searched: u64,
    stopped: Option<Position>,
}

impl<'a> Sieve<'a> {
    /// One of `of` sieves that share what a search may look at.
    pub(crate) fn new(
        search: &'a SequenceSearch,
        keep: &'a dyn Fn(&Context) -> bool,
        limit: u64,
        of: usize,
    ) -> Self {
        Self {
            search,
            keep,
            wanted: usize::try_from(limit).unwrap_or(usize::MAX).saturating_add(1),
            budget: (SEARCHED_MAX / of.max(1) as u64).max(1),
            spent: 0,
            found: Vec::new(),
            searched: 0,
            stopped: None,
        }
    }

    /// Takes the next context of its driver. False where it needs no more.
    ///
    /// # Errors
    /// The row's own.
    pub(crate) fn offer(
        &mut self,
        position: Position,
        body: &str,
        read: impl FnOnce() -> Result<Context, StoreError>,
    ) -> Result<bool, StoreError> {
        self.searched += 1;
        self.spent += 1;
        if self.search.can_be(body) {
            self.spent += READ_COSTS - 1;
            let context = read()?;
            if self.search.admits(&context) && (self.keep)(&context) {
                self.found.push((position, context));
            }
        }
        if self.found.len() >= self.wanted || self.spent >= self.budget {
            self.stopped = Some(position);
        }
        Ok(self.stopped.is_none())
    }
}

/// One page of what several sieves have let pass. Beyond the place where the first of them stopped
/// nothing is known, so nothing is shown.
pub(crate) fn merge(sieves: Vec<Sieve<'_>>, start: Start, limit: u64) -> Found {
    let upwards = start.is_upwards();
    let stops = sieves.iter().filter_map(|sieve| sieve.stopped);
    let horizon = if upwards { stops.min() } else { stops.max() };
    let searched = sieves.iter().map(|sieve| sieve.searched).sum();
    let mut items: Vec<_> = sieves.into_iter().flat_map(|sieve| sieve.found).collect();
    items.sort_by_key(|(position, _)| *position);
    if !upwards {
        items.reverse();
    }
    if let Some(horizon) = horizon {
        items.retain(
            |(position, _)| if upwards { *position <= horizon } else { *position >= horizon },
        );
    }
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let is_full = items.len() > limit;
    items.truncate(limit);
    let more = if is_full { items.last().map(|(position, _)| *position) } else { horizon };
    if upwards {
        items.reverse();
    }
    Found { items, more, searched, is_cut: !is_full && more.is_some() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::context;

    #[test]
    fn a_position_reads_back() {
        for position in [Position { time_us: 5, seq: -7 }, Position::FIRST, Position::LAST] {
            assert_eq!(position.to_string().parse(), Ok(position));
        }
        for wrong in ["", "5", "5.", "a.b", "5.5.5", "99999999999999999999.1"] {
            assert_eq!(wrong.parse::<Position>(), Err(PositionError), "{wrong}");
        }
    }

    #[test]
    fn the_look_at_the_text_never_hides_what_is_searched_for() {
        let mut row = context(7);
        row.labels.insert("a \"b\"\\".to_owned(), "c\n\u{1}é".to_owned());
        row.problem_title = Some("Zeitüberschreitung: \"Größe\"".to_owned());
        let body = serde_json::to_string(&row).unwrap();
        let search = |text: Option<&str>, labels: &[(&str, &str)]| SequenceSearch {
            text: text.map(str::to_owned),
            labels: labels.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
            ..SequenceSearch::default()
        };
        for hit in [
            search(Some("\"größe\""), &[]),
            search(Some("ZEIT"), &[]),
            search(Some(&row.id.to_string()[..13]), &[]),
            search(None, &[("a \"b\"\\", "c\n\u{1}é"), ("build", "7")]),
        ] {
            assert!(hit.admits(&row) && hit.can_be(&body), "{hit:?}");
        }
        for miss in [search(Some("nowhere"), &[]), search(None, &[("build", "8")])] {
            assert!(!miss.admits(&row) && !miss.can_be(&body), "{miss:?}");
        }
    }

    #[test]
    fn a_name_is_found_as_people_write_it() {
        let by = |name: &str| SequenceSearch { by: Some(name.to_owned()), ..Default::default() };
        let machine = tidegate_core::principal::PrincipalName::new("Bot").unwrap();
        let row = Context { triggered_by: Principal::Machine(machine), ..context(1) };
        assert!(by("bot").admits(&row) && by("BOT (machine)").admits(&row));
        assert!(!by("bo").admits(&row) && !by("").admits(&row));
        let shared = Context { triggered_by: Principal::Shared, ..context(1) };
        assert!(by("the shared API token").admits(&shared));
    }
}
