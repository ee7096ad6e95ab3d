//! One bit of the database changes. Either somebody notices, or every entry of the log is still what
//! was written.

use std::fs::{self, File};
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use crate::sqlite::{Finding, check, export, open};

use super::Sqlite;
use super::story::Story;

/// Set to look at every byte: that takes an hour.
const EVERY_BYTE: &str = "TIDEGATE_FLIP_EVERY_BYTE";
/// A number without a divisor in common with the size of a page.
const STRIDE: usize = 607;

fn exported(dir: &Path) -> Result<Vec<u8>, String> {
    let mut out = Vec::new();
    match export(dir, &mut out) {
        Ok(exported) if exported.left_out == 0 => Ok(out),
        Ok(exported) => Err(format!("{} left out", exported.left_out)),
        Err(error) => Err(error.to_string()),
    }
}

/// What is said of the store; nothing where it seems sound.
fn said(dir: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut tell = |finding: &Finding| {
        assert!(finding.is_damage, "{finding:?}");
        assert!(!finding.place.is_empty() && !finding.why.is_empty(), "{finding:?}");
        found.push(format!("{}: {}", finding.place, finding.why));
    };
    if let Err(error) = check(dir, &mut tell) {
        found.push(error.to_string());
    }
    found
}

/// The places whose bits change: what is used, and here and there what is not.
fn places(content: &[u8]) -> Vec<usize> {
    let used = content.iter().enumerate().filter(|(_, byte)| **byte != 0).map(|(at, _)| at);
    if std::env::var_os(EVERY_BYTE).is_some() {
        return (0..content.len()).collect();
    }
    let unused = (0..content.len()).step_by(STRIDE * 100);
    // All of the header.
    (0..100).chain(used.step_by(STRIDE)).chain(unused).collect()
}

#[test]
fn a_bit_that_changes_is_noticed_or_changes_no_entry() {
    let Sqlite { home, reader, dir } = Story::told();
    drop((home, reader));
    let content = fs::read(dir.path().join(open::FILE)).unwrap();
    let entries = exported(dir.path()).unwrap();
    assert_eq!(said(dir.path()), Vec::<String>::new());
    let copy = tempfile::tempdir().unwrap();
    let path = copy.path().join(open::FILE);
    fs::write(&path, &content).unwrap();
    let file = File::options().write(true).open(&path).unwrap();
    let (mut noticed, mut harmless) = (0, 0);
    for place in places(&content) {
        let bit = 1 << (place.wrapping_mul(0x9e37_79b1) >> 7 & 7);
        file.write_all_at(&[content[place] ^ bit], place as u64).unwrap();
        let found = said(copy.path());
        if found.is_empty() {
            harmless += 1;
            let left = exported(copy.path());
            assert!(
                left.as_ref() == Ok(&entries),
                "{place}, bit {bit}: {:?}",
                left.map(|l| l.len())
            );
        } else {
            noticed += 1;
        }
        file.write_all_at(&content[place..=place], place as u64).unwrap();
    }
    println!("{noticed} noticed, {harmless} without harm");
    // About half of it is the text of the schema, numbers nobody depends on and what was deleted.
    assert!(noticed > harmless / 2);
    assert_eq!(said(copy.path()), Vec::<String>::new(), "the copy is whole again");
}
