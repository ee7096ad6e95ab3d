//! Other programs: asked quietly, or run with their output on the screen.

use std::io::{self, BufRead, BufReader, Write};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use anyhow::{Context, Result};

/// Whether a program starts and succeeds. Nothing it says is shown.
pub(crate) fn succeeds(command: &mut Command) -> bool {
    answer(command).is_some()
}

/// What a program writes to standard output if it starts and succeeds. Nothing it says is shown.
pub(crate) fn answer(command: &mut Command) -> Option<String> {
    let output = command.stdin(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Runs a program with its output on the screen as it comes, and shows each line of its standard
/// output to `see` too, without the line's end.
pub(crate) fn stream(command: &mut Command, mut see: impl FnMut(&str)) -> Result<ExitStatus> {
    let shown = display(command);
    println!("$ {shown}");
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start `{shown}`"))?;
    let output = child.stdout.take().expect("standard output was piped two lines above");
    for line in BufReader::new(output).split(b'\n') {
        let line = line.with_context(|| format!("cannot read what `{shown}` prints"))?;
        let line = String::from_utf8_lossy(&line);
        println!("{line}");
        see(&line);
    }
    io::stdout().flush()?;
    child.wait().with_context(|| format!("cannot wait for `{shown}`"))
}

/// The same for a program that must come to an end: none where it did not within `limit`.
pub(crate) fn stream_within(
    command: &mut Command,
    limit: Duration,
    mut see: impl FnMut(&str),
) -> Result<Option<ExitStatus>> {
    let shown = display(command);
    println!("$ {shown}");
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn();
    let mut child = child.with_context(|| format!("cannot start `{shown}`"))?;
    let output = child.stdout.take().expect("standard output was piped above");
    let child = Mutex::new(child);
    let ended = AtomicBool::new(false);
    let (done, wait) = mpsc::channel::<()>();
    let (running, is_over) = (&child, &ended);
    std::thread::scope(|scope| {
        scope.spawn(move || {
            if wait.recv_timeout(limit) == Err(RecvTimeoutError::Timeout) {
                is_over.store(true, Ordering::Relaxed);
                // It may have ended by itself just now.
                drop(running.lock().expect("nobody panics with it").kill());
            }
        });
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            println!("{line}");
            see(&line);
        }
        drop(done);
    });
    let status = child.into_inner().expect("nobody panics with it").wait();
    let status = status.with_context(|| format!("cannot wait for `{shown}`"))?;
    Ok((!ended.into_inner()).then_some(status))
}

/// A command as one would type it.
pub(crate) fn display(command: &Command) -> String {
    let program = command.get_program().to_string_lossy();
    let name = program.rsplit('/').next().unwrap_or(&program).to_owned();
    let words = command.get_args().map(|word| word.to_string_lossy().into_owned());
    std::iter::once(name).chain(words).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn every_line_is_seen_also_the_last_one_without_an_end() {
        let mut lines = Vec::new();
        let status =
            stream(&mut shell("printf 'one\\n\\ntwo'"), |line| lines.push(line.to_owned()));
        assert!(status.unwrap().success());
        assert_eq!(lines, ["one", "", "two"]);
    }

    #[test]
    fn a_program_that_does_not_end_is_ended() {
        let mut lines = Vec::new();
        let mut see = |line: &str| lines.push(line.to_owned());
        let mut quick = shell("echo one");
        let status = stream_within(&mut quick, Duration::from_secs(60), &mut see).unwrap();
        assert!(status.unwrap().success());
        let mut slow = shell("echo two; exec sleep 600");
        assert!(stream_within(&mut slow, Duration::from_millis(200), &mut see).unwrap().is_none());
        assert_eq!(lines, ["one", "two"]);
    }

    #[test]
    fn a_program_that_fails_has_no_answer() {
        assert_eq!(answer(&mut shell("echo 1.2")).as_deref(), Some("1.2"));
        assert_eq!(answer(&mut shell("echo 1.2; exit 1")), None);
        assert_eq!(answer(&mut Command::new("/no/such/program")), None);
    }

    #[test]
    fn a_command_is_shown_as_it_is_typed() {
        assert_eq!(display(&shell("true")), "sh -c true");
    }
}
