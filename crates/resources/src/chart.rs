//! Charts: Keptn keeps the archive `helm/<name>.tgz` as the directory `helm/<name>`, so that Git shows
//! what changes in it. An archive comes from outside and is hostile until it is read.

use std::collections::BTreeMap;
use std::io::{self, Read as _};

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use tar::{Archive, Builder, EntryType, Header};

use crate::path::ResourcePath;
use crate::write::RESOURCE_BYTES_MAX;

/// Most files of a chart.
pub const CHART_FILES_MAX: usize = 1_000;
/// Most bytes of all files of all charts in one request.
pub(crate) const CHART_BYTES_MAX: usize = 4 * RESOURCE_BYTES_MAX;
/// Most entries of an archive, directories and what is left out included.
const ENTRIES_MAX: usize = 4 * CHART_FILES_MAX;

/// What an entry takes besides its content: a header, and what fills its last block.
const BLOCKS_BYTES: usize = 1024;

/// Why an archive is no chart.
#[derive(Debug, thiserror::Error)]
pub enum ChartError {
    /// Not a gzip-compressed tar archive, or one that breaks off.
    #[error("it cannot be unpacked: {0}")]
    Unreadable(#[from] io::Error),
    /// The names in it are not those of files below one directory.
    #[error("{0:?} is not below one directory of the archive's own")]
    Scattered(String),
    /// A name that is the path of no resource.
    #[error(transparent)]
    Path(#[from] crate::path::ResourcePathError),
    /// Something other than a file or a directory.
    #[error("{0:?} is neither a file nor a directory; links are not followed")]
    Special(String),
    /// It holds no file.
    #[error("it holds no file")]
    Empty,
    /// It holds too much.
    #[error("it holds more than {CHART_FILES_MAX} files, or more than {} MiB", CHART_BYTES_MAX >> 20)]
    TooLarge,
}

/// The directory that stands for `helm/<name>.tgz`, whatever is above it; none for any other path.
pub(crate) fn directory_of(path: &ResourcePath) -> Option<ResourcePath> {
    let segments: Vec<&str> = path.segments().collect();
    let [.., "helm", file] = segments.as_slice() else { return None };
    let name = file.strip_suffix(".tgz").filter(|name| !name.is_empty())?;
    let above = path.as_str().strip_suffix(file)?;
    ResourcePath::new(&format!("{above}{name}")).ok()
}

/// The files of a chart, by their paths below its one top-level directory, whose own name is dropped.
///
/// `left` is how many bytes all charts of a request may still have; what this one has is taken off.
pub(crate) fn unpack(
    archive: &[u8],
    left: &mut usize,
) -> Result<BTreeMap<ResourcePath, Vec<u8>>, ChartError> {
    // Names may stand in entries of their own, which are read whole: they count, too.
    let whole = GzDecoder::new(archive).take((*left + ENTRIES_MAX * BLOCKS_BYTES) as u64);
    let mut archive = Archive::new(whole);
    let (mut files, mut top) = (BTreeMap::new(), None::<String>);
    for (number, entry) in archive.entries()?.enumerate() {
        let mut entry = entry?;
        if number >= ENTRIES_MAX || files.len() >= CHART_FILES_MAX {
            return Err(ChartError::TooLarge);
        }
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let kind = entry.header().entry_type();
        match kind {
            // Notes about the entries that follow.
            EntryType::XGlobalHeader => continue,
            EntryType::Regular | EntryType::Continuous | EntryType::Directory => {}
            _ => return Err(ChartError::Special(name)),
        }
        let path = ResourcePath::new(&name)?;
        let (first, below) = match path.as_str().split_once('/') {
            Some((first, below)) => (first, Some(below)),
            None => (path.as_str(), None),
        };
        if top.get_or_insert_with(|| first.to_owned()) != first {
            return Err(ChartError::Scattered(name));
        }
        match (kind, below) {
            (EntryType::Directory, _) => {}
            (_, None) => return Err(ChartError::Scattered(name)),
            (_, Some(below)) => {
                let mut content = Vec::new();
                (&mut entry).take(*left as u64 + 1).read_to_end(&mut content)?;
                *left = left.checked_sub(content.len()).ok_or(ChartError::TooLarge)?;
                files.insert(ResourcePath::new(below)?, content);
            }
        }
    }
    if files.is_empty() { Err(ChartError::Empty) } else { Ok(files) }
}

/// The archive of a chart. The same files make the same bytes.
pub(crate) fn pack(name: &str, files: &BTreeMap<ResourcePath, Vec<u8>>) -> io::Result<Vec<u8>> {
    let mut archive = Builder::new(GzEncoder::new(Vec::new(), Compression::default()));
    for (path, content) in files {
        let mut header = Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        archive.append_data(&mut header, format!("{name}/{path}"), content.as_slice())?;
    }
    archive.into_inner()?.finish()
}

#[cfg(test)]
mod tests;
