//! What standard output is, hence how it may look.

use std::io::IsTerminal as _;

use terminal_size::{Height, Width, terminal_size};

/// How output may look. The default is that of a file or a pipe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Look {
    /// Whether colours are shown.
    pub(crate) colour: bool,
    /// Whether lines that were written can be written over.
    pub(crate) live: bool,
    /// Whether somebody is there to answer a question.
    pub(crate) interactive: bool,
    /// Columns and rows, where there is a limit.
    pub(crate) size: Option<(usize, usize)>,
}

impl Look {
    /// What the process's standard streams and its environment say.
    pub(crate) fn detect() -> Self {
        let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let is_dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let out = std::io::stdout().is_terminal();
        let interactive = std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
        let size = terminal_size().filter(|_| out);
        Self {
            colour: out && !is_dumb && !set("NO_COLOR"),
            live: out && !is_dumb && !set("CI"),
            interactive: interactive && !set("CI"),
            size: size.map(|(Width(width), Height(height))| (width.into(), height.into())),
        }
    }

    /// How many columns there are, where there is a limit.
    pub(crate) fn width(self) -> Option<usize> {
        self.size.map(|(width, _)| width)
    }
}
