//! What is asked of an endpoint: a path below its address, and a query. It is read as an attacker's: whoever can
//! push to a project writes it.

use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};

/// Longest target with everything filled in, in bytes: what servers commonly take.
pub const TARGET_BYTES_MAX: usize = 8 * 1024;
/// Most times that escapes of a path may be escaped again.
const LAYERS_MAX: usize = 8;
/// What a query may hold in an SLI file, and not in an address. Escapes stay what they are.
const QUERY: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'\'')
    .add(b'<')
    .add(b'>')
    .add(b'[')
    .add(b'\\')
    .add(b']')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// A relative address that stays below whatever it is put below.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    path: String,
    query: Option<String>,
}

/// What is wrong with a text, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    /// The byte where it begins.
    pub(super) at: usize,
    pub(super) problem: String,
}

impl Fault {
    pub(super) fn new(at: usize, problem: impl Into<String>) -> Self {
        Self { at, problem: problem.into() }
    }
}

impl Target {
    /// Reads `<path>?<query>`.
    pub(super) fn parse(text: &str) -> Result<Self, Fault> {
        check(text)?;
        let (path, query) = split(text);
        let query = query.map(|query| utf8_percent_encode(query, QUERY).to_string());
        let target = Self { path: path.to_owned(), query };
        if target.to_string().len() > TARGET_BYTES_MAX {
            return Err(Fault::new(0, format!("it is longer than {TARGET_BYTES_MAX} bytes")));
        }
        Ok(target)
    }

    /// The path; empty for the endpoint itself. Its segments are not empty but for the last.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// What follows the `?`, where there is one.
    #[must_use]
    pub fn query(&self) -> Option<&str> {
        self.query.as_deref()
    }
}

impl std::fmt::Display for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.query {
            Some(query) => write!(f, "{}?{query}", self.path),
            None => f.write_str(&self.path),
        }
    }
}

fn split(text: &str) -> (&str, Option<&str>) {
    match text.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (text, None),
    }
}

/// What is wrong with a target, also where placeholders are not filled in yet.
pub(super) fn check(text: &str) -> Result<(), Fault> {
    let (path, query) = split(text);
    characters(path)?;
    segments(path)?;
    match query {
        Some(query) => escapes(query).map_err(|at| not_an_escape(path.len() + 1 + at)),
        None => Ok(()),
    }
}

/// The characters that a path may have by RFC 3986, without `@`: none is read in two ways.
fn characters(path: &str) -> Result<(), Fault> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._~!$&'()*+,;=:%/".contains(c);
    if let Some((at, odd)) = path.char_indices().find(|(_, c)| !plain(*c)) {
        let mut utf8 = [0; 4];
        let bytes = odd.encode_utf8(&mut utf8).bytes();
        let escaped: String = bytes.map(|byte| format!("%{byte:02X}")).collect();
        return Err(Fault::new(at, format!("a path cannot have {odd:?}; write it as {escaped}")));
    }
    escapes(path).map_err(not_an_escape)
}

fn not_an_escape(at: usize) -> Fault {
    Fault::new(at, "a % needs two hexadecimal digits behind it; the character itself is %25")
}

/// The place of the first `%` that escapes nothing.
fn escapes(text: &str) -> Result<(), usize> {
    let is_escape = |at: usize| {
        let digits = text.as_bytes().get(at + 1..at + 3);
        digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    };
    text.match_indices('%').map(|(at, _)| at).find(|at| !is_escape(*at)).map_or(Ok(()), Err)
}

fn segments(path: &str) -> Result<(), Fault> {
    const BELOW: &str = "what is asked lies below the endpoint";
    if path.starts_with('/') {
        return Err(Fault::new(0, format!("{BELOW}; write its path without the first /")));
    }
    let mut at = 0;
    let count = path.split('/').count();
    for (index, segment) in path.split('/').enumerate() {
        if segment.is_empty() && index + 1 < count {
            return Err(Fault::new(at, "there is nothing between two / of the path"));
        }
        if index == 0 && segment.contains(':') {
            let problem = format!("{BELOW}, and here another address seems to begin; a : is %3A");
            return Err(Fault::new(at, problem));
        }
        harmless(segment).map_err(|problem| Fault::new(at, problem))?;
        at += segment.len() + 1;
    }
    Ok(())
}

/// Servers, and what stands before them, remove escapes once, twice or not at all, some take `\` for `/`, and some
/// ignore what follows a `;`, or an escaped `?` or `#`. Whatever they do, there is no `..`.
fn harmless(segment: &str) -> Result<(), String> {
    let mut text = segment.to_owned();
    for _ in 0..=LAYERS_MAX {
        for part in text.split(['/', '\\']) {
            let name = part.split([';', '?', '#']).next().unwrap_or_default().trim();
            if matches!(name, "." | "..") {
                return Err(format!("{name:?} leads out of the endpoint, or nowhere"));
            }
        }
        if text.contains(char::is_control) {
            return Err("a path cannot have line breaks or other control characters".to_owned());
        }
        let decoded = percent_decode_str(&text).decode_utf8();
        let decoded = decoded.map_err(|_| "an escape of the path is no UTF-8".to_owned())?;
        if decoded == text {
            return Ok(());
        }
        text = decoded.into_owned();
    }
    Err(format!("the path is escaped more than {LAYERS_MAX} times"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> Fault {
        Target::parse(text).unwrap_err()
    }

    #[test]
    fn a_target_is_a_path_and_a_query() {
        for (text, path, query) in [
            ("query?a=1&b=2", "query", Some("a=1&b=2")),
            ("v1/series:query", "v1/series:query", None),
            ("a/b/", "a/b/", None),
            ("", "", None),
            ("?", "", Some("")),
            ("a.b/..c/d../...", "a.b/..c/d../...", None),
            ("a;v=1,2/(b)/c%20d", "a;v=1,2/(b)/c%20d", None),
        ] {
            let target = Target::parse(text).unwrap();
            assert_eq!((target.path(), target.query()), (path, query), "{text}");
            assert_eq!(target.to_string(), text);
        }
    }

    #[test]
    fn a_query_may_be_written_as_people_write_it() {
        for (text, query) in [
            ("?q=avg:http{service:x} by {host}", "q=avg:http%7Bservice:x%7D%20by%20%7Bhost%7D"),
            ("?q=@timestamp:[a TO b]&x=../..//@", "q=@timestamp:%5Ba%20TO%20b%5D&x=../..//@"),
            ("?q='a'|\"b\"\\`^<>", "q=%27a%27%7C%22b%22%5C%60%5E%3C%3E"),
            ("?q=ü%C3%BC+?", "q=%C3%BC%C3%BC+?"),
        ] {
            assert_eq!(Target::parse(text).unwrap().query(), Some(query), "{text}");
        }
    }

    #[test]
    fn no_path_leads_out_of_the_endpoint() {
        for (text, at) in [
            ("..", 0),
            ("../x", 0),
            ("a/../b", 2),
            ("a/..", 2),
            ("./a", 0),
            ("a/.", 2),
            ("%2e%2e/x", 0),
            ("a/%2E./x", 2),
            ("a/.%2e", 2),
            ("a/%252e%252e/b", 2),
            ("a/%25252e./b", 2),
            ("a/x%2f..%2fb", 2),
            ("a/..%2f", 2),
            ("a/..%5cb", 2),
            ("a/%5c..", 2),
            ("a/..;/b", 2),
            ("a/..;x=1/b", 2),
            ("a/..%3Bx", 2),
            ("a/%20..%20/b", 2),
            ("a/..%3Fb", 2),
            ("a/%2e.%23", 2),
        ] {
            let fault = refused(text);
            assert_eq!(fault.at, at, "{text}: {fault:?}");
            assert!(fault.problem.ends_with("leads out of the endpoint, or nowhere"), "{fault:?}");
        }
    }

    #[test]
    fn no_path_is_another_address() {
        for (text, at, says) in [
            ("/query", 0, "write its path without the first /"),
            ("//evil.example/x", 0, "write its path without the first /"),
            ("a//evil.example", 2, "there is nothing between two /"),
            ("https://evil.example/x", 0, "another address seems to begin"),
            ("https:evil", 0, "another address seems to begin"),
            ("javascript:x", 0, "another address seems to begin"),
            ("a@evil.example/x", 1, "a path cannot have '@'; write it as %40"),
            ("\\\\evil.example", 0, "a path cannot have '\\\\'; write it as %5C"),
            ("a b", 1, "a path cannot have ' '; write it as %20"),
            ("a/ü", 2, "a path cannot have 'ü'; write it as %C3%BC"),
            ("a/[b]", 2, "a path cannot have '['"),
        ] {
            let fault = refused(text);
            assert_eq!(fault.at, at, "{text}: {fault:?}");
            assert!(fault.problem.contains(says), "{text}: {fault:?}");
        }
    }

    #[test]
    fn escapes_are_whole_and_hide_nothing_in_a_path() {
        for (text, at, says) in [
            ("a%", 1, "a % needs two hexadecimal digits"),
            ("a%2", 1, "a % needs two hexadecimal digits"),
            ("a/%zz", 2, "a % needs two hexadecimal digits"),
            ("a?b=100%", 7, "a % needs two hexadecimal digits"),
            ("a?b=%ü0", 4, "a % needs two hexadecimal digits"),
            ("a/b%00", 2, "control characters"),
            ("a/b%0d%0aHost:x", 2, "control characters"),
            ("a/b%250a", 2, "control characters"),
            // What some read as a dot.
            ("a/%c0%ae%c0%ae/b", 2, "is no UTF-8"),
        ] {
            let fault = refused(text);
            assert_eq!(fault.at, at, "{text}: {fault:?}");
            assert!(fault.problem.contains(says), "{text}: {fault:?}");
        }
        assert!(Target::parse("a/b%2Fc/100%25?x=%0A%00").is_ok());
    }

    #[test]
    fn a_target_is_bounded_as_it_is_sent() {
        assert!(Target::parse(&"x".repeat(TARGET_BYTES_MAX)).is_ok());
        for text in ["x".repeat(TARGET_BYTES_MAX + 1), format!("?{}", "ü".repeat(2_000))] {
            assert_eq!(refused(&text).problem, "it is longer than 8192 bytes");
        }
        let layers = |count| Target::parse(&format!("a/%{}41", "25".repeat(count)));
        assert!(layers(LAYERS_MAX - 1).is_ok());
        let fault = layers(LAYERS_MAX).unwrap_err();
        assert_eq!(fault, Fault::new(2, "the path is escaped more than 8 times"));
    }
}
