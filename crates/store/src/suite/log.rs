//! The log.

use serde_json::json;
use tidegate_core::event::EventType;
use tidegate_core::names::{ProjectName, TaskName};
use tidegate_core::sequence::{Disposition, LogEntry};

use crate::testing::{
    Fixture, Steps, apply, at, commit_id, context_id, entries, entry, event, event_id, project,
};
use crate::{EventFilter, Home as _, LogRow, PAGE_MAX, Reader as _};

fn all_of(name: &str) -> EventFilter {
    EventFilter { project: Some(project(name)), ..EventFilter::default() }
}

fn with(n: u64, disposition: Disposition) -> LogEntry {
    LogEntry { disposition, reason: Some("because".to_owned()), ..entry(n, event(n)) }
}

fn numbers(rows: &[LogRow]) -> Vec<u64> {
    rows.iter().map(|row| row.n).collect()
}

pub(crate) fn every_entry_reads_back_equal<F: Fixture>() {
    let mut store = F::with_shop();
    let mut odd = event(2);
    odd.triggered_id = Some(event_id(1));
    odd.commit = Some(commit_id(9));
    odd.time = "2026-11-24T10:00:00.123456789Z".parse().unwrap();
    odd.data.insert("deep".into(), json!({"": [null, true, -1, 18_446_744_073_709_551_615_u64]}));
    // Some of these come back different unless they are parsed to the last bit.
    let bits = (1..=1_000_u64).map(|n| n.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let numbers: Vec<f64> = bits.map(f64::from_bits).filter(|number| number.is_finite()).collect();
    odd.data.insert("numbers".into(), json!(numbers));
    odd.data.insert("text".into(), json!("\u{0}\u{1f30a} \"quoted\"\n"));
    odd.rest.insert("traceparent".into(), json!("00-1-2-3"));
    let log = [
        entry(1, event(1)),
        LogEntry { disposition: Disposition::Late, reason: Some(String::new()), ..entry(2, odd) },
        with(3, Disposition::Repeated),
        with(4, Disposition::Refused),
    ];
    store.applied(&entries(log.clone()));
    let rows = store.reader().trace(&project("shop"), context_id(1), 10).unwrap();
    assert_eq!(rows.len(), log.len());
    for (LogEntry { n, project, event, disposition, reason }, row) in log.into_iter().zip(rows) {
        let want = LogRow { n, event, disposition, reason };
        assert_eq!(row, want);
        let found = store.reader().event(want.event.id).unwrap();
        assert_eq!(found, Some((project, want)));
    }
    assert_eq!(store.reader().event(event_id(5)).unwrap(), None);
}

pub(crate) fn an_entry_out_of_order_is_refused<F: Fixture>() {
    let mut store = F::with_shop();
    store.applied(&entries([entry(1, event(1))]));
    for n in [0, 1, 3] {
        store.home().begin().unwrap();
        let refused = apply(store.home(), &entries([entry(n, event(2))]));
        assert!(refused.unwrap_err().to_string().contains("cannot follow entry 1"), "{n}");
        store.home().rollback();
    }
    store.applied(&entries([entry(2, event(2))]));
}

pub(crate) fn lists_leave_out_what_the_trace_keeps<F: Fixture>() {
    let mut store = F::with_shop();
    store.applied(&entries([
        with(1, Disposition::Refused),
        with(2, Disposition::Accepted),
        with(3, Disposition::Repeated),
        with(4, Disposition::Late),
    ]));
    for context in [None, Some(context_id(1))] {
        for kind in [None, Some(event(1).kind)] {
            let filter = EventFilter { context, kind, ..all_of("shop") };
            let page = store.reader().events(&filter, 0, 10).unwrap();
            assert_eq!((numbers(&page.items), page.total), (vec![4, 2], 2), "{filter:?}");
        }
    }
    let trace = store.reader().trace(&project("shop"), context_id(1), 10).unwrap();
    assert_eq!(numbers(&trace), [1, 2, 3, 4]);
    let trace = store.reader().trace(&project("shop"), context_id(1), 3).unwrap();
    assert_eq!(numbers(&trace), [1, 2, 3]);
}

type Narrow = fn(&mut EventFilter);

pub(crate) fn each_filter_narrows<F: Fixture>() {
    let mut store = F::with_shop();
    let mut other = event(2);
    other.kind = EventType::new("sh.keptn.event.deployment.finished");
    other.source = "helm-service".to_owned();
    other.context = context_id(2);
    other.triggered_id = Some(event_id(1));
    other.data.insert("stage".into(), json!("prod"));
    other.data.insert("service".into(), json!("carts-db"));
    store.applied(&entries([entry(1, event(1)), entry(2, other.clone()), entry(3, event(3))]));
    let narrow: [(&str, Narrow); 10] = [
        ("context", |f| f.context = Some(context_id(2))),
        ("kind", |f| f.kind = Some(EventType::new("sh.keptn.event.deployment.finished"))),
        ("stage", |f| f.stage = Some("prod".into())),
        ("service", |f| f.service = Some("carts-db".into())),
        ("source", |f| f.source = Some("helm-service".into())),
        ("id", |f| f.id = Some(event_id(2))),
        ("triggered_id", |f| f.triggered_id = Some(event_id(1))),
        ("time", |f| (f.from, f.before) = (Some(at(1)), Some(at(3)))),
        ("place", |f| (f.behind, f.before) = (Some(1), Some(at(3)))),
        ("stage and kind", |f| {
            f.stage = Some("prod".into());
            f.kind = Some(EventType::new("sh.keptn.event.deployment.finished"));
        }),
    ];
    for (what, narrow) in narrow {
        let mut filter = all_of("shop");
        narrow(&mut filter);
        let page = store.reader().events(&filter, 0, 10).unwrap();
        assert_eq!((numbers(&page.items), page.total, page.next), (vec![2], 1, None), "{what}");
        filter.service = Some("never-seen".to_owned());
        let page = store.reader().events(&filter, 0, 10).unwrap();
        assert_eq!((page.items.len(), page.total), (0, 0), "{what}");
    }
    for (behind, left) in [(0, &[3, 2, 1][..]), (2, &[3]), (3, &[]), (u64::MAX, &[])] {
        let filter = EventFilter { behind: Some(behind), ..all_of("shop") };
        let page = store.reader().events(&filter, 0, 10).unwrap();
        assert_eq!((numbers(&page.items).as_slice(), page.total), (left, left.len() as u64));
    }
    let context = EventFilter { context: Some(context_id(2)), ..EventFilter::default() };
    let page = store.reader().events(&context, 0, 10).unwrap();
    assert_eq!(page.items[0].event, other);
}

pub(crate) fn pages_add_up<F: Fixture>() {
    let mut store = F::with_shop();
    store.make_project("other");
    let in_other = |n| LogEntry { project: project("other"), ..entry(n, event(100 + n)) };
    store.applied(&entries((1..=5).map(|n| entry(n, event(n))).chain((1..=9).map(in_other))));
    let mut seen = Vec::new();
    let mut offset = Some(0);
    while let Some(from) = offset {
        let page = store.reader().events(&all_of("shop"), from, 2).unwrap();
        assert_eq!(page.total, 5);
        seen.extend(numbers(&page.items));
        offset = page.next;
    }
    assert_eq!(seen, [5, 4, 3, 2, 1]);
    let beyond = store.reader().events(&all_of("shop"), u64::MAX, 2).unwrap();
    assert_eq!((beyond.items.len(), beyond.total, beyond.next), (0, 5, None));
}

pub(crate) fn a_page_is_never_larger_than_the_limit<F: Fixture>() {
    let mut store = F::with_shop();
    store.applied(&entries((1..=PAGE_MAX + 1).map(|n| entry(n, event(n)))));
    let page = store.reader().events(&all_of("shop"), 0, u64::MAX).unwrap();
    assert_eq!((page.items.len() as u64, page.next), (PAGE_MAX, Some(PAGE_MAX)));
}

pub(crate) fn any_text_is_kept_and_found<F: Fixture>() {
    let mut store = F::with_shop();
    // Some databases keep no NUL, and what they keep instead must not be taken for another text.
    let odd = ["a\0", "a\\0", "a\\", "a\\\\0", "\0", "\\0\0", "é\u{1f30a}"];
    let log = (1..).zip(odd).map(|(n, text)| {
        let mut event = event(n);
        event.kind = EventType::new(text);
        event.source = text.to_owned();
        event.data.insert("stage".into(), json!(text));
        event.data.insert("service".into(), json!(text));
        LogEntry { disposition: Disposition::Late, reason: Some(text.into()), ..entry(n, event) }
    });
    let log: Vec<_> = log.collect();
    store.applied(&entries(log.clone()));
    let rows = store.reader().trace(&project("shop"), context_id(1), 99).unwrap();
    assert_eq!(rows.len(), odd.len());
    for ((text, LogEntry { n, event, disposition, reason, .. }), row) in
        odd.iter().zip(log).zip(rows)
    {
        assert_eq!(row, LogRow { n, event, disposition, reason });
        for narrow in [
            EventFilter { kind: Some(EventType::new(text)), ..all_of("shop") },
            EventFilter { source: Some((*text).to_owned()), ..all_of("shop") },
            EventFilter { stage: Some((*text).to_owned()), ..all_of("shop") },
            EventFilter { service: Some((*text).to_owned()), ..all_of("shop") },
        ] {
            let page = store.reader().events(&narrow, 0, 9).unwrap();
            assert_eq!(numbers(&page.items), [n], "{text:?}");
        }
    }
}

pub(crate) fn the_root_is_the_first_listed_entry<F: Fixture>() {
    let mut store = F::with_shop();
    store.make_project("other");
    let mut second = event(4);
    second.context = context_id(2);
    store.applied(&entries([
        with(1, Disposition::Refused),
        entry(2, event(2)),
        entry(3, event(3)),
        entry(4, second),
        LogEntry { project: project("other"), ..entry(1, event(5)) },
    ]));
    let roots = |project: Option<ProjectName>, context| {
        let filter = EventFilter { project, context, root: true, ..EventFilter::default() };
        let page = store.reader().events(&filter, 0, 10).unwrap();
        assert_eq!(page.items.len() as u64, page.total);
        numbers(&page.items)
    };
    assert_eq!(roots(Some(project("shop")), None), [4, 2]);
    assert_eq!(roots(Some(project("shop")), Some(context_id(1))), [2]);
    assert_eq!(roots(Some(project("other")), None), [1]);
    assert_eq!(roots(None, Some(context_id(1))).len(), 2);
}

pub(crate) fn what_is_not_there_is_an_empty_page<F: Fixture>() {
    let store = F::with_shop();
    for filter in [
        all_of("nowhere"),
        all_of("shop"),
        EventFilter { context: Some(context_id(7)), ..EventFilter::default() },
    ] {
        let page = store.reader().events(&filter, 0, 10).unwrap();
        assert_eq!((page.items.len(), page.total, page.next), (0, 0, None));
    }
    assert_eq!(store.reader().trace(&project("nowhere"), context_id(1), 9).unwrap(), []);
}

pub(crate) fn the_log_is_followed_from_any_number<F: Fixture>() {
    let mut store = F::with_shop();
    store.make_project("other");
    store.applied(&entries([
        entry(1, event(1)),
        with(2, Disposition::Refused),
        entry(3, event(3)),
    ]));
    let behind =
        |after, limit| numbers(&store.reader().log_behind(&project("shop"), after, limit).unwrap());
    assert_eq!(behind(0, 10), [1, 2, 3]);
    assert_eq!(behind(1, 1), [2]);
    assert!(behind(3, 10).is_empty());
    assert_eq!(store.reader().log_behind(&project("nowhere"), 0, 10).unwrap(), []);
    assert_eq!(store.reader().log_heads().unwrap(), [(project("shop"), 3)]);
}

pub(crate) fn what_was_said_last_of_a_task_is_found_however_much_was_said_of_others<F: Fixture>() {
    let mut store = F::with_shop();
    let said = |n: u64, kind: &str, task: u64| {
        let mut said = event(n);
        said.kind = EventType::new(&format!("sh.keptn.event.{kind}"));
        said.triggered_id = Some(event_id(task));
        // Neither stage nor service, and another context than what it is about.
        said.data = serde_json::Map::from_iter([("project".to_owned(), json!("shop"))]);
        said.context = context_id(n);
        entry(n, said)
    };
    let refused = |entry| LogEntry { disposition: Disposition::Refused, ..entry };
    let mut log = vec![
        said(1, "evaluation.invalidated", 90),
        said(2, "evaluation.restored", 90),
        said(3, "evaluation.invalidated", 90),
        said(4, "evaluation.invalidated", 91),
        said(5, "evaluation.finished", 92),
        said(6, "test.invalidated", 92),
        refused(said(7, "evaluation.restored", 91)),
    ];
    log.extend((8..1_500).map(|n| said(n, "evaluation.invalidated", n + 1_000)));
    store.applied(&entries(log));
    let found = |name: &str, task: &str, of: &[u64]| {
        let of: Vec<_> = of.iter().copied().map(event_id).collect();
        let task = TaskName::new(task).unwrap();
        let mut found = numbers(&store.reader().said_of(&project(name), &task, &of).unwrap());
        found.sort_unstable();
        found
    };
    assert_eq!(found("shop", "evaluation", &[90, 91, 92, 93]), [2, 3, 4]);
    assert_eq!(found("shop", "test", &[90, 92]), [6]);
    assert_eq!(found("shop", "evaluation", &[]), [0; 0]);
    assert_eq!(found("nowhere", "evaluation", &[90]), [0; 0]);
}
