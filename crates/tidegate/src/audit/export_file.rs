//! The file that checkpoints leave the store by: one line of JSON each, appended and synced.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use tidegate_core::audit::SignedCheckpoint;

/// Appends lines in one write, and returns when they are on stable storage.
pub(super) fn append<'a>(path: &Path, lines: impl Iterator<Item = &'a String>) -> io::Result<()> {
    // Opened anew each time: whoever carries it away may have moved it.
    let is_new = !path.exists();
    let mut file =
        OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(path)?;
    let mut text = String::new();
    if !ends_with_a_line(&mut file)? {
        text.push('\n');
    }
    for line in lines {
        text.push_str(line);
        text.push('\n');
    }
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    if is_new { sync_parent(path) } else { Ok(()) }
}

/// False where a loss of power has left half a line.
fn ends_with_a_line(file: &mut File) -> io::Result<bool> {
    if file.metadata()?.len() == 0 {
        return Ok(true);
    }
    let mut last = [0];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut last)?;
    Ok(last == *b"\n")
}

/// A file that was made is there after a loss of power only once its directory is synced.
fn sync_parent(path: &Path) -> io::Result<()> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    File::open(parent.unwrap_or(Path::new(".")))?.sync_all()
}

/// What a line holds: its number from 1, and the checkpoint or why it is none.
pub(super) type Line = (usize, Result<SignedCheckpoint, String>);

/// Reads the lines of a file, empty ones left out.
pub(super) fn read(path: &Path) -> io::Result<Vec<Line>> {
    let text = String::from_utf8_lossy(&std::fs::read(path)?).into_owned();
    let lines = (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty());
    let read = |line: &str| line.parse().map_err(|error: serde_json::Error| error.to_string());
    Ok(lines.map(|(number, line)| (number, read(line))).collect())
}

#[cfg(test)]
mod tests {
    use tidegate_core::audit::{Chain, Checkpoint, Hash, Link, SigningKey};

    use super::*;

    fn line(n: u64) -> String {
        let link = Link { n, hash: Hash::ZERO };
        let at = jiff::Timestamp::UNIX_EPOCH;
        let checkpoint = Checkpoint { chain: Chain::Installation, link, at };
        SigningKey::from_bytes(&[7; 32]).sign(checkpoint).to_line()
    }

    fn numbers(path: &Path) -> Vec<Option<u64>> {
        let lines = read(path).unwrap();
        lines.into_iter().map(|(_, line)| line.ok().map(|line| line.checkpoint.link.n)).collect()
    }

    #[test]
    fn lines_are_added_behind_those_that_are_there() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("checkpoints");
        append(&path, [line(1), line(2)].iter()).unwrap();
        append(&path, [line(3)].iter()).unwrap();
        assert_eq!(numbers(&path), [Some(1), Some(2), Some(3)]);
    }

    #[test]
    fn half_a_line_takes_no_other_one_with_it() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("checkpoints");
        std::fs::write(&path, format!("{}\n{}", line(1), &line(2)[..50])).unwrap();
        append(&path, [line(3)].iter()).unwrap();
        assert_eq!(numbers(&path), [Some(1), None, Some(3)]);
    }
}
