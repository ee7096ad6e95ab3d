//! Where a command writes.

use std::io::Write;

use serde::Serialize;

use crate::failure::{Code, Failure};
use crate::format::Format;
use crate::text;

/// Standard output for data, standard error for everything else; buffers in tests.
pub(crate) struct Screen<'a> {
    out: &'a mut dyn Write,
    err: &'a mut dyn Write,
}

impl<'a> Screen<'a> {
    pub(crate) fn new(out: &'a mut dyn Write, err: &'a mut dyn Write) -> Self {
        Self { out, err }
    }

    /// A line of data.
    pub(crate) fn data(&mut self, line: &str) -> Result<(), Failure> {
        writeln!(self.out, "{}", text::plain(line))?;
        Ok(self.out.flush()?)
    }

    /// A value as JSON or YAML. Both escape control characters themselves.
    pub(crate) fn value(&mut self, format: Format, value: &impl Serialize) -> Result<(), Failure> {
        let text = format.render(value)?;
        writeln!(self.out, "{}", text.trim_end())?;
        Ok(self.out.flush()?)
    }

    /// A line for the person.
    pub(crate) fn note(&mut self, line: &str) -> Result<(), Failure> {
        Ok(writeln!(self.err, "{}", text::plain(line))?)
    }

    /// Says why a command failed. There is nobody left to tell where that fails as well.
    pub(crate) fn report(&mut self, failure: &Failure) -> Code {
        let code = failure.code();
        if code != Code::Ok {
            let message = text::plain(&failure.to_string());
            drop(writeln!(self.err, "tidegate: {message}"));
            if let Some(hint) = failure.hint() {
                drop(writeln!(self.err, "          {hint}"));
            }
        }
        code
    }
}
