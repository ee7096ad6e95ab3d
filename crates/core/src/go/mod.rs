//! Numbers and durations as Go reads and writes them: Keptn is written in Go, and its files, messages
//! and events hold what Go's standard library makes of them.

mod duration;
mod float;
mod integer;

pub(crate) use duration::{DurationError, parse_duration};
pub(crate) use float::{float_text, parse_float, whole};
pub(crate) use integer::{Integer, parse_integer};

/// Most bytes of a text that are quoted: no time and no duration is as long.
const QUOTED_BYTES_MAX: usize = 200;

/// A text in double quotes, as Go's package `time` puts it into its errors. Otherwise than there, what is
/// long is cut, and a terminal has nothing to obey.
pub(crate) fn quoted(text: &str) -> String {
    let shown = &text[..text.floor_char_boundary(QUOTED_BYTES_MAX)];
    let mut out = String::from("\"");
    for c in shown.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            ' '..='~' => out.push(c),
            _ => {
                let mut bytes = [0; 4];
                for byte in c.encode_utf8(&mut bytes).bytes() {
                    out.push_str(&format!("\\x{byte:02x}"));
                }
            }
        }
    }
    if shown.len() < text.len() {
        out.push('…');
    }
    out.push('"');
    out
}
