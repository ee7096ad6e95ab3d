//! Keeping secret values out of output, however the output is cut into pieces.

/// What stands where a secret stood.
const MASK: &[u8] = b"***";
/// Shortest line of a secret with several lines that is masked by itself, in bytes.
const LINE_BYTES_MIN: usize = 8;

/// Replaces secret values in a stream of bytes. It holds back no more than what may still become a
/// secret.
pub(crate) struct Mask {
    /// The longest first.
    secrets: Vec<Vec<u8>>,
    /// Which bytes a secret can begin with.
    first: [bool; 256],
    /// Bytes that may still become a secret.
    held: Vec<u8>,
    /// How many of the bytes to come belong to a secret that has been replaced already.
    covered: usize,
}

impl Mask {
    /// Masks each value, and each long line of a value with several lines: programs print keys and
    /// certificates line by line.
    pub(crate) fn new<'s>(values: impl IntoIterator<Item = &'s str>) -> Self {
        let mut secrets: Vec<Vec<u8>> = Vec::new();
        for value in values {
            let lines = value.lines().filter(|line| line.len() >= LINE_BYTES_MIN);
            let forms = [value, value.trim()].into_iter().chain(lines);
            secrets.extend(forms.filter(|form| !form.is_empty()).map(Into::into));
        }
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        secrets.dedup();
        let mut first = [false; 256];
        for secret in &secrets {
            first[usize::from(secret[0])] = true;
        }
        Self { secrets, first, held: Vec::new(), covered: 0 }
    }

    /// Takes the next bytes and gives those that are safe to show.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Vec<u8> {
        self.held.extend_from_slice(bytes);
        self.advance(false)
    }

    /// Gives what was held back; the stream has ended.
    pub(crate) fn finish(&mut self) -> Vec<u8> {
        self.advance(true)
    }

    /// Masks a whole text.
    pub(crate) fn text(values: &[String], text: &str) -> String {
        let mut mask = Self::new(values.iter().map(String::as_str));
        let mut out = mask.push(text.as_bytes());
        out.extend(mask.finish());
        String::from_utf8_lossy(&out).into_owned()
    }

    fn advance(&mut self, last: bool) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.held.len());
        let mut at = 0;
        while at < self.held.len() {
            let rest = &self.held[at..];
            if self.first[usize::from(rest[0])] {
                if !last && self.secrets.iter().any(|s| s.len() > rest.len() && s.starts_with(rest))
                {
                    break;
                }
                if let Some(secret) = self.secrets.iter().find(|s| rest.starts_with(s)) {
                    if self.covered == 0 {
                        out.extend_from_slice(MASK);
                    }
                    self.covered = self.covered.max(secret.len());
                }
            }
            if self.covered == 0 {
                out.push(rest[0]);
            } else {
                self.covered -= 1;
            }
            at += 1;
        }
        self.held.drain(..at);
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn masked(secrets: &[&str], pieces: &[&[u8]]) -> String {
        let mut mask = Mask::new(secrets.iter().copied());
        let mut out: Vec<u8> = pieces.iter().flat_map(|piece| mask.push(piece)).collect();
        out.extend(mask.finish());
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn secrets_are_found_at_every_cut() {
        let text = b"a hunter2hunter2 b hunter hunt";
        let expected = "a ****** b hunter hunt";
        for first in 0..=text.len() {
            for second in first..=text.len() {
                let pieces = [&text[..first], &text[first..second], &text[second..]];
                assert_eq!(masked(&["hunter2"], &pieces), expected, "{first} {second}");
            }
        }
    }

    #[test]
    fn secrets_that_overlap_or_contain_each_other_leave_no_rest() {
        for (secrets, text, expected) in [
            (&["abc", "bcd"][..], "xabcdx", "x***x"),
            (&["abc", "abcdef"], "abcdef abcde", "*** ***de"),
            (&["aa"], "aaaaa", "***"),
            (&["ab"], "aab", "a***"),
            (&["", "x"], "axb", "a***b"),
            (&[], "plain", "plain"),
        ] {
            let whole = [text.as_bytes()];
            assert_eq!(masked(secrets, &whole), expected, "{text}");
            let bytes: Vec<&[u8]> = text.as_bytes().chunks(1).collect();
            assert_eq!(masked(secrets, &bytes), expected, "{text} byte by byte");
        }
    }

    #[test]
    fn lines_of_long_secrets_are_secret_too() {
        let key = "-----BEGIN-----\nMIIEvQIBADAN\nshort\n-----END KEY-----\n";
        assert_eq!(masked(&[key], &[b"> MIIEvQIBADAN <"]), "> *** <");
        assert_eq!(masked(&[key], &[b"short"]), "short");
        assert_eq!(masked(&["token\n"], &[b"Bearer token."]), "Bearer ***.");
    }

    #[test]
    fn only_what_may_become_a_secret_is_held_back() {
        let mut mask = Mask::new(["secret"]);
        assert_eq!(mask.push(b"hello sec"), b"hello ");
        assert_eq!(mask.push(b"tor"), b"sector");
    }
}
