//! CSV with a line of headings.

use csv::{ErrorKind, ReaderBuilder, StringRecord};

use super::problem::{Problem, choice, line_at, number};
use crate::excerpt::excerpt;

/// Most columns: headings are looked up again and again.
const COLUMNS_MAX: usize = 1_000;

/// A table that is read line by line.
pub(super) struct Table<'b> {
    bytes: &'b [u8],
    reader: csv::Reader<&'b [u8]>,
    headings: StringRecord,
}

/// One line below the headings.
pub(super) struct Row<'b> {
    bytes: &'b [u8],
    cells: StringRecord,
}

/// A column by its place.
#[derive(Debug, Clone, Copy)]
pub(super) struct Column(usize);

impl<'b> Table<'b> {
    pub(super) fn open(bytes: &'b [u8]) -> Result<Self, Problem> {
        let mut reader = ReaderBuilder::new().from_reader(bytes);
        let headings = reader.headers().map_err(|error| problem(bytes, &error))?.clone();
        if headings.len() > COLUMNS_MAX {
            return Err(Problem::at(1, format!("there are more than {COLUMNS_MAX} columns")));
        }
        Ok(Self { bytes, reader, headings })
    }

    /// The headings, in file order.
    pub(super) fn headings(&self) -> impl Iterator<Item = &str> {
        self.headings.iter()
    }

    /// The column of a heading; none where no heading is called so.
    pub(super) fn find(&self, heading: &str) -> Result<Option<Column>, Problem> {
        let mut places = self.headings.iter().enumerate().filter(|(_, found)| *found == heading);
        match (places.next(), places.next()) {
            (None, _) => Ok(None),
            (Some((place, _)), None) => Ok(Some(Column(place))),
            (Some(_), Some(_)) => {
                Err(Problem::at(1, format!("more than one column is called {heading:?}")))
            }
        }
    }

    /// The column of a heading that must be there; `mend` says what to do where it is not.
    pub(super) fn column(&self, heading: &str, mend: &str) -> Result<Column, Problem> {
        self.find(heading)?.ok_or_else(|| {
            let shown = excerpt(heading, 100);
            let there = choice(self.headings());
            Problem::at(1, format!("there is no column {shown:?}{mend}; the columns are: {there}"))
        })
    }

    /// The first column.
    pub(super) fn first(&self) -> Column {
        Column(0)
    }

    /// The next line; none at the end.
    pub(super) fn next(&mut self) -> Result<Option<Row<'b>>, Problem> {
        let mut cells = StringRecord::new();
        match self.reader.read_record(&mut cells) {
            Ok(true) => Ok(Some(Row { bytes: self.bytes, cells })),
            Ok(false) => Ok(None),
            Err(error) => Err(problem(self.bytes, &error)),
        }
    }
}

impl Row<'_> {
    /// The line in the file where it begins.
    pub(super) fn line(&self) -> u64 {
        line_of(self.bytes, self.cells.position())
    }

    /// The text in a column.
    pub(super) fn text(&self, column: Column) -> &str {
        // Every line has as many cells as there are headings: the reader refuses others.
        self.cells.get(column.0).unwrap_or_default()
    }

    /// The number in a column.
    pub(super) fn number(&self, column: Column) -> Result<f64, Problem> {
        number(self.text(column)).map_err(|reason| self.problem(reason))
    }

    /// Something that is wrong in this line.
    pub(super) fn problem(&self, reason: impl Into<String>) -> Problem {
        Problem::at(self.line(), reason)
    }
}

/// The reader's own count of lines is one behind after `\r\n` and after empty lines.
fn line_of(bytes: &[u8], position: Option<&csv::Position>) -> u64 {
    let from = position.and_then(|position| usize::try_from(position.byte()).ok());
    let from = from.unwrap_or(0).min(bytes.len());
    let breaks = bytes[from..].iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
    line_at(bytes, from + breaks)
}

fn problem(bytes: &[u8], error: &csv::Error) -> Problem {
    let line = error.position().map(|position| line_of(bytes, Some(position)));
    let reason = match error.kind() {
        ErrorKind::UnequalLengths { expected_len, len, .. } => format!(
            "the line has {len} cells, the headings are {expected_len}; did the job come to its end?"
        ),
        ErrorKind::Utf8 { err, .. } => {
            format!("cell {} is not UTF-8; write the file in UTF-8", err.field() + 1)
        }
        _ => format!("the file is no CSV: {error}"),
    };
    line.map_or_else(|| Problem::new(&reason), |line| Problem::at(line, &reason))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fails(text: &[u8]) -> String {
        let read = || {
            let mut table = Table::open(text)?;
            while table.next()?.is_some() {}
            Ok::<_, Problem>(())
        };
        read().unwrap_err().of("f.csv").to_string()
    }

    #[test]
    fn a_line_knows_where_it_stands() {
        let mut table =
            Table::open(b"name,note,ms\r\na,\"two\nlines, and \"\"more\"\"\",1\n\nb,,2.5\n")
                .unwrap();
        let (note, ms) = (table.column("note", "").unwrap(), table.column("ms", "").unwrap());
        let first = table.next().unwrap().unwrap();
        assert_eq!((first.line(), first.text(note)), (2, "two\nlines, and \"more\""));
        let second = table.next().unwrap().unwrap();
        assert_eq!((second.line(), second.text(note)), (5, ""));
        assert_eq!(second.number(ms), Ok(2.5));
        assert_eq!(second.number(note), Err(Problem::at(5, "\"\" is no number")));
        assert!(table.next().unwrap().is_none());
    }

    #[test]
    fn a_torn_line_is_found() {
        let says =
            "f.csv:3: the line has 1 cells, the headings are 2; did the job come to its end?";
        assert_eq!(fails(b"a,b\n1,2\n3"), says);
    }

    #[test]
    fn a_table_that_is_too_wide_is_refused() {
        assert_eq!(fails(&[b','; COLUMNS_MAX]), "f.csv:1: there are more than 1000 columns");
        assert!(Table::open(&[b','; COLUMNS_MAX - 1]).is_ok());
    }

    #[test]
    fn what_is_not_utf_8_is_found() {
        assert_eq!(
            fails(b"a,b\n1,\xff\n"),
            "f.csv:2: cell 2 is not UTF-8; write the file in UTF-8"
        );
    }

    #[test]
    fn a_column_is_found_by_its_heading_alone() {
        let table = Table::open(b"a,b,b\n").unwrap();
        let error = |heading| table.column(heading, ", so mend it").err().unwrap().reason;
        assert_eq!(error("c"), "there is no column \"c\", so mend it; the columns are: a, b, b");
        assert_eq!(error("b"), "more than one column is called \"b\"");
    }
}
