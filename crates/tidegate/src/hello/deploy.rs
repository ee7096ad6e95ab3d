//! `tidegate hello deploy`, and starting again what ran.

use std::path::PathBuf;
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use tidegate_core::names::{ServiceName, StageName};

use super::image::version_of;
use super::nature::Nature;
use super::say;
use super::slot::{Record, Slot, State};
use super::stop::stop;
use crate::request::get;

/// How long a new process may take until it answers.
const START_TIME_MAX: Duration = Duration::from_secs(10);
/// Between two looks at a process that starts: at first, and at most.
const LOOK_AGAIN: (Duration, Duration) = (Duration::from_millis(2), Duration::from_millis(50));

/// What is deployed where.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// The name of the service
    #[arg(long, value_name = "NAME")]
    service: ServiceName,
    /// The stage
    #[arg(long, value_name = "NAME")]
    stage: StageName,
    /// The image; its tag is the version
    #[arg(long, value_name = "IMAGE")]
    image: String,
    /// Where the state of all stages is kept
    #[arg(long, value_name = "DIR")]
    state: PathBuf,
    #[command(flatten)]
    nature: Nature,
}

pub(super) fn run(options: Options) -> anyhow::Result<ExitCode> {
    let Options { service, stage, image, state, nature } = options;
    let version = version_of(&image)?;
    let nature = nature.of_version(version);
    let slot = State::open(&state)?.slot(&stage);
    let _turn = slot.turn()?;
    let before = slot.running()?;
    let same = |record: &&Record| {
        record.version == version && *record.service == *service.as_str() && record.nature == nature
    };
    if let Some(Record { address, .. }) = before.as_ref().filter(same) {
        say(&format!("{stage}: {service} {version} runs already, on http://{address}/"));
        return Ok(ExitCode::SUCCESS);
    }
    if stop(&slot)? {
        let what = before.map_or("the process there".to_owned(), |record| {
            format!("{} {}", record.service, record.version)
        });
        say(&format!("{stage}: {what} stopped"));
    }
    let record = start(&slot, service.as_str(), version, nature)?;
    say(&format!("{stage}: {service} {version} answers on http://{}/", record.address));
    Ok(ExitCode::SUCCESS)
}

/// Starts again what ran last in a stage and does not run any more, as after a restart of the
/// machine. Waits for a deployment that is under way. None where nothing ever ran.
///
/// # Errors
/// The process does not start.
pub(crate) fn restore(slot: &Slot) -> anyhow::Result<Option<Record>> {
    let _turn = slot.turn()?;
    if let Some(record) = slot.running()? {
        return Ok(Some(record));
    }
    let Some(record) = slot.last()? else { return Ok(None) };
    // Somebody who holds the place without an answer was interrupted on the way.
    stop(slot)?;
    start(slot, &record.service, &record.version, record.nature).map(Some)
}

/// Starts a process and waits until it answers with its version. The caller has the turn, and the
/// place is free.
fn start(slot: &Slot, service: &str, version: &str, nature: Nature) -> anyhow::Result<Record> {
    let log = slot.new_log()?;
    let program = std::env::current_exe().context("cannot find the program to start")?;
    let mut child = Command::new(program)
        .args(["hello", "serve", "--service", service, "--stage", slot.stage().as_str()])
        .args(["--version", version, "--state"])
        .arg(slot.directory())
        .args(nature.words())
        .current_dir(slot.directory())
        .env_clear()
        .stdin(Stdio::null())
        .stdout(log.try_clone().context("cannot share the log")?)
        .stderr(log)
        .spawn()
        .context("cannot start the service")?;
    let answered = wait_until_it_answers(slot, version, &mut child);
    if answered.is_err() {
        // It may have ended already.
        drop(child.kill());
        drop(child.wait());
    }
    answered
}

fn wait_until_it_answers(slot: &Slot, version: &str, child: &mut Child) -> anyhow::Result<Record> {
    let deadline = Instant::now() + START_TIME_MAX;
    let (mut pause, pause_max) = LOOK_AGAIN;
    loop {
        if let Some(status) = child.try_wait().context("cannot see whether the service runs")? {
            bail!("the service ended at once ({status}): {}", slot.log().trim_end());
        }
        let record = slot.running()?.filter(|record| record.pid == child.id());
        if let Some(record) = record
            && answers(&record, version)
        {
            return Ok(record);
        }
        if Instant::now() >= deadline {
            let log = slot.log();
            bail!("the service did not answer within {START_TIME_MAX:?}: {}", log.trim_end());
        }
        std::thread::sleep(pause);
        pause = pause_max.min(pause * 2);
    }
}

fn answers(record: &Record, version: &str) -> bool {
    let answer = get(record.address, "/version");
    answer.ok().filter(|(status, _)| *status == 200).is_some_and(|(_, body)| {
        serde_json::from_str::<Record>(&body).is_ok_and(|record| record.version == version)
    })
}
