//! Which sequences are meant, over all projects.

use std::str::FromStr;

use jiff::Timestamp;
use tidegate_core::names::{ContextId, ProjectName, SequenceName, ServiceName, StageName};
use tidegate_core::sequence::{Context, ContextState};
use tidegate_store::{EventFilter, ExecutionFilter, PAGE_MAX, Reader, SequenceFilter, StoreError};

/// Most rows of one project that are looked through for the beginning of an id, or for a stage.
const SEARCHED_MAX: u64 = 10_000;
/// Shortest beginning of an id that may stand for it.
const BEGINNING_MIN: usize = 4;
/// The length of a whole id.
const ID_LENGTH: usize = 36;

/// Which sequences. Absent fields do not narrow.
pub(super) struct Wanted {
    pub(super) project: Option<ProjectName>,
    /// That have reached this stage.
    pub(super) stage: Option<StageName>,
    pub(super) service: Option<ServiceName>,
    pub(super) name: Option<SequenceName>,
    pub(super) state: Option<ContextState>,
    pub(super) context: Option<Beginning>,
    /// Triggered later than this.
    pub(super) from: Option<Timestamp>,
    /// Triggered earlier than this.
    pub(super) before: Option<Timestamp>,
    /// Between 1 and [`PAGE_MAX`].
    pub(super) limit: u64,
}

/// The first digits of an id, or all of them, in lower case.
pub(super) struct Beginning(String);

impl FromStr for Beginning {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fits = (BEGINNING_MIN..=ID_LENGTH).contains(&text.len());
        if !fits || !text.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-') {
            return Err("must be an id, or at least its first 4 digits");
        }
        Ok(Self(text.to_ascii_lowercase()))
    }
}

/// What was found, newest first, and whether there may be more.
pub(super) struct Found {
    pub(super) contexts: Vec<Context>,
    pub(super) more: bool,
}

/// All that match, newest first, at most as many as wanted.
pub(super) fn all(reader: &dyn Reader, wanted: &Wanted) -> Result<Found, StoreError> {
    if let Some(Beginning(text)) = &wanted.context
        && text.len() == ID_LENGTH
    {
        let found = text.parse().ok().map(|id| one(reader, id)).transpose()?.flatten();
        let found = found.filter(|context| {
            wanted.project.as_ref().is_none_or(|project| context.project == *project)
        });
        return Ok(Found { contexts: found.into_iter().collect(), more: false });
    }
    let (mut contexts, mut more) = (Vec::new(), false);
    for project in projects(reader, wanted.project.as_ref())? {
        let found = in_project(reader, &project, wanted)?;
        more |= found.more;
        contexts.extend(found.contexts);
    }
    contexts.sort_by(|left, right| right.time.cmp(&left.time).then(right.id.cmp(&left.id)));
    let limit = usize::try_from(wanted.limit).unwrap_or(usize::MAX);
    more |= contexts.len() > limit;
    contexts.truncate(limit);
    Ok(Found { contexts, more })
}

/// One by its id, whatever its project.
pub(super) fn one(reader: &dyn Reader, id: ContextId) -> Result<Option<Context>, StoreError> {
    let filter = EventFilter { context: Some(id), ..EventFilter::default() };
    let Some(newest) = reader.events(&filter, 0, 1)?.items.pop() else { return Ok(None) };
    let Some((project, _)) = reader.event(newest.event.id)? else { return Ok(None) };
    let filter = SequenceFilter { contexts: vec![id], ..SequenceFilter::default() };
    Ok(reader.sequences(&project, &filter, 0, Some(1))?.items.pop())
}

fn projects(
    reader: &dyn Reader,
    only: Option<&ProjectName>,
) -> Result<Vec<ProjectName>, StoreError> {
    if let Some(only) = only {
        return Ok(vec![only.clone()]);
    }
    let (mut names, mut next) = (Vec::new(), Some(0));
    while let Some(offset) = next {
        let page = reader.projects(offset, PAGE_MAX)?;
        names.extend(page.items.into_iter().map(|row| row.name));
        next = page.next;
    }
    Ok(names)
}

fn in_project(
    reader: &dyn Reader,
    project: &ProjectName,
    wanted: &Wanted,
) -> Result<Found, StoreError> {
    if wanted.stage.is_some() || wanted.service.is_some() {
        return by_execution(reader, project, wanted);
    }
    let filter = sequences(wanted, Vec::new());
    let Some(Beginning(beginning)) = &wanted.context else {
        let page = reader.sequences(project, &filter, 0, Some(wanted.limit))?;
        return Ok(Found { contexts: page.items, more: page.next.is_some() });
    };
    let (mut contexts, mut next) = (Vec::new(), Some(0));
    while let Some(offset) = next.filter(|offset| *offset < SEARCHED_MAX) {
        let page = reader.sequences(project, &filter, offset, Some(PAGE_MAX))?;
        let found = page.items.into_iter().filter(|one| one.id.to_string().starts_with(beginning));
        contexts.extend(found);
        next = page.next;
    }
    Ok(Found { contexts, more: next.is_some() })
}

/// Stages and services are properties of executions, so those are gone through, newest first.
fn by_execution(
    reader: &dyn Reader,
    project: &ProjectName,
    wanted: &Wanted,
) -> Result<Found, StoreError> {
    let filter = ExecutionFilter {
        stage: wanted.stage.clone(),
        service: wanted.service.clone(),
        ..ExecutionFilter::default()
    };
    let (mut found, mut next): (Vec<Context>, _) = (Vec::new(), Some(0));
    while let Some(offset) = next.filter(|offset| *offset < SEARCHED_MAX) {
        let page = reader.all_executions(project, &filter, offset, PAGE_MAX)?;
        let mut ids: Vec<ContextId> = Vec::new();
        for summary in &page.items {
            let id = summary.execution.context;
            if !ids.contains(&id) && found.iter().all(|context| context.id != id) {
                ids.push(id);
            }
        }
        if !ids.is_empty() {
            let contexts =
                reader.sequences(project, &sequences(wanted, ids), 0, Some(PAGE_MAX))?.items;
            let fits = |context: &Context| match &wanted.context {
                Some(Beginning(text)) => context.id.to_string().starts_with(text),
                None => true,
            };
            found.extend(contexts.into_iter().filter(fits));
        }
        next = page.next;
        if found.len() as u64 >= wanted.limit {
            break;
        }
    }
    Ok(Found { contexts: found, more: next.is_some() })
}

fn sequences(wanted: &Wanted, contexts: Vec<ContextId>) -> SequenceFilter {
    SequenceFilter {
        name: wanted.name.clone(),
        state: wanted.state,
        from: wanted.from,
        before: wanted.before,
        contexts,
    }
}
