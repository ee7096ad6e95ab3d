//! Files that are given on the command line; `-` is standard input.

use std::io::Read as _;
use std::path::Path;

use crate::failure::Failure;

/// Largest file: what the server takes at most, and a bit, so that it is the one to say no.
const BYTES_MAX: u64 = 16 * 1024 * 1024;

/// The content of a file.
///
/// # Errors
/// It cannot be read, or is too large.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let unreadable = |source| Failure::Unreadable { path: path.to_owned(), source };
    let mut content = Vec::new();
    if path.as_os_str() == "-" {
        std::io::stdin().take(BYTES_MAX).read_to_end(&mut content).map_err(unreadable)?;
    } else {
        let file = std::fs::File::open(path).map_err(unreadable)?;
        file.take(BYTES_MAX).read_to_end(&mut content).map_err(unreadable)?;
    }
    if content.len() as u64 == BYTES_MAX {
        let text = format!("{} is larger than {BYTES_MAX} bytes", path.display());
        return Err(Failure::Usage(text));
    }
    Ok(content)
}
