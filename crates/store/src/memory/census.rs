//! The census, counted.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::ApprovalFilter;
use crate::census::{COUNTED_MAX, Census, WAITING_AGES, Waiting, cutoffs, minute, of_minute};
use crate::contract::StoreError;
use crate::query::ApprovalState;

use super::table::{Key, Rows, Table};
use super::{approvals, contexts, outbox, sagas, timers};

pub(super) fn take(rows: &Rows, now: Timestamp) -> Result<Census, StoreError> {
    let count = |table| (rows.scan(table, &Key::new()).count() as u64).min(COUNTED_MAX);
    let mut under_way = BTreeMap::new();
    for context in contexts::all(rows)?.into_iter().filter(|context| !context.state.is_final()) {
        let (project, state) = (context.project, context.state);
        under_way.entry((project, state.as_str())).or_insert((state, 0)).1 += 1;
    }
    let due = timers::next(rows, true, u64::MAX)?.iter().filter(|row| row.due <= now).count();
    // A key of a queue ends with the queue and the position.
    let lanes: BTreeSet<&[u8]> =
        rows.scan(Table::Queue, &Key::new()).map(|(key, _)| &key[..key.len() - 9]).collect();
    let oldest = outbox::oldest_delivery(rows)?;
    Ok(Census {
        waiting: waiting(rows, now)?,
        under_way: under_way
            .into_iter()
            .map(|((project, _), (state, count))| (project, state, count))
            .collect(),
        lanes_waiting: lanes.len() as u64,
        deliveries: count(Table::Delivery),
        oldest_delivery: oldest.map(|event| event.time),
        timers_due: (due as u64).min(COUNTED_MAX),
        deferred: count(Table::Deferred),
        sagas: sagas::open(rows)?.len() as u64,
        quarantined: count(Table::Quarantine),
    })
}

fn waiting(rows: &Rows, now: Timestamp) -> Result<Vec<Waiting>, StoreError> {
    let open = ApprovalFilter { state: Some(ApprovalState::Open), ..ApprovalFilter::default() };
    let mut minutes: BTreeMap<_, Vec<i64>> = BTreeMap::new();
    for approval in approvals::list(rows, &open)? {
        let place = (approval.scope.project, approval.scope.stage);
        minutes.entry(place).or_default().push(minute(approval.asked_at));
    }
    let waiting = |((project, stage), asked): (_, Vec<i64>)| {
        let oldest = asked.iter().min().copied().and_then(of_minute)?;
        let longer: [u64; WAITING_AGES.len()] = cutoffs(now)
            .map(|cutoff| asked.iter().filter(|asked| **asked <= cutoff).count() as u64);
        Some(Waiting { project, stage, oldest, count: asked.len() as u64, longer })
    };
    Ok(minutes.into_iter().filter_map(waiting).collect())
}
