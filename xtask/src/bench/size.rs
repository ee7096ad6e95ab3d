//! How large the binary is.

use std::fs;
use std::process::Command;

use anyhow::Result;

use super::Bench;
use super::fixture::Directory;
use super::goal::Amount;
use super::table::Figure;
use crate::program;

/// MB
const SIZE_MAX: f64 = 40.0;

pub(crate) fn measure(bench: &mut Bench) -> Result<()> {
    let directory = Directory::make(&bench.data, "size")?;
    let stripped = directory.path().join("tidegate");
    let mut strip = Command::new("strip");
    strip.arg("-o").arg(&stripped).arg(&bench.binary);
    let (what, path) = match program::succeeds(&mut strip) {
        true => ("binary, stripped", &stripped),
        false => ("binary, not stripped: there is no `strip`", &bench.binary),
    };
    let size = fs::metadata(path)?.len() as f64 / 1e6;
    bench.table.row(what, &Figure::Amount(size, "MB", Amount::AtMost(SIZE_MAX)));
    Ok(())
}
