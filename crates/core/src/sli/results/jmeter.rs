//! The samples of a run of JMeter: a JTL file in CSV, which is what `jmeter -n -l results.jtl` writes.
//! Selectors are a statistic, over all samples or, as `statistic[label]`, over those with that label:
//!
//! - `avg`, `min`, `max`, `median`, `p95`, `p99.9`: of the elapsed time, in milliseconds. A percentile is
//!   the smallest elapsed time that at least so many percent of the samples did not exceed;
//! - `count`: samples; `errors`: samples without success; `error_rate`: their share, from 0 to 1;
//! - `throughput`: samples in a second, from the start of the first to the end of the last.
//!
//! A sample of a transaction counts as the others: name a label to leave it out.

use std::collections::BTreeSet;

use super::problem::{Problem, choice};
use super::table::{Column, Row, Table};
use crate::excerpt::excerpt;

/// Labels that are kept for a message: a few more than it shows.
const LABELS_KEPT: usize = 16;

/// Which number of which samples.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Samples {
    statistic: Statistic,
    label: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Statistic {
    Average,
    Min,
    Max,
    /// Above 0, up to 100.
    Percentile(f64),
    Count,
    Errors,
    ErrorRate,
    Throughput,
}

impl Samples {
    /// Reads a selector.
    pub(super) fn parse(selector: &str) -> Result<Self, String> {
        let (name, label) = match selector.strip_suffix(']').and_then(|all| all.split_once('[')) {
            Some((name, label)) => (name, Some(label.to_owned())),
            None => (selector, None),
        };
        let statistic = Statistic::parse(name).ok_or_else(|| {
            format!(
                "{selector:?} is none of avg, min, max, median, p95, count, errors, error_rate, \
                 throughput, with a label or without, such as p95[Checkout]"
            )
        })?;
        Ok(Self { statistic, label })
    }
}

impl Statistic {
    fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "avg" => Self::Average,
            "min" => Self::Min,
            "max" => Self::Max,
            "median" => Self::Percentile(50.0),
            "count" => Self::Count,
            "errors" => Self::Errors,
            "error_rate" => Self::ErrorRate,
            "throughput" => Self::Throughput,
            _ => {
                let digits = name.strip_prefix('p')?;
                let written = digits.bytes().all(|b| b.is_ascii_digit() || b == b'.');
                let percent = digits.parse().ok().filter(|percent| written && *percent > 0.0)?;
                (percent <= 100.0).then_some(Self::Percentile(percent))?
            }
        })
    }
}

pub(super) fn read(samples: &Samples, bytes: &[u8]) -> Result<f64, Problem> {
    if bytes.starts_with(b"<") {
        return Err(Problem::new(
            "the file is XML; write CSV, by jmeter.save.saveservice.output_format=csv",
        ));
    }
    let mut table = Table::open(bytes)?;
    let columns = Columns::of(&table)?;
    let mut sums = Sums::default();
    let mut others = BTreeSet::new();
    while let Some(row) = table.next()? {
        let label = row.text(columns.label);
        match &samples.label {
            Some(wanted) if wanted != label => {
                if others.len() < LABELS_KEPT {
                    others.insert(label.to_owned());
                }
            }
            _ => sums.add(&row, &columns, samples.statistic)?,
        }
    }
    match &samples.label {
        // Also for a count: the label is misspelt more often than it is rightly absent.
        Some(wanted) if sums.count == 0 => {
            let (shown, known) = (excerpt(wanted, 100), choice(others.iter().map(String::as_str)));
            Err(Problem::new(format!("no sample has the label {shown:?}; the labels are: {known}")))
        }
        _ => sums.value(samples.statistic),
    }
}

struct Columns {
    label: Column,
    elapsed: Column,
    success: Column,
    start: Column,
}

impl Columns {
    fn of(table: &Table<'_>) -> Result<Self, Problem> {
        let mend = "; JMeter writes it with jmeter.save.saveservice.print_field_names=true and without \
                    settings that leave it out";
        let column = |heading| table.column(heading, mend);
        Ok(Self {
            label: column("label")?,
            elapsed: column("elapsed")?,
            success: column("success")?,
            start: column("timeStamp")?,
        })
    }
}

/// What has been seen of the samples.
#[derive(Default)]
struct Sums {
    count: usize,
    errors: usize,
    /// Milliseconds, in file order; only where a statistic wants them.
    elapsed: Vec<f64>,
    /// Start of the first and end of the last, in milliseconds; only for the throughput.
    span: Option<(f64, f64)>,
}

impl Sums {
    fn add(
        &mut self,
        row: &Row<'_>,
        columns: &Columns,
        statistic: Statistic,
    ) -> Result<(), Problem> {
        self.count += 1;
        match statistic {
            Statistic::Count => {}
            Statistic::Errors | Statistic::ErrorRate => match row.text(columns.success) {
                "true" => {}
                "false" => self.errors += 1,
                other => {
                    let reason = format!("success is {:?}, not true or false", excerpt(other, 64));
                    return Err(row.problem(reason));
                }
            },
            Statistic::Throughput => {
                let start = row.number(columns.start).map_err(|problem| {
                    row.problem(format!(
                        "timeStamp: {}; write milliseconds, by \
                         jmeter.save.saveservice.timestamp_format=ms",
                        problem.reason
                    ))
                })?;
                let end = start + row.number(columns.elapsed)?;
                let (first, last) = self.span.unwrap_or((start, end));
                self.span = Some((first.min(start), last.max(end)));
            }
            Statistic::Average | Statistic::Min | Statistic::Max | Statistic::Percentile(_) => {
                self.elapsed.push(row.number(columns.elapsed)?);
            }
        }
        Ok(())
    }

    #[allow(clippy::cast_precision_loss, reason = "a file has fewer samples than 2^53")]
    fn value(mut self, statistic: Statistic) -> Result<f64, Problem> {
        let count = self.count as f64;
        if statistic == Statistic::Count {
            return Ok(count);
        }
        if self.count == 0 {
            return Err(Problem::new("there is no sample; did the test begin at all?"));
        }
        self.elapsed.sort_by(f64::total_cmp);
        let ranked = |rank: usize| self.elapsed[rank.clamp(1, self.elapsed.len()) - 1];
        Ok(match statistic {
            Statistic::Count => count,
            Statistic::Average => self.elapsed.iter().sum::<f64>() / count,
            Statistic::Min => ranked(1),
            Statistic::Max => ranked(self.elapsed.len()),
            Statistic::Percentile(percent) => ranked(rank(percent, self.elapsed.len())),
            Statistic::Errors => self.errors as f64,
            Statistic::ErrorRate => self.errors as f64 / count,
            Statistic::Throughput => {
                let seconds = self.span.map_or(0.0, |(first, last)| (last - first) / 1_000.0);
                if seconds <= 0.0 {
                    return Err(Problem::new(
                        "the samples took no time, so there is no throughput",
                    ));
                }
                count / seconds
            }
        })
    }
}

/// The nearest rank, counted from 1.
#[allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "between 0 and the number of samples, which is far below 2^53"
)]
fn rank(percent: f64, count: usize) -> usize {
    // Multiplied first: 29 % of 100 would come to a little more than 29 otherwise.
    (percent * count as f64 / 100.0).ceil() as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "timeStamp,elapsed,label,responseCode,responseMessage,threadName,dataType,success,\
                        failureMessage,bytes,sentBytes,grpThreads,allThreads,URL,Latency,IdleTime,Connect\n";

    fn line(start: u64, elapsed: u64, label: &str, success: bool) -> String {
        format!(
            "{start},{elapsed},{label},200,\"OK, fine\",Users 1-1,text,{success},,17,9,1,1,http://x/,3,0,1\n"
        )
    }

    fn run() -> String {
        let begin = 1_643_623_200_000;
        let lines = [
            line(begin, 100, "Login", true),
            line(begin + 1_000, 300, "Checkout", true),
            line(begin + 3_000, 1_000, "Checkout", false),
            line(begin + 500, 200, "\"Login, again\"", false),
        ];
        HEAD.to_owned() + &lines.concat()
    }

    fn at(selector: &str, text: &str) -> Result<f64, String> {
        let samples = Samples::parse(selector).unwrap();
        read(&samples, text.as_bytes()).map_err(|problem| problem.of("r.jtl").to_string())
    }

    #[test]
    fn every_statistic_is_of_all_samples_or_of_a_label() {
        for (selector, number) in [
            ("avg", 400.0),
            ("min", 100.0),
            ("max", 1_000.0),
            ("median", 200.0),
            ("p75", 300.0),
            ("p75.1", 1_000.0),
            ("p100", 1_000.0),
            ("p0.1", 100.0),
            ("count", 4.0),
            ("errors", 2.0),
            ("error_rate", 0.5),
            // From the start of the first to the end of the last: 4 s.
            ("throughput", 1.0),
            ("avg[Checkout]", 650.0),
            ("errors[Login]", 0.0),
            ("count[Login, again]", 1.0),
            ("p95[Login, again]", 200.0),
        ] {
            assert_eq!(at(selector, &run()), Ok(number), "{selector}");
        }
    }

    #[test]
    fn a_percentile_is_the_nearest_rank() {
        assert_eq!([29.0, 29.5, 95.0, 100.0].map(|percent| rank(percent, 100)), [29, 30, 95, 100]);
        assert_eq!(rank(0.001, 5), 1);
        assert_eq!([1, 2, 3].map(|count| rank(50.0, count)), [1, 1, 2]);
    }

    #[test]
    fn nothing_is_no_value_but_for_the_count() {
        assert_eq!(at("count", HEAD), Ok(0.0));
        for selector in ["avg", "min", "p95", "errors", "error_rate", "throughput"] {
            let says = "r.jtl: there is no sample; did the test begin at all?";
            assert_eq!(at(selector, HEAD), Err(says.to_owned()));
        }
        let says = "r.jtl: no sample has the label \"login\"; the labels are: Checkout, Login, Login, \
                    again";
        assert_eq!(at("count[login]", &run()), Err(says.to_owned()));
    }

    #[test]
    fn what_is_no_jtl_in_csv_is_said_with_the_setting() {
        let dated = format!("{HEAD}2022/01/31 10:00:00,5,a,,,,,true,,,,,,,,,\n");
        let odd = format!("{HEAD}1,5,a,,,,,maybe,,,,,,,,,\n");
        for (selector, text, says) in [
            (
                "avg",
                "<?xml version=\"1.0\"?>",
                "r.jtl: the file is XML; write CSV, by jmeter.save.saveserv",
            ),
            (
                "avg",
                "1643623200000,5,Login\n",
                "r.jtl:1: there is no column \"label\"; JMeter writes it w",
            ),
            (
                "throughput",
                &dated,
                "r.jtl:2: timeStamp: \"2022/01/31 10:00:00\" is no number; write mill",
            ),
            ("errors", &odd, "r.jtl:2: success is \"maybe\", not true or false"),
            (
                "throughput",
                &(HEAD.to_owned() + &line(5, 0, "a", true)),
                "r.jtl: the samples took no time",
            ),
            ("avg", &run()[..run().len() - 40], "r.jtl:5: the line has "),
        ] {
            let error = at(selector, text).unwrap_err();
            assert!(error.starts_with(says), "{error}");
        }
        assert_eq!(at("avg", &dated), Ok(5.0));
    }

    #[test]
    fn other_selectors_are_refused_with_those_there_are() {
        for odd in ["p", "p0", "p101", "p-5", "p1e1", "pinf", "p95 ", "mean", "", "avg[a", "[a]"] {
            let error = Samples::parse(odd).unwrap_err();
            assert!(error.starts_with(&format!("{odd:?} is none of avg, ")), "{error}");
        }
    }
}
