//! The output of jobs: the end of it, as a page can bear it, and the line that says what went wrong.

use super::text::{Text, tail};
use crate::logs::JobLog;

/// Most bytes of a job's output on a page; the rest is one link away.
pub(crate) const WINDOW_BYTES: usize = 256 * 1024;
/// Most lines of it.
const LINES_MAX: usize = 2000;
/// Longest line of it, in bytes: browsers take seconds to break one of several megabytes.
const LINE_BYTES_MAX: usize = 4096;
/// Longest line that a list repeats, in characters.
const FAULT_CHARS_MAX: usize = 200;

/// The end of a job's output.
pub(crate) struct Output {
    /// The text in pieces, in order.
    pub(crate) pieces: Vec<Piece>,
    /// Whether something of it is not shown.
    pub(crate) is_cut: bool,
    /// Whether more may come.
    pub(crate) running: bool,
    /// All that is kept.
    pub(crate) href: String,
}

/// Text of one weight. Terminals colour what matters; a page only tells it by its weight, because
/// colours stand for states here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Piece {
    pub(crate) text: Text,
    pub(crate) is_strong: bool,
}

impl Output {
    /// The window on a log.
    pub(crate) fn new(log: &JobLog, href: String) -> Self {
        let start = log.text.ceil_char_boundary(log.text.len().saturating_sub(WINDOW_BYTES));
        let (text, over) = tail(&log.text[start..], LINES_MAX);
        let (text, cut) = short_lines(text);
        Self {
            pieces: pieces(&text),
            is_cut: over || cut || start > 0 || log.dropped_bytes > 0,
            running: log.running,
            href,
        }
    }
}

/// Cuts lines that are too long; answers whether there was one.
fn short_lines(text: &str) -> (String, bool) {
    let (mut shown, mut cut) = (String::with_capacity(text.len()), false);
    for line in text.split_inclusive('\n') {
        if line.len() <= LINE_BYTES_MAX {
            shown.push_str(line);
            continue;
        }
        cut = true;
        shown.push_str(&line[..line.floor_char_boundary(LINE_BYTES_MAX)]);
        shown.push_str(&format!("… (cut: a line of {} bytes)\n", line.len()));
    }
    (shown, cut)
}

/// Splits text where a terminal would change its weight or colour. Bold and red are strong.
fn pieces(text: &str) -> Vec<Piece> {
    let (mut found, mut is_strong) = (Vec::<Piece>::new(), false);
    let mut add = |text: &str, is_strong: bool| {
        let text = Text::output(text);
        if !text.is_empty() {
            found.push(Piece { text, is_strong });
        }
    };
    let mut rest = text;
    // What is not a change of style goes with the text: `Text::output` drops it.
    let mut pending = String::new();
    while let Some((before, after)) = rest.split_once("\u{1b}[") {
        pending.push_str(before);
        let end = after.find(|c: char| !matches!(c, '0'..='9' | ';')).unwrap_or(after.len());
        if after[end..].starts_with('m') {
            add(&pending, is_strong);
            pending.clear();
            is_strong = weight(&after[..end], is_strong);
            rest = &after[end + 1..];
        } else {
            pending.push_str("\u{1b}[");
            rest = after;
        }
    }
    pending.push_str(rest);
    add(&pending, is_strong);
    found
}

/// ECMA-48: 1 is bold, 31 and 91 are red, 0, 22 and 39 take it back.
fn weight(codes: &str, before: bool) -> bool {
    codes.split(';').fold(before, |strong, code| match code {
        "1" | "31" | "91" => true,
        "" | "0" | "22" | "39" => false,
        _ => strong,
    })
}

/// What tells a line that reports a fault, in lower case.
const FAULTS: [&str; 14] = [
    "error",
    "fatal",
    "panic",
    "exception",
    "traceback",
    "failed",
    "failure",
    "cannot",
    "can't",
    "denied",
    "refused",
    "not found",
    "timed out",
    "no such",
];
/// What takes it back: a summary in which nothing went wrong.
const NO_FAULTS: [&str; 6] =
    ["0 error", "0 fail", "no error", "errors: 0", "failed: 0", "failed=0"];

/// The first line that reports a fault, or else the last line that says anything. Empty where there
/// is none.
pub(crate) fn fault(output: &str) -> Text {
    let lines = || output.lines().filter(|line| !line.trim().is_empty());
    let reports = |line: &&str| {
        // Nothing that matters comes after so much of a line.
        let line = line[..line.floor_char_boundary(LINE_BYTES_MAX)].to_ascii_lowercase();
        FAULTS.iter().any(|word| line.contains(word))
            && !NO_FAULTS.iter().any(|word| line.contains(word))
    };
    let line = lines().find(reports).or_else(|| lines().next_back()).unwrap_or_default();
    let line = &line[..line.floor_char_boundary(LINE_BYTES_MAX)];
    let plain = Text::output(line);
    let mut chars = plain.as_str().trim().chars();
    let short: String = chars.by_ref().take(FAULT_CHARS_MAX).collect();
    Text::line(if chars.next().is_some() { format!("{short}…") } else { short })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(text: &str) -> Output {
        let log = JobLog { text: text.to_owned(), dropped_bytes: 0, running: false };
        Output::new(&log, String::new())
    }

    fn shown(output: &Output) -> String {
        output.pieces.iter().map(|piece| piece.text.as_str()).collect()
    }

    #[test]
    fn a_log_of_two_hundred_thousand_lines_shows_its_last_two_thousand() {
        let text: String = (1..=200_000).map(|n| format!("line {n}\n")).collect();
        let output = window(&text);
        let shown = shown(&output);
        assert_eq!(shown.lines().count(), 2000);
        assert!(shown.starts_with("line 198001\n") && shown.ends_with("line 200000\n"));
        assert!(output.is_cut);
    }

    #[test]
    fn a_line_of_five_megabytes_is_cut_with_its_length() {
        let output = window(&format!("before\n{}", "ü".repeat(2_500_000)));
        let shown = shown(&output);
        assert!(shown.len() < 2 * LINE_BYTES_MAX && output.is_cut, "{}", shown.len());
        assert!(shown.ends_with(&format!("… (cut: a line of {WINDOW_BYTES} bytes)\n")), "{shown}");
    }

    #[test]
    fn colours_of_a_terminal_become_weight() {
        let output =
            window("a\u{1b}[1mb\u{1b}[0mc\u{1b}[31;4md\u{1b}[39me\u{1b}[32mf\u{1b}[2Kg\u{1b}[");
        let told: Vec<_> =
            output.pieces.iter().map(|piece| (piece.text.as_str(), piece.is_strong)).collect();
        let expected =
            [("a", false), ("b", true), ("c", false), ("d", true), ("e", false), ("fg", false)];
        assert_eq!(told, expected);
    }

    #[test]
    fn the_first_line_that_reports_a_fault_is_the_one_to_repeat() {
        let log =
            "starting\n0 errors so far\n\u{1b}[31merror: port 34870 is in use\u{1b}[0m\nfailed\n";
        assert_eq!(fault(log).as_str(), "error: port 34870 is in use");
        assert_eq!(fault("one\n\ntwo\n \n").as_str(), "two");
        assert_eq!(fault("").as_str(), "");
        let long = fault(&format!("error {}", "x".repeat(9000)));
        assert_eq!(long.as_str().chars().count(), FAULT_CHARS_MAX + 1);
    }
}
