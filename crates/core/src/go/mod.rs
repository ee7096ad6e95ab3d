//! Numbers and durations as Go reads and writes them: Keptn is written in Go, and its files, messages
//! and events hold what Go's standard library makes of them.

mod duration;
mod float;
mod integer;

pub(crate) use duration::{DurationError, parse_duration};
pub(crate) use float::{float_text, parse_float, whole};
pub(crate) use integer::{Integer, parse_integer};

/// A text in double quotes, as Go's package `time` puts it into its errors.
pub(crate) fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            ' '..='~' | '\x7f' => out.push(c),
            _ => {
                let mut bytes = [0; 4];
                for byte in c.encode_utf8(&mut bytes).bytes() {
                    out.push_str(&format!("\\x{byte:02x}"));
                }
            }
        }
    }
    out.push('"');
    out
}
