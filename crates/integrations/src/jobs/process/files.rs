//! The project's files, laid out for the program.

use std::io;
use std::path::{Component, Path};

use super::super::port::JobFile;
use super::directory::private_dir;

/// Most bytes of all files of a job together. Keptn 1.4: the volume's limit.
const BYTES_MAX: usize = 20 * 1024 * 1024;

/// Writes the files below a directory.
pub(super) fn lay_out(files: &[JobFile], below: &Path) -> io::Result<()> {
    let refuse = |reason: String| io::Error::new(io::ErrorKind::InvalidInput, reason);
    let size: usize = files.iter().map(|file| file.content.len()).sum();
    if size > BYTES_MAX {
        return Err(refuse(format!("the files of the task have {size} bytes, over {BYTES_MAX}")));
    }
    for file in files {
        let relative = Path::new(&file.path);
        let mut parts = relative.components();
        let plain = parts.all(|part| matches!(part, Component::Normal(_)));
        if !plain || file.path.is_empty() {
            return Err(refuse(format!("{:?} is no path of a file", file.path)));
        }
        let path = below.join(relative);
        if let Some(parent) = path.parent() {
            private_dir(parent)?;
        }
        std::fs::write(path, &file.content)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, content: &[u8]) -> JobFile {
        JobFile { path: path.into(), content: content.into() }
    }

    #[test]
    fn files_lie_where_their_paths_say() {
        let dir = tempfile::tempdir().unwrap();
        let files = [file("charts/a/values.yaml", b"x: 1"), file("b", b"\xff\0")];
        lay_out(&files, dir.path()).unwrap();
        assert_eq!(std::fs::read(dir.path().join("charts/a/values.yaml")).unwrap(), b"x: 1");
        assert_eq!(std::fs::read(dir.path().join("b")).unwrap(), b"\xff\0");
    }

    #[test]
    fn paths_that_lead_elsewhere_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let below = dir.path().join("keptn");
        for path in ["", "/etc/x", "../x", "a/../../x", "."] {
            assert!(lay_out(&[file(path, b"")], &below).is_err(), "{path}");
        }
        assert!(!dir.path().join("x").exists());
        let large = file("large", &vec![0; BYTES_MAX + 1]);
        assert!(lay_out(&[large], &below).is_err());
    }
}
