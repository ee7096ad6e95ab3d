//! The table: a row is printed as soon as it is measured.

use std::time::Duration;

use super::goal::{Amount, Floor, Latency};
use super::latency::Latencies;

/// What a row holds.
pub(crate) enum Figure {
    Latency(Latencies, Latency),
    /// An amount, and its unit.
    Amount(f64, &'static str, Amount),
}

#[derive(Default)]
pub(crate) struct Table {
    floor: Floor,
}

impl Table {
    pub(crate) fn head(&self) {
        println!("{}", line("what", ["goal", "p50", "p99", "samples"], "met"));
    }

    /// The disk's row; goals are made from it from now on.
    pub(crate) fn disk(&mut self, disk: Latencies) {
        self.floor = Floor::of(&disk);
        self.row("fdatasync of a 1 KiB append", &Figure::Latency(disk, Latency::None));
    }

    pub(crate) fn row(&self, what: &str, figure: &Figure) {
        println!("{}", row(what, figure, self.floor));
    }

    /// Says what takes a while, beside the table.
    #[allow(clippy::print_stderr, reason = "the table is on standard output, alone")]
    pub(crate) fn note(what: &str) {
        eprintln!("… {what}");
    }
}

fn row(what: &str, figure: &Figure, floor: Floor) -> String {
    match figure {
        Figure::Latency(found, goal) => {
            let goal_text = match goal.limits(floor) {
                (None, None) => String::new(),
                (p50, p99) => {
                    let text = |limit: Option<Duration>| limit.map_or("-".to_owned(), ms);
                    format!("≤ {} / {}", text(p50), text(p99))
                }
            };
            let [p50, p99] = [0.5, 0.99].map(|part| ms(found.quantile(part)));
            let cells = [&goal_text, &p50, &p99, &found.count().to_string()];
            line(what, cells.map(String::as_str), word(goal.is_met(found, floor)))
        }
        Figure::Amount(found, unit, goal) => {
            let goal_text = match goal {
                Amount::AtLeast(least) => format!("≥ {}", amount(*least, unit)),
                Amount::AtMost(most) => format!("≤ {}", amount(*most, unit)),
                Amount::None => String::new(),
            };
            let cells = [&goal_text, &amount(*found, unit), "", ""];
            line(what, cells, word(goal.is_met(*found)))
        }
    }
}

fn line(what: &str, [goal, p50, p99, samples]: [&str; 4], met: &str) -> String {
    format!("{what:<46} {goal:<24} {p50:>12} {p99:>12} {samples:>8}  {met}").trim_end().to_owned()
}

fn word(met: Option<bool>) -> &'static str {
    match met {
        Some(true) => "yes",
        Some(false) => "NO",
        None => "",
    }
}

/// Three digits that count, and more where it is long.
fn ms(duration: Duration) -> String {
    let ms = duration.as_secs_f64() * 1e3;
    let decimals = if ms < 10.0 { 2 } else { usize::from(ms < 100.0) };
    format!("{ms:.decimals$} ms")
}

fn amount(n: f64, unit: &str) -> String {
    let decimals = usize::from(n < 100.0 && n.fract() != 0.0);
    format!("{n:.decimals$} {unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const FLOOR: Floor = Floor { p50: Duration::from_micros(150), p99: Duration::from_millis(2) };

    fn cells(what: &str, figure: &Figure) -> Vec<String> {
        let row = row(what, figure, FLOOR);
        row.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).map(str::to_owned).collect()
    }

    #[test]
    fn a_latency_stands_beside_the_goal_that_the_disk_allows() {
        let found = || Latencies::new(vec![Duration::from_micros(400); 3]).unwrap();
        let goal = Latency::OverFloor(Duration::from_micros(400), Duration::from_millis(3));
        let expected = ["decision", "≤ 0.55 ms / 5.00 ms", "0.40 ms", "0.40 ms", "3", "yes"];
        assert_eq!(cells("decision", &Figure::Latency(found(), goal)), expected);
        let goal = Latency::Tail(Duration::from_micros(300));
        let expected = ["decision", "≤ - / 0.30 ms", "0.40 ms", "0.40 ms", "3", "NO"];
        assert_eq!(cells("decision", &Figure::Latency(found(), goal)), expected);
    }

    #[test]
    fn an_amount_has_its_unit_and_no_quantiles() {
        let figure = Figure::Amount(19_999.4, "/s", Amount::AtLeast(20_000.0));
        assert_eq!(cells("inputs", &figure), ["inputs", "≥ 20000 /s", "19999 /s", "NO"]);
        assert_eq!(cells("size", &Figure::Amount(17.25, "MB", Amount::None)), ["size", "17.2 MB"]);
    }

    #[test]
    fn durations_show_the_digits_that_count() {
        let shown = [0.1234, 5.678, 45.67, 456.7].map(|n| ms(Duration::from_secs_f64(n / 1e3)));
        assert_eq!(shown, ["0.12 ms", "5.68 ms", "45.7 ms", "457 ms"]);
    }
}
