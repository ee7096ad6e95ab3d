//! What happened, line by line.

use std::collections::VecDeque;
use std::fmt;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::time::Duration;

/// Lines that are kept to be shown.
const KEPT: usize = 80;

/// The newest lines of a run, and a hash over all of them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Trace {
    lines: VecDeque<String>,
    hasher: DefaultHasher,
    /// Whether every line is printed as it comes.
    pub(crate) loud: bool,
}

impl Trace {
    pub(crate) fn add(&mut self, now: Duration, line: fmt::Arguments<'_>) {
        let line = format!("{:>12.3}  {line}", now.as_secs_f64());
        line.hash(&mut self.hasher);
        if self.loud {
            say(&line);
        }
        if self.lines.len() == KEPT {
            self.lines.pop_front();
        }
        self.lines.push_back(line);
    }

    /// The same for two runs that went the same way.
    pub(crate) fn hash(&self) -> u64 {
        self.hasher.finish()
    }

    /// The newest lines, oldest first.
    pub(crate) fn newest(&self) -> Vec<String> {
        self.lines.iter().cloned().collect()
    }
}

#[allow(clippy::print_stdout, reason = "whoever asked for a loud run reads it on the terminal")]
fn say(line: &str) {
    println!("{line}");
}
