//! `--yes`: what cannot be undone is asked about once.

use clap::Args;

use crate::failure::Failure;
use crate::screen::Screen;

/// Whether to ask.
#[derive(Debug, Clone, Copy, Default, Args)]
pub(crate) struct Confirm {
    /// Do it without asking
    #[arg(short = 'y', long)]
    yes: bool,
}

impl Confirm {
    /// Asks `question`, where somebody is there to answer it.
    ///
    /// # Errors
    /// The answer is no, or nobody is there and nobody said yes before.
    pub(crate) fn ask(self, question: &str, screen: &mut Screen<'_>) -> Result<(), Failure> {
        if self.yes {
            return Ok(());
        }
        if !screen.look().interactive {
            let text = format!("{question} Nothing was done; say so with --yes");
            return Err(Failure::Usage(text));
        }
        screen.ask(&format!("{question} Type yes:"))?;
        let mut answer = String::new();
        std::io::stdin().read_line(&mut answer)?;
        match answer.trim().eq_ignore_ascii_case("yes") {
            true => Ok(()),
            false => Err(Failure::Refused("nothing was done".to_owned())),
        }
    }
}
