//! The path of a resource within its place.

use std::fmt;
use std::str::FromStr;

/// Longest path, in bytes, after normalisation.
pub const RESOURCE_PATH_BYTES_MAX: usize = 1024;
/// Deepest path, in segments.
pub const RESOURCE_PATH_SEGMENTS_MAX: usize = 32;
/// Longest segment, in bytes: what common file systems can check out.
const SEGMENT_BYTES_MAX: usize = 255;

/// Where a resource lies, relative to its place: `slo.yaml`, `job/config.yaml`.
///
/// Leading `./` and `/` and doubled slashes are accepted and dropped, as Keptn's clients send them.
/// Paths compare segment by segment, which is the order of a walk through directories.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ResourcePath(String);

/// Why a text is not the path of a resource. Starts with Keptn's `invalid resource uri`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("invalid resource uri {found:?}: {problem}")]
pub struct ResourcePathError {
    found: String,
    problem: &'static str,
}

impl ResourcePathError {
    pub(crate) fn new(found: &str, problem: &'static str) -> Self {
        let mut shown: String = found.chars().take(64).collect();
        if shown.len() < found.len() {
            shown.push('…');
        }
        Self { found: shown, problem }
    }
}

impl ResourcePath {
    /// Checks a path that is already decoded (no percent signs left over from a URL).
    ///
    /// # Errors
    /// The rule that the text breaks.
    pub fn new(text: &str) -> Result<Self, ResourcePathError> {
        let refuse = |problem| Err(ResourcePathError::new(text, problem));
        // Keptn 1.4 refuses these two anywhere, also inside a name.
        if text.contains("..") || text.contains('~') {
            return refuse("must not contain '..' or '~'");
        }
        if text.contains(|c: char| c.is_control() || c == '\\') {
            return refuse("must not contain a backslash or a control character");
        }
        let segments: Vec<&str> =
            text.split('/').filter(|segment| !matches!(*segment, "" | ".")).collect();
        if segments.is_empty() {
            return refuse("must name a file");
        }
        if segments.len() > RESOURCE_PATH_SEGMENTS_MAX {
            return refuse("must not have more than 32 segments");
        }
        if segments.iter().any(|segment| segment.len() > SEGMENT_BYTES_MAX) {
            return refuse("must not have a segment longer than 255 bytes");
        }
        if segments.iter().any(|segment| is_reserved_by_git(segment)) {
            return refuse("must not contain a segment that Git takes for its own directory");
        }
        let path = segments.join("/");
        if path.len() > RESOURCE_PATH_BYTES_MAX {
            return refuse("must not be longer than 1024 bytes");
        }
        Ok(Self(path))
    }

    /// The path without a leading slash.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The names of the directories from the place down, then that of the file. Never empty.
    pub fn segments(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.0.split('/')
    }
}

/// Whether some file system would open the segment as `.git`: any case; Windows drops trailing
/// dots and spaces, knows `git~1` as the short name and what follows ':' as a stream; macOS ignores
/// some invisible characters.
pub(crate) fn is_reserved_by_git(segment: &str) -> bool {
    let visible: String = segment.chars().filter(|c| !is_ignored_by_hfs(*c)).collect();
    let stem = visible.split(':').next().unwrap_or_default();
    let stem = stem.trim_end_matches(['.', ' ']);
    stem.eq_ignore_ascii_case(".git") || stem.eq_ignore_ascii_case("git~1")
}

const fn is_ignored_by_hfs(c: char) -> bool {
    matches!(c, '\u{200c}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{206a}'..='\u{206f}' | '\u{feff}')
}

impl Ord for ResourcePath {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.segments().cmp(other.segments())
    }
}

impl PartialOrd for ResourcePath {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for ResourcePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for ResourcePath {
    type Err = ResourcePathError;
    fn from_str(text: &str) -> Result<Self, ResourcePathError> {
        Self::new(text)
    }
}

impl AsRef<str> for ResourcePath {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_forms_that_keptns_clients_send_become_one() {
        for (sent, kept) in [
            ("slo.yaml", "slo.yaml"),
            ("./locust/basic.py", "locust/basic.py"),
            ("/slo.yaml", "slo.yaml"),
            ("//job//config.yaml", "job/config.yaml"),
            ("job/./config.yaml", "job/config.yaml"),
            ("helm/", "helm"),
            (".gitignore", ".gitignore"),
            (".github/workflow.yaml", ".github/workflow.yaml"),
            ("a b/ü.yaml", "a b/ü.yaml"),
        ] {
            assert_eq!(ResourcePath::new(sent).unwrap().to_string(), kept, "{sent}");
        }
    }

    #[test]
    fn hostile_paths_are_refused() {
        for hostile in [
            "",
            "/",
            "./",
            "..",
            "../x",
            "a/../b",
            "a..b",
            "~/x",
            "x~",
            "a\0b",
            "a\nb",
            "a\\b",
            ".git/config",
            "a/.GIT/hooks/post-update",
            ".git ",
            ".git./config",
            ".git . ./x",
            "git~1/config",
            ".git::$INDEX_ALLOCATION/config",
            ".g\u{200c}it/config",
            "\u{feff}.git/config",
        ] {
            let error = ResourcePath::new(hostile).expect_err(hostile).to_string();
            assert!(error.starts_with("invalid resource uri "), "{error}");
        }
    }

    #[test]
    fn length_and_depth_are_bounded() {
        let deep = |segments: usize| vec!["d"; segments].join("/");
        assert!(ResourcePath::new(&deep(RESOURCE_PATH_SEGMENTS_MAX)).is_ok());
        assert!(ResourcePath::new(&deep(RESOURCE_PATH_SEGMENTS_MAX + 1)).is_err());
        assert!(ResourcePath::new(&"x".repeat(SEGMENT_BYTES_MAX)).is_ok());
        assert!(ResourcePath::new(&"x".repeat(SEGMENT_BYTES_MAX + 1)).is_err());
        let long = |last: usize| {
            let quarter = "y".repeat(SEGMENT_BYTES_MAX);
            format!("{quarter}/{quarter}/{quarter}/{quarter}/{}", "z".repeat(last))
        };
        assert!(ResourcePath::new(&long(0)).is_ok(), "4 × 255 bytes and three slashes");
        assert!(ResourcePath::new(&long(1)).is_err(), "1025 bytes");
    }

    #[test]
    fn paths_order_like_a_walk_through_directories() {
        let mut paths: Vec<ResourcePath> = ["a.txt", "b", "a/z", "a/b/c", "a-b"]
            .map(|text| ResourcePath::new(text).unwrap())
            .into();
        paths.sort();
        let texts: Vec<&str> = paths.iter().map(ResourcePath::as_str).collect();
        assert_eq!(texts, ["a/b/c", "a/z", "a-b", "a.txt", "b"]);
    }
}
