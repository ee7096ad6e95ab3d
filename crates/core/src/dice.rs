//! Chance that comes from a seed.

use std::env;
use std::time::SystemTime;

/// What a run of chance is told in its environment.
pub(crate) fn number(name: &str) -> Option<u64> {
    let text = env::var(name).ok()?;
    let number = text.parse();
    Some(number.unwrap_or_else(|_| panic!("{name} is {text:?}, and must be a number")))
}

/// A seed that was never tried.
pub(crate) fn any_seed() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    u64::try_from(since.as_nanos() & u128::from(u64::MAX)).unwrap()
}

/// `SplitMix64`: every seed is a good one, and the same seed throws the same numbers for ever.
#[derive(Debug, Clone)]
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn throw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `end`, which is not 0.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        let end = u64::try_from(end).unwrap();
        usize::try_from(self.throw() % end).unwrap()
    }

    /// True that many times in a hundred.
    pub(crate) fn percent(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    /// One of them; none of none.
    pub(crate) fn one_of<T>(&mut self, all: impl IntoIterator<Item = T>) -> Option<T> {
        let mut all: Vec<T> = all.into_iter().collect();
        if all.is_empty() {
            return None;
        }
        let index = self.below(all.len());
        Some(all.swap_remove(index))
    }

    pub(crate) fn pick<'a>(&mut self, words: &[&'a str]) -> &'a str {
        words[self.below(words.len())]
    }

    pub(crate) fn bytes(&mut self) -> [u8; 16] {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&self.throw().to_be_bytes());
        bytes[8..].copy_from_slice(&self.throw().to_be_bytes());
        bytes
    }

    /// The bytes with one to four things done to them that files and messages suffer: cut off, repeated,
    /// changed, something hostile put in between.
    pub(crate) fn spoil(&mut self, bytes: &[u8]) -> Vec<u8> {
        const HOSTILE: [&[u8]; 16] = [
            b"\0",
            b"\"",
            b"'",
            b",",
            b"\n",
            b"\r\n",
            b"[",
            b"]",
            b"{",
            b"<",
            b"&x;",
            b"\xff",
            b"-1e999",
            b"NaN",
            "\u{feff}".as_bytes(),
            "\u{2028}".as_bytes(),
        ];
        let mut bytes = bytes.to_vec();
        for _ in 0..=self.below(4) {
            let (from, to) = (self.below(bytes.len() + 1), self.below(bytes.len() + 1));
            let (from, to) = (from.min(to), from.max(to));
            match self.below(5) {
                0 => bytes.truncate(to),
                1 => drop(bytes.drain(from..to.min(from + 16))),
                2 => {
                    let again = bytes[from..to.min(from + 64)].to_vec();
                    bytes.splice(from..from, again);
                }
                3 if from < to => bytes[from] = self.throw().to_be_bytes()[0],
                _ => {
                    let hostile = HOSTILE[self.below(HOSTILE.len())];
                    bytes.splice(from..from, hostile.iter().copied());
                }
            }
        }
        bytes
    }
}
