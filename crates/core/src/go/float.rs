//! Floating-point numbers in Go's notation.

/// Why a text is no number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FloatError {
    /// It is not written like one.
    Syntax,
    /// It is larger than a double can hold.
    Range,
}

/// Go's `strconv.ParseFloat(text, 64)`: decimal and hexadecimal notation, single underscores between
/// digits, `inf`, `infinity` and `nan` in any case. What is too small is 0.
pub(crate) fn parse_float(text: &str) -> Result<f64, FloatError> {
    if text.eq_ignore_ascii_case("nan") {
        return Ok(f64::NAN);
    }
    let (negative, unsigned) = match text.strip_prefix(['+', '-']) {
        Some(rest) => (text.starts_with('-'), rest),
        None => (false, text),
    };
    let magnitude = if ["inf", "infinity"].iter().any(|word| unsigned.eq_ignore_ascii_case(word)) {
        f64::INFINITY
    } else if let Some(digits) = unsigned.strip_prefix("0x").or(unsigned.strip_prefix("0X")) {
        hexadecimal(digits)?
    } else {
        decimal(unsigned)?
    };
    Ok(if negative { -magnitude } else { magnitude })
}

fn decimal(text: &str) -> Result<f64, FloatError> {
    let bytes = text.as_bytes();
    if !underscores_stand_between(bytes, u8::is_ascii_digit, false) {
        return Err(FloatError::Syntax);
    }
    let plain = text.replace('_', "");
    let (mantissa, exponent) = match plain.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (plain.as_str(), None),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    let written = digits(whole) && digits(fraction) && !(whole.is_empty() && fraction.is_empty());
    if !written || exponent.is_some_and(|text| !is_exponent(text)) {
        return Err(FloatError::Syntax);
    }
    match plain.parse::<f64>() {
        Ok(number) if number.is_finite() => Ok(number),
        Ok(_) => Err(FloatError::Range),
        Err(_) => Err(FloatError::Syntax),
    }
}

fn is_exponent(text: &str) -> bool {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())
}

/// Each underscore has a digit on both sides; `prefixed`: the base before the text counts as one.
fn underscores_stand_between(bytes: &[u8], digit: fn(&u8) -> bool, prefixed: bool) -> bool {
    bytes.iter().enumerate().filter(|(_, byte)| **byte == b'_').all(|(at, _)| {
        let before = if at == 0 { prefixed } else { digit(&bytes[at - 1]) };
        before && bytes.get(at + 1).is_some_and(digit)
    })
}

/// What follows `0x`: `1.8p3`. The exponent, of 2, must be there.
fn hexadecimal(text: &str) -> Result<f64, FloatError> {
    /// As many digits as 64 bits hold.
    const DIGITS_MAX: u32 = 16;
    if !underscores_stand_between(text.as_bytes(), u8::is_ascii_hexdigit, true) {
        return Err(FloatError::Syntax);
    }
    let plain = text.replace('_', "");
    let (mantissa, power) = plain.split_once(['p', 'P']).ok_or(FloatError::Syntax)?;
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if whole.is_empty() && fraction.is_empty() || !is_exponent(power) {
        return Err(FloatError::Syntax);
    }
    let fraction_digits = i64::try_from(fraction.len()).unwrap_or(i64::MAX);
    let (mut bits, mut kept, mut dropped, mut rest) = (0_u64, 0, 0_i64, false);
    for c in whole.chars().chain(fraction.chars()) {
        let digit = u64::from(c.to_digit(16).ok_or(FloatError::Syntax)?);
        if kept < DIGITS_MAX {
            bits = bits << 4 | digit;
            kept += u32::from(bits != 0);
        } else {
            dropped += 1;
            rest |= digit != 0;
        }
    }
    // An exponent that does not fit is far beyond every double.
    let far = if power.starts_with('-') { -EXPONENT_FAR } else { EXPONENT_FAR };
    let power: i64 = power.parse().unwrap_or(far).clamp(-EXPONENT_FAR, EXPONENT_FAR);
    let exponent = dropped.saturating_sub(fraction_digits).saturating_mul(4).saturating_add(power);
    assemble(bits, rest, exponent)
}

/// Beyond every exponent that can matter, also beside a file full of zeros.
const EXPONENT_FAR: i64 = 1 << 40;

/// The double nearest to `bits × 2^exponent`, ties to even; `rest`: and a little more than that.
fn assemble(bits: u64, rest: bool, exponent: i64) -> Result<f64, FloatError> {
    const MANTISSA_BITS: i64 = 53;
    const EXPONENT_MIN: i64 = -1022;
    const EXPONENT_MAX: i64 = 1023;
    if bits == 0 {
        return Ok(0.0);
    }
    let shift = bits.leading_zeros();
    // The value is `top / 2^63 × 2^scale`, and `top` has its highest bit set.
    let (top, scale) = (u128::from(bits << shift), exponent + 63 - i64::from(shift));
    if scale > EXPONENT_MAX {
        return Err(FloatError::Range);
    }
    // A subnormal number has as many bits fewer as it is below the smallest normal one.
    let keep = MANTISSA_BITS - (EXPONENT_MIN - scale).max(0);
    if keep < 0 {
        return Ok(0.0);
    }
    let drop = 64 - keep;
    let (half, mut mantissa) = (1_u128 << (drop - 1), top >> drop);
    let below = top & ((half << 1) - 1);
    if below > half || below == half && (rest || mantissa & 1 == 1) {
        mantissa += 1;
    }
    let mantissa = u64::try_from(mantissa).map_err(|_| FloatError::Range)?;
    // Adding, not joining: a mantissa that was rounded up to the next power raises the exponent.
    let biased = u64::try_from((scale - EXPONENT_MIN).max(0)).map_err(|_| FloatError::Range)?;
    let float = f64::from_bits((biased << (MANTISSA_BITS - 1)) + mantissa);
    if float.is_finite() { Ok(float) } else { Err(FloatError::Range) }
}

/// A double that is a whole number, as the integer that Go writes it as in JSON: without a point. None where
/// it is not whole, or so large that not every integer is a double.
pub(crate) fn whole(float: f64) -> Option<i64> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    #[allow(clippy::cast_possible_truncation, reason = "it is whole and in range")]
    (float.fract() == 0.0 && float.abs() < EXACT).then_some(float as i64)
}

/// Go's `%v`: the shortest digits that read back as the same number, with an exponent from a million on
/// and below a ten-thousandth.
pub(crate) fn float_text(float: f64) -> String {
    if float.is_nan() {
        return "NaN".to_owned();
    }
    if float.is_infinite() {
        return if float > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    let shortest = format!("{float:e}");
    let Some((digits, exponent)) = shortest.split_once('e') else { return shortest };
    match exponent.parse::<i32>() {
        Ok(power) if !(-4..6).contains(&power) => {
            let sign = if power < 0 { '-' } else { '+' };
            format!("{digits}e{sign}{:02}", power.unsigned_abs())
        }
        _ => float.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_go_reads_them() {
        for (text, number) in [
            ("5.", 5.0),
            (".5", 0.5),
            ("+5", 5.0),
            ("5e2", 500.0),
            ("5E-2", 0.05),
            ("1_000", 1000.0),
            ("1_0.5_5", 10.55),
            ("1e1_0", 1e10),
            ("0_7", 7.0),
            ("1e-400", 0.0),
            ("1e-99999999999999999999", 0.0),
            ("0e99999999999", 0.0),
            ("0x1p4", 16.0),
            ("0X_1P4", 16.0),
            ("0x1_0p1_0", 16384.0),
            ("-0x.8p1", -1.0),
            ("0x1.p1", 2.0),
            ("0x1.8p+3", 12.0),
            ("0x1.ffffffffffffffffp0", 2.0),
            ("0x1.fffffffffffff8p0", 2.0),
            ("0x1.fffffffffffff7p0", 1.999_999_999_999_999_8),
            ("0x1p-1074", 5e-324),
            ("0x1.8p-1074", 1e-323),
            ("0x1p-1075", 0.0),
            ("0x1.0000000000000000001p-1075", 5e-324),
            ("0x1p-2000", 0.0),
            ("0x0.0000000000000000000000000000001p124", 1.0),
            ("0x0p99999999999999999999", 0.0),
            ("0x1p-99999999999999999999", 0.0),
            ("inf", f64::INFINITY),
            ("-Infinity", f64::NEG_INFINITY),
        ] {
            assert_eq!(parse_float(text).map(f64::to_bits), Ok(number.to_bits()), "{text}");
        }
        assert!(parse_float("NaN").unwrap().is_nan());
    }

    #[test]
    fn what_is_no_number_in_go_is_none_here() {
        for text in [
            "",
            ".",
            "+",
            "5e",
            "5e+",
            "+-5",
            "--5",
            "1__0",
            "1_",
            "_1",
            "5._5",
            "5_.5",
            "1_e5",
            "1e_5",
            "0x10",
            "0x1e5",
            "0xp1",
            "0x1p",
            "0x.p1",
            "0x1_p4",
            "0x1__0p1",
            "00x1p4",
            "0_x1p1",
            "0b1",
            "0o7",
            "0b_1",
            "1p4",
            "infi",
            "infin",
            "+nan",
            "-nan",
            "5ms",
            "1,5",
            "５",
            " 5",
            "5\t",
            "1.2.3",
            "1e5.0",
            "0x1.2.3p0",
        ] {
            assert_eq!(parse_float(text), Err(FloatError::Syntax), "{text}");
        }
        for text in
            ["1e400", "1.7976931348623159e308", "0x1p1024", "0x1.fffffffffffff8p1023", "0x1p5000"]
        {
            assert_eq!(parse_float(text), Err(FloatError::Range), "{text}");
        }
    }

    #[test]
    fn a_whole_number_has_no_point() {
        assert_eq!([whole(100.0), whole(-3.0), whole(-0.0)], [Some(100), Some(-3), Some(0)]);
        for float in [0.5, 1e16, -1e300, f64::INFINITY, f64::NAN] {
            assert_eq!(whole(float), None, "{float}");
        }
    }

    #[test]
    fn numbers_are_written_as_go_writes_them() {
        for (number, text) in [
            (0.0, "0"),
            (-0.0, "-0"),
            (100.0, "100"),
            (100.0 * (2.0 / 3.0), "66.66666666666666"),
            (999_999.0, "999999"),
            (1e6, "1e+06"),
            (1_234_567.0, "1.234567e+06"),
            (1e21, "1e+21"),
            (1e300, "1e+300"),
            (0.0001, "0.0001"),
            (-0.000_01, "-1e-05"),
            (f64::INFINITY, "+Inf"),
            (f64::NEG_INFINITY, "-Inf"),
            (f64::NAN, "NaN"),
        ] {
            assert_eq!(float_text(number), text);
        }
    }
}
