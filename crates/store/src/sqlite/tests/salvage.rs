//! Pages of the log that cannot be read cost the entries on them, and no others.

use std::os::unix::fs::FileExt as _;

use rusqlite::Connection;

use crate::sqlite::{Finding, check, export, open};
use crate::testing::{Steps as _, entries, entry, event};

use super::Sqlite;

const ENTRIES: u64 = 2_000;

/// Numbers of the pages that the table of the log is kept on, the root first.
fn pages(connection: &Connection) -> Vec<u64> {
    let table = connection.query_row(
        "SELECT rootpage FROM sqlite_schema WHERE name = 'event'",
        [],
        |row| row.get(0),
    );
    let root: i64 = table.unwrap();
    let mut pages = vec![root.unsigned_abs()];
    // The map of pages that incremental vacuum keeps names the parent of each: page 2 is its first.
    let file = std::fs::read(connection.path().unwrap()).unwrap();
    for number in 3..=(file.len() / open::PAGE_BYTES) as u64 {
        let at = open::PAGE_BYTES + 5 * (number as usize - 3);
        let parent = u32::from_be_bytes(file[at + 1..at + 5].try_into().unwrap());
        if file[at] == 5 && pages.contains(&u64::from(parent)) {
            pages.push(number);
        }
    }
    pages
}

#[test]
fn a_page_that_cannot_be_read_is_told_and_stepped_over() {
    let mut store = Sqlite::with_shop();
    store.applied(&entries((1..=ENTRIES).map(|n| entry(n, event(n)))));
    let Sqlite { home, reader, dir } = store;
    drop((home, reader));
    let path = dir.path().join(open::FILE);
    let connection = Connection::open(&path).unwrap();
    let pages = pages(&connection);
    drop(connection);
    assert!(pages.len() > 50, "{pages:?}");
    let content = std::fs::read(&path).unwrap();
    let file = std::fs::File::options().write(true).open(&path).unwrap();
    // The first leaf, the last, some between, and several at once.
    let leaves = &pages[1..];
    let middle = leaves.len() / 2;
    let last = leaves.len() - 1;
    for bad in [vec![0], vec![last], vec![middle], vec![1, middle, middle + 1, last - 1]] {
        for index in &bad {
            let place = (leaves[*index] - 1) * open::PAGE_BYTES as u64;
            file.write_all_at(&[0xff; open::PAGE_BYTES], place).unwrap();
        }
        let mut out = Vec::new();
        let exported = export(dir.path(), &mut out).unwrap();
        assert!(exported.left_out >= 1, "{bad:?}");
        let lost = ENTRIES - exported.entries;
        let on_a_page = ENTRIES.div_ceil(leaves.len() as u64) + 5;
        assert!(lost >= 1 && lost <= bad.len() as u64 * on_a_page, "{bad:?}: {lost} lost");
        let mut numbers = Vec::new();
        for line in out.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            let line: serde_json::Value = serde_json::from_slice(line).unwrap();
            let n = line["n"].as_u64().unwrap();
            assert_eq!(line["event"], event(n).to_value());
            numbers.push(n);
        }
        assert_eq!(numbers.len() as u64, exported.entries);
        assert!(numbers.is_sorted_by(|a, b| a < b), "each once, in order");
        let mut found = Vec::new();
        let tell = &mut |finding: &Finding| found.push(finding.place.clone());
        let checked = check(dir.path(), tell).unwrap();
        assert!(checked.damaged >= exported.left_out, "{found:?}");
        assert!(found.iter().any(|place| place.starts_with("table event, key")), "{found:?}");
        file.write_all_at(&content, 0).unwrap();
    }
    assert_eq!(check(dir.path(), &mut |_| {}).unwrap().damaged, 0, "it is whole again");
}
