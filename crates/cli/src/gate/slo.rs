//! An `slo.yaml` that is given on the command line.

use std::path::Path;

use tidegate_core::quality::{Slo, lint};

use super::text;
use crate::failure::Failure;
use crate::screen::Screen;

/// A file that can be judged by.
pub(crate) struct File {
    /// As it is stored.
    pub(crate) text: String,
    pub(crate) slo: Slo,
}

/// Reads a file; what it does otherwise than it reads is told to the person.
///
/// # Errors
/// It cannot be read, with line and column; or it is empty, which a gate takes for no file at all, and passes.
pub(crate) fn read(path: &Path, screen: &mut Screen<'_>) -> Result<File, Failure> {
    let text = text(path)?;
    let shown = path.display();
    if text.is_empty() {
        let why = "the file is empty, so everything would pass; write objectives and a total_score";
        return Err(Failure::Usage(format!("{shown}: {why}")));
    }
    let slo = Slo::parse(&text).map_err(|error| Failure::Usage(format!("{shown}:{error}")))?;
    for finding in lint(&text) {
        screen.note(&format!("{shown}:{finding}"))?;
    }
    Ok(File { text, slo })
}
