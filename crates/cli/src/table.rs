//! Columns that line up.

use crate::text;

/// Between two columns.
const GAP: &str = "  ";

/// Lines of a header and rows, each column as wide as its widest cell.
pub(crate) fn lines<const N: usize>(header: [&str; N], rows: &[[String; N]]) -> Vec<String> {
    let rows: Vec<[String; N]> =
        rows.iter().map(|row| row.each_ref().map(|cell| text::plain(cell))).collect();
    let mut widths = header.map(width);
    for row in &rows {
        for (widest, cell) in widths.iter_mut().zip(row) {
            *widest = (*widest).max(width(cell));
        }
    }
    let header = header.map(str::to_owned);
    std::iter::once(&header).chain(&rows).map(|row| line(row, &widths)).collect()
}

fn line<const N: usize>(row: &[String; N], widths: &[usize; N]) -> String {
    let mut line = String::new();
    for (cell, width_max) in row.iter().zip(widths) {
        line.push_str(cell);
        line.push_str(&" ".repeat(width_max - width(cell)));
        line.push_str(GAP);
    }
    line.truncate(line.trim_end().len());
    line
}

fn width(cell: &str) -> usize {
    cell.chars().count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_and_lines_have_no_tail() {
        let rows = [["a→b".to_owned(), "1".to_owned()], ["x".to_owned(), String::new()]];
        assert_eq!(lines(["NAME", "N"], &rows), ["NAME  N", "a→b   1", "x"]);
    }

    #[test]
    fn a_cell_cannot_break_out_of_its_line() {
        let rows = [["a\nb\u{1b}[1m".to_owned()]];
        assert_eq!(lines(["X"], &rows)[1], "a b\u{fffd}[1m");
    }
}
