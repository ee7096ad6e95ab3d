//! Any table in CSV, with commas and a line of headings. Selectors:
//!
//! - `column[key]`: that column of the line whose first cell is `key`;
//! - `column`: that column of a table with one line only.
//!
//! A heading that ends in `]` itself, such as `latency [ms]`, is written as it is.

use super::problem::Problem;
use super::table::{Column, Row, Table};
use crate::excerpt::excerpt;

pub(super) fn read(selector: &str, bytes: &[u8]) -> Result<f64, Problem> {
    let mut table = Table::open(bytes)?;
    if let Some(column) = table.find(selector)? {
        return only_line(&mut table, column, selector);
    }
    let split = selector.strip_suffix(']').and_then(|inner| inner.rsplit_once('['));
    let Some((heading, key)) = split else {
        return Err(table.column(selector, "").err().unwrap_or_else(|| Problem::new("no column")));
    };
    let column = table.column(heading, "")?;
    line_of(&mut table, key)?.number(column)
}

fn only_line(table: &mut Table<'_>, column: Column, selector: &str) -> Result<f64, Problem> {
    let Some(row) = table.next()? else {
        return Err(Problem::new("there is no line below the headings"));
    };
    if table.next()?.is_some() {
        let name = excerpt(row.text(table.first()), 64).into_owned();
        return Err(Problem::new(format!(
            "there is more than one line below the headings; name one by its first cell, such as \
             {selector}[{name}]"
        )));
    }
    row.number(column)
}

/// The one line whose first cell is `key`.
fn line_of<'b>(table: &mut Table<'b>, key: &str) -> Result<Row<'b>, Problem> {
    let first = table.first();
    let mut found: Option<Row<'_>> = None;
    while let Some(row) = table.next()? {
        if row.text(first) != key {
            continue;
        }
        if let Some(before) = found {
            let reason = format!("the first cell is {key:?} here and in line {}", before.line());
            return Err(row.problem(reason));
        }
        found = Some(row);
    }
    found.ok_or_else(|| Problem::new(format!("no line has {key:?} as its first cell")))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZES: &str = "name,bytes,latency [ms]\napp,17,1.5\n\"a,b\",-2e3,2\nempty,,3\n";

    fn at(selector: &str, text: &str) -> Result<f64, String> {
        read(selector, text.as_bytes()).map_err(|problem| problem.of("f.csv").to_string())
    }

    #[test]
    fn a_line_is_chosen_by_its_first_cell() {
        assert_eq!(at("bytes[app]", SIZES), Ok(17.0));
        assert_eq!(at("bytes[a,b]", SIZES), Ok(-2000.0));
        assert_eq!(at("latency [ms][app]", SIZES), Ok(1.5));
    }

    #[test]
    fn a_table_of_one_line_needs_no_key() {
        assert_eq!(at("bytes", "name,bytes\napp,17\n"), Ok(17.0));
        assert_eq!(at("latency [ms]", "name,latency [ms]\napp,1.5"), Ok(1.5));
        assert_eq!(at("bytes[app]", "name,bytes\napp,17\n"), Ok(17.0));
    }

    #[test]
    fn what_is_not_just_one_number_is_said() {
        for (selector, text, says) in [
            ("size", SIZES, "f.csv:1: there is no column \"size\"; the columns are: name, bytes, "),
            ("size[app]", SIZES, "f.csv:1: there is no column \"size\"; the columns are: name, "),
            (
                "bytes",
                SIZES,
                "f.csv: there is more than one line below the headings; name one by its \
                first cell, such as bytes[app]",
            ),
            ("bytes", "name,bytes\n", "f.csv: there is no line below the headings"),
            ("bytes[App]", SIZES, "f.csv: no line has \"App\" as its first cell"),
            ("bytes[empty]", SIZES, "f.csv:4: \"\" is no number"),
            ("name[app]", SIZES, "f.csv:2: \"app\" is no number"),
            ("b[x]", "a,b\nx,1\ny,2\nx,3\n", "f.csv:4: the first cell is \"x\" here and in line 2"),
        ] {
            let error = at(selector, text).unwrap_err();
            assert!(error.starts_with(says), "{error}");
        }
    }
}
