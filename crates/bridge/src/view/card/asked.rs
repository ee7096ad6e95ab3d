//! An approval with what a reader must know beyond it, read in one go.

use jiff::Timestamp;
use tidegate_core::approval::{Approval, Decision};
use tidegate_core::sequence::{Context, Deployed};
use tidegate_store::{ApprovalState, LogRow, Reader, SequenceFilter, StoreError};

/// Other approvals of the same place that one card looks at.
const OTHERS_MAX: u64 = 20;

/// An approval and its grounds.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Asked {
    /// The question.
    pub(crate) approval: Approval,
    /// What has run in its stage, newest last.
    pub(crate) deployed: Vec<Deployed>,
    /// The delivery; none where it is forgotten.
    pub(crate) context: Option<Context>,
    /// The results it is based on, in the order of its evidence; none where one is forgotten.
    pub(crate) results: Vec<Option<Measured>>,
    /// Where the same image runs already: each stage that its evidence comes from, and since when.
    pub(crate) runs_in: Vec<(String, Timestamp)>,
    /// Others that wait for the same place, newest first.
    pub(crate) rivals: Vec<Approval>,
    /// The last time that somebody declined this image for this place.
    pub(crate) declined: Option<Approval>,
}

/// A result, and when the task began that gave it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Measured {
    /// The `.finished` event.
    pub(crate) row: LogRow,
    /// When its `.triggered` event was sent.
    pub(crate) began: Option<Timestamp>,
}

impl Asked {
    /// An approval of which nothing else is known.
    #[cfg(any(test, debug_assertions))]
    pub(crate) fn alone(approval: Approval) -> Self {
        Self {
            approval,
            deployed: Vec::new(),
            context: None,
            results: Vec::new(),
            runs_in: Vec::new(),
            rivals: Vec::new(),
            declined: None,
        }
    }

    /// Reads what a card needs to know.
    ///
    /// # Errors
    /// The store's own.
    pub(crate) fn read(reader: &dyn Reader, approval: Approval) -> Result<Self, StoreError> {
        let scope = &approval.scope;
        let only = SequenceFilter { contexts: vec![approval.context], ..SequenceFilter::default() };
        let context = reader.sequences(&scope.project, &only, 0, Some(1))?.items.into_iter().next();
        let results = approval.evidence.iter().map(|evidence| measured(reader, evidence.event));
        let others = |state| reader.newest_approvals(scope, state, OTHERS_MAX);
        let is_other = |other: &Approval| other.id != approval.id;
        let is_declined = |other: &Approval| {
            let declines = |decided| matches!(decided, Decision::Decline);
            is_other(other)
                && other.image == approval.image
                && other.decided().is_some_and(|decided| declines(decided.decision))
        };
        Ok(Self {
            deployed: reader.deployed(&scope.project, &scope.stage, &scope.service)?,
            context,
            results: results.collect::<Result<_, _>>()?,
            runs_in: runs_in(reader, &approval)?,
            rivals: others(ApprovalState::Open)?.into_iter().filter(is_other).collect(),
            declined: others(ApprovalState::Decided)?.into_iter().find(is_declined),
            approval,
        })
    }
}

fn measured(
    reader: &dyn Reader,
    finished: tidegate_core::names::EventId,
) -> Result<Option<Measured>, StoreError> {
    let Some((_, row)) = reader.event(finished)? else { return Ok(None) };
    let began = match row.event.triggered_id {
        Some(triggered) => reader.event(triggered)?.map(|(_, row)| row.event.time),
        None => None,
    };
    Ok(Some(Measured { row, began }))
}

fn runs_in(
    reader: &dyn Reader,
    approval: &Approval,
) -> Result<Vec<(String, Timestamp)>, StoreError> {
    let (scope, mut found) = (&approval.scope, Vec::<(String, Timestamp)>::new());
    for evidence in &approval.evidence {
        let stage = &evidence.stage;
        if *stage == scope.stage || found.iter().any(|(name, _)| name == stage.as_str()) {
            continue;
        }
        let deployed = reader.deployed(&scope.project, stage, &scope.service)?;
        if let Some(now) = deployed.last().filter(|now| Some(&now.image) == approval.image.as_ref())
        {
            found.push((stage.to_string(), now.at));
        }
    }
    Ok(found)
}
