//! The statistics of a run of Locust 2, the file that `--csv PREFIX` calls `PREFIX_stats.csv`. Selectors
//! are `row/column`, with the names of the file: `Aggregated/95%`, `Aggregated/Requests/s`,
//! `/checkout/Failure Count`. Where two methods share a name, the method stands before it: `GET /cart/90%`.
//!
//! Times are in milliseconds.

use super::problem::{Problem, choice};
use super::table::{Column, Row, Table};
use crate::excerpt::excerpt;

/// Names of rows that are kept for a message: a few more than it shows.
const NAMES_KEPT: usize = 16;

/// The shape of a selector; which rows and columns there are is said by the file.
pub(super) fn check(selector: &str) -> Result<(), String> {
    match selector.rsplit_once('/') {
        Some((row, column)) if !row.is_empty() && !column.is_empty() => Ok(()),
        _ => Err(format!("{selector:?} is not row/column, such as Aggregated/95%")),
    }
}

pub(super) fn read(selector: &str, bytes: &[u8]) -> Result<f64, Problem> {
    let mut table = Table::open(bytes)?;
    let name = table.column("Name", ", so these are no statistics of Locust")?;
    let method = table.column("Type", ", so these are no statistics of Locust")?;
    let (wanted, column) = split(selector, &table)?;
    let mut found: Option<Row<'_>> = None;
    let mut names = Vec::new();
    while let Some(row) = table.next()? {
        let with_method = || format!("{} {}", row.text(method), row.text(name));
        if row.text(name) != wanted && with_method() != wanted {
            if names.len() < NAMES_KEPT {
                names.push(row.text(name).to_owned());
            }
            continue;
        }
        if let Some(before) = found {
            return Err(twice(&before, &row, (method, name)));
        }
        found = Some(row);
    }
    let Some(row) = found else {
        let (shown, known) = (excerpt(wanted, 100), choice(names.iter().map(String::as_str)));
        return Err(Problem::new(format!("there is no row {shown:?}; the rows are: {known}")));
    };
    if row.text(column) == "N/A" {
        return Err(row.problem("there is no value, because nothing was requested"));
    }
    row.number(column)
}

/// Names of rows and columns may both hold slashes, so the file decides: the longest column there is.
fn split<'s>(selector: &'s str, table: &Table<'_>) -> Result<(&'s str, Column), Problem> {
    let slashes = selector.match_indices('/').map(|(at, _)| (&selector[..at], &selector[at + 1..]));
    for (row, heading) in slashes {
        if let Some(column) = table.find(heading)? {
            return Ok((row, column));
        }
    }
    let heading = selector.rsplit('/').next().unwrap_or(selector);
    Ok((selector, table.column(heading, "")?))
}

fn twice(before: &Row<'_>, row: &Row<'_>, (method, name): (Column, Column)) -> Problem {
    let (one, other, name) = (before.text(method), row.text(method), excerpt(row.text(name), 64));
    if one == other {
        return row.problem(format!(
            "the row is there before, in line {}; use the file that ends in _stats.csv",
            before.line()
        ));
    }
    row.problem(format!(
        "the row {name:?} is there twice; put its method before it: {one} {name} or {other} {name}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As Locust 2 writes it.
    const STATS: &str = "\
Type,Name,Request Count,Failure Count,Median Response Time,Average Response Time,Min Response Time,\
Max Response Time,Average Content Size,Requests/s,Failures/s,50%,66%,75%,80%,90%,95%,98%,99%,99.9%,\
99.99%,100%\r
GET,/cart,120,0,12,13.5,4.25,80.5,512.0,2.01,0.0,12,14,16,17,21,30,45,60,80,80,80\r
POST,/cart,60,3,25,27.25,9.0,210.0,64.0,1.0,0.05,25,28,31,33,41,55,90,140,210,210,210\r
GET,\"/a/b, c\",1,0,5,5.0,5.0,5.0,1.0,0.01,0.0,5,5,5,5,5,5,5,5,5,5,5\r
GET,/never,0,0,0,0.0,0,0,0,0.0,0.0,N/A,N/A,N/A,N/A,N/A,N/A,N/A,N/A,N/A,N/A,N/A\r
,Aggregated,181,3,14,18.04,4.25,210.0,360.1,3.02,0.05,14,17,20,24,33,44,70,110,210,210,210\r
";

    fn at(selector: &str, text: &str) -> Result<f64, String> {
        read(selector, text.as_bytes()).map_err(|problem| problem.of("s.csv").to_string())
    }

    #[test]
    fn a_cell_is_chosen_by_row_and_column() {
        for (selector, number) in [
            ("Aggregated/95%", 44.0),
            ("Aggregated/99.9%", 210.0),
            ("Aggregated/Requests/s", 3.02),
            ("Aggregated/Failures/s", 0.05),
            ("Aggregated/Failure Count", 3.0),
            ("GET /cart/Average Response Time", 13.5),
            ("POST /cart/95%", 55.0),
            ("/a/b, c/100%", 5.0),
            ("/never/Request Count", 0.0),
        ] {
            assert_eq!(at(selector, STATS), Ok(number), "{selector}");
        }
    }

    #[test]
    fn what_is_not_just_one_number_is_said() {
        for (selector, text, says) in [
            (
                "/cart/95%",
                STATS,
                "s.csv:3: the row \"/cart\" is there twice; put its method before it: \
                GET /cart or POST /cart",
            ),
            (
                "/none/95%",
                STATS,
                "s.csv: there is no row \"/none\"; the rows are: /cart, /cart, /a/b, c, \
                /never, Aggregated",
            ),
            (
                "Aggregated/97%",
                STATS,
                "s.csv:1: there is no column \"97%\"; the columns are: Type, Name, ",
            ),
            ("/never/95%", STATS, "s.csv:5: there is no value, because nothing was requested"),
            ("Aggregated/Type", STATS, "s.csv:6: \"\" is no number"),
            (
                "a/b",
                "x,y\n1,2\n",
                "s.csv:1: there is no column \"Name\", so these are no statistics of",
            ),
            (
                "Aggregated/95%",
                "Timestamp,Type,Name,95%\n1,,Aggregated,3\n2,,Aggregated,4\n",
                "s.csv:3: the row is there before, in line 2; use the file that ends in _stats.csv",
            ),
        ] {
            let error = at(selector, text).unwrap_err();
            assert!(error.starts_with(says), "{error}");
        }
    }

    #[test]
    fn a_selector_has_a_row_and_a_column() {
        assert!(check("Aggregated/95%").is_ok());
        for odd in ["95%", "/95%", "Aggregated/"] {
            let says = "is not row/column, such as Aggregated/95%";
            assert_eq!(check(odd), Err(format!("{odd:?} {says}")));
        }
    }
}
