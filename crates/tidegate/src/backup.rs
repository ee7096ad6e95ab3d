//! `tidegate backup`

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use jiff::Timestamp;
use tidegate_store::sqlite::{Copied, Loss};

use crate::archive::{self, Counts, Manifest, Size, Sums};

const EXAMPLES: &str = "\
Examples:
  # While the server runs
  $ tidegate backup --data-dir data backup-1";

/// Save everything, while a server runs or not
///
/// Makes a new directory that `tidegate restore` can start from: the store as it stands now, the
/// repositories, the records of jobs, and the API token, with the SHA-256 of each file. Nothing in the
/// data directory is changed. Keep it as secret as that. The configuration file is not in it.
/// Exit codes: 0 saved, 1 not saved, or saved from a store that `tidegate doctor` finds damaged.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Options {
    /// What to save
    #[arg(long, value_name = "DIR")]
    data_dir: PathBuf,
    /// Save what is left of a store whose newest commits were lost
    #[arg(long)]
    salvage: bool,
    /// The directory to make
    #[arg(value_name = "TARGET")]
    target: PathBuf,
}

pub(crate) fn run(options: Options) -> anyhow::Result<ExitCode> {
    crate::log::start("warn");
    let Options { data_dir, salvage, target } = options;
    let loss = if salvage { Loss::Accepted } else { Loss::Refused };
    let data = data_dir
        .canonicalize()
        .with_context(|| format!("cannot open the data directory {}", data_dir.display()))?;
    let target =
        std::path::absolute(&target).with_context(|| format!("cannot use {}", target.display()))?;
    if target.starts_with(&data) {
        bail!("{} is inside of what is saved; name another directory", target.display());
    }
    let claim = archive::claim(&target)?;
    let saved = save(&data, claim.path(), loss)?;
    claim.finish()?;
    report(&data, &target, &saved)
}

/// What was saved.
struct Saved {
    counts: Counts,
    size: Size,
    /// What is wrong with the store, for a person.
    damaged: Vec<String>,
}

/// The store first: whatever it names is in Git and among the jobs by then.
fn save(data: &Path, to: &Path, loss: Loss) -> anyhow::Result<Saved> {
    let made_at = Timestamp::now();
    let copied = tidegate_store::sqlite::backup(data, to, loss)?;
    repositories(data, to, &copied)?;
    let jobs = tidegate_integrations::jobs::copy_records(
        &data.join(archive::JOBS),
        &to.join(archive::JOBS),
    )
    .context("cannot copy the records of jobs")?;
    files(data, to)?;
    let counts = Counts {
        projects: copied.projects.len() as u64,
        events: copied.events,
        executions: copied.executions,
        approvals: copied.approvals,
        jobs,
    };
    let damaged = damage(to)?;
    let manifest = Manifest::new(made_at, copied.schema, counts);
    archive::write_new(&to.join(archive::MANIFEST), manifest.to_json()?.as_bytes())?;
    let (sums, size) = Sums::of(to)?;
    archive::write_new(&to.join(archive::SUMS), sums.to_text().as_bytes())?;
    archive::sync_tree(to)?;
    Ok(Saved { counts, size, damaged })
}

fn repositories(data: &Path, to: &Path, copied: &Copied) -> anyhow::Result<()> {
    let (from, to) = (data.join(archive::GIT), to.join(archive::GIT));
    archive::private_dir(&to).with_context(|| format!("cannot make {}", to.display()))?;
    for project in &copied.projects {
        if !tidegate_resources::copy_project(&from, project, &to)? {
            bail!(
                "{} has no repository of project {project}; where it was just removed, start again",
                from.display()
            );
        }
    }
    for project in &copied.unfinished {
        tidegate_resources::copy_project(&from, project, &to)?;
    }
    Ok(())
}

/// Single files of the data directory. What this version does not know is not passed over in silence.
fn files(data: &Path, to: &Path) -> anyhow::Result<()> {
    let shown = data.display();
    for entry in std::fs::read_dir(data).with_context(|| format!("cannot read {shown}"))? {
        let name = entry.with_context(|| format!("cannot read {shown}"))?.file_name();
        let name = name.to_string_lossy();
        if archive::FILES.contains(&&*name) {
            let path = data.join(&*name);
            let content =
                std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
            archive::write_new(&to.join(&*name), &content)?;
        } else if !archive::TRANSIENT.contains(&&*name)
            && ![archive::GIT, archive::JOBS].contains(&&*name)
        {
            tracing::warn!(
                "{name} in the data directory is not Tidegate's, and is not in the backup"
            );
        }
    }
    Ok(())
}

/// A backup that nobody could use is noticed now. One of a store that waits to be brought up to date
/// is checked by SQLite alone.
fn damage(backup: &Path) -> anyhow::Result<Vec<String>> {
    let mut found = Vec::new();
    let checked = tidegate_store::sqlite::check(backup, &mut |finding| {
        found.push(crate::doctor::line(finding));
    });
    match checked {
        Ok(_) => Ok(found),
        Err(tidegate_store::StoreError::Version(_)) => {
            tidegate_store::sqlite::verify(backup)?;
            Ok(Vec::new())
        }
        Err(error) => Err(error.into()),
    }
}

#[allow(clippy::print_stderr, reason = "warnings for the person who runs the command")]
fn report(data: &Path, target: &Path, saved: &Saved) -> anyhow::Result<ExitCode> {
    let Counts { projects, events, executions, approvals, jobs } = saved.counts;
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "Saved {} in {}: {projects} projects, {events} events, {executions} executions, {approvals} \
         approvals, {jobs} jobs; {}",
        data.display(),
        target.display(),
        saved.size
    )?;
    if saved.damaged.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    for line in &saved.damaged {
        eprintln!("{line}");
    }
    eprintln!("tidegate: what was saved was damaged before; keep older backups");
    Ok(ExitCode::FAILURE)
}
