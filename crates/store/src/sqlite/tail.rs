//! What SQLite leaves out of the write-ahead log, and does not tell.
//!
//! It reads the log up to the last commit whose checksums hold, and takes everything behind it for
//! what a crash has left. That is right for the last transaction. A bit that changed further ahead
//! would take acknowledged commits with it, so the log is looked at before SQLite sees it.
//!
//! The format is that of SQLite's file format description, section 4: a header of 32 bytes, then
//! frames of 24 bytes and a page each; numbers are big-endian; every frame carries the salts of the
//! header and a checksum over everything so far.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use super::open;

const HEADER: usize = 32;
const FRAME: usize = 24;
/// What a disk writes as a whole, at least.
const SECTOR: u64 = 512;
/// Without its last bit, which tells the order of bytes in checksums.
const MAGIC: u32 = 0x377f_0682;
const VERSION: u32 = 3_007_000;

/// What stands behind the last whole commit of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tail {
    /// Nothing of this log. What an earlier round has left does not count.
    Clean,
    /// One transaction that is not whole. A crash in the middle of a commit looks like this, and then
    /// nobody was told that it was accepted; so does damage to the newest transaction.
    Torn {
        /// The first frame that is left out; they count from 1.
        frame: u64,
    },
    /// Whole transactions behind a damaged place. They were acknowledged: a transaction begins when
    /// the one before it is synced.
    Lost {
        /// The damaged frame; 0 is the header.
        frame: u64,
        /// How many commits would be left out.
        commits: u64,
    },
}

/// The write-ahead log of a database.
pub(super) fn log_of(file: &Path) -> PathBuf {
    let mut path = file.as_os_str().to_owned();
    path.push("-wal");
    path.into()
}

/// Looks at a log that nobody writes to.
pub(super) fn of(file: &Path) -> io::Result<Tail> {
    let path = log_of(file);
    match File::open(path) {
        Ok(log) => Log { bytes: log.metadata()?.len(), log }.tail(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Tail::Clean),
        Err(error) => Err(error),
    }
}

/// Looks at a log that a server may be writing to: what is really damaged is so twice.
pub(super) fn of_live(file: &Path) -> io::Result<Tail> {
    const LOOKS_MAX: usize = 10;
    let mut before = of(file)?;
    for _ in 0..LOOKS_MAX {
        let now = of(file)?;
        if now == before {
            return Ok(now);
        }
        before = now;
    }
    Ok(Tail::Clean)
}

struct Log {
    log: File,
    bytes: u64,
}

struct Header {
    page: usize,
    salts: [u32; 2],
    sum: Sum,
}

/// What stands before a page.
struct Frame {
    /// Its transaction ends with it.
    commit: bool,
    salts: [u32; 2],
}

impl Frame {
    /// Whether it was written in the round of these salts. One of the two may be what is damaged;
    /// from one round to the next both change.
    fn is_of(&self, salts: [u32; 2]) -> bool {
        self.salts[0] == salts[0] || self.salts[1] == salts[1]
    }
}

impl Log {
    fn tail(&self) -> io::Result<Tail> {
        let Some(header) = self.header()? else { return self.without_header() };
        let (whole, broken) = self.read(&header)?;
        let (mut behind, mut commits) = (self.is_cut(header.page), 0);
        for number in whole + 1.. {
            let Some(frame) = self.frame(number, header.page)? else { break };
            if frame.is_of(header.salts) {
                behind = true;
                commits += u64::from(frame.commit && self.is_marked_so(number, &header)?);
            }
        }
        Ok(match (commits, behind) {
            (2.., _) => Tail::Lost { frame: broken, commits },
            (_, true) => Tail::Torn { frame: whole + 1 },
            (_, false) => Tail::Clean,
        })
    }

    /// Whether a frame's mark of a commit belongs to its salts.
    ///
    /// The head of a frame may lie across two sectors. Of the last transaction, a disk that loses power
    /// may keep the second one alone: then the mark is that of the frame which was there an earlier
    /// round. Where it may be so, the checksum tells.
    fn is_marked_so(&self, number: u64, header: &Header) -> io::Result<bool> {
        let place = self.place(number, header.page);
        Ok(place / SECTOR == (place + 15) / SECTOR || self.follows(number, header)?)
    }

    /// Whether a frame is what was written behind the one before it, whatever has become of the page of
    /// that.
    fn follows(&self, number: u64, header: &Header) -> io::Result<bool> {
        let mut sum = header.sum;
        if number > 1 {
            let mut before = [0; FRAME];
            self.fill(self.place(number - 1, header.page), &mut before)?;
            sum.words = [word(&before, 16), word(&before, 20)];
        }
        let mut buffer = vec![0; FRAME + header.page];
        let whole = self.fill(self.place(number, header.page), &mut buffer)?;
        sum.add(&buffer[..8]);
        sum.add(&buffer[FRAME..]);
        Ok(whole && sum.is(&buffer[16..24]))
    }

    /// Nothing in a log without a header counts, so a damaged header takes everything with it.
    fn without_header(&self) -> io::Result<Tail> {
        let page = open::PAGE_BYTES;
        let Some(first) = self.frame(1, page)? else { return Ok(Tail::Clean) };
        let mut commits = 0;
        for number in 1.. {
            let Some(frame) = self.frame(number, page)? else { break };
            commits += u64::from(frame.commit && frame.is_of(first.salts));
        }
        // Space that was never written to is zero.
        let written = first.salts != [0, 0] && commits > 0;
        Ok(if written { Tail::Lost { frame: 0, commits } } else { Tail::Clean })
    }

    /// Follows the checksums: the last frame that ends a transaction, and the first that is not what
    /// was written.
    fn read(&self, header: &Header) -> io::Result<(u64, u64)> {
        let (mut sum, mut whole) = (header.sum, 0);
        let mut buffer = vec![0; FRAME + header.page];
        for number in 1.. {
            if !self.fill(self.place(number, header.page), &mut buffer)? {
                return Ok((whole, number));
            }
            sum.add(&buffer[..8]);
            sum.add(&buffer[FRAME..]);
            let frame = frame(&buffer);
            let is_named = word(&buffer, 0) != 0;
            if !is_named || frame.salts != header.salts || !sum.is(&buffer[16..24]) {
                return Ok((whole, number));
            }
            if frame.commit {
                whole = number;
            }
        }
        Ok((whole, u64::MAX))
    }

    fn header(&self) -> io::Result<Option<Header>> {
        let mut bytes = [0; HEADER];
        if !self.fill(0, &mut bytes)? {
            return Ok(None);
        }
        let (magic, version, page) = (word(&bytes, 0), word(&bytes, 4), word(&bytes, 8));
        let mut sum = Sum { big_endian: magic & 1 == 1, words: [0, 0] };
        sum.add(&bytes[..24]);
        let known = magic & !1 == MAGIC && version == VERSION && page.is_power_of_two();
        if !known || !(512..=65_536).contains(&page) || !sum.is(&bytes[24..]) {
            return Ok(None);
        }
        let salts = [word(&bytes, 16), word(&bytes, 20)];
        Ok(Some(Header { page: page as usize, salts, sum }))
    }

    fn frame(&self, number: u64, page: usize) -> io::Result<Option<Frame>> {
        let mut bytes = [0; FRAME];
        Ok(self.fill(self.place(number, page), &mut bytes)?.then(|| frame(&bytes)))
    }

    fn place(&self, number: u64, page: usize) -> u64 {
        HEADER as u64 + (number - 1) * (FRAME + page) as u64
    }

    /// Whether the file ends within the head of a frame.
    fn is_cut(&self, page: usize) -> bool {
        let rest = (self.bytes - HEADER as u64) % (FRAME + page) as u64;
        (1..FRAME as u64).contains(&rest)
    }

    /// False where the file ends before.
    fn fill(&self, place: u64, bytes: &mut [u8]) -> io::Result<bool> {
        match self.log.read_exact_at(bytes, place) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
            Err(error) => Err(error),
        }
    }
}

fn word(bytes: &[u8], at: usize) -> u32 {
    u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

fn frame(bytes: &[u8]) -> Frame {
    // The second word is the size of the database after the transaction, or zero within it.
    Frame { commit: word(bytes, 4) != 0, salts: [word(bytes, 8), word(bytes, 12)] }
}

/// The running checksum of a log.
#[derive(Clone, Copy)]
struct Sum {
    big_endian: bool,
    words: [u32; 2],
}

impl Sum {
    fn add(&mut self, bytes: &[u8]) {
        let [mut first, mut second] = self.words;
        for pair in bytes.chunks_exact(8) {
            let word = |at: usize| {
                let bytes = [pair[at], pair[at + 1], pair[at + 2], pair[at + 3]];
                if self.big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) }
            };
            first = first.wrapping_add(word(0)).wrapping_add(second);
            second = second.wrapping_add(word(4)).wrapping_add(first);
        }
        self.words = [first, second];
    }

    fn is(&self, bytes: &[u8]) -> bool {
        self.words == [word(bytes, 0), word(bytes, 4)]
    }
}
