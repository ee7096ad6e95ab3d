//! Where a command writes.

use std::io::Write;

use serde::Serialize;

use crate::failure::{Code, Failure};
use crate::format::Format;
use crate::look::Look;
use crate::tone::{Span, Tone, line};
use crate::{table, text};

/// Standard output for data, standard error for everything else; buffers in tests.
pub(crate) struct Screen<'a> {
    out: &'a mut dyn Write,
    err: &'a mut dyn Write,
    look: Look,
}

impl<'a> Screen<'a> {
    pub(crate) fn new(out: &'a mut dyn Write, err: &'a mut dyn Write, look: Look) -> Self {
        Self { out, err, look }
    }

    /// How output may look.
    pub(crate) fn look(&self) -> Look {
        self.look
    }

    /// A line of data.
    pub(crate) fn data(&mut self, line: &str) -> Result<(), Failure> {
        writeln!(self.out, "{}", text::plain(line))?;
        Ok(self.out.flush()?)
    }

    /// A line of data in pieces.
    pub(crate) fn spans(&mut self, spans: &[Span]) -> Result<(), Failure> {
        writeln!(self.out, "{}", line(spans, self.look.colour, self.look.width()))?;
        Ok(self.out.flush()?)
    }

    /// A table of data.
    pub(crate) fn table<const N: usize>(
        &mut self,
        header: [&str; N],
        rows: &[[Span; N]],
    ) -> Result<(), Failure> {
        for line in table::lines(header, rows, self.look.colour, self.look.width()) {
            writeln!(self.out, "{line}")?;
        }
        Ok(self.out.flush()?)
    }

    /// Names and values, one pair a line.
    pub(crate) fn facts(&mut self, facts: &[(&str, String)]) -> Result<(), Failure> {
        for fact in facts {
            let line = pair(fact);
            writeln!(self.out, "{}", crate::tone::line(&line, self.look.colour, None))?;
        }
        Ok(self.out.flush()?)
    }

    /// The same, for the person.
    pub(crate) fn note_facts(&mut self, facts: &[(&str, String)]) -> Result<(), Failure> {
        facts
            .iter()
            .try_for_each(|fact| Ok(writeln!(self.err, "{}", line(&pair(fact), false, None))?))
    }

    /// Text of several lines that we made ourselves, such as a script.
    pub(crate) fn text(&mut self, text: &str) -> Result<(), Failure> {
        self.out.write_all(text.as_bytes())?;
        Ok(self.out.flush()?)
    }

    /// Lines in the place of so many that were written before.
    pub(crate) fn redraw(&mut self, before: usize, lines: &[Vec<Span>]) -> Result<(), Failure> {
        if before > 0 {
            // Up to the first of them, then clear to the end of the screen.
            write!(self.out, "\u{1b}[{before}A\u{1b}[J")?;
        }
        for spans in lines {
            writeln!(self.out, "{}", line(spans, self.look.colour, self.look.width()))?;
        }
        Ok(self.out.flush()?)
    }

    /// A value as JSON or YAML. Both escape control characters themselves.
    pub(crate) fn value(&mut self, format: Format, value: &impl Serialize) -> Result<(), Failure> {
        let text = format.render(value)?;
        writeln!(self.out, "{}", text.trim_end())?;
        Ok(self.out.flush()?)
    }

    /// One of a stream of values: a line of JSON, or a document of YAML.
    pub(crate) fn record(&mut self, format: Format, value: &impl Serialize) -> Result<(), Failure> {
        let text = format.render_record(value)?;
        writeln!(self.out, "{}", text.trim_end())?;
        Ok(self.out.flush()?)
    }

    /// A line for the person.
    pub(crate) fn note(&mut self, line: &str) -> Result<(), Failure> {
        Ok(writeln!(self.err, "{}", text::plain(line))?)
    }

    /// A question for the person, without an end of line.
    pub(crate) fn ask(&mut self, question: &str) -> Result<(), Failure> {
        write!(self.err, "{} ", text::plain(question))?;
        Ok(self.err.flush()?)
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

/// Widest name of a fact.
const NAME_WIDTH: usize = 9;

fn pair((name, value): &(&str, String)) -> [Span; 2] {
    let name = format!("  {name:<NAME_WIDTH$}");
    [Span::new(name, Tone::Muted), Span::new(value, Tone::Plain)]
}
