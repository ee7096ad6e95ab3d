//! `tidegate completions`

use clap::{Args, ValueEnum};
use clap_complete::env::{Bash, EnvCompleter, Fish, Powershell, Zsh};

use crate::failure::Failure;
use crate::screen::Screen;
use crate::{COMPLETE_VARIABLE, PROGRAM};

const EXAMPLES: &str = "\
Examples:
  # bash, in ~/.bashrc:  source <(tidegate completions bash)
  $ tidegate completions bash
  # zsh, in ~/.zshrc after compinit:  source <(tidegate completions zsh)
  $ tidegate completions zsh
  # fish:  tidegate completions fish > ~/.config/fish/completions/tidegate.fish
  $ tidegate completions fish
  # PowerShell, in $PROFILE:  tidegate completions powershell | Out-String | Invoke-Expression
  $ tidegate completions powershell";

/// Print the script that lets a shell complete commands, options and names
///
/// Names of projects, stages, services, sequences and open approvals are asked from the server that the
/// command line or the environment names; where there is none, nothing is offered.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// The shell
    #[arg(value_name = "SHELL", value_enum)]
    shell: Shell,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Shell {
    Bash,
    Zsh,
    Fish,
    #[value(name = "powershell", alias = "pwsh")]
    Power,
}

pub(crate) fn run(arguments: &Arguments, screen: &mut Screen<'_>) -> Result<(), Failure> {
    let shell: &dyn EnvCompleter = match arguments.shell {
        Shell::Bash => &Bash,
        Shell::Zsh => &Zsh,
        Shell::Fish => &Fish,
        Shell::Power => &Powershell,
    };
    let mut script = Vec::new();
    shell.write_registration(COMPLETE_VARIABLE, PROGRAM, PROGRAM, PROGRAM, &mut script)?;
    screen.text(&String::from_utf8_lossy(&script))
}
