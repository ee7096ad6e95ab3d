//! Quality gates on the command line: what files say, and how an evaluation is told. No I/O but reading.

pub(crate) mod history;
pub(crate) mod lines;
pub(crate) mod previous;
pub(crate) mod replayed;
pub(crate) mod results;
pub(crate) mod slo;

use std::path::Path;

use serde_json::Value;

use crate::failure::Failure;
use crate::input;

/// The JSON of a file; `-` is standard input.
pub(crate) fn json(path: &Path) -> Result<Value, Failure> {
    let content = input::read(path)?;
    serde_json::from_slice(&content)
        .map_err(|error| Failure::Usage(format!("{}: not JSON: {error}", path.display())))
}

/// The text of a file; `-` is standard input.
pub(crate) fn text(path: &Path) -> Result<String, Failure> {
    String::from_utf8(input::read(path)?)
        .map_err(|_| Failure::Usage(format!("{}: not UTF-8 text", path.display())))
}

/// Refuses to read standard input twice.
pub(crate) fn once<'a>(paths: impl IntoIterator<Item = &'a Path>) -> Result<(), Failure> {
    if paths.into_iter().filter(|path| path.as_os_str() == "-").count() > 1 {
        let text = "only one file can be - (standard input); name the others";
        return Err(Failure::Usage(text.to_owned()));
    }
    Ok(())
}
