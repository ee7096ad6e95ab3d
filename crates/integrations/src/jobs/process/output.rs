//! `out.log`: the newest output of the program, without secrets.

use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::PathBuf;

use super::directory::sync_dir;
use super::log;
use crate::mask::Mask;

/// How far a cut may move to fall between two lines, in bytes.
const LINE_BYTES_MAX: usize = 4096;

/// Writes the log. The file grows to twice what is kept before its older half is cut off, so that
/// every byte is copied at most once more.
pub(super) struct Output {
    path: PathBuf,
    file: File,
    mask: Mask,
    /// Bytes of output in the file.
    size: usize,
    /// Bytes of output that were cut off.
    dropped: u64,
    max: usize,
}

impl Output {
    /// Begins a new log.
    pub(super) fn create(path: PathBuf, mask: Mask, max: usize) -> io::Result<Self> {
        let file =
            File::options().read(true).write(true).create(true).truncate(true).open(&path)?;
        Ok(Self { path, file, mask, size: 0, dropped: 0, max })
    }

    /// Adds what the program has said.
    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let safe = self.mask.push(bytes);
        self.append(&safe)
    }

    /// Ends the log: no longer than asked for, and on disk.
    pub(super) fn finish(mut self) -> io::Result<()> {
        let rest = self.mask.finish();
        self.append(&rest)?;
        if self.size > self.max {
            self.cut()?;
        }
        self.file.sync_all()?;
        match self.path.parent() {
            // A cut has put another file in the place of the one whose name is on disk.
            Some(directory) if self.dropped > 0 => sync_dir(directory),
            _ => Ok(()),
        }
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)?;
        self.size += bytes.len();
        if self.size > self.max.saturating_mul(2) { self.cut() } else { Ok(()) }
    }

    /// Replaces the file by one with the newest output.
    fn cut(&mut self) -> io::Result<()> {
        let back = i64::try_from(self.max).unwrap_or(i64::MAX);
        self.file.seek(SeekFrom::End(-back))?;
        let mut kept = Vec::with_capacity(self.max);
        self.file.read_to_end(&mut kept)?;
        let start = clean_start(&kept);
        self.dropped += (self.size - kept.len() + start) as u64;
        let mut temporary = self.path.clone();
        temporary.set_extension("log.new");
        let mut file =
            File::options().read(true).write(true).create(true).truncate(true).open(&temporary)?;
        file.write_all(log::header(self.dropped).as_bytes())?;
        file.write_all(&kept[start..])?;
        fs::rename(temporary, &self.path)?;
        self.size = kept.len() - start;
        self.file = file;
        Ok(())
    }
}

/// Where a cut text can begin: after the first line that ends soon, else at a whole character.
fn clean_start(kept: &[u8]) -> usize {
    let near = &kept[..kept.len().min(LINE_BYTES_MAX).min(kept.len() / 2)];
    match near.iter().position(|byte| *byte == b'\n') {
        Some(end) => end + 1,
        // Bytes 10xxxxxx continue a character of UTF-8, and no character has more than three.
        None => kept.iter().take(3).take_while(|byte| **byte & 0xc0 == 0x80).count(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::log::JobLog;
    use super::*;

    fn written(max: usize, chunks: &[&[u8]]) -> (JobLog, u64) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("out.log");
        let mut output = Output::create(path.clone(), Mask::new(["hunter2"]), max).unwrap();
        let mut largest = 0;
        for chunk in chunks {
            output.write(chunk).unwrap();
            largest = largest.max(fs::metadata(&path).unwrap().len());
        }
        output.finish().unwrap();
        (log::read(&path, max).unwrap(), largest)
    }

    #[test]
    fn short_output_is_kept_as_it_is() {
        let (log, _) = written(100, &[b"hello ", b"hunt", b"er2\n"]);
        assert_eq!((log.text.as_str(), log.dropped_bytes), ("hello ***\n", 0));
    }

    #[test]
    fn of_long_output_the_newest_is_kept_and_the_rest_is_counted() {
        let lines: Vec<String> = (0..10_000).map(|n| format!("line {n}\n")).collect();
        let chunks: Vec<&[u8]> = lines.iter().map(String::as_bytes).collect();
        let total: usize = chunks.iter().map(|chunk| chunk.len()).sum();
        let (log, largest) = written(1000, &chunks);
        assert!(log.text.ends_with("line 9998\nline 9999\n"), "{}", log.text);
        assert!(log.text.starts_with("line "), "{}", log.text);
        assert!(log.text.len() <= 1000 && log.text.len() > 900);
        assert_eq!(log.dropped_bytes as usize + log.text.len(), total);
        assert!(largest < 2200, "{largest}");
    }

    #[test]
    fn a_cut_falls_between_characters() {
        let (log, _) = written(9, &["üüüüüüüüü".as_bytes()]);
        assert_eq!(log.text, "üüüü");
        assert_eq!(log.dropped_bytes, 10);
    }
}
