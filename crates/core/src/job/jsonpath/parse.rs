//! From text to steps.

use serde_json::Value;

use super::filter::{Condition, Operand, Operator};
use super::{JsonPath, JsonPathError, PATH_BYTES_MAX, Step};

/// How deep filters and brackets may nest.
const NESTING_MAX: usize = 8;

pub(super) fn path(text: &str) -> Result<JsonPath, JsonPathError> {
    let mut parser = Parser { text, at: 0, nesting: 0 };
    if text.len() > PATH_BYTES_MAX {
        return Err(parser.error(format!("longer than {PATH_BYTES_MAX} bytes")));
    }
    parser.blanks();
    parser.expect("$")?;
    let steps = parser.steps()?;
    parser.blanks();
    if parser.rest().is_empty() {
        Ok(JsonPath { steps })
    } else {
        Err(parser.error(format!("unexpected {:?}", parser.rest().chars().next())))
    }
}

struct Parser<'t> {
    text: &'t str,
    at: usize,
    nesting: usize,
}

impl<'t> Parser<'t> {
    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    fn error(&self, problem: impl Into<String>) -> JsonPathError {
        JsonPathError::Malformed { column: self.at + 1, problem: problem.into() }
    }

    fn blanks(&mut self) {
        self.take_while(|c| c.is_ascii_whitespace());
    }

    fn take_while(&mut self, wanted: impl Fn(char) -> bool) -> &'t str {
        let rest = self.rest();
        let end = rest.find(|c| !wanted(c)).unwrap_or(rest.len());
        self.at += end;
        &rest[..end]
    }

    fn take(&mut self, token: &str) -> bool {
        let found = self.rest().starts_with(token);
        if found {
            self.at += token.len();
        }
        found
    }

    /// A token inside brackets, where blanks mean nothing.
    fn take_spaced(&mut self, token: &str) -> bool {
        self.blanks();
        self.take(token)
    }

    fn expect(&mut self, token: &str) -> Result<(), JsonPathError> {
        if self.take_spaced(token) { Ok(()) } else { Err(self.error(format!("expected {token}"))) }
    }

    fn nested<T>(
        &mut self,
        inner: impl FnOnce(&mut Self) -> Result<T, JsonPathError>,
    ) -> Result<T, JsonPathError> {
        if self.nesting == NESTING_MAX {
            return Err(self.error(format!("nested deeper than {NESTING_MAX}")));
        }
        self.nesting += 1;
        let result = inner(self);
        self.nesting -= 1;
        result
    }

    fn steps(&mut self) -> Result<Vec<Step>, JsonPathError> {
        let mut steps = Vec::new();
        loop {
            if self.take("..") {
                steps.push(Step::Descend);
                if !self.rest().starts_with('[') {
                    steps.push(self.dotted()?);
                }
            } else if self.take(".") {
                steps.push(self.dotted()?);
            } else if self.take("[") {
                steps.push(self.nested(Self::bracket)?);
            } else {
                return Ok(steps);
            }
        }
    }

    /// What follows a dot. Hyphens are taken as part of a key: task names often have them.
    fn dotted(&mut self) -> Result<Step, JsonPathError> {
        if self.take("*") {
            return Ok(Step::All);
        }
        let key = self.take_while(|c| c.is_alphanumeric() || matches!(c, '_' | '-'));
        if key.is_empty() {
            return Err(self.error("expected a key"));
        }
        Ok(Step::Key(key.to_owned()))
    }

    /// What follows `[`, with its `]`.
    fn bracket(&mut self) -> Result<Step, JsonPathError> {
        let step = if self.take_spaced("*") {
            Step::All
        } else if self.take_spaced("?") {
            self.expect("(")?;
            let condition = self.either()?;
            self.expect(")")?;
            Step::Filter(condition)
        } else if self.quoted_follows() {
            self.keys()?
        } else {
            self.places()?
        };
        self.expect("]")?;
        Ok(step)
    }

    fn quoted_follows(&mut self) -> bool {
        self.blanks();
        self.rest().starts_with(['\'', '"'])
    }

    fn keys(&mut self) -> Result<Step, JsonPathError> {
        let first = self.quoted()?;
        if !self.take_spaced(",") {
            return Ok(Step::Key(first));
        }
        let mut keys = vec![first];
        loop {
            self.blanks();
            keys.push(self.quoted()?);
            if !self.take_spaced(",") {
                return Ok(Step::Keys(keys));
            }
        }
    }

    /// Numbers: one, several, or a slice.
    fn places(&mut self) -> Result<Step, JsonPathError> {
        let start = self.integer()?;
        if self.take_spaced(":") {
            let end = self.integer()?;
            let step = if self.take_spaced(":") { self.integer()? } else { None };
            return match step.unwrap_or(1) {
                0 => Err(self.error("a slice cannot advance by 0")),
                step => Ok(Step::Slice { start, end, step }),
            };
        }
        let missing = "expected a number, a quoted key, * or ?(";
        let first = start.ok_or_else(|| self.error(missing))?;
        if !self.take_spaced(",") {
            return Ok(Step::Key(first.to_string()));
        }
        let mut keys = vec![first.to_string()];
        loop {
            let next = self.integer()?.ok_or_else(|| self.error(missing))?;
            keys.push(next.to_string());
            if !self.take_spaced(",") {
                return Ok(Step::Keys(keys));
            }
        }
    }

    fn integer(&mut self) -> Result<Option<i64>, JsonPathError> {
        self.blanks();
        let start = self.at;
        self.take("-");
        self.take_while(|c| c.is_ascii_digit());
        match &self.text[start..self.at] {
            "" => Ok(None),
            digits => digits.parse().map(Some).map_err(|_| self.error("not a whole number")),
        }
    }

    fn quoted(&mut self) -> Result<String, JsonPathError> {
        let mut chars = self.rest().char_indices();
        let Some((_, quote @ ('\'' | '"'))) = chars.next() else {
            return Err(self.error("expected a quoted text"));
        };
        let mut text = String::new();
        while let Some((offset, c)) = chars.next() {
            match c {
                '\\' => match chars.next() {
                    Some((_, 'n')) => text.push('\n'),
                    Some((_, 't')) => text.push('\t'),
                    Some((_, other)) => text.push(other),
                    None => break,
                },
                c if c == quote => {
                    self.at += offset + c.len_utf8();
                    return Ok(text);
                }
                c => text.push(c),
            }
        }
        Err(self.error("the quoted text has no end"))
    }

    fn either(&mut self) -> Result<Condition, JsonPathError> {
        let mut alternatives = vec![self.both()?];
        while self.take_spaced("||") {
            alternatives.push(self.both()?);
        }
        Ok(Condition::Any(alternatives))
    }

    fn both(&mut self) -> Result<Condition, JsonPathError> {
        let mut parts = vec![self.one()?];
        while self.take_spaced("&&") {
            parts.push(self.one()?);
        }
        Ok(Condition::All(parts))
    }

    fn one(&mut self) -> Result<Condition, JsonPathError> {
        if self.take_spaced("!") {
            return Ok(Condition::Not(Box::new(self.nested(Self::one)?)));
        }
        if self.take_spaced("(") {
            let inner = self.nested(Self::either)?;
            self.expect(")")?;
            return Ok(inner);
        }
        let left = self.operand()?;
        for (token, operator) in Operator::TOKENS {
            if self.take_spaced(token) {
                return Ok(Condition::Compare(left, operator, self.operand()?));
            }
        }
        Ok(Condition::Holds(left))
    }

    fn operand(&mut self) -> Result<Operand, JsonPathError> {
        if self.take_spaced("@") {
            return Ok(Operand::Item(self.nested(Self::steps)?));
        }
        if self.take_spaced("$") {
            return Ok(Operand::Root(self.nested(Self::steps)?));
        }
        if self.quoted_follows() {
            return Ok(Operand::Constant(Value::from(self.quoted()?)));
        }
        let word = self.take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '+'));
        match serde_json::from_str(word) {
            Ok(value @ (Value::Bool(_) | Value::Null | Value::Number(_))) => {
                Ok(Operand::Constant(value))
            }
            _ => Err(self.error("expected @, $, a quoted text, a number, true, false or null")),
        }
    }
}
