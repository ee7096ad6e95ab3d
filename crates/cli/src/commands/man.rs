//! `tidegate man`

use std::path::PathBuf;

use clap::{Args, ValueHint};
use clap_mangen::Man;

use crate::failure::Failure;
use crate::screen::Screen;

const EXAMPLES: &str = "\
Examples:
  # Then: man -l man1/tidegate-approve.1
  $ tidegate man man1";

/// Write a manual page for every command
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// The directory to write to; made where it is not there
    #[arg(value_name = "DIR", value_hint = ValueHint::DirPath)]
    directory: PathBuf,
}

pub(crate) fn run(
    arguments: &Arguments,
    tree: clap::Command,
    screen: &mut Screen<'_>,
) -> Result<(), Failure> {
    let directory = &arguments.directory;
    let unwritable = |source| Failure::Unwritable { path: directory.clone(), source };
    std::fs::create_dir_all(directory).map_err(unwritable)?;
    let mut tree = tree.disable_help_subcommand(true);
    tree.build();
    let mut count = 0;
    let mut left = vec![tree];
    while let Some(command) = left.pop() {
        left.extend(command.get_subcommands().filter(|below| !below.is_hide_set()).cloned());
        Man::new(command).generate_to(directory).map_err(unwritable)?;
        count += 1;
    }
    screen.note(&format!("{count} pages are in {}", directory.display()))
}
