//! The digest of every file, in the form of `sha256sum`.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

use anyhow::{Context as _, bail};
use sha2::{Digest as _, Sha256};

use super::tree::{self, Size};

/// Its name.
pub(crate) const FILE: &str = "SHA256SUMS";

/// What a backup's files shall be, by their paths below it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Sums(pub(super) BTreeMap<String, String>);

impl Sums {
    /// Reads every file below a directory.
    pub(crate) fn of(root: &Path) -> anyhow::Result<(Self, Size)> {
        let (mut sums, mut size) = (BTreeMap::new(), Size::default());
        for file in tree::files(root)? {
            let path = root.join(&file);
            let read = File::open(&path).and_then(|mut from| digest(&mut from, &mut io::sink()));
            let (sum, bytes) = read.with_context(|| format!("cannot read {}", path.display()))?;
            sums.insert(file, sum);
            size.add(bytes);
        }
        Ok((Self(sums), size))
    }

    /// The file's content.
    pub(crate) fn to_text(&self) -> String {
        self.0.iter().map(|(file, sum)| format!("{sum}  {file}\n")).collect()
    }

    /// Reads the file of a backup.
    pub(crate) fn read(backup: &Path) -> anyhow::Result<Self> {
        let path = backup.join(FILE);
        let shown = path.display();
        let text = std::fs::read_to_string(&path)
            .with_context(|| format!("cannot read {shown}; is this a backup of Tidegate?"))?;
        let mut sums = BTreeMap::new();
        for (index, line) in text.split_inclusive('\n').enumerate() {
            let entry = line.strip_suffix('\n').and_then(|line| line.split_once("  "));
            match entry {
                Some((sum, file)) if is_sum(sum) && !file.is_empty() => {
                    sums.insert(file.to_owned(), sum.to_owned());
                }
                _ => bail!("{shown}:{}: this is no digest and path of a file", index + 1),
            }
        }
        Ok(Self(sums))
    }
}

fn is_sum(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// Reads to the end, writes the same, and answers with the digest and the number of bytes.
pub(super) fn digest(from: &mut impl Read, to: &mut impl Write) -> io::Result<(String, u64)> {
    let (mut hash, mut bytes) = (Sha256::new(), 0);
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match from.read(&mut buffer) {
            Ok(0) => break,
            Ok(n) => {
                hash.update(&buffer[..n]);
                to.write_all(&buffer[..n])?;
                bytes += n as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    let sum = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    Ok((sum, bytes))
}
