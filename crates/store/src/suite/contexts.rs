//! Contexts.

use tidegate_core::names::SequenceName;
use tidegate_core::sequence::{Change, Context, ContextState, View as _};

use crate::testing::{Fixture, Steps, at, changes, context, context_id, project};
use crate::{PAGE_MAX, Reader as _, SequenceFilter};

fn put(context: &Context) -> Change {
    Change::Context(Box::new(context.clone()))
}

fn found(store: &impl Fixture, filter: &SequenceFilter) -> Vec<Context> {
    let page = store.reader().sequences(&project("shop"), filter, 0, None).unwrap();
    assert_eq!(page.items.len() as u64, page.total, "{filter:?}");
    page.items
}

pub(crate) fn a_context_reads_back_equal<F: Fixture>() {
    let mut store = F::with_shop();
    let mut row = context(1);
    for state in [
        ContextState::Triggered,
        ContextState::Waiting,
        ContextState::Started,
        ContextState::Paused,
        ContextState::TimedOut,
        ContextState::Aborted,
        ContextState::Finished,
    ] {
        row.state = state;
        row.executions += 1;
        store.change(put(&row));
        assert_eq!(store.home().context(&row.project, row.id).unwrap().as_ref(), Some(&row));
        let filter = SequenceFilter { state: Some(state), ..SequenceFilter::default() };
        assert_eq!(found(&store, &filter), [row.clone()]);
    }
    assert_eq!(found(&store, &SequenceFilter::default()), [row]);
    assert_eq!(store.home().context(&project("shop"), context_id(2)).unwrap(), None);
}

pub(crate) fn contexts_come_newest_first<F: Fixture>() {
    let mut store = F::with_shop();
    store.make_project("other");
    store.applied(&changes([put(&context(2)), put(&context(3)), put(&context(1))]));
    store.change(put(&Context { project: project("other"), ..context(3) }));
    store.change(put(&Context { project: project("other"), ..context(9) }));
    let page = |offset, limit| {
        let filter = SequenceFilter::default();
        store.reader().sequences(&project("shop"), &filter, offset, limit).unwrap()
    };
    assert_eq!(page(0, None).items, [context(3), context(2), context(1)]);
    assert_eq!((page(1, Some(1)).items, page(1, Some(1)).next), (vec![context(2)], Some(2)));
    assert_eq!((page(0, Some(PAGE_MAX + 1)).total, page(2, Some(1)).next), (3, None));
}

pub(crate) fn each_sequence_filter_narrows<F: Fixture>() {
    let mut store = F::with_shop();
    let name = SequenceName::new("evaluation").unwrap();
    let other = Context { name: name.clone(), state: ContextState::Finished, ..context(2) };
    store.applied(&changes([put(&context(1)), put(&other), put(&context(3))]));
    let all = SequenceFilter::default;
    for filter in [
        SequenceFilter { name: Some(name.clone()), ..all() },
        SequenceFilter { state: Some(ContextState::Finished), ..all() },
        SequenceFilter { state: Some(ContextState::Finished), name: Some(name), ..all() },
        SequenceFilter { from: Some(at(1)), before: Some(at(3)), ..all() },
        SequenceFilter { contexts: vec![context_id(2), context_id(77)], ..all() },
    ] {
        assert_eq!(found(&store, &filter), std::slice::from_ref(&other), "{filter:?}");
        let none = SequenceFilter { from: Some(at(9)), ..filter };
        assert_eq!(found(&store, &none), [], "{none:?}");
    }
    let both = SequenceFilter { contexts: vec![context_id(1), context_id(3)], ..all() };
    assert_eq!(found(&store, &both), [context(3), context(1)]);
}
