//! Columns that line up.

use crate::tone::{Span, Tone, line};

/// Between two columns.
const GAP: &str = "  ";
/// No column is made narrower than this.
const WIDTH_MIN: usize = 8;

/// Lines of a header and rows, each column as wide as its widest cell. Where the width is limited, the
/// widest columns give way; the first never does, because it is what one copies.
pub(crate) fn lines<const N: usize>(
    header: [&str; N],
    rows: &[[Span; N]],
    colour: bool,
    width_max: Option<usize>,
) -> Vec<String> {
    let header = header.map(|name| Span::new(name, Tone::Muted));
    let mut widths = header.each_ref().map(Span::width);
    for row in rows {
        for (widest, cell) in widths.iter_mut().zip(row) {
            *widest = (*widest).max(cell.width());
        }
    }
    if let Some(width_max) = width_max {
        shrink(&mut widths, width_max);
    }
    let spread = |row: &[Span; N]| -> String {
        let mut spans = Vec::with_capacity(2 * N);
        for (cell, width) in row.iter().zip(widths) {
            let cell = cell.cut(width);
            let blank = " ".repeat(width - cell.width()) + GAP;
            spans.extend([cell, Span::from(blank)]);
        }
        line(&spans, colour, None)
    };
    std::iter::once(&header).chain(rows).map(spread).collect()
}

fn shrink<const N: usize>(widths: &mut [usize; N], width_max: usize) {
    let gaps = GAP.len() * N.saturating_sub(1);
    while widths.iter().sum::<usize>() + gaps > width_max {
        let widest = widths.iter_mut().skip(1).max();
        match widest {
            Some(width) if *width > WIDTH_MIN => *width -= 1,
            _ => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_and_lines_have_no_tail() {
        let rows = [["a→b".into(), "1".into()], ["x".into(), Span::default()]];
        assert_eq!(lines(["NAME", "N"], &rows, false, None), ["NAME  N", "a→b   1", "x"]);
    }

    #[test]
    fn a_cell_cannot_break_out_of_its_line() {
        let rows = [["a\nb\u{1b}[1m".into()]];
        assert_eq!(lines(["X"], &rows, false, None)[1], "a b\u{fffd}[1m");
    }

    #[test]
    fn the_widest_columns_give_way_and_what_one_copies_does_not() {
        let id = "0199c1d2-5e3f-7a4b-8c6d-9e0f1a2b3c4d";
        let rows = [[id.into(), "registry.example.org/team/service:v1.2.3".into(), "ada".into()]];
        let lines = lines(["ID", "IMAGE", "BY"], &rows, false, Some(60));
        assert_eq!(lines[1].chars().count(), 60, "{}", lines[1]);
        assert!(lines[1].starts_with(id) && lines[1].ends_with("…  ada"), "{}", lines[1]);
    }
}
