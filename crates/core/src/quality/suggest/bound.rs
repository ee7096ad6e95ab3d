//! A number of two digits on the safe side of another one.

use super::Side;

/// What values shall not go beyond.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Bound {
    side: Side,
    number: f64,
}

impl Bound {
    /// The nearest number of two digits that the value keeps to. None where a file could not say it: there is
    /// no fixed criterion below zero.
    pub(super) fn around(value: f64, side: Side) -> Option<Self> {
        let number = rounded(value, side)?;
        (number >= 0.0).then_some(Self { side, number })
    }

    pub(super) fn holds(&self, value: f64) -> bool {
        match self.side {
            Side::AtMost => value <= self.number,
            Side::AtLeast => value >= self.number,
        }
    }

    /// `<=220`
    pub(super) fn criterion(&self) -> String {
        let operator = match self.side {
            Side::AtMost => "<=",
            Side::AtLeast => ">=",
        };
        format!("{operator}{}", self.number)
    }
}

fn rounded(value: f64, side: Side) -> Option<f64> {
    if value == 0.0 {
        // Also where zero has a sign, which no criterion can have.
        return Some(0.0);
    }
    let text = format!("{value:.1e}");
    let (digits, exponent) = text.split_once('e')?;
    let digits: i32 = digits.replace('.', "").parse().ok()?;
    let exponent: i32 = exponent.parse().ok()?;
    // By way of a text, so that it is the double that a file's text means.
    let number = |digits: i32, exponent: i32| format!("{digits}e{exponent}").parse::<f64>().ok();
    let exponent = exponent - 1;
    let nearest = number(digits, exponent)?;
    match side {
        Side::AtMost if nearest < value => number(digits + 1, exponent),
        // Below 10 are 9.9, not 9.
        Side::AtLeast if nearest > value && digits == 10 => number(99, exponent - 1),
        Side::AtLeast if nearest > value => number(digits - 1, exponent),
        Side::AtMost | Side::AtLeast => Some(nearest),
    }
    .filter(|number| number.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_has_two_digits_and_the_value_keeps_to_it() {
        for (value, at_most, at_least) in [
            (212.5, "<=220", ">=210"),
            (220.0, "<=220", ">=220"),
            (99.6, "<=100", ">=99"),
            (100.4, "<=110", ">=100"),
            (0.0123, "<=0.013", ">=0.012"),
            (0.3, "<=0.3", ">=0.3"),
            (1.0, "<=1", ">=1"),
            (1_234_567.0, "<=1300000", ">=1200000"),
            (0.0, "<=0", ">=0"),
            (-0.0, "<=0", ">=0"),
        ] {
            for (side, said) in [(Side::AtMost, at_most), (Side::AtLeast, at_least)] {
                let bound = Bound::around(value, side).unwrap();
                assert_eq!(bound.criterion(), said, "{value}");
                assert!(bound.holds(value), "{value} keeps to {said}");
                let rule = crate::quality::Rule::parse(said).unwrap();
                assert_eq!(rule.target.number(0.0).to_bits(), bound.number.to_bits(), "{said}");
            }
        }
    }

    #[test]
    fn what_a_file_cannot_say_is_not_proposed() {
        for value in [-1.0, -0.001, f64::INFINITY, f64::NAN, f64::MAX] {
            assert_eq!(Bound::around(value, Side::AtMost), None, "{value}");
        }
        assert_eq!(Bound::around(-5.0, Side::AtLeast), None);
    }
}
