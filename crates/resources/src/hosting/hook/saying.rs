//! What whoever pushes is told.

use std::io::{self, Write};

use tidegate_core::yaml::STACK_BYTES;

/// Most lines of each kind.
const LINES_MAX: usize = 20;

/// What there is to say of a push.
#[derive(Debug, Default)]
pub(super) struct Saying {
    /// Why it is refused.
    pub(super) faults: Vec<String>,
    /// What is taken, and nobody can have meant.
    pub(super) warnings: Vec<String>,
}

impl Saying {
    pub(super) fn write(&self, output: &mut impl Write) -> io::Result<()> {
        lines(output, "", &self.faults)?;
        lines(output, "warning: ", &self.warnings)
    }
}

fn lines(output: &mut impl Write, before: &str, lines: &[String]) -> io::Result<()> {
    for line in lines.iter().take(LINES_MAX) {
        writeln!(output, "{before}{line}")?;
    }
    if let Some(more) = lines.len().checked_sub(LINES_MAX).filter(|more| *more > 0) {
        writeln!(output, "{before}and {more} more")?;
    }
    Ok(())
}

/// Reads YAML on a stack that is deep enough for it; none where that cannot be had.
pub(super) fn deep<T: Send>(read: impl FnOnce() -> T + Send) -> Option<T> {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(STACK_BYTES);
        let read = thread.spawn_scoped(scope, read).map(std::thread::ScopedJoinHandle::join);
        match read {
            Ok(Ok(read)) => Some(read),
            Ok(Err(_)) | Err(_) => None,
        }
    })
}
