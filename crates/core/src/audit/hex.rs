//! Bytes as lower-case hexadecimal digits.

use std::fmt::Write as _;

/// The text is not so many hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected {digits} lower-case hexadecimal digits")]
pub struct HexError {
    digits: usize,
}

pub(super) fn encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        write!(text, "{byte:02x}").expect("a string takes all that is written to it");
    }
    text
}

/// Strict, so that the same bytes have one form only.
pub(super) fn decode<const N: usize>(text: &str) -> Result<[u8; N], HexError> {
    let wrong = HexError { digits: N * 2 };
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let text = text.as_bytes();
    if text.len() != N * 2 {
        return Err(wrong);
    }
    let mut bytes = [0; N];
    for (slot, pair) in bytes.iter_mut().zip(text.chunks_exact(2)) {
        match (digit(pair[0]), digit(pair[1])) {
            (Some(high), Some(low)) => *slot = high << 4 | low,
            _ => return Err(wrong),
        }
    }
    Ok(bytes)
}
