//! Integers in Go's notation, where the prefix tells the base.

/// A whole number that fits 64 bits, with a sign or without.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Integer {
    /// One that fits an `int64`.
    Signed(i64),
    /// One that only fits a `uint64`.
    Unsigned(u64),
}

/// Reads `12`, `-0x1f`, `0b101`, `0o17` or, as in C, `017`. None for anything else, also out of range.
/// Underscores are for the caller to take away.
pub(crate) fn parse_integer(text: &str) -> Option<Integer> {
    let (negative, rest) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let (base, digits) = base_of(rest)?;
    // The standard library would take a second sign.
    if digits.starts_with(['+', '-']) {
        return None;
    }
    let magnitude = u64::from_str_radix(digits, base).ok()?;
    if negative {
        return 0_i64.checked_sub_unsigned(magnitude).map(Integer::Signed);
    }
    match i64::try_from(magnitude) {
        Ok(number) => Some(Integer::Signed(number)),
        // Go's ParseUint, which is asked next, takes no sign.
        Err(_) if text.starts_with('+') => None,
        Err(_) => Some(Integer::Unsigned(magnitude)),
    }
}

fn base_of(text: &str) -> Option<(u32, &str)> {
    let Some(after) = text.strip_prefix('0') else { return Some((10, text)) };
    let base = match after.as_bytes().first() {
        None => return Some((10, text)),
        Some(b'x' | b'X') => 16,
        Some(b'o' | b'O') => 8,
        Some(b'b' | b'B') => 2,
        Some(_) => return Some((8, after)),
    };
    Some((base, &after[1..]))
}

#[cfg(test)]
mod tests {
    use super::Integer::{Signed, Unsigned};
    use super::*;

    #[test]
    fn the_prefix_tells_the_base() {
        for (text, number) in [
            ("0", 0),
            ("-0", 0),
            ("12", 12),
            ("+12", 12),
            ("-12", -12),
            ("0x1F", 31),
            ("-0X1f", -31),
            ("0b101", 5),
            ("0o17", 15),
            ("017", 15),
            ("-9223372036854775808", i64::MIN),
        ] {
            assert_eq!(parse_integer(text), Some(Signed(number)), "{text}");
        }
        assert_eq!(parse_integer("9223372036854775808"), Some(Unsigned(1 << 63)));
    }

    #[test]
    fn what_is_no_integer_in_go_is_none_here() {
        for text in [
            "",
            "+",
            "-",
            "08",
            "0x",
            "0b2",
            "0b",
            "1.0",
            "1e3",
            "--1",
            "0x-1",
            "1_0",
            "+9223372036854775808",
            "-9223372036854775809",
            "18446744073709551616",
            "five",
        ] {
            assert_eq!(parse_integer(text), None, "{text}");
        }
    }
}
